#!/usr/bin/env python3
# What the configuration file makes of a run: where files are, tunnel commands,
# the options of LIST (the log is in logs.py).  The packaged original runs
# beside the program, and both must do the same, where a test does not say
# otherwise.
#
#	settings.py [PART OF A NAME]
import os, pwd, shutil, sqlite3, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import one_line, said
from servers import *
from tap import *

PROGRAM = os.environ.get("INTERIMAP", os.path.join(TOP, "interimap",
                                                   "interimap"))
ORIGINAL = shutil.which("interimap", path="/usr/bin")
TUNNEL = "type = tunnel\ncommand = false\n"
FALSE = "[local]\n%s[remote]\n%s" % (TUNNEL, TUNNEL)


def both(fn, *args):
    """The same from both programs."""
    ours = fn(PROGRAM, *args)
    if ORIGINAL:
        eq(ours, fn(ORIGINAL, *args), "the original, which is right,")
    return ours


def alone(fn, *args):
    return fn(PROGRAM, *args)


def run(s, program, *args, env=None, before=[], timeout=30):
    e = s.env()
    e.update(env or {})
    e = {k: v.replace("DIR", s.dir) for k, v in e.items() if v is not None}
    return Result(subprocess.run(
        as_user(before + [program] + [a.replace("DIR", s.dir) for a in args]),
        env=e, cwd=s.dir, timeout=timeout, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors="replace"))


def made(s, *but):
    """Files and folders below the scratch folder, with their modes."""
    out = {}
    for dp, dn, fn in os.walk(s.dir):
        for x in dn + fn:
            p = os.path.join(dp, x)
            out[os.path.relpath(p, s.dir)] = oct(os.lstat(p).st_mode & 0o7777)
    return {p: m for p, m in out.items() if p not in but}


def pair(s, extra="", program=None, name="sync", refs=("", ""), sep=None):
    l, r = (Dovecot(s, n, sep=sep) for n in "LR")
    return l, r, Interimap(
        s, *(tunnel_section(x) + ("list-reference = %s\n" % ref
                                  if ref else "")
             for x, ref in zip((l, r), refs)),
        extra=extra, program=program or PROGRAM, name=name)


def lines(path):
    with open(path) as f:
        return f.read().splitlines()


# ---- where files are ----

# Folders that exist, environment, arguments; where the configuration must be
# (None: the base that is missing is named).
PLACES = [
    (["home/.config"], {}, [], "home/.config/interimap/config"),
    ([], {}, [], None),
    (["xdg"], {"XDG_CONFIG_HOME": "DIR/xdg"}, [], "xdg/interimap/config"),
    (["home/.config"], {"XDG_CONFIG_HOME": "DIR/gone"}, [], None),
    (["home/.config"], {}, ["--config=other"], "home/.config/interimap/other"),
    (["xdg"], {"XDG_CONFIG_HOME": "DIR/xdg"}, ["--config", "a/b"],
     "xdg/interimap/a/b"),
    (["home/.config"], {}, ["--config=DIR/conf"], "conf"),
    (["xdg"], {"XDG_CONFIG_HOME": "DIR/xdg", "HOME": None}, [],
     "xdg/interimap/config"),
]


def place(program, folders, env, args, where):
    """The file is asked for there, and only its folder is made."""
    with Scratch() as s:
        s.mkdir("home")
        for d in folders:
            s.mkdir(d)
        before = made(s)
        r = run(s, program, *args, env=env)
        new = {p: m for p, m in made(s).items() if p not in before}
        asked = re.search(r"No such (\w+)(?: file)?:? (%s[^;\s]*)" % s.dir,
                          r.err)
        eq(r.status != 0 and asked is not None, True, r.err)
        if where is None:
            eq(asked.group(1), "directory", r.err)
        else:
            eq((asked.group(1), os.path.relpath(asked.group(2), s.dir)),
               ("config", where), r.err)
        return new


def places():
    for case in PLACES:
        both(place, *case)


def relative_base():
    """Not absolute: as if it were not set (XDG), and not of the folder we are
    in, as with the original."""
    for value in ("xdg", "", "./xdg"):
        with Scratch() as s:
            s.mkdir("xdg")
            s.mkdir("home/.config")
            r = run(s, PROGRAM, env={"XDG_CONFIG_HOME": value})
            has(r.err, "No such config file %s/home/.config/interimap/config"
                % s.dir)


def no_home():
    """Without HOME it is the home of the user in the password database."""
    home = USER.pw_dir
    if os.path.isdir(os.path.join(home, ".config")):
        raise Skip("nothing is to be made in " + home)
    with Scratch() as s:
        r = run(s, PROGRAM, env={"HOME": None})
        eq(r.status, 78, r.err)
        one_line(r, "No such directory: %s/.config; make it" % home)


