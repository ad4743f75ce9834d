#!/usr/bin/env python3
# The ways in to a real Cyrus: each mechanism in TLS and in the clear, and a
# whole synchronization behind it, compressed or not.  Cyrus 3.6 says
# LOGINDISABLED after the login, too, where it does not take passwords in the
# clear.
#
#	cyrusauth.py [PART OF A NAME]
import os, ssl, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth import dialogue, hides, login_lines, plain, words
from badserver import one_line, said
from compress import traffic
from cyrus import *
from tap import *

SECRET = "not.the.password"
MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]
CLEAR = "STARTTLS = NO\n"


class Strict(Cyrus):
    """Takes no password in the clear."""
    def configure(self):
        super().configure()
        with open(self.conf) as f:
            text = f.read()
        self.scratch.write(self.name + "/imapd.conf", text.replace(
            "allowplaintext: yes", "allowplaintext: no"))


class SafeClient(CyrusClient):
    """Over TLS, as such a server wants it."""
    def __init__(self, account):
        s = account.server
        self.c = imaplib.IMAP4_SSL(
            "127.0.0.1", s.imaps, timeout=30,
            ssl_context=ssl._create_unverified_context())
        self.c.login(account.user, s.password)
        self.sep = "/" if s.unixsep else "."


class Site:
    def __init__(self, scratch):
        self.scratch, self.n = scratch, 0
        self.free = Cyrus(scratch, "free").start()
        self.strict = Strict(scratch, "strict").start()

    def pair(self, server, mail=True):
        """A local account with mail, and a remote one that has some, too."""
        self.n += 1
        l = Dovecot(self.scratch, "L%d" % self.n)
        a = server.account("user%d" % self.n)
        if not mail:
            return l, a
        fill_maildir(l, ["INBOX", "A"], count=30)
        with SafeClient(a) as c:
            c.mailboxes() or c.ok(c.c.create("INBOX"))
            for i in range(20):
                c.append("INBOX", sample(500 + i), "\\Seen")
            c.create("B.deep")
            c.append("B.deep", sample(600, 70000), "\\Flagged k")
        return l, a

    def run(self, l, a, type, more, *args, password=None):
        section = a.section(type, more)
        if password:
            section = section.replace(a.server.password, password)
        r = Interimap(self.scratch, tunnel_section(l), section,
                      name="sync%d" % self.n).run(*args)
        hides(r.err, a.server.password, plain(a.user, a.server.password))
        return r

    def equal(self, l, a, messages):
        with l.client() as x, SafeClient(a) as y:
            left, right = x.snapshot(), y.snapshot()
        eq(left, right, "the two sides")
        eq(sum(map(len, left.values())), messages, "messages")


def entered(r, mech):
    """It was this mechanism, and nothing of it is in the log."""
    lines = login_lines(r)
    eq(len(lines), 2, "lines of the login in the log")
    eq(lines[0], "C: xxx %s[REDACTED]" % (
        "LOGIN " if mech == "LOGIN" else "AUTHENTICATE %s " % mech),
       "in the log")
    has(lines[1], "S: xxx OK")


def compressed(r, zip):
    eq(words(r).count("COMPRESS"), int(zip), "COMPRESS commands")
    t = traffic(r, "remote")
    if not zip:
        eq((t[1], t[3]), (None, None), "compressed octets")
    elif t[1] > 0.8 * t[0] or t[3] > 0.8 * t[2]:
        raise AssertionError("little was saved: %r" % t)


def whole(site, server, type, mech, zip, tls="", changes=True):
    """Login, first synchronization, changes on both sides, the next one."""
    l, a = site.pair(server)
    more = "auth = %s\n%s%s" % (mech, tls, "" if zip else "compress = NO\n")
    r = site.run(l, a, type, more, "--debug")
    eq((r.status, said(r)), (0, []), "it said: " + r.err)
    entered(r, mech)
    compressed(r, zip)
    site.equal(l, a, 81)
    if not changes:
        return r
    with l.client() as x, SafeClient(a) as y:
        x.store("A", "1:10", "+", "\\Answered")
        x.expunge("INBOX", "5:9")
        y.expunge("INBOX", "%d" % y.uids("INBOX")[-1])
        y.append("A", sample(700, 300000))
        y.store("INBOX", "3:4", "+", "$Label")
    r = site.run(l, a, type, more, "--quiet")
    eq((r.status, r.err), (0, ""), "the next run")
    site.equal(l, a, 76)
    return r


def refused(site, type, mech, tls=""):
    """A wrong password: one line, and nothing more was asked for."""
    l, a = site.pair(site.free, False)
    r = site.run(l, a, type, "auth = %s\n%s" % (mech, tls), "--debug",
                 password=SECRET)
    eq(r.status, 77, "exit status; it said: " + r.err)
    one_line(r, "remote: ERROR: login refused: ",
             "check username, password and auth in section [remote]")
    hides(r.err, SECRET, plain(a.user, SECRET))
    eq([w for w in words(r) if w not in (
        "STARTTLS", "CAPABILITY", "AUTHENTICATE", "LOGIN")], [], "commands")


def disabled(site):
    """A password stays here; what shows none is used, if it is allowed."""
    l, a = site.pair(site.strict, False)
    for auth, words_of in (("PLAIN LOGIN", "Logins are disabled."),
                           ("LOGIN", "Logins are disabled."),
                           ("PLAIN", "the server offers LOGINDISABLED AUTH=")):
        r = site.run(l, a, "imap", CLEAR + "auth = %s\n" % auth, "--debug")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: ", words_of, "section [remote]")
        eq([w for w in words(r) if w != "CAPABILITY"], [], "commands")
    has("\n".join(dialogue(r)), "LOGINDISABLED")


def disabled_after(site):
    """LOGINDISABLED is said to those who are in, and means nothing then."""
    r = whole(site, site.strict, "imap", "SCRAM-SHA-256", True, CLEAR,
              changes=False)
    lines = dialogue(r)
    at = [i for i, l in enumerate(lines) if l.startswith("S: xxx OK")][0]
    has("\n".join(lines[at:]), "LOGINDISABLED")


def run_all(site, only):
    for name, fn, *args in (
            [("%s, %s%s" % (mech, type, " and COMPRESS" if zip else ""),
              whole, site.free, type, mech, zip) for type, mech, zip in (
                ("imaps", "SCRAM-SHA-256", True),
                ("imap", "SCRAM-SHA-1", True),
                ("imap", "PLAIN", False), ("imaps", "LOGIN", True))] +
            [("PLAIN in the clear and COMPRESS", whole, site.free, "imap",
              "PLAIN", True, CLEAR)] +
            [("wrong password, " + m, refused, t, m) for m, t in zip(
                MECHANISMS, ("imap", "imaps", "imaps", "imap"))] +
            [("LOGINDISABLED in the clear", disabled),
             ("LOGINDISABLED after the login", disabled_after)]):
        if only in name:
            test(name, fn, site, *args)


if __name__ == "__main__":
    try:
        unpack()
    except NoCyrus as e:
        print("1..0 # SKIP no Cyrus: " + str(e))
        sys.exit(0)
    with Scratch() as s:
        run_all(Site(s), sys.argv[1] if len(sys.argv) > 1 else "")
    done()
