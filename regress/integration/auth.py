#!/usr/bin/env python3
# The way in: type=imap with and without STARTTLS, LOGIN and AUTHENTICATE
# PLAIN, which of them is chosen, refusals, what the log shows of it.  Between
# two Dovecots on TCP, and with a server that answers as no real one does
# (authserver.py).
#
#	auth.py [PART OF A NAME]
import ast, base64, os, subprocess, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import Scripted, one_line, said
from servers import *
from tap import *

AUTHSERVER = os.path.join(HERE, "authserver.py")
ORIGINAL = "/usr/bin/interimap"
USERNAME = "joe"
SECRET = "s3cret"


def imap_section(port, user=None, password=None, more="", host="127.0.0.1"):
    return ("type = imap\nhost = %s\nport = %d\nusername = %s\n"
            "password = %s\n%s\n" % (host, port, user or USERNAME,
                                     password or SECRET, more))


def plain(user, password):
    """The base 64 of AUTHENTICATE PLAIN."""
    return base64.b64encode(("\0%s\0%s" % (user, password))
                            .encode("latin-1")).decode()


def hides(text, *secrets):
    for s in secrets:
        if s in text:
            raise AssertionError("a secret is shown: " + text)


def dialogue(r, side="remote"):
    """The lines of the traffic of one side, from the debug log."""
    m = (re.match(side + r"(?:\(.*?\))?: ([CS]: .*)", l)
         for l in r.err.splitlines())
    return [x.group(1) for x in m if x]


def words(r, side="remote"):
    """The commands in the log, without tags."""
    return [l.split()[2] for l in dialogue(r, side)
            if re.match(r"C: (\d{6}|xxx) ", l)]


def login_lines(r):
    return [l for l in dialogue(r) if l[3:].startswith("xxx ")]


# ---- two Dovecots on TCP ----

def dovecot_section(server, more="", **kw):
    return imap_section(server.imap, USER.pw_name, server.password, more, **kw)


class Dovecots:
    """Both accounts by TCP; the second may have TLS."""
    def __init__(self, scratch, cert=None, extra=""):
        self.scratch = scratch
        self.l = Dovecot(scratch, "L").start()
        self.r = Dovecot(scratch, "R", cert=cert, extra=extra +
                         "auth_failure_delay = 0\n").start()
        fill_maildir(self.l, ["INBOX", "A"], count=8)
        fill_maildir(self.r, ["INBOX", "B"], first=50, count=5)

    def run(self, more, *args, local="STARTTLS = NO\n", program=None, **kw):
        p = Interimap(self.scratch, dovecot_section(self.l, local),
                      dovecot_section(self.r, more, **kw), program=program,
                      name="theirs" if program else "sync")
        return p.run(*args)

    def mail(self):
        with self.l.client() as a, self.r.client() as b:
            return a.snapshot(), b.snapshot()

    def equal(self):
        a, b = self.mail()
        eq(a, b, "the two sides")
        eq({n: len(v) for n, v in a.items()}, {"INBOX": 13, "A": 8, "B": 5},
           "messages")


def in_the_clear():
    """STARTTLS = NO, both sides; no warning on loopback."""
    with Scratch() as s:
        d = Dovecots(s)
        r = d.run("STARTTLS = NO\n")
        eq((r.status, said(r)), (0, []), "the first run")
        d.equal()
        with d.r.client() as c:
            c.expunge("INBOX", "1")
            c.append("A", sample(99))
        r = d.run("STARTTLS = NO\n", "--quiet")
        eq((r.status, r.err), (0, ""), "the second run")
        a, b = d.mail()
        eq(a, b, "the two sides")
        eq((len(a["INBOX"]), len(a["A"])), (12, 9), "messages")


def mechanism(auth, command):
    """The one that was chosen, as Dovecot's own answer shows it."""
    with Scratch() as s:
        d = Dovecots(s)
        r = d.run("STARTTLS = NO\n" + ("auth = %s\n" % auth if auth else ""),
                  "--debug")
        eq(r.status, 0, "exit status; it said: " + r.err)
        asked, answered = login_lines(r)
        eq(asked, "C: xxx %s [REDACTED]" % command, "in the log")
        has(answered, "S: xxx OK [CAPABILITY ", "] Logged in")
        hides(r.err, d.r.password, plain(USER.pw_name, d.r.password))
        d.equal()


