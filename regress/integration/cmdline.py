#!/usr/bin/env python3
# The command line of the real program: options, arguments, help, version, and
# each exit status.  The packaged original runs beside it where both must agree.
#
#	cmdline.py [PART OF A NAME]
import os, shutil, signal, sqlite3, subprocess, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import one_line, said
from servers import *
from tap import *

PROGRAM = os.environ.get("INTERIMAP", os.path.join(TOP, "interimap",
                                                   "interimap"))
ORIGINAL = shutil.which("interimap", path="/usr/bin")
TUNNEL = "type = tunnel\ncommand = false\n"


class Fixed:
    """A program, a configuration that no server answers, an environment."""
    def __init__(self, scratch, text=None):
        self.scratch = scratch
        self.conf = scratch.write("config", text or "database = %s/x.db\n"
                                  "[local]\n%s[remote]\n%s" %
                                  (scratch.dir, TUNNEL, TUNNEL))

    def __call__(self, program, *args, stdout=subprocess.PIPE, env=None,
                 before=[]):
        e = self.scratch.env()
        e.update(env or {})
        return Result(subprocess.run(
            as_user(before + [program] + [a.replace("CONF", self.conf)
                                          for a in args]),
            env=e, cwd=self.scratch.dir, timeout=30, stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=subprocess.PIPE, text=True,
            errors="surrogateescape"))


# ---- options ----

# The words; what a program does with them: "usage", "help", "version", or
# "runs": it gets as far as the server that is none.  None: the original has
# something else to say.
ARGUMENTS = [
    (["--config=CONF"], "runs"),
    (["--config", "CONF"], "runs"),
    (["-q", "--config=CONF"], "runs"),
    (["--quiet", "--config=CONF", "--debug", "--debug"], "runs"),
    (["--config=/nonexistent", "--config=CONF"], "runs"),
    (["--config=CONF", "INBOX", "--no-such"], "runs"),
    (["--config=CONF", "--", "--no-such"], "runs"),
    (["--config=CONF", "-", "-x"], "runs"),
    (["--config=CONF", "--repair"], "runs"),
    (["--config=CONF", "--repair", "A", "B"], "runs"),
    (["--config=CONF", "--delete", "A", "B"], "runs"),
    (["--config=CONF", "--rename", "A", "B"], "runs"),
    (["--config=CONF", "--target=local", "--target=remote,database",
      "--delete", "A"], "runs"),
    (["--config=CONF", "--delete", "--target", "local,database", "A"],
     "runs"),
    (["--help"], "help"), (["-h"], "help"), (["-qh"], "help"),
    (["-hq"], "help"),
    (["--delete", "--help"], "help"),
    (["--version"], "version"), (["-q", "--version"], "version"),
    (["--help", "--version"], "version"),
    (["--version", "--help"], "version"),
    (["--no-such"], "usage"), (["-x"], "usage"), (["-qx"], "usage"),
    (["-d"], "usage"), (["--conf=CONF"], "usage"), (["--hel"], "usage"),
    (["--vers"], "usage"), (["--Quiet"], "usage"), (["--QUIET"], "usage"),
    (["--quiet=1"], "usage"), (["--debug=1"], "usage"),
    (["--q"], "usage", None),
    (["--help=1"], "usage"), (["--config"], "usage"),
    (["--watch=soon"], "usage"), (["--watch=1.5"], "usage"),
    (["--config=CONF", "--delete"], "usage"),
    (["--config=CONF", "--rename"], "usage"),
    (["--config=CONF", "--rename", "A"], "usage"),
    (["--config=CONF", "--rename", "A", "B", "C"], "usage"),
    (["--config=CONF", "--repair", "--delete", "A"], "usage"),
    (["--config=CONF", "--delete", "--rename", "A", "B"], "usage"),
    (["--config=CONF", "--repair", "--watch"], "usage"),
    (["--config=CONF", "--delete", "--watch=5", "A"], "usage"),
    (["--config=CONF", "--rename", "--notify", "A", "B"], "usage"),
    (["--config=CONF", "--repair", "--notify"], "usage"),
    (["--config=CONF", "--target=local"], "usage"),
    (["--config=CONF", "--target=local", "INBOX"], "usage"),
    (["--config=CONF", "--repair", "--target=local"], "usage"),
    (["--config=CONF", "--delete", "--target"], "usage"),
    (["--help", "--no-such"], "usage"),
    # Not usage errors of the original.
    (["--config=CONF", "--delete", "--target=here", "A"], "usage", None),
    (["--config=CONF", "--delete", "--target=local,", "A"], "usage", None),
    (["--config=CONF", "--watch=-1"], "usage", None),
    (["--config=CONF", "--allow-delete", "A"], "runs", None),
    (["--config=CONF", "--allow-delete=A", "--allow-delete=B.*"], "runs",
     None),
    (["--config=CONF", "--allow-delete", "--repair"], "usage", None),
    (["--config=CONF", "--allow-delete=A", "--watch"], "usage", None),
    (["--config=CONF", "--notify", "--allow-delete"], "usage", None),
]


