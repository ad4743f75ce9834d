#!/usr/bin/env python3
# The database file, by the real program between two Dovecots: what cannot be
# used is refused in one line that names file, cause and next step, before a
# server is spoken to, and is left as it was, octet for octet; and a transaction
# that was cut off is undone.  Files of version 0 are in version0.py.
#
#	database.py [PART OF A NAME]
import os, signal, sqlite3, stat, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import repair, version0
from badserver import one_line, said
from servers import *
from tap import *
from version0 import (SIDES_SAME, World, change, content, own, query, read,
                      seen, write)


# ---- files that cannot be used ----

def middle(data, at=None):
    """A page that is rubbish."""
    at = len(data) // 4096 // 2 if at is None else at
    return data[:at * 4096] + b"Z" * 4096 + data[at * 4096 + 4096:]


def page_of(w, table):
    return query(w.db, "SELECT rootpage FROM sqlite_master WHERE name = '%s'"
                 % table)[0][0] - 1


def with_sql(sql, data=None):
    def make(w):
        w.fresh(w.v1 if data is None else data)
        change(w.db, sql)
    return make


def with_old(sql="", spoil=None):
    def make(w):
        w.fresh(w.v0)
        if sql:
            change(w.db, sql)
        if spoil is not None:
            write(w.db, spoil(read(w.db)))
    return make


def with_bytes(fn):
    return lambda w: w.fresh(fn(w.v1))


def mode(bits):
    def make(w):
        w.fresh(w.v1)
        os.chmod(w.db, bits)
    return make


def folder(bits, data=True):
    def make(w):
        w.fresh(w.v1 if data else None)
        os.chmod(w.folder, bits)
    return make


def unclean_and_damaged(w):
    w.fresh(w.v1)
    change(w.db, "UPDATE run SET unclean = 1")
    write(w.db, middle(read(w.db)))


def originals_and_damaged(w):
    """Nobody knows how the last run of the original ended."""
    w.fresh(w.v1)
    change(w.db, "DROP TABLE run")
    write(w.db, middle(read(w.db)))


def special(make):
    def at(w):
        w.fresh()
        make(w.db)
        own(w.db)
    return at


NEXT = "name another file"
RESTORE = "restore it from a backup"

