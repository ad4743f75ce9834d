# What one run of either program may make of two accounts and their database,
# as rules that compare the state before it with the state after it; used by
# alternate.py, which tells the rules in words at its top.
import hashlib, imaplib, os, re, shutil, sqlite3, time
from servers import quote

FETCH = re.compile(rb'UID (\d+) FLAGS \(([^)]*)\) INTERNALDATE "([^"]*)"')
OURS, ORIGINAL = "ours", "original"
SIDES = ("local", "remote")


# ---- states ----

class Mails:
    """A mailbox on one side: n, flags and date of each UID."""
    def __init__(self, uidvalidity, msgs):
        self.uv, self.msgs = uidvalidity, msgs

    def numbers(self):
        return [m[0] for m in self.msgs.values()]


class Row:
    """A mailbox in the database; state is None, or a (UIDVALIDITY, UIDNEXT,
    HIGHESTMODSEQ) for each side; pairs are (lUID, rUID)."""
    def __init__(self, subscribed, state, pairs):
        self.subscribed, self.state, self.pairs = subscribed, state, pairs

    def above(self, pair):
        return any(u >= s[1] for u, s in zip(pair, self.state))

    def interrupted(self):
        return any(self.above(p) for p in self.pairs)


class State:
    def __init__(self, eyes, clients, db):
        self.boxes = [e.look(c) for e, c in zip(eyes, clients)]
        self.subs = [set(c.subscribed()) for c in clients]
        self.db = rows(db)

    def names(self):
        return sorted(set(self.boxes[0]) | set(self.boxes[1]))

    def both(self, name):
        return [b.get(name) for b in self.boxes]

    def pairs(self, name):
        return self.db[name].pairs if name in self.db else set()

    def blocked(self, name):
        """What neither program synchronizes: a mailbox it knows, gone from
        one side or with another UIDVALIDITY."""
        row, b = self.db.get(name), self.both(name)
        if row is None:
            return False
        if None in b:
            return True
        return row.state is not None and any(
            s[0] != x.uv for s, x in zip(row.state, b))

    def unmapped(self, name, side):
        """{n: UIDs} of the messages that no row knows."""
        known = {p[side] for p in self.pairs(name)}
        out = {}
        box = self.boxes[side].get(name)
        for uid, m in sorted(box.msgs.items()) if box else []:
            if uid not in known:
                out.setdefault(m[0], []).append(uid)
        return out


class Eye:
    """Reads one account; a body only once, since it never changes."""
    def __init__(self, server, known):
        self.server, self.known, self.seen = server, known, {}

    def look(self, client):
        out = {}
        for name in client.mailboxes():
            r = client.c.select(quote(name), readonly=True)
            if b"doesn't exist" in r[1][0]:
                continue	# Dovecot lists it still, above others
            client.ok(r)
            told = client.c.untagged_responses
            uv = int(told["UIDVALIDITY"][0])
            msgs = {}
            if int(told["EXISTS"][0] or 0):
                for item in client.ok(client.c.uid(
                        "FETCH", "1:*", "(FLAGS INTERNALDATE)")):
                    m = FETCH.search(item)
                    msgs[int(m.group(1))] = m
            self.read(client, name, uv, [u for u in msgs
                                         if (uv, u) not in self.seen])
            out[name] = Mails(uv, {u: (self.seen[uv, u],) + facts(m)
                                 for u, m in msgs.items()})
        return out

    def read(self, client, name, uv, uids):
        if not uids:
            return
        for item in client.ok(client.c.uid("FETCH", "%d:%d" % (
                min(uids), max(uids)), "(UID BODY.PEEK[])")):
            if not isinstance(item, tuple):
                continue
            uid = int(re.search(rb"UID (\d+)", item[0]).group(1))
            n = self.known.get(hashlib.sha256(item[1]).hexdigest())
            need(n is not None, "%s UID %d: nobody wrote this: %r", name, uid,
                 item[1])
            self.seen[uv, uid] = n


