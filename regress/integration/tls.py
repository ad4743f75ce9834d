#!/usr/bin/env python3
# TLS with a real Dovecot, by type=imaps and by STARTTLS: which certificates
# are trusted, and which are refused: by chain, date, name and key.  One
# Dovecot has them all and tells them apart by SNI.  Every refusal ends with
# status 77, in one line, before a credential was sent: the log of the server
# shows it, and a relay that keeps what the client says.
#
#	tls.py [PART OF A NAME]
import os, ssl, subprocess, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from authority import Authority, Relay, digest
from badserver import LOST, Scripted, one_line, said
from connect import have_ipv6
from servers import *
from tap import *

SEE = "openssl s_client -connect "
COMPARE = "compare SSL_protocol_min, SSL_protocol_max and SSL_cipherlist with " \
    "what the server speaks"
TRIED = "client in: AUTH"       # in Dovecot's log, whoever tries to log in
BOTH = ("imaps", "imap")
GOOD, OTHER, DUAL = "localhost", "second.example", "dual.example"
EXPIRED, FUTURE, WRONG = "old.example", "new.example", "wrong.example"

EXTRA = """auth_verbose = yes
auth_debug = yes
auth_failure_delay = 0
ssl_prefer_server_ciphers = no
"""


LISTEN6 = """service imap-login {
  inet_listener imaps {
    address = 127.0.0.1 ::1
  }
}
"""


def local_name(name, cert, alt=None):
    """What Dovecot serves to this SNI."""
    text = "local_name %s {\n  ssl_cert = <%s\n  ssl_key = <%s\n" % (
        (name,) + cert)
    if alt:
        text += "  ssl_alt_cert = <%s\n  ssl_alt_key = <%s\n" % alt
    return text + "}\n"


class Site:
    """A server with many certificates, of one authority or another."""
    def __init__(self, scratch):
        self.scratch = scratch
        self.ca = Authority(scratch, "authority")
        self.stranger = Authority(scratch, "stranger")
        issue, here = self.ca.issue, "DNS:localhost"
        self.certs = {
            "": issue("default", "IP:127.0.0.1,IP:::1"),
            GOOD: issue("good", here),
            OTHER: issue("second", here),
            WRONG: issue("wrong", "DNS:mail.example.org"),
            EXPIRED: issue("old", here, begin=-9, end=-1),
            FUTURE: issue("new", here, begin=1, end=9),
            DUAL: issue("rsa", here, kind="rsa"),
        }
        self.ecdsa = issue("ecdsa", here)
        self.known = self.ca.folder("known")
        self.unknown = self.stranger.folder("unknown")
        self.l = Dovecot(scratch, "L")
        self.r = Dovecot(
            scratch, "R", cert=self.certs[""],
            extra=EXTRA + (LISTEN6 if have_ipv6() else "") + "".join(
                local_name(n, c, self.ecdsa if n == DUAL else None)
                for n, c in self.certs.items() if n)).start()
        fill_maildir(self.l, ["INBOX"], count=2)
        fill_maildir(self.r, ["INBOX"], first=20, count=3)
        self.trust = "SSL_CAfile = %s\n" % self.ca.file
        self.run("imaps", GOOD, self.trust, "--quiet")      # a database

    def log(self):
        try:
            with open(self.r.dir + "/log") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def section(self, type, host, more, port=None):
        return ("type = %s\nhost = %s\nport = %d\nusername = %s\n"
                "password = %s\n%s" % (
                    type, host, port or (self.r.imaps if type == "imaps" else
                                         self.r.imap), USER.pw_name,
                    self.r.password, more))

    def run(self, type, host, more, *args, port=None, env=None):
        """A run, and what Dovecot logged meanwhile."""
        before = len(self.log())
        p = Interimap(self.scratch, tunnel_section(self.l),
                      self.section(type, host, more, port))
        r = p.run(*(args or ("--debug",)), env=env)
        r.conf = p.conf
        if self.r.password in r.err:
            raise AssertionError("the password is shown: " + r.err)
        time.sleep(0.05)                # the log is written by a process
        return r, self.log()[before:]

    def equal(self):
        with self.l.client() as a, self.r.client() as b:
            left, right = a.snapshot(), b.snapshot()
        eq(left, right, "the two sides")
        eq(len(left["INBOX"]), 5, "messages")