def outcome(r):
    if r.status == 1 and "Usage: interimap" in r.err and r.out == "":
        return "usage"
    if r.status == 0 and "Usage: interimap" in r.out + r.err:
        return "help"
    if r.status == 0 and "version" in r.out or r.out.startswith("interimap "):
        return "version"
    if "closed the connection" in r.err or "EOF" in r.err:
        return "runs"
    return "status %d, out %r, err %r" % (r.status, r.out, r.err)


def arguments(program):
    if program is None:
        raise Skip("no packaged interimap")
    with Scratch() as s:
        run = Fixed(s)
        for words, *want in ARGUMENTS:
            if program == ORIGINAL and want[-1] is None:
                continue
            eq(outcome(run(program, *words)), want[0],
               " ".join(["interimap"] + words))


def usage_line():
    """One line tells what is wrong, two more how it goes."""
    with Scratch() as s:
        run = Fixed(s)
        for words, text in ((["--no-such"], "Unknown option: --no-such"),
                            (["--delete"], "Option --delete needs at least "
                             "one mailbox"),
                            (["--target=x", "--delete", "A"],
                             "Invalid target x: local, remote or database is "
                             "wanted")):
            r = run(PROGRAM, *words)
            eq(r.err.splitlines(), [
                "ERROR: " + text,
                "Usage: interimap [OPTIONS] [COMMAND] [MAILBOX [..]]",
                "Try 'interimap --help' or see interimap(1)."], "said")


def help_text():
    with Scratch() as s:
        r = Fixed(s)(PROGRAM, "--help")
        eq((r.status, r.err), (0, ""), "status, standard error")
        has(r.out, *("  --%s" % o for o in (
            "repair", "reset", "delete", "rename", "target=", "config=",
            "watch[=", "notify", "allow-delete[=", "allow-delete[=", "debug", "version")), "-q, --quiet", "-h, --help")


def full():
    """What cannot be written was not said."""
    with Scratch() as s, open("/dev/full", "w") as f:
        for o in ("--help", "--version"):
            eq(Fixed(s)(PROGRAM, o, stdout=f).status, 1, o)


# ---- --version ----

def version():
    with Scratch() as s:
        r = Fixed(s)(PROGRAM, "--version")
        eq((r.status, r.err), (0, ""), "status, standard error")
        lines = [l.split(": ", 1) for l in r.out.splitlines()]
        eq([l[0] for l in lines[1:]], ["interimap", "imapchild", "statedb",
                                       "sandbox"], "lines: " + r.out)
        has(lines[0][0], "interimap 0.")
        has(lines[1][1], "PCRE2 10.", "libseccomp 2.")
        ssl = subprocess.run(["openssl", "version"], text=True,
                             stdout=subprocess.PIPE).stdout.split()[:2]
        has(lines[2][1], " ".join(ssl))
        has(lines[2][1], "zlib 1.", "libseccomp 2.")
        eq("LibreTLS" in lines[2][1] or "LibreSSL" in lines[2][1], True,
           lines[2][1])
        has(lines[3][1], "SQLite " + sqlite3.sqlite_version)
        has(lines[4][1], "seccomp, ")