def starttls():
    """The default of type=imap; the secret is not sent in the clear."""
    with Scratch() as s:
        cert = make_cert(s, "cert")
        d = Dovecots(s, cert=cert)
        r = d.run("SSL_CAfile = %s\n" % cert[0], "--debug", host="localhost")
        eq((r.status, said(r)), (0, []), "exit status; it said: " + r.err)
        has(r.err, "remote: TLS: ")
        eq(words(r)[:4], ["STARTTLS", "CAPABILITY", "AUTHENTICATE", "ENABLE"],
           "commands")
        d.equal()


# Dovecot takes the connection for a secure one where both ends have the same
# address, which 127.0.0.1 and 127.0.0.2 are not.
UNEQUAL = """ssl = required
disable_plaintext_auth = yes
service imap-login {
  inet_listener imap {
    address = 127.0.0.1 127.0.0.2
  }
}
"""


def disabled_until_tls():
    """LOGINDISABLED before STARTTLS only; and what else that gives."""
    with Scratch() as s:
        cert = make_cert(s, "cert", san="IP:127.0.0.2")
        d = Dovecots(s, cert=cert, extra=UNEQUAL)
        before = d.mail()
        r = d.run("STARTTLS = NO\n", "--debug", host="127.0.0.2")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: Logins are disabled.", "STARTTLS = YES",
                 "type = imaps", "section [remote]")
        eq([w for w in words(r) if w != "CAPABILITY"], [], "commands")
        eq(d.mail(), before, "what both sides hold")
        r = d.run("SSL_CAfile = %s\n" % cert[0], "--debug", host="127.0.0.2")
        eq((r.status, said(r)), (0, []), "exit status; it said: " + r.err)
        has("\n".join(l for l in dialogue(r) if l.startswith("S: *")),
            "LOGINDISABLED")
        d.equal()


def no_starttls():
    """A server without TLS is not trusted with a password."""
    with Scratch() as s:
        d = Dovecots(s)
        before = d.mail()
        r = d.run("", "--debug")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: Server did not advertise STARTTLS "
                 "capability.", "type = imaps")
        eq([w for w in words(r) if w != "CAPABILITY"], [], "commands")
        eq(d.mail(), before, "what both sides hold")


def refused(auth):
    """By Dovecot; the next run with the right password goes on."""
    with Scratch() as s:
        d = Dovecots(s)
        before = d.mail()
        section = dovecot_section(d.r, "STARTTLS = NO\nauth = %s\n" % auth)
        p = Interimap(s, dovecot_section(d.l, "STARTTLS = NO\n"),
                      section.replace(d.r.password, SECRET))
        r = p.run("--debug")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: login refused: ",
                 "check username, password and auth in section [remote] of " +
                 p.conf)
        eq([l[:9] for l in login_lines(r)], ["C: xxx " + (
            "AU" if auth == "PLAIN" else "LO"), "S: xxx NO"], "the log")
        hides(r.err, SECRET, plain(USER.pw_name, SECRET))
        eq(d.mail(), before, "what both sides hold")
        r = d.run("STARTTLS = NO\n")
        eq((r.status, said(r)), (0, []), "the next run")
        d.equal()


def original(more, password):
    """
    Succeeds where ours does, and hides the same lines the same way.  It does
    not log a refusal.
    """
    if not os.path.exists(ORIGINAL):
        raise Skip("no packaged interimap")
    with Scratch() as s:
        d = Dovecots(s)
        right = d.r.password
        d.r.password = password or right
        both = []
        for program in (None, ORIGINAL):
            r = d.run("STARTTLS = NO\ncompress = NO\n" + more, "--debug",
                      program=program,
                      local="STARTTLS = NO\ncompress = NO\n")
            hides(r.err, d.r.password, plain(USER.pw_name, d.r.password))
            both.append((r.status == 0, [
                l for l in login_lines(r) if "S: xxx NO " not in l]))
        eq(both[0], both[1], "ours and the original")
        eq(len(both[0][1]), 1 if password else 2, "lines of the login")


