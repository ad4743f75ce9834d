# Real servers on loopback for the tests and the demo: private Dovecots in a
# scratch folder, run by an unprivileged user (Dovecot refuses mail to root),
# reached by a tunnel command or by TLS on 127.0.0.1.  Python 3, standard
# library only.
import atexit, hashlib, imaplib, os, pwd, re, shutil, socket, subprocess, sys
import tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PASSWORD = "test pass\"word\\1"
imaplib._MAXLINE = 100 * 1024 * 1024


def pick_user():
    """Who runs servers and programs: us, or nobody when we are root."""
    return pwd.getpwuid(os.getuid()) if os.getuid() != 0 else \
        pwd.getpwnam("nobody")


USER = pick_user()


def as_user(argv):
    if os.getuid() != 0:
        return argv
    return ["setpriv", "--reuid=%d" % USER.pw_uid, "--regid=%d" % USER.pw_gid,
            "--clear-groups", "--"] + argv


class Scratch:
    """A folder of the test's own, removed at the end."""
    def __init__(self, keep=False):
        self.dir = tempfile.mkdtemp(prefix="interimap-test.")
        self.keep = keep
        self.servers = []
        os.chmod(self.dir, 0o755)
        self.give(self.dir)

    def give(self, path):
        if os.getuid() == 0:
            os.chown(path, USER.pw_uid, USER.pw_gid)

    def mkdir(self, name):
        d = os.path.join(self.dir, name)
        os.makedirs(d, exist_ok=True)
        self.give(d)
        return d

    def write(self, name, text, mode=0o600):
        p = os.path.join(self.dir, name)
        with open(p, "w") as f:
            f.write(text)
        os.chmod(p, mode)
        self.give(p)
        return p

    def env(self):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:"
                "/usr/sbin:/sbin", "HOME": self.mkdir("home"),
                "USER": USER.pw_name, "LC_ALL": "C", "TZ": "UTC"}

    def close(self):
        for s in self.servers:
            s.stop()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_cert(scratch, name, cn="localhost",
              san="DNS:localhost,IP:127.0.0.1", days="30"):
    """A self-signed certificate: (file, key)."""
    crt = os.path.join(scratch.dir, name + ".crt")
    key = os.path.join(scratch.dir, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", days,
                    "-subj", "/CN=" + cn, "-addext", "subjectAltName=" + san,
                    "-keyout", key, "-out", crt], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scratch.give(crt)
    scratch.give(key)
    return crt, key


