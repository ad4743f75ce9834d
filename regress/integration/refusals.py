#!/usr/bin/env python3
# Messages and keywords that one server does not take: the others go through,
# the refused one is remembered with its reason, named at the end of each run,
# not asked for again before its time, and copied when the server takes it.
# Scripted servers (regress/hostile), a real Cyrus and a Dovecot with a quota.
#
#	refusals.py [PART OF A NAME]
import os, sqlite3, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import Account, Scripted, quirks, said
from mailstore import DATE as STORE_DATE
from cyrus import Cyrus, NoCyrus, unpack
from servers import *
from tap import *

NUL = b"Subject: nul\r\n\r\na\0b\r\n"


class Two:
    """Two scripted accounts; the local one has mail."""
    def __init__(self, scratch, count=40):
        self.scratch = scratch
        self.l, self.r = Account(scratch, "L"), Account(scratch, "R")
        self.l.add("INBOX", 1, count)

    def put(self, body, flags=(), side="l", box="INBOX"):
        """One more message on a side; its UID."""
        out = []
        getattr(self, side).change(lambda st: out.append(
            st.get(box).add(list(flags), STORE_DATE, body)))
        return out[0]

    def run(self, local=(), remote=(), args=()):
        self.sync = Interimap(self.scratch, self.l.section(*quirks(*local)),
                              self.r.section(*quirks(*remote)))
        return self.sync.run(*args, timeout=60)

    def sql(self, text):
        with sqlite3.connect(self.sync.db) as c:
            return c.execute(text).fetchall()

    def due(self):
        """As if the pause were over."""
        self.sql("UPDATE tries SET next = 0")

    def bodies(self, side):
        return sorted(b for b, _ in getattr(self, side).boxes()["INBOX"])

    def without(self, *bodies):
        """The remote side has all of the local one but these, once."""
        want = self.bodies("l")
        for b in bodies:
            want.remove(b)
        eq(self.bodies("r") == want, True, "all the others are there")


def fetched(r):
    """What a run under --debug asked to be sent of bodies."""
    return [l for l in r.err.splitlines()
            if " C: " in l and "BODY.PEEK[]" in l]


def appended(r):
    return len([l for l in r.err.splitlines() if " C: " in l and
                " APPEND " in l])


def status(r, want):
    eq(r.status, want, "exit status; it said: " + r.err)


def again(p, remote, line, local=()):
    """The same once more: the same line, no body is asked for."""
    r = p.run(local=local, remote=remote, args=("--debug",))
    status(r, 2)
    eq(said(r), [line], "what the second run says")
    eq(fetched(r), [], "bodies asked for")


def one(code, more=()):
    """One of many is refused: by this code; by NO alone."""
    with Scratch() as s:
        p = Two(s)
        uid = p.put(b"Subject: x\r\n\r\nculprit\r\n")
        p.l.add("INBOX", 100, 40)
        remote = ["append-refuse=%s:culprit" % code] + list(more)
        r = p.run(remote=remote)
        status(r, 2)
        line, = said(r)
        has(line, "remote(INBOX): WARNING: local UID %d not taken: " % uid,
            "[%s] not this one" % code if code else ": not this one",
            "(once); tried again in 60 minutes, or by --repair")
        bad, = [b for b in p.bodies("l") if b"culprit" in b]
        p.without(bad)
        again(p, remote, line)
        p.due()
        r = p.run(remote=remote)
        status(r, 2)
        has(said(r)[0], "(2 times); tried again in 2 hours")
        eq(p.sql("SELECT tries, next - strftime('%s','now') > 7000 FROM "
                 "tries"), [(2, 1)], "the second pause")
        p.without(bad)
        r = p.run()			# its time has not come
        status(r, 2)
        p.without(bad)
        p.due()
        r = p.run()
        status(r, 0)
        p.without()
        eq(p.sql("SELECT count(*) FROM skipped"), [(0,)], "records left")
        r = p.run(args=("--quiet",))
        eq((r.status, r.err), (0, ""), "the last run")


