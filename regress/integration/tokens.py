#!/usr/bin/env python3
# OAuth as it is used: a command asks a token endpoint for a new token at each
# session, imapchild presents it to Dovecot over TLS, and Dovecot asks the
# endpoint what it is worth.
#
#	tokens.py [PART OF A NAME]
import http.server, json, os, sys, threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth import hides, login_lines
from badserver import one_line, said
from servers import *
from tap import *

# The command; the refresh token stands in its file, not in its arguments.
FETCH = """import sys, urllib.request
with open(sys.argv[2]) as f:
    secret = f.read().strip()
try:
    print(urllib.request.urlopen("http://127.0.0.1:%s/token" % sys.argv[1],
                                 secret.encode()).read().decode())
except OSError as e:
    sys.exit(str(e))
"""
REFRESH = "refresh-5TkTwW"


class Endpoint:
    """Gives tokens, each good until the next one; tells what one is worth."""
    def __init__(self, user):
        self.user, self.given, self.asked = user, [], []
        self.stale, self.closed = False, False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                n = int(self.headers["Content-Length"])
                outer.token(self, self.rfile.read(n).decode())

            def do_GET(self):
                outer.worth(self)

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

    def answer(self, h, status, body):
        h.send_response(status)
        h.send_header("Content-Type", "application/json")
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        h.wfile.write(body.encode())

    def token(self, h, secret):
        if secret != REFRESH or self.closed:
            self.answer(h, 403, "no")
            return
        self.given.append("ya29.%040d-_~" % (len(self.given) + 7919))
        self.answer(h, 200, self.given[-1])

    def worth(self, h):
        token = (h.headers.get("Authorization") or h.path).replace(
            "Bearer ", "").rpartition("=")[2]
        self.asked.append(token)
        good = token == self.given[-1] and not self.stale
        self.answer(h, 200 if good else 401, json.dumps(
            {"active": good, "email": self.user}))


MODES = {
    "introspection": "introspection_url = http://127.0.0.1:%d/what\n"
                     "introspection_mode = auth\n",
    "tokeninfo": "tokeninfo_url = http://127.0.0.1:%d/info?access_token=\n",
}


class Site:
    def __init__(self, scratch, mode, type, mech):
        self.scratch = scratch
        self.e = Endpoint(USER.pw_name)
        scratch.servers.append(self.e)
        conf = scratch.write("oauth2.conf", MODES[mode] % self.e.port +
                             "username_attribute = email\nactive_attribute = "
                             "active\nactive_value = true\n")
        cert = make_cert(scratch, "cert")
        self.l = Dovecot(scratch, "L")
        self.r = Dovecot(
            scratch, "R", cert=cert, extra="auth_mechanisms = oauthbearer "
            "xoauth2\nauth_failure_delay = 0\nauth_cache_size = 0\npassdb {\n"
            "  driver = oauth2\n  mechanisms = oauthbearer xoauth2\n"
            "  args = %s\n}\n" % conf).start()
        fill_maildir(self.l, ["INBOX"], count=4)
        fill_maildir(self.r, ["INBOX", "A"], first=30, count=3)
        self.p = Interimap(
            scratch, tunnel_section(self.l),
            "type = %s\nhost = localhost\nport = %d\nusername = %s\n"
            "auth = %s\nSSL_CAfile = %s\npassword-command = python3 -B %s %d "
            "%s\n" % (type, self.r.imaps if type == "imaps" else self.r.imap,
                      USER.pw_name, mech, cert[0],
                      scratch.write("fetch.py", FETCH), self.e.port,
                      scratch.write("refresh", REFRESH)))

    def run(self, *args):
        r = self.p.run(*args)
        hides(r.err + r.out, REFRESH, *self.e.given)
        return r

    def log(self):
        with open(self.r.dir + "/log") as f:
            return f.read()

    def equal(self):
        with self.l.client() as a, self.r.client() as b:
            left, right = a.snapshot(), b.snapshot()
        eq(left, right, "the two sides")
        return sum(map(len, left.values()))


def sessions(mode, type, mech):
    """A token a session; the one before would be refused."""
    with Scratch() as s:
        d = Site(s, mode, type, mech)
        r = d.run("--debug")
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        eq(login_lines(r)[0], "C: xxx AUTHENTICATE %s [REDACTED]" % mech,
           "in the log")
        eq(d.equal(), 10, "messages")
        with d.r.client() as c:
            c.append("A", sample(99))
        for _ in range(2):
            r = d.run("--quiet")
            eq((r.status, r.err), (0, ""), "a later run")
        eq(d.equal(), 11, "messages")
        eq(len(set(d.e.given)), 3, "tokens given")
        eq(d.e.asked, d.e.given, "what Dovecot asked about")


def stale(mech):
    """A token that is worth nothing any more, then one that is."""
    with Scratch() as s:
        d = Site(s, "introspection", "imaps", mech)
        d.e.stale = True
        r = d.run("--debug")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: login refused: ", "its reason: {",
                 "section [remote]")
        eq(len(d.e.given), 1, "tokens asked for")
        d.e.stale = False
        r = d.run("--quiet")
        eq((r.status, said(r)), (0, []), "the next run")
        eq(d.equal(), 10, "messages")


def another_user():
    """The token of somebody else does not open this account."""
    with Scratch() as s:
        d = Site(s, "introspection", "imap", "XOAUTH2")
        d.e.user = "somebody"
        r = d.run("--quiet")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: login refused: ", "section [remote]")


def no_token():
    """The endpoint refuses the command: nobody connects to the server."""
    with Scratch() as s:
        d = Site(s, "introspection", "imaps", "OAUTHBEARER")
        d.e.closed = True
        before = d.log()
        r = d.run("--quiet")
        eq(r.status, 77, "exit status; it said: " + r.err)
        eq(len(said(r)), 1, "lines in: " + r.err)
        has(said(r)[0], "ERROR: ", "password-command", "section [remote]")
        eq([l for l in d.log()[len(before):].splitlines() if "rip=" in l], [],
           "who connected")


def run_all(only):
    for name, fn, *args in (
            [("%s, %s, %s" % (mech, type, mode), sessions, mode, type, mech)
             for mode, type, mech in (
                 ("introspection", "imaps", "OAUTHBEARER"),
                 ("tokeninfo", "imap", "XOAUTH2"))] +
            [("a stale token, " + m, stale, m)
             for m in ("OAUTHBEARER", "XOAUTH2")] +
            [("the token of another user", another_user),
             ("the command gets no token", no_token)]):
        if only in name:
            test(name, fn, *args)


if __name__ == "__main__":
    run_all(sys.argv[1] if len(sys.argv) > 1 else "")
    done()