def fingerprint(r):
    m = re.search(r"Peer certificate fingerprint: sha256\$([0-9A-F]{64})$",
                  r.err, re.M)
    return m and m.group(1).lower()


def need6(host):
    if "::" in host and not have_ipv6():
        raise Skip("no IPv6")


# ---- accepted ----

def accepted(site, type, host, cert, more, needles=(), env=None):
    """The login succeeds; it was this certificate, as the log says."""
    need6(host)
    r, log = site.run(type, host, more, env=env)
    eq((r.status, said(r)), (0, []), "it said: " + r.err)
    eq(fingerprint(r), digest(cert), "the certificate")
    has(r.err, *needles)
    has(log, TRIED)
    site.equal()


def accepted_cases(site):
    t, c = site.trust, site.certs
    verify = "SSL_verify = NO\n"
    pin = "SSL_fingerprint = %s\n"
    sni = "SSL_hostname = %s\n"
    good, wrong = digest(c[GOOD]), digest(c[WRONG])
    v12 = "SSL_protocol_max = TLSv1.2\n"
    bogus = "0123456789abcdef" * 4
    dual = t + sni % DUAL
    return [
        ("a file of authorities", BOTH, GOOD, c[GOOD], t, ["SNI localhost"]),
        ("a folder of authorities", BOTH, GOOD, c[GOOD],
         "SSL_CApath = %s\n" % site.known),
        ("the right one of two folders", ["imaps"], GOOD, c[GOOD],
         "SSL_CApath = %s:%s\n" % (site.unknown, site.known)),
        ("the system's authorities", ["imaps"], GOOD, c[GOOD], "", [],
         {"SSL_CERT_FILE": site.ca.file}),
        ("a certificate chosen by SNI", BOTH, GOOD, c[OTHER],
         t + sni % OTHER, ["SNI " + OTHER]),
        ("SNI in capitals", ["imaps"], GOOD, c[OTHER],
         t + sni % OTHER.upper()),
        ("an unknown SNI", ["imaps"], GOOD, c[""],
         verify + sni % "nobody.example"),
        ("no SNI", ["imaps"], GOOD, c[""], verify + "SSL_hostname =\n",
         ["SNI (none)"]),
        ("an address", BOTH, "127.0.0.1", c[""], t, ["SNI (none)"]),
        ("an address in brackets", ["imaps"], "[127.0.0.1]", c[""], t,
         ["SNI (none)"]),
        ("an IPv6 address", ["imaps"], "[::1]", c[""], t, ["SNI (none)"]),
        ("an IPv6 address, bare", ["imaps"], "::1", c[""], t),
        ("expired, not verified", ["imaps"], GOOD, c[EXPIRED],
         verify + sni % EXPIRED),
        ("unknown authority, not verified", ["imap"], GOOD, c[GOOD], verify +
         "SSL_CAfile = %s\n" % site.stranger.file),
        ("wrong name, not verified", ["imaps"], GOOD, c[WRONG],
         verify + sni % WRONG),
        ("the right key", BOTH, GOOD, c[GOOD], t + pin % good),
        ("the right key, by algorithm", ["imap"], GOOD, c[GOOD],
         t + pin % ("sha256$" + good.upper())),
        ("the right key, by sha1", ["imaps"], GOOD, c[GOOD],
         t + pin % ("sha1$" + digest(c[GOOD], "sha1"))),
        ("the right key, by sha384", ["imaps"], GOOD, c[GOOD],
         t + pin % ("sha384$" + digest(c[GOOD], "sha384"))),
        ("the right key, by sha512", ["imaps"], GOOD, c[GOOD],
         t + pin % ("sha512$" + digest(c[GOOD], "sha512"))),
        ("the right key, last of several", ["imaps"], GOOD, c[GOOD],
         t + pin % " ".join([bogus, "sha1$" + bogus[:40], good])),
        ("the key alone: expired and of a wrong name", BOTH, GOOD,
         c[WRONG], verify + sni % WRONG + pin % wrong),
        ("RSA of two kinds, by cipher", ["imaps"], GOOD, c[DUAL], dual + v12 +
         "SSL_cipherlist = ECDHE-RSA-AES128-GCM-SHA256\n",
         ["TLSv1.2, ECDHE-RSA-AES128-GCM-SHA256"]),
        ("ECDSA of two kinds, by cipher", ["imap"], GOOD, site.ecdsa,
         dual + v12 + "SSL_cipherlist = ECDHE-ECDSA-AES256-GCM-SHA384\n",
         ["TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384"]),
        ("both keys of two kinds: RSA", ["imaps"], GOOD, c[DUAL], dual + v12 +
         "SSL_cipherlist = aRSA\n" +
         pin % (digest(site.ecdsa) + " " + digest(c[DUAL]))),
        ("both keys of two kinds: ECDSA", ["imaps"], GOOD, site.ecdsa, dual +
         pin % (digest(c[DUAL]) + " " + digest(site.ecdsa))),
        ("TLSv1.3", ["imaps"], GOOD, c[GOOD],
         t + "SSL_protocol_min = TLSv1.3\n", ["TLS: TLSv1.3, "]),
        ("TLSv1.2 at most", ["imap"], GOOD, c[GOOD], t + v12,
         ["TLS: TLSv1.2, "]),
        ("SSL_protocols = TLSv1.2", ["imaps"], GOOD, c[GOOD],
         t + "SSL_protocols = TLSv1.2\n", ["TLS: TLSv1.2, "]),
        ("SSL_protocols = !TLSv1.3", ["imap"], GOOD, c[GOOD],
         t + "SSL_protocols = !SSLv2 !SSLv3 !TLSv1 !TLSv1.3\n",
         ["TLS: TLSv1.2, "]),
    ]


