# What a server may do that Dovecot never will: two scripted servers
# (regress/hostile), one of which misbehaves by a quirk.  Each case is run
# once with the quirk and once without: the first run says what is wrong and
# loses nothing, the second goes on from there and ends with equal sides.
# The cases of errors.py's second half.
import os, signal, subprocess, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "hostile"))
from mailstore import Store, DATE as STORE_DATE
from servers import *
from tap import *

SCRIPTED = os.path.join(TOP, "regress", "hostile", "scripted.py")
TIMEOUT = 3                     # of the program of build/impatient


class Account:
    """The account of a scripted server, kept in a folder."""
    def __init__(self, scratch, name):
        self.scratch, self.dir = scratch, scratch.mkdir(name)

    def section(self, *args):
        return ("type = tunnel\ncommand = python3 -B %s --mailstore %s"
                " %s\n" % (SCRIPTED, self.dir, " ".join(
                    "'%s'" % a for a in args)))

    def add(self, box, first, n, flags=()):
        st = Store(self.dir)
        b = st.get(box) or st.create(box)
        for i in range(first, first + n):
            b.add(list(flags), STORE_DATE, sample(i).encode())
        self.save(st)

    def change(self, fn):
        st = Store(self.dir)
        fn(st)
        self.save(st)

    def save(self, st):
        st.dirty = True
        st.save()
        self.scratch.give(st.path)

    def boxes(self):
        """{mailbox: [(body, flags)]}"""
        return {n: sorted((m.body, tuple(m.flags)) for m in
                          b.messages.values())
                for n, b in Store(self.dir).mailboxes.items()}


def lost(before, after):
    """Messages of before that are no longer there."""
    out = []
    for box, msgs in before.items():
        left = [m[0] for m in after.get(box, [])]
        for body, _ in msgs:
            if body in left:
                left.remove(body)
            else:
                out.append((box, body[:40]))
    return out


def said(r):
    """The errors and warnings of a run, one a line."""
    return [l for l in r.err.splitlines()
            if "ERROR: " in l or "WARNING: " in l]


def one_line(r, *needles):
    """A single line says it all."""
    eq(len(said(r)), 1, "lines of errors and warnings in: " + r.err)
    has(said(r)[0], *needles)


class Scripted:
    """Two accounts with mail, and the program between them."""
    def __init__(self, scratch):
        self.scratch = scratch
        self.l, self.r = Account(scratch, "L"), Account(scratch, "R")
        self.l.add("INBOX", 1, 6, ["\\Seen"])
        self.l.add("Box", 10, 4)
        self.r.add("INBOX", 20, 3)
        self.r.add("Box", 30, 5, ["\\Flagged"])
        self.r.add("Other", 40, 2)

    def run(self, local=(), remote=(), args=("--quiet",), **kw):
        """One run, the servers started with these arguments."""
        p = Interimap(self.scratch, self.l.section(*local),
                      self.r.section(*remote), **kw)
        return p.run(*args)

    def boxes(self):
        return self.l.boxes(), self.r.boxes()

    def goes_on(self, before=None, **kw):
        """The cause is gone: nothing was lost, and both sides get equal."""
        now = self.boxes()
        for b, n in zip(before or (), now):
            eq(lost(b, n), [], "lost by the failed run")
        r = self.run(**kw)
        eq((r.status, r.err), (0, ""), "the next run")
        l, r = self.boxes()
        eq(l, r, "the two sides")
        for b in before or ():
            eq(lost(b, l), [], "lost in the end")
        return l