def injected(s, how):
    if not shutil.which("strace"):
        raise Skip("no strace")
    r = Fixed(s)(PROGRAM, "--version", before=[
        "strace", "-o", "/dev/null", "-e", "inject=" + how])
    eq(r.status, 0, r.err)
    return r.out.splitlines()[-1]


def lacks():
    """What the running system does not have is named."""
    with Scratch() as s:
        ruleset = "landlock_create_ruleset:"
        eq(injected(s, ruleset + "error=ENOSYS"),
           "sandbox: seccomp, no Landlock", "without Landlock")
        eq(injected(s, ruleset + "retval=1"), "sandbox: seccomp, Landlock ABI "
           "1 without truncate, TCP, ioctl, signals", "the first")
        eq(injected(s, ruleset + "retval=5"), "sandbox: seccomp, Landlock ABI "
           "5 without signals", "a later one")
        eq(injected(s, ruleset + "retval=6"),
           "sandbox: seccomp, Landlock ABI 6", "one that has all")
        eq(injected(s, "prctl:error=EINVAL:when=1").split(", ")[0],
           "sandbox: no seccomp", "without seccomp")


def tree(s, **replaced):
    """A build tree of copies; a program may be replaced by a script."""
    for name in ("interimap", "imapchild", "statedb"):
        s.mkdir("tree/" + name)
        to = os.path.join(s.dir, "tree", name, name)
        if name in replaced:
            s.write("tree/%s/%s" % (name, name), replaced[name], 0o755)
        else:
            shutil.copy(os.path.join(os.path.dirname(os.path.dirname(
                PROGRAM)), name, name), to)
        os.chmod(to, 0o755)
        s.give(to)
    return os.path.join(s.dir, "tree", "interimap", "interimap")


def not_together():
    """A child of another make: named, and the rest is told."""
    for script in ("#!/bin/sh\nexit 1\n", "#!/bin/sh\necho x\nexit 1\n",
                   "#!/bin/sh\nprintf x\n", "no program\n",
                   "#!/bin/sh\nyes | head -c 100000\n"):
        with Scratch() as s:
            p = tree(s, imapchild=script)
            r = Fixed(s)(p, "--version")
            eq(r.status, 1, "status; " + r.err)
            one_line(r, "tree/imapchild/imapchild does not tell its libraries"
                     "; install the three programs together")
            has(r.out, "statedb: SQLite", "sandbox: ")
    with Scratch() as s:
        p = tree(s, imapchild="#!/bin/sh\nprintf 'a\\033[2Jb\\n'\n")
        has(Fixed(s)(p, "--version").out, "imapchild: a\\033[2Jb\n")


# ---- MAILBOX ----

# As given, as LIST asks for it.
NAMES = [
    ("A", "A"), ("inbox", "INBOX"), ("InBoX", "INBOX"), ("inbox.x", "inbox.x"),
    ("a b", "a b"), ("%", "%"), ("up.*", "up.*"), ("a&b", "a&b"),
    ("Entw&APw-rfe", "Entw&APw-rfe"), ("Entw\u00fcrfe", "Entw&APw-rfe"),
    ("\u53f0\u5317.*", "&U,BTFw-.*"), ("R&D \u00fc", "R&-D &APw-"),
    ("\U0001f4ec", "&2D3c7A-"), ('q"\\', 'q\\"\\\\'),
]


def listed_as(program):
    """Each argument is a pattern of LIST, in the encoding of the servers."""
    if program is None:
        raise Skip("no packaged interimap")
    with Scratch() as s:
        l, r = Dovecot(s, "L"), Dovecot(s, "R")
        p = Interimap(s, tunnel_section(l), tunnel_section(r),
                      program=program)
        args = [n for n in NAMES if program == PROGRAM or n[0].isascii()]
        r = p.run("--debug", *(n for n, _ in args))
        eq(r.status, 0, r.err)
        line = [x for x in r.err.splitlines()
                if " LIST " in x and x.startswith("remote: C: ")
                and '"" "" ' not in x and ' ""' != x[-3:]][0]
        patterns = re.search(r'LIST "" \((.*?)\) RETURN', line).group(1)
        eq([q[1] or q[0] for q in re.findall(r'("((?:[^"\\]|\\.)*)"|[^ ]+)',
            patterns) for q in [(q[0], q[1])]], [n for _, n in args],
           "patterns of " + line)


