#!/usr/bin/env python3
# --reset: a synchronized pair of accounts, a mailbox replaced on one side or on
# both (another UIDVALIDITY), then --reset.  In the end both sides hold the union
# of what they held, each message once with the flags of both, other mailboxes
# are as they were, and neither the next run nor the original program has
# anything to do.  A database that was lost is the same for all mailboxes.
#
#	reset.py [part of a name]
import collections, shlex, subprocess, sys
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill, repair
from repair import DATE, KILLED, ORIGINAL
from servers import *
from tap import *

BOX = "A"
COUNT = 12
ODD = "it's a \"box\""


class World(repair.World):
    """A with twelve messages, and Other, that nobody names."""
    def __init__(self, scratch):
        self.scratch = scratch
        self.l, self.r = [Dovecot(scratch, n) for n in "LR"]
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              tunnel_section(self.r))
        self.program = self.sync.program
        with self.l.client() as c:
            for box in (BOX, "Other", "C"):
                c.create(box)
            for k in range(COUNT):
                c.append(BOX, sample(k), "\\Seen" if k % 2 else "", self.at(k))
            for k in (50, 51):
                c.append("Other", sample(k), "", self.at(k))
                c.append("C", sample(k + 10), "", self.at(k + 10))
        self.ok()
        self.kept = repair.Kept(self, scratch)

    @staticmethod
    def at(n):
        return DATE % (n % 28 + 1)

    def replace(self, side, numbers, flags=None, box=BOX):
        """Deleted, made again, with these messages put back in this order."""
        flags = flags or (lambda n: "\\Seen" if n % 2 else "")
        with self.server(side).client() as c:
            was = c.look(box).uidvalidity
            c.select("INBOX")
            c.ok(c.c.delete(c.wire(box)))
            c.create(box)
            for n in numbers:
                c.append(box, sample(n), flags(n), self.at(n))
            if c.look(box).uidvalidity == was:
                raise RuntimeError("the same UIDVALIDITY")

    def rows_of(self, box):
        return self.query(
            "SELECT * FROM mailboxes NATURAL JOIN local NATURAL JOIN mapping "
            "WHERE mailbox = CAST('%s' AS BLOB)" % box) + self.query(
            "SELECT * FROM mailboxes NATURAL JOIN remote "
            "WHERE mailbox = CAST('%s' AS BLOB)" % box)

    def reset(self, *args, status=0):
        r = self.sync.run("--reset", *(args or (BOX,)))
        eq(r.status, status, r.err)
        return r


def both(w, box=BOX):
    return [w.held(s, box) for s in "LR"]


def ends(w, numbers, flags=None, box=BOX):
    """Both sides hold these, once, and nobody finds anything to do."""
    flags = flags or (lambda n: ("\\seen",) if n % 2 else ())
    l, r = both(w, box)
    eq(l, r, "the two sides")
    digest = lambda n: hashlib.sha256(sample(n).replace(
        "\n", "\r\n").encode()).hexdigest()
    eq([m[:2] for m in l], sorted((digest(n), flags(n)) for n in numbers),
       "messages and flags")
    eq(w.query("SELECT count(*) FROM mapping NATURAL JOIN mailboxes WHERE "
               "mailbox = CAST('%s' AS BLOB)" % box), [(len(numbers),)],
       "rows")
    for table in ("intents", "held", "skipped"):
        eq(w.query("SELECT * FROM " + table), [], table)
    goes_on(w, box, l)


def goes_on(w, box, end):
    programs = [w.program]
    if os.access(ORIGINAL, os.X_OK):
        programs += [ORIGINAL, w.program]
    rows = sorted(w.rows_of(box))
    for w.sync.program in programs:
        r = w.ok()
        for word in ("Added", "Removed", "Updated", "WARNING", "Recognised"):
            if word in r.err:
                raise AssertionError("the next run had work: " + r.err)
        eq(both(w, box), [end, end], "after a run of " + w.sync.program)
    w.sync.program = w.program
    eq(sorted(w.rows_of(box)), rows, "rows and state after these runs")


