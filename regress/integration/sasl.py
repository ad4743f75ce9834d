#!/usr/bin/env python3
# The other ways to log in: SCRAM, OAUTHBEARER and XOAUTH2, EXTERNAL with a
# certificate of our own.  Against Dovecot, and against a server that does it
# wrong (authserver.py).
#
#	sasl.py [PART OF A NAME]
import base64, http.server, json, os, sys, threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import auth
from auth import (Dovecots, IN_THE_CLEAR, Odd, SECRET, USERNAME, commands,
                  dialogue, dovecot_section, hides, login_lines, plain)
from badserver import Account, one_line, said
from cyrus import Cyrus, NoCyrus
from servers import *
from tap import *

MECHANISMS = "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=OAUTHBEARER " \
    "AUTH=XOAUTH2 AUTH=EXTERNAL".split()
TOKEN = "ya29.A0AfH6SM-_~+/x=="


def decoded(lines):
    """What the client said in base 64, as octets."""
    out = []
    for _, t in commands(lines)[0]:
        word = t.split()[-1]
        try:
            out.append(base64.b64decode(word, validate=True))
        except ValueError:
            out.append(t.encode())
    return out


def hidden(r, mech, *secrets):
    """One --debug shows that there was a login, and how it ended."""
    lines = login_lines(r)
    eq(lines[0], "C: xxx AUTHENTICATE %s [REDACTED]" % mech, "in the log")
    eq(len(lines), 2, "lines of the login in the log")
    has(lines[1], "S: xxx ")
    eq([l for l in dialogue(r) if l.startswith("S: +")], [],
       "continuations in the log")
    hides(r.err, "biws", "cj1", *secrets)


# ---- Dovecot ----

def scram_dovecot(mech, tls):
    """Dovecot knows the password, and so does it know that it does."""
    with Scratch() as s:
        cert = make_cert(s, "cert") if tls else None
        d = Dovecots(s, cert=cert, extra="auth_mechanisms = plain "
                     "scram-sha-1 scram-sha-256\n")
        more = ("SSL_CAfile = %s\n" % cert[0] if tls else IN_THE_CLEAR) + \
            "auth = %s PLAIN\n" % mech
        host = "localhost" if tls else "127.0.0.1"
        r = d.run(more, "--debug", host=host)
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        hidden(r, mech, d.r.password)
        d.equal()
        # and with a wrong one nobody is told more than that
        section = dovecot_section(d.r, more, host=host).replace(
            d.r.password, SECRET)
        r = Interimap(s, dovecot_section(d.l, IN_THE_CLEAR), section).run(
            "--debug")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: login refused: ", "section [remote]")
        hides(r.err, SECRET, d.r.password)


def scram_cyrus():
    """Another server's SCRAM, which is that of Cyrus SASL."""
    with Scratch() as s:
        try:
            c = Cyrus(s, "C")
        except NoCyrus as e:
            raise Skip(str(e))
        a = c.account(USERNAME)
        c.start()
        local = Account(s, "L")
        local.add("INBOX", 1, 0)
        for mech in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            section = a.section("imaps", "auth = %s\n" % mech)
            r = Interimap(s, local.section(), section).run("--debug")
            eq((r.status, said(r)), (0, []), "it said: " + r.err)
            hidden(r, mech, c.password)
            r = Interimap(s, local.section(), section.replace(
                c.password, SECRET)).run("--debug")
            eq(r.status, 77, "exit status; it said: " + r.err)
            one_line(r, "remote: ERROR: ", "section [remote]")


