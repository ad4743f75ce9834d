#!/usr/bin/env python3
# Passwords and tokens: from a command, in a file that others may read, and
# where they are while a run lasts: nowhere, once the server has answered.
#
#	secrets.py [PART OF A NAME]
import base64, os, random, string, sys, tempfile, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth import IN_THE_CLEAR, Odd, SECRET, USERNAME, dovecot_section, hides
from badserver import one_line, quirks, said
from servers import *
from tap import *

HASTY = os.path.join(TOP, "build/hasty/interimap/interimap")
PATIENCE = 2            # of this one with a command, in seconds
ALL = ["AUTH=SCRAM-SHA-256", "AUTH=SCRAM-SHA-1", "AUTH=OAUTHBEARER",
       "AUTH=XOAUTH2"]


def odd(scratch, **options):
    return Odd(scratch, flights=False, **options)


def by_command(program, command):
    """The configuration with password-command instead of the password."""
    with open(program.conf) as f:
        text = f.read()
    has(text, "password = " + SECRET)
    program.scratch.write(program.name + "/config", text.replace(
        "password = " + SECRET, "password-command = " + command))
    return program


# ---- password-command ----

# Name, the command and the password it is to yield.
COMMANDS = [
    ("a line", "echo s3cret", "s3cret"),
    ("words, no shell", "printf s3cret", "s3cret"),
    ("CR LF", "printf 's3cret\\r\\n'", "s3cret"),
    ("more lines", "printf 's3cret\\nlogin: joe\\n'", "s3cret"),
    ("blanks are kept", "printf ' s3 cret \\n'", " s3 cret "),
    ("a shell's pipe", "printf 's3cret\\n' | tr 3 4", "s4cret"),
    ("much behind it", "sh -c 'echo s3cret; head -c 300000 /dev/zero'",
     "s3cret"),
    ("8000 octets", "head -c 8000 /dev/zero | tr '\\000' x", "x" * 8000),
    ("standard error is not looked at", "sh -c 'echo no >&2; echo s3cret'",
     "s3cret"),
    ("something is left in the background",
     "sleep 20 2>/dev/null & echo s3cret", "s3cret"),
    ("an empty standard input", "sh -c 'cat; echo s3cret'", "s3cret"),
    ("a clean environment", "echo \"$PATH$IFS\" | tr -d ' \\t\\n'",
     "/usr/bin:/bin"),
]


def yields(command, password):
    with Scratch() as s:
        o = odd(s, login="%s:%s" % (USERNAME, password))
        p = by_command(o.program(), command)
        began = time.monotonic()
        r = p.run("--debug")
        eq((r.status, said(r)), (0, []), "it said: " + r.err)
        hides(r.err, password)
        has(r.err, "remote: running password-command")
        eq(time.monotonic() - began < 15, True, "it waited for nothing")
        o.equal()


# Name, the command, and what the one line says.
FAILURES = [
    ("an exit status", "sh -c 'echo s3cret; exit 3'", "exit status 3"),
    ("a signal", "echo s3cret; kill -9 $$", "killed by signal 9"),
    ("nothing", "true", "the first line of its output is empty"),
    ("an empty line", "printf '\\ns3cret\\n'",
     "the first line of its output is empty"),
    ("too much", "head -c 8193 /dev/zero | tr '\\000' x",
     "the first line of its output is too long"),
    ("NUL", "printf 's3\\000cret\\n'",
     "the first line of its output holds a NUL"),
    ("no such program", "/nonexistent s3cret", "it cannot be run: "),
]


def fails(command, needle):
    with Scratch() as s:
        o = odd(s)
        before = o.p.boxes()
        r = by_command(o.program(), command).run("--debug", "--debug")
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: password-command failed: " + needle,
                 "run it by hand", "section [remote] of ")
        hides(r.err, "s3cret", "x" * 20)
        eq(os.path.exists(o.log), False, "the server was asked")
        eq(o.p.boxes(), before, "what both sides hold")


