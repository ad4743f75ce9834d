#!/usr/bin/env python3
# What statedb says is done lies on the disk: between a write to the database or
# its journal and the next frame to the parent each of them was synced.  Read
# from the system calls of a first sync.
import glob, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from sync import Pair
from tap import *

CALL = re.compile(r"(\w+)\((\d+)")
WRITES = ("pwrite64", "ftruncate")
SYNCS = ("fsync", "fdatasync")
SENDS = ("write", "writev", "sendmsg")
PARENT_FD = 3


def traced(p, log):
    argv = ["strace", "-ff", "-qq", "-e", "signal=none", "-o", log,
            "-e", "trace=execve," + ",".join(WRITES + SYNCS + SENDS)]
    q = subprocess.run(argv + p.sync.argv(), env=p.sync.scratch.env(),
                       text=True, stdin=subprocess.DEVNULL, timeout=120,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eq(q.returncode, 0, q.stderr)
    for name in glob.glob(log + ".*"):
        with open(name, errors="replace") as f:
            lines = f.readlines()
        if any(l.startswith("execve(") and "/statedb\"" in l for l in lines):
            return lines
    raise AssertionError("no statedb was traced")


def look(lines):
    """(frames that told of what was written, those that came too early)"""
    dirty, wrote, told, early = set(), False, 0, 0
    for line in lines:
        m = CALL.match(line)
        if m is None:
            continue
        call, fd = m.group(1), int(m.group(2))
        if call in WRITES:
            dirty.add(fd)
            wrote = True
        elif call in SYNCS:
            dirty.discard(fd)
        elif call in SENDS and fd == PARENT_FD:
            told += wrote
            early += wrote and bool(dirty)
            wrote = False
    return told, early


def synced():
    if shutil.which("strace") is None:
        raise Skip("no strace")
    with Scratch() as s:
        p = Pair(s)
        fill_maildir(p.l, ["INBOX", "A"], count=20)
        told, early = look(traced(p, os.path.join(s.dir, "trace")))
        eq(told > 4, True, "%d frames told of something written" % told)
        eq(early, 0, "frames sent before what was written was synced")


if __name__ == "__main__":
    test("done means on the disk", synced)
    done()