class Endpoint:
    """Where Dovecot asks what a token is worth."""
    def __init__(self, token, user):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                good = self.path.endswith("=" + token) or \
                    self.headers.get("Authorization") == "Bearer " + token
                body = json.dumps({"active": good, "email": user}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *a):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def oauth_dovecot(mech):
    with Scratch() as s:
        token = "tok.en-12345678901234567890"
        e = Endpoint(token, USER.pw_name)
        s.servers.append(e)
        conf = s.write("oauth2.conf", "introspection_url = "
                       "http://127.0.0.1:%d/introspect\n"
                       "introspection_mode = auth\n"
                       "username_attribute = email\n"
                       "active_attribute = active\nactive_value = true\n"
                       % e.port)
        d = Dovecots(s, extra="auth_mechanisms = plain oauthbearer xoauth2\n"
                     "passdb {\n  driver = oauth2\n  mechanisms = xoauth2 "
                     "oauthbearer\n  args = %s\n}\n" % conf)
        before = d.mail()
        more = IN_THE_CLEAR + "auth = %s\n" % mech
        section = dovecot_section(d.r, more)
        p = Interimap(s, dovecot_section(d.l, IN_THE_CLEAR), section.replace(
            "password = " + d.r.password, "password = wrong-" + token))
        r = p.run("--debug")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: login refused: ", "its reason: {",
                 "status", "section [remote]")
        hidden(r, mech, token)
        eq(d.mail(), before, "what both sides hold")
        p = Interimap(s, dovecot_section(d.l, IN_THE_CLEAR), section.replace(
            "password = " + d.r.password, "password = " + token))
        r = p.run("--debug")
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        hidden(r, mech, token)
        d.equal()


def external_section(d, type, ca, more):
    port = {"imap": d.imap, "imaps": d.imaps}[type]
    return ("type = %s\nhost = localhost\nport = %d\nauth = EXTERNAL\n"
            "SSL_CAfile = %s\n%s\n" % (type, port, ca, more))


def external_dovecot():
    """A certificate is all that is needed; another's, or none, is not."""
    with Scratch() as s:
        cert = make_cert(s, "cert")
        mine = make_cert(s, "mine", cn=USER.pw_name)
        other = make_cert(s, "other", cn=USER.pw_name)
        with open(mine[0]) as a, open(mine[1]) as b:
            both = s.write("both.pem", a.read() + b.read())
        d = Dovecots(s, cert=cert, extra="auth_mechanisms = plain external\n"
                     "ssl_ca = <%s\nssl_verify_client_cert = yes\n"
                     "ssl_require_crl = no\nauth_ssl_require_client_cert = no"
                     "\nauth_ssl_username_from_cert = yes\npassdb {\n"
                     "  driver = static\n  mechanisms = external\n"
                     "  args = nopassword=y\n}\n" % mine[0])
        before = d.mail()

        def run(type, more):
            return Interimap(s, dovecot_section(d.l, IN_THE_CLEAR),
                             external_section(d.r, type, cert[0], more)).run(
                "--debug")
        for more in ("", "SSL_cert = %s\nSSL_key = %s" % other):
            r = run("imaps", more)
            eq(r.status in (75, 77), True, "exit status; it said: " + r.err)
            eq(len(said(r)), 1, "lines in: " + r.err)
            eq(d.mail(), before, "what both sides hold")
            if not more:
                has(r.err, "EXTERNAL needs TLS and SSL_cert")
        for more, needle in (
                ("SSL_cert = %s" % mine[0], "SSL_key %s holds no private key; "
                 "name its file with SSL_key" % mine[0]),
                ("SSL_cert = %s\nSSL_key = %s" % (mine[1], mine[1]),
                 "SSL_cert %s holds no certificate" % mine[1]),
                ("SSL_cert = /nonexistent", "SSL_cert /nonexistent: No such "
                 "file"),
                ("SSL_cert = %s\nSSL_key = /nonexistent" % mine[0],
                 "SSL_key /nonexistent: No such file"),
                ("SSL_cert = %s\nSSL_key = %s" % (mine[0], other[1]),
                 "TLS: ")):
            r = run("imaps", more)
            eq(r.status, 78, "exit status; it said: " + r.err)
            one_line(r, "remote: ERROR: ", needle, "section [remote]")
        for type, more in (("imap", "SSL_cert = %s\nSSL_key = %s" % mine),
                           ("imaps", "SSL_cert = " + both),
                           ("imaps", "SSL_cert = %s\nusername = %s" %
                            (both, USER.pw_name))):
            r = run(type, more)
            eq((r.status, said(r)), (0, []), "it said: " + r.err)
            hidden(r, "EXTERNAL")
        d.equal()


# ---- a server that answers as told ----

