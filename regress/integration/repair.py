#!/usr/bin/env python3
# --repair: a synchronized pair of accounts, something broken in the database or
# behind its back, then --repair.  In the end both sides are equal, no message
# is lost or doubled, each row joins two messages that are the same, and the
# next run has nothing to do.  Where the original program repairs as much, it
# gets the same beginning and must come to the same end.
#
#	repair.py [part of a name]
import collections, re, shutil, sqlite3, subprocess, sys, threading, time
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill
from badserver import Scripted, quirks
from commands import Kept
from repaircases import *
from servers import *
from tap import *

ORIGINAL = "/usr/bin/interimap"
KILLED = os.path.join(kill.BUILD, "interimap", "interimap")
DATE = "%02d-Feb-2024 12:00:00 +0000"
GUID = re.compile(rb"UID (\d+)")


class World:
    """Two accounts, synchronized: ten messages in INBOX, a day apart."""
    def __init__(self, scratch):
        self.scratch = scratch
        self.l, self.r = [Dovecot(scratch, n) for n in "LR"]
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              tunnel_section(self.r))
        self.program = self.sync.program
        with self.l.client() as c:
            for k in range(10):
                c.append("INBOX", sample(k), "\\Seen" if k % 2 else "",
                         DATE % (k + 1))
        self.ok()
        self.kept = Kept(self, scratch)

    def again(self, program=None):
        """As it was then, for this program."""
        self.kept.restore()
        self.sync.program = program or self.program

    def server(self, side):
        return self.l if side == "L" else self.r

    def ok(self, *args):
        r = self.sync.run(*args)
        eq(r.status, 0, "%r: %s" % (args, r.err))
        return r

    def sql(self, *statements):
        c = sqlite3.connect(self.sync.db)
        try:
            for s in statements:
                c.execute(s)
            c.commit()
        finally:
            c.close()

    def query(self, q):
        c = sqlite3.connect("file:%s?mode=ro" % self.sync.db, uri=True)
        try:
            return c.execute(q).fetchall()
        finally:
            c.close()

    # ---- what happens ----

    def append(self, side, n, flags="", box="INBOX"):
        with self.server(side).client() as c:
            c.append(box, sample(n), flags, DATE % (n % 28 + 1))

    def expunge(self, side, uids, box="INBOX"):
        with self.server(side).client() as c:
            c.expunge(box, uids)

    def flag(self, side, uids, op, flags, box="INBOX"):
        with self.server(side).client() as c:
            c.store(box, uids, op, flags)

    def forget(self, side, *what):
        """The database takes over what the server tells now: whatever was
        not synchronized is overlooked from here on."""
        with self.server(side).client() as c:
            r = c.ok(c.c.status("INBOX", "(UIDNEXT HIGHESTMODSEQ)"))[0]
        now = {k: int(re.search(rb"%s (\d+)" % k.encode(), r).group(1))
               for k in ("UIDNEXT", "HIGHESTMODSEQ")}
        for k in what or now:
            self.sql("UPDATE %s SET %s = %d" % (
                "local" if side == "L" else "remote", k, now[k]))

    # ---- what is there in the end ----

    def held(self, side, box="INBOX"):
        with self.server(side).client() as c:
            return c.messages(box)

    def by_uid(self, side):
        """{UID: digest of the message}"""
        with self.server(side).client() as c:
            c.select("INBOX")
            r = c.ok(c.c.uid("FETCH", "1:*", "(BODY.PEEK[])"))
        return {int(GUID.search(i[0]).group(1)):
                hashlib.sha256(i[1]).hexdigest()
                for i in r if isinstance(i, tuple)}

    def check_rows(self):
        l, r = self.by_uid("L"), self.by_uid("R")
        rows = self.query("SELECT lUID, rUID FROM mapping NATURAL JOIN "
                          "mailboxes WHERE mailbox = CAST('INBOX' AS BLOB)")
        for a, b in rows:
            eq(l.get(a, "none"), r.get(b), "the row (%d,%d)" % (a, b))
        eq((len(rows), len(rows)), (len(l), len(r)), "rows and messages")


def sides(w):
    return [w.held(s) for s in "LR"]


def outcome(w, how, program=None):
    w.again(program)
    how(w)
    r = w.sync.run("--repair")
    eq(r.status, 0, r.err)
    return r, sides(w)


def nothing_to_do(w):
    r = w.ok()
    for word in ("Added", "Removed", "Updated", "WARNING", "UIDNEXT"):
        if word in r.err:
            raise AssertionError("the next run had work: " + r.err)
    r = w.ok("--repair")
    has(r.err, "INBOX: nothing to mend")
    if "WARNING" in r.err:
        raise AssertionError("repaired twice: " + r.err)


