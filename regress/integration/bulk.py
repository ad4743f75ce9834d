#!/usr/bin/env python3
# Many messages, large messages, and what they cost: 10 000 messages in 10
# mailboxes; then 100 flag changes in 8 sets, 50 deletions and 50 new messages
# on each side in one run; a large message (BULK_MIB, default 64; 1024 in the
# full run) with every process below 32 MiB.
import os, random, sys, threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from sync import Pair
from tap import *

MIB = int(os.environ.get("BULK_MIB", "64"))
BOXES = ["INBOX"] + ["Box%d" % n for n in range(1, 10)]
SETS = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Seen \\Flagged",
        "key1", "key1 key2", "\\Seen key3"]


def change(server, seed, first):
    rng = random.Random(seed)
    with server.client() as c:
        for box in BOXES[:5]:
            u = rng.sample(c.uids(box), 30)
            for k in range(20):
                c.store(box, str(u[k]), "", SETS[(k + seed) % 8])
            c.expunge(box, ",".join(str(x) for x in u[20:30]))
            for k in range(10):
                c.append(box, sample(first + k), SETS[k % 8])
            first += 10


def ten_thousand():
    with Scratch() as s:
        p = Pair(s)
        fill_maildir(p.l, BOXES, count=1000)
        p.run()
        a, b, _, _ = p.sides()
        eq(sum(len(v) for v in a.values()), 10000, "messages")
        eq(a == b, True, "the two sides are equal")
        p.settled()
        change(p.l, 1, 20000)
        change(p.r, 2, 30000)
        p.run()
        a, b, _, _ = p.sides()
        eq(a == b, True, "the two sides are equal after the changes")
        n = sum(len(v) for v in a.values())
        eq(10000 <= n <= 10000 + 100 - 50, True, "%d messages left" % n)
        p.settled()


class Watch(threading.Thread):
    """The largest VmHWM of each of our programs while a run lasts."""
    def __init__(self, pid):
        super().__init__()
        self.pid, self.peak, self.over = pid, {}, False

    def look(self, pid):
        try:
            text = open("/proc/%d/status" % pid).read()
            name = re.search(r"Name:\t(.*)", text).group(1)
            kb = int(re.search(r"VmHWM:\s+(\d+)", text).group(1))
            kids = open("/proc/%d/task/%d/children" % (pid, pid)).read()
        except (OSError, AttributeError):
            return
        if name in ("interimap", "imapchild", "statedb"):
            self.peak[name] = max(self.peak.get(name, 0), kb)
        for k in kids.split():
            self.look(int(k))

    def run(self):
        while not self.over:
            self.look(self.pid)
            time.sleep(0.02)


def large(way):
    with Scratch() as s:
        p = Pair(s)
        src, dst = (p.l, p.r) if way == "up" else (p.r, p.l)
        d = os.path.join(src.store, "cur")
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(src.store, sub))
        with open(os.path.join(d, "1700000000.M1P1.host:2,S"), "wb") as f:
            f.write(sample(1).encode())
            line = b"0123456789abcdef" * 4 + b"\n"
            for _ in range(MIB):
                f.write(line * ((1 << 20) // len(line)))
        if os.getuid() == 0:
            for dp, dn, fn in os.walk(src.mail):
                for x in dn + fn:
                    os.chown(os.path.join(dp, x), USER.pw_uid, USER.pw_gid)
        q = subprocess.Popen(p.sync.argv(), env=s.env(), text=True,
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        w = Watch(q.pid)
        w.start()
        err = q.communicate(timeout=600)[1]
        w.over = True
        w.join()
        eq(q.returncode, 0, err)
        a, b, _, _ = p.sides()
        eq(a == b and len(a["INBOX"]), 1, "the message arrived")
        print("# %d MiB, VmHWM in KiB: %s" % (MIB, w.peak))
        eq(set(w.peak), {"interimap", "imapchild", "statedb"}, "seen")
        for name, kb in w.peak.items():
            if kb >= 32 * 1024:
                raise AssertionError("%s used %d KiB" % (name, kb))


if __name__ == "__main__":
    test("10 000 messages in 10 mailboxes, then changes", ten_thousand)
    test("a message of %d MiB up" % MIB, large, "up")
    test("a message of %d MiB down" % MIB, large, "down")
    done()
