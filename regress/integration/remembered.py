#!/usr/bin/env python3
# What the last run saw of a server goes into the database, and the next one
# sends ENABLE, LIST and COMPRESS together with the login: between two Dovecots,
# and with a server that does not take it, in every way there is
# (authserver.py).
#
#	remembered.py [PART OF A NAME]
import concurrent.futures, os, sqlite3, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth import Dovecots, Odd, SECRET, dialogue, dovecot_section, hides, words
from authority import Relay
from badserver import LOST, one_line, said
from compress import ZLIB
from servers import *
from tap import *

REMOTE = 1
TOLD, STEPWISE = 0x40000, 0x80000       # CAP_* of lib/msg.h
LONG = 600                              # LIST_LONG of imapchild/compress.c
CLEAR = "STARTTLS = NO\n"
LOGIN = CLEAR + "auth = LOGIN\n"
USUAL = ["ENABLE", "LIST", "LIST"]      # what goes together with the login


def rows(db, side=REMOTE):
    """(key, capabilities, mailboxes) of a side, or None."""
    c = sqlite3.connect("file:%s?mode=ro" % db, uri=True)
    try:
        return c.execute("SELECT key, caps, listed FROM remembered WHERE "
                         "side = ?", (side,)).fetchone()
    finally:
        c.close()


def set_row(db, column, value, side=REMOTE):
    c = sqlite3.connect(db)
    c.execute("UPDATE remembered SET %s = ? WHERE side = ?" % column,
              (value, side))
    c.commit()
    c.close()


def stepwise(db):
    return bool(rows(db)[1] & STEPWISE)


# ---- two Dovecots ----

def together(r, side):
    """The commands before the answer to the login."""
    out = []
    for line in dialogue(r, side):
        if line.startswith("S: xxx OK "):
            return out
        if re.match(r"C: (\d{6}|xxx) ", line):
            out.append(line.split()[2])
    raise AssertionError("no login: " + r.err)


def two_runs(auth, command):
    """LOGIN in the clear, PLAIN with TLS: on either side."""
    with Scratch() as s:
        cert = make_cert(s, "cert")
        d = Dovecots(s, cert=cert, extra=ZLIB)
        opts = "SSL_CAfile = %s\n" % cert[0]
        opts += "auth = %s\n" % auth if auth else ""
        for n in range(4):
            if n == 3:
                with d.r.client() as c:
                    c.append("INBOX", sample(99))
            r = d.run(opts, "--debug", host="localhost",
                      local="STARTTLS = NO\nauth = LOGIN\n")
            eq((r.status, said(r)), (0, []), "exit status: " + r.err)
            hides(r.err, d.r.password)
            for side, name, more in (("local", "LOGIN", []),
                                     ("remote", command, ["COMPRESS"])):
                want = [name] + (USUAL + more if n > 0 else [])
                eq(together(r, side)[-len(want):], want, "%s, run %d" %
                   (side, n))
                eq(words(r, side).count("LIST"), 2, "LISTs")
            db = os.path.join(s.dir, "sync", "state.db")
            with open(db, "rb") as f:
                image = f.read()
            hides(image.decode("latin-1"), d.r.password, USER.pw_name)
            if n == 1:
                eq(image == before, True, "a run without news writes nothing")
            before = image
            eq(rows(db)[2], 3, "entries of LIST")
        with d.l.client() as a, d.r.client() as b:
            eq(a.snapshot(), b.snapshot(), "the two sides")


def others():
    """Another server, mechanism, user: nothing is remembered of those."""
    with Scratch() as s:
        d = Dovecots(s)
        o = Dovecot(s, "O").start()
        fill_maildir(o, ["INBOX"], count=1)
        base = dovecot_section(d.r, CLEAR + "auth = LOGIN PLAIN\n")
        stranger = base.replace("username = ", "username = x")
        was = None
        for section, status in (
                (base, 0),
                (dovecot_section(o, CLEAR + "auth = LOGIN PLAIN\n"), 2),
                (base, 0), (base + "auth = LOGIN\n", 0), (base, 0),
                (stranger, 0)):
            p = Interimap(s, dovecot_section(d.l, CLEAR), section)
            r = p.run("--debug")
            eq(r.status, status, "exit status: " + r.err)
            eq("ENABLE" in together(r, "remote"), False, "with the login")
            if was and rows(p.db)[0] == was[0]:
                raise AssertionError("the same key for another account")
            was = rows(p.db)


