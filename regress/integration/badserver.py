# What a server may do that Dovecot never will: two scripted servers
# (regress/hostile), one of which misbehaves by a quirk.  Each case is run
# once with the quirk and once without: the first run says what is wrong and
# loses nothing, the second goes on from there and ends with equal sides.
# The cases of errors.py's second half.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "hostile"))
from mailstore import Store, DATE as STORE_DATE
from servers import *
from tap import *

SCRIPTED = os.path.join(TOP, "regress", "hostile", "scripted.py")
HASTY = "build/hasty/interimap/interimap"
TIMEOUT = 2                     # of this one, in seconds


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
        eq((r.status, said(r)), (0, []), "the next run")
        l, r = self.boxes()
        eq(l, r, "the two sides")
        for b in before or ():
            eq(lost(b, l), [], "lost in the end")
        r = self.run()
        eq((r.status, r.err), (0, ""), "the run after that")


def quirks(*names):
    return [a for n in names for a in ("--quirk", n)]


LOST = "nothing is lost, the next run goes on from there"
BROKE = "the server broke the protocol; nothing is lost"

# Name, the side that misbehaves, its quirks, exit status, what one line says.
SESSION = [
    ("server without " + cap, "remote", ["cap-without=" + cap], 1,
     ["remote: ERROR: Non %s-capable IMAP server" % cap, "Enable it"])
    for cap in ("QRESYNC", "UIDPLUS", "LIST-EXTENDED", "LIST-STATUS",
                "ENABLE")
] + [
    ("the local server without QRESYNC", "local", ["cap-without=QRESYNC"], 1,
     ["local: ERROR: Non QRESYNC-capable"]),
    ("ENABLED without QRESYNC", "remote", ["enabled-without-qresync"], 1,
     ["remote: ERROR: the server did not enable QRESYNC", "Use another"]),
    ("no ENABLED at all", "remote", ["no-enabled"], 1,
     ["remote: ERROR: the server did not enable QRESYNC", "Use another"]),
    ("ENABLE refused", "local", ["no=ENABLE"], 1,
     ["local: ERROR: the server did not enable QRESYNC", "refused"]),
    ("LIST refused", "remote", ["no=LIST:2"], 1,
     ["remote: ERROR: LIST failed: [X-QUIRK] refused", "next run"]),
    ("BYE instead of LIST", "local", ["bye=LIST"], 75,
     ["local: ERROR: server closes the connection: done", LOST]),
    ("BYE instead of SELECT", "remote", ["bye=SELECT:2"], 75,
     ["remote: ERROR: server closes the connection: done", LOST]),
    ("BYE in a FETCH", "remote", ["bye=UID FETCH"], 75,
     ["remote: ERROR: server closes the connection: done", LOST]),
    ("BYE instead of an APPEND's answer", "remote", ["bye=APPEND"], 75,
     ["remote: ERROR: server closes the connection: done", LOST]),
    ("EOF instead of an APPEND", "remote", ["drop=APPEND"], 75,
     ["remote: ERROR: ", "connection", LOST]),
    ("EOF after an APPEND that was made", "remote", ["drop-done=APPEND"], 75,
     ["remote: ERROR: ", "connection", LOST]),
    ("EOF in the literal of a body", "remote", ["cut-body=100"], 75,
     ["remote: ERROR: ", "connection", LOST]),
    ("an answer with a tag never sent", "remote", ["false-tag=LIST"], 1,
     ["remote: ERROR: answer with an unknown tag", BROKE]),
    ("noise", "remote", ["garbage=UID FETCH"], 1, ["remote: ERROR: ", BROKE]),
    ("a NUL", "local", ["nul=LIST"], 1, ["local: ERROR: NUL in a", BROKE]),
    ("100000 parentheses", "remote", ["nested=LIST"], 1,
     ["remote: ERROR: ", BROKE]),
]

# The same, but only one mailbox suffers.
MAILBOX = [
    ("a mailbox without MODSEQ", "remote", ["nomodseq=Box"], 2,
     ["remote(Box): ERROR: ", "no mod-sequences", "ignore-mailbox"]),
    ("a mailbox that cannot be selected", "local", ["select-no=Box"], 2,
     ["local(Box): ERROR: SELECT", "[NOPERM] not for you", "next run"]),
    ("a mailbox whose SELECT is BAD", "remote", ["select-bad=Box"], 2,
     ["remote(Box): ERROR: SELECT", "I do not understand", "next run"]),
    ("a FETCH refused", "remote", ["no=UID FETCH"], 2,
     ["remote(", ": ERROR: SELECT or FETCH failed: [X-QUIRK] refused",
      "next run"]),
    ("CREATE refused", "local", ["create-no"], 2,
     ["local: WARNING: Couldn't create mailbox Other: [CANNOT] not here",
      "Create it there"]),
]