def repaired():
    """--repair tries it at once."""
    with Scratch() as s:
        p = Two(s, 3)
        p.put(b"Subject: x\r\n\r\nculprit\r\n")
        status(p.run(remote=["append-refuse=TOOBIG:culprit"]), 2)
        status(p.run(args=("--repair",)), 0)
        p.without()


def deleted():
    """The refused message is deleted: nobody speaks of it any more."""
    with Scratch() as s:
        p = Two(s, 3)
        uid = p.put(b"Subject: x\r\n\r\nculprit\r\n")
        remote = ["append-refuse=TOOBIG:culprit"]
        status(p.run(remote=remote), 2)
        p.l.change(lambda st: st.get("INBOX").expunge([uid]))
        r = p.run(remote=remote, args=("--quiet",))
        eq((r.status, r.err), (0, ""), "the run after")
        p.without()
        eq(p.sql("SELECT count(*) FROM tries"), [(0,)], "records left")


def all_refused():
    """Not a message: after some refusals the rest is not even asked for."""
    with Scratch() as s:
        p = Two(s, 0)
        p.l.add("INBOX", 1, 3000)
        remote = ["append-no=OVERQUOTA"]
        r = p.run(remote=remote, args=("--debug",))
        status(r, 2)
        if appended(r) > 60:
            raise AssertionError("%d APPENDs" % appended(r))
        line, = said(r)
        has(line, "local UID 1:3000 not taken: [OVERQUOTA] refused")
        again(p, remote, line)
        p.due()
        status(p.run(), 0)
        p.without()


def append_limit():
    """Nothing is asked for that is above APPENDLIMIT (RFC 7889)."""
    with Scratch() as s:
        p = Two(s, 3)
        uid = p.put(b"Subject: x\r\n\r\n" + b"long\r\n" * 5000)
        r = p.run(remote=["append-limit=20000"], args=("--debug",))
        status(r, 2)
        line, = said(r)
        has(line, "local UID %d not taken: 30014 octets are more than its "
            "APPENDLIMIT of 20000" % uid)
        eq(appended(r), 1, "APPENDs")
        for f in fetched(r):
            if re.search(r"FETCH (\S*[:,])?%d " % uid, f):
                raise AssertionError("its body was asked for: " + f)
        eq(len(p.bodies("r")), 3, "messages there")
        again(p, ["append-limit=20000"], line)
        p.due()
        status(p.run(remote=["append-limit=40000"]), 0)
        p.without()


def busy(code, times, done):
    """It is waited for a server that asks for that, but not for ever."""
    with Scratch() as s:
        p = Two(s, 30)
        began = time.monotonic()
        r = p.run(remote=["append-busy=%s:%d" % (code, times)])
        took = time.monotonic() - began
        status(r, 0 if done else 2)
        has(r.err, "APPEND refused: [%s] not now; tried again in about 1 s"
            % code)
        if took < 0.5:
            raise AssertionError("it was not waited")
        if done:
            eq(said(r), [], "what it says")
        else:
            has(said(r)[0], "[%s] not now; tried again in the next run" % code)
            eq(p.bodies("r"), [], "messages there")
            status(p.run(), 0)
        p.without()


def mapped_keywords(p):
    return sorted(f for _, f in p.r.boxes()["INBOX"])


