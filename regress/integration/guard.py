#!/usr/bin/env python3
# The deletion guard between two real Dovecots: what is held back and what not,
# what is said of it, the ways out (restored, deleted there too, let through by
# --allow-delete), and kills in between.  What Dovecot will not do, a message
# that is there again by the UID it had, a scripted server does.
#
#	guard.py [part of a name]
import shlex, signal, sqlite3, sys
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill
from badserver import Account, Scripted, said, STORE_DATE
from commands import Kept
from servers import *
from tap import *

ORIGINAL = "/usr/bin/interimap"
KILLED = os.path.join(kill.BUILD, "interimap", "interimap")
ODD = "It's 100% A"             # of 30 messages; INBOX has 120, Few has 5


class World:
    """Two accounts, synchronized, and what they were then."""
    def __init__(self, scratch, boxes):
        self.scratch = scratch
        self.l, self.r = Dovecot(scratch, "L"), Dovecot(scratch, "R")
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              tunnel_section(self.r))
        self.program, first = self.sync.program, 0
        with open(self.sync.conf) as f:
            self.plain = f.read()
        for box, n in boxes:
            first = fill_maildir(self.l, [box], first, n)
        self.run()
        self.kept = Kept(self, scratch)

    def again(self, conf="", program=None):
        """As it was then, with this in the configuration."""
        self.kept.restore()
        self.sync.program = program or self.program
        self.scratch.write("sync/config", conf + "\n" + self.plain)
        return self

    def run(self, *args, status=0, **kw):
        r = self.sync.run(*args, **kw)
        eq(r.status, status, "%r: %s" % (args, r.err))
        return r

    def on(self, side):
        return (self.l if side == "L" else self.r).client()

    def expunge(self, side, uids, box="INBOX"):
        with self.on(side) as c:
            c.expunge(box, uids)

    def counts(self, box="INBOX"):
        """Messages on both sides, and how many different ones."""
        out = []
        for side in "LR":
            with self.on(side) as c:
                m = c.messages(box)
            eq(len({x[0] for x in m}), len(m), "doubled on " + side)
            out.append(len(m))
        return tuple(out)

    def same(self, box="INBOX"):
        with self.on("L") as a, self.on("R") as b:
            # Whoever restores a message gives it another date.
            eq(*[sorted(m[:2] for m in c.messages(box)) for c in (a, b)],
               "the two sides of " + box)

    def held(self):
        c = sqlite3.connect("file:%s?mode=ro" % self.sync.db, uri=True)
        try:
            return c.execute("SELECT count(*) FROM held").fetchone()[0]
        finally:
            c.close()

    def settled(self, counts, box="INBOX"):
        """All is well, and nothing is left to do."""
        eq(self.counts(box), counts, "messages in " + box)
        self.same(box)
        eq(self.held(), 0, "records")
        r = self.run("--debug")
        sent = {l.split()[3] for l in r.err.splitlines() if " C: " in l}
        eq(sorted(sent), ["ENABLE", "LIST", "LOGOUT"], "commands sent")


# ---- what is held ----

# The setting, the mailbox, how many of it vanish, whether that is held.
LIMITS = [
    ("", "INBOX", 110, True),
    ("", "INBOX", 101, True),
    ("", "INBOX", 100, False),
    ("max-delete = 10 50", "INBOX", 60, False),
    ("max-delete = 10 50", "INBOX", 61, True),
    ("max-delete = 10 0", ODD, 10, False),
    ("max-delete = 10 0", ODD, 11, True),
    ("max-delete = 110 50", "INBOX", 110, False),
    ("max-delete = 10 99", "INBOX", 119, True),
    ("max-delete = 0", "INBOX", 120, False),
]


def limit(w, conf, box, n, held):
    w.again(conf)
    w.expunge("L", "1:%d" % n, box)
    w.run(status=3 if held else 0)
    all = 120 if box == "INBOX" else 30
    eq(w.counts(box), (all - n, all if held else all - n), "messages")
    eq(w.held(), n if held else 0, "records")


