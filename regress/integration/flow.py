#!/usr/bin/env python3
# It cannot lock up: bodies of megabytes in both directions in many mailboxes
# at once, one on each side larger than all that an imapchild holds, with flag
# changes and deletions, between real Dovecots behind hostile/narrow.c, which
# makes of them servers with small buffers, that read slowly, or that send
# before they read.  Each run has a deadline; when it is missed, where every
# process waits is said, and they are killed.  A run must end with both sides
# as they are to be, and the next one must find nothing to do.
#
#	flow.py [part of a name]
#
# FLOW_MIB is the weight of the bodies each way beside the largest (default
# 20), FLOW_RATE what a slow server reads in KiB a second (default 6000),
# FLOW_DEADLINE the seconds for one run (default 60).  With FLOW_LONG servers
# that send drop by drop follow; these take minutes.
import random, signal, sys
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from sync import Pair
from tap import *

MIB = int(os.environ.get("FLOW_MIB", "20"))
RATE = int(os.environ.get("FLOW_RATE", "6000")) * 1024
DEADLINE = int(os.environ.get("FLOW_DEADLINE", "60"))
BOXES = ["Box%02d" % n for n in range(40)]
OLD = 6                 # messages of a mailbox that both sides have before
NEW = 3                 # small ones that are new on each side

SMALL = "-b 4096 -q 4096"
SLOW = "-b 4096 -q 4096 -p 2000 -r %d" % RATE
FIRST = "-s -b 4096 -q 4096"
DROPS = "-s -d 30 -b 4096 -q 4096"
LITERAL = "-l -b 4096 -q 16384"

# What stands before the local and before the remote server, if anything.
MODES = [
    ("small buffers on both sides", SMALL, SMALL),
    ("slow readers on both sides", SLOW, SLOW),
    ("both send before they read", FIRST, FIRST),
    ("both send before they read a literal", LITERAL, LITERAL),
    ("one sends first, the other reads slowly", FIRST, SLOW),
    ("one sends before a literal, the other first and slowly", LITERAL,
     "-s " + SLOW),
]
# A minute, and more.  With the headers of small pieces in the ring
# (imapchild/body.c joins these) it never ends; it takes 10 MiB to see that.
DROPS_MODE = ("both send drop by drop before they read", DROPS, DROPS)
TLS_MODE = ("over TLS, one sends first, the other has small buffers", FIRST,
            SMALL)


def credit():
    """What an imapchild can hold, from lib/msg.h."""
    with open(os.path.join(TOP, "lib", "msg.h")) as f:
        m = re.search(r"BODY_CREDIT\s+\((\d+) \* 1024 \* 1024\)", f.read())
    return int(m.group(1)) << 20