def bad(side, names, status, needles, isolated):
    with Scratch() as s:
        p = Scripted(s)
        before = p.boxes()
        r = p.run(**{side: quirks(*names)})
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, *needles)
        if isolated:
            l, q = p.boxes()
            same = [n for n in ("INBOX", "Box", "Other")
                    if l.get(n) == q.get(n)]
            eq(len(same), 2, "mailboxes equal on both sides")
        p.goes_on(before)


def cut(where):
    """EOF after that many octets of the server."""
    with Scratch() as s:
        p = Scripted(s)
        before = p.boxes()
        r = p.run(remote=["--cut", str(where)])
        eq(r.status, 75, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: ", "connection", LOST)
        p.goes_on(before)


def overquota():
    """Said once a mailbox; the other direction goes on."""
    with Scratch() as s:
        p = Scripted(s)
        before = p.boxes()
        r = p.run(remote=quirks("append-no=OVERQUOTA"))
        eq(r.status, 2, "exit status; it said: " + r.err)
        for box in ("INBOX", "Box"):
            lines = [l for l in said(r) if l.startswith("remote(%s)" % box)]
            eq(len(lines), 1, "lines about %s in: %s" % (box, r.err))
            has(lines[0], "WARNING: local UID", "[OVERQUOTA] refused",
                "by --repair")
        eq(len(said(r)), 2, "lines in: " + r.err)
        l, q = p.boxes()
        eq({n: len(v) for n, v in l.items()},
           {"INBOX": 9, "Box": 9, "Other": 2}, "the local side has it all")
        p.goes_on(before, args=("--quiet", "--repair"))


def toobig():
    """One line for those that are left out; the others are not."""
    with Scratch() as s:
        p = Scripted(s)
        p.goes_on()
        p.l.add("Box", 50, 2)
        p.r.add("Box", 60, 1)
        before = p.boxes()
        r = p.run(remote=quirks("append-no=TOOBIG"))
        eq(r.status, 2, "exit status; it said: " + r.err)
        for _ in range(2):
            line, = said(r)
            has(line, "remote(Box): WARNING: local UID 10:11 not taken: "
                "[TOOBIG] refused (once)")
            r = p.run()
            eq(r.status, 2, "exit status of the next run")
        l, q = p.boxes()
        eq((len(l["Box"]), len(q["Box"])), (12, 10), "messages")
        for b, n in zip(before, (l, q)):
            eq(lost(b, n), [], "lost")


def clean(r):
    """Nothing but printable ASCII and ends of lines."""
    rest = [c for c in r.err + r.out if c != "\n" and not " " <= c <= "~"]
    eq(rest, [], "octets that reach the terminal in: %r" % r.err)


def escapes(args, *more):
    """Neither names nor texts of a server steer the terminal."""
    with Scratch() as s:
        p = Scripted(s)
        r = p.run(remote=quirks("escapes", *more), args=args)
        has(r.err, "\\033[2J")
        clean(r)
        if more and more[0].startswith("append-no"):
            # What was refused is tried again later, or by --repair.
            r = p.run(args=("--quiet", "--repair"))
            eq((r.status, said(r)), (0, []), "--repair")
        p.goes_on()


def newline():
    """A name with a line end in it does not make a second line."""
    with Scratch() as s:
        p = Scripted(s)
        p.r.change(lambda st: st.create("a\nERROR: b"))
        r = p.run(args=())
        clean(r)
        has(r.err, "mailbox a\\nERROR: b")
        eq(said(r), [l for l in r.err.splitlines() if "mailbox a" in l],
           "lines made up by the server")
        p.goes_on()


def silent(args):
    """A server that says nothing more is given up."""
    with Scratch() as s:
        p = Scripted(s)
        before = p.boxes()
        r = p.run(remote=args, program=os.path.join(TOP, HASTY))
        eq(r.status, 75, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: no answer from the server for %d seconds"
                 % TIMEOUT, LOST)
        p.goes_on(before)


def run_all(only=""):
    for table in (SESSION, MAILBOX):
        for name, side, names, status, needles in table:
            if only in name:
                test(name, bad, side, names, status, needles,
                     table is MAILBOX)
    for where in (30, 300, 900, 1500, 2200):
        if only in "EOF after":
            test("EOF after %d octets" % where, cut, where)
    for name, fn, *args in (
            ("APPEND refused: over quota", overquota),
            ("APPEND refused: too big", toobig),
            ("escapes in names and texts", escapes, ()),
            ("escapes under --debug", escapes, ("--debug", "--debug")),
            ("escapes in a BYE", escapes, ("--quiet",), "bye=UID FETCH"),
            ("escapes in a refusal", escapes, (), "append-no=NOPERM"),
            ("a line end in the name of a mailbox", newline),
            ("silence before the greeting", silent, quirks("no-greeting")),
            ("silence instead of LIST", silent, quirks("silent=LIST")),
            ("silence instead of FETCH", silent, quirks("silent=UID FETCH")),
            ("silence instead of APPEND", silent, quirks("silent=APPEND")),
            ("silence in the middle of an answer", silent, ["--stall", "900"]),
            ("silence in a literal of 4 GiB", silent,
             quirks("giant-literal"))):
        if only in name:
            test(name, fn, *args)
