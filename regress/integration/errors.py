#!/usr/bin/env python3
# What bad input gets from the real program: an exit status, one line that
# names the side, the mailbox, the cause and what to do; nothing lost on either
# server; and once the cause is gone the next run goes on, until both sides are
# equal.  Here: connections, databases, processes that die, mailboxes that are
# replaced, with Dovecot.  Configurations are in badconfig.py, servers that
# misbehave in badserver.py.
#
#	errors.py [PART OF A NAME]
import os, signal, sqlite3, subprocess, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import badconfig, badserver, kill
from badserver import LOST, Scripted, one_line, quirks, said
from servers import *
from sync import Pair
from tap import *


# ---- connections ----

class Secure:
    """A local account by tunnel, a remote one by TLS."""
    def __init__(self, scratch, **cert):
        self.scratch = scratch
        self.l = Dovecot(scratch, "L")
        self.cert = make_cert(scratch, "cert", **cert)
        self.r = Dovecot(scratch, "R", cert=self.cert).start()
        fill_maildir(self.l, ["INBOX", "A"], count=10)
        fill_maildir(self.r, ["INBOX", "B"], first=50, count=5)

    def run(self, section):
        """One run with this for [remote]; the file of the configuration."""
        p = Interimap(self.scratch, tunnel_section(self.l), section)
        return p.run("--quiet"), p.conf

    def mail(self):
        with self.l.client() as a, self.r.client() as b:
            return a.snapshot(), b.snapshot()

    def goes_on(self, before, section=None):
        eq(self.mail(), before, "what both sides hold")
        r, _ = self.run(section or imaps_section(self.r))
        eq((r.status, said(r)), (0, []), "the next run")
        a, b = self.mail()
        eq(a, b, "the two sides")
        eq({n: len(v) for n, v in a.items()}, {"INBOX": 15, "A": 10, "B": 5},
           "messages")


def replaced(section, option, value):
    """The section with another value for that option; None: without it."""
    lines = [l for l in section.splitlines()
             if not l.startswith(option + " =")]
    if value is not None:
        lines.append("%s = %s" % (option, value))
    return "\n".join(lines) + "\n"


# Name, option and value of [remote] (or a function of the servers that gives
# it), exit status, what the line says; FILE is the configuration.
CONNECTION = [
    ("wrong password", "password", "wrong", 77,
     ["remote: ERROR: login refused", "check username, password and auth in "
      "section [remote] of FILE"]),
    ("no password", "password", None, 78,
     ["remote: ERROR: Missing option password", "section [remote] of FILE"]),
    ("no username", "username", None, 78,
     ["remote: ERROR: Missing option username", "section [remote] of FILE"]),
    ("certificate not trusted", "SSL_CAfile",
     lambda s: make_cert(s.scratch, "other")[0], 77,
     ["remote: ERROR: certificate of localhost refused", "self-signed",
      "trust its issuer with SSL_CAfile"]),
    ("no such file of certificates", "SSL_CAfile", "/nonexistent/ca.pem", 78,
     ["remote: ERROR: SSL_CAfile /nonexistent/ca.pem: No such file",
      "section [remote] of FILE"]),
    ("another public key", "SSL_fingerprint", "sha256$" + "00" * 32, 77,
     ["remote: ERROR: certificate of localhost refused",
      "which SSL_fingerprint does not list"]),
    ("no such version of TLS", "SSL_protocol_min", "SSLv9", 78,
     ["remote: ERROR: SSL_protocol_min = SSLv9", "use TLSv1",
      "section [remote] of FILE"]),
    ("no such cipher", "SSL_cipherlist", "NOSUCH", 78,
     ["remote: ERROR: TLS: ", "NOSUCH", "section [remote] of FILE"]),
    ("a port without TLS", "port", lambda s: s.r.imap, 77,
     ["remote: ERROR: TLS handshake with localhost", "its port for TLS?"]),
    ("connection refused", "port", lambda s: free_port(), 75,
     ["remote: ERROR: cannot connect to host localhost port", "(127.0.0.1)",
      "Connection refused", LOST]),
    ("a port that has no number", "port", "nowhere", 75,
     ["remote: ERROR: cannot resolve host localhost port nowhere"]),
]


def connection(option, value, status, needles):
    with Scratch() as s:
        c = Secure(s)
        before = c.mail()
        if callable(value):
            value = value(c)
        r, conf = c.run(replaced(imaps_section(c.r), option, value))
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, *(n.replace("FILE", conf) for n in needles))
        if c.r.password in r.err:
            raise AssertionError("the password is shown: " + r.err)
        c.goes_on(before)


def wrong_host():
    """A trusted certificate of another host; its key is told."""
    with Scratch() as s:
        c = Secure(s, cn="other.example", san="DNS:other.example")
        before = c.mail()
        r, _ = c.run(imaps_section(c.r))
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: certificate of localhost refused",
                 "it names another host", "other.example", 'correct "host"')
        pin = re.search(r"SSL_fingerprint=(\S+)", r.err).group(1)
        c.goes_on(before, imaps_section(c.r) + "SSL_fingerprint = %s\n"
                  "SSL_verify = NO\n" % pin)