# ---- a server that answers as told ----

class Odd:
    """A local account by tunnel, and the odd server on TCP."""
    def __init__(self, scratch, **options):
        self.scratch, self.p = scratch, Scripted(scratch)
        self.proc = None
        self.port, self.log = [os.path.join(scratch.mkdir("odd"), n)
                               for n in ("port", "log")]
        scratch.servers.append(self)
        self.start(options)

    def start(self, options):
        options.setdefault("login", "%s:%s" % (USERNAME, SECRET))
        if os.path.exists(self.port):
            os.unlink(self.port)
        self.proc = subprocess.Popen(
            as_user([sys.executable, "-B", AUTHSERVER, self.p.r.dir,
                     self.port, self.log, repr(options)]),
            env=self.scratch.env(), stdin=subprocess.DEVNULL)
        for _ in range(400):
            if os.path.exists(self.port):
                return
            time.sleep(0.025)
        raise RuntimeError("authserver.py does not listen")

    def stop(self):
        if self.proc is not None:
            self.proc.kill()
            self.proc.wait()
            self.proc = None

    def program(self, more="STARTTLS = NO\n", program=None, **kw):
        with open(self.port) as f:
            port = int(f.read())
        return Interimap(self.scratch, self.p.l.section(),
                         imap_section(port, more=more, **kw), program=program,
                         name="theirs" if program else "sync")

    def run(self, *args, **kw):
        return self.program(**kw).run(*(args or ("--debug",)))

    def said(self):
        """[(flight, line)] of the client; the greeting is flight 0."""
        with open(self.log) as f:
            lines = [l.rstrip("\n").split(" ", 2) for l in f]
        return [(int(n), ast.literal_eval(t)) for n, who, t in lines
                if who == "C"]

    def equal(self):
        l, r = self.p.boxes()
        eq(l, r, "the two sides")
        eq({n: len(v) for n, v in l.items()},
           {"INBOX": 9, "Box": 9, "Other": 2}, "messages")


IN_THE_CLEAR = "STARTTLS = NO\n"

# Name, options of the server, lines for [remote], and the first commands of
# the client, in flights: "+" stands for what follows a continuation, "...":
# the rest of the line.
ACCEPTED = [
    ("PLAIN with an initial response", {}, "",
     ["AUTHENTICATE PLAIN " + plain(USERNAME, SECRET)]),
    ("PLAIN without", {"without": ["SASL-IR"]}, "",
     ["AUTHENTICATE PLAIN", plain(USERNAME, SECRET)]),
    ("PLAIN is not offered", {"without": ["AUTH=PLAIN"]}, "",
     ['LOGIN "joe" "s3cret"']),
    ("PLAIN is not offered, LOGIN named first",
     {"without": ["AUTH=PLAIN"]}, "auth = login plain",
     ['LOGIN "joe" "s3cret"']),
    ("LOGIN preferred, in small letters", {}, "auth = login PLAIN",
     ['LOGIN "joe" "s3cret"']),
    ("plain preferred, in small letters", {}, "auth = pLAIn",
     ["AUTHENTICATE PLAIN " + plain(USERNAME, SECRET)]),
    ("a mechanism unknown to us, first in the list",
     {"before": ["AUTH=CRAM-MD5"]}, "auth = CRAM-MD5 LOGIN PLAIN",
     ['LOGIN "joe" "s3cret"']),
    ("a mechanism of which a known one is the beginning", {},
     "auth = PLAINER LOG LOGINX PLAIN",
     ["AUTHENTICATE PLAIN " + plain(USERNAME, SECRET)]),
    ("AUTH=LOGIN is another thing than LOGIN",
     {"before": ["AUTH=LOGIN"], "without": ["AUTH=PLAIN"]}, "auth = LOGIN",
     ['LOGIN "joe" "s3cret"']),
    ("AUTH=PLAIN-CLIENTTOKEN is not AUTH=PLAIN",
     {"before": ["AUTH=PLAIN-CLIENTTOKEN"], "without": ["AUTH=PLAIN"]}, "",
     ['LOGIN "joe" "s3cret"']),
    ("no capabilities in the greeting", {"greeting": False}, "",
     ["CAPABILITY", "AUTHENTICATE PLAIN " + plain(USERNAME, SECRET)]),
    ("no capabilities in the OK", {"ok": False}, "",
     ["AUTHENTICATE PLAIN " + plain(USERNAME, SECRET), "CAPABILITY"]),
    ("LOGIN, no capabilities in the OK", {"ok": False}, "auth = LOGIN",
     ['LOGIN "joe" "s3cret"', "CAPABILITY"]),
    ("no capabilities anywhere", {"greeting": False, "ok": False}, "",
     ["CAPABILITY", "AUTHENTICATE PLAIN " + plain(USERNAME, SECRET),
      "CAPABILITY"]),
    ("LOGINDISABLED after the login", {"after": ["LOGINDISABLED"]}, "",
     ["AUTHENTICATE PLAIN " + plain(USERNAME, SECRET)]),
    ("LOGINDISABLED after the login, asked for",
     {"after": ["LOGINDISABLED"], "ok": False}, "auth = LOGIN",
     ['LOGIN "joe" "s3cret"', "CAPABILITY"]),
]