def in_waves(w):
    """Those that are held already count, and so does the same run's other
    side not."""
    w.again()
    w.expunge("L", "1:101")
    w.run(status=3)
    w.expunge("L", "102:106")
    w.expunge("R", "110")
    r = w.run(status=3)
    has(r.err, "local(INBOX): WARNING: 106 deletions held back")
    eq((w.counts(), w.held()), ((13, 119), 106), "messages, records")


def bad_value(w, value):
    w.again("max-delete = " + value)
    r = w.run(status=78)
    has(r.err, "config:1: Invalid option max-delete = %s" % value,
        "COUNT PERCENT is wanted")
    eq(len(said(r)), 1, "lines")


def no_account(w, conf, prepare, few):
    """Nothing is left of the remote account: what vanished is held, be it
    ever so little."""
    w.again(conf)
    prepare(w)
    w.expunge("R", "1:*", "Few")
    r = w.run(status=3)
    has(r.err, "remote(Few): WARNING: %d deletions held back: the whole "
        "account became empty here" % few)
    eq(w.counts("Few"), (few, 0), "messages")


def all_empty(w):
    w.expunge("R", "1:*")
    w.expunge("R", "1:*", ODD)


def all_gone(w):
    w.expunge("R", "1:*")
    with w.on("R") as c:
        c.ok(c.c.delete(quote(ODD)))


def all_anew(w):
    all_gone(w)
    with w.on("R") as c:
        c.create(ODD)


def small_account(scratch):
    """Of 24 messages: not worth it.  Of 25, most of them in a mailbox that
    is gone: held."""
    w = World(scratch, [("INBOX", 5), ("Few", 19)])
    w.expunge("R", "1:*")
    w.expunge("R", "1:*", "Few")
    w.run()
    eq((w.counts(), w.counts("Few")), ((0, 0), (0, 0)), "messages")
    w.again()
    with w.on("L") as c:
        c.append("Few", sample(900))
    w.run()
    with w.on("R") as c:
        c.ok(c.c.delete("Few"))
        c.expunge("INBOX", "1:*")
    r = w.run(status=3)
    has(r.err, "remote(INBOX): WARNING: 5 deletions held back: the whole "
        "account became empty", "Mailbox Few is gone there")
    eq(w.counts(), (5, 0), "messages")


# ---- what is said, what is done all the same ----

def hold(w, n=110, conf="", program=None):
    w.again(conf, program)
    w.expunge("L", "1:%d" % n)
    return w.run(status=3)


def one_line(w):
    """Side, mailbox, number, reason and next step; the latter as it stands,
    by a shell."""
    w.again("max-delete = 10 50")
    w.expunge("R", "1:20", ODD)
    r = w.run(status=3)
    line, = said(r)
    has(line, "remote(%s): WARNING: 20 deletions held back" % ODD,
        "more than 10 and more than 50 % of the mailbox", "stay on local",
        "Restore them here")
    line, = said(w.run(status=3))
    has(line, "remote(%s): WARNING: 20 deletions held back" % ODD,
        "which an earlier run found")
    args = shlex.split(line[line.index("interimap --allow"):])
    eq(args, ["interimap", "--allow-delete=" + ODD], "the next step")
    r = w.run(*args[1:])
    has(r.err, "local(%s): 20 deletions that were held back are made" % ODD)
    w.settled((10, 10), ODD)


def goes_on(w):
    """The rest of the mailbox and the others are synchronized."""
    w.again()
    w.expunge("L", "1:110")
    with w.on("L") as c:
        c.append("INBOX", sample(900), "\\Seen")
        c.store("INBOX", "115", "+", "\\Flagged key")
        c.expunge(ODD, "1:3")
    with w.on("R") as c:
        c.append("INBOX", sample(901))
        c.store("INBOX", "116", "+", "\\Answered")
        c.expunge("INBOX", "120")
    r = w.run(status=3)
    has(r.err, "held back")
    eq((w.counts(), w.counts(ODD)), ((11, 121), (27, 27)), "messages")
    r = w.run("--debug", status=3)
    sent = {l.split()[3] for l in r.err.splitlines() if " C: " in l}
    eq(sorted(sent), ["ENABLE", "LIST", "LOGOUT"], "sent by the next run")
    w.expunge("R", "1:110")
    w.run()
    w.settled((11, 11))