# Name, what makes it, what the line says.
FAULTS = [
    ("a file that may not be written", mode(0o400),
     ["is read-only: Permission denied", "make the file and its folder"]),
    ("a file that may not be read", mode(0),
     ["cannot be read: Permission denied", "make the file and its folder"]),
    ("a folder that may not be written", folder(0o500),
     ["cannot create a file beside", "make its folder writable"]),
    ("no file, and a folder that may not be written", folder(0o500, False),
     ["cannot create database", "Permission denied", "check its folder"]),
    ("a text file", with_bytes(lambda d: b"a note of mine\n" * 700),
     ["is not a database", NEXT]),
    ("a file whose head is gone", with_bytes(lambda d: b"\0" * 100 + d[100:]),
     ["is not a database", NEXT]),
    ("a file cut short", with_bytes(lambda d: d[:len(d) // 8192 * 4096]),
     ["is damaged", RESTORE, SIDES_SAME]),
    ("a file cut after 100 octets", with_bytes(lambda d: d[:100]),
     ["is damaged", RESTORE]),
    ("a database of another program",
     with_sql("CREATE TABLE t (a)", b""),
     ["is not a database of this program", NEXT]),
    ("another program's, of version 1",
     with_sql("CREATE TABLE t (a); PRAGMA user_version = 1", b""),
     ["is not a database of this program", NEXT]),
    ("one of a later version", with_sql("PRAGMA user_version = 2"),
     ["is of version 2, this program knows version 1",
      "use the program that wrote it", NEXT]),
    ("one of a version below 0", with_sql("PRAGMA user_version = -1"),
     ["is of version -1", NEXT]),
    ("pages that are rubbish after a run that was killed",
     unclean_and_damaged, ["is damaged: its pages", RESTORE]),
    ("pages that are rubbish in a file of the original",
     originals_and_damaged, ["is damaged: its pages", RESTORE]),
    ("version 0, pages that are rubbish", with_old(spoil=middle),
     ["is damaged: its pages", RESTORE]),
    ("version 0, cut short", with_old(spoil=lambda d: d[:-4096]),
     ["is damaged", RESTORE]),
    ("version 0, with rows of no mailbox",
     with_old("INSERT INTO mapping VALUES (99, 1, 1)"),
     ["is damaged: it has rows of mailboxes that are not in it", RESTORE]),
    ("version 0, with another table", with_old("CREATE TABLE t (a)"),
     ["has a table, index, view or trigger of another program", NEXT]),
    ("version 0, without a table", with_old("DROP TABLE remote"),
     ["is not a database of this program", NEXT]),
    ("a folder", special(os.mkdir), ["is not a regular file", NEXT]),
    ("a FIFO", special(os.mkfifo), ["is not a regular file", NEXT]),
    ("a link to nothing", special(lambda p: os.symlink("/nonexistent/x", p)),
     ["is a link to a file that is not there", "remove the link"]),
    ("a link to itself", special(lambda p: os.symlink(p, p)),
     ["Too many levels of symbolic links", "check its path"]),
]


def fault(w, make, needles):
    """Found before a server is spoken to; nothing is touched."""
    try:
        make(w)
        before = seen(w.folder)
        r = w.sync.run("--debug", timeout=20)
        os.chmod(w.folder, 0o755)
        eq(r.status, 1, "exit status; it said: " + r.err)
        one_line(r, "database: ERROR: ", w.db, *needles)
        eq([l for l in r.err.splitlines() if " C: " in l], [],
           "what was sent to a server")
        eq(seen(w.folder), before, "the folder of the database")
    finally:
        os.chmod(w.folder, 0o755)


def found_late(w):
    """A page of a clean file is looked at when it is needed."""
    w.fresh(w.v1)
    write(w.db, middle(w.v1, page_of(w, "mailboxes")))
    before = read(w.db)
    r = w.sync.run("--quiet")
    eq(r.status, 1, "exit status; it said: " + r.err)
    one_line(r, "database: ERROR: ", w.db, "is damaged", RESTORE)
    eq(read(w.db) == before, True, "the file is what it was")


def way_out(w):
    """What the line about damage says to do: moved away, nothing doubles."""
    unclean_and_damaged(w)
    boxes = w.sides()
    r = w.sync.run("--quiet")
    eq(r.status, 1, "exit status; it said: " + r.err)
    one_line(r, "is damaged", RESTORE, "or move it away", SIDES_SAME)
    for p in (w.db, w.db + "-journal"):
        if os.path.exists(p):
            os.rename(p, p + ".away")
    r = w.sync.run()
    eq(r.status, 0, "after that; it said: " + r.err)
    has(r.err, "It was empty although both sides hold the same mail: 90 equal "
        "messages were joined, not copied")
    eq(w.sides(), boxes, "both sides")
    eq(len(content(w.db)["mapping"]), 90, "pairs")
    w.settled()


def full_disk():
    """In the midst of a run: one line, and the next run goes on from there."""
    if os.getuid() != 0:
        raise Skip("only root can make a disk that is too small")
    n = 9000
    with Scratch() as s:
        l, r = [Dovecot(s, x) for x in "LR"]
        for server in (l, r):
            repair.fill(server, n)
            with server.client() as c:
                c.ok(c.c.subscribe("Large"))
        sync = Interimap(s, tunnel_section(l), tunnel_section(r))
        disk = s.mkdir("sync/disk")
        db = os.path.join(disk, "state.db")
        text = read(sync.conf).decode().replace(sync.db, db)
        write(sync.conf, text.encode())
        kind = "mode=755,uid=%d,gid=%d" % (USER.pw_uid, USER.pw_gid)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k," + kind,
                        "tmpfs", disk], check=True)
        try:
            r1 = sync.run("--quiet")
            subprocess.run(["mount", "-o", "remount,size=64m", disk],
                           check=True)
            r2 = sync.run()
            rows = len(query(db, "SELECT lUID FROM mapping"))
        finally:
            subprocess.run(["umount", "-l", disk], check=True)
        eq(r1.status, 1, "exit status; it said: " + r1.err)
        one_line(r1, "database(Large): ERROR: ", "no space left to write database " +
                 db, "make room on its file system")
        eq(r2.status, 0, "the next run: " + r2.err)
        eq(rows, n, "pairs")
        for server in (l, r):
            with server.client() as c:
                eq(len(c.uids("Large")), n, "messages")