def commands(lines):
    """The lines without their tags, up to the first flight of requests."""
    out = []
    for flight, line in lines:
        tagged = re.fullmatch(r"\d{6} (.*)", line, re.S)
        text = tagged.group(1) if tagged else line
        if text.startswith("ENABLE"):
            return out, flight
        out.append((flight, text))
    return out, None


def accepted(options, more, want):
    with Scratch() as s:
        o = Odd(s, **options)
        r = o.run(more=IN_THE_CLEAR + more + "\n")
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        hides(r.err, SECRET, plain(USERNAME, SECRET))
        first, flight = commands(o.said())
        # each in a flight of its own, the requests in the one after
        eq(first, list(enumerate(want, 1)), "commands, in flights")
        eq(flight, len(want) + 1, "the flight of the first requests")
        o.equal()


# Name, user, password, whether literals wait for a continuation, the lines
# that LOGIN sends.
STRINGS = [
    ("quotes and backslashes", 'j"o\\e', 'a\\"b"\\\\c',
     ['LOGIN "j\\"o\\\\e" "a\\\\\\"b\\"\\\\\\\\c"']),
    ("blanks and what atoms must not hold", "j o%e", "(a) {3} *]",
     ['LOGIN "j o%e" "(a) {3} *]"']),
    ("NIL", "NIL", "nil", ['LOGIN "NIL" "nil"']),
    ("controls", "j\x01e", "a\x7f\x0bb", ['LOGIN "j\x01e" "a\x7f\x0bb"']),
    ("500 octets", "joe", "0123456789" * 50,
     ['LOGIN "joe" "%s"' % ("0123456789" * 50)]),
]


def strings(user, password, auth, want, without=()):
    """The server gets what the configuration says."""
    with Scratch() as s:
        o = Odd(s, login="%s:%s" % (user, password), without=list(without))
        r = o.run("--debug", user=user, password=password,
                  more=IN_THE_CLEAR + "auth = %s\n" % auth)
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        hides(r.err, "C: xxx %s " % auth + password, plain(user, password))
        first, _ = commands(o.said())
        eq([t for _, t in first], want or
           ["AUTHENTICATE PLAIN " + plain(user, password)], "commands")
        o.equal()


