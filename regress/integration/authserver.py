# The scripted server (regress/hostile) on TCP, with ways to log in that no
# real server has: what it offers before and after the login, what it answers.
# Serves one connection after the other until killed, and keeps a log of each:
# what the client said, in flights.  Started by auth.py:
#
#	authserver.py MAILSTORE PORTFILE LOGFILE OPTIONS
#
# OPTIONS is a Python dictionary; see DEFAULTS.
import ast, base64, hashlib, hmac, os, select, socket, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "hostile"))
from mailstore import Store
from quirks import Quirks
from refserver import Server
from wire import BadSyntax, Channel, Closed, No

TOGETHER = 0.1          # seconds; what comes within them is one flight
LOGIN = 6               # flights of ours for which that is waited

DEFAULTS = {
    "address": "127.0.0.1",
    "login": None,      # user:password; None: PREAUTH
    "before": [],       # capabilities beside the usual ones
    "without": [],      # or less than these, before the login
    "after": [],        # the same after it
    "gone": [],         # or less than these, always
    "greeting": True,   # CAPABILITY stands in the greeting
    "ok": True,         # and in the OK of the login
    "refuse": None,     # a tagged answer instead of OK; COMMAND: what came
    "more": False,      # asks for more than was said
    "alert": False,     # tells what was said in an ALERT
    "hang": False,      # says nothing to credentials
    "flights": True,    # waits for them to be whole
    "scram": None,      # what is wrong with its SCRAM, see there
    "iterations": 4096,
    "port": 0,          # 0: any
    "behind": None,     # what becomes of commands that came with the login
    "once": {},         # {COMMAND: answer}, to the first such command
    "error": '{"status":"invalid_token"}',      # challenge for a bad token
}


class Scram:
    """
    The server's part of SCRAM (RFC 5802).  wrong: "signature", "nonce",
    "extension", "unsigned" (OK instead of a signature), "early" (OK at once),
    "error" (e= instead of v=), "base64", "more" (a challenge too many).
    """
    def __init__(self, name, login, iterations, wrong):
        self.hash = {b"SCRAM-SHA-1": "sha1",
                     b"SCRAM-SHA-256": "sha256"}[name.upper()]
        self.user, _, self.password = login.partition(":")
        self.iterations, self.wrong = iterations, wrong

    def hmac(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def first(self, text):
        """The answer to client-first-message."""
        head, bare = text[:3], text[3:]
        user, nonce = bare.split(b",")
        name = self.user.replace("=", "=3D").replace(",", "=2C")
        if head != b"n,," or user != b"n=" + name.encode() or \
                not nonce.startswith(b"r=") or len(nonce) < 20:
            raise BadSyntax("client-first-message")
        self.nonce = nonce[2:] + b"3rfcNHYJY1ZVvWVs7j"
        if self.wrong == "nonce":
            self.nonce = b"x" + self.nonce[1:]
        self.salt = os.urandom(12)
        reply = b"r=%s,s=%s,i=%d" % (self.nonce, base64.b64encode(self.salt),
                                     self.iterations)
        if self.wrong == "extension":
            reply = b"m=new," + reply
        self.message = bare + b"," + reply + b","
        return reply

    def last(self, text):
        """The answer to client-final-message; whether it shows the password."""
        without, _, proof = text.rpartition(b",p=")
        if without != b"c=biws,r=" + self.nonce:
            raise BadSyntax("client-final-message")
        self.message += without
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(),
                                     self.salt, self.iterations)
        key = self.hmac(salted, b"Client Key")
        sig = self.hmac(hashlib.new(self.hash, key).digest(), self.message)
        good = bytes(a ^ b for a, b in zip(key, sig)) == \
            base64.b64decode(proof)
        sig = self.hmac(self.hmac(salted, b"Server Key"), self.message)
        if self.wrong == "signature":
            sig = sig[:-1] + bytes([sig[-1] ^ 1])
        if self.wrong == "error":
            return b"e=invalid-proof", good
        return b"v=" + base64.b64encode(sig), good


class Flights(Channel):
    """A channel that writes down who said what, and waits to hear it all."""
    def __init__(self, fd, log, wait):
        super().__init__(fd, fd)
        self.log, self.turn, self.wait = log, 0, wait

    def fill(self):
        wait = TOGETHER if self.wait and self.turn < LOGIN else 0
        if not select.select([self.rfd], [], [], wait)[0]:
            self.flush()
        data = self.read()
        if not data:
            raise Closed("end of file")
        self.inbuf += data
        self.note("C", data)

    def note(self, who, data):
        for line in data.split(b"\r\n"):
            if line:
                self.log.write("%d %s %s\n" % (
                    self.turn, who, ascii(line.decode("latin-1"))))
        self.log.flush()

    def write_all(self, data):
        if data:
            self.note("S", data)
            self.turn += 1
        super().write_all(data)


