#!/usr/bin/env python3
# --delete and --rename: the same command given to the original program and to
# ours must leave the same mailboxes, subscriptions and database behind; what
# is refused changes nothing; and a run that is killed at any of its points is
# finished by the same command.
#
#	commands.py [part of a name]
import shutil, sqlite3, sys
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare, kill
from servers import *
from tap import *

ORIGINAL = "/usr/bin/interimap"
DATE = "01-Feb-2024 12:00:00 +0000"
TREE = ("a", "a/b", "a/b/c", "ab", "z")
# RENAME INBOX is refused where INBOX is the root of the others.
MDBOX = "mail_location = mdbox:%s\n"


class World:
    """Two accounts, synchronized once: a tree of mailboxes with some mail."""
    def __init__(self, scratch, seps=(".", "."), program=None, mdbox=False,
                 extra=""):
        self.l, self.r = [Dovecot(scratch, n, sep=s, extra=MDBOX % os.path.join(
            scratch.dir, n, "mail", "dbox") if mdbox else "")
            for n, s in zip("LR", seps)]
        self.seps = seps
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              tunnel_section(self.r), extra=extra,
                              program=program)
        with self.l.client() as c:
            for k, name in enumerate(TREE):
                c.create(name.replace("/", seps[0]))
                c.append(name.replace("/", seps[0]), sample(k), "\\Seen",
                         DATE)
            c.append("INBOX", sample(20), "", DATE)
        self.ok()

    def ok(self, *args):
        r = self.sync.run(*args)
        eq(r.status, 0, "%r: %s" % (args, r.err))
        return r

    def do(self, *acts):
        for side, verb, *a in acts:
            server = self.l if side == "L" else self.r
            with server.client() as c:
                if verb == "create":
                    c.create(a[0])
                else:
                    c.ok(getattr(c.c, verb)(*a))

    def rows(self):
        """What the database knows, by mailbox."""
        return compare.rows(self.sync.db)

    def state(self):
        out = []
        for server in (self.l, self.r):
            listed, boxes, subscribed = compare.snapshot(server)
            out.append((listed, compare.content(boxes), subscribed))
        return out + [self.rows()]


# ---- beside the original ----

# what, delimiters, what is done before, the command
CASES = [
    ("delete", "..", [], ["--delete", "z"]),
    ("delete two", "..", [],
     ["--delete", "z", "ab"]),
    ("delete a parent: its children stay", "..", [], ["--delete", "a"]),
    ("delete a child, delimiters differ", "/.", [], ["--delete", "a/b"]),
    ("delete what is absent", "..", [], ["--delete", "nope"]),
    ("delete takes no wildcards", "..", [], ["--delete", "a*", "%"]),
    ("delete where one side has it", "..", [("R", "delete", "z")],
     ["--delete", "z"]),
    ("delete on the remote server alone", "..", [],
     ["--target=remote", "--delete", "z"]),
    ("delete in the database alone", "..", [],
     ["--target=database", "--delete", "z"]),
    ("delete on two targets, separated by a comma", "..", [],
     ["--target=local,database", "--delete", "z"]),
    ("rename with children", "..", [], ["--rename", "a", "q"]),
    ("rename does not take what only begins alike", "..", [],
     ["--rename", "a.b", "q"]),
    ("rename, delimiters differ", "/.", [], ["--rename", "a/b", "q/x"]),
    ("rename where only children exist", "..",
     [(s, v, "a") for s in "LR" for v in ("delete", "unsubscribe")],
     ["--rename", "a", "q"]),
    ("rename to the parent of a mailbox", "..",
     [(s, "create", "p.q") for s in "LR"], ["--rename", "z", "p"]),
    ("rename to what exists", "..", [], ["--rename", "z", "a"]),
    ("rename to what exists remotely", "..", [("R", "create", "q")],
     ["--rename", "z", "q"]),
    ("rename to what exists, SOURCE does not", "..", [],
     ["--rename", "no", "z"]),
    ("rename what is absent", "..", [], ["--rename", "no", "q"]),
    ("rename below itself", "..", [], ["--rename", "a", "a.k"]),
    ("rename to a name that ends in the delimiter", "..", [],
     ["--rename", "z", "q."]),
    ("rename where one side has it", "..", [("L", "delete", "z")],
     ["--rename", "z", "q"]),
    ("rename in the database alone", "..", [],
     ["--target=database", "--rename", "a", "q"]),
    ("rename on the servers alone", "..", [],
     ["--target=local", "--target", "remote", "--rename", "a", "q"]),
    ("rename INBOX where that is refused", "..", [],
     ["--rename", "INBOX", "q"]),
]


