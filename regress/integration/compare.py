# What a run left behind on two servers and in the database, in a form that is
# equal for two programs which did the same: no UIDs, no UIDVALIDITYs, no
# mod-sequences, but what they stand for.  For commands.py and oracle.py.
import sqlite3
from servers import *
from tap import *

OTHERS = ("stamps", "intents", "skipped", "held", "refused")
TABLES = ("mailboxes", "local", "remote", "mapping")


def snapshot(server):
    """(lines of LIST, {mailbox: its messages}, subscriptions)"""
    if not os.listdir(server.mail):
        return [], {}, []		# no mail program was here yet
    with server.client() as c:
        # \Marked and \UnMarked come and go by themselves.
        listed = sorted(re.sub(rb" ?\\(Un)?Marked", b"", joined(l))
                        for l in c.ok(c.c.list('""', '"*"')) if l)
        boxes = {}
        for n in c.mailboxes():
            try:
                boxes[n] = c.look(n)
            except RuntimeError:
                boxes[n] = None		# cannot be selected
        return listed, boxes, c.subscribed()


def joined(answer):
    return b" ".join(answer) if isinstance(answer, tuple) else answer


def content(boxes):
    """The messages alone: what both programs must leave alike."""
    return {n: b and sorted(b.messages.values()) for n, b in boxes.items()}


def reading(db):
    return sqlite3.connect("file:%s?mode=ro" % db, uri=True)


def rows(db):
    """{mailbox: (subscribed, rows in [local, remote, mapping])}"""
    c = reading(db)
    try:
        names = c.execute("SELECT idx, mailbox, subscribed "
                          "FROM mailboxes").fetchall()
        out = {}
        for idx, name, sub in names:
            eq(type(name), bytes, "the name of a mailbox")
            out[name] = (sub, [c.execute(
                "SELECT count(*) FROM %s WHERE idx = ?" % t,
                (idx,)).fetchone()[0] for t in TABLES[1:]])
        known = {n[0] for n in names}
        tables = {r[0] for r in c.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'")}
        for t in TABLES[1:] + OTHERS:
            if t in tables:
                left = {r[0] for r in c.execute("SELECT idx FROM " + t)}
                eq(left - known, set(), "rows left behind in " + t)
        eq(c.execute("PRAGMA foreign_key_check").fetchall(), [])
        return out
    finally:
        c.close()


def schema(c):
    """The four tables as declared; those of our own are not looked at."""
    out = [c.execute("PRAGMA user_version").fetchone()[0]]
    for t in TABLES:
        indexes = sorted((u, c.execute("PRAGMA index_xinfo(%s)" % n
                                       ).fetchall())
                         for _, n, u, _, _ in c.execute(
                             "PRAGMA index_list(%s)" % t))
        text = c.execute("SELECT sql FROM sqlite_master WHERE type = 'table' "
                         "AND name = ?", (t,)).fetchone()
        out.append((t, c.execute("PRAGMA table_info(%s)" % t).fetchall(),
                    [r[2:] for r in c.execute("PRAGMA foreign_key_list(%s)" %
                                              t)],
                    indexes, "AUTOINCREMENT" in (text or [""])[0].upper()))
    out.append(c.execute("SELECT type, name FROM sqlite_master WHERE tbl_name "
                         "IN (?, ?, ?, ?) AND type != 'table' AND name NOT "
                         "LIKE 'sqlite_%'", TABLES).fetchall())
    return out


class Names:
    """How a name of the database is called on a side."""
    def __init__(self, delimiter, reference=""):
        self.delimiter, self.reference = delimiter, reference

    def of(self, name):
        name = name.decode().replace("\0", self.delimiter)
        return name if name == "INBOX" else self.reference + name


def state_row(c, table, idx, box):
    """A row of local or remote, told by what the server has."""
    r = c.execute("SELECT UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ FROM %s WHERE "
                  "idx = ?" % table, (idx,)).fetchall()
    if not r:
        return "no row"
    if box is None:
        return "a row", r[0][1] > 0
    # Servers tell a new HIGHESTMODSEQ for what a run did itself: by then
    # either program may have recorded one or the other.
    return (r[0][0] == box.uidvalidity, r[0][1] == box.uidnext or r[0][1],
            r[0][2] > 0)


def known(db, sides):
    """
    The database, told by messages instead of numbers.  sides are two of
    ({mailbox: Box}, Names).
    """
    if not os.path.exists(db):
        return "no database"
    with open(db, "rb") as f:
        data = f.read()
    if data and not data.startswith(b"SQLite format 3\0"):
        return data
    c = reading(db)
    try:
        out = {"schema": schema(c)}
        if not c.execute("SELECT 1 FROM sqlite_master WHERE name = "
                         "'mailboxes'").fetchone():
            return out
        for idx, name, sub in c.execute("SELECT idx, mailbox, subscribed FROM "
                                        "mailboxes").fetchall():
            raw = name if isinstance(name, bytes) else name.encode()
            boxes = [b.get(n.of(raw)) for b, n in sides]
            uids = [b.messages if b else {} for b in boxes]
            pairs = c.execute("SELECT lUID, rUID FROM mapping WHERE idx = ?",
                              (idx,)).fetchall()
            out[name] = (sub, [state_row(c, t, idx, b) for t, b in
                               zip(TABLES[1:], boxes)],
                         sorted([str(u[n][0] if n in u else "gone")
                                 for u, n in zip(uids, p)] for p in pairs))
        return out
    finally:
        c.close()