def mended(w, end, count):
    eq(end[0], end[1], "the two sides")
    eq((len(end[0]), len({m[0] for m in end[0]})), (count, count), "messages")
    w.check_rows()
    eq(w.query("SELECT * FROM skipped UNION SELECT idx, lUID, rUID, side, '' "
               "FROM held"), [], "records")
    nothing_to_do(w)
    eq(sides(w), end, "after the next run")


def case(w, how, says, count, same):
    r, end = outcome(w, how)
    has(r.err, *says)
    mended(w, end, count)
    if same is None or not os.access(ORIGINAL, os.X_OK):
        return
    theirs = outcome(w, how, ORIGINAL)[1]
    if same:
        eq(end[0], theirs[0], "beside the original")
    elif theirs == end:
        raise AssertionError("the original comes to the same")


# ---- what is left alone ----

def another_mailbox(w):
    """A new mailbox is made, its mail is left to a normal run; one that is
    not named is left alone; one that was replaced is refused."""
    w.again()
    with w.l.client() as c:
        c.create("New")
    w.append("L", 70, box="New")
    row_missing(w)
    r = w.ok("--repair", "New")
    has(r.err, "remote: Created mailbox New", "Mailbox New was never "
        "synchronized: left to a run without --repair")
    eq(len(w.held("R", "New")), 0, "copied")
    eq(w.query("SELECT count(*) FROM mapping"), [(9,)], "INBOX was mended")
    r = w.ok("--repair")
    has(r.err, "Mailbox New was never synchronized", "INBOX: mended")
    w.ok()
    eq(len(w.held("R", "New")), 1, "copied by a normal run")


def replaced(w):
    w.again()
    row_missing(w)
    w.sql("UPDATE local SET UIDVALIDITY = UIDVALIDITY - 1")
    before = sides(w), w.query("SELECT * FROM mapping")
    r = w.sync.run("--repair")
    eq(r.status, 2, r.err)
    has(r.err, "UIDVALIDITY changed!", "run interimap --reset INBOX")
    eq((sides(w), w.query("SELECT * FROM mapping")), before)


def stays_held(w):
    w.again()
    w.expunge("L", "3")
    w.forget("L")
    held_but_there(w)
    r = w.sync.run("--repair")
    eq(r.status, 3, r.err)
    has(r.err, "1 deletions held back", "INBOX: nothing to mend")
    eq([len(x) for x in sides(w)], [9, 10])


# ---- servers that do not tell the truth ----

def liar(quirk, side, status, says):
    """Nothing is deleted or copied on the word of such a server."""
    with Scratch() as s:
        p = Scripted(s)
        eq(p.run().status, 0, "the first run")
        before = p.boxes()
        r = p.run(args=("--repair",), **{side: quirks(quirk)})
        eq(r.status, status, r.err)
        has(r.err, says)
        eq(p.boxes(), before, "the mailboxes")
        p.goes_on(before)


def refused_once():
    """A message without a row that could not be copied is not left behind:
    it is tried again later, or by the next --repair."""
    with Scratch() as s:
        p = Scripted(s)
        eq(p.run().status, 0, "the first run")
        p.l.add("Box", 60, 1)
        c = sqlite3.connect(os.path.join(s.dir, "sync", "state.db"))
        c.execute("UPDATE local SET UIDNEXT = UIDNEXT + 1 WHERE idx = (SELECT "
                  "idx FROM mailboxes WHERE mailbox = CAST('Box' AS BLOB))")
        c.commit()
        c.close()
        r = p.run(args=("--repair",), remote=quirks("append-no=OVERQUOTA"))
        eq(r.status, 2, r.err)
        has(r.err, "OVERQUOTA", "Box: mended in part")
        before = p.boxes()
        eq(p.run(args=("--repair",)).status, 0, "the next --repair")
        p.goes_on(before)


LIARS = [("UID SEARCH is short", "search-short", "remote", 2, "does not add "
          "up: EXISTS is 9, of 5 in the list"),
         ("EXISTS is short", "exists-less", "local", 2, "does not add up"),
         ("VANISHED for what exists", "false-vanished", "local", 0,
          "vanished that exist: not believed")]


# ---- killed ----

def broken(w):
    """All at once."""
    row_missing(w)
    rows_never_were(w)
    w.sql("UPDATE mapping SET lUID = 901 WHERE lUID = 2")
    disappeared("L")(w)
    unknown("R")(w)
    flags_missed(w)


def killed(w, point, count, then):
    w.again(KILLED)
    broken(w)
    kill.killed(w, ["--repair"], point, count)
    for args in then:
        w.ok(*args)
    return sides(w)


def kill_at(w, point, count):
    mended(w, killed(w, point, count, [["--repair"]]), 12)


def kill_then_sync(w):
    """What was dropped already is not left behind: a normal run copies it."""
    end = killed(w, "repair-lowered", 1, [[], []])
    eq({m[0] for m in end[0]}, {m[0] for m in end[1]}, "the two sides")
    mended(w, killed(w, "repair-lowered", 1, [[], ["--repair"]]), 12)