# ---- the ways out ----

def append_all(side, numbers):
    def fn(w):
        with w.on(side) as c:
            for n in numbers:
                c.append("INBOX", sample(n), "\\Draft")
    return fn


def by_doveadm(w):
    """Out of a copy of the mail store, as from a backup."""
    keep = os.path.join(w.kept.keep, "L", "store")
    subprocess.run(as_user(["doveadm", "-c", w.l.conf, "import",
                            "maildir:" + keep, "", "mailbox", "INBOX",
                            "SMALLER", "100M"]),
                   env=w.scratch.env(), check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)
    with w.on("L") as c:        # it brought back what never was away
        for u in c.uids("INBOX")[:10]:
            c.expunge("INBOX", str(u))


def restored(w, how, args, union):
    hold(w)
    with w.on("R") as c:
        c.store("INBOX", "5", "+", "\\Answered key")
    how(w)
    r = w.run(*args)
    eq([l for l in r.err.splitlines() if "Removed" in l], [], "deletions")
    if union:
        with w.on("R") as c:
            flags = [m[1] for m in c.look("INBOX").messages.values()
                     if "key" in m[1]]
        eq(len(flags), 1, "with the keyword")
        has(flags[0], "\\answered", *union)
    w.settled((120, 120))


def restored_in_part(w):
    hold(w)
    append_all("L", range(40, 110))(w)
    r = w.run(status=3)
    has(r.err, "local(INBOX): WARNING: 40 deletions held back")
    eq((w.counts(), w.held()), ((80, 120), 40), "messages, records")
    w.run("--allow-delete=INBOX")
    w.settled((80, 80))


def restored_unseen(w):
    """No run was between the loss and the copies."""
    w.again()
    w.expunge("L", "1:110")
    append_all("L", range(110))(w)
    r = w.run()
    if "held back" in r.err:
        raise AssertionError("nothing is left to hold: " + r.err)
    w.settled((120, 120))


def deleted_there(w):
    hold(w)
    w.expunge("R", "1:110")
    w.run()
    w.settled((10, 10))


# ---- let through ----

def both_held(w):
    """INBOX and the odd one, from either side."""
    w.again("max-delete = 10 50")
    w.expunge("L", "1:110")
    w.expunge("R", "1:20", ODD)
    w.run(status=3)
    eq(w.held(), 130, "records")


def by_name(w):
    both_held(w)
    r = w.run("--allow-delete=It*", "--allow-delete=None", status=3)
    has(r.err, "--allow-delete=None names no mailbox of this run",
        "local(INBOX): WARNING: 110 deletions held back")
    eq((w.counts(), w.counts(ODD)), ((10, 120), (10, 10)), "messages")
    r = w.run("--allow-delete=Few", status=3)
    eq(w.counts(), (10, 120), "messages")
    w.run("--allow-delete=inbox")
    w.settled((10, 10))
    w.settled((10, 10), ODD)


def all_boxes(w):
    both_held(w)
    w.run("--allow-delete")
    w.settled((10, 10))
    w.settled((10, 10), ODD)


def at_once(w):
    """In the run that finds them, and of this mailbox only."""
    w.again("max-delete = 10 50")
    w.expunge("L", "1:110")
    w.expunge("R", "1:20", ODD)
    w.run("--allow-delete=INBOX", status=3)
    eq((w.counts(), w.counts(ODD)), ((10, 10), (30, 10)), "messages")


def an_account(w):
    w.again()
    all_empty(w)
    w.expunge("R", "1:*", "Few")
    w.run(status=3)
    w.run("--allow-delete")
    for box in ("INBOX", ODD, "Few"):
        w.settled((0, 0), box)


# ---- an old copy of the mail store ----