def refused():
    """Neither ASCII nor UTF-8: before anything is read."""
    with Scratch() as s:
        run = Fixed(s, "this is no configuration\n")
        for name in ("Entw\udcfcrfe", "\udced\udca0\udc80", "\udcc0\udcaf",
                     "a\udcff\u00fc", ""):
            r = run(PROGRAM, "--config=CONF", name)
            eq(r.status, 1, "status; " + r.err)
            eq(len(r.err.splitlines()), 1, "lines: " + r.err)
            has(r.err, "ERROR: Invalid mailbox name")
        if ORIGINAL:
            r = run(ORIGINAL, "--config=CONF", "Entw\udcfcrfe")
            has(r.err, "Invalid mailbox name")


def utf8():
    """Given in UTF-8, synchronized, renamed and deleted like any other."""
    with Scratch() as s:
        l, r = Dovecot(s, "L"), Dovecot(s, "R")
        p = Interimap(s, tunnel_section(l), tunnel_section(r))
        with l.client() as c:
            for n in ("Entw&APw-rfe", "Entw&APw-rfe.&2D3c7A-", "A"):
                c.create(n)
                c.append(n, sample(1))
        eq(p.run("Entw\u00fcrfe*").status, 0, "status")
        with r.client() as c:
            eq(c.mailboxes(), ["Entw&APw-rfe", "Entw&APw-rfe.&2D3c7A-",
                               "INBOX"], "copied")
            eq(len(c.messages("Entw&APw-rfe.&2D3c7A-")), 1, "messages")
        eq(p.run("--rename", "Entw\u00fcrfe", "R&D \u00e9").status, 0,
           "rename")
        eq(p.run("--delete", "R&D \u00e9.\U0001f4ec").status, 0, "delete")
        for side in (l, r):
            with side.client() as c:
                eq([n for n in c.mailboxes() if n not in ("A", "INBOX")],
                   ["R&-D &AOk-"], side.name)


# ---- exit statuses ----

def pair(s, extra=""):
    l, r = Dovecot(s, "L"), Dovecot(s, "R")
    return l, r, Interimap(s, tunnel_section(l), tunnel_section(r),
                           extra=extra)


def status_done():
    with Scratch() as s:
        l, r, p = pair(s)
        eq([p.run().status, p.run("-q").status, p.run("NoSuch").status],
           [0, 0, 0], "status")