class Dovecot:
    """One account on one Dovecot."""
    def __init__(self, scratch, name, extra="", cert=None, sep=None):
        self.scratch, self.name, self.proc = scratch, name, None
        self.dir = scratch.mkdir(name)
        self.mail = scratch.mkdir(name + "/mail")
        self.store = os.path.join(self.mail, "store")
        self.cert = cert
        self.imap, self.imaps = free_port(), free_port()
        d = self.dir
        ssl = "ssl = no\n" if cert is None else (
            "ssl = yes\nssl_cert = <%s\nssl_key = <%s\n" % cert)
        ns = "" if sep is None else (
            "namespace inbox {\n  inbox = yes\n  separator = %s\n}\n" % sep)
        self.conf = scratch.write(name + "/dovecot.conf", f"""
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/log
protocols = imap
listen = 127.0.0.1
mail_location = maildir:{self.store}
mail_home = {self.mail}
mail_fsync = never
first_valid_uid = 1
last_valid_uid = 0
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_max_userip_connections = 100
default_internal_user = {USER.pw_name}
default_login_user = {USER.pw_name}
default_internal_group = {group_name()}
{ssl}{ns}passdb {{
  driver = static
  args = password={PASSWORD.replace(' ', '_')}
}}
userdb {{
  driver = static
  args = uid={USER.pw_uid} gid={USER.pw_gid} home={self.mail}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {self.imap}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {self.imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{extra}
""")
        scratch.servers.append(self)

    password = PASSWORD.replace(" ", "_")

    def tunnel(self):
        return "doveadm -c %s exec imap" % self.conf

    def listens(self):
        for _ in range(200):
            if self.proc.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.imap), 1).close()
                time.sleep(0.05)        # is it ours?
                return self.proc.poll() is None
            except OSError:
                time.sleep(0.05)
        return False

    def other_ports(self):
        """Another test was quicker to take one that was free."""
        with open(self.conf) as f:
            conf = f.read()
        old = self.imap, self.imaps
        self.imap, self.imaps = free_port(), free_port()
        for a, b in zip(old, (self.imap, self.imaps)):
            conf = conf.replace("port = %d\n" % a, "port = %d\n" % b)
        self.scratch.write(self.name + "/dovecot.conf", conf)

    def start(self):
        """Listen on 127.0.0.1 (imap and imaps)."""
        for _ in range(5):
            self.proc = subprocess.Popen(
                as_user(["dovecot", "-F", "-c", self.conf]),
                env=self.scratch.env(), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.listens():
                return self
            self.stop()
            self.other_ports()
        raise RuntimeError("dovecot does not listen: see %s/log" % self.dir)

    def stop(self):
        if self.proc is not None:
            self.proc.terminate()
            self.proc.wait()
            self.proc = None

    def client(self):
        return Client(self)


def group_name():
    import grp
    return grp.getgrgid(USER.pw_gid).gr_name


class Stream(imaplib.IMAP4_stream):
    """imaplib over a pre-authenticated server run as the unprivileged user."""
    def __init__(self, argv, env):
        self.argv, self.env = argv, env
        super().__init__("x")

    def open(self, host=None, port=None, timeout=None):
        self.host = self.port = self.sock = self.file = None
        self.process = subprocess.Popen(
            self.argv, env=self.env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.writefile, self.readfile = self.process.stdin, \
            self.process.stdout


def quote(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


NUMBERED = re.compile(rb"UID (\d+)")
FLAGS = re.compile(rb'FLAGS \(([^)]*)\)')
DATED = re.compile(rb'INTERNALDATE "([^"]*)"')


class Box:
    """A mailbox: its numbers, and (digest, flags, date) by UID."""
    def __init__(self, uidvalidity, uidnext, modseq):
        self.uidvalidity, self.uidnext = uidvalidity, uidnext
        self.modseq, self.messages = modseq, {}


class Client:
    """The second mail program of the user, and the eye of the test."""
    def __init__(self, server):
        self.c = Stream(as_user(server.tunnel().split()),
                        server.scratch.env())

    # A server with another delimiter has other names on the wire.
    def wire(self, name):
        return quote(name)

    def unwire(self, name):
        return name

    def close(self):
        try:
            self.c.logout()
        except Exception:
            pass
        self.c.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.close()

    def ok(self, r):
        if r[0] != "OK":
            raise RuntimeError(repr(r))
        return r[1]

    def create(self, name, subscribe=True):
        self.ok(self.c.create(self.wire(name)))
        if subscribe:
            self.ok(self.c.subscribe(self.wire(name)))

    def append(self, name, msg, flags="", date=None):
        if isinstance(msg, str):
            msg = msg.encode()
        msg = re.sub(rb"\r?\n", b"\r\n", msg)
        self.ok(self.c.append(self.wire(name), "(%s)" % flags, date and
                              '"%s"' % date, msg))

    def select(self, name):
        self.ok(self.c.select(self.wire(name)))

    def store(self, name, uids, op, flags):
        self.select(name)
        self.ok(self.c.uid("STORE", uids, op + "FLAGS", "(%s)" % flags))

    def expunge(self, name, uids):
        self.store(name, uids, "+", "\\Deleted")
        self.ok(self.c.uid("EXPUNGE", uids))

    def uids(self, name):
        self.select(name)
        r = self.ok(self.c.uid("SEARCH", "ALL"))
        return [int(u) for u in (r[0] or b"").split()]

    def mailboxes(self):
        out = []
        for l in self.ok(self.c.list('""', '"*"')):
            if l is None:
                continue
            if isinstance(l, tuple):
                if b"\\Noselect" not in l[0]:
                    out.append(self.unwire(l[1].decode()))
                continue
            m = re.match(rb'\(([^)]*)\) (?:"(?:\\.|[^"])*"|NIL) (.*)$', l)
            if b"\\noselect" in m.group(1).lower() or \
                    b"\\nonexistent" in m.group(1).lower():
                continue
            n = m.group(2)
            if n.startswith(b'"'):
                n = re.sub(rb"\\(.)", rb"\1", n[1:-1])
            out.append(self.unwire(n.decode()))
        return sorted(out)

    def subscribed(self):
        out = []
        for l in self.ok(self.c.lsub('""', '"*"')):
            if l:
                m = re.match(rb'\([^)]*\) (?:"[^"]*"|NIL) (.*)$', l)
                out.append(self.unwire(m.group(1).strip(b'"').decode()))
        return sorted(out)

    def look(self, name):
        """The mailbox as it is now: a Box."""
        self.ok(self.c.select(self.wire(name), readonly=True))
        told = self.c.untagged_responses
        box = Box(*(int(told.get(w, [b"0"])[0] or 0) for w in (
            "UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ")))
        if not int(told.get("EXISTS", [b"0"])[0] or 0):
            return box
        for item in self.ok(self.c.uid("FETCH", "1:*", "(FLAGS INTERNALDATE "
                                       "BODY.PEEK[])")):
            if not isinstance(item, tuple):
                continue
            flags = FLAGS.search(item[0]).group(1).split()
            fl = tuple(sorted(f.decode().lower() for f in flags
                              if f.lower() != b"\\recent"))
            t = time.mktime(imaplib.Internaldate2tuple(
                DATED.search(item[0]).group(0)))
            box.messages[int(NUMBERED.search(item[0]).group(1))] = (
                hashlib.sha256(item[1]).hexdigest(), fl, int(t))
        return box

    def messages(self, name):
        """[(digest of the message, flags, INTERNALDATE in seconds)]"""
        return sorted(self.look(name).messages.values())

    def snapshot(self):
        return {n: self.messages(n) for n in self.mailboxes()}


def reachable():
    """The programs, where the unprivileged user can run them; else a copy."""
    prog = os.path.join(TOP, "interimap", "interimap")
    if subprocess.run(as_user(["test", "-x", prog])).returncode == 0:
        return prog
    top = tempfile.mkdtemp(prefix="interimap-test.")
    atexit.register(shutil.rmtree, top, True)
    os.chmod(top, 0o755)
    for name in ("interimap", "imapchild", "statedb"):
        os.mkdir(os.path.join(top, name), 0o755)
        shutil.copy(os.path.join(TOP, name, name), os.path.join(top, name))
    return os.path.join(top, "interimap", "interimap")


class Result:
    def __init__(self, p):
        self.status, self.out, self.err = p.returncode, p.stdout, p.stderr


class Interimap:
    """The program under test, with a configuration of its own."""
    def __init__(self, scratch, local, remote, extra="", name="sync",
                 program=None):
        self.scratch, self.name = scratch, name
        self.program = program or os.environ.get(
            "INTERIMAP", os.path.join(TOP, "interimap", "interimap"))
        self.db = os.path.join(scratch.mkdir(name), "state.db")
        self.conf = scratch.write(name + "/config", "database = %s\n%s\n"
                                  "[local]\n%s\n[remote]\n%s\n" %
                                  (self.db, extra, local, remote))

    def argv(self, *args):
        return as_user([self.program, "--config=" + self.conf] + list(args))

    def run(self, *args, timeout=120, env=None):
        e = self.scratch.env()
        e.update(env or {})
        return Result(subprocess.run(
            self.argv(*args), env=e, timeout=timeout, text=True,
            errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE))


def tunnel_section(server):
    return "type = tunnel\ncommand = %s\nnull-stderr = YES\n" % \
        server.tunnel()


def imaps_section(server, ca=None, user=None, password=None):
    return ("type = imaps\nhost = localhost\nport = %d\nusername = %s\n"
            "password = %s\nSSL_CAfile = %s\n" %
            (server.imaps, user or USER.pw_name, password or server.password,
             ca or server.cert[0]))


# ---- sample mail ----

WORDS = ("garden river winter letter station harbour engine morning paper "
         "window summer answer travel island number market signal").split()


def sample(n, size=0, msgid=True):
    """Message n of the corpus, always the same."""
    w = WORDS[n % len(WORDS)]
    body = "".join("%s %d %s\n" % (WORDS[(n + i) % len(WORDS)], n * 7 + i,
                                   WORDS[(n * 3 + i) % len(WORDS)])
                   for i in range(5 + n % 23))
    if size > len(body):
        body += ("0123456789abcdef" * 4 + "\n") * ((size - len(body)) // 65)
    mid = "Message-ID: <%d.%s@example.org>\n" % (n, w) if msgid else ""
    return ("From: Sender %d <s%d@example.org>\nTo: user@example.net\n"
            "Subject: The %s of message %d\nDate: %s\n%s"
            "MIME-Version: 1.0\nContent-Type: text/plain\n\n%s" %
            (n % 17, n % 17, w, n, time.strftime(
                "%a, %d %b %Y %H:%M:%S +0000",
                time.gmtime(1700000000 + n * 4321)), mid, body))


FLAGSETS = [(), ("S",), ("S", "R"), ("F",), ("F", "S"), ("D",), ("R",),
            ("F", "R", "S")]


def put_maildir(server, box, numbers, size=0):
    """The messages of these numbers, seen, in a Maildir of this name."""
    d = os.path.join(server.store, "." + box)
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(d, sub), exist_ok=True)
    open(os.path.join(d, "maildirfolder"), "w").close()
    for n in numbers:
        with open(os.path.join(d, "cur", "17%08d.M1P1.h:2,S" % n), "w") as f:
            f.write(sample(n, size))


def give_maildirs(server):
    """To the user that the server runs as."""
    if os.getuid() == 0:
        for dp, dn, fn in os.walk(server.mail):
            for x in dn + fn:
                os.chown(os.path.join(dp, x), USER.pw_uid, USER.pw_gid)


def fill_maildir(server, boxes, first=0, count=100):
    """Write messages straight into the Maildirs (before Dovecot sees them)."""
    n = first
    for k, box in enumerate(boxes):
        d = server.store if box == "INBOX" else os.path.join(
            server.store, "." + box.replace("/", "."))
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(d, sub), exist_ok=True)
        if box != "INBOX":
            open(os.path.join(d, "maildirfolder"), "w").close()
        for i in range(count):
            t = 1700000000 + n * 4321
            p = os.path.join(d, "cur", "%d.M%dP1.host:2,%s" % (
                t, n, "".join(sorted(FLAGSETS[n % len(FLAGSETS)]))))
            with open(p, "w") as f:
                f.write(sample(n))
            os.utime(p, (t, t))
            n += 1
    give_maildirs(server)
    return n