def keyword(how):
    """A refused keyword is dropped, remembered, not fought over."""
    with Scratch() as s:
        p = Two(s, 5)
        remote = ["refuse-keyword=$Bad"]
        if how == "STORE":
            status(p.run(), 0)
            p.l.change(lambda st: st.get("INBOX").flag(
                2, ["\\Seen", "$Bad", "$Good"]))
        else:
            p.put(b"Subject: x\r\n\r\nwith keywords\r\n",
                  ["\\Seen", "$Bad", "$Good"])
        r = p.run(remote=remote)
        status(r, 0)
        has(said(r)[0], "remote(INBOX): WARNING: keyword(s) $Bad are refused")
        eq(len(said(r)), 1, "lines in: " + r.err)
        p.without()
        want = [f for f in mapped_keywords(p) if f]
        eq(want, [("$Good", "\\Seen")], "flags there")
        r = p.run(remote=remote, args=("--debug",))
        eq((r.status, said(r), " STORE " in r.err), (0, [], False), "next run")
        p.put(b"Subject: y\r\n\r\nanother\r\n", ["$Bad"])
        p.l.change(lambda st: st.get("INBOX").flag(1, ["$Bad", "\\Flagged"]))
        r = p.run(remote=remote, args=("--debug",))
        eq((r.status, said(r)), (0, []), "a run with news")
        for l in r.err.splitlines():
            if "remote(INBOX): C: " in l and "$Bad" in l:
                raise AssertionError("once more: " + l)
        p.without()
        status(p.run(args=("--repair",)), 0)
        eq(p.l.boxes(), p.r.boxes(), "both sides after --repair")


def nul_announced(binary):
    with Scratch() as s:
        p = Two(s, 20)
        uid = p.put(NUL)
        p.l.add("INBOX", 60, 5)
        remote = [] if binary else ["no-binary"]
        r = p.run(remote=remote)
        status(r, 0 if binary else 2)
        if binary:
            p.without()
            return
        line, = said(r)
        has(line, "local UID %d not taken: it holds NUL" % uid,
            "when the server offers BINARY")
        p.without(NUL)
        p.due()
        again(p, remote, line)
        status(p.run(), 0)
        p.without()


def nul_hidden(binary):
    """A NUL in a plain literal costs the connection, once."""
    with Scratch() as s:
        p = Two(s, 20)
        uid = p.put(NUL)
        p.l.add("INBOX", 60, 5)
        remote = [] if binary else ["no-binary"]
        r = p.run(local=["plain-nul"], remote=remote)
        status(r, 75)
        has(said(r)[0], "UID %d of the other side" % uid, "holds NUL")
        eq([b for b in p.bodies("r") if b"nul" in b], [], "nothing cut there")
        r = p.run(local=["plain-nul"], remote=remote)
        if binary:
            status(r, 0)
            p.without()
            return
        status(r, 2)
        line, = said(r)
        has(line, "local UID %d not taken: it holds NUL" % uid)
        p.without(NUL)
        again(p, remote, line, local=["plain-nul"])


def empty():
    """A message without an octet is left out, and no refusal."""
    with Scratch() as s:
        p = Two(s, 5)
        p.put(b"")
        r = p.run()
        status(r, 0)
        has(said(r)[0], "Ignoring new 0-length message (UID 6)")
        p.without(b"")
        r = p.run(args=("--quiet",))
        eq((r.status, r.err), (0, ""), "the next run")


def other_way():
    """The local server refuses, too, and each side by itself."""
    with Scratch() as s:
        p = Two(s, 5)
        p.put(b"Subject: x\r\n\r\nlculprit\r\n")
        p.put(b"Subject: y\r\n\r\nrculprit\r\n", side="r")
        p.put(b"Subject: z\r\n\r\nfine\r\n", side="r")
        r = p.run(local=["append-refuse=LIMIT:rculprit"],
                  remote=["append-refuse=TOOBIG:lculprit"])
        status(r, 2)
        eq(len(said(r)), 2, "lines in: " + r.err)
        has(r.err, "local(INBOX): WARNING: remote UID 1 not taken: [LIMIT]",
            "remote(INBOX): WARNING: local UID 6 not taken: [TOOBIG]")
        p.due()
        status(p.run(), 0)
        eq(p.bodies("l"), p.bodies("r"), "both sides")


# ---- real servers ----