def odd(scratch, **options):
    options.setdefault("before", MECHANISMS)
    return Odd(scratch, flights=False, **options)


def scram_said(mech, without):
    """The dialogue itself; what stands for the password never goes out."""
    with Scratch() as s:
        o = odd(s, without=without)
        r = o.run(more=IN_THE_CLEAR + "auth = %s\n" % mech)
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        hidden(r, mech, SECRET, plain(USERNAME, SECRET))
        lines = decoded(o.said())
        if without:
            eq(lines.pop(0), b"AUTHENTICATE " + mech.encode(), "the command")
        eq(lines[0][:10], b"n,,n=joe,r", "the first message")
        eq(lines[1][:9], b"c=biws,r=", "the second")
        eq(len(lines), 2, "lines, but for the empty one behind the signature")
        eq([l for l in lines if SECRET.encode() in l], [], "the password")
        o.equal()


def scram_names(user, password):
    with Scratch() as s:
        o = odd(s, login="%s:%s" % (user, password))
        r = o.run(user=user, password=password,
                  more=IN_THE_CLEAR + "auth = SCRAM-SHA-256\n")
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        o.equal()


# Name, options of the server, and what the one line says.
SCRAM = [
    ("a wrong signature", {"scram": "signature"},
     "SCRAM: the server's signature is wrong"),
    ("OK without a signature", {"scram": "unsigned"},
     "SCRAM: the server says OK without a signature"),
    ("OK at once", {"scram": "early"},
     "SCRAM: the server says OK without a signature"),
    ("another nonce", {"scram": "nonce"}, "does not repeat our nonce"),
    ("a mandatory extension", {"scram": "extension"},
     "malformed, or asks for an extension"),
    ("too few iterations", {"iterations": 4095}, "below 4096"),
    ("too many", {"iterations": 10000001}, "above 10000000"),
    ("an error as signature", {"scram": "error", "refuse": "NO go away"},
     "login refused: go away; its reason: invalid-proof"),
    ("OK behind an error", {"scram": "error"},
     "SCRAM: the server says OK without a signature"),
    ("a challenge too many", {"scram": "more"},
     "SCRAM: the server says too much"),
    ("a wrong password", {"login": "joe:another"}, "login refused: wrong"),
]


def scram_refused(mech, options, needle):
    with Scratch() as s:
        o = odd(s, **options)
        before = o.p.boxes()
        r = o.run(more=IN_THE_CLEAR + "auth = %s\n" % mech)
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: ", needle, "section [remote]")
        hides(r.err, SECRET, "biws")
        eq(o.p.boxes(), before, "what both sides hold")
        eq([t for _, t in o.said() if "ENABLE" in t], [], "after the login")


def not_base64():
    with Scratch() as s:
        o = odd(s, scram="base64")
        r = o.run(more=IN_THE_CLEAR + "auth = SCRAM-SHA-1\n")
        eq(r.status, 1, "exit status; it said: " + r.err)
        one_line(r, "challenge that is not base 64", "broke the protocol")


def not_ascii():
    """What SASLprep would have to look at is refused, before it is sent."""
    with Scratch() as s:
        o = odd(s, login="joe:p\u00e4ss")
        for mech, status in (("SCRAM-SHA-256", 77), ("PLAIN", 0)):
            p = o.program(more=IN_THE_CLEAR + "auth = %s\n" % mech)
            with open(p.conf) as f:
                text = f.read()
            p.scratch.write("sync/config", text.replace(
                "password = " + SECRET, "password-command = printf "
                "'p\\303\\244ss'"))
            r = p.run("--debug")
            eq(r.status, status, "exit status; it said: " + r.err)
            if status:
                one_line(r, "remote: ERROR: SCRAM takes", "ASCII only")
                eq(len(o.said()), 0, "what the client said")


def token_said(mech, without):
    with Scratch() as s:
        o = odd(s, login="joe:" + TOKEN, without=without)
        r = o.run(password=TOKEN, more=IN_THE_CLEAR + "auth = %s\n" % mech)
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        hidden(r, mech, TOKEN)
        o.equal()