# Name, the command, exit status, what the line says.
COMMANDS = [
    ("cannot be run", "/nonexistent/imap", 1,
     ["remote: ERROR: cannot run command", "/nonexistent/imap", "No such file",
      "section [remote] of FILE"]),
    ("ends at once", "false", 75,
     ["remote: ERROR: server closed the connection before it greeted"]),
    ("is no IMAP server", "echo hello", 1,
     ["remote: ERROR: ", "the server broke the protocol"]),
    ("says BYE", "printf '* BYE over capacity\\r\\n'", 75,
     ["remote: ERROR: greeting refused: over capacity", LOST]),
]


def command(text, status, needles):
    with Scratch() as s:
        c = Secure(s)
        before = c.mail()
        r, conf = c.run("type = tunnel\ncommand = %s\n" % text)
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, *(n.replace("FILE", conf) for n in needles))
        c.goes_on(before)


# ---- mailboxes ----

def synced(scratch, count=10):
    p = Pair(scratch)
    fill_maildir(p.l, ["INBOX", "A", "B"], count=count)
    p.run()
    return p


def others_go_on(p, box):
    """News in INBOX on both sides arrive; this mailbox is not touched."""
    p.act("L", "add", "INBOX", 500, "")
    p.act("R", "add", "INBOX", 501, "\\Seen")
    before = p.sides()
    r = p.sync.run("--quiet")
    eq(r.status, 2, "exit status; it said: " + r.err)
    after = p.sides()
    for i in range(2):
        eq(after[i].get(box), before[i].get(box), box + " is left alone")
    eq(after[0]["INBOX"], after[1]["INBOX"], "INBOX on both sides")
    eq(len(after[0]["INBOX"]), 12, "messages in INBOX")
    return r


def equal(p):
    r = p.sync.run("--quiet")
    eq((r.status, said(r)), (0, []), "the next run")
    a, b, _, _ = p.sides()
    eq(a, b, "the two sides")
    p.settled()
    return a


def uidvalidity():
    """Deleted and created again on one side; renamed on both, it goes on."""
    with Scratch() as s:
        p = synced(s)
        with p.r.client() as c:
            c.ok(c.c.delete("A"))
            c.create("A")
            c.append("A", sample(600))
        for _ in range(2):
            r = p.sync.run("--quiet")
            eq(r.status, 2, "exit status; it said: " + r.err)
            one_line(r, "remote(A): ERROR: UIDVALIDITY changed!",
                     "left alone", "run interimap --reset A")
        r = others_go_on(p, "A")
        one_line(r, "remote(A): ERROR: UIDVALIDITY changed!")
        for server in (p.l, p.r):
            with server.client() as c:
                c.ok(c.c.rename("A", "A2"))
        eq(len(equal(p)["A2"]), 11, "messages of both sides in A2")


def gone(deleted):
    """Gone from one side: nothing is deleted on the other."""
    with Scratch() as s:
        p = synced(s)
        with p.r.client() as c:
            c.ok(c.c.delete("A") if deleted else c.c.rename("A", "A2"))
        r = others_go_on(p, "A")
        one_line(r, "remote: WARNING: Mailbox A is gone there but exists on "
                 "local", "left alone", "interimap --delete", "--rename")
        with p.l.client() as c:
            eq(len(c.uids("A")), 10, "messages left")
            if deleted:
                c.ok(c.c.delete("A"))
        if deleted:
            equal(p)


# ---- the database ----

def spoil_readonly(db):
    os.chmod(db, 0o400)
    return lambda: os.chmod(db, 0o600)


def spoil_text(db):
    os.rename(db, db + ".saved")
    with open(db, "w") as f:
        f.write("This is not a database.\n" * 200)
    os.chmod(db, 0o600)
    if os.getuid() == 0:
        os.chown(db, USER.pw_uid, USER.pw_gid)
    return lambda: os.rename(db + ".saved", db)


def spoil_version(db):
    with sqlite3.connect(db) as c:
        version = c.execute("PRAGMA user_version").fetchone()[0]
        c.execute("PRAGMA user_version = %d" % (version + 1))

    def mend():
        with sqlite3.connect(db) as c:
            c.execute("PRAGMA user_version = %d" % version)
    return mend


def database(spoil, *needles):
    """Found before a server is spoken to."""
    with Scratch() as s:
        p = synced(s)
        p.act("L", "add", "INBOX", 500, "")
        before = p.sides()
        mend = spoil(p.sync.db)
        r = p.sync.run("--debug")
        eq(r.status, 1, "exit status; it said: " + r.err)
        eq([l for l in r.err.splitlines() if " C: " in l], [],
           "what was sent to a server")
        one_line(r, "database: ERROR: ", p.sync.db, *needles)
        eq(p.sides(), before, "what both sides hold")
        mend()
        eq(len(equal(p)["INBOX"]), 11, "messages in INBOX")