def no_folder(w):
    nowhere = os.path.join(w.folder, "nowhere", "state.db")
    conf = read(w.sync.conf)
    try:
        write(w.sync.conf, conf.replace(w.db.encode(), nowhere.encode()))
        r = w.sync.run("--quiet")
    finally:
        write(w.sync.conf, conf)
    eq(r.status, 1, "exit status; it said: " + r.err)
    one_line(r, "database: ERROR: cannot create database " + nowhere,
             "No such file or directory", "check its folder")
    eq(os.path.exists(os.path.dirname(nowhere)), False, "it was made")


def watch_without(w):
    w.fresh()
    r = w.sync.run("--watch=1", "--quiet", timeout=20)
    eq(r.status, 1, "exit status; it said: " + r.err)
    one_line(r, "no such database file " + w.db, "without --watch")
    eq(os.path.exists(w.db), False, "it was made")


def locked(w):
    w.fresh(w.v1)
    before = seen(w.folder)
    # Nobody here may close that file as long as the lock is to be held.
    c = sqlite3.connect(w.db, isolation_level=None)
    try:
        c.execute("BEGIN EXCLUSIVE")
        r = w.sync.run("--quiet")
    finally:
        c.close()
    after = seen(w.folder)
    eq(r.status, 75, "exit status; it said: " + r.err)
    one_line(r, "database: ERROR: ", w.db, "is locked", "let it end first")
    eq(after, before, "the folder of the database")


def empty_file(w):
    """As the original: it is filled, and equal messages are recognised."""
    w.fresh(b"")
    r = w.sync.run()
    eq(r.status, 0, "exit status; it said: " + r.err)
    has(r.err, "Creating new schema in database file " + w.db)
    eq(stat.S_IMODE(os.stat(w.db).st_mode), 0o600, "its mode")
    eq(len(content(w.db)["mapping"]), 90, "pairs")


# Dies in a transaction so large that SQLite has written to the file already.
DIES = """
import os, signal, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size = 5")
c.execute("BEGIN IMMEDIATE")
c.execute("DELETE FROM mapping")
c.execute("UPDATE local SET UIDNEXT = 1000, HIGHESTMODSEQ = 1")
c.execute("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n "
          "WHERE i < 20000) INSERT INTO mapping SELECT 1, i, 90000 - i FROM n")
os.kill(os.getpid(), signal.SIGKILL)
"""


def hot_journal(w, data):
    """The original, killed with a transaction open: it is undone."""
    w.fresh(data)
    before = content(w.db)
    q = subprocess.run(as_user([sys.executable, "-c", DIES, w.db]), timeout=60)
    eq(q.returncode, -signal.SIGKILL, "how it died")
    eq(read(w.db) != data and os.path.getsize(w.db + "-journal") > 512, True,
       "the file was written to, and has a journal")
    boxes = w.sides()
    r = w.sync.run("--quiet")
    eq((r.status, said(r)), (0, []), "exit status; it said: " + r.err)
    after = content(w.db)
    eq(after["mapping"], before["mapping"], "the pairs")
    eq(w.sides(), boxes, "both sides")
    w.settled()


def run_faults(only):
    alone = [
        ("pages that are rubbish in a clean file", found_late),
        ("the way out of damage", way_out),
        ("a disk that becomes full", lambda w: full_disk()),
        ("no folder", no_folder), ("--watch without a file", watch_without),
        ("a file that is locked", locked), ("an empty file", empty_file),
        ("a transaction that was cut off", lambda w: hot_journal(w, w.v1)),
        ("a transaction that was cut off, version 0",
         lambda w: hot_journal(w, w.v0)),
    ]
    if not any(only in n for n, *_ in FAULTS + alone):
        return
    with Scratch() as s:
        w = World(s)
        w.v1 = read(w.db)
        w.v0 = w.make_old()
        for name, make, needles in FAULTS:
            if only in name:
                test(name, fault, w, make, needles)
        for name, fn in alone:
            if only in name:
                test(name, fn, w)


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    run_faults(what)
    version0.run_all(what)
    done()