# Name, options of the server, lines for [remote], exit status, what the one
# line says.
REFUSED = [
    ("NO to AUTHENTICATE", {"refuse": "NO [AUTHENTICATIONFAILED] go away"},
     "", 77, ["login refused: go away", "check username, password and auth"]),
    ("NO to LOGIN", {"refuse": "NO go away"}, "auth = LOGIN", 77,
     ["login refused: go away", "check username, password and auth"]),
    ("NO without SASL-IR", {"refuse": "NO go away", "without": ["SASL-IR"]},
     "", 77, ["login refused: go away"]),
    ("BAD to AUTHENTICATE", {"refuse": "BAD what"}, "", 77,
     ["login refused: what", "check username, password and auth"]),
    ("BAD to LOGIN", {"refuse": "BAD what"}, "auth = LOGIN", 77,
     ["login refused: what", "check username, password and auth"]),
    ("UNAVAILABLE", {"refuse": "NO [UNAVAILABLE] later"}, "", 75,
     ["login refused: later", "the next run goes on"]),
    ("BYE instead of an answer", {"refuse": "BYE too many"}, "", 75,
     ["server closes the connection: too many", "the next run goes on"]),
    ("NO that repeats AUTHENTICATE", {"refuse": "NO COMMAND is wrong"}, "",
     77, ["login refused: [REDACTED]"]),
    ("NO that repeats LOGIN", {"refuse": "NO COMMAND is wrong"},
     "auth = LOGIN", 77, ["login refused: [REDACTED]"]),
    ("BAD that repeats LOGIN", {"refuse": "BAD COMMAND is wrong"},
     "auth = LOGIN", 77, ["login refused: [REDACTED]"]),
    ("BYE that repeats LOGIN", {"refuse": "BYE COMMAND is wrong"},
     "auth = LOGIN", 75, ["server closes the connection: [REDACTED]"]),
    ("a second challenge", {"more": True}, "", 1,
     ["continuation nobody waits for", "the server broke the protocol"]),
    ("a second challenge without SASL-IR",
     {"more": True, "without": ["SASL-IR"]}, "", 1,
     ["continuation nobody waits for", "the server broke the protocol"]),
    ("a challenge to LOGIN", {"more": True}, "auth = LOGIN", 1,
     ["continuation nobody waits for", "the server broke the protocol"]),
    ("only mechanisms unknown to us", {"before": ["AUTH=CRAM-MD5"]},
     "auth = CRAM-MD5 GSSAPI", 77,
     ["Failed to choose an authentication mechanism",
      "auth = CRAM-MD5 GSSAPI", "the server offers LOGIN AUTH=PLAIN "
      "AUTH=CRAM-MD5", "known here are LOGIN PLAIN SCRAM-SHA-256 SCRAM-SHA-1 "
      "EXTERNAL OAUTHBEARER XOAUTH2",
      "check username, password and auth"]),
    ("PLAIN only, not offered", {"without": ["AUTH=PLAIN"]},
     "auth = PLAIN", 77,
     ["Failed to choose an authentication mechanism", "auth = PLAIN",
      "the server offers LOGIN,"]),
    ("LOGINDISABLED, with LOGIN", {"before": ["LOGINDISABLED"]},
     "auth = LOGIN", 77, ["Logins are disabled.", "STARTTLS = YES"]),
    ("LOGINDISABLED, with PLAIN", {"before": ["LOGINDISABLED"]},
     "auth = PLAIN", 77, ["Logins are disabled.", "STARTTLS = YES"]),
    ("LOGINDISABLED, asked for",
     {"before": ["LOGINDISABLED"], "greeting": False}, "", 77,
     ["Logins are disabled."]),
    ("an option is missing", {}, "username =", 78,
     ["username"]),
]

# What may not be written to the server before it is given up.
SILENT = ("only mechanisms", "PLAIN only", "LOGINDISABLED", "an option")


def not_accepted(name, options, more, status, needles):
    with Scratch() as s:
        o = Odd(s, **options)
        before = o.p.boxes()
        r = o.run(more=IN_THE_CLEAR + more + "\n")
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, "ERROR: ", *needles)
        hides(r.err, SECRET, plain(USERNAME, SECRET))
        eq(o.p.boxes(), before, "what both sides hold")
        if name.startswith(SILENT):
            eq([t for _, t in (o.said() if os.path.exists(o.log) else [])
                if not t.endswith(" CAPABILITY")], [], "what the client said")
        o.stop()
        o.start({})
        r = o.run("--quiet")
        eq((r.status, said(r)), (0, []), "the next run")
        o.equal()