def any_umask():
    """Folders 0700 and the database 0600, whatever the umask."""
    for mask in ("000", "022", "777"):
        with Scratch() as s:
            s.mkdir("home/.config")
            s.mkdir("home/.local/share")
            before = ["sh", "-c", 'umask %s; exec "$@"' % mask, "-"]
            r = run(s, PROGRAM, before=before)
            has(r.err, "No such config file")
            s.write("home/.config/interimap/config", FALSE)
            run(s, PROGRAM, before=before)
            m = made(s)
            eq([m["home/" + p] for p in (
                ".config/interimap", ".local/share/interimap",
                ".local/share/interimap/localhost.db")],
               ["0o700", "0o700", "0o600"], "modes with umask " + mask)


# The configuration; the name of the database below interimap/.
DATABASES = [
    (FALSE, "localhost.db"),
    (FALSE + "host = imap.example.net\n", "imap.example.net.db"),
    ("host = both.example\n" + FALSE, "both.example.db"),
    ("[local]\n%shost = l.example\n[remote]\n%s" % (TUNNEL, TUNNEL),
     "localhost.db"),
    ("[local]\n%s[remote]\nhost = 127.0.0.1\nusername = x\npassword = y\n"
     % TUNNEL, "127.0.0.1.db"),
    ("[local]\n%s[remote]\nhost = [::1]\nusername = x\npassword = y\n"
     % TUNNEL, "[::1].db"),
    ("database = name.sqlite\n" + FALSE, "name.sqlite"),
]


def database(program, text, name):
    with Scratch() as s:
        s.mkdir("home/.local/share")
        s.write("config", text)
        r = run(s, program, "--config=DIR/config", "-q")
        new = made(s, "home", "home/.local", "home/.local/share", "config")
        new = {p: m for p, m in new.items() if not p.endswith("-journal")}
        eq(new, {"home/.local/share/interimap": "0o700",
                 "home/.local/share/interimap/" + name: "0o600"},
           "made; it said: " + r.err)


def databases():
    for case in DATABASES:
        both(database, *case)


def database_elsewhere(program):
    """Absolute; the base of a relative one must exist."""
    with Scratch() as s:
        s.write("config", "database = %s/here.db\n%s" % (s.dir, FALSE))
        run(s, program, "--config=DIR/config")
        s.write("config", FALSE)
        r = run(s, program, "--config=DIR/config")
        has(r.err, "No such directory: %s/home/.local/share" % s.dir)
        r = run(s, program, "--config=DIR/config", env={
            "XDG_DATA_HOME": "DIR/none"})
        has(r.err, "No such directory: %s/none" % s.dir)
        s.mkdir("data")
        r = run(s, program, "--config=DIR/config", env={
            "XDG_DATA_HOME": "DIR/data"})
        return {p: m for p, m in made(s).items() if "journal" not in p and
                p.endswith(".db")}


def watched(program):
    """Under --watch and --notify no database is made."""
    for option in ("--watch", "--watch=5", "--notify"):
        with Scratch() as s:
            s.mkdir("home/.local/share")
            s.write("config", FALSE)
            r = run(s, program, "--config=DIR/config", option)
            eq(r.status != 0, True, "status")
            eq([p for p in made(s) if ".db" in p], [], "made: " + r.err)


# ---- tunnel commands ----

# It tells how it was started, and ends.
SPY = """#!/bin/sh
exec >DIR/told.$$
echo "argv:"; for a; do echo "<$a>"; done
echo "by: $(cat /proc/$PPID/comm)"
tr '\\0' '\\n' </proc/$$/environ | grep -E \\
    '^(PATH|IFS|CDPATH|ENV|BASH_ENV|HOME|USER|OTHER)=' | sort
for fd in 0 2; do readlink /proc/$$/fd/$fd; done | sed 's/\\[[0-9]*\\]//'
for f in /proc/$$/fd/*; do
	case ${f##*/} in [012]|10|255) ;; *) [ -e $f ] && echo ${f##*/} ;; esac
done
mv DIR/told.$$ DIR/told
"""

# The command; whether a shell is between.
COMMANDS = [
    ("DIR/spy", False), ("DIR/spy a  b c", False), ("DIR/spy a=b -x", False),
    ("  DIR/spy a  ", False), ("env DIR/spy %s,:@^+-./", False),
    ("DIR/spy 'a b'", True), ('DIR/spy "a  $HOME" \\*', True),
    ("DIR/spy a; exit 1", True), ("OTHER=set DIR/spy", True),
    ("cd DIR && ./spy `echo a`", True), ("DIR/spy <&0", True),
    ("DIR/spy ~ ? {a,b} #", True),
]