def alive(pid):
    try:
        with open("/proc/%s/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pidfile):
    """They were killed; the kernel may need a moment to end them."""
    with open(pidfile) as f:
        for pid in f.read().split():
            for _ in range(100):
                if not alive(pid):
                    break
                time.sleep(0.05)
            eq(alive(pid), False, "process %s is left" % pid)


def slow_command(s):
    """A command that never ends, with a child, and where it notes both."""
    pids = os.path.join(s.mkdir("pids"), "pids")
    return pids, "sh -c 'sleep 300 & echo $$ $! >%s; wait'" % pids


def too_slow():
    if not os.path.exists(HASTY):
        raise AssertionError("make %s first" % HASTY)
    with Scratch() as s:
        pids, command = slow_command(s)
        o = odd(s)
        p = by_command(o.program(program=HASTY), command)
        began = time.monotonic()
        r = p.run()
        eq(r.status, 77, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: password-command failed: it takes too "
                 "long")
        eq(time.monotonic() - began < PATIENCE + 10, True, "in time")
        gone(pids)


def interrupted():
    """SIGTERM ends the wait, and the command with it; no core meanwhile."""
    with Scratch() as s:
        pids, command = slow_command(s)
        o = odd(s)
        p = by_command(o.program(), command)
        q = subprocess.Popen(p.argv(), env=s.env(), text=True,
                             stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        try:
            until(lambda: os.path.exists(pids) and os.path.getsize(pids))
            eq(os.stat("/proc/%d/mem" % q.pid).st_uid, 0,
               "whose memory it is, where no core may be written")
            q.terminate()
            err = q.stderr.read()
            eq((q.wait(), err), (0, ""), "exit status and words")
        finally:
            end(q)
        gone(pids)


def end(q):
    if q.poll() is None:
        q.kill()
    q.wait()
    if q.stderr:
        q.stderr.close()


def until(fn, seconds=20):
    for _ in range(seconds * 40):
        got = fn()
        if got:
            return got
        time.sleep(0.025)
    raise AssertionError("it did not come to pass")


def each_session():
    """--watch asks again, and so gets a fresh token."""
    with Scratch() as s:
        count = os.path.join(s.mkdir("count"), "n")
        o = odd(s, login="joe:s3cret")
        p = by_command(o.program(), "sh -c 'echo x >>%s; echo s3cret'" % count)
        eq(p.run().status, 0, "the first run")
        q = subprocess.Popen(p.argv("--watch=1"), env=s.env(), text=True,
                             stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        try:
            until(lambda: os.path.getsize(count) >= 2 * 3)
            q.terminate()
            q.stderr.read()
            eq(q.wait(), 0, "exit status")
        finally:
            end(q)


# ---- the file ----

READABLE = "holds a password and may be read by others"


def permissions():
    """Said on every run, also by --quiet; refused when that is asked for."""
    with Scratch() as s:
        o = odd(s)
        p = o.program()
        os.chmod(p.conf, 0o640)
        for _ in range(2):
            r = p.run("--quiet")
            eq(r.status, 0, "exit status; it said: " + r.err)
            one_line(r, "WARNING: %s: %s; run: chmod go-rw" % (p.conf,
                                                              READABLE))
        with open(p.conf) as f:
            text = f.read()
        os.unlink(o.log)
        s.write("sync/config", "strict-permissions = YES\n" + text, 0o640)
        r = p.run()
        eq(r.status, 78, "exit status; it said: " + r.err)
        one_line(r, "ERROR: %s: %s, and strict-permissions is YES" %
                 (p.conf, READABLE))
        eq(os.path.exists(o.log), False, "the server was asked")
        os.chmod(p.conf, 0o600)
        r = p.run()
        eq((r.status, said(r)), (0, []), "mode 0600")
        s.write("sync/config", "strict-permissions = YES\n" + text.replace(
            "password = " + SECRET, "password-command = echo s3cret"), 0o644)
        r = p.run()
        eq((r.status, said(r)), (0, []), "no password in it")


def foreign():
    if os.getuid() != 0:
        raise Skip("not root")
    with Scratch() as s:
        o = odd(s)
        p = o.program()
        os.chown(p.conf, 12345, USER.pw_gid)
        os.chmod(p.conf, 0o640)
        for _ in range(2):
            r = p.run("--quiet")
            eq((r.status, len(said(r))), (0, 2), "it said: " + r.err)
            has(r.err, "WARNING: %s: belongs to another user" % p.conf)


# ---- memory ----

# What is left of a secret may have lost its beginning: free(3) writes there.
WINDOW = 8
PIECES = 24


def pieces(text):
    step = max(WINDOW, len(text) // PIECES)
    return [text[i:i + WINDOW].encode()
            for i in range(0, len(text) - WINDOW + 1, step)]


def tree(pid):
    """The process and all that it started, with their names."""
    with open("/proc/%d/comm" % pid) as f:
        out = [(pid, f.read().strip())]
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        for k in f.read().split():
            out += tree(int(k))
    return out


def memory(pid):
    """All that a process can write to, a mapping at a time."""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            area, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            first, last = (int(x, 16) for x in area.split("-"))
            mem.seek(first)
            try:
                yield line.rstrip("\n"), mem.read(last - first)
            except OSError:
                pass


def found(pid, texts):
    """Where a piece of one of these texts is."""
    out = []
    for name in ("cmdline", "environ"):
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            data = f.read()
            out += [name for t in texts for p in pieces(t) if p in data]
    for where, data in memory(pid):
        out += ["%s: %s" % (p.decode(), where) for t in texts
                for p in pieces(t) if p in data]
    return out


def random_text(n):
    return "".join(random.SystemRandom().choice(
        string.ascii_letters + string.digits) for _ in range(n))


def shapes(secret):
    """The secret as it is, and inside of anything in base 64."""
    return [secret] + [base64.b64encode(b"x" * shift + secret.encode())
                       .decode()[4:-4] for shift in range(3)]


def need_memory():
    if os.getuid() != 0:
        raise Skip("only root can read the memory of others")


class Held:
    """A run that the local server, which is silent, holds up."""
    def __init__(self, scratch, program, *args):
        argv = program.argv("--debug", *args)
        self.err = tempfile.TemporaryFile()
        self.q = subprocess.Popen(argv, env=scratch.env(),
                                  stdin=subprocess.DEVNULL, stderr=self.err)

    def said(self):
        size = os.fstat(self.err.fileno()).st_size
        return os.pread(self.err.fileno(), size, 0).decode("latin-1")

    def wait(self, text):
        def look():
            if self.q.poll() is not None:
                raise AssertionError("it ended: " + self.said())
            return text in self.said()
        until(look)

    def processes(self):
        """[(name, pid)]: ours, not those of the servers."""
        out = [(n, p) for p, n in tree(self.q.pid)
               if n in ("interimap", "imapchild", "statedb")]
        eq([n for n, _ in out if n == "imapchild"], ["imapchild"] * 2,
           "two imapchildren among %r" % out)
        return out

    def __enter__(self):
        return self

    def __exit__(self, *a):
        end(self.q)
        self.err.close()


def local_section(o, secret):
    return o.p.l.section(*quirks("silent=LIST")) + \
        "username = local\npassword = %s\n" % secret


def nowhere(h, program, texts):
    for name, pid in h.processes():
        eq(found(pid, texts), [], "in %s, process %d" % (name, pid))
    for t in texts:
        if any(p.decode() in h.said() for p in pieces(t)):
            raise AssertionError("in the log: " + h.said())
    with open(program.db, "rb") as f:
        data = f.read()
    eq([p for t in texts for p in pieces(t) if p in data], [],
       "in the database")


# Name, auth, whether it comes from a command, length, options of the server.
MEMORY = [
    ("PLAIN", "PLAIN", False, 48, {}),
    ("PLAIN, no SASL-IR", "PLAIN", False, 48, {"without": ["SASL-IR"]}),
    ("LOGIN", "LOGIN", False, 48, {}),
    ("a long LOGIN", "LOGIN", True, 4000, {}),
    ("a long PLAIN, by a command", "PLAIN", True, 4000, {}),
    ("SCRAM-SHA-256", "SCRAM-SHA-256", False, 48, {}),
    ("SCRAM-SHA-1, longer than its blocks", "SCRAM-SHA-1", True, 100, {}),
    ("XOAUTH2, by a command", "XOAUTH2", True, 2000, {}),
    ("OAUTHBEARER", "OAUTHBEARER", False, 800, {"without": ["SASL-IR"]}),
]


def forgotten(auth, command, length, options):
    """Both secrets, in all processes, after both servers have answered."""
    need_memory()
    secret, other = random_text(length), random_text(48)
    with Scratch() as s:
        options = dict(options, login="%s:%s" % (USERNAME, secret))
        o = odd(s, before=ALL, **options)
        p = o.program(password=secret, more=IN_THE_CLEAR + "auth = " + auth)
        with open(p.conf) as f:
            text = f.read()
        if command:
            text = text.replace("password = " + secret,
                                "password-command = cat %s" % s.write(
                                    "secret", secret + "\n"))
        text = text.replace(o.p.l.section(), local_section(o, other))
        s.write("sync/config", text)
        with Held(s, p) as h:
            h.wait("remote: C: 000001 ")
            h.wait("local: C: ")
            time.sleep(0.2)
            has(h.said(), "remote: S: xxx OK")
            nowhere(h, p, shapes(secret) + shapes(other))


def handed_over(auth):
    """
    Before the server has answered it is in one process, and this test sees it
    there.
    """
    need_memory()
    secret, other = random_text(48), random_text(48)
    with Scratch() as s:
        o = odd(s, before=ALL, hang=True, login="%s:%s" % (USERNAME, secret))
        p = o.program(password=secret, more=IN_THE_CLEAR + "auth = " + auth)
        with open(p.conf) as f:
            text = f.read()
        s.write("sync/config", text.replace(o.p.l.section(),
                                            local_section(o, other)))
        with Held(s, p) as h:
            h.wait("remote: C: xxx ")
            h.wait("local: C: ")
            time.sleep(0.2)
            seen = [(n, pid, bool(found(pid, [secret])))
                    for n, pid in h.processes()]
            eq([n for n, _, x in seen if x], ["imapchild"], "who has it")
            for n, pid in h.processes():
                eq(found(pid, shapes(other)), [], "the local one's")
                with open("/proc/%d/limits" % pid) as f:
                    has(f.read(), "Max core file size        0 ")
                eq(os.stat("/proc/%d/mem" % pid).st_uid, 0, n + ": no core")


def over_tls(type, auth):
    """The same where TLS stands between, and with a key of our own."""
    need_memory()
    secret, other = random_text(48), random_text(48)
    with Scratch() as s:
        cert, mine = make_cert(s, "cert"), make_cert(s, "mine")
        o = odd(s)
        d = Dovecot(s, "D", cert=cert, extra="auth_mechanisms = plain login "
                    "scram-sha-256\n")
        with open(d.conf) as f:
            text = f.read()
        s.write("D/dovecot.conf", text.replace("password=" + d.password,
                                               "password=" + secret))
        d.start()
        fill_maildir(d, ["INBOX"], count=3)
        p = Interimap(s, local_section(o, other), dovecot_section(
            d, "auth = %s\nSSL_CAfile = %s\nSSL_cert = %s\nSSL_key = %s\n" %
            ((auth, cert[0]) + mine), host="localhost").replace(
                d.password, secret).replace("type = imap", "type = " + type)
            .replace("port = %d" % d.imap, "port = %d" % (
                d.imaps if type == "imaps" else d.imap)))
        with open(mine[1]) as f:    # of it, what no certificate holds
            key = "".join(f.read().splitlines()[1:-1])[48:88]
        with Held(s, p) as h:
            h.wait("remote: S: xxx OK")
            h.wait("local: C: ")
            time.sleep(0.2)
            nowhere(h, p, shapes(secret) +
                    shapes(other) + [key])


def watching():
    """The supervisor never had it."""
    need_memory()
    secret = random_text(48)
    with Scratch() as s:
        o = odd(s, login="%s:%s" % (USERNAME, secret))
        p = o.program(password=secret)
        eq(p.run("--quiet").status, 0, "the first run")
        with open(p.conf) as f:
            text = f.read()
        s.write("sync/config", text.replace(
            o.p.l.section(), o.p.l.section(*quirks("silent=LIST"))))
        with Held(s, p, "--watch=60") as h:
            h.wait("remote: S: xxx OK")
            h.wait("remote: C: 000001 ")
            time.sleep(0.2)
            eq([n for n, _ in h.processes()].count("interimap"), 2,
               "supervisor and session")
            nowhere(h, p, shapes(secret))


def run_all(only):
    for name, fn, *args in (
            [("yields: " + n, yields, *a) for n, *a in COMMANDS] +
            [("fails: " + n, fails, *a) for n, *a in FAILURES] +
            [("a command that never ends", too_slow),
             ("a signal meanwhile", interrupted),
             ("each session asks again", each_session),
             ("who may read the file", permissions),
             ("a file of another user", foreign)] +
            [("before the answer: " + a, handed_over, a) for a in (
                "PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2")] +
            [("forgotten: " + n, forgotten, *a) for n, *a in MEMORY] +
            [("forgotten: %s, %s" % (t, a), over_tls, t, a) for t, a in (
                ("imap", "PLAIN"), ("imaps", "LOGIN"),
                ("imaps", "SCRAM-SHA-256"))] +
            [("forgotten: --watch", watching)]):
        if only in name:
            test(name, fn, *args)


if __name__ == "__main__":
    run_all(sys.argv[1] if len(sys.argv) > 1 else "")
    done()