def outcome(program, seps, acts, args):
    with Scratch() as s:
        w = World(s, seps=tuple(seps), program=program)
        w.do(*acts)
        r = w.sync.run(*args)
        return r.status, w.state(), r.err


def beside(seps, acts, args):
    ours = outcome(None, seps, acts, args)
    if not os.access(ORIGINAL, os.X_OK):
        raise Skip("no original program")
    theirs = outcome(ORIGINAL, seps, acts, args)
    eq(ours[0], theirs[0], "exit status: %s%s" % (ours[2], theirs[2]))
    for what, a, b in zip(("local", "remote", "database"), ours[1],
                          theirs[1]):
        eq(a, b, what)


# ---- afterwards ----

def nothing_to_do(w):
    """The next run finds the accounts equal and copies nothing."""
    r = w.ok()
    for word in ("Added", "Created", "Removed", "WARNING"):
        if word in r.err:
            raise AssertionError("the next run had work: " + r.err)


def renamed_stays_known():
    with Scratch() as s:
        w = World(s)
        before = w.rows()
        w.ok("--rename", "a", "q")
        after = w.rows()
        eq({k: v for k, v in after.items() if k[:1] == b"q"},
           {b"q" + k[1:]: v for k, v in before.items()
            if k == b"a" or k[:2] == b"a\0"}, "rows below the new name")
        nothing_to_do(w)


def ours_alone():
    """Rows of our own tables go as well."""
    with Scratch() as s:
        w = World(s)
        c = sqlite3.connect(w.sync.db)
        idx, = c.execute("SELECT idx FROM mailboxes WHERE mailbox = ?",
                         (b"z",)).fetchone()
        c.execute("INSERT OR IGNORE INTO stamps "
                  "SELECT l.idx, l.UIDVALIDITY, l.UIDNEXT, l.HIGHESTMODSEQ, "
                  "r.UIDVALIDITY, r.UIDNEXT, r.HIGHESTMODSEQ "
                  "FROM local l JOIN remote r ON l.idx = r.idx "
                  "WHERE l.idx = ?", (idx,))
        c.execute("INSERT INTO held (idx, lUID, rUID, side) "
                  "SELECT idx, lUID, rUID, 0 FROM mapping WHERE idx = ?",
                  (idx,))
        c.commit()
        c.close()
        w.ok("--target=database", "--delete", "z")
        eq(b"z" in w.rows(), False, "the row")	# rows() looks for the rest


def shorter():
    """a/b becomes a while a/b/b becomes a/b: names are unique throughout."""
    with Scratch() as s:
        w = World(s)
        w.ok("--delete", "a", "a.b", "a.b.c")
        for side in "LR":	# the longer one first: its row comes first
            w.do((side, "create", "a.b.b"))
        w.ok()
        for side in "LR":
            w.do((side, "create", "a.b"))
        w.ok()
        w.ok("--target=database", "--rename", "a.b", "a")
        eq(sorted(k for k in w.rows() if k[:2] in (b"a", b"a\0")),
           [b"a", b"a\0b"], "names")