def told(program, command, more="", args=(), env={}):
    with Scratch() as s:
        s.write("spy", SPY.replace("DIR", s.dir), 0o755)
        s.write("config", "database = %s/x.db\n[local]\ntype = tunnel\n"
                "command = %s\n%s[remote]\n%s" % (
                    s.dir, command.replace("DIR", s.dir), more, TUNNEL))
        e = {"IFS": "x", "CDPATH": "/", "ENV": "/e", "BASH_ENV": "/b",
             "OTHER": "1", "PATH": "DIR:/usr/sbin:/usr/bin:/bin"}
        e.update(env)
        r = run(s, program, "--config=DIR/config", *args, env=e)
        eq(r.status != 0, True, "status")
        for _ in range(100):
            if os.path.exists(s.dir + "/told"):
                break
            time.sleep(0.05)
        try:
            with open(s.dir + "/told") as f:
                t = f.read().replace(s.dir, "DIR").splitlines()
        except FileNotFoundError:
            return ["not run"]
        if program == PROGRAM:
            eq([l for l in t if l.isdigit()], [], "other descriptors")
        return [l for l in t if not l.isdigit()]


def commands():
    for command, shell in COMMANDS:
        t = both(told, command)
        eq("by: sh" in t, shell, "%s: a shell is between: %s" % (command, t))
        eq([l for l in t if l.startswith(("PATH=", "IFS=", "CDPATH=", "ENV=",
                                          "BASH_ENV="))],
           ["PATH=/usr/bin:/bin"], "environment of %s: %s" % (command, t))
        eq("HOME=DIR/home" in t and ("OTHER=1" in t or "OTHER=set" in t),
           True, "the rest passes: %s" % t)


def interrupt(program):
    """SIGINT is blocked: ^C is for us."""
    with Scratch() as s:
        s.write("config", "database = %s/x.db\n[local]\ntype = tunnel\n"
                "command = cp /proc/self/status %s/told\n[remote]\n%s" % (
                    s.dir, s.dir, TUNNEL))
        run(s, program, "--config=DIR/config")
        for _ in range(100):
            if os.path.exists(s.dir + "/told") and lines(s.dir + "/told"):
                break
            time.sleep(0.05)
        mask = [int(t.split()[1], 16) for t in lines(s.dir + "/told")
                if t.startswith("SigBlk")]
        eq(mask[0] & 2, 2, "signals blocked: %x" % mask[0])


def searched():
    """In /usr/bin and /bin, whatever PATH says."""
    eq(both(told, "spy"), ["not run"], "found by PATH")
    eq(both(told, "sh DIR/spy x")[1], "<x>", "found in /usr/bin")


def null_stderr():
    """To /dev/null, but not under --debug."""
    for value, args, null in (("NO", [], False), ("YES", [], True),
                              ("yes", ["-q"], True),
                              ("YES", ["--debug"], False)):
        t = both(told, "DIR/spy", "null-stderr = %s\n" % value, args)
        eq("/dev/null" in t, null, "%s %s: %s" % (value, args, t))


# ---- the options of LIST ----

def boxes(side):
    with side.client() as c:
        return c.mailboxes(), c.subscribed()


def listed(program, extra, refs, left, right, args=()):
    """What there is on both sides after a run, and the LIST that asked."""
    with Scratch() as s:
        l, r, p = pair(s, extra, program, refs=refs, sep="/")
        for side, names in ((l, left), (r, right)):
            with side.client() as c:
                for n in names:
                    c.create(n.lstrip("-"), subscribe=n[0] != "-")
        x = p.run("--debug", *args, timeout=60)
        eq(x.status, 0, x.err)
        db = sqlite3.connect("file:%s?mode=ro" % p.db, uri=True)
        rows = sorted(bytes(q[0]) for q in
                      db.execute("SELECT mailbox FROM mailboxes"))
        db.close()
        asked = [re.search(r"LIST (\(.*?\) )?(\S+) (.*) RETURN", t).groups()
                 for t in x.err.splitlines()
                 if "C: " in t and " LIST " in t and " RETURN " in t][0]
        return (boxes(l), boxes(r), [q for q in rows if q != b"INBOX"],
                asked[0])


