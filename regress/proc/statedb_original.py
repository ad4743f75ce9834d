#!/usr/bin/env python3
#
# Copyright (c) 2026 The interimap authors
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
#
# statedb beside the original interimap (a black box from its package): both
# make the same tables, with the same constraints; each runs on a database the
# other made; and the original's --delete works on one that holds rows of ours.
#
#	statedb_original.py	from the top of the build tree
#
# Says TAP.  Needs interimap, dovecot-imapd; without them all is skipped.  As
# root the original and Dovecot run as nobody, since Dovecot refuses root.

import os
import re
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile

ORIGINAL = "/usr/bin/interimap"
IMAP = "/usr/lib/dovecot/imap"
STATEDB = "statedb/statedb"
TABLES = ("mailboxes", "local", "remote", "mapping")
OPEN_CREATE = 1
count = 0
failed = 0


def check(ok, what, more=""):
    global count, failed
    count += 1
    print("%s %d - %s" % ("ok" if ok else "not ok", count, what))
    if not ok:
        failed += 1
        print("# " + str(more).replace("\n", "\n# "))


def message_numbers():
    """The numbers of lib/msg.h's list, in its order."""
    with open("lib/msg.h") as f:
        text = f.read()
    text = text[text.index("#define MSG_LIST"):text.index("enum msg_type")]
    names = re.findall(r"X\(([A-Z_]+),", text)
    return {name: i + 1 for i, name in enumerate(names)}


MSG = message_numbers()