def local_delimiter_in_names():
    """What no server can call so is refused, and nothing is changed."""
    with Scratch() as s:
        w = World(s, seps=("/", "."))
        before = w.state()
        r = w.sync.run("--rename", "z", "v1.0")
        eq(r.status, 1, r.err)
        has(r.err, "remote: ERROR: Mailbox z cannot have its new name")
        eq(w.state(), before)


def child_in_the_way():
    with Scratch() as s:
        w = World(s)
        for side in "LR":
            w.do((side, "create", "p.b"))
        before = w.state()
        r = w.sync.run("--rename", "a", "p")
        eq(r.status, 1, r.err)
        has(r.err, "local: ERROR: Mailbox p.b exists")
        eq(w.state(), before)


def named_twice():
    with Scratch() as s:
        w = World(s, seps=("/", "."))
        r = w.ok("--debug", "--delete", "z", "a/b", "z")
        eq(len(re.findall(r" DELETE z$", r.err, re.M)), 2, r.err)
        eq(sorted(w.rows()), [b"INBOX", b"a", b"a\0b\0c", b"ab"])


def children_alone():
    with Scratch() as s:
        w = World(s)
        w.ok("--delete", "a")
        w.ok("--rename", "a", "q")
        eq(sorted(w.rows()), [b"INBOX", b"ab", b"q\0b", b"q\0b\0c", b"z"])
        for server in (w.l, w.r):
            with server.client() as c:
                eq([len(c.messages(n)) for n in ("q.b", "q.b.c")], [1, 1])
        nothing_to_do(w)


def inbox_stays():
    with Scratch() as s:
        w = World(s)
        before = w.state()
        for name in ("INBOX", "inbox"):
            r = w.sync.run("--delete", "z", name)
            eq((r.status, r.err), (1, "ERROR: INBOX can't be deleted\n"))
        eq(w.state(), before)


def rename_inbox():
    """INBOX is empty then; its rows went with its mail, if that is told."""
    with Scratch() as s:
        w = World(s, seps=("/", "/"), mdbox=True)
        for side in "LR":
            w.do((side, "create", "INBOX/sub"))
        w.ok()
        w.ok("--rename", "INBOX", "old")
        for server in (w.l, w.r):
            with server.client() as c:
                boxes = c.mailboxes()
                eq(len(c.messages("old")), 1, "mail in the new mailbox")
                eq(c.messages("INBOX"), [], "mail in INBOX")
        rows = w.rows()
        child = b"old\0sub" if "old/sub" in boxes else b"INBOX\0sub"
        eq(child in rows and b"old" in rows, True, "rows: %r" % rows)
        r = w.ok()
        if "Added" in r.err or "Removed" in r.err:
            raise AssertionError("mail was copied again: " + r.err)


def quiet():
    with Scratch() as s:
        w = World(s)
        r = w.ok("-q", "--rename", "z", "y")
        eq(r.err, "database: Renamed mailbox z to y\n")
        r = w.ok("--debug", "--delete", "y")
        has(r.err, "C: ", "DELETE y", "local: Deleted mailbox y")


def list_options_are_ignored():
    with Scratch() as s:
        w = World(s, extra="ignore-mailbox = ^z\n")
        w.do(("L", "create", "zz"))
        w.ok("--delete", "zz")
        with w.l.client() as c:
            eq("zz" in c.mailboxes(), False)


# ---- refused by one server ----

def refused_remotely():
    """The local one is renamed, the remote one refuses; later it does not."""
    with Scratch() as s:
        w = World(s)
        rows = w.rows()
        d = os.path.join(w.r.store)
        os.chmod(d, 0o500)
        try:
            r = w.sync.run("--rename", "z", "y")
        finally:
            os.chmod(d, 0o700)
        eq(r.status, 1, r.err)
        has(r.err, "local: Renamed mailbox z to y", "remote: ERROR: Couldn't "
            "rename mailbox z to y", "give the same command again")
        eq(w.rows(), rows, "the database")
        r = w.ok("--rename", "z", "y")
        has(r.err, "local: Mailbox z is renamed to y already",
            "remote: Renamed mailbox z to y")
        nothing_to_do(w)