# ---- refused ----

def refused(site, type, host, more, needles, status=77):
    """One line; Dovecot met nobody who tried to log in."""
    need6(host)
    r, log = site.run(type, host, more, "--quiet")
    eq(r.status, status, "exit status; it said: " + r.err)
    eq(r.err.count("\n"), 1, "lines in: " + r.err)
    one_line(r, "remote: ERROR: ", *needles)
    if TRIED in log or "user=<%s>" % USER.pw_name in log:
        raise AssertionError("it tried to log in: " + log)
    if status == 77 and "rip=" not in log:
        raise AssertionError("it was never there: " + log)


def alert(site, more, status, prepare, *needles):
    """What a server that is no Dovecot says, or does, to our versions."""
    with Scratch() as s:
        p = Scripted(s)
        relay = Relay(s, site.certs[GOOD])
        prepare(relay)
        r = Interimap(
            s, p.l.section(), "type = imaps\nhost = localhost\nport = %d\n"
            "username = joe\npassword = secret\n%s%s" %
            (relay.port, site.trust, more)).run("--quiet")
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: ", COMPARE, *needles)
        eq(relay.heard()[1], b"", "what was said in TLS")


def newest(relay):
    relay.context.minimum_version = ssl.TLSVersion.TLSv1_3


def oldest(relay):
    relay.context.minimum_version = ssl.TLSVersion.TLSv1_2
    relay.context.maximum_version = ssl.TLSVersion.TLSv1_2
    relay.context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")


def hangs_up(relay):
    relay.talk = lambda conn: conn.recv(4096)


ALERTS = [
    ("a version it does not speak", "SSL_protocol_max = TLSv1.2\n", 77, newest,
     "TLS handshake with localhost: ", "protocol version"),
    ("one we do not speak", "SSL_protocol_min = TLSv1.3\n", 77, oldest,
     "TLS handshake with localhost: ", "protocol version"),
    ("a cipher it does not know", "SSL_protocol_max = TLSv1.2\n"
     "SSL_cipherlist = ECDHE-ECDSA-AES128-GCM-SHA256\n", 77, oldest,
     "TLS handshake with localhost: ", "handshake failure"),
    ("hangs up, narrowed", "SSL_protocol_max = TLSv1.2\n", 77, hangs_up,
     "closed the connection during the TLS handshake without a word"),
    ("hangs up, the defaults", "", 75, hangs_up,
     "closed the connection during the TLS handshake without a word", LOST),
]


