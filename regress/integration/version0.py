# A database of version 0, as InterIMAP before 0.5 wrote it: it becomes what the
# original makes of it, or stays what it was, octet for octet; also when the
# program is killed.  A part of database.py, which finds here how such a file is
# made, and the servers it belongs to.
import glob, hashlib, os, sqlite3, stat, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill, names
from badserver import one_line, said
from servers import *
from sync import Pair
from tap import *

ORIGINAL = "/usr/bin/interimap"
TABLES = ("mailboxes", "local", "remote", "mapping")
STATE = """
CREATE TABLE %s (
  idx INTEGER NOT NULL PRIMARY KEY REFERENCES mailboxes(idx),
  UIDVALIDITY UNSIGNED INT NOT NULL CHECK (UIDVALIDITY > 0),
  UIDNEXT UNSIGNED INT NOT NULL, HIGHESTMODSEQ UNSIGNED BIGINT NOT NULL);
"""
VERSION_0 = """
CREATE TABLE mailboxes (
  idx INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  mailbox TEXT COLLATE BINARY NOT NULL CHECK (mailbox != '') UNIQUE,
  subscribed BOOLEAN NOT NULL);
""" + STATE % "local" + STATE % "remote" + """
CREATE TABLE mapping (
  idx INTEGER NOT NULL REFERENCES mailboxes(idx),
  lUID UNSIGNED INT NOT NULL CHECK (lUID > 0),
  rUID UNSIGNED INT NOT NULL CHECK (rUID > 0),
  PRIMARY KEY (idx,lUID), UNIQUE (idx,rUID));
"""
SIDES_SAME = "messages that are the same on both sides will be recognised"


def query(db, sql):
    c = sqlite3.connect("file:%s?mode=ro" % db, uri=True)
    try:
        return c.execute(sql).fetchall()
    finally:
        c.close()


def change(db, sql):
    c = sqlite3.connect(db, isolation_level=None)
    c.executescript(sql)
    c.close()
    own(db)


def own(path):
    """The program runs as another user where we are root."""
    if os.getuid() == 0:
        os.chown(path, USER.pw_uid, USER.pw_gid, follow_symlinks=False)


def content(db):
    return {t: query(db, "SELECT * FROM %s ORDER BY 1, 2" % t)
            for t in TABLES}


def old(db, delim):
    """The same rows as a file of version 0."""
    rows = content(db)
    remove(db)
    c = sqlite3.connect(db)
    c.executescript(VERSION_0)
    for t in TABLES:
        for row in rows[t]:
            if t == "mailboxes":
                row = (row[0], row[1].replace(b"\0", delim).decode(), row[2])
            c.execute("INSERT INTO %s VALUES (%s)" %
                      (t, ",".join("?" * len(row))), row)
    # A mailbox was removed since.
    c.execute("UPDATE sqlite_sequence SET seq = seq + 5")
    c.commit()
    c.close()
    own(db)


def remove(db):
    """Whatever is there by that name, and its journal."""
    for p in [db, db + "-journal"] + glob.glob(glob.escape(db) + ".v*.bak*"):
        if os.path.lexists(p):
            (os.rmdir if os.path.isdir(p) and not os.path.islink(p) else
             os.unlink)(p)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o600)
    own(path)


def seen(folder):
    """All there is in a folder, with times and digests."""
    out = {}
    for name in sorted(os.listdir(folder)):
        p = os.path.join(folder, name)
        st = os.lstat(p)
        out[name] = (st.st_mode, st.st_size, st.st_mtime_ns,
                     digest_of(p, st.st_mode))
    return out


def digest_of(path, mode):
    if not stat.S_ISREG(mode):
        return ""
    try:
        os.chmod(path, 0o600)
        return hashlib.sha256(read(path)).hexdigest()
    finally:
        os.chmod(path, stat.S_IMODE(mode))


class World(Pair):
    """Two Dovecots that were synchronized once, and the file of that."""
    def __init__(self, scratch, lsep=None, rsep=None, **kw):
        self.l = Dovecot(scratch, "L", sep=lsep)
        self.r = Dovecot(scratch, "R", sep=rsep)
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              tunnel_section(self.r), **kw)
        self.says = []
        sep = lsep or "."
        fill_maildir(self.l, ["INBOX", "A", "A.b.c"], count=30)
        with self.l.client() as c:
            c.create("Odd name")
        self.run()
        self.sep = sep.encode()
        self.db = self.sync.db
        self.folder = os.path.dirname(self.db)
        self.original = Interimap(scratch, tunnel_section(self.l),
                                  tunnel_section(self.r), program=ORIGINAL)

    def fresh(self, data=None):
        """Another file in the place of the database; None: none."""
        remove(self.db)
        if data is not None:
            write(self.db, data)

    def make_old(self):
        old(self.db, self.sep)
        return read(self.db)