def went_back(w, found):
    """Ten messages are missing in it, which it never had: held all the same,
    though max-delete sets no limit."""
    w.again("max-delete = 0")
    append_all("L", range(900, 910))(w)
    w.run()
    shutil.rmtree(w.l.mail)
    subprocess.run(["cp", "-a", os.path.join(w.kept.keep, "L"), w.l.mail],
                   check=True)
    r = w.run(status=3)
    has(r.err, "local(INBOX): WARNING: 10 deletions held back: the messages "
        "are missing here, and the mailbox went back to an older state")
    eq((w.counts(), w.held()), ((120, 130), 10), "messages, records")
    if found:
        append_all("L", range(900, 910))(w)
        w.run()
        w.settled((130, 130))
    else:
        w.run("--allow-delete")
        w.settled((120, 120))


# ---- a message that is there again ----

def loses(a, n):
    """The account loses its first n messages, which are kept."""
    gone = []

    def fn(st):
        b = st.get("INBOX")
        uids = sorted(b.messages)[:n]
        gone.extend(b.messages[u] for u in uids)
        b.expunge(uids)
    a.change(fn)
    return gone


def comes_back(a, gone, body=None):
    """By the UIDs they had; or others by these UIDs."""
    def fn(st):
        b = st.get("INBOX")
        modseq = b.change()
        for i, m in enumerate(gone):
            m.modseq = modseq
            if body is not None:
                m.body = sample(body + i).encode()
            b.messages[m.uid] = m
        b.messages = dict(sorted(b.messages.items()))
        uids = {m.uid for m in gone}
        b.vanished = [v for v in b.vanished if v[1] not in uids]
    a.change(fn)


class Lost(Scripted):
    """Thirty messages of INBOX were lost, five by now are there again."""
    def __init__(self, scratch, body=None, back=5):
        self.scratch = scratch
        self.l, self.r = Account(scratch, "L"), Account(scratch, "R")
        self.l.add("INBOX", 1, 40)
        eq(self.run(extra="max-delete = 10 50").status, 0, "first")
        gone = loses(self.r, 30)
        r = self.run(extra="max-delete = 10 50")
        eq(r.status, 3, "held: " + r.err)
        has(r.err, "remote(INBOX): WARNING: 30 deletions held back")
        comes_back(self.r, gone[:back], body)

    def ends(self, n, *args, status=0):
        r = self.run(args=args, extra="max-delete = 10 50")
        eq(r.status, status, r.err)
        eq(tuple(len(b["INBOX"]) for b in self.boxes()), n, "messages")
        for b in self.boxes():
            eq(len({m[0] for m in b["INBOX"]}), len(b["INBOX"]), "doubled")
        return r


def back_again(args, n, status):
    with Scratch() as s:
        p = Lost(s)
        r = p.ends(n, *args, status=status)
        has(r.err, "5 messages whose deletion was held back are there again")
        p.ends(n, status=status)


def not_the_same():
    """Other messages have their UIDs: nothing is taken for deleted."""
    with Scratch() as s:
        p = Lost(s, body=500)
        r = p.ends((45, 20), status=3)
        has(r.err, "5 messages whose deletion was held back have lost their "
            "UID to others", "25 deletions held back")
        p.ends((20, 20), "--allow-delete")
        p.ends((20, 20))


# ---- the original in between ----

def original(w):
    """It knows no records; what it leaves ours goes on with."""
    if not os.access(ORIGINAL, os.X_OK):
        raise Skip("the original is not installed")
    hold(w)
    w.sync.program = ORIGINAL
    w.run()
    w.sync.program = w.program
    l, r = w.counts()
    eq((l, w.held() in (0, 110)), (10, True), "messages, records")
    with w.on("L") as c:
        c.append("INBOX", sample(900))
    r = w.run(status=3 if w.held() else 0)
    w.run("--allow-delete")
    w.settled((11, 11))


