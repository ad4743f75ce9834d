#!/usr/bin/env python3
# The synchronization of sync.py once more, with a real Cyrus on one side or on
# both, over TLS: another server's order of answers, modification sequences,
# names and limits.
#
#	interop.py [part of a name]
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cyrus import *
from sync import CASES, Pair, play
from tap import *


class Mixed(Pair):
    quiet = ["AUTHENTICATE", "ENABLE", "LIST", "LOGOUT"]

    def __init__(self, scratch, cyrus, n, kind):
        self.says = []
        sections = []
        for side, what in zip("LR", kind):
            if what == "C":
                a = cyrus.account("u%d%s" % (n, side.lower()))
                sections.append(a.section(extra="compress = NO"))
            else:
                a = Dovecot(scratch, "%s%d" % (side, n))
                sections.append(tunnel_section(a))
            setattr(self, side.lower(), a)
        self.sync = Interimap(scratch, *sections, name="sync%d" % n)


def as_cyrus(actions, want):
    """Cyrus makes the mailboxes above a new one, too; the next run sees it."""
    if "A.deep.er" in want:
        return actions + ["run"], dict(want, **{"A.deep": []})
    return actions, want


KINDS = [("DC", "Dovecot and Cyrus"), ("CC", "Cyrus and Cyrus")]


def case(scratch, cyrus, n, kind, actions, want):
    play(Mixed(scratch, cyrus, n, kind), *as_cyrus(actions, want))


def many(scratch, cyrus, n):
    """More than a batch, both ways, then changes all over."""
    p = Mixed(scratch, cyrus, n, "DC")
    fill_maildir(p.l, ["INBOX", "Box"], count=300)
    p.run()
    a, b, _, _ = p.sides()
    eq(a, b, "the two sides, first")
    for k, server in enumerate((p.l, p.r)):
        with server.client() as c:
            u = c.uids("INBOX")[k * 100:]
            c.store("INBOX", "%d:%d" % (u[0], u[30]), "+", "\\Answered k%d" % k)
            c.expunge("INBOX", "%d:%d" % (u[40], u[55]))
            for i in range(20):
                c.append("INBOX", sample(1000 + k * 100 + i))
    p.run()
    a, b, _, _ = p.sides()
    eq(a, b, "the two sides, then")
    eq(len(a["INBOX"]), 300 - 32 + 40, "messages")
    p.settled()


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        unpack()
    except NoCyrus as e:
        print("1..0 # SKIP no Cyrus: " + str(e))
        sys.exit(0)
    n = 0
    with Scratch() as s:
        for sep in (True, False):
            cyrus = Cyrus(s, "cyrus%d" % sep, unixsep=sep).start()
            for kind, what in KINDS:
                for name, actions, want in CASES:
                    if not sep and "created" not in name:
                        continue        # the delimiter is in names only
                    n += 1
                    title = "%s, delimiter %s: %s" % (what, ".:/"[2 * sep],
                                                      name)
                    if only in title:
                        test(title, case, s, cyrus, n, kind, actions, want)
            n += 1
            title = "hundreds of messages, delimiter " + ".:/"[2 * sep]
            if only in title:
                test(title, many, s, cyrus, n)
    done()