def facts(m):
    flags = frozenset(f.decode().lower() for f in m.group(2).split()
                      if f.lower() != b"\\recent")
    return flags, int(time.mktime(imaplib.Internaldate2tuple(
        b'INTERNALDATE "' + m.group(3) + b'"')))


def rows(db):
    """Read in a copy, since reading would roll back what a kill left."""
    if not os.path.exists(db):
        return {}
    copy = db + ".copy"
    for tail in ("", "-journal"):
        if os.path.exists(copy + tail):
            os.unlink(copy + tail)
        if os.path.exists(db + tail):
            shutil.copyfile(db + tail, copy + tail)
    c = sqlite3.connect(copy)
    try:
        for q, want in (("integrity_check", [("ok",)]),
                        ("foreign_key_check", [])):
            got = c.execute("PRAGMA " + q).fetchall()
            if got != want:
                raise AssertionError("%s: %r" % (q, got))
        if not c.execute("SELECT 1 FROM sqlite_master WHERE "
                         "name = 'mapping'").fetchone():
            return {}
        return {name.decode().replace("\0", "."): row(c, idx, sub)
                for idx, name, sub in c.execute(
                    "SELECT idx, mailbox, subscribed FROM mailboxes")
                .fetchall()}
    finally:
        c.close()


def row(c, idx, sub):
    state = [c.execute("SELECT UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ FROM %s "
                       "WHERE idx = ?" % t, (idx,)).fetchone() for t in SIDES]
    if (state[0] is None) != (state[1] is None):
        raise AssertionError("a state of one side: %r" % (state,))
    pairs = set(c.execute("SELECT lUID, rUID FROM mapping WHERE idx = ?",
                          (idx,)).fetchall())
    if state[0] is None and pairs:
        raise AssertionError("pairs without a state: %r" % (pairs,))
    return Row(bool(sub), state if state[0] else None, pairs)


# ---- the book ----

class Book:
    """What is known of pairs beyond the state: the flags on either side when
    they were last synchronized (several, when a kill left that open), which
    flags were written since, and what the original has forgotten."""
    def __init__(self):
        self.bases, self.touched, self.forgotten = {}, set(), set()
        self.doubled = set()		# n that the original copied twice
        self.unequal = set()		# pairs whose flags it overlooked

    def overlooked(self, boxes, p):
        key = (boxes[0].uv, p[0], boxes[1].uv, p[1])
        return key in self.forgotten or key in self.unequal

    def touch(self, uv, uid):
        self.touched.add((uv, uid))


class Run:
    """Checks one run: who ran, and whether it came to its end."""
    def __init__(self, book, before, after, who, complete):
        self.book, self.a, self.b = book, before, after
        self.who, self.complete = who, complete

    def check(self):
        stuck = [n for n in self.a.names() if self.a.blocked(n)]
        for name in sorted(set(self.a.names()) | set(self.b.names())):
            try:
                if name in stuck:
                    self.same(name)
                else:
                    Mailbox(self, name).check()
            except AssertionError as e:
                raise AssertionError("%s: %s" % (name, e)) from None

    def same(self, name):
        for s in range(2):
            x, y = self.a.boxes[s].get(name), self.b.boxes[s].get(name)
            if (x is None) != (y is None) or x and (x.uv, x.msgs) != (
                    y.uv, y.msgs):
                raise AssertionError("%s was changed" % SIDES[s])
        if self.a.pairs(name) != self.b.pairs(name):
            raise AssertionError("its rows were changed")


def outcomes(base, l, r, tl, tr):
    """What may become of the flags l and r of a pair."""
    if l == r:
        return {(l, r)}
    u = l | r
    if base is None or base[0] != base[1]:
        return {(l, l), (r, r), (u, u)} | ({(l, r)} if base == (l, r) else
                                           set())
    out = set()
    for cl in {l != base[0], l != base[0] or tl}:
        for cr in {r != base[1], r != base[1] or tr}:
            out.add({(0, 0): (l, r), (1, 0): (l, l), (0, 1): (r, r),
                     (1, 1): (u, u)}[cl, cr])
    return out


def need(ok, what, *args):
    if not ok:
        raise AssertionError(what % args)