# ---- replaced, and what was put back ----

def replaced(w, sides, back, copied):
    w.again()
    other = w.rows_of("Other")
    for side in sides:
        w.replace(side, back)
    w.append("L", 90, box="Other")
    before = both(w), w.rows_of(BOX)
    r = w.sync.run(BOX)
    eq(r.status, 2, "without --reset: " + r.err)
    eq((both(w), w.rows_of(BOX)), before, "without --reset")
    eq(r.err.count("UIDVALIDITY changed!"), 1, r.err)
    has(r.err, "run interimap --reset A")
    r = w.reset()
    eq(r.err.count("UIDVALIDITY changed ("), len(sides), r.err)
    has(r.err, *(["Recognised %d messages" % len(back)] if back else []))
    eq(sum(int(n) for n in re.findall(r"Added (\d+) UID", r.err)), copied,
       r.err)
    eq(w.rows_of("Other"), other, "the rows of another mailbox")
    eq(len(w.held("R", "Other")), 2, "another mailbox was synchronized")
    w.ok()
    ends(w, set(back) | set(range(COUNT) if len(sides) == 1 else ()))


def union(w):
    """What the flags were before is not known: each side's count."""
    w.again()
    w.replace("R", range(COUNT), lambda n: ["\\Flagged", "\\Answered key"]
              [n % 2])
    w.reset()
    ends(w, range(COUNT), lambda n: (("\\answered", "\\seen", "key") if n % 2
                                     else ("\\flagged",)))


def both_new(w):
    """New mail on both sides of a replaced mailbox, some of it the same."""
    w.again()
    w.replace("L", list(range(4, COUNT)) + [30, 32])
    for n in (32, 34):
        w.append("R", n, box=BOX)
    w.reset()
    ends(w, list(range(COUNT)) + [30, 32, 34])


def unchanged(w):
    """Harmless, too: what was deleted on one side alone comes back."""
    w.again()
    w.expunge("R", "3", BOX)
    r = w.reset()
    has(r.err, "UIDVALIDITY did not change", "comes back")
    ends(w, range(COUNT))


def twice(w):
    """Equal messages stay as many as they are."""
    w.again()
    w.append("L", 3, "\\Seen", BOX)
    w.ok()
    w.replace("R", list(range(COUNT)) + [3])
    w.reset()
    ends(w, list(range(COUNT)) + [3])


def renumbered(w):
    """Other UIDs, and a database that knows nothing better."""
    w.again()
    w.replace("L", reversed(range(COUNT)))
    w.replace("R", [n * 5 % COUNT for n in range(COUNT)])
    w.reset()
    ends(w, range(COUNT))


# ---- what is reset, and what not ----

def wildcard(w):
    """Of what only a wildcard matches, what was replaced."""
    w.again()
    w.replace("R", range(COUNT))
    w.replace("L", range(60, 62), lambda n: "", "C")
    w.expunge("R", "2", "Other")
    w.append("L", 91, box="Other")
    other = w.rows_of("Other")
    r = w.reset("*")
    eq(r.err.count("UIDVALIDITY changed ("), 2, r.err)
    eq(w.rows_of("Other"), other, "a mailbox that was not replaced")
    eq([len(x) for x in both(w, "Other")], [3, 1], "was synchronized")
    w.ok()
    eq([len(x) for x in both(w, "Other")], [2, 2], "by the next run")
    ends(w, range(COUNT))
    ends(w, range(60, 62), lambda n: (), "C")


def names(w):
    """What is not there, or was never synchronized, is said."""
    w.again()
    with w.l.client() as c:
        c.create("New")
    w.append("L", 70, box="New")
    before = w.query("SELECT * FROM mapping")
    r = w.reset("New", "Nowhere")
    has(r.err, "Mailbox New was never synchronized: nothing to reset",
        "Mailbox Nowhere does not exist: nothing to reset")
    eq(w.query("SELECT * FROM mapping"), before, "rows")
    with w.r.client() as c:
        eq("New" in c.mailboxes(), False, "New was created")
    r = w.sync.run("--reset")
    eq(r.status, 1, r.err)
    has(r.err, "Option --reset needs at least one mailbox")