def long_list():
    """COMPRESS before LIST, where the last run saw many mailboxes."""
    with Scratch() as s:
        d = Dovecots(s, extra=ZLIB)
        eq(d.run(LOGIN).status, 0, "the first run")
        db = os.path.join(s.dir, "sync", "state.db")
        for listed, args, behind in (
                (LONG - 1, (), ["LIST", "LIST", "COMPRESS"]),
                (LONG, (), ["COMPRESS", "LIST", "LIST"]),
                (LONG, ("INBOX",), ["LIST", "COMPRESS", "LIST"])):
            set_row(db, "listed", listed)
            r = d.run(LOGIN, "--debug", *args)
            eq((r.status, said(r)), (0, []), "exit status: " + r.err)
            w = words(r)
            eq(w[:5], ["LOGIN", "ENABLE"] + behind, "commands")
            eq(rows(db)[2], LONG if args else 4, "entries of LIST")
            has(r.err, "remote: IMAP traffic (bytes): recv ", " (compr. ")


def odd_rows():
    """Whatever stands in the table, a run goes well, and writes it anew."""
    with Scratch() as s:
        d = Dovecots(s)
        eq(d.run(LOGIN).status, 0, "the first run")
        db = os.path.join(s.dir, "sync", "state.db")
        good = rows(db)[:2]
        for column, values in (
                ("caps", (-1, 0, 1 << 40, "x", b"\1", 1.5, good[1] & ~1)),
                ("key", (-1, 0, "x", good[0] + 1)),
                ("listed", (-1, 1 << 40, "x"))):
            for value in values:
                set_row(db, column, value)
                r = d.run(LOGIN, "--debug")
                eq((r.status, said(r)), (0, []), "%s %r: %s" %
                   (column, value, r.err))
                eq("ENABLE" in together(r, "remote"), False,
                   "together with the login, %s %r" % (column, value))
                eq(rows(db), good + (4,), "what is there now")


# ---- a server that does not take it ----

class Server(Odd):
    """Odd behind TLS, at the same port each time."""
    def __init__(self, scratch, **options):
        self.cert = make_cert(scratch, "odd-tls")
        self.relay = Relay(scratch, self.cert)
        super().__init__(scratch, **options)

    def start(self, options):
        super().start(options)
        with open(self.port) as f:
            self.relay.to = int(f.read())

    def again(self, **options):
        self.stop()
        self.start(options)

    def go(self, status, more=""):
        if more != CLEAR:
            more += "type = imaps\nhost = localhost\nport = %d\n" \
                "SSL_CAfile = %s\n" % (self.relay.port, self.cert[0])
        r = self.run("--debug", more=more)
        eq(r.status, status, "exit status; it said: " + r.err)
        hides(r.err, SECRET)
        return r

    def flight(self):
        """What came in one with the login."""
        turn = next(n for n, l in self.said()
                    if "AUTHENTICATE" in l or " LOGIN " in l)
        return [l.split()[1] for n, l in self.said() if n == turn][1:]

    def db(self):
        return os.path.join(self.scratch.dir, "sync", "state.db")

    def equal(self):
        eq(self.p.l.boxes(), self.p.r.boxes(), "the two sides")


def learnt(s, more="", **options):
    o = Server(s, **options)
    o.go(0, more=more)
    eq(o.flight(), [], "with the login of the first run")
    return o


def choice(auth, options, flight):
    """Behind which logins anything goes."""
    with Scratch() as s:
        more = auth and "auth = %s\n" % auth or CLEAR
        o = learnt(s, more, **options)
        o.go(0, more=more)
        eq(o.flight(), flight, "with the login")
        eq(stepwise(o.db()), False, "doubts")


def taken_back(options, twice):
    """What was refused is asked again in the same session."""
    with Scratch() as s:
        o = learnt(s)
        o.p.r.add("INBOX", 500, 3)
        o.again(**options)
        r = o.go(0)
        eq(said(r), [], "it said")
        has(r.err, "remote: the server did not take what went together with "
            "the login (", "); going on one step at a time")
        eq(o.flight(), USUAL, "with the login")
        w = words(r)
        eq([w.count(c) for c in ("ENABLE", "LIST")], twice, "in all")
        o.equal()
        o.again()
        for _ in range(2):
            eq(stepwise(o.db()), True, "doubts")
            eq((said(o.go(0)), o.flight()), ([], []), "the run after that")