def another_mailbox():
    """DEST is no SOURCE renamed, although SOURCE is gone there."""
    with Scratch() as s:
        w = World(s)
        w.do(("L", "delete", "z"), ("L", "create", "y"))
        before = w.state()
        r = w.sync.run("--rename", "z", "y")
        eq(r.status, 1, r.err)
        has(r.err, "local: ERROR: Mailbox y exists", "Nothing was changed")
        eq(w.state(), before)
        w.ok("--target=remote,database", "--rename", "z", "y")


# ---- killed ----

COMMANDS = [["--delete", "z", "a.b.c"], ["--rename", "a", "q"]]


class Kept:
    def __init__(self, w, scratch):
        self.w, self.keep = w, scratch.mkdir("kept")
        self.parts = [(w.l.mail, "L"), (w.r.mail, "R"), (w.sync.db, "db"),
                      (w.sync.db + "-journal", "db-journal")]
        for a, b in self.parts:
            if os.path.exists(a):
                subprocess.run(["cp", "-a", a, os.path.join(self.keep, b)],
                               check=True)

    def restore(self):
        for a, b in self.parts:
            b = os.path.join(self.keep, b)
            if os.path.isdir(a):
                shutil.rmtree(a)
            elif os.path.exists(a):
                os.unlink(a)
            if os.path.exists(b):
                subprocess.run(["cp", "-a", b, a], check=True)


def kill_at(kept, args, want, point, count):
    w = kept.w
    kept.restore()
    kill.killed(w, args, point, count)
    whole = w.state() == want
    r = w.sync.run(*args)
    if not whole or args[0] == "--delete":
        eq(r.status, 0, "the same command again: " + r.err)
    elif r.status not in (0, 1):
        raise AssertionError("all was done, then: " + r.err)
    for a, b in zip(w.state(), want):
        eq(a, b, "the state in the end")
    nothing_to_do(w)


def kills(only):
    program = os.path.join(kill.BUILD, "interimap", "interimap")
    for args in COMMANDS:
        with Scratch() as s:
            w = World(s, program=program)
            kept = Kept(w, s)
            r = w.sync.run(*args, env={"INTERIMAP_KILL": "?:"})
            eq(r.status, 0, r.err)
            want = w.state()
            passed = {}		# by name: the most in one process
            for l in r.err.splitlines():
                if l.startswith("killpoint "):
                    pid, name = l.split()[1:]
                    passed.setdefault(name, {}).setdefault(pid, 0)
                    passed[name][pid] += 1
            test("%s passes all points of its own" % args[0], eq,
                 sorted(p for p in passed if p.startswith("command-")),
                 ["command-checked", "command-database", "command-local",
                  "command-remote"])
            for point in sorted(passed):
                last = max(passed[point].values())
                for count in sorted({1, last}):
                    test("%s, killed at %s:%d" % (args[0], point, count),
                         kill_at, kept, args, want, point, count)


ALONE = [
    ("what is renamed stays known", renamed_stays_known),
    ("rows of our own tables go with a mailbox", ours_alone),
    ("a child takes the place of its parent", shorter),
    ("a new name that holds the other delimiter", local_delimiter_in_names),
    ("a child's new name is taken", child_in_the_way),
    ("a name given twice is deleted once", named_twice),
    ("children are renamed without their parent", children_alone),
    ("INBOX can't be deleted", inbox_stays),
    ("INBOX renamed", rename_inbox),
    ("--quiet and --debug", quiet),
    ("the list options are ignored", list_options_are_ignored),
    ("a rename refused by the second server is finished", refused_remotely),
    ("another mailbox of that name is no renamed one", another_mailbox),
]


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for what, seps, acts, args in CASES:
        if only in what:
            test("as the original: " + what, beside, seps, acts, args)
    for what, fn in ALONE:
        if only in what:
            test(what, fn)
    if only in "killed":
        kill.build()
        kills(only)
    done()
