#!/usr/bin/env python3
# What the processes of a run may do while it lasts, as the kernel tells it:
# started by an ordinary user and, where the test is root, by root.  The servers
# fall silent in the middle of the work, so that all are in their last stage.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import Scripted, quirks
from errors import children, wait_for
from servers import *
from tap import *


class Running:
    """A run that came as far as a SELECT on both sides."""
    def __init__(self, scratch, root):
        self.p = Scripted(scratch)
        silent = quirks("silent=SELECT")
        sync = Interimap(scratch, self.p.l.section(*silent),
                         self.p.r.section(*silent))
        argv = sync.argv("--debug")
        if root:
            argv = argv[argv.index("--") + 1:]
        self.q = subprocess.Popen(argv, env=scratch.env(), text=True,
                                  stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE)
        self.said = ""
        while self.said.count(" SELECT ") < 2:
            line = self.q.stderr.readline()
            if not line:
                raise AssertionError("it ended: " + self.said)
            if " C: " in line:
                self.said += line

    def processes(self):
        """{name: pid}"""
        kids = children(self.q.pid, "imapchild")
        return {"interimap": self.q.pid, "imapchild (local)": kids[0],
                "imapchild (remote)": kids[1],
                "statedb": children(self.q.pid, "statedb")[0]}

    def end(self):
        self.q.terminate()
        self.q.stderr.read()
        eq(self.q.wait(), 0, "exit status after SIGTERM")

    def __enter__(self):
        return self

    def __exit__(self, *a):
        if self.q.poll() is None:
            self.q.kill()
            self.q.wait()
        self.q.stderr.close()


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)


def soft_limit(pid, name):
    with open("/proc/%d/limits" % pid) as f:
        for line in f:
            if line.startswith(name):
                return line[len(name):].split()[0]


def locked(name, pid, caps):
    """A filter, no way to more rights, no threads, no core."""
    st = status(pid)
    eq(st["Seccomp"], "2", name + ": seccomp")
    eq(st["NoNewPrivs"], "1", name + ": no_new_privs")
    eq(st["Threads"], "1", name + ": threads")
    eq(st["TracerPid"], "0", name + ": traced by")
    if not caps:
        for c in ("CapPrm", "CapEff"):
            eq(int(st[c], 16), 0, "%s: %s" % (name, c))
    if os.access("/proc/%d/limits" % pid, os.R_OK):
        try:
            eq(soft_limit(pid, "Max core file size"), "0", name + ": core")
        except PermissionError:
            pass        # not dumpable: for root only


def ordinary():
    """Nobody is anybody else, and all are locked."""
    with Scratch() as s, Running(s, False) as r:
        for name, pid in r.processes().items():
            locked(name, pid, False)
            eq(set(status(pid)["Uid"].split()), {str(USER.pw_uid)},
               name + ": user")
        r.end()
        r.p.goes_on()


def need_root():
    if os.getuid() != 0:
        raise Skip("only root can see this")


def descriptors():
    """An imapchild has its own three, the parent, the bodies, the server."""
    need_root()
    with Scratch() as s, Running(s, False) as r:
        for name, pid in r.processes().items():
            fds = {int(f): os.readlink("/proc/%d/fd/%s" % (pid, f))
                   for f in os.listdir("/proc/%d/fd" % pid)}
            if name.startswith("imapchild"):
                eq(sorted(fds), [0, 1, 2, 3, 4, 5], name + ": descriptors")
                for f in (3, 4, 5):
                    has(fds[f], "socket:")
            elif name == "statedb":
                files = [f for f in fds.values() if f.startswith("/") and
                         not f.startswith("/dev/")]
                for f in files:
                    has(f, os.path.join(s.dir, "sync", "state.db"))
                eq(len(files), 2, "database and journal of statedb")
        r.end()


def by_root():
    """Started by root, imapchild is nobody and its root is empty."""
    need_root()
    with Scratch() as s, Running(s, True) as r:
        for name, pid in r.processes().items():
            child = name.startswith("imapchild")
            locked(name, pid, not child)
            if not child:
                continue
            st = status(pid)
            eq("0" in st["Uid"].split() + st["Gid"].split() +
               st["Groups"].split(), False, "%s: root in %r" % (name, st))
            eq(os.listdir("/proc/%d/root" % pid), [], name + ": its root")
            eq(os.stat("/proc/%d/root" % pid).st_ino ==
               os.stat("/").st_ino, False, name + ": the system's root")
        r.end()


def leftovers():
    return {n for n in os.listdir("/tmp") if n.startswith("interimap.")}


def root_syncs():
    """Root's first sync over TLS, checked by the system's name service."""
    need_root()
    before = leftovers()
    with Scratch() as s:
        cert = make_cert(s, "cert")
        l, r = (Dovecot(s, n, cert=cert).start() for n in ("L", "R"))
        fill_maildir(l, ["INBOX", "A"], count=30)
        fill_maildir(r, ["INBOX", "B"], first=100, count=20)
        p = Interimap(s, imaps_section(l), imaps_section(r))
        for _ in range(2):
            q = subprocess.run([p.program, "--quiet", "--config=" + p.conf],
                               env=s.env(), text=True, timeout=60,
                               stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
            eq(q.returncode, 0, "exit status; it said: " + q.stderr)
        with l.client() as a, r.client() as b:
            x, y = a.snapshot(), b.snapshot()
        eq(x, y, "the two sides")
        eq(sum(len(v) for v in x.values()), 100, "messages")
    eq(leftovers() - before, set(), "folders left behind")


if __name__ == "__main__":
    test("an ordinary user's processes are locked", ordinary)
    test("descriptors of the locked processes", descriptors)
    test("started by root, imapchild is another user in an empty root",
         by_root)
    test("root's sync over TLS", root_syncs)
    done()
