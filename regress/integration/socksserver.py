# A SOCKS5 server (RFC 1928, RFC 1929) for one test, right or wrong as told.
# Serves 127.0.0.1, or ::1, until killed.  Started by connect.py:
#
#	socksserver.py PORTFILE LOGFILE OPTIONS
#
# OPTIONS is a Python dictionary; see DEFAULTS.  The log has a line for each
# target asked for: kind of address, address, port.
import ast, os, select, socket, struct, sys, threading

DEFAULTS = {
    "family": 4,
    "login": None,      # (user, password); None: nobody is asked
    "map": {},          # (address, port) to what is connected to instead
    "code": 0,          # of the reply; 0: connect
    "codes": {},        # address to a code of its own
    "drip": False,      # every octet by itself
    "reply": None,      # instead of all of the reply
    "hello": None,      # instead of the choice of a method
    "silent": None,     # "hello" or "reply": nothing is said there
    "cut": None,        # octets of the reply before the end
    "bound": b"\1\0\0\0\0\0\0",     # kind, address and port of the reply
}


class Done(Exception):
    pass


class Client(threading.Thread):
    def __init__(self, sock, o, log):
        super().__init__(daemon=True)
        self.s, self.o, self.log = sock, o, log

    def get(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise Done
            data += more
        return data

    def put(self, data):
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in ([data[i:i + 1] for i in range(len(data))]
                     if self.o["drip"] else [data]):
            self.s.sendall(part)

    def hang(self):
        while self.s.recv(4096):
            pass
        raise Done

    def run(self):
        try:
            with self.s:
                self.hello()
                self.connect()
        except (Done, OSError):
            pass

    def hello(self):
        version, n = self.get(2)
        methods = self.get(n)
        if self.o["silent"] == "hello":
            self.hang()
        if self.o["hello"] is not None:
            self.put(self.o["hello"])
            raise Done
        login = self.o["login"]
        method = 0 if login is None else 2
        if method not in methods or version != 5:
            self.put(b"\5\xff")
            raise Done
        self.put(bytes((5, method)))
        if login is not None:
            self.get(1)
            user = self.get(self.get(1)[0])
            password = self.get(self.get(1)[0])
            good = (user, password) == login
            self.put(b"\1\0" if good else b"\1\1")
            if not good:
                raise Done

    def target(self):
        head = self.get(4)
        if head[:3] != b"\5\1\0":
            raise Done
        if head[3] == 3:
            address = self.get(self.get(1)[0]).decode()
        elif head[3] == 1:
            address = socket.inet_ntop(socket.AF_INET, self.get(4))
        else:
            address = socket.inet_ntop(socket.AF_INET6, self.get(16))
        port = struct.unpack("!H", self.get(2))[0]
        self.log.write("%d %s %d\n" % (head[3], address, port))
        self.log.flush()
        return address, port

    def connect(self):
        address, port = self.target()
        if self.o["silent"] == "reply":
            self.hang()
        if self.o["reply"] is not None:
            self.put(self.o["reply"])
            raise Done
        code = self.o["codes"].get(address, self.o["code"])
        other = None
        if code == 0:
            other = socket.create_connection(
                self.o["map"].get((address, port), (address, port)), 10)
        reply = bytes((5, code, 0)) + self.o["bound"]
        self.put(reply[:self.o["cut"]])
        if code or self.o["cut"] is not None:
            raise Done
        with other:
            self.relay(other)

    def relay(self, other):
        while True:
            for s in select.select([self.s, other], [], [])[0]:
                data = s.recv(65536)
                if not data:
                    raise Done
                (other if s is self.s else self.s).sendall(data)


def main():
    portfile, logfile, options = sys.argv[1:]
    o = dict(DEFAULTS, **ast.literal_eval(options))
    listener = socket.create_server(
        ("127.0.0.1", 0) if o["family"] == 4 else ("::1", 0),
        family=socket.AF_INET if o["family"] == 4 else socket.AF_INET6)
    with open(portfile + ".new", "w") as f:
        f.write("%d\n" % listener.getsockname()[1])
    os.rename(portfile + ".new", portfile)
    with open(logfile, "w") as log:
        while True:
            Client(listener.accept()[0], o, log).start()


if __name__ == "__main__":
    main()
