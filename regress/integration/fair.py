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


def small_first():
    with Scratch() as s:
        p = Pair(s)
        put_maildir(p.l, "huge", [0])   # the first in the database
        give_maildirs(p.l)
        p.run()
        small = ["small%d" % k for k in range(SMALL)]
        for server in p.l, p.r:
            for box in small:
                put_maildir(server, box, [])
            give_maildirs(server)
        p.run()
        put_maildir(p.l, "huge", range(1, HUGE), SIZE)
        for k, box in enumerate(small):
            put_maildir(p.l, box, range(10000 + 3 * k, 10003 + 3 * k), SIZE)
            put_maildir(p.r, box, range(20000 + 3 * k, 20003 + 3 * k))
        give_maildirs(p.l)
        give_maildirs(p.r)
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