def broken(options, status, *text):
    """What costs the session costs one, and no more."""
    with Scratch() as s:
        patience = "timeout = %d\n" % (4 if options["behind"] == "lost"
                                       else 60)
        o = learnt(s, patience)
        o.p.r.add("INBOX", 500, 3)
        o.again(**options)
        one_line(o.go(status, more=patience), "remote: ERROR: ", *text)
        eq(o.flight(), USUAL, "with the login")
        for _ in range(2):
            eq(stepwise(o.db()), True, "doubts")
            eq((said(o.go(0, more=patience)), o.flight()), ([], []),
               "the run after that")
        o.equal()


def wrong_password():
    """No reason for doubts, since the server said why."""
    with Scratch() as s:
        o = learnt(s)
        was = rows(o.db())
        o.again(login="joe:another")
        one_line(o.go(77), "remote: ERROR: ", "login refused")
        eq(o.flight(), USUAL, "with the login")
        eq(rows(o.db()), was, "what is remembered")
        o.again()
        o.go(0)
        eq(o.flight(), USUAL, "with the login")


def changed():
    """Other capabilities replace those of the last run, and what was sent by
    them is judged by the new ones."""
    with Scratch() as s:
        o = learnt(s)
        o.again(once={"ENABLE": "NO not today"})
        o.go(0)
        eq(stepwise(o.db()), True, "doubts")
        o.again(after=["X-NEW", "OBJECTID"])
        o.go(0)
        eq((o.flight(), stepwise(o.db())), ([], False), "a new server")
        o.go(0)
        eq(o.flight(), USUAL, "with the login")


def lost_capability():
    """QRESYNC is gone since the last run: said as ever."""
    with Scratch() as s:
        o = learnt(s)
        o.again(gone=["QRESYNC"])
        one_line(o.go(1), "remote: ERROR: ", "Non QRESYNC-capable IMAP server")
        eq(o.flight(), USUAL, "with the login")
        o.again()
        o.go(0)
        o.equal()


def run_all(only):
    cases = (
        [("remembered: Dovecot, %s" % (auth or "default"), two_runs, auth,
          command)
         for auth, command in (("", "AUTHENTICATE"), ("LOGIN", "LOGIN"))] +
        [("remembered: of another server", others),
         ("remembered: a long list", long_list),
         ("remembered: odd rows", odd_rows)] +
        [("with the login: " + name, choice, auth, options, flight)
         for name, auth, options, flight in (
             ("PLAIN", "PLAIN", {}, USUAL),
             ("PLAIN, told only when asked", "PLAIN", {"ok": False},
              ["CAPABILITY"] + USUAL),
             ("PLAIN without SASL-IR", "PLAIN",
              {"without": ["SASL-IR"]}, []),
             ("PLAIN in the clear", None, {}, []),
             ("LOGIN", "LOGIN", {}, USUAL),
             ("SCRAM", "SCRAM-SHA-256",
              {"before": ["AUTH=SCRAM-SHA-256"]}, []),
             ("XOAUTH2", "XOAUTH2", {"before": ["AUTH=XOAUTH2"]}, []))] +
        [("asked again: " + name, taken_back, options, twice)
         for name, options, twice in (
             ("read before the login", {"behind": "early"}, [2, 4]),
             ("ENABLE is BAD", {"once": {"ENABLE": "BAD what?"}}, [2, 2]),
             ("ENABLE does nothing", {"once": {"ENABLE": "OK"}}, [2, 2]),
             ("LIST is BAD", {"once": {"LIST": "BAD what?"}}, [1, 3]),
             ("LIST is NO", {"once": {"LIST": "NO not yet"}}, [1, 3]))] +
        [("the end: " + name, broken, options, status, *text)
         for name, options, status, *text in (
             ("closed", {"behind": "closed"}, 75, "closed the connection",
              LOST),
             ("lost", {"behind": "lost"}, 75, "no answer from the server",
              LOST),
             ("BAD", {"behind": "refused"}, 77, "login refused: refused"),
             ("NO", {"behind": "nothing behind it"}, 77,
              "login refused: nothing behind it"))] +
        [("a wrong password", wrong_password),
         ("other capabilities", changed),
         ("a capability is gone", lost_capability)])
    cases = [c for c in cases if only in c[0]]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for (name, *_), future in zip(cases, [
                pool.submit(fn, *args) for _, fn, *args in cases]):
            test(name, future.result)


if __name__ == "__main__":
    run_all(sys.argv[1] if len(sys.argv) > 1 else "")
    done()