def kills(w, only):
    w.again(KILLED)
    broken(w)
    r = w.sync.run("--repair", env={"INTERIMAP_KILL": "?:"})
    eq(r.status, 0, r.err)
    mended(w, sides(w), 12)
    passed = collections.Counter(tuple(l.split()[1:]) for l in
                                 r.err.splitlines()
                                 if l.startswith("killpoint "))
    points = {}
    for (_, name), n in passed.items():
        points[name] = max(n, points.get(name, 0))
    test("a repair passes all points of its own", eq,
         sorted(p for p in points if p.startswith("repair-")),
         ["repair-lowered", "repair-unmapped"])
    for point in sorted(points):
        # The points of the children are kill.py's matter.
        if point.startswith("repair-") or point in (
                "adopted", "intent-committed", "copied", "mapped", "stored",
                "advance-before", "advanced"):
            test("killed at " + point, kill_at, w, point, 1)
    test("killed, then a normal run", kill_then_sync, w)


# ---- a large mailbox ----

LARGE = 30000
MIB = 40		# of all four processes


def fill(server, n):
    """So many messages, in next to no room."""
    put_maildir(server, "Large", [1])
    d = os.path.join(server.store, ".Large", "cur")
    first = os.path.join(d, os.listdir(d)[0])
    size = os.path.getsize(first)
    crlf = len(sample(1).replace("\n", "\r\n"))
    for i in range(1, n):
        os.link(first, os.path.join(d, "17%08d.M%dP1.h,S=%d,W=%d:2,S" % (
            i, i, size, crlf)))
    give_maildirs(server)


def peaks(session):
    """{process: KiB} of a session."""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                if int(f.read().rsplit(")", 1)[1].split()[3]) != session:
                    continue
            with open("/proc/%s/status" % pid) as f:
                m = re.search(r"Name:\s+(\S+).*VmHWM:\s+(\d+)", f.read(),
                              re.S)
        except OSError:
            continue
        if m and m.group(1) in ("interimap", "imapchild", "statedb"):
            out[m.group(1) + " " + pid] = int(m.group(2))
    return out


def measured(w, *args):
    p = subprocess.Popen(w.sync.argv(*args), env=w.sync.scratch.env(),
                         text=True, start_new_session=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE)
    peak, err = {}, []
    t = threading.Thread(target=lambda: err.append(p.stderr.read()))
    t.start()
    ends = time.monotonic() + 120
    while p.poll() is None:
        for k, v in peaks(p.pid).items():
            peak[k] = max(v, peak.get(k, 0))
        time.sleep(0.05)
        if time.monotonic() > ends:
            p.kill()
    t.join()
    return p.returncode, err[0], peak


def large(w):
    w.again()
    for server in (w.l, w.r):
        fill(server, LARGE)
        with server.client() as c:
            c.select("Large")
            c.ok(c.c.subscribe("Large"))
    w.sql("INSERT INTO mailboxes VALUES (2, CAST('Large' AS BLOB), 1)")
    for table, server in (("local", w.l), ("remote", w.r)):
        with server.client() as c:
            r = c.ok(c.c.status("Large", "(UIDVALIDITY HIGHESTMODSEQ)"))[0]
        v, h = [int(re.search(rb"%s (\d+)" % k, r).group(1)) for k in
                (b"UIDVALIDITY", b"HIGHESTMODSEQ")]
        w.sql("INSERT INTO %s VALUES (2, %d, %d, %d)" % (table, v, LARGE + 1,
                                                         h))
    w.sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
          "WHERE i < %d) INSERT INTO mapping SELECT 2, i, i FROM n WHERE "
          "i %% 1000 <> 7" % LARGE)
    w.flag("L", "5", "+", "\\Flagged", "Large")
    status, err, peak = measured(w, "--repair", "Large")
    eq(status, 0, err[-2000:])
    has(err, "Recognised %d messages" % (LARGE // 1000), "Large: mended")
    eq(sum(v > 1024 for v in peak.values()), 4, "processes: %r" % peak)
    total = sum(peak.values()) / 1024
    if total > MIB:
        raise AssertionError("%.1f MiB, not %d: %r" % (total, MIB, peak))
    print("# %d messages: %.1f MiB in all" % (LARGE, total))


def main(only):
    with Scratch() as s:
        w = World(s)
        for name, *rest in CASES:
            if only in name:
                test(name, case, w, *rest)
        for name, fn in (("new and other mailboxes", another_mailbox),
                         ("a mailbox was replaced", replaced),
                         ("held deletions stay held", stays_held),
                         ("%d messages" % LARGE, large)):
            if only in name:
                test(name, fn, w)
        for name, *rest in LIARS:
            if only in name:
                test(name, liar, *rest)
        if only in "refused once":
            test("refused once", refused_once)
        if only in "killed":
            kill.build()
            kills(w, only)
    done()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
