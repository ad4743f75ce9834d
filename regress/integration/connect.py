#!/usr/bin/env python3
# The way to a server: by a SOCKS5 proxy (socksserver.py), right and wrong; the
# option timeout at every step; addresses tried in turn.
#
#	connect.py [PART OF A NAME]
import socket, subprocess, sys, threading, time
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import LOST, Scripted, one_line, quirks, said
from servers import *
from tap import *

SOCKSSERVER = os.path.join(HERE, "socksserver.py")
USERNAME, SECRET = "joe @:%", "s3cret/?#"
QUOTED = "joe%20%40%3a%25:s3cret%2F%3F%23"
NAME = "imap.example.invalid"   # resolves nowhere but at the proxy


class Proxy:
    def __init__(self, scratch, name="proxy", **options):
        self.scratch, self.proc = scratch, None
        self.port_file, self.log = [os.path.join(scratch.mkdir(name), n)
                                    for n in ("port", "log")]
        self.proc = subprocess.Popen(
            as_user([sys.executable, "-B", SOCKSSERVER, self.port_file,
                     self.log, repr(options)]), env=scratch.env(),
            stdin=subprocess.DEVNULL)
        scratch.servers.append(self)
        for _ in range(800):
            if os.path.exists(self.port_file):
                break
            time.sleep(0.025)
        with open(self.port_file) as f:
            self.port = int(f.read())

    def asked(self):
        with open(self.log) as f:
            return [l.split() for l in f]

    def stop(self):
        self.proc.kill()
        self.proc.wait()


def option(proxy, kind="socks5", login="", host="127.0.0.1"):
    return "proxy = %s://%s%s:%d\n" % (kind, login, host, proxy.port)


def hides(r, *secrets):
    for s in secrets:
        if s in r.err:
            raise AssertionError("a secret is shown: " + r.err)


# ---- two Dovecots, the remote one behind a proxy ----

def synced(kind, host, expect, family=4, login=False, section="imaps",
           **options):
    """The run succeeds, and the proxy was asked for what it had to be."""
    with Scratch() as s:
        if family == 6 and not have_ipv6():
            raise Skip("no IPv6")
        cert = make_cert(s, "cert", san="DNS:localhost,IP:127.0.0.1,DNS:" +
                         NAME)
        l, r = Dovecot(s, "L"), Dovecot(s, "R", cert=cert).start()
        fill_maildir(l, ["INBOX", "A"], count=6)
        fill_maildir(r, ["INBOX", "B"], first=50, count=5)
        port = r.imaps if section == "imaps" else r.imap
        p = Proxy(s, family=family, map={(NAME, port): ("127.0.0.1", port)},
                  login=(USERNAME.encode(), SECRET.encode()) if login
                  else None, **options)
        conf = imaps_section(r).replace("host = localhost", "host = " + host)
        conf = conf.replace("type = imaps", "type = " + section)
        conf = conf.replace("port = %d" % r.imaps, "port = %d" % port)
        conf += option(p, kind, QUOTED + "@" if login else "",
                       "127.0.0.1" if family == 4 else "[::1]")
        x = Interimap(s, tunnel_section(l), conf)
        out = x.run("--debug", "--debug")
        eq((out.status, said(out)), (0, []), "it said: " + out.err)
        hides(out, SECRET, QUOTED)
        eq(p.asked(), [e + [str(port)] for e in expect], "what was asked for")
        with l.client() as a, r.client() as b:
            eq(a.snapshot(), b.snapshot(), "the two sides")


def have_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


HOSTS = """mount --bind "$1" /etc/hosts || exit 3
shift
exec "$@"
"""