def alert():
    """An ALERT is told, but not one that tells the password."""
    with Scratch() as s:
        o = Odd(s, alert=True)
        for auth in ("PLAIN", "LOGIN"):
            r = o.run(more=IN_THE_CLEAR + "auth = %s\n" % auth)
            eq(r.status, 0, "exit status; it said: " + r.err)
            one_line(r, "remote: WARNING: [REDACTED]")
            hides(r.err, SECRET, plain(USERNAME, SECRET))


def quoted_password():
    """The same, where the command holds it with backslashes in it."""
    with Scratch() as s:
        for auth, password in (("LOGIN", 'a"b\\c'), ("PLAIN", 'a"b\\c')):
            o = Odd(s, refuse="NO not a\\\"b\\\\c" if auth == "LOGIN" else
                    'NO not a"b\\c')
            r = o.run(password=password,
                      more=IN_THE_CLEAR + "auth = %s\n" % auth)
            eq(r.status, 77, "exit status; it said: " + r.err)
            one_line(r, "login refused: [REDACTED]")
            o.stop()


def preauth():
    """With STARTTLS wanted there is no way to it: somebody in between?"""
    with Scratch() as s:
        o = Odd(s, login=None, before=["STARTTLS"])
        before = o.p.boxes()
        r = o.run(more="")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: PREAUTH greeting leaves no way to "
                 "STARTTLS", "type = imaps")
        eq(o.said(), [], "what the client said")
        eq(o.p.boxes(), before, "what both sides hold")
        r = o.run()
        eq((r.status, said(r)), (0, []), "without STARTTLS: " + r.err)
        eq(commands(o.said())[0], [], "commands before the requests")
        o.equal()


def everything():
    """--debug twice shows the exchange, a line of the client a line."""
    with Scratch() as s:
        for auth, without, want in (
                ("LOGIN", [], [
                    'C: 000000 LOGIN "joe" "s3cret"', "S: 000000 OK [CAP"]),
                ("PLAIN", [], [
                    "C: 000000 AUTHENTICATE PLAIN " + plain(USERNAME, SECRET),
                    "S: 000000 OK [CAP"]),
                ("PLAIN", ["SASL-IR"], [
                    "C: 000000 AUTHENTICATE PLAIN", "S: +",
                    "C: " + plain(USERNAME, SECRET),
                    "S: 000000 OK [CAP"])):
            o = Odd(s, without=without)
            r = o.run("--debug", "--debug",
                      more=IN_THE_CLEAR + "auth = %s\n" % auth)
            eq(r.status, 0, "exit status; it said: " + r.err)
            lines = dialogue(r)[1:1 + len(want)]
            eq([l[:len(w)] for l, w in zip(lines, want)], want, "the log")
            hides(r.err, "REDACTED")
            o.stop()


def odd_original(options, more, succeeds):
    """The original ends in the same way."""
    if not os.path.exists(ORIGINAL):
        raise Skip("no packaged interimap")
    with Scratch() as s:
        both = []
        for program in (None, ORIGINAL):
            o = Odd(s, **options)
            r = o.run("--debug", program=program,
                      more=IN_THE_CLEAR + "compress = NO\n" + more + "\n")
            both.append(r.status == 0)
            o.stop()
        eq(both, [succeeds, succeeds], "ours and the original; it said: " +
           r.err)


# ---- an address that is not this machine's loopback ----

ELSEWHERE = "192.0.2.1"
INSIDE = "--inside"
SENT = "remote: WARNING: username and password go unencrypted through the " \
    "network; use STARTTLS = YES or type = imaps"