def refused_cases(site):
    t, c = site.trust, site.certs
    verify = "SSL_verify = NO\n"
    pin = "SSL_fingerprint = %s\n"
    sni = "SSL_hostname = %s\n"
    stranger = "SSL_CAfile = %s\n" % site.stranger.file
    look = ["certificate of localhost refused: ", SEE, "SSL_CAfile",
            "SSL_verify=NO", "SSL_fingerprint=DIGEST", "openssl dgst -sha256"]
    good, wrong = digest(c[GOOD]), digest(c[WRONG])
    key = ["certificate of localhost refused: its key has the fingerprint "]
    v12 = "SSL_protocol_max = TLSv1.2\n"
    dual = t + sni % DUAL
    # Dovecot tells no alert, and hangs up
    gone = ["localhost closed the connection during the TLS handshake "
            "without a word; if it does so each time, " + COMPARE]

    def named(host, cert):
        """It tells the digest itself: what was shown was verified."""
        return ["certificate of %s refused: it names another host "
                "(/CN=" % host, 'correct "host"',
                "SSL_fingerprint=sha256$%s and SSL_verify=NO" %
                digest(cert).upper()]
    return [
        ("unknown authority", BOTH, GOOD, stranger,
         look + ["unable to get local issuer certificate"]),
        ("unknown authority in a folder", ["imap"], GOOD,
         "SSL_CApath = %s\n" % site.unknown, look),
        ("not of the system's authorities", ["imaps"], GOOD, "", look),
        ("the certificate itself is no authority", ["imaps"], GOOD,
         "SSL_CAfile = %s\n" % c[GOOD][0], look),
        ("expired", BOTH, GOOD, t + sni % EXPIRED,
         look + ["certificate has expired", "-servername " + EXPIRED]),
        ("not yet valid", BOTH, GOOD, t + sni % FUTURE,
         look + ["certificate is not yet valid", "-servername " + FUTURE]),
        ("wrong name", BOTH, GOOD, t + sni % WRONG, named(GOOD, c[WRONG])),
        ("no SNI, so another certificate", ["imaps"], GOOD,
         t + "SSL_hostname =\n", named(GOOD, c[""])),
        ("an address, a certificate of a name", BOTH, "127.0.0.1",
         t + sni % GOOD, named("127.0.0.1", c[GOOD])),
        ("an address in brackets, of a name", ["imaps"], "[127.0.0.1]",
         t + sni % GOOD, named("127.0.0.1", c[GOOD])),
        ("an IPv6 address, of a name", ["imaps"], "[::1]", t + sni % GOOD,
         named("::1", c[GOOD])),
        ("another key", BOTH, GOOD, t + pin % wrong,
         key + ["sha256$" + good.upper(), "SSL_fingerprint does not list"]),
        ("another key, not verified", BOTH, GOOD, verify + pin % wrong,
         key + ["sha256$" + good.upper()]),
        ("another key, by sha1", ["imaps"], GOOD,
         t + pin % ("sha1$" + digest(c[WRONG], "sha1")),
         key + ["sha1$" + digest(c[GOOD], "sha1").upper()]),
        ("the right digest of another algorithm", ["imap"], GOOD,
         t + pin % ("sha512$" + good * 2), key + ["sha512$"]),
        ("none of several keys", ["imap"], GOOD, t + pin % " ".join(
            [wrong, "sha1$" + digest(c[OTHER], "sha1"), digest(c[OTHER])]),
         key + ["sha256$" + good.upper()]),
        ("the digest of the certificate, not of its key", ["imaps"], GOOD,
         t + pin % whole(c[GOOD]), key + ["sha256$" + good.upper()]),
        ("the key of the authority", ["imaps"], GOOD,
         t + pin % digest((site.ca.file,)), key),
        ("the right key, expired", ["imaps"], GOOD, t + sni % EXPIRED +
         pin % digest(c[EXPIRED]), look + ["certificate has expired"]),
        ("the right key, unknown authority", ["imap"], GOOD, stranger +
         pin % good, look),
        ("the right key, wrong name", ["imaps"], GOOD, t + sni % WRONG +
         pin % wrong, named(GOOD, c[WRONG])),
        ("ECDSA, where the key of RSA is known", ["imaps"], GOOD,
         dual + pin % digest(c[DUAL]),
         key + ["sha256$" + digest(site.ecdsa).upper()]),
        ("RSA, where the key of ECDSA is known", ["imap"], GOOD,
         dual + v12 + "SSL_cipherlist = aRSA\n" + pin % digest(site.ecdsa),
         key + ["sha256$" + digest(c[DUAL]).upper()]),
        ("a version the server does not speak", BOTH, GOOD,
         t + "SSL_protocol_min = TLSv1\nSSL_protocol_max = TLSv1.1\n", gone),
        ("a cipher the server's key cannot do", ["imaps"], GOOD, t + v12 +
         "SSL_cipherlist = ECDHE-RSA-AES128-GCM-SHA256\n", gone),
    ]


