# Where runs are measured: two Dovecots, the local one over plain TCP, the
# remote one over TLS through a proxy (proxy.c) that is always on the same port,
# whatever the delay, since a tool may remember a server by its port; a state
# that is saved and put back; and the figures of a run.
import os, shutil, statistics, subprocess, sys, time
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from servers import *
from tools import *

DEADLINE = 300                  # seconds, of one run
SETTLE = 2.1                    # seconds, see warm()

SERVER = """
mail_max_userip_connections = 1000
service imap {
  process_limit = 1000
  process_min_avail = 2
  service_count = 100
}
service imap-login {
  service_count = 0
  process_min_avail = 1
  client_limit = 1000
}
"""
COMPRESS = """
mail_plugins = $mail_plugins zlib
protocol imap {
  mail_plugins = $mail_plugins imap_zlib
}
"""


class Wrong(Exception):
    """A tool failed, or left something it should not have."""


class Proxy:
    """The link to the remote server, on this port; 0 takes any."""
    def __init__(self, scratch, program, target, rtt, port=0):
        self.rtt = rtt
        self.log = os.path.join(scratch.dir, "link.%d.%d" % (target, rtt))
        scratch.write(os.path.basename(self.log), "")
        self.proc = subprocess.Popen(
            as_user([program, "-l", str(port), "-t", str(target), "-d",
                     str(rtt // 2), "-o", self.log]),
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.proc.stdout.readline())
        self.read = 0

    def stop(self):
        self.proc.terminate()
        self.proc.wait()

    def lines(self, wait):
        """The counts of the connections that ended since the last call."""
        end = time.monotonic() + wait
        while True:
            with open(self.log) as f:
                f.seek(self.read)
                text = f.read()
            if "\n" in text or time.monotonic() > end:
                break
            time.sleep(0.005)
        self.read += len(text)
        return [pairs(line) for line in text.splitlines()]


def pairs(line):
    w = line.split()
    return dict(zip(w[::2], map(int, w[1::2])))


class Run:
    """The figures of one run: s, octets, MB, and counts of the proxy."""
    NAMES = ("wall", "cpu", "pss", "rss", "up", "down", "turns", "chain")

    def __init__(self, took, links):
        self.wall = took["wall"] / 1e6
        self.cpu = (took["user"] + took["sys"]) / 1e6
        self.pss, self.rss = took["pss"] / 1024, took["rss"] / 1024
        self.samples = took["samples"]
        self.up = sum(k["up"] for k in links)
        self.down = sum(k["down"] for k in links)
        self.turns = sum(k["turns"] for k in links)
        self.chain = max((k["chain"] for k in links), default=0)


class Median:
    def __init__(self, runs):
        for f in Run.NAMES:
            setattr(self, f, statistics.median(getattr(r, f) for r in runs))
        self.runs = len(runs)
        self.least = min(r.chain for r in runs)
        self.quickest = min(r.wall for r in runs)
        self.slowest = max(r.wall for r in runs)
        self.trips = None


class Place:
    """Servers, links and a state that is saved and put back."""
    def __init__(self, scratch, compress=False, proxy=None, cert=None,
                 name=""):
        self.scratch, self.compress = scratch, compress
        self.proxy = None
        self.program = proxy or os.path.join(BUILD, "proxy")
        self.measure = os.path.join(BUILD, "measure")
        self.cert = cert or make_cert(scratch, "cert")
        extra = SERVER + (COMPRESS if compress else "")
        self.local = Dovecot(scratch, name + "l", extra).start()
        self.remote = Dovecot(scratch, name + "r", extra,
                              cert=self.cert).start()
        self.state = scratch.mkdir(name + "state")
        self.copies = os.path.join(scratch.dir, name + "saved")
        self.parts = (self.local.mail, self.remote.mail, self.state)
        self.now = None         # what was put back last, if it is known
        self.want = {}          # what must be there after a run from a state
        self.down, self.boxes = False, []
        scratch.servers.insert(0, self)

    def stop(self):
        if self.proxy is not None:
            self.proxy.stop()

    def link(self, rtt):
        if self.proxy is None or self.proxy.rtt != rtt:
            port = 0 if self.proxy is None else self.proxy.port
            self.stop()
            self.proxy = Proxy(self.scratch, self.program, self.remote.imaps,
                               rtt, port)
        return self.proxy

    def saved(self, name, part):
        return os.path.join(self.copies, name, str(self.parts.index(part)))

    def has(self, name):
        return os.path.exists(os.path.join(self.copies, name))

    def save(self, name):
        os.makedirs(os.path.join(self.copies, name))
        for part in self.parts:
            clone(part, self.saved(name, part))

    def put_back(self, name=None):
        """The state as it was saved; without a name, nothing at all."""
        self.now = None
        for part in self.parts:
            shutil.rmtree(part)
            if name is None:
                os.mkdir(part)
                self.scratch.give(part)
            else:
                clone(self.saved(name, part), part)

    def forget(self):
        shutil.rmtree(self.copies, True)
        self.want = {}

    def run(self, tool, rtt=0, sample=0, deadline=DEADLINE):
        """Of one run; with sample, its memory is looked at every ms."""
        link = self.link(rtt)
        argv = tool.command(self, link.port)
        log = os.path.join(self.scratch.dir, "took")
        who = ["-u", str(USER.pw_uid), "-g", str(USER.pw_gid)] \
            if os.getuid() == 0 else []
        link.lines(0)
        p = subprocess.run(
            [self.measure, "-o", log, "-t", str(deadline), "-s", str(sample),
             *who, "--", *argv], env=self.scratch.env(), text=True,
            errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/")
        if p.returncode != 0:
            raise Wrong("%s: status %d: %s" % (tool.name, p.returncode,
                                               p.stdout[-500:]))
        with open(log) as f:
            took = pairs(f.read().splitlines()[-1])
        return Run(took, link.lines(5))


def clone(src, dst):
    """
    A copy with all times kept: Dovecot goes by those of cur/ and new/.  The
    messages are links, since nobody writes into a message; all else may be
    written to and is copied.
    """
    subprocess.run(["cp", "-al", src, dst], check=True)
    for where, dirs, files in os.walk(dst):
        if os.path.basename(where) in ("cur", "new"):
            continue
        for name in files:
            own(os.path.join(where, name))


def own(path):
    """A file of its own instead of a link."""
    st = os.stat(path)
    os.rename(path, path + "~")
    shutil.copy2(path + "~", path)
    os.unlink(path + "~")
    if os.getuid() == 0:
        os.chown(path, st.st_uid, st.st_gid)


def warm(server):
    """
    Lets the server open every mailbox, so that its indexes are built.  Dovecot
    reads a Maildir again and again while it has changed within two seconds;
    once it was opened after that, the indexes are believed.
    """
    with server.client() as c:
        for box in c.mailboxes():
            c.ok(c.c.status(quote(box), "(MESSAGES HIGHESTMODSEQ)"))
