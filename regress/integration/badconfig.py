# What a bad configuration gets: no server is spoken to, no database is made,
# and one line names the file, the line, the section and the option.
# The cases of errors.py's first part.
import os, sys
sys.dont_write_bytecode = True
from badserver import one_line
from servers import *
from tap import *

PROGRAM = os.environ.get("INTERIMAP", os.path.join(TOP, "interimap",
                                                   "interimap"))
L, R = "[local]\ntype = tunnel\ncommand = false\n", \
    "[remote]\ntype = tunnel\ncommand = false\n"
OK = "database = x.db\n\n" + L + "\n" + R       # lines 1, 3 to 5, 7 to 9

# Name, the file's text, what the line says (FILE is its path).
CASES = [
    ("a line that is no setting", OK + "no setting\n",
     ["FILE:10: Syntax error", "OPTION=VALUE"]),
    ("a section that does not end", "[local\n" + OK,
     ["FILE:1: Syntax error", "[section]"]),
    ("an unknown option", OK + "hots = localhost\n",
     ["FILE:10:", "hots", "[remote]"]),
    ("an unknown option above all sections", "databse = y\n" + OK,
     ["FILE:1:", "databse", "default section"]),
    ("a bad type", "[local]\ntype = pop3\n" + R,
     ["FILE:2:", "type = pop3", "[local]", "imap, imaps or tunnel"]),
    ("a bad YES or NO", "[local]\nSSL_verify = maybe\n" + R,
     ["FILE:2:", "SSL_verify = maybe", "[local]", "YES or NO"]),
    ("a bad logfile", "logfile = here\n" + OK,
     ["FILE:1:", "logfile = here", "absolute path"]),
    ("a bad fingerprint", L + R + "SSL_fingerprint = sha256$xyz\n",
     ["FILE:7:", "SSL_fingerprint = sha256$xyz", "[remote]"]),
    ("a bad list-select-opts", "list-select-opts = a\"b\n" + OK,
     ["FILE:1:", "list-select-opts", "wanted"]),
    ("an ignore-mailbox that is no expression", "ignore-mailbox = ^(a\n" + OK,
     ["FILE", "ignore-mailbox", "^(a"]),
    ("a list-mailbox that ends in a quotation",
     "list-mailbox = \"a\n" + OK, ["FILE", "list-mailbox", "\"a"]),
    ("a value as long as a book", OK + "username = " + "x" * 70000 + "\n",
     ["FILE:10:", "username", "[remote]", "longer"]),
    ("a password that is not ASCII is not shown",
     L + R + "password = s\u00e9cret\n", ["FILE:7:", "password", "[remote]"]),
    ("no section [remote]", L, ["FILE:", "No such section", "remote"]),
    ("no section [local]", R, ["FILE:", "No such section", "local"]),
    ("no command for a tunnel", "[local]\ntype = tunnel\n" + R,
     ["FILE:", "Missing option command", "[local]"]),
    ("terminal escapes in a value", L + R + "type = \x1b[2Jtunnel\n",
     ["FILE:7:", "type = \\033[2Jtunnel"]),
    ("a bad proxy, which is not shown",
     L + R + "proxy = socks4://u:s\u00e9cret@h\n",
     ["FILE:7:", "Invalid option proxy in section [remote]", "socks5://"]),
    ("a bad timeout", L + R + "timeout = soon\n",
     ["FILE:7:", "timeout = soon", "[remote]", "seconds"]),
    ("a bad compress", L + R + "compress = deflate\n",
     ["FILE:7:", "compress = deflate", "[remote]", "YES or NO"]),
    ("a bad SSL_protocols", L + R + "SSL_protocols = !TLSv2\n",
     ["FILE:7:", "SSL_protocols = !TLSv2", "versions"]),
]

# Name, arguments, status, what is said.
ARGUMENTS = [
    ("an unknown option", ["--no-such"], 1, ["no-such", "Usage:"]),
    ("an option without its value", ["--config"], 1, ["config", "Usage:"]),
    ("a bad time for --watch", ["--watch=soon"], 1, ["soon", "Usage:"]),
    ("--delete of nothing", ["--delete"], 1, ["Usage:"]),
    ("--rename with one name", ["--rename", "A"], 1, ["Usage:"]),
    ("--repair with --watch", ["--repair", "--watch"], 1, ["watch"]),
    ("--notify with a command", ["--notify", "--repair"], 1, ["notify"]),
    ("--target without a command", ["--target=local"], 1, ["target"]),
]


class Configured:
    """A program with this text as its configuration, if any."""
    def __init__(self, scratch, text=None):
        self.scratch = scratch
        scratch.mkdir("bad")
        self.conf = os.path.join(scratch.dir, "bad", "config")
        if text is not None:
            scratch.write("bad/config", text)

    def run(self, *args):
        return Result(subprocess.run(
            as_user([PROGRAM, "--config=" + self.conf] +
                    list(args)), env=self.scratch.env(), timeout=30,
            text=True, errors="replace", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE))


def case(text, needles):
    with Scratch() as s:
        c = Configured(s, text)
        r = c.run()
        eq(r.status, 78, "exit status; it said: " + r.err)
        one_line(r, *(n.replace("FILE", c.conf) for n in needles))
        for secret in ("\u00e9cret", "cret"):
            if secret in r.err:
                raise AssertionError("a secret is shown: " + r.err)
        eq(sorted(os.listdir(os.path.dirname(c.conf))), ["config"],
           "files made")


def no_file():
    with Scratch() as s:
        c = Configured(s)
        r = c.run()
        eq(r.status, 78, "exit status; it said: " + r.err)
        one_line(r, "No such config file " + c.conf)


def unreadable():
    with Scratch() as s:
        c = Configured(s, OK)
        os.chmod(c.conf, 0)
        if os.getuid() == 0:
            os.chown(c.conf, 0, 0)
        r = c.run()
        eq(r.status, 78, "exit status; it said: " + r.err)
        one_line(r, c.conf, "Permission denied")


def arguments(args, status, needles):
    with Scratch() as s:
        c = Configured(s, OK)
        r = c.run(*args)
        eq(r.status, status, "exit status; it said: " + r.err)
        has(r.err, *needles)


def run_all(only=""):
    for name, fn in (("no configuration file", no_file),
                     ("a configuration file that cannot be read",
                      unreadable)):
        if only in name:
            test(name, fn)
    for name, text, needles in CASES:
        if only in name:
            test("configuration: " + name, case, text, needles)
    for name, args, status, needles in ARGUMENTS:
        if only in name:
            test("arguments: " + name, arguments, args, status, needles)