# Said before the connection is made: option, value, what the line names.
UNUSABLE = [
    ("SSL_protocol_min = SSLv3", ["SSL_protocol_min = SSLv3",
                                  "broken and not supported"]),
    ("SSL_protocol_max = TLSv2", ["SSL_protocol_max = TLSv2",
                                  "unknown protocol version"]),
    ("SSL_protocol_min = TLSv1.3\nSSL_protocol_max = TLSv1.2",
     ["SSL_protocol_min = TLSv1.3 is above SSL_protocol_max = TLSv1.2"]),
    ("SSL_protocols = SSLv3", ["SSL_protocols: SSLv3", "not supported"]),
    ("SSL_protocols = TLSv1.1 TLSv1.3", ["SSL_protocols", "no range"]),
    ("SSL_protocols = !TLSv1.2 !TLSv1.3", ["SSL_protocols",
                                           "no version is left"]),
    ("SSL_cipherlist = NONESUCH", ["TLS: ", "cipher"]),
    ("SSL_fingerprint = md5$00112233445566778899aabbccddeeff",
     ["SSL_fingerprint", "md5"]),
    ("SSL_fingerprint = sha1$0011", ["SSL_fingerprint sha1$0011: sha1 has 40 "
                                     "hex"]),
    ("SSL_CAfile = /nonexistent", ["SSL_CAfile /nonexistent: No such file"]),
    ("SSL_CApath = /nonexistent", ["SSL_CApath /nonexistent: No such file"]),
    ("SSL_CAfile = /etc/passwd", ["/etc/passwd holds no certificate"]),
]


def unusable(site, more, needles):
    """Nobody connects: the log of the server has no line of it."""
    r, log = site.run("imaps", GOOD, more + "\n", "--quiet")
    eq(r.status, 78, "exit status; it said: " + r.err)
    one_line(r, "remote: ERROR: ", "section [remote] of " + r.conf, *needles)
    eq([l for l in log.splitlines() if TRIED in l or "rip=" in l], [],
       "what the server met")


