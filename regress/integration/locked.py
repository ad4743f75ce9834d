#!/usr/bin/env python3
# Every process of a run has locked itself before it is spoken to: the system's
# own account of its filters, while a server has not said anything yet.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from tap import *

SILENT = "type = tunnel\ncommand = sleep 60\n"
# Filters in force: one of the first stage, one of the second; the parent,
# which starts the others, has only the last.  No new privileges in any.
WANT = [("imapchild", 2, "1"), ("imapchild", 2, "1"), ("interimap", 1, "1"),
        ("statedb", 2, "1")]
NAMES = {name for name, _, _ in WANT}


def kids(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(k) for k in f.read().split()]


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)


def filters(pid):
    """(name, filters in force, no new privileges) of a process and below."""
    s = status(pid)
    out = [(s["Name"], int(s["Seccomp_filters"]), s["NoNewPrivs"])]
    for k in kids(pid):
        out += filters(k)
    return out


def seen(pid):
    try:
        return sorted(f for f in filters(pid) if f[0] in NAMES)
    except (OSError, KeyError):
        return []


def locked():
    if "Seccomp_filters" not in status(os.getpid()):
        raise Skip("this kernel does not count filters")
    with Scratch() as s:
        sync = Interimap(s, SILENT, SILENT)
        outer = int(status(os.getpid())["Seccomp_filters"])
        want = [(name, n + outer, p) for name, n, p in WANT]
        q = subprocess.Popen(sync.argv(), env=s.env(),
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 10
            while seen(q.pid) != want and time.monotonic() < end:
                time.sleep(0.05)
            eq(seen(q.pid), want, "filters in force")
        finally:
            q.terminate()
            q.wait()


if __name__ == "__main__":
    test("every process has locked itself", locked)
    done()
