# A real Cyrus on loopback.  Debian's packages of Dovecot and Cyrus exclude
# each other, so its own are fetched and unpacked into a folder, once for each
# run of the tests; what they are linked with comes from etc/packages.sh.
# Accounts are added one by one; SASL from a sasldb; autocreated mailboxes.
import glob
from servers import *

PACKAGES = ["cyrus-imapd", "cyrus-common"]
BIN = "usr/lib/cyrus/bin"
LIB = "usr/lib/x86_64-linux-gnu"
UNPACKED = os.environ.get("INTERIMAP_CYRUS", os.path.join(
    TOP, "build", "cyrus"))


class NoCyrus(Exception):
    pass


def unpack():
    """The folder with Cyrus in it; NoCyrus where there are no such packages."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise NoCyrus("no apt-get and dpkg to fetch and unpack it")
    if os.path.exists(os.path.join(UNPACKED, BIN, "imapd")):
        return UNPACKED
    os.makedirs(os.path.dirname(UNPACKED), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(UNPACKED)) as d:
        os.chmod(d, 0o755)
        q = subprocess.run(["apt-get", "download", "-q"] + PACKAGES, cwd=d,
                           text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        if q.returncode != 0:
            sys.exit("# apt-get download %s: %s" % (" ".join(PACKAGES),
                                                    q.stdout))
        for deb in glob.glob(os.path.join(d, "*.deb")):
            subprocess.run(["dpkg", "-x", deb, os.path.join(d, "root")],
                           check=True)
        try:                    # another test may have been quicker
            os.rename(os.path.join(d, "root"), UNPACKED)
        except OSError:
            pass
    return UNPACKED


class Cyrus:
    """A server with imap and imaps on 127.0.0.1."""
    password = "Cyrus_secret.1"

    def __init__(self, scratch, name, cert=None, extra="", unixsep=True):
        self.scratch, self.name, self.proc = scratch, name, None
        self.root = unpack()
        self.dir = scratch.mkdir(name)
        self.cert = cert or make_cert(scratch, name + "/tls")
        for d in ("conf", "conf/db", "conf/socket", "conf/proc", "conf/log",
                  "spool"):
            scratch.mkdir(name + "/" + d)
        self.extra, self.unixsep = extra, unixsep
        scratch.servers.append(self)

    def env(self):
        return dict(self.scratch.env(), LD_LIBRARY_PATH=os.path.join(
            self.root, LIB), CYRUS_CONF=self.dir)

    def account(self, user):
        db = self.dir + "/sasldb2"
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", db, "-u", "localhost",
                        user], input=self.password.encode(), check=True)
        os.chmod(db, 0o600)
        self.scratch.give(db)
        return Account(self, user)

    def configure(self):
        d = self.dir
        self.imap, self.imaps = free_port(), free_port()
        self.conf = self.scratch.write(self.name + "/imapd.conf", f"""
configdirectory: {d}/conf
partition-default: {d}/spool
defaultpartition: default
proc_path: {d}/conf/proc
mboxname_lockpath: {d}/conf/lock
lmtpsocket: {d}/conf/socket/lmtp
idlesocket: {d}/conf/socket/idle
cyrus_user: {USER.pw_name}
servername: localhost
defaultdomain: localhost
virtdomains: off
unixhierarchysep: {"yes" if self.unixsep else "no"}
altnamespace: yes
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {d}/sasldb2
sasl_mech_list: PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256
autocreate_quota: 0
tls_server_cert: {self.cert[0]}
tls_server_key: {self.cert[1]}
syslog_prefix: cyrus
conversations: no
{self.extra}
""")
        b = os.path.join(self.root, BIN)
        self.services = self.scratch.write(self.name + "/cyrus.conf", f"""
START {{
  recover cmd="{b}/ctl_cyrusdb -C {self.conf} -r"
}}
SERVICES {{
  imap cmd="{b}/imapd -C {self.conf} -U 100" listen="127.0.0.1:{self.imap}" prefork=1
  imaps cmd="{b}/imapd -s -C {self.conf} -U 100" listen="127.0.0.1:{self.imaps}" prefork=0
}}
EVENTS {{
  none cmd="/bin/true" period=1440
}}
""")

    def start(self):
        for _ in range(5):
            self.configure()
            self.proc = subprocess.Popen(
                as_user([os.path.join(self.root, BIN, "master"), "-D", "-p",
                         self.dir + "/pid", "-C", self.conf, "-M",
                         self.services]),
                env=self.env(), stdin=subprocess.DEVNULL,
                start_new_session=True,     # its end signals the group
                stdout=subprocess.DEVNULL,
                stderr=open(os.path.join(self.dir, "stderr"), "w"))
            if self.greets():
                return self
            self.stop()
        raise RuntimeError("Cyrus does not answer: " + self.said())

    def said(self):
        with open(os.path.join(self.dir, "stderr"), errors="replace") as f:
            return f.read()

    def greets(self):
        for _ in range(200):
            if self.proc.poll() is not None:
                return False
            try:
                with socket.create_connection(("127.0.0.1", self.imap), 5) as s:
                    if s.recv(4) == b"* OK":
                        return True
            except OSError:
                pass
            time.sleep(0.05)
        return False

    def stop(self):
        if self.proc is not None:
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            self.proc = None


class Account:
    """A user of that server."""
    def __init__(self, server, user):
        self.server, self.user = server, user

    def client(self):
        return CyrusClient(self)

    def section(self, type="imaps", extra=""):
        s = self.server
        return ("type = %s\nhost = localhost\nport = %d\nusername = %s\n"
                "password = %s\nSSL_CAfile = %s\n%s\n" %
                (type, s.imaps if type == "imaps" else s.imap, self.user,
                 s.password, s.cert[0], extra))


class CyrusClient(Client):
    def __init__(self, account):
        s = account.server
        self.c = imaplib.IMAP4("127.0.0.1", s.imap, 30)
        self.c.login(account.user, s.password)
        self.sep = "/" if s.unixsep else "."
        self.mailboxes() or self.ok(self.c.create("INBOX"))

    def wire(self, name):
        return quote(name.replace(".", self.sep))

    def unwire(self, name):
        return name.replace(self.sep, ".")

    def close(self):
        try:
            self.c.logout()
        except (OSError, imaplib.IMAP4.error):
            pass