# ---- what becomes of it ----

def layout(db):
    """All but the text of the SQL."""
    got = {"user_version": query(db, "PRAGMA user_version")}
    for t in TABLES:
        got[t] = query(db, "PRAGMA table_xinfo(%s)" % t)
        got[t, "keys"] = query(db, "PRAGMA foreign_key_list(%s)" % t)
        got[t, "indexes"] = query(db, "PRAGMA index_list(%s)" % t)
        for row in got[t, "indexes"]:
            got[t, row[1]] = query(db, "PRAGMA index_xinfo(%s)" % row[1])
    got["objects"] = query(
        db, "SELECT type, name, tbl_name FROM sqlite_master WHERE tbl_name "
        "IN ('mailboxes', 'local', 'remote', 'mapping', 'sqlite_sequence') "
        "ORDER BY name")
    return got


KEPT = "%s.v0.bak"
UPGRADING = "Upgrading database version from 0"


def upgraded(w, *args):
    """The old file, upgraded by a run with these arguments."""
    r = w.sync.run(*args)
    eq((r.status, said(r)), (0, []), "exit status; it said: " + r.err)
    has(r.err, UPGRADING)
    eq(query(w.db, "PRAGMA user_version"), [(1,)], "version")
    copy = KEPT % w.db
    has(r.err, "what it was is kept in " + copy)
    eq(stat.S_IMODE(os.stat(copy).st_mode), 0o600, "the mode of the copy")
    eq(query(copy, "PRAGMA user_version"), [(0,)], "the version of the copy")
    return r


def as_the_original(lsep):
    """The same rows and tables as the original makes of another copy."""
    if not os.access(ORIGINAL, os.X_OK):
        raise Skip("no original here")
    with Scratch() as s:
        w = World(s, lsep, lsep)
        before = content(w.db)
        data = w.make_old()
        r = w.original.run()
        eq(r.status, 0, "the original: " + r.err)
        theirs = layout(w.db), content(w.db)
        w.fresh(data)
        upgraded(w)
        ours = layout(w.db), content(w.db)
        for k in theirs[0]:
            eq(ours[0][k], theirs[0][k], str(k))
        eq(ours[1], theirs[1], "rows")
        eq(ours[1], before, "rows, and those of version 1")
        # idx is never used twice, which the original forgets here.
        eq(query(w.db, "SELECT seq FROM sqlite_sequence WHERE name = "
                 "'mailboxes'"), [(len(before["mailboxes"]) + 5,)],
           "sqlite_sequence")
        w.settled()
        r = w.original.run()
        eq(r.status, 0, "the original goes on: " + r.err)
        eq(content(w.db), before, "rows after that")


def goes_on():
    """What changed on both sides since the old program ran."""
    with Scratch() as s:
        w = World(s)
        w.make_old()
        w.act("L", "add", "A", 500, "\\Seen")
        w.act("R", "add", "A.b.c", 501, "\\Flagged")
        w.act("R", "del", "INBOX", "1:3")
        w.act("L", "flag", "A", "4", "+", "\\Answered")
        upgraded(w)
        a, b, _, _ = w.sides()
        eq(a, b, "the two sides")
        eq({n: len(v) for n, v in a.items()},
           {"INBOX": 27, "A": 31, "A.b.c": 31, "Odd name": 0},
           "messages")
        w.settled()


def arguments(args, check):
    """Both delimiters are known, whatever is asked of the servers."""
    with Scratch() as s:
        w = World(s)
        w.make_old()
        upgraded(w, *args)
        eq(sorted(r[0] for r in query(w.db, "SELECT mailbox FROM mailboxes")),
           check, "mailboxes")


BOXES = [b"A", b"A\0b\0c", b"INBOX", b"Odd name"]
ARGUMENTS = [
    (["INBOX"], BOXES), (["A.*"], BOXES),
    (["--delete", "A.b.c"], [BOXES[0]] + BOXES[2:]),
    (["--target=database", "--delete", "A"], BOXES[1:]),
    (["--target=local", "--delete", "nosuch"], BOXES),
    (["--rename", "A", "Z.y"], BOXES[2:] + [b"Z\0y", b"Z\0y\0b\0c"]),
]


def refused(sync, *needles, args=("--quiet",)):
    """Neither the file nor a server is touched."""
    before = seen(os.path.dirname(sync.db))
    for _ in range(2):
        r = sync.run(*args)
        eq(r.status, 1, "exit status; it said: " + r.err)
        one_line(r, "database: ERROR: database %s is of version 0 and was not "
                 "upgraded: " % sync.db, SIDES_SAME, *needles)
    after = seen(os.path.dirname(sync.db))
    # A journal of nothing stays behind, as after each run; and one copy.
    for folder in (before, after):
        folder.pop("state.db-journal", None)
        folder.pop(os.path.basename(KEPT % sync.db), None)
    eq(digest_of(KEPT % sync.db, stat.S_IFREG | 0o600),
       digest_of(sync.db, stat.S_IFREG | 0o600), "the copy")
    eq(after, before, "the folder of the database")