def cyrus_bare_lf():
    """Cyrus does not take LF alone, nor NUL without BINARY."""
    with Scratch() as s:
        cyrus = Cyrus(s, "cyrus",
                      extra="suppress_capabilities: BINARY").start()
        a, l = cyrus.account("u1"), Account(s, "L")
        l.add("INBOX", 1, 1)
        good = re.sub(rb"\r?\n", b"\r\n", sample(7).encode())

        def fill(st):
            b = st.get("INBOX")
            b.expunge(list(b.messages))
            for body in (good, b"Subject: lf\r\n\r\na\nb\r\n", NUL,
                         good.replace(b"message 7", b"message 8")):
                b.add([], STORE_DATE, body)
        l.change(fill)
        p = Interimap(s, l.section(), a.section())
        for n in range(2):
            r = p.run("--debug")
            status(r, 2)
            has(r.err, "WARNING: local UID 3 not taken: Message contains bare "
                "newlines", "WARNING: local UID 4 not taken: it holds NUL")
            eq(len(said(r)), 2, "lines in: " + "\n".join(said(r)))
            eq(n == 0 or fetched(r) == [], True, "bodies asked for again")
        with a.client() as c:
            eq(len(c.uids("INBOX")), 2, "messages in Cyrus")


QUOTA = """
mail_plugins = quota
plugin {
  quota = maildir:User quota
  quota_rule = *:bytes=60000
  quota_grace = 0
}
"""


def dovecot_quota():
    """A large one is over the quota, the small ones are not."""
    with Scratch() as s:
        l, q = Dovecot(s, "L"), Dovecot(s, "R", QUOTA)
        fill_maildir(l, ["INBOX"], count=10)
        with l.client() as c:
            c.append("INBOX", sample(500, size=90000))
            c.append("INBOX", sample(501))
        p = Interimap(s, tunnel_section(l), tunnel_section(q))
        for n in range(2):
            r = p.run("--debug")
            status(r, 2)
            line, = said(r)
            has(line, "remote(INBOX): WARNING: local UID 11 not taken: "
                "[OVERQUOTA]")
            eq(n == 0 or fetched(r) == [], True, "bodies asked for again")
            with q.client() as c:
                eq(len(c.uids("INBOX")), 11, "messages there")
        with open(q.conf) as f:
            text = f.read()
        s.write("R/dovecot.conf", text.replace("bytes=60000", "bytes=999999"))
        with sqlite3.connect(p.db) as c:
            c.execute("UPDATE tries SET next = 0")
        status(p.run(), 0)
        with l.client() as a, q.client() as b:
            eq(a.snapshot(), b.snapshot(), "the two sides")


TESTS = [("one message refused: [%s]" % c if c else "one message refused: NO",
          one, c) for c in ("TOOBIG", "OVERQUOTA", "CANNOT", "")] + [
    ("one message refused, no MULTIAPPEND", one, "TOOBIG",
     ["no-multiappend"]),
    ("one message refused, no APPENDUID", one, "TOOBIG", ["no-appenduid"]),
    ("refused, then --repair", repaired),
    ("refused, then deleted", deleted),
    ("refused on both sides", other_way),
    ("all messages refused", all_refused),
    ("APPENDLIMIT", append_limit),
    ("[UNAVAILABLE] once", busy, "UNAVAILABLE", 1, True),
    ("[LIMIT] once", busy, "LIMIT", 1, True),
    ("[INUSE] for ever", busy, "INUSE", 99, False),
    ("a keyword refused by STORE", keyword, "STORE"),
    ("a keyword refused by APPEND", keyword, "APPEND"),
    ("NUL, with BINARY", nul_announced, True),
    ("NUL, without BINARY", nul_announced, False),
    ("NUL in a plain literal, with BINARY", nul_hidden, True),
    ("NUL in a plain literal, without BINARY", nul_hidden, False),
    ("an empty message", empty),
    ("Dovecot: over quota", dovecot_quota)]


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, fn, *args in TESTS:
        if only in name:
            test(name, fn, *args)
    if only in "Cyrus: LF alone and NUL":
        try:
            unpack()
            test("Cyrus: LF alone and NUL", cyrus_bare_lf)
        except NoCyrus as e:
            print("# no Cyrus: " + str(e))
    done()