def signalled(sig, want, quiet=False):
    """While a server is silent."""
    with Scratch() as s:
        l = Dovecot(s, "L")
        s.write("silent", "#!/bin/sh\n: >%s/up\nexec cat >/dev/null\n" % s.dir,
                0o755)
        p = Interimap(s, tunnel_section(l), "type = tunnel\ncommand = "
                      "%s/silent\n" % s.dir)
        child = subprocess.Popen(p.argv(*["--quiet"] * quiet), env=s.env(),
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        for _ in range(300):
            if os.path.exists(s.dir + "/up") and os.path.exists(p.db):
                break
            time.sleep(0.05)
        time.sleep(0.3)
        child.send_signal(sig)
        err = child.communicate(timeout=20)[1]
        eq(child.returncode, want, "status; " + err)
        eq("the next run goes on from here" in err, not quiet, err)


def status_failed():
    """1: a server that lacks what is needed."""
    with Scratch() as s:
        l = Dovecot(s, "L")
        p = Interimap(s, tunnel_section(l), "type = tunnel\ncommand = printf "
                      "'* PREAUTH [CAPABILITY IMAP4rev1] hello\\r\\n'; cat\n")
        r = p.run()
        eq(r.status, 1, r.err)
        one_line(r, "remote: ERROR: ", "capable")


def status_partial():
    with Scratch() as s:
        l, r, p = pair(s)
        with l.client() as c:
            c.create("A")
        eq(p.run().status, 0, "first")
        with r.client() as c:
            c.ok(c.c.delete("A"))
        eq(p.run().status, 2, "gone from one side")


def status_guard():
    with Scratch() as s:
        l, r, p = pair(s)
        fill_maildir(l, ["INBOX"], count=120)
        eq(p.run().status, 0, "first")
        with l.client() as c:
            c.expunge("INBOX", "1:110")
        r = p.run()
        eq(r.status, 3, "held back: " + r.err)


def status_internal():
    """70: a child that is killed."""
    with Scratch() as s:
        l, r, p = pair(s)
        p.program = tree(s, statedb="#!/bin/sh\nkill -KILL $$\n")
        x = p.run()
        eq(x.status, 70, x.err)
        one_line(x, "statedb: killed by SIGKILL")


def status_temporary():
    """75: no connection; the database locked by another one."""
    with Scratch() as s:
        l, r, p = pair(s)
        eq(p.run().status, 0, "first")
        q = Interimap(s, tunnel_section(l), "host = 127.0.0.1\nport = %d\n"
                      "username = x\npassword = y\n" % free_port(), name="q")
        eq(q.run().status, 75, "no connection")
        db = sqlite3.connect(p.db)
        db.execute("BEGIN EXCLUSIVE")
        eq(p.run().status, 75, "locked")
        db.close()
        eq(p.run().status, 0, "free again")


def status_auth():
    """77: a login, a certificate refused."""
    with Scratch() as s:
        l = Dovecot(s, "L")
        r = Dovecot(s, "R", cert=make_cert(s, "cert")).start()
        eq([Interimap(s, tunnel_section(l), imaps_section(r, **kw),
                      name="n%d" % i).run().status for i, kw in enumerate((
                          {"password": "wrong"},
                          {"ca": make_cert(s, "other")[0]}, {}))],
           [77, 77, 0], "status")


def status_config():
    with Scratch() as s:
        run = Fixed(s, "no setting\n")
        eq(run(PROGRAM, "--config=CONF").status, 78, "syntax")
        eq(run(PROGRAM, "--config=/nonexistent/x").status, 78, "no file")


def status_order():
    """Of several failures the one that cannot wait counts: 3 before 2."""
    with Scratch() as s:
        l, r, p = pair(s)
        fill_maildir(l, ["INBOX", "A"], count=120)
        eq(p.run().status, 0, "first")
        with l.client() as c:
            c.expunge("INBOX", "1:110")
        with r.client() as c:
            c.ok(c.c.delete("A"))
        r = p.run()
        has(r.err, "A is gone there", "held")
        eq(r.status, 3, "guard before partial")


def main(only):
    for name, fn, *args in (
            ("options of the original", arguments, ORIGINAL),
            ("options", arguments, PROGRAM),
            ("usage in three lines", usage_line),
            ("--help", help_text), ("--version", version),
            ("a full standard output", full),
            ("--version tells what the system lacks", lacks),
            ("--version with a child of another make", not_together),
            ("MAILBOX of the original", listed_as, ORIGINAL),
            ("MAILBOX", listed_as, PROGRAM), ("MAILBOX refused", refused),
            ("MAILBOX in UTF-8", utf8),
            ("status 0", status_done),
            ("status 0: SIGTERM", signalled, signal.SIGTERM, 0),
            ("status 0: SIGTERM, quiet", signalled, signal.SIGTERM, 0, True),
            ("status 1: SIGINT", signalled, signal.SIGINT, 1),
            ("status 1: server", status_failed),
            ("status 2", status_partial), ("status 3", status_guard),
            ("status 70", status_internal), ("status 75", status_temporary),
            ("status 77", status_auth), ("status 78", status_config),
            ("status 3 before 2", status_order)):
        if only in name:
            test(name, fn, *args)
    done()


if __name__ == "__main__":
    PROGRAM = reachable() if "INTERIMAP" not in os.environ else PROGRAM
    main(sys.argv[1] if len(sys.argv) > 1 else "")