def differ():
    """As the original refuses it."""
    with Scratch() as s:
        w = World(s, None, "/")
        w.make_old()
        w.act("L", "add", "A", 500, "")
        boxes = w.sides()
        for args in ([], ["INBOX"], ["--delete", "A"],
                     ["--rename", "A", "B"]):
            refused(w.sync, 'the hierarchy delimiters differ (local ".", '
                    'remote "/")', "give both servers the same one",
                    args=["--quiet"] + args)
        eq(w.sides(), boxes, "both sides")
        if os.access(ORIGINAL, os.X_OK):
            remove(w.db + "-journal")
            r = w.original.run()
            eq(r.status, 1, "the original")
            has(r.err, "delimiters differ")
        # Its advice helps, and nothing is doubled.
        os.rename(w.db, w.db + ".away")
        remove(w.db)
        w.run()
        a, b, _, _ = w.sides()
        eq({n.replace("/", "."): v for n, v in b.items()},
           {n.replace("/", "."): v for n, v in a.items()}, "the two sides")
        eq(len(a["A"]), 31, "messages in A")


def scripted(local, remote, needle):
    """Flat servers, and such as do not tell (LIST "" "" is not answered)."""
    with Scratch() as s:
        l, r = names.Account(s, "L"), names.Account(s, "R")
        flat = local[0] == "" and remote[0] == ""
        l.add([b"INBOX"])
        l.add([b"a.b" if flat else b"Box"])
        sync = Interimap(s, l.section("." if flat else "/", "quoted"),
                         r.section("." if flat else "/", "quoted"))
        if flat:
            sync = Interimap(s, l.section("", "quoted"),
                             r.section("", "quoted"))
        eq(sync.run().status, 0, "the first run")
        before = content(sync.db)
        old(sync.db, b"/")
        sync = Interimap(s, l.section(*local), r.section(*remote))
        if needle is not None:
            refused(sync, needle)
            return
        q = sync.run()
        eq((q.status, said(q)), (0, []), "exit status; it said: " + q.err)
        has(q.err, UPGRADING)
        eq(content(sync.db), before, "rows")


SCRIPTED = [
    ("both flat", ("", "quoted"), ("", "quoted"), None),
    ("the local one flat", ("", "quoted"), ("/", "quoted"),
     'differ (local none, remote "/")'),
    ("the remote one flat", ("/", "quoted"), ("", "quoted"),
     'differ (local "/", remote none)'),
    ("the lists tell the delimiter", ("/", "rootless"), ("/", "rootless"),
     None),
    ("the remote one does not tell", ("", "quoted"), ("", "rootless"),
     "the remote server does not tell its hierarchy delimiter"),
]


# ---- killed ----

POINTS = {"keep-headless": 0, "keep-made": 0, "migrate-dropped": 0,
          "migrate-before-commit": 0, "migrate-after-commit": 1}


def killed(w, args, data, want, point, version):
    """Old or new; the same command again ends as if nobody had been killed."""
    w.fresh(data)
    kill.killed(w, args, point)
    eq(query(w.db, "PRAGMA user_version"), [(version,)], "version")
    r = w.sync.run(*args)
    eq((r.status, said(r)), (0, []), "the next run: " + r.err)
    eq(content(w.db), want, "rows")
    eq([read(p) == data for p in glob.glob(w.db + ".*bak*")], [True],
       "the only copy is what the file was")


def kills(only):
    program = os.path.join(kill.BUILD, "interimap", "interimap")
    with Scratch() as s:
        w = World(s, program=program)
        want = content(w.db)
        data = w.make_old()
        for args in ([], ["--target=local", "--delete", "nosuch"]):
            for point, version in POINTS.items():
                name = "killed at %s%s" % (point, " by --delete" if args
                                           else "")
                if only in name:
                    test(name, killed, w, args, data, want, point, version)


def run_all(only):
    for title, fn, *a in [
            ("version 0 as the original upgrades it", as_the_original, None),
            ("version 0 as the original upgrades it, delimiter /",
             as_the_original, "/"),
            ("version 0, and what changed since", goes_on),
            ("version 0, different delimiters", differ)] + [
            ("version 0, %s" % " ".join(args), arguments, args, boxes)
            for args, boxes in ARGUMENTS] + [
            ("version 0, " + n, scripted, *rest) for n, *rest in SCRIPTED]:
        if only in title:
            test(title, fn, *a)
    if any(only in "killed at " + p + " by --delete" for p in POINTS):
        kill.build()
        kills(only)