def other_hosts(case):
    """This case again, where /etc/hosts is another file: root can do that."""
    if os.getuid() != 0 or "OTHER_HOSTS" in os.environ:
        raise Skip("localhost has not both addresses")
    with Scratch() as s:
        file = s.write("hosts", "::1 localhost\n127.0.0.1 localhost\n")
        r = subprocess.run(
            ["unshare", "-m", "sh", "-c", HOSTS, "sh", file, sys.executable,
             "-B", os.path.abspath(__file__), case], text=True, timeout=120,
            env=dict(os.environ, OTHER_HOSTS="1"), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
    if r.returncode == 3 or r.stdout.startswith("unshare: "):
        raise Skip("no mount namespaces: " + r.stdout)
    eq("SKIP" in r.stdout, False, "skipped: " + r.stdout)
    has(r.stdout, "1 passed, 0 failed")


def in_turn():
    """The proxy cannot connect to the first address of the host."""
    with open("/etc/hosts") as f:
        hosts = [l.split() for l in f if "localhost" in l.split()[1:]]
    if {"::1", "127.0.0.1"} - {h[0] for h in hosts}:
        return other_hosts("socks5, addresses in turn")
    synced("socks5", "localhost", [["4", "::1"], ["1", "127.0.0.1"]],
           codes={"::1": 8})


def exposed(kind):
    """The proxy is on this machine, but who knows where it leads to."""
    with Scratch() as s:
        l, r = Dovecot(s, "L"), Dovecot(s, "R").start()
        fill_maildir(l, ["INBOX"], count=2)
        conf = ("type = imap\nSTARTTLS = NO\nhost = 127.0.0.1\nport = %d\n"
                "username = %s\npassword = %s\n" %
                (r.imap, USER.pw_name, r.password))
        for more, warned in (("", 0), (option(Proxy(s), kind), 1)):
            out = Interimap(s, tunnel_section(l), conf + more).run()
            eq(out.status, 0, "exit status; it said: " + out.err)
            eq(out.err.count("remote: WARNING: username and password go "
                             "unencrypted through the network; "), warned,
               "warnings in: " + out.err)
            eq(len(said(out)), warned, "it said: " + out.err)


# ---- a service by its name ----

class Forward:
    """A port that leads to another one."""
    def __init__(self, scratch, port, to):
        self.to, self.count = to, 0
        self.listener = socket.create_server(("127.0.0.1", port))
        scratch.servers.append(self)
        threading.Thread(target=self.serve, daemon=True).start()

    def stop(self):
        self.listener.close()

    def serve(self):
        while True:
            try:
                a = self.listener.accept()[0]
                b = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.count += 1
            for pair in ((a, b), (b, a)):
                threading.Thread(target=self.pump, args=pair,
                                 daemon=True).start()

    def pump(self, a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def by_name():
    """Any service of a port that is free, and needs no rights."""
    with Scratch() as s:
        l, r = Dovecot(s, "L"), Dovecot(s, "R").start()
        fill_maildir(r, ["INBOX"], count=2)
        with open("/etc/services") as f:
            words = [l.split("#")[0].split() for l in f]
        for name, port in (w[:2] for w in words if len(w) > 1):
            number, _, kind = port.partition("/")
            if kind != "tcp" or int(number) < 1024:
                continue
            try:
                way = Forward(s, int(number), r.imap)
                break
            except OSError:
                pass
        else:
            raise Skip("no such service")
        out = Interimap(s, tunnel_section(l), (
            "type = imap\nSTARTTLS = NO\nhost = 127.0.0.1\nport = %s\n"
            "username = %s\npassword = %s\n" %
            (name, USER.pw_name, r.password))).run()
        eq((out.status, said(out)), (0, []), "it said: " + out.err)
        eq(way.count, 1, "connections to " + name)
        with l.client() as a, r.client() as b:
            eq(a.snapshot(), b.snapshot(), "the two sides")


# ---- refusals ----

def refused(status, needles, userinfo="", **options):
    with Scratch() as s:
        p = Scripted(s)
        before = p.boxes()
        proxy = Proxy(s, **options)
        x = Interimap(s, p.l.section(), "type = imap\nSTARTTLS = NO\nhost = "
                      "127.0.0.9\nport = 143\nusername = u\npassword = p\n"
                      "timeout = 2\n" + option(proxy, login=userinfo))
        r = x.run("--debug")
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: ", *needles)
        has(r.err, LOST if status == 75 else "section [remote] of " + x.conf)
        hides(r, SECRET, "s3cret")
        eq(p.boxes(), before, "the accounts")


CODES = ["general failure", "not allowed by its rules", "network unreachable",
         "host unreachable", "connection refused", "TTL expired",
         "command not supported", "kind of address not supported", "code 9"]


# ---- silence ----

def mute(section, needles, greeting=b""):
    """A server that says this and nothing more."""
    with Scratch() as s:
        p = Scripted(s)
        before = p.boxes()
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            try:
                conn = listener.accept()[0]
                conn.sendall(greeting)
                while conn.recv(4096):
                    pass
                conn.close()
            except OSError:
                pass
        t = threading.Thread(target=serve, daemon=True)
        t.start()
        x = Interimap(s, p.l.section(), section + "host = 127.0.0.1\nport = "
                      "%d\nusername = u\npassword = p\ntimeout = 2\n" %
                      listener.getsockname()[1])
        begin = time.monotonic()
        r = x.run("--quiet", timeout=60)
        listener.close()
        eq(r.status, 75, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: ", *needles)
        if time.monotonic() - begin < 2:
            raise AssertionError("it waited for less than 2 seconds")
        eq(p.boxes(), before, "the accounts")


def one_side(side):
    """The option is the side's own; the other one may be slower."""
    with Scratch() as s:
        p = Scripted(s)
        bad = p.r if side == "remote" else p.l
        good = p.l if side == "remote" else p.r
        sections = {side: bad.section(*quirks("silent=LIST")) +
                    "timeout = 1\n",
                    "local" if side == "remote" else "remote":
                    good.section() + "timeout = 500\n"}
        r = Interimap(s, sections["local"], sections["remote"]).run("--quiet")
        eq(r.status, 75, "exit status; it said: " + r.err)
        one_line(r, side + ": ERROR: no answer from the server for 1 seconds",
                 LOST)
        p.goes_on()


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    local = ["1", "127.0.0.1"]
    for name, fn, args, options in (
            ("socks5", synced, ("socks5", "127.0.0.1", [local]), {}),
            ("socks5, host in brackets", synced,
             ("socks5", "[127.0.0.1]", [local]), {"drip": True}),
            ("socks5 with a login", synced,
             ("socks5", "127.0.0.1", [local]), {"login": True}),
            ("socks5 in the way of STARTTLS", synced,
             ("socks5", "127.0.0.1", [local]), {"section": "imap"}),
            ("socks5, a proxy with IPv6", synced,
             ("socks5", "127.0.0.1", [local]), {"family": 6}),
            ("socks5h", synced, ("socks5h", NAME, [["3", NAME]]),
             {"bound": b"\4" + bytes(18)}),
            ("socks5h with a login", synced,
             ("SOCKS5H", NAME, [["3", NAME]]),
             {"login": True, "drip": True, "bound": b"\3\3abc\0\0"}),
            ("socks5h, host an address", synced,
             ("socks5h", "127.0.0.1", [local]), {}),
            ("socks5, addresses in turn", in_turn, (), {}),
            ("socks5 in the clear", exposed, ("socks5",), {}),
            ("socks5h in the clear", exposed, ("socks5h",), {}),
            ("a service by its name", by_name, (), {})):
        if only in name:
            test(name, lambda: fn(*args, **options))
    for n, words in enumerate(CODES):
        if only in "proxy refuses: " + words:
            test("proxy refuses: " + words, lambda: refused(
                75, ["proxy 127.0.0.1 port", "127.0.0.9 port 143", words],
                code=n + 1))
    good = (USERNAME.encode(), SECRET.encode())
    for name, status, needles, options in (
            ("a login is wanted", 78, ["wants to be logged in to",
                                       "USER:PASSWORD@"], {"login": good}),
            ("wrong password", 78, ["refuses user and password"],
             {"login": good, "option": "joe:s3cret1@"}),
            ("no method", 78, ["takes no user and password"],
             {"hello": b"\5\xff", "option": "joe:s3cret1@"}),
            ("no SOCKS server", 78, ["does not speak SOCKS5"],
             {"hello": b"* OK hello\r\n"}),
            ("no SOCKS reply", 78, ["does not speak SOCKS5"],
             {"reply": b"HTTP/1.0 400\r\n"}),
            ("a malformed reply", 75, ["malformed reply"],
             {"reply": b"\5\0\0\7" + bytes(20)}),
            ("the proxy hangs up", 75, ["closed the connection"],
             {"hello": b""}),
            ("a refusal cut short", 75, ["connection refused"],
             {"code": 5, "cut": 2}),
            ("the proxy is silent", 75, ["no answer from the server for 2"],
             {"silent": "hello"}),
            ("the proxy is silent at last", 75,
             ["no answer from the server for 2"], {"silent": "reply"})):
        if only in name:
            login = options.pop("option", "")
            test(name, lambda: refused(status, needles, login, **options))
    plain = "type = imap\nSTARTTLS = NO\n"
    no_answer = ["no answer from the server for 2 seconds", LOST]
    for name, section, greeting in (
            ("silence before the greeting", plain, b""),
            ("silence in the greeting", plain, b"* OK hel"),
            ("silence after the greeting", plain, b"* OK hello\r\n"),
            ("silence before TLS", "type = imaps\n", b""),
            ("silence in the handshake of TLS", "type = imaps\n",
             b"\x16\x03\x03\x00\x7a"),
            ("silence instead of STARTTLS", "type = imap\n",
             b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n"),
            ("silence instead of LOGIN", plain,
             b"* OK [CAPABILITY IMAP4rev1] hello\r\n")):
        if only in name:
            test(name, mute, section, no_answer, greeting)
    for side in ("local", "remote"):
        if only in "timeout of one side: " + side:
            test("timeout of one side: " + side, one_side, side)
    done()


if __name__ == "__main__":
    main()
