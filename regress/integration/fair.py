#!/usr/bin/env python3
# Many small mailboxes beside a huge one, new mail both ways: the small ones
# do not wait until the huge one is through, and it does not wait for ever.
import os, re, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from sync import Pair
from tap import *

SMALL = 40              # mailboxes with new mail on both sides
HUGE = 400              # messages of the huge one, on the local side
SIZE = 64 * 1024        # octets of each; all small ones exceed the credit, too


def fill(server, box, first, count, size):
    d = os.path.join(server.store, "." + box)
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(d, sub), exist_ok=True)
    open(os.path.join(d, "maildirfolder"), "w").close()
    for n in range(first, first + count):
        with open(os.path.join(d, "cur", "17%08d.M1P1.h:2,S" % n), "w") as f:
            f.write(sample(n, size))


def give(server):
    if os.getuid() == 0:
        for dp, dn, fn in os.walk(server.mail):
            for x in dn + fn:
                os.chown(os.path.join(dp, x), USER.pw_uid, USER.pw_gid)


def small_first():
    with Scratch() as s:
        p = Pair(s)
        fill(p.l, "huge", 0, 1, 0)      # the first in the database
        give(p.l)
        p.run()
        for k in range(SMALL):
            for server in p.l, p.r:
                fill(server, "small%d" % k, 0, 0, 0)
                give(server)
        p.run()
        fill(p.l, "huge", 1, HUGE - 1, SIZE)
        for k in range(SMALL):
            fill(p.l, "small%d" % k, 10000 + 10 * k, 3, SIZE)
            fill(p.r, "small%d" % k, 20000 + 10 * k, 3, 0)
        give(p.l)
        give(p.r)
        r = p.sync.run(timeout=60)
        eq(r.status, 0, r.err)
        added = [(m[1], int(m[2])) for m in re.finditer(
            r"^\w+\((\w+)\): Added (\d+) ", r.err, re.M)]
        small = [i for i, a in enumerate(added) if a[0] != "huge"]
        eq(len(small), 2 * SMALL, "small mailboxes served")
        before = sum(n for box, n in added[:small[-1]] if box == "huge")
        if before > HUGE / 2:
            raise AssertionError("%d of %d messages of the huge mailbox went "
                                 "before the last small one" % (before, HUGE))
        a, b, _, _ = p.sides()
        eq(a == b, True, "the two sides are equal")
        eq(len(a["huge"]), HUGE, "messages of the huge mailbox")


if __name__ == "__main__":
    test("small mailboxes do not wait for a huge one", small_first)
    done()