# Name, the error of the server, and what is shown of it.
ERRORS = [
    ("JSON", '{"status":"401","scope":"mail"}',
     '; its reason: {"status":"401","scope":"mail"};'),
    ("escapes", '{"status":\n"\x1b[2J"}', '{"status":\\n"\\033[2J"};'),
    ("the token", '{"token":"TOKEN"}', "its reason: [REDACTED];"),
    ("all of it", 'TEXT', "its reason: [REDACTED];"),
]


def token_refused(mech, error, shown):
    with Scratch() as s:
        o = odd(s, error=error)
        before = o.p.boxes()
        r = o.run(password=TOKEN, more=IN_THE_CLEAR + "auth = %s\n" % mech)
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: login refused: wrong", shown,
                 "section [remote]")
        hidden(r, mech, TOKEN, base64.b64encode(TOKEN.encode()).decode())
        if mech == "OAUTHBEARER":
            eq(decoded(o.said())[-1], b"\1", "the last line")
        eq(o.p.boxes(), before, "what both sides hold")


def token_alert(mech):
    with Scratch() as s:
        o = odd(s, login="joe:" + TOKEN, alert=True)
        r = o.run(password=TOKEN, more=IN_THE_CLEAR + "auth = %s\n" % mech)
        eq(r.status, 0, "exit status; it said: " + r.err)
        one_line(r, "remote: WARNING: [REDACTED]")
        hides(r.err, TOKEN)


# Name, auth, options of the server, lines for [remote]; and the mechanism
# that is used, or what the one line says.
CHOICES = [
    ("the first of two", "SCRAM-SHA-1 SCRAM-SHA-256", {}, "", "SCRAM-SHA-1"),
    ("the first that is offered", "XOAUTH2 scram-sha-256 PLAIN",
     {"before": ["AUTH=SCRAM-SHA-256"]}, "", "SCRAM-SHA-256"),
    ("by default", None, {}, "", "PLAIN"),
    ("SCRAM although LOGINDISABLED", "PLAIN SCRAM-SHA-256 LOGIN",
     {"before": MECHANISMS + ["LOGINDISABLED"]}, "", "SCRAM-SHA-256"),
    ("EXTERNAL without TLS", "EXTERNAL SCRAM-SHA-1", {}, "",
     "SCRAM-SHA-1"),
    ("EXTERNAL alone, without TLS", "EXTERNAL", {}, "SSL_cert = /nonexistent",
     ["Failed to choose", "EXTERNAL needs TLS and SSL_cert"]),
    ("a token, LOGINDISABLED, in the clear", "OAUTHBEARER XOAUTH2",
     {"before": MECHANISMS + ["LOGINDISABLED"]}, "",
     ["Logins are disabled.", "STARTTLS = YES"]),
]


def choice(mechs, options, more, want):
    with Scratch() as s:
        o = odd(s, **options)
        r = o.run(more=IN_THE_CLEAR + ("auth = %s\n" % mechs if mechs else
                                       "") + more + "\n")
        if isinstance(want, list):
            eq(r.status, 77, "exit status; it said: " + r.err)
            one_line(r, "ERROR: ", *want)
            eq([t for _, t in (o.said() if os.path.exists(o.log) else [])],
               [], "what the client said")
        else:
            eq((r.status, said(r)), (0, []), "it said: " + r.err)
            hidden(r, want)


PIPE = """import os, select, socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while True:
    for f in select.select([0, s], [], [])[0]:
        data = os.read(0, 65536) if f == 0 else s.recv(65536)
        if not data:
            sys.exit()
        os.write(1, data) if f != 0 else s.sendall(data)
"""


def external_tunnel():
    """In a tunnel the server may know us by other means."""
    with Scratch() as s:
        o = odd(s, login="joe:x")
        with open(o.port) as f:
            port = f.read().strip()
        pipe = s.write("pipe.py", PIPE)
        for name in ("", "joe"):
            p = Interimap(s, o.p.l.section(), "type = tunnel\ncommand = "
                          "python3 -B %s %s\nauth = EXTERNAL\n%s" %
                          (pipe, port, "username = joe\n" if name else ""))
            r = p.run("--debug")
            eq((r.status, said(r)), (0, []), "it said: " + r.err)
            eq(commands(o.said())[0][0][1], "AUTHENTICATE EXTERNAL " +
               (base64.b64encode(name.encode()).decode() or "="), "said")