def gone(w):
    """On one side alone: what was meant cannot be told, and is not needed."""
    w.again()
    with w.r.client() as c:
        c.ok(c.c.delete(BOX))
    before = w.rows_of(BOX)
    r = w.reset(status=2)
    has(r.err, "Mailbox A is gone there but exists on local")
    eq(w.rows_of(BOX), before, "rows")
    eq(len(w.held("L", BOX)), COUNT, "messages")


def advice(w):
    """The words can be given to a shell as they are."""
    w.again()
    with w.l.client() as c:
        c.create(ODD)
    for n in range(3):
        w.append("L", n, box=ODD)
    w.ok()
    w.replace("R", [2, 1], lambda n: "", ODD)
    r = w.sync.run()
    eq(r.status, 2, r.err)
    words = re.search(r"run interimap (--reset .*)", r.err).group(1)
    r = subprocess.run(["sh", "-c", "exec %s %s" % (
        " ".join(shlex.quote(a) for a in w.sync.argv()), words)],
        env=w.scratch.env(), stdin=subprocess.DEVNULL, text=True,
        capture_output=True, timeout=60)
    eq(r.returncode, 0, r.stderr)
    eq([len(x) for x in both(w, ODD)], [3, 3], "messages")
    w.ok()


def records(w):
    """What is ours goes, of this mailbox alone."""
    w.again()
    a, c = [w.query("SELECT idx FROM mailboxes WHERE mailbox = "
                    "CAST('%s' AS BLOB)" % b)[0][0] for b in (BOX, "C")]
    for i in (a, c):
        w.sql("INSERT OR IGNORE INTO stamps SELECT l.idx, l.UIDVALIDITY, "
              "l.UIDNEXT, l.HIGHESTMODSEQ, r.UIDVALIDITY, r.UIDNEXT, "
              "r.HIGHESTMODSEQ FROM local l JOIN remote r USING (idx) "
              "WHERE idx = %d" % i,
              "INSERT INTO intents VALUES (%d, 0, 99, 1, 5, 0, 0, 0)" % i,
              "INSERT INTO held VALUES (%d, 1, 1, 1)" % i,
              "INSERT INTO skipped VALUES (%d, 0, 98, 4, 'no')" % i,
              "INSERT INTO tries VALUES (%d, 0, 98, 9, 4000000000)" % i,
              "INSERT INTO keywords VALUES (%d, 1, 'key')" % i)
    w.replace("R", range(COUNT))
    w.reset()
    for table in ("intents", "held", "skipped", "tries", "keywords"):
        eq(w.query("SELECT DISTINCT idx FROM " + table), [(c,)], table)
    eq([len(x) for x in both(w)], [COUNT, COUNT], "messages")


# ---- killed ----

def killed(w, args, point, count=1):
    w.sync.program = KILLED
    kill.killed(w, args, point, count)
    w.sync.program = w.program


def in_flight(w, side, point):
    """Copies whose answer nobody wrote down are found again."""
    w.again()
    for n in (20, 21, 22):
        w.append("L", n, box=BOX)
    killed(w, [BOX], point)
    eq(w.query("SELECT count(*) FROM intents"), [(3,)], "intents")
    if side == "L":
        w.replace("L", list(range(COUNT)) + [20, 21, 22],
                  lambda n: "\\Seen" if n % 2 and n < 20 else "")
    w.reset()
    ends(w, list(range(COUNT)) + [20, 21, 22],
         lambda n: ("\\seen",) if n % 2 and n < 20 else ())


def change(w):
    w.replace("R", range(6, COUNT), lambda n: "\\Flagged")
    w.append("R", 40, "", BOX)