def no_folder():
    with Scratch() as s:
        p = Pair(s)
        p.sync.db = os.path.join(s.dir, "nowhere", "state.db")
        text = open(p.sync.conf).read()
        s.write("sync/config", re.sub("database = .*", "database = " +
                                      p.sync.db, text))
        r = p.sync.run("--quiet")
        eq(r.status, 1, "exit status; it said: " + r.err)
        one_line(r, "database: ERROR: ", p.sync.db, "No such file")


def wait_for(stream, text):
    """Read lines until one holds that text."""
    for line in stream:
        if text in line:
            return
    raise AssertionError("it ended before it said " + text)


def settled(p):
    """What both sides hold, when the first has come to its end of work."""
    now = p.boxes()
    while True:
        time.sleep(0.3)
        before, now = now, p.boxes()
        if before == now:
            return now


def second_instance():
    """The lock names the database; the first, told to, ends at once."""
    with Scratch() as s:
        p = Scripted(s)
        first = Interimap(s, p.l.section(), p.r.section(
            *quirks("silent=SELECT")))
        with subprocess.Popen(first.argv("--debug"), env=s.env(), text=True,
                              stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as q:
            wait_for(q.stderr, " SELECT ")
            before = settled(p)
            r = first.run("--quiet")
            after = p.boxes()
            began = time.monotonic()
            q.terminate()
            q.stderr.read()
            eq(q.wait(), 0, "exit status of the first, after SIGTERM")
            if time.monotonic() - began > 10:
                raise AssertionError("it took its time to end")
        eq(after == before, True, "both sides are as they were")
        eq(r.status, 75, "exit status; it said: " + r.err)
        one_line(r, "database: ERROR: ", first.db, "locked",
                 "another instance")
        p.goes_on(before)


# ---- processes ----

def children(pid, name):
    """Children of that name, in the order they were started."""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        kids = f.read().split()
    out = []
    for k in kids:
        try:
            with open("/proc/%s/comm" % k) as f:
                if f.read().strip() == name:
                    out.append(int(k))
        except OSError:
            pass
    return out


def killed(name, nth, told, sig):
    """
    A child dies while messages are copied both ways.  A server may still be
    busy with an APPEND of the first run when that has ended; the next run
    waits for it.
    """
    with Scratch() as s:
        p = Pair(s)
        fill_maildir(p.l, ["INBOX", "A", "B"], count=1000)
        fill_maildir(p.r, ["INBOX", "C"], first=5000, count=500)
        with kill.start(p, {}) as q:
            wait_for(q.stderr, "Added ")
            os.kill(children(q.pid, name)[nth], sig)
            q.err = q.stderr.read()
            status = q.wait()
        eq(status, 70, "exit status; it said: " + q.err)
        one_line(q, "ERROR: %s: killed by %s" % (told, sig.name), LOST)
        a = equal(p)
        eq({n: len(v) for n, v in a.items()},
           {"INBOX": 1500, "A": 1000, "B": 1000, "C": 500}, "messages")


def run_all(only):
    for name, option, value, status, needles in CONNECTION:
        if only in name:
            test(name, connection, option, value, status, needles)
    for name, text, status, needles in COMMANDS:
        if only in name:
            test("a command that " + name, command, text, status, needles)
    for name, fn, *args in (
            ("wrong host name", wrong_host),
            ("UIDVALIDITY changed", uidvalidity),
            ("a mailbox deleted on one side", gone, True),
            ("a mailbox renamed on one side", gone, False),
            ("database: read-only", database, spoil_readonly, "read-only",
             "writable"),
            ("database: a text file", database, spoil_text,
             "not a database", "name another file"),
            ("database: of a later version", database, spoil_version,
             "of version 2", "use the program that wrote it"),
            ("database: no folder", no_folder),
            ("database: a second instance", second_instance),
            ("imapchild (local) killed", killed, "imapchild", 0,
             "imapchild (local)", signal.SIGKILL),
            ("imapchild (remote) killed", killed, "imapchild", 1,
             "imapchild (remote)", signal.SIGKILL),
            ("imapchild (remote) crashed", killed, "imapchild", 1,
             "imapchild (remote)", signal.SIGSEGV),
            ("statedb killed", killed, "statedb", 0, "statedb",
             signal.SIGKILL)):
        if only in name:
            test(name, fn, *args)


def build():
    """The program that has less patience with a silent server."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and
           k != "MFLAGS"}
    q = subprocess.run(["make", "-C", TOP, badserver.HASTY], env=env,
                       text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    if q.returncode != 0:
        sys.exit("# the build failed:\n" + q.stdout)


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    build()
    badconfig.run_all(what)
    run_all(what)
    badserver.run_all(what)
    done()