class AuthServer(Server):
    def __init__(self, ch, store, o):
        self.o = o
        super().__init__(ch, store, Quirks([]), o["login"])

    def offered(self):
        caps = [c for c in self.q.capabilities()
                if c not in self.o["gone"] and
                (c not in self.o["without"] or self.authenticated)]
        return caps + self.o["after" if self.authenticated else "before"]

    def caps(self):
        return " ".join(self.offered()).encode()

    def offers(self, cap):
        return cap in self.offered()

    def greet(self):
        kind = b"PREAUTH" if self.authenticated else b"OK"
        code = b" [CAPABILITY %s]" % self.caps() if self.o["greeting"] else b""
        self.say(kind + code + b" ready")

    def behind(self):
        """
        "early": they are read before the login is answered; "lost", "closed":
        they are not read, or the end; "refused": the login is BAD; any other:
        it is NO.
        """
        what = self.o["behind"]
        while what and select.select([self.ch.rfd], [], [], TOGETHER)[0]:
            self.ch.fill()
        if not what or not self.ch.inbuf:
            return
        if what == "lost":
            self.ch.inbuf = b""
        elif what == "closed":
            raise Closed("more than a login")
        elif what != "early":
            raise (BadSyntax if what == "refused" else No)(what)
        while self.ch.inbuf:
            tag = self.ch.line().split()[0]
            self.ch.write(tag + b" BAD log in first\r\n")

    def execute(self, tag, verb, args):
        if self.authenticated and verb in self.o["once"]:
            self.ch.write(tag + b" " + self.o["once"].pop(verb).encode() +
                          b"\r\n")
        elif verb in ("LOGIN", "AUTHENTICATE") and not self.authenticated:
            self.command = b" ".join([verb.encode()] + args)
            self.authenticate(tag, verb, args)
        else:
            super().execute(tag, verb, args)

    def authenticate(self, tag, verb, args):
        try:
            self.behind()
            getattr(self, "do_" + verb.lower())(args)
        except No as e:
            self.ch.write(tag + b" NO " + str(e).encode() + b"\r\n")
            return
        except (BadSyntax, ValueError) as e:
            self.ch.write(tag + b" BAD " + str(e).encode() + b"\r\n")
            return
        code = b"[CAPABILITY %s] " % self.caps() if self.o["ok"] else b""
        self.ch.write(tag + b" OK " + code + b"welcome\r\n")

    def challenge(self, text):
        self.ch.write(b"+ " + text + b"\r\n")
        self.ch.flush()
        return base64.b64decode(self.ch.line(), validate=True)

    def initial(self, args):
        """What the client says first; RFC 4959: "=" is nothing at all."""
        if len(args) < 2:
            return self.challenge(b"")
        if not self.offers("SASL-IR"):
            raise BadSyntax("no SASL-IR")
        return b"" if args[1] == b"=" else base64.b64decode(args[1],
                                                            validate=True)

    def do_authenticate(self, args):
        name = args[0].upper()
        if not self.offers("AUTH=" + name.decode()):
            raise No("not offered")
        if name.startswith(b"SCRAM-"):
            self.scram(name, self.initial(args))
        elif name in (b"OAUTHBEARER", b"XOAUTH2"):
            self.token(name, self.initial(args))
        elif name == b"EXTERNAL":
            self.initial(args)
            self.authenticated = True
        else:
            super().do_authenticate(args)

    def scram(self, name, text):
        s = Scram(name, self.login, self.o["iterations"], self.o["scram"])
        first = s.first(text)
        if self.o["hang"]:
            self.ch.flush()
            self.ch.hang()
        if s.wrong == "early":
            self.authenticated = True
            return
        if s.wrong == "base64":
            self.challenge(b"r=" + s.nonce)
        final, good = s.last(self.challenge(base64.b64encode(first)))
        if not good and s.wrong != "error":
            raise No("[AUTHENTICATIONFAILED] wrong")
        if s.wrong != "unsigned":
            if self.challenge(base64.b64encode(final)):
                raise BadSyntax("something behind the signature")
        if s.wrong == "more":
            self.challenge(base64.b64encode(final))
        if self.o["refuse"]:
            raise No(self.o["refuse"].partition(" ")[2])
        self.authenticated = True

    def token(self, name, text):
        user, _, token = self.login.partition(":")
        if name == b"XOAUTH2":
            want = "user=%s\1" % user
        else:
            want = "n,a=%s,\1host=127.0.0.1\1port=%d\1" % (
                user, self.ch.port)
        if self.o["hang"]:
            self.ch.hang()
        if self.o["alert"]:
            self.say(b"OK [ALERT] you said " + base64.b64encode(text))
        if text.decode() != want + "auth=Bearer %s\1\1" % token:
            error = self.o["error"].replace("TEXT", text.decode()).replace(
                "TOKEN", text.decode().split("Bearer ")[-1].strip("\1"))
            answer = self.challenge(base64.b64encode(error.encode()))
            if answer != (b"" if name == b"XOAUTH2" else b"\1"):
                raise BadSyntax("the error is to be acknowledged")
            raise No("[AUTHENTICATIONFAILED] wrong")
        self.authenticated = True

    def check_login(self, user, password):
        said = self.command.decode("latin-1")
        if self.o["hang"]:
            self.ch.hang()
        if self.o["alert"]:
            self.say(b"OK [ALERT] you said " + said.encode("latin-1"))
        if self.o["more"]:
            self.ch.write(b"+ UGFzc3dvcmQ6\r\n")
            self.ch.flush()
            self.ch.hang()
        if self.o["refuse"]:
            kind, _, text = self.o["refuse"].partition(" ")
            text = text.replace("COMMAND", said)
            if kind == "BYE":
                self.say(b"BYE " + text.encode())
                self.ch.flush()
                raise Closed("BYE")
            raise (No if kind == "NO" else BadSyntax)(text)
        super().check_login(user, password)


def main():
    folder, portfile, logfile, options = sys.argv[1:]
    o = dict(DEFAULTS, **ast.literal_eval(options))
    listener = socket.create_server((o["address"], o["port"]))
    with open(portfile + ".new", "w") as f:
        f.write("%d\n" % listener.getsockname()[1])
    os.rename(portfile + ".new", portfile)
    while True:
        conn, _ = listener.accept()
        with conn, open(logfile, "w") as log:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ch = Flights(conn.fileno(), log, o["flights"])
            ch.port = listener.getsockname()[1]
            AuthServer(ch, Store(folder), dict(o, once=dict(o["once"]))).run()


if __name__ == "__main__":
    main()
