#!/usr/bin/env python3
# Synchronization of two real Dovecots, as a table: how the two sides begin,
# what is done to them, what must be there after the next run.  After every
# run both sides must be equal by content, flags and date, and a further run
# must find nothing to do.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from tap import *

# An action is (side, verb, arguments); L and R are the two sides.
# In the end the mailboxes hold the messages of the last column, by number.
CASES = [
    ("local to an empty remote",
     [("L", "add", "INBOX", 1, "\\Seen"), ("L", "add", "INBOX", 2, "$Junk a")],
     {"INBOX": [1, 2]}),
    ("remote to an empty local",
     [("R", "add", "INBOX", 1, "\\Flagged"), ("R", "add", "INBOX", 2, "")],
     {"INBOX": [1, 2]}),
    ("different mail on both sides",
     [("L", "add", "INBOX", 1, ""), ("R", "add", "INBOX", 2, "")],
     {"INBOX": [1, 2]}),
    ("the same mail on both sides is recognised",
     [("L", "add", "INBOX", 1, "\\Seen"), ("R", "add", "INBOX", 1, "$Junk"),
      ("L", "add", "INBOX", 2, ""), ("R", "add", "INBOX", 3, "")],
     {"INBOX": [1, 2, 3]}),
    ("equal mail without Message-ID is told apart by its body",
     [("L", "addnoid", "INBOX", 1, ""), ("R", "addnoid", "INBOX", 1, ""),
      ("R", "addnoid", "INBOX", 18, "")],
     {"INBOX": [(1,), (18,)]}),
    ("two copies of one mail on one side stay two",
     [("L", "add", "INBOX", 1, ""), ("L", "add", "INBOX", 1, "")],
     {"INBOX": [1, 1]}),
    ("two copies on each side pair off",
     [("L", "add", "INBOX", 1, ""), ("L", "add", "INBOX", 1, ""),
      ("R", "add", "INBOX", 1, ""), ("R", "add", "INBOX", 1, "")],
     {"INBOX": [1, 1]}),
    ("mailboxes of each side are created on the other",
     [("L", "create", "A"), ("R", "create", "B"), ("L", "create", "A.deep.er"),
      ("R", "create", "empty"), ("L", "add", "A.deep.er", 4, ""),
      ("R", "add", "B", 5, "\\Draft")],
     {"INBOX": [], "A": [], "A.deep.er": [4], "B": [5], "empty": []}),
    ("flags from the local side",
     [("L", "add", "INBOX", 1, ""), ("L", "add", "INBOX", 2, "\\Seen"),
      "run", ("L", "flag", "INBOX", "1", "+", "\\Answered x"),
      ("L", "flag", "INBOX", "2", "-", "\\Seen")],
     {"INBOX": [1, 2]}),
    ("flags from the remote side",
     [("L", "add", "INBOX", 1, ""), ("L", "add", "INBOX", 2, "\\Seen"),
      "run", ("R", "flag", "INBOX", "1", "+", "\\Answered x"),
      ("R", "flag", "INBOX", "2", "-", "\\Seen")],
     {"INBOX": [1, 2]}),
    ("the same flag change on both sides",
     [("L", "add", "INBOX", 1, ""), "run",
      ("L", "flag", "INBOX", "1", "+", "\\Seen"),
      ("R", "flag", "INBOX", "1", "+", "\\Seen")],
     {"INBOX": [1]}),
    ("different flag changes give the union, with a warning",
     [("L", "add", "INBOX", 1, ""), "run",
      ("L", "flag", "INBOX", "1", "+", "\\Seen"),
      ("R", "flag", "INBOX", "1", "+", "\\Flagged"),
      ("says", "Conflicting flag update")],
     {"INBOX": [1]}),
    ("deletions on both sides",
     [("L", "add", "INBOX", n, "") for n in range(1, 7)] +
     ["run", ("L", "del", "INBOX", "1"), ("R", "del", "INBOX", "3,6")],
     {"INBOX": [2, 4, 5]}),
    ("the same message deleted on both sides",
     [("L", "add", "INBOX", 1, ""), ("L", "add", "INBOX", 2, ""), "run",
      ("L", "del", "INBOX", "1"), ("R", "del", "INBOX", "1")],
     {"INBOX": [2]}),
    ("deletion beats a flag change",
     [("L", "add", "INBOX", 1, ""), ("L", "add", "INBOX", 2, ""), "run",
      ("L", "del", "INBOX", "1"), ("R", "flag", "INBOX", "1", "+", "\\Seen")],
     {"INBOX": [2]}),
    ("new, flagged and deleted at once on both sides",
     [("L", "add", "INBOX", n, "") for n in range(1, 9)] +
     ["run", ("L", "del", "INBOX", "1"), ("R", "del", "INBOX", "2"),
      ("L", "flag", "INBOX", "3", "+", "\\Seen"),
      ("R", "flag", "INBOX", "4", "+", "\\Seen"),
      ("L", "add", "INBOX", 20, "\\Seen"), ("R", "add", "INBOX", 21, "k"),
      ("R", "create", "New"), ("R", "add", "New", 22, "")],
     {"INBOX": [3, 4, 5, 6, 7, 8, 20, 21], "New": [22]}),
    ("a message marked \\Deleted is not a deleted message",
     [("L", "add", "INBOX", 1, "\\Deleted"), "run",
      ("R", "flag", "INBOX", "1", "-", "\\Deleted")],
     {"INBOX": [1]}),
]