def whole(cert):
    """The digest that browsers show, which is another."""
    out = subprocess.run(["openssl", "x509", "-in", cert[0], "-noout",
                          "-fingerprint", "-sha256"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return out.split("=")[1].strip().replace(":", "")


def ciphersuites(site):
    """What the library cannot do is named; the rest goes on."""
    r, _ = site.run("imaps", GOOD, site.trust +
                    "SSL_ciphersuites = TLS_AES_128_GCM_SHA256\n", "--quiet")
    eq(r.status, 0, "exit status; it said: " + r.err)
    one_line(r, "WARNING: ", "SSL_ciphersuites", "no effect")


def by_hand(site, type, host=GOOD):
    """The commands of the message, typed as they stand, give the digest."""
    need6(host)
    r, _ = site.run(type, host, "SSL_CAfile = %s\nSSL_hostname = %s\n" %
                    (site.stranger.file, OTHER), "--quiet")
    eq(r.status, 77, "exit status; it said: " + r.err)
    commands = re.findall(r'"(openssl s_client [^"]*)"', r.err)
    eq(len(commands), 2, "commands in: " + r.err)
    shown, computed = [subprocess.run(
        ["sh", "-c", c], text=True, stdout=subprocess.PIPE, timeout=30,
        stderr=subprocess.DEVNULL).stdout for c in commands]
    has(shown, "subject=CN = second", "-----BEGIN CERTIFICATE-----")
    print_of = computed.split()[-1]
    eq(print_of, digest(site.certs[OTHER]), "the digest")
    r, _ = site.run(type, host, "SSL_hostname = %s\nSSL_verify=NO\n"
                    "SSL_fingerprint=%s\n" % (OTHER, print_of), "--quiet")
    eq((r.status, r.err), (0, ""), "a run with it")


# ---- what the client says, and when ----

REFUSALS = {
    "wrong name": (WRONG, "ca", ""),
    "expired": (EXPIRED, "ca", ""),
    "not yet valid": (FUTURE, "ca", ""),
    "unknown authority": (GOOD, "stranger", ""),
    "another key": (GOOD, "ca", "SSL_fingerprint = " + "00" * 32 + "\n"),
    "another key, not verified": (GOOD, "ca", "SSL_verify = NO\n"
                                  "SSL_fingerprint = " + "00" * 32 + "\n"),
}


def relayed(site, type, cert, more, **options):
    """A run by way of the relay; what was said to it."""
    relay = Relay(site.scratch, cert, starttls=type == "imap", **options)
    r, _ = site.run(type, GOOD, more, "--quiet", port=relay.port)
    clear, inside = relay.heard()
    if type == "imaps":
        eq(clear, b"", "in the clear")
    return relay, r, clear, inside


def kept(site, type):
    """The relay would have kept a password: it keeps one that is sent."""
    _, r, clear, inside = relayed(site, type, site.certs[GOOD], site.trust,
                                  port=site.r.imap)
    eq((r.status, r.err), (0, ""), "the run")
    has(inside.decode(), "AUTHENTICATE PLAIN ", " LIST ", " ENABLE ")
    if type == "imap":
        eq(re.fullmatch(rb"\d{6} STARTTLS\r\n", clear) is not None, True,
           "in the clear: %r" % clear)
        eq(inside.split(b"\r\n")[0].split()[1], b"CAPABILITY",
           "asked again behind TLS")


def nothing_said(site, type, name):
    """Not one octet of IMAP, though a greeting waits to be answered."""
    cert, ca, more = REFUSALS[name]
    relay, r, clear, inside = relayed(
        site, type, site.certs[cert], "SSL_CAfile = %s\n%s" %
        (getattr(site, ca).file, more))
    eq(r.status, 77, "exit status; it said: " + r.err)
    one_line(r, "certificate of localhost refused: ")
    eq(inside, b"", "inside of TLS")
    eq(clear if type == "imaps" else clear.split()[1:],
       b"" if type == "imaps" else [b"STARTTLS"], "in the clear")
    if "key" in name or "name" in name:         # libtls refuses the others
        eq(relay.shaken, 1, "handshakes")


INJECTED = [
    ("a line", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "injected"),
    ("part of a line", b"* CAP", "injected"),
    ("an answer to what comes next",
     b"000001 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] in\r\n", "injected"),
    ("one octet", b" ", "injected"),
]


def injected(site, octets, needle, later):
    """Somebody in between speaks first, and is not listened to."""
    _, r, clear, inside = relayed(site, "imap", site.certs[GOOD], site.trust,
                                  port=site.r.imap, inject=octets,
                                  later=later)
    eq(r.status, 77, "exit status; it said: " + r.err)
    one_line(r, "remote: ERROR: ", *([] if later else [needle]))
    eq(inside, b"", "inside of TLS")
    eq(clear.split()[1:2], [b"STARTTLS"], "in the clear")
    if b"AUTHENTICATE" in clear or b"LOGIN" in clear:
        raise AssertionError("in the clear: %r" % clear)


def not_upgraded(site, answer):
    """A refused STARTTLS is the end, not the clear."""
    _, r, clear, inside = relayed(site, "imap", site.certs[GOOD], site.trust,
                                  port=site.r.imap, answer=answer)
    eq(r.status, 77, "exit status; it said: " + r.err)
    one_line(r, "remote: ERROR: STARTTLS failed: ", answer.split()[-1].decode())
    eq((clear.split()[1:], inside), ([b"STARTTLS"], b""), "what it said")


def run_all(site, only):
    def one(name, fn, *args):
        if only in name:
            test(name, fn, site, *args)
    for name, types, *rest in accepted_cases(site):
        for t in types:
            one("accepted, %s: %s" % (t, name), accepted, t, *rest)
    for name, types, *rest in refused_cases(site):
        for t in types:
            one("refused, %s: %s" % (t, name), refused, t, *rest)
    for name, *rest in ALERTS:
        one("no common ground: " + name, alert, *rest)
    for more, needles in UNUSABLE:
        one("unusable: " + more.replace("\n", ", "), unusable, more, needles)
    one("SSL_ciphersuites", ciphersuites)
    one("the commands of the message, IPv6", by_hand, "imaps", "[::1]")
    for t in BOTH:
        one("the commands of the message, " + t, by_hand, t)
        one("the relay keeps what is said, " + t, kept, t)
        for name in REFUSALS:
            one("not a word, %s: %s" % (t, name), nothing_said, t, name)
    for name, octets, needle in INJECTED:
        one("injected: " + name, injected, octets, needle, False)
    one("injected a little later", injected, INJECTED[0][1], "", True)
    for answer in (b"NO not today", b"BAD what"):
        one("STARTTLS: " + answer.decode(), not_upgraded, answer)


if __name__ == "__main__":
    with Scratch() as s:
        run_all(Site(s), sys.argv[1] if len(sys.argv) > 1 else "")
    done()