def shown():
    """--debug twice shows the exchange in order."""
    with Scratch() as s:
        o = odd(s)
        r = o.run("--debug", "--debug", more=IN_THE_CLEAR +
                  "auth = SCRAM-SHA-256\n")
        eq(r.status, 0, "exit status; it said: " + r.err)
        eq([l[:4] for l in dialogue(r)[1:6]],
           ["C: 0", "S: +", "C: Y", "S: +", "C: "], "the log")


EXPOSED = "remote: WARNING: username and %s go unencrypted through the " \
    "network; use STARTTLS = YES or type = imaps"


def exposed_inside():
    """A token in the clear is warned about as a password is; SCRAM is not."""
    with Scratch() as s:
        for mech, what in (("XOAUTH2", "token"), ("OAUTHBEARER", "token"),
                           ("PLAIN", "password"), ("SCRAM-SHA-256", None)):
            o = odd(s, address=auth.ELSEWHERE)
            for _ in range(2):
                r = o.run("--quiet", host=auth.ELSEWHERE,
                          more=IN_THE_CLEAR + "auth = %s\n" % mech)
                lines = [l for l in said(r) if "ERROR" not in l]
                eq(lines, [EXPOSED % what] if what else [], mech)
            o.stop()


def no_id():
    """ID (RFC 2971) is offered, and never sent."""
    with Scratch() as s:
        o = odd(s)
        r = o.run()
        eq(r.status, 0, "exit status; it said: " + r.err)
        eq(" ID " in dialogue(r)[0] + " ", True, "ID is offered")
        eq([t for _, t in o.said() if re.match(r"\S+ ID\b", t)], [],
           "ID was sent")


def run_all(only):
    for name, fn, *args in (
            [("Dovecot, %s, %s" % (m, "TLS" if t else "in the clear"),
              scram_dovecot, m, t) for m, t in (
                  ("SCRAM-SHA-256", False), ("SCRAM-SHA-1", True))] +
            [("Dovecot, " + m, oauth_dovecot, m)
             for m in ("OAUTHBEARER", "XOAUTH2")] +
            [("Dovecot, EXTERNAL", external_dovecot),
             ("Cyrus, SCRAM", scram_cyrus)] +
            [("%s%s" % (m, ", no SASL-IR" if w else ""), fn, m, w)
             for fn, ms in ((scram_said, ("SCRAM-SHA-256", "SCRAM-SHA-1")),
                            (token_said, ("OAUTHBEARER", "XOAUTH2")))
             for m in ms for w in ([], ["SASL-IR"])] +
            [("SCRAM: user %s" % u, scram_names, u, p) for u, p in (
                ("a=b,c", "x,y=z"), ("j o e", "p q"))] +
            [("SCRAM: " + n, scram_refused, "SCRAM-SHA-256", o, w)
             for n, o, w in SCRAM] +
            [("SCRAM-SHA-1: " + n, scram_refused, "SCRAM-SHA-1", o, w)
             for n, o, w in SCRAM[:2]] +
            [("SCRAM: not base 64", not_base64),
             ("SCRAM: not ASCII", not_ascii)] +
            [("%s, error: %s" % (m, n), token_refused, m, e, w)
             for m in ("OAUTHBEARER", "XOAUTH2") for n, e, w in ERRORS] +
            [("%s, an ALERT that repeats it" % m, token_alert, m)
             for m in ("OAUTHBEARER", "XOAUTH2")] +
            [("choice: " + n, choice, *a) for n, *a in CHOICES] +
            [("EXTERNAL in a tunnel", external_tunnel),
             ("--debug --debug", shown), ("no ID", no_id),
             ("warnings outside of loopback", inside)]):
        if only in name:
            test(name, fn, *args)


def inside():
    auth.inside("exposed_inside", os.path.abspath(__file__))


if __name__ == "__main__":
    if sys.argv[1:2] == [auth.INSIDE]:
        test(sys.argv[2], globals()[sys.argv[2]])
    else:
        run_all(sys.argv[1] if len(sys.argv) > 1 else "")
    done()
