# The scripted server (regress/hostile) on TCP, with ways to log in that no
# real server has: what it offers before and after the login, what it answers.
# Serves one connection after the other until killed, and keeps a log of each:
# what the client said, in flights.  Started by auth.py:
#
#	authserver.py MAILSTORE PORTFILE LOGFILE OPTIONS
#
# OPTIONS is a Python dictionary; see DEFAULTS.
import ast, os, select, socket, sys
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
    "greeting": True,   # CAPABILITY stands in the greeting
    "ok": True,         # and in the OK of the login
    "refuse": None,     # a tagged answer instead of OK; COMMAND: what came
    "more": False,      # asks for more than was said
    "alert": False,     # tells what was said in an ALERT
}


class Flights(Channel):
    """A channel that writes down who said what, and waits to hear it all."""
    def __init__(self, fd, log):
        super().__init__(fd, fd)
        self.log, self.turn = log, 0

    def fill(self):
        wait = TOGETHER if self.turn < LOGIN else 0
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
                if c not in self.o["without"] or self.authenticated]
        return caps + self.o["after" if self.authenticated else "before"]

    def caps(self):
        return " ".join(self.offered()).encode()

    def offers(self, cap):
        return cap in self.offered()

    def greet(self):
        kind = b"PREAUTH" if self.authenticated else b"OK"
        code = b" [CAPABILITY %s]" % self.caps() if self.o["greeting"] else b""
        self.say(kind + code + b" ready")

    def execute(self, tag, verb, args):
        if verb in ("LOGIN", "AUTHENTICATE") and not self.authenticated:
            self.command = b" ".join([verb.encode()] + args)
            self.authenticate(tag, verb, args)
        else:
            super().execute(tag, verb, args)

    def authenticate(self, tag, verb, args):
        try:
            getattr(self, "do_" + verb.lower())(args)
        except No as e:
            self.ch.write(tag + b" NO " + str(e).encode() + b"\r\n")
            return
        except (BadSyntax, ValueError) as e:
            self.ch.write(tag + b" BAD " + str(e).encode() + b"\r\n")
            return
        code = b"[CAPABILITY %s] " % self.caps() if self.o["ok"] else b""
        self.ch.write(tag + b" OK " + code + b"welcome\r\n")

    def check_login(self, user, password):
        said = self.command.decode("latin-1")
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
    listener = socket.create_server((o["address"], 0))
    with open(portfile + ".new", "w") as f:
        f.write("%d\n" % listener.getsockname()[1])
    os.rename(portfile + ".new", portfile)
    while True:
        conn, _ = listener.accept()
        with conn, open(logfile, "w") as log:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            AuthServer(Flights(conn.fileno(), log), Store(folder), o).run()


if __name__ == "__main__":
    main()