class Mailbox:
    """One mailbox that the run was to synchronize."""
    def __init__(self, run, name):
        self.run, self.name, self.book = run, name, run.book
        self.complete, self.who = run.complete, run.who
        self.a, self.b = run.a.both(name), run.b.both(name)
        self.old, self.new = run.a.pairs(name), run.b.pairs(name)
        self.resumes = bool(self.old) and run.a.db[name].interrupted()

    def check(self):
        self.existence()
        self.subscriptions()
        self.loose = [self.run.a.unmapped(self.name, s) for s in range(2)]
        self.dates()
        for p in sorted(self.old):
            self.pair(p)
        for s in range(2):
            self.additions(s)
        for p in sorted(self.new - self.old):
            self.mapped(p)
        if self.complete:
            self.all_mapped()
            self.finished()

    def msg(self, boxes, side, uid):
        return boxes[side].msgs.get(uid) if boxes[side] else None

    def existence(self):
        for s in range(2):
            x, y = self.a[s], self.b[s]
            need(y or not x, "%s: the mailbox was deleted", SIDES[s])
            need(not x or x.uv == y.uv, "%s: UIDVALIDITY", SIDES[s])
            need(x or y is None or self.a[1 - s], "%s: made", SIDES[s])
            need(y or not self.complete, "%s: was not created", SIDES[s])

    def subscriptions(self):
        a, b = [[self.name in x for x in st.subs]
                for st in (self.run.a, self.run.b)]
        row = self.run.a.db.get(self.name)
        if any(x and not y for x, y in zip(a, self.a)):
            return		# left over from a mailbox that was deleted
        if row is None:
            want = a[0] or a[1]
        else:
            want = a[0] if a[0] == a[1] else not row.subscribed
        for s in range(2):
            need(b[s] == want or not self.complete and b[s] == a[s],
                 "%s: subscription is %r", SIDES[s], b[s])
        if self.complete:
            need(self.run.b.db[self.name].subscribed == want,
                 "database: subscription")

    def dates(self):
        for s in range(2):
            for uid, m in self.b[s].msgs.items() if self.b[s] else []:
                need(m[2] == date(m[0]), "%s UID %d: date %d is not %d",
                     SIDES[s], uid, m[2], date(m[0]))

    # ---- pairs that were there ----

    def key(self, p):
        return (self.b[0].uv, p[0], self.b[1].uv, p[1])

    def pair(self, p):
        before = [self.msg(self.a, s, p[s]) for s in range(2)]
        after = [self.msg(self.b, s, p[s]) for s in range(2)]
        what = "pair %d,%d of message %s" % (p + (
            [m[0] for m in before if m],))
        if all(before):
            need(p in self.new, "%s: the row is gone", what)
            need(all(after), "%s: deleted", what)
            self.flags(p, what, before, after)
            return
        need(not any(y and not x for x, y in zip(before, after)),
             "%s: came back", what)
        need(p in self.new or not any(after), "%s: its row went before its "
             "message", what)
        if p not in self.new:
            return
        # Overlooked, also by a resuming run that was killed after it.
        if self.who == ORIGINAL and self.resumes and \
                not self.run.a.db[self.name].above(p):
            self.book.forgotten.add(self.key(p))
        # Deleted on one side, and still here after a run without an error.
        need(not self.complete or self.key(p) in self.book.forgotten,
             "%s: the deletion was not made", what)

    def flags(self, p, what, before, after):
        key = self.key(p)
        l, r = before[0][1], before[1][1]
        tl, tr = [(self.b[s].uv, p[s]) in self.book.touched for s in range(2)]
        bases = self.book.bases.get(key, {None})
        want = set().union(*(outcomes(b, l, r, tl, tr) for b in bases))
        if self.resumes:
            if self.run.a.db[self.name].above(p):
                want.add((l | r, l | r))
            elif self.who == ORIGINAL:
                want.add((l, r))
        got = after[0][1], after[1][1]
        if self.complete:
            need(got in want, "%s: flags %s and %s became %s and %s, not %s "
                 "(base %s)", what, *map(show, (l, r) + got), [
                     [show(f) for f in w] for w in want], [
                     b and [show(f) for f in b] for b in bases])
            self.book.bases[key] = {got}
            if got[0] != got[1]:
                self.book.unequal.add(key)
            return
        for s in range(2):
            need(got[s] in {before[s][1]} | {w[s] for w in want},
                 "%s: %s flags %s became %s", what, SIDES[s],
                 show(before[s][1]), show(got[s]))
        if got == (l, r) and bases == {got} and not (tl or tr):
            return
        self.book.bases[key] = bases | want | {
            x for b in bases if b for w in want
            for x in ((b[0], w[1]), (w[0], b[1]))}
        for s in range(2):
            self.book.touch(self.b[s].uv, p[s])

    # ---- messages that no row knew ----

    def additions(self, s):
        """Unmapped messages stay, and are copied as often as may be."""
        o = 1 - s
        added = {}
        old = self.a[s].msgs if self.a[s] else {}
        for uid, m in self.b[s].msgs.items() if self.b[s] else []:
            if uid not in old:
                added.setdefault(m[0], []).append(uid)
        for n, uids in self.loose[s].items():
            for uid in uids:
                m = self.msg(self.b, s, uid)
                need(m, "%s UID %d: new message %d is gone", SIDES[s], uid, n)
        for n in set(added) | set(self.loose[o]):
            here, there = [len(self.loose[x].get(n, [])) for x in (s, o)]
            got = len(added.get(n, []))
            most = there if self.who == ORIGINAL else max(0, there - here)
            need(got <= most, "%s: message %d was added %d times, not %d "
                 "(unmapped here %d, there %d)", SIDES[s], n, got, most,
                 here, there)
            need(got == most or not self.complete, "%s: message %d was added "
                 "%d times only, not %d", SIDES[s], n, got, most)
            if self.who == ORIGINAL and here and got:
                self.book.doubled.add(n)
            for uid in added.get(n, []):
                self.copied(s, uid, n)

    def copied(self, s, uid, n):
        m = self.msg(self.b, s, uid)
        have = {self.msg(self.a, 1 - s, u)[1] for u in self.loose[1 - s][n]}
        need(m[1] in have, "%s UID %d: message %d has flags %s, not %s",
             SIDES[s], uid, n, show(m[1]), [show(f) for f in have])

    def mapped(self, p):
        """A new row."""
        l, r = [self.msg(self.b, s, p[s]) for s in range(2)]
        need(l and r, "new row %d,%d: a message is not there", *p)
        need(l[0] == r[0], "row %d,%d: messages %d and %d", *p, l[0], r[0])
        was = [self.msg(self.a, s, p[s]) for s in range(2)]
        for s in range(2):
            have = {x[1] for x in was if x}
            if len(have) == 2:
                have.add(frozenset().union(*have))
            got = (l, r)[s][1]
            need(got in have, "%s UID %d: flags of message %d became %s",
                 SIDES[s], p[s], l[0], show(got))
        if self.complete:
            need(l[1] == r[1], "row %d,%d: flags %s and %s", *p, show(l[1]),
                 show(r[1]))
        self.book.bases[self.key(p)] = {(l[1], r[1]) if l[1] == r[1] else
                                        None}
        for s in range(2):
            self.book.touch(self.b[s].uv, p[s])

    # ---- after a run that ended well ----

    def all_mapped(self):
        row = self.run.b.db.get(self.name)
        need(row and row.state, "no state after a complete run")
        for s in range(2):
            left = self.run.b.unmapped(self.name, s)
            need(not left, "%s: not mapped after a complete run: %s",
                 SIDES[s], left)
        need(not row.interrupted(), "rows at or above UIDNEXT after a "
             "complete run")

    def finished(self):
        uv = {b.uv for b in self.b}
        self.book.touched = {t for t in self.book.touched if t[0] not in uv}


def show(flags):
    return "(%s)" % " ".join(sorted(flags))


def date(n):
    """INTERNALDATE of message n, the same in every copy."""
    return 1700000000 + n * 4321