# Options, references, mailboxes on both sides ("-": not subscribed),
# arguments; the rows that are to be in the database, but for INBOX.
LISTS = [
    ("", ("", ""), ["A"], ["B"], [], [b"A", b"B"]),
    ("list-mailbox = A up\\x00*\n".replace("\\x00", "/"), ("", ""),
     ["A", "up/x"], ["B", "up/y", "upper"], [], [b"A", b"up\0x", b"up\0y"]),
    ('list-mailbox = "up\\x00%"\n', ("", ""), ["up/x", "up/x/y"], ["A"], [],
     [b"up\0x"]),
    ('list-mailbox = "up\\0x" "\\x41" "a\\x20b"\n', ("", ""),
     ["up/x", "A", "B"], ["a b"], [], [b"A", b"a b", b"up\0x"]),
    ('list-mailbox = "q\\"q" "b b"\n', ("", ""), ['q"q', "b b", "b"], [], [],
     [b"b b", b'q"q']),
    ("list-mailbox = A\n", ("", ""), ["A", "B"], ["C"], ["B", "C"],
     [b"B", b"C"]),
    ("list-select-opts = SUBSCRIBED\n", ("", ""), ["A", "-B"], ["C", "-D"],
     [], [b"A", b"C"]),
    ("list-select-opts = SUBSCRIBED RECURSIVEMATCH\n", ("", ""),
     ["A", "-B"], [], [], [b"A"]),
    ("list-select-opts = REMOTE\n", ("", ""), ["A"], ["-B"], [],
     [b"A", b"B"]),
    ("list-select-opts = REMOTE SUBSCRIBED\n", ("", ""), ["A", "-B"], [], [],
     [b"A"]),
    ("ignore-mailbox = ^virtual(?:\\x00|$)\n", ("", ""),
     ["virtual", "virtual/x", "virtually"], ["a/virtual", "virtual/y"], [],
     [b"a\0virtual", b"virtually"]),
    ("ignore-mailbox = (?i)trash|\\x00sub$\n", ("", ""),
     ["TRASH", "my trash/x", "a/sub", "a/subs", "sub"], [], [],
     [b"a\0subs", b"sub"]),
    ("ignore-mailbox = ^A\n", ("", ""), ["A", "Ab", "B"], [], ["A", "B"],
     [b"A", b"B"]),
    ("ignore-mailbox = ^(perso|A)\n", ("perso/", ""), ["perso/A", "perso/B"],
     ["C", "perso/D"], [], [b"B", b"C"]),
    ("", ("perso/", ""), ["perso/A", "other"], ["B"], [], [b"A", b"B"]),
    ("", ("", "far/away/"), ["A"], ["far/away/B", "far/C"], [],
     [b"A", b"B"]),
    ("", ("x/", "y/"), ["x/A", "y/no"], ["y/B", "x/no"], [], [b"A", b"B"]),
]


# By the manual a MAILBOX overrides list-select-opts, too; the original sends
# them all the same.
OURS = [
    ("list-select-opts = SUBSCRIBED\n", ("", ""), ["A", "-B"], [], ["B"],
     [b"B"]),
]


def lists(cases, which):
    for *case, rows in cases:
        got = which(listed, *case)
        eq([q for q in got[2] if q not in (b"a", b"up", b"my trash")], rows,
           "rows of %s" % case)


def runaway():
    """An expression that takes for ever is stopped; the rest goes on."""
    with Scratch() as s:
        l, r, p = pair(s, "ignore-mailbox = ^(a+)+$\n")
        with l.client() as c:
            for n in ("a" * 200 + "!", "aaa", "b"):
                c.create(n)
        began = time.monotonic()
        x = p.run("-q")
        eq(time.monotonic() - began < 10, True, "took too long")
        one_line(x, "WARNING: Mailbox " + "a" * 200 + "! left out",
                 "ignore-mailbox")
        eq(boxes(r)[0], ["INBOX", "b"], "remote")
        eq(p.run("-q", "a" * 200 + "!").status, 0, "named: not matched")
        eq(len(boxes(r)[0]), 3, "remote")


def main(only):
    for name, fn, *args in (
            ("places of the configuration", places),
            ("a base that is not absolute", relative_base),
            ("no HOME", no_home), ("any umask", any_umask),
            ("names of the database", databases),
            ("places of the database", both, database_elsewhere),
            ("no database under --watch", both, watched),
            ("tunnel commands", commands),
            ("tunnel commands: SIGINT", both, interrupt),
            ("tunnel commands: PATH", searched),
            ("null-stderr", null_stderr),
            ("options of LIST", lists, LISTS, both),
            ("a MAILBOX overrides list-select-opts", lists, OURS, alone),
            ("ignore-mailbox that runs away", runaway)):
        if only in name:
            test(name, fn, *args)
    done()


if __name__ == "__main__":
    PROGRAM = reachable() if "INTERIMAP" not in os.environ else PROGRAM
    main(sys.argv[1] if len(sys.argv) > 1 else "")