class Statedb:
    """The real program, spoken to over its socket."""

    def __init__(self, path):
        self.s, theirs = socket.socketpair()
        self.s.settimeout(20)
        self.id = 0
        # Descriptor 3 by hand: nothing else may be there.
        self.pid = os.fork()
        if self.pid == 0:
            fd = os.dup(theirs.fileno())
            os.dup2(fd, 3)
            os.closerange(4, 256)
            os.execv(STATEDB, [STATEDB])
        theirs.close()
        self.read()                     # READY
        self.open = self.ask("OPEN", text(path) + bytes([OPEN_CREATE]))

    def take(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise EOFError("statedb ended")
            data += more
        return data

    def read(self):
        kind, _, length, ident = struct.unpack("!HHII", self.take(12))
        return kind, ident, self.take(length)

    def ask(self, name, data):
        """Events and the last answer, as (number, payload)."""
        self.id += 1
        self.s.sendall(struct.pack("!HHII", MSG[name], 0, len(data), self.id)
                       + data)
        answers = []
        while not answers or answers[-1][0] not in (MSG["DONE"], MSG["FAIL"]):
            kind, _, payload = self.read()
            answers.append((kind, payload))
        return answers

    def done(self, name, data):
        answers = self.ask(name, data)
        if answers[-1][0] != MSG["DONE"]:
            raise RuntimeError("%s: %r" % (name, answers[-1]))
        return answers[:-1]

    def close(self):
        self.s.close()
        return os.waitpid(self.pid, 0)[1]


def text(s):
    data = s.encode()
    return struct.pack("!I", len(data)) + data


class Scratch:
    """Two accounts (maildirs served by Dovecot over a tunnel) and a home."""

    def __init__(self):
        self.dir = tempfile.mkdtemp()
        self.ids = {"user": 65534, "group": 65534, "extra_groups": []} \
            if os.geteuid() == 0 else {}
        for side in ("local", "remote"):
            os.mkdir(self.at(side))
            self.write(side + ".conf",
                       "base_dir = %s/run\nlog_path = %s.log\n"
                       "mail_home = %s\nmail_location = maildir:%s/mail\n"
                       "ssl = no\nprotocols = imap\nfirst_valid_uid = 1\n"
                       "mailbox_list_index = yes\n"
                       % ((self.at(side),) * 4))
            self.maildir(side, "")
        os.mkdir(self.at("home"))
        self.own()

    def at(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, content):
        with open(self.at(name), "w") as f:
            f.write(content)

    def maildir(self, side, name):
        for sub in ("cur", "new", "tmp"):
            os.makedirs(self.at(side, "mail", name, sub), exist_ok=True)

    def deliver(self, side, name, n, word):
        self.maildir(side, name)
        for i in range(n):
            self.write(os.path.join(side, "mail", name, "cur",
                                    "%d.%s%d.host:2,S" % (1000 + i, word, i)),
                       "From: a@example.org\nSubject: %s %d\n"
                       "Message-ID: <%s%d@example.org>\n\ntext\n"
                       % (word, i, word, i))
        self.own()

    def own(self):
        if os.geteuid() != 0:
            return
        for top, _, files in os.walk(self.dir):
            for name in [top] + [os.path.join(top, f) for f in files]:
                os.chown(name, 65534, 65534)

    def original(self, database, *args):
        side = "[%s]\ntype = tunnel\ncommand = exec %s -c %s\n"
        self.write("config", "database = %s\n" % database + "".join(
            side % (s, IMAP, self.at(s + ".conf"))
            for s in ("local", "remote")))
        self.own()
        env = {"USER": "nobody", "HOME": self.at("home"),
               "PATH": "/usr/bin:/bin", "XDG_CONFIG_HOME": self.dir,
               "XDG_DATA_HOME": self.at("home")}
        return subprocess.run([ORIGINAL, "--config=" + self.at("config"),
                               *args], env=env, cwd=self.dir, text=True,
                              timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **self.ids)


def query(path, sql, *args):
    db = sqlite3.connect(path)
    try:
        return db.execute(sql, args).fetchall()
    finally:
        db.close()


def layout(path):
    """What the two programs must agree on, the text of the SQL left out."""
    got = {"user_version": query(path, "PRAGMA user_version"),
           "encoding": query(path, "PRAGMA encoding")}
    for t in TABLES:
        got[t] = query(path, "PRAGMA table_xinfo(%s)" % t)
        got[t, "keys"] = query(path, "PRAGMA foreign_key_list(%s)" % t)
        got[t, "indexes"] = indexes = query(path, "PRAGMA index_list(%s)" % t)
        for row in indexes:
            got[t, row[1]] = query(path, "PRAGMA index_xinfo(%s)" % row[1])
    got["objects"] = query(
        path, "SELECT type, name, tbl_name FROM sqlite_master WHERE tbl_name "
        "IN ('mailboxes', 'local', 'remote', 'mapping', 'sqlite_sequence') "
        "ORDER BY name")
    return got


def constraints(path):
    """Which rows the tables take, tried in a transaction that is undone."""
    values = ("NULL", "0", "-1", "1", "4294967295", "'a'", "''", "x''", "1.5")
    rows = ["mailboxes VALUES (90, %s, 0)", "mailboxes VALUES (90, x'61', %s)",
            "mailboxes VALUES (%s, x'61', 0)",
            "local VALUES (80, %s, 1, 1)", "local VALUES (80, 1, %s, 1)",
            "local VALUES (80, 1, 1, %s)", "remote VALUES (80, %s, 1, 1)",
            "remote VALUES (80, 1, %s, 1)", "remote VALUES (81, 1, 1, %s)",
            "mapping VALUES (80, %s, 1)", "mapping VALUES (80, 1, %s)",
            "mapping VALUES (%s, 1, 1)",
            "mapping VALUES (80, 50, %s), (80, 51, 50)",
            "mapping VALUES (80, %s, 60), (80, 61, 61), (80, 61, 62)",
            "mailboxes VALUES (80, x'62', %s)"]
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("BEGIN")
    for table in reversed(TABLES):
        db.execute("DELETE FROM " + table)
    db.execute("INSERT INTO mailboxes VALUES (80, x'7a7a', 0)")
    taken = []
    for row in rows:
        for value in values:
            db.execute("SAVEPOINT s")
            try:
                db.execute("INSERT INTO " + row % value)
                taken.append((row % value, True))
            except sqlite3.IntegrityError:
                taken.append((row % value, False))
            db.execute("ROLLBACK TO s")
    db.execute("ROLLBACK")
    db.close()
    return taken


def difference(a, b):
    keys = a if isinstance(a, dict) else range(len(a))
    return "\n".join("%r: original %r, ours %r" % (k, a[k], b[k])
                     for k in keys if a[k] != b[k])


def same_schema(scratch, theirs, ours):
    r = scratch.original(theirs)
    check(r.returncode == 0, "the original makes its database", r.stdout)
    db = Statedb(ours)
    check(db.open[-1][0] == MSG["DONE"] and db.open[0][1] == b"\1\0\0" +
          text(""),
          "statedb makes its own", db.open)
    db.close()
    a, b = layout(theirs), layout(ours)
    check(a == b, "the tables are the same", difference(a, b))
    a, b = constraints(theirs), constraints(ours)
    check(a == b, "so are the rows they take", difference(a, b))
    extra = query(ours, "SELECT type, name FROM sqlite_master WHERE type NOT "
                  "IN ('table') AND name NOT LIKE 'sqlite_autoindex_%'")
    check(extra == [], "and there is no index, trigger or view beside them",
          extra)


def ours_on_theirs(scratch, theirs):
    db = Statedb(theirs)
    check(db.open[-1][0] == MSG["DONE"] and db.open[0][1] == b"\0\0\0" +
          text(os.path.realpath(theirs) + ".v1.bak"),
          "statedb opens the original's database", db.open)
    boxes = db.done("MAILBOXES", b"")
    check(len(boxes) == 1 and b"INBOX" in boxes[0][1],
          "and reads its mailboxes", boxes)
    db.close()
    r = scratch.original(theirs)
    check(r.returncode == 0, "the original goes on with it", r.stdout)


def theirs_on_ours(scratch, ours):
    scratch.deliver("local", "", 3, "in")
    scratch.deliver("remote", ".box", 2, "box")
    r = scratch.original(ours)
    check(r.returncode == 0, "the original runs on our database", r.stdout)
    rows = query(ours, "SELECT CAST(mailbox AS TEXT), count(*) FROM mapping "
                 "JOIN mailboxes USING (idx) GROUP BY 1 ORDER BY 1")
    check(rows == [("INBOX", 3), ("box", 2)], "and maps what it copied", rows)
    r = scratch.original(ours)
    check(r.returncode == 0, "and again", r.stdout)


def hold_some(db, idx):
    pair = struct.pack("!IIIB", 1, 1, 1, 0)
    db.done("HOLD", struct.pack("!IB", idx, 0) + pair)
    db.done("SKIP", struct.pack("!IBIIBI", idx, 1, 9, 0, 4, 3600) +
            text("refused"))
    db.done("KEYWORD", struct.pack("!IB", idx, 1) + text("$Junk"))
    db.done("INTENT", struct.pack("!IBII", idx, 0, 9, 1) +
            struct.pack("!BIIQqhB", 0, 8, 9, 100, 1000000000, 0, 1))


def our_rows(path):
    return [query(path, "SELECT count(*) FROM " + t)[0][0]
            for t in ("stamps", "held", "skipped", "intents", "tries",
                      "keywords")]


def delete_with_our_rows(scratch, ours):
    idx = query(ours, "SELECT idx FROM mailboxes WHERE mailbox = ?", b"box")
    db = Statedb(ours)
    hold_some(db, idx[0][0])
    db.close()
    check(our_rows(ours) == [1] * 6, "rows of ours stand beside it",
          our_rows(ours))
    scratch.own()
    r = scratch.original(ours)
    check(r.returncode == 0, "the original does not mind", r.stdout)
    r = scratch.original(ours, "--target=database", "--delete", "box")
    check(r.returncode == 0, "and deletes the mailbox", r.stdout)
    check(our_rows(ours) == [0] * 6, "our rows go with it",
          our_rows(ours))
    db = Statedb(ours)
    check(db.open[-1][0] == MSG["DONE"], "statedb goes on with that", db.open)
    db.close()


def main():
    if not (os.access(ORIGINAL, os.X_OK) and os.access(IMAP, os.X_OK)):
        print("1..0 # SKIP no interimap or no Dovecot here")
        return 0
    scratch = Scratch()
    theirs, ours = scratch.at("home", "theirs.db"), scratch.at("home",
                                                               "ours.db")
    try:
        same_schema(scratch, theirs, ours)
        scratch.own()
        ours_on_theirs(scratch, theirs)
        theirs_on_ours(scratch, ours)
        delete_with_our_rows(scratch, ours)
    finally:
        shutil.rmtree(scratch.dir)
    print("1..%d" % count)
    return 1 if failed else 0


sys.exit(main())