def kill_at(w, point, count, args):
    w.again()
    change(w)
    killed(w, ["--reset", BOX], point, count)
    r = w.sync.run(*args)
    if r.status == 2 and "UIDVALIDITY changed!" in r.err:
        r = w.reset()		# nothing had been dropped yet
    eq(r.status, 0, r.err)
    w.ok()
    ends(w, list(range(COUNT)) + [40], lambda n: (() if n == 40 else
         (("\\flagged",) if n > 5 else ()) + (("\\seen",) if n % 2 else ())))


def kills(w):
    w.again(KILLED)
    change(w)
    r = w.sync.run("--reset", BOX, env={"INTERIMAP_KILL": "?:"})
    eq(r.status, 0, r.err)
    w.sync.program = w.program
    passed = collections.Counter(l.split()[2] for l in r.err.splitlines()
                                 if l.startswith("killpoint "))
    eq("reset-dropped" in passed, True, "the point of its own")
    for point in sorted(passed):
        if not (point.startswith(("reset-", "db-")) or point in (
                "adopted", "intent-committed", "copied", "mapped")):
            continue
        test("killed at %s, then a plain run" % point, kill_at, w, point, 1,
             [])
        if point in ("reset-dropped", "copied", "db-after-commit"):
            test("killed at %s, then once more" % point, kill_at, w, point, 1,
                 ["--reset", BOX])


# ---- a lost database ----

def lost(w, emptied):
    """Moved away, or emptied: all is joined, which is said once."""
    w.again()
    w.append("L", 80, box=BOX)
    if emptied:
        w.sql(*("DELETE FROM " + t for t in (
            "mapping", "local", "remote", "mailboxes", "stamps")))
    else:
        os.rename(w.sync.db, w.sync.db + ".away")
        os.unlink(w.sync.db + "-journal")
    r = w.ok()
    has(r.err, "database: It was empty although both sides hold the same "
        "mail: %d equal messages were joined, not copied" % (COUNT + 4))
    eq(sum(int(n) for n in re.findall(r"Added (\d+) UID", r.err)), 1, r.err)
    ends(w, list(range(COUNT)) + [80])
    eq("It was empty" in w.ok().err, False, "said again")


def new(w):
    """A database that is new where nothing is equal is no news."""
    w.again()
    with w.r.client() as c:
        c.select("INBOX")
        for box in (BOX, "Other", "C"):
            c.ok(c.c.delete(box))
    os.unlink(w.sync.db)
    os.unlink(w.sync.db + "-journal")
    eq("It was empty" in w.ok().err, False, "said")
    ends(w, range(COUNT))


SIX = range(6)
CASES = [
    ("replaced on the remote, all restored", replaced, "R", range(COUNT), 0),
    ("replaced on the local, all restored", replaced, "L", range(COUNT), 0),
    ("replaced on both, all restored", replaced, "LR", range(COUNT), 0),
    ("replaced on the remote, in part restored", replaced, "R", SIX, 6),
    ("replaced on the local, in part restored", replaced, "L", SIX, 6),
    ("replaced on the remote, empty", replaced, "R", [], COUNT),
    ("replaced on both, empty", replaced, "LR", [], 0),
    ("flags of both", union),
    ("new mail on both sides", both_new),
    ("the same UIDVALIDITY", unchanged),
    ("equal messages", twice),
    ("other UIDs on both sides", renumbered),
    ("by a wildcard", wildcard),
    ("names that name nothing", names),
    ("gone from one side", gone),
    ("the advice", advice),
    ("records of this mailbox alone", records),
    ("database moved away", lost, 0),
    ("database emptied", lost, 1),
    ("database new", new),
]


def main(only):
    with Scratch() as s:
        w = World(s)
        for name, *rest in CASES:
            if only in name:
                test(name, rest[0], w, *rest[1:])
        if only in "killed" or only in "copies in flight":
            kill.build()
            for side, point in (("", "copied"), ("L", "copied"),
                                ("", "intent-committed")):
                test("copies in flight, killed at %s%s" % (
                    point, ", then replaced" if side else ""), in_flight, w,
                    side, point)
        if only in "killed":
            kills(w)
    done()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
