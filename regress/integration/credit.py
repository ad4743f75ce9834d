#!/usr/bin/env python3
# Bodies under way in both directions at once, more than all buffers between
# the two servers hold: without credit each server waits to be read from
# before it reads on, and the run never ends.  An APPEND that Dovecot reads in
# the middle of a FETCH's bodies ends it, and a FETCH behind an APPEND it answers
# before that.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from sync import Pair
from tap import *

BOXES = 12              # on each side
COUNT = 24              # messages of one
SIZE = 100 * 1024       # octets of each
MANY = 1500             # new on each side of one mailbox
LONGEST = 50            # seconds; it takes about two


def fill(server, name, first):
    for k in range(BOXES):
        put_maildir(server, "%s%d" % (name, k), range(
            first + k * COUNT, first + (k + 1) * COUNT), SIZE)
    give_maildirs(server)


def both_ways():
    with Scratch() as s:
        p = Pair(s)
        fill(p.l, "Left", 0)
        fill(p.r, "Right", BOXES * COUNT)
        r = p.sync.run(timeout=LONGEST)
        eq(r.status, 0, r.err)
        a, b, _, _ = p.sides()
        eq(a == b, True, "the two sides are equal")
        eq(sum(len(v) for v in a.values()), 2 * BOXES * COUNT, "messages")


def one_mailbox():
    """New mail on both sides of one, in many batches: one run does it all."""
    with Scratch() as s:
        p = Pair(s)
        for server, first in ((p.l, 0), (p.r, MANY)):
            put_maildir(server, "Both", range(first, first + MANY), 24000)
            give_maildirs(server)
        r = p.sync.run(timeout=LONGEST)
        eq(r.status, 0, r.err)
        a, b, _, _ = p.sides()
        eq(a == b, True, "the two sides are equal")
        eq(len(a["Both"]), 2 * MANY, "messages")


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, fn in (("bodies both ways at once", both_ways),
                     ("many new on both sides of one mailbox", one_mailbox)):
        if only in name:
            test(name, fn)
    done()