def message(seed, size):
    """A message of about this size, unlike all others."""
    rng = random.Random(seed)
    line = rng.randbytes(36).hex() + "\r\n"
    return ("From: sender@example.org\r\nSubject: %s\r\nMessage-ID: "
            "<%s@example.org>\r\n\r\n" % (seed, seed) +
            line * (size // len(line))).encode()


def sizes():
    """Sizes of the large new messages, {mailbox: size}: some of 1 to 3 MiB,
    and one larger than the credit, spread over the mailboxes."""
    out, left, k = {}, MIB, 0
    while left > 0:
        n = min(left, 1 + k % 3)
        out[BOXES[k * 7 % len(BOXES)]] = n << 20
        left -= n
        k += 1
        if k == len(BOXES):
            break
    out[BOXES[5]] = credit() + (1 << 20)
    return out


# ---- how the two sides begin, and what is to become of them ----

def digest(octets):
    return hashlib.sha256(octets).hexdigest()


def listing(c, box):
    """{digest: (UID, flags)}"""
    c.select(box)
    out = {}
    for item in c.ok(c.c.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")):
        if isinstance(item, tuple):
            m = re.search(rb"UID (\d+) FLAGS \(([^)]*)\)", item[0])
            fl = {f.lower() for f in m.group(2).decode().split()}
            out[digest(item[1])] = int(m.group(1)), fl - {"\\recent"}
    return out


class Servers(Pair):
    """The same, with a certificate."""
    def __init__(self, scratch):
        cert = make_cert(scratch, "server")
        self.l = Dovecot(scratch, "L", cert=cert)
        self.r = Dovecot(scratch, "R", cert=cert)
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              tunnel_section(self.r))


class Scene:
    """Both Maildirs and the database before the run, and the end wanted."""
    def __init__(self, scratch):
        self.scratch, self.want, self.octets = scratch, {}, [0, 0]
        self.pair = p = Servers(scratch)
        fill_maildir(p.l, BOXES, count=OLD)
        p.run()
        big = sizes()
        with p.l.client() as l, p.r.client() as r:
            for box in BOXES:
                self.change(box, l, r)
                self.add(box, 0, l, big.get(box))
                self.add(box, 1, r, big.get(box))
        self.keep = scratch.mkdir("kept")
        for src, name in self.parts():
            subprocess.run(["cp", "-a", src, os.path.join(self.keep, name)],
                           check=True)

    def parts(self):
        return [(self.pair.l.mail, "L"), (self.pair.r.mail, "R"),
                (self.pair.sync.db, "db")]

    def change(self, box, l, r):
        """One deleted and one flagged on each side, others left alone."""
        a, b = listing(l, box), listing(r, box)
        eq(sorted(a), sorted(b), box)
        d = sorted(a)
        l.expunge(box, str(a[d[0]][0]))
        r.expunge(box, str(b[d[1]][0]))
        l.store(box, str(a[d[2]][0]), "+", "Left")
        r.store(box, str(b[d[3]][0]), "+", "Right")
        a[d[2]][1].add("left")
        a[d[3]][1].add("right")
        self.want[box] = [(x, tuple(sorted(a[x][1]))) for x in d[2:]]

    def add(self, box, side, c, big):
        todo = [15000 + 9000 * n for n in range(NEW)]
        todo.insert(1, big) if big else None
        for n, size in enumerate(todo):
            text = message("%s.%d.%d" % (box, side, n), size)
            c.append(box, text, "\\Seen")
            self.want[box].append((digest(text), ("\\seen",)))
            self.octets[side] += len(text)

    def restore(self, db):
        for server, name in ((self.pair.l, "L"), (self.pair.r, "R")):
            shutil.rmtree(server.mail)
            subprocess.run(["cp", "-a", os.path.join(self.keep, name),
                            server.mail], check=True)
        subprocess.run(["cp", "-a", os.path.join(self.keep, "db"), db],
                       check=True)

    def reached(self):
        """Both sides are what they are to be."""
        for name, server in (("local", self.pair.l), ("remote", self.pair.r)):
            with server.client() as c:
                got = c.snapshot()
            eq(got.pop("INBOX"), [], "INBOX")
            eq(sorted(got), BOXES, "mailboxes")
            for box in BOXES:
                eq(sorted(m[:2] for m in got[box]), sorted(self.want[box]),
                   "%s, %s" % (name, box))


# ---- a run, and what is said when it hangs ----

def slurp(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return ""


def tree(pid):
    """This process and all that came from it."""
    out = [pid]
    for kid in slurp("/proc/%d/task/%d/children" % (pid, pid)).split():
        out += tree(int(kid))
    return out


def where(pids, reports):
    """Where every process waits, and what narrow.c holds."""
    lines = []
    for pid in pids:
        name = slurp("/proc/%d/comm" % pid)
        state = re.search(r"State:\s*(\S)", slurp("/proc/%d/status" % pid))
        lines.append("%d %s: state %s, wchan %s, syscall %s" % (
            pid, name, state and state.group(1),
            slurp("/proc/%d/wchan" % pid), slurp("/proc/%d/syscall" % pid)))
    for _ in range(2):          # twice: slow, or does nothing move?
        for pid in pids:
            if slurp("/proc/%d/comm" % pid) == "narrow":
                os.kill(pid, signal.SIGUSR1)
        time.sleep(1)
    for r in reports:
        lines += ["%s: %s" % (os.path.basename(r), l)
                  for l in slurp(r).splitlines()[-2:]]
    if shutil.which("ss"):
        inodes = set()
        for pid in pids:
            try:
                for fd in os.listdir("/proc/%d/fd" % pid):
                    m = re.match(r"socket:\[(\d+)\]", os.readlink(
                        "/proc/%d/fd/%s" % (pid, fd)))
                    if m:
                        inodes.add(m.group(1))
            except OSError:
                pass
        for l in subprocess.run(["ss", "-xtanp"], text=True,
                                stdout=subprocess.PIPE).stdout.splitlines():
            f = l.split()
            if inodes & set(f) and (f[2] != "0" or f[3] != "0"):
                lines.append("socket " + " ".join(f))
    return "\n".join(lines)


def run(sync, others, reports):
    """Exit status and what was said; a run that hangs is told of, and ended."""
    q = subprocess.Popen(sync.argv(), env=sync.scratch.env(), text=True,
                         errors="replace", stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        return q, q.communicate(timeout=DEADLINE)[1]
    except subprocess.TimeoutExpired:
        pids = [x for pid in [q.pid] + others for x in tree(pid)]
        text = where(pids, reports)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        q.communicate()
        raise AssertionError("not at its end after %d seconds:\n%s" %
                             (DEADLINE, text)) from None


def passed(report):
    """Octets up and down, and how often reading was held up, of a report."""
    for _ in range(250):        # it may still be at its end
        m = re.match(r"up (\d+) holds 0 down (\d+) holds \d+ .* held (\d+)$",
                     slurp(report))
        if m:
            return [int(x) for x in m.groups()]
        time.sleep(0.02)
    raise AssertionError("no report: " + slurp(report))


class Mode:
    """One arrangement of servers."""
    def __init__(self, scene, narrow, name):
        self.scene, self.narrow, self.name = scene, narrow, name
        self.scratch, self.reports, self.others = scene.scratch, [], []

    def options(self, side, how):
        report = os.path.join(self.scratch.dir, "%s-%s" % (self.name, side))
        self.reports.append(report)
        return "%s %s -o %s" % (self.narrow, how, report)

    def tunnel(self, side, server, how):
        if how is None:
            return tunnel_section(server)
        return tunnel_section(server).replace(
            "command = ", "command = %s " % self.options(side, how))

    def tls(self, side, server, how):
        """On a port of its own before the server's."""
        port = os.path.join(self.scratch.dir, "%s-%s.port" %
                            (self.name, side))
        q = subprocess.Popen(as_user(
            self.options(side, how).split() +
            ["-L", port, "-t", str(server.imaps)]), stdin=subprocess.DEVNULL)
        self.others.append(q)
        for _ in range(200):
            if slurp(port):
                break
            time.sleep(0.02)
        return imaps_section(server).replace("port = %d" % server.imaps,
                                             "port = " + slurp(port))

    def go(self, how, section):
        s, p = self.scene, self.scene.pair
        sync = Interimap(self.scratch, section("local", p.l, how[0]),
                         section("remote", p.r, how[1]), name=self.name)
        s.restore(sync.db)
        began = time.monotonic()
        try:
            q, said = run(sync, [o.pid for o in self.others], self.reports)
        finally:
            for o in self.others:
                o.terminate()
                o.wait()
        lasted = time.monotonic() - began
        eq(q.returncode, 0, "exit status; it said: " + said)
        s.reached()
        self.narrowly(how)
        print("# %.1f s" % lasted)
        p.sync = Interimap(self.scratch, tunnel_section(p.l),
                           tunnel_section(p.r), name=self.name)
        p.settled()
        shutil.rmtree(os.path.dirname(sync.db))

    def narrowly(self, how):
        """All bodies passed through the narrow place, and it did hold up."""
        sides = [n for n in (0, 1) if how[n] is not None]
        for n, report in zip(sides, self.reports):
            up, down, held = passed(report)
            eq(up > self.scene.octets[1 - n], True, "octets up")
            eq(down > self.scene.octets[n], True, "octets down")
            if set(how[n].split()) & {"-s", "-r"}:
                eq(held > 0, True, "reading was held up")


def build(scratch):
    """The program narrow, where the unprivileged user can run it."""
    out = os.path.join(scratch.dir, "narrow")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-Wall", "-o", out,
                    os.path.join(TOP, "regress", "hostile", "narrow.c")],
                   check=True)
    os.chmod(out, 0o755)
    return out


def over_tls(scene, narrow, name, how):
    p = scene.pair
    for server in (p.l, p.r):
        server.start()
    try:
        m = Mode(scene, narrow, name)
        m.go(how, m.tls)
    finally:
        for server in (p.l, p.r):
            server.stop()


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    with Scratch() as s:
        narrow = build(s)
        began = time.monotonic()
        scene = Scene(s)
        print("# %d and %d octets, made in %.1f s" % (
            *scene.octets, time.monotonic() - began))
        long = [DROPS_MODE] * bool(os.environ.get("FLOW_LONG"))
        for n, (name, *how) in enumerate(MODES + long):
            if only in name:
                m = Mode(scene, narrow, "mode%d" % n)
                test(name, m.go, how, m.tunnel)
        name, *how = TLS_MODE
        if only in name:
            test(name, over_tls, scene, narrow, "tls", how)
    done()


if __name__ == "__main__":
    main()