def original_repairs(w):
    """Its --repair copies back what is held; ours finds nothing held then."""
    if not os.access(ORIGINAL, os.X_OK):
        raise Skip("the original is not installed")
    hold(w)
    w.sync.program = ORIGINAL
    w.sync.run("--repair")
    w.sync.program = w.program
    w.run()
    w.settled((120, 120))


# ---- kills ----

KILLS = [
    # Killed there, the records are the first thing of a mailbox.
    ("while held", (), ["held:1", "advance-before:1", "advanced:1"],
     lambda w: w.expunge("L", "1:110"), 3, (10, 120)),
    ("while let through", ("--allow-delete",),
     ["expunged:1", "unmapped:1", "advance-before:1", "advanced:1",
      "mark-sent:1", "expunge-sent:1"],
     lambda w: (w.expunge("L", "1:110"), w.run(status=3)), 0, (10, 10)),
    ("while restored", (), ["adopted:1", "stored:1", "advance-before:1"],
     lambda w: (w.expunge("L", "1:110"), w.run(status=3),
                append_all("L", range(110))(w)), 0, (120, 120)),
]


def killed(w, args, point, prepare, status, counts):
    w.again(program=KILLED)
    prepare(w)
    r = w.sync.run(*args, env={"INTERIMAP_KILL": point})
    if r.status != -signal.SIGKILL and "killed by" not in r.err:
        raise AssertionError("not killed: %d %s" % (r.status, r.err))
    if not args:
        eq(w.counts()[1], 120, "messages on the other side")
    for _ in range(3):
        r = w.sync.run(*args)
        if r.status == status:
            break
    eq((r.status, w.counts()), (status, counts), "in the end: " + r.err)
    if status == 0:
        w.settled(counts)


def main(only):
    with Scratch() as s, Scratch() as s2:
        w = World(s, [("INBOX", 120), (ODD, 30), ("Few", 5)])
        tests = [("limits: '%s', %d of %s" % (c, n, b), limit, w, c, b, n, h)
                 for c, b, n, h in LIMITS]
        tests += [("a wrong max-delete: '%s'" % v, bad_value, w, v) for v in (
            "50", "0 50", "100 100", "1 2 3", "many", "-1 50", "100 50%")]
        tests += [("limits: one accident in two waves", in_waves, w)]
        tests += [("an account became empty: %s, '%s'" % (f.__name__, c),
                   no_account, w, c, f, 5)
                  for f, c in ((all_empty, ""), (all_empty, "max-delete = 0"),
                               (all_gone, "max-delete = 0"),
                               (all_anew, "max-delete = 0"))]
        tests += [
            ("an account became empty: of 24, of 25", small_account, s2),
            ("one line says it all", one_line, w),
            ("everything else goes on", goes_on, w),
            ("restored: by APPEND", restored, w,
             append_all("L", range(110)), (), ["\\draft"]),
            ("restored: by doveadm", restored, w, by_doveadm, (), []),
            ("restored: and let through", restored, w,
             append_all("L", range(110)), ("--allow-delete",), ["\\draft"]),
            ("restored: in part", restored_in_part, w),
            ("restored: before any run", restored_unseen, w),
            ("deleted there, too", deleted_there, w),
            ("let through: by name", by_name, w),
            ("let through: all", all_boxes, w),
            ("let through: at once", at_once, w),
            ("let through: a whole account", an_account, w),
            ("an old copy, and let through", went_back, w, False),
            ("an old copy, and what is missing", went_back, w, True),
            ("there again", back_again, (), (40, 15), 3),
            ("there again, and let through", back_again, ("--allow-delete",),
             (15, 15), 0),
            ("there again, but others", not_the_same),
            ("the original in between", original, w),
            ("the original repairs", original_repairs, w)]
        for name, fn, *args in tests:
            if only in name:
                test(name, fn, *args)
        points = [("killed %s, at %s" % (name, point), args, point, *rest)
                  for name, args, at, *rest in KILLS for point in at]
        points = [p for p in points if only in p[0]]
        if points:
            kill.build()
        for name, *rest in points:
            test(name, killed, w, *rest)
    done()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