def digest(n):
    m = sample(n[0], msgid=False) if isinstance(n, tuple) else sample(n)
    return hashlib.sha256(re.sub("\r?\n", "\r\n", m).encode()).hexdigest()


class Pair:
    """Two servers and the program between them."""
    # What a run that finds nothing new sends.
    quiet = ["ENABLE", "LIST", "LOGOUT"]

    def __init__(self, scratch, **kw):
        self.l, self.r = Dovecot(scratch, "L"), Dovecot(scratch, "R")
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              tunnel_section(self.r), **kw)
        self.says = []

    def act(self, side, verb, *a):
        if side == "says":
            self.says.append(verb)
            return
        with (self.l if side == "L" else self.r).client() as c:
            if verb == "add":
                c.append(a[0], sample(a[1]), a[2], DATE % (1 + a[1] % 28))
            elif verb == "addnoid":
                c.append(a[0], sample(a[1], msgid=False), a[2],
                         DATE % (1 + a[1] % 28))
            elif verb == "create":
                c.create(a[0])
            elif verb == "flag":
                c.store(*a)
            elif verb == "del":
                c.expunge(*a)

    def run(self, status=0):
        r = self.sync.run()
        eq(r.status, status, "exit status; it said: " + r.err)
        return r

    def sides(self):
        with self.l.client() as a, self.r.client() as b:
            return a.snapshot(), b.snapshot(), a.subscribed(), b.subscribed()

    def settled(self):
        """A further run sends nothing beyond LIST."""
        r = self.sync.run("--debug")
        eq(r.status, 0, "exit status of the second run")
        sent = [l.split()[3] for l in r.err.splitlines() if " C: " in l]
        eq(sorted(set(sent)), self.quiet, "commands sent")


DATE = "%02d-Mar-2024 10:11:12 +0100"


def play(p, actions, want):
    for a in actions:
        if a == "run":
            p.run()
        else:
            p.act(*a)
    r = p.run()
    has(r.err, *p.says)
    a, b, suba, subb = p.sides()
    eq(a, b, "the two sides")
    eq(suba, subb, "subscriptions")
    eq({k: sorted(m[0] for m in v) for k, v in a.items()},
       {k: sorted(digest(n) for n in v) for k, v in want.items()},
       "messages")
    p.settled()


def case(actions, want):
    with Scratch() as s:
        play(Pair(s), actions, want)


def database_mode():
    with Scratch() as s:
        p = Pair(s)
        p.run()
        eq(oct(os.stat(p.sync.db).st_mode & 0o777), "0o600", "mode")


def guard():
    """More than 100 and more than half of a mailbox: held, not made."""
    with Scratch() as s:
        p = Pair(s)
        fill_maildir(p.l, ["INBOX", "Other"], count=150)
        p.run()
        with p.l.client() as c:
            c.expunge("INBOX", "1:120")
            c.append("INBOX", sample(900))
        r = p.run(status=3)
        has(r.err, "120 deletions held back")
        with p.r.client() as c:
            eq(len(c.uids("INBOX")), 151, "messages on the other side")
        r = p.run(status=3)
        has(r.err, "held back")
        with p.l.client() as c:         # restored from a backup: new UIDs
            for n in range(120):
                c.append("INBOX", sample(n))
        r = p.run()
        a, b, _, _ = p.sides()
        eq(len(a["INBOX"]), 151, "after the backup, local")
        eq([m[0] for m in a["INBOX"]], [m[0] for m in b["INBOX"]],
           "contents")


def emptied():
    """A whole account that became empty does not empty the other."""
    with Scratch() as s:
        p = Pair(s)
        fill_maildir(p.l, ["INBOX", "Other"], count=20)
        p.run()
        with p.r.client() as c:
            c.expunge("INBOX", "1:*")
            c.expunge("Other", "1:*")
        r = p.run(status=3)
        has(r.err, "held back", "whole account")
        with p.l.client() as c:
            eq(len(c.uids("INBOX")) + len(c.uids("Other")), 40, "messages")


def interimap_goes_on():
    """The original runs on the database ours wrote, and finds it clean."""
    if not os.path.exists("/usr/bin/interimap"):
        raise Skip("no packaged interimap")
    with Scratch() as s:
        p = Pair(s)
        fill_maildir(p.l, ["INBOX", "A"], count=20)
        p.run()
        theirs = Interimap(s, tunnel_section(p.l), tunnel_section(p.r),
                           program="/usr/bin/interimap")
        with p.l.client() as c:
            c.append("INBOX", sample(77), "\\Seen")
        r = theirs.run()
        eq(r.status, 0, "the original: " + r.err)
        has(r.err, "Added 1 UID")
        with p.r.client() as c:
            c.append("A", sample(78), "\\Seen")
            c.expunge("INBOX", "3")
        r = p.run()
        a, b, _, _ = p.sides()
        eq(a, b, "the two sides")
        eq((len(a["INBOX"]), len(a["A"])), (20, 21), "counts")
        p.settled()


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, actions, want in CASES:
        if only in name:
            test(name, case, actions, want)
    for f in (database_mode, guard, emptied, interimap_goes_on):
        if only in f.__name__:
            test(f.__name__.replace("_", " "), f)
    done()