def exposed_inside():
    """Said on every run where a password goes out in the clear; else not."""
    with Scratch() as s:
        o = Odd(s, address=ELSEWHERE)
        for auth in ("PLAIN", "LOGIN"):
            for _ in range(2):
                r = o.run("--quiet", host=ELSEWHERE,
                          more=IN_THE_CLEAR + "auth = %s\n" % auth)
                eq((r.status, said(r)), (0, [SENT]), "a run")
        o.equal()
        o.stop()
        o.start({"address": ELSEWHERE, "before": ["LOGINDISABLED"]})
        r = o.run(host=ELSEWHERE)
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "Logins are disabled.")
        o.stop()
        o.start({"address": ELSEWHERE, "login": None})
        r = o.run(host=ELSEWHERE)
        eq((r.status, said(r)), (0, []), "PREAUTH, no password is sent")


def exposed_tls():
    with Scratch() as s:
        cert = make_cert(s, "cert", san="IP:" + ELSEWHERE)
        d = Dovecots(s, cert=cert, extra=UNEQUAL.replace("127.0.0.2",
                                                         ELSEWHERE))
        r = d.run("SSL_CAfile = %s\n" % cert[0], host=ELSEWHERE)
        eq((r.status, said(r)), (0, []), "with STARTTLS: " + r.err)
        d.equal()


def inside(name, script_file=os.path.abspath(__file__)):
    """Run a test in a network of its own that has one address more."""
    if os.getuid() != 0:
        raise Skip("not root")
    script = ("ip link set lo up && ip address add %s/32 dev lo || exit 9; "
              'exec "$@"' % ELSEWHERE)
    p = subprocess.run(
        ["unshare", "--net", "--", "sh", "-c", script, "sh", sys.executable,
         "-B", script_file, INSIDE, name], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if p.returncode == 9 or "unshare failed" in p.stdout:
        raise Skip("no network namespaces here")
    eq(p.returncode, 0, p.stdout)


def run_all(only):
    for name, fn, *args in (
            [("two Dovecots in the clear", in_the_clear)] +
            [("Dovecot, auth = %s" % a, mechanism, a, c) for a, c in (
                (None, "AUTHENTICATE PLAIN"), ("LOGIN PLAIN", "LOGIN"),
                ("gssapi plain", "AUTHENTICATE PLAIN"))] +
            [("Dovecot with STARTTLS", starttls),
             ("Dovecot: LOGINDISABLED until TLS", disabled_until_tls),
             ("Dovecot without STARTTLS", no_starttls)] +
            [("Dovecot refuses " + a, refused, a)
             for a in ("PLAIN", "LOGIN")] +
            [("the original and Dovecot: " + n, original, *a) for n, *a in (
                ("PLAIN", "", None), ("LOGIN", "auth = LOGIN\n", None),
                ("wrong password", "", "wrong1"))] +
            [("accepted: " + n, accepted, *a) for n, *a in ACCEPTED] +
            [("LOGIN: " + n, strings, u, p, "LOGIN", w)
             for n, u, p, w in STRINGS] +
            [("PLAIN: " + n, strings, u, p, "PLAIN", None)
             for n, u, p, w in STRINGS] +
            [("refused: " + n, not_accepted, n, *a) for n, *a in REFUSED] +
            [("an ALERT that repeats the command", alert),
             ("a refusal that repeats a quoted password", quoted_password),
             ("PREAUTH", preauth), ("--debug --debug", everything)] +
            [("the original: " + n, odd_original, *a) for n, *a in (
                ("LOGINDISABLED", {"before": ["LOGINDISABLED"]}, "", False),
                ("LOGINDISABLED after the login",
                 {"after": ["LOGINDISABLED"]}, "", True),
                ("unknown mechanisms", {}, "auth = GSSAPI", False),
                ("an unknown one first", {}, "auth = GSSAPI login", True))] +
            [("a warning outside of loopback", inside, "exposed_inside"),
             ("no warning with STARTTLS", inside, "exposed_tls")]):
        if only in name:
            test(name, fn, *args)


if __name__ == "__main__":
    if sys.argv[1:2] == [INSIDE]:
        test(sys.argv[2], globals()[sys.argv[2]])
    else:
        run_all(sys.argv[1] if len(sys.argv) > 1 else "")
    done()
