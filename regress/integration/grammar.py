#!/usr/bin/env python3
# Which configuration files are taken and which are refused: a table, asked of
# the program and of the packaged original.  No server is spoken to; a file is
# taken when the run gets as far as the tunnel command, which ends at once.
#
#	grammar.py [PART OF A NAME]
import os, re, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import settings
from servers import *
from settings import FALSE, ORIGINAL, TUNNEL, run
from tap import *

YES, NO = True, False

# Lines after [remote]; taken or not.  A third word: what the original does.
REMOTE = [
    ("", YES), ("type = tunnel", YES), ("type=tunnel", YES),
    ("  type\t=  tunnel  ", YES), ("type = Tunnel", NO), ("type = pop3", NO),
    ("type =", NO), ("host = a b", YES), ("host =", NO),
    ("host = caf\u00e9", YES), ("host = a\tb", NO), ("port = imaps", YES),
    ("port = 99999", YES), ("STARTTLS = yes", YES), ("STARTTLS = No", YES),
    ("STARTTLS = 1", NO), ("compress = yes", YES), ("compress = maybe", NO),
    ("null-stderr = YES", YES), ("null-stderr =", NO),
    ("null_stderr = YES", NO), ("Type = tunnel", NO), ("auth = PLAIN", YES),
    ("auth = PLAIN LOGIN", YES), ("auth = X-OTHER plain", YES),
    ("auth = PLAIN  LOGIN", NO), ("auth = PLAIN,LOGIN", YES),
    ("auth = (PLAIN)", NO), ("auth =", NO), ("username = a b", YES),
    ("username =", NO), ("username = caf\u00e9", NO),
    ("password = p;w#d", YES), ("password = p ; w", YES),
    ("password = caf\u00e9", NO), ("list-reference =", YES),
    ("list-reference = a/b \"\\", YES), ("list-reference = \u00e9", NO),
    ("SSL_verify = NO", YES), ("SSL_verify = never", NO),
    ("SSL_hostname =", YES), ("SSL_hostname = x", YES),
    ("SSL_CAfile =", NO), ("SSL_CAfile = rel", YES),
    ("SSL_CApath = /etc/ssl/certs", YES), ("SSL_cipherlist = HIGH", YES),
    ("SSL_protocol_min = TLSv1.2", YES), ("SSL_protocol_max = x", YES),
    ("SSL_fingerprint = 00ff", YES), ("SSL_fingerprint = sha256$00FF", YES),
    ("SSL_fingerprint = sha256$00 sha1$11", YES),
    ("SSL_fingerprint = 00:ff", NO), ("SSL_fingerprint = sha256$", NO),
    ("SSL_fingerprint = 0  1", NO),
    ("no-such = 1", NO), ("no setting", NO), ("= x", NO), ("=", NO),
    # Comments.
    ("# type = pop3", YES), ("; type = pop3", YES), ("   # x", YES),
    ("host = a ; type = pop3", YES), ("host = a # b", YES),
    ("SSL_hostname = a;b", YES), ("host = ; b", NO),
    # Sections.
    ("[other]\nno-such = 1", YES), ("[ local ]\nhost = x", YES),
    ("[remote]\ntype = pop3", NO), ("type = pop3\n[remote]\n"
                                    "type = tunnel", YES),
    ("[remote", NO), ("[]", NO), ("[Remote]\nno-such = 1", YES),
    ("type = pop3\ntype = tunnel", YES), ("type = tunnel\ntype = pop3", NO),
    ("host = a\r", YES), ("host = a\r\r", YES),
    ("host = a\rtype = pop3", NO),
]

# Lines above all sections.
ABOVE = [
    ("host = shared", YES), ("type = imap", YES), ("type = pop3", NO),
    ("type = ; the sections have it", NO), ("no-such = 1", NO),
    ("no-such =", NO), ("list-mailbox = A", YES),
    ("list-mailbox = *", YES), ("list-mailbox = A%/* B", YES),
    ('list-mailbox = "a b" c', YES), ('list-mailbox = "a', NO),
    ('list-mailbox = a"b', NO), ('list-mailbox = "a"b', NO),
    ('list-mailbox = ""', NO), ("list-mailbox = (a)", NO),
    ("list-mailbox = a\\b", NO), ("list-mailbox = a{b", NO),
    ("list-mailbox = a]b}", YES), ("list-mailbox =", NO),
    ('list-mailbox = "\\\\ \\" \\a\\b\\t\\n\\v\\f\\r \\0 \\x00\\xfF"', YES),
    ('list-mailbox = "\\q"', NO), ('list-mailbox = "\\x0"', NO),
    ('list-mailbox = "\\xgg"', NO), ("list-mailbox = caf\u00e9", NO),
    ("list-select-opts = SUBSCRIBED", YES), ("list-select-opts =", YES),
    ("list-select-opts = SUBSCRIBED REMOTE RECURSIVEMATCH", YES),
    ("list-select-opts = (SUBSCRIBED)", NO),
    ("list-select-opts = a\\b", NO), ('list-select-opts = "a"', NO),
    ("ignore-mailbox = ^a", YES), ("ignore-mailbox = (a", NO, YES),
    ("ignore-mailbox = [", NO, YES), ("ignore-mailbox =", NO),
    ("ignore-mailbox = caf\u00e9", NO), ("ignore-mailbox = a ; b", YES),
    ("log-prefix =", YES), ("log-prefix = %x", YES),
    ("log-prefix = %?n?", YES), ("logfile = rel", NO), ("logfile =", NO),
    ("database =", NO),
]

# Whole files.
WHOLE = [
    ("", NO), ("\n", NO), ("[local]\n" + TUNNEL, NO),
    ("[remote]\n" + TUNNEL, NO), (FALSE.replace("\n", "\r\n"), YES),
    (FALSE.replace("\n", "\r"), YES), (FALSE.rstrip("\n"), YES),
    (FALSE.replace("[remote]", "[REMOTE]"), NO),
    (FALSE.replace("command = false\n[remote]", "[remote]"), NO),
    ("command = false\n" + FALSE.replace("command = false\n", ""), YES),
    ("type = tunnel\ncommand = false\n[local]\n[remote]\n", YES),
    ("[_]\nhost = x\n" + FALSE, YES), ("[_]\nno-such = x\n" + FALSE, NO),
]


def taken(s, program, text):
    with open(os.path.join(s.dir, "config"), "w", newline="") as f:
        f.write(text)
    os.chmod(os.path.join(s.dir, "config"), 0o600)
    s.give(os.path.join(s.dir, "config"))
    r = run(s, program, "--config=DIR/config", "-q")
    if re.search("closed the connection|EOF", r.err):
        return YES
    if program != ORIGINAL and r.status != 78:
        return "status %d, %s" % (r.status, r.err)
    return NO if r.status != 0 and r.err != "" else r.err


def table(program, rows, make):
    if program is None:
        raise Skip("no packaged interimap")
    wrong = []
    with Scratch() as s:
        s.mkdir("home/.local/share")
        for text, *want in rows:
            got = taken(s, program, make(text))
            if got != want[-1 if program == ORIGINAL else 0]:
                wrong.append("%r: %s" % (text, got))
    eq(wrong, [], "not as the table has it")


def remote(text):
    return FALSE + text + "\n"


def above(text):
    return text + "\n" + FALSE


def whole(text):
    return text


def sample():
    """The sample configuration, with all that is commented out in it."""
    with open(os.path.join(TOP, "etc", "interimap.conf.sample")) as f:
        text = f.read()
    for full in (NO, YES):
        with Scratch() as s:
            s.mkdir("home/.local/share")
            t = re.sub(r"(?m)^#(?=[\w-]+ = )", "", text) if full else text
            t = re.sub(r"(?m)^(command) = .*", r"\1 = false", t)
            t = re.sub(r"(?m)^(logfile) = .*", r"\1 = %s/log" % s.dir, t)
            t = re.sub(r"(?m)^(host) = .*", r"\1 = 127.0.0.1", t)
            # Files that are not there, and a second way to a password.
            t = re.sub(r"(?m)^(SSL_CAfile|SSL_cert|SSL_key|password-command)"
                       r" = .*\n", "", t)
            eq(taken(s, settings.PROGRAM, t), YES, t)


def main(only):
    for name, rows, make in (("options of a server", REMOTE, remote),
                             ("options above all sections", ABOVE, above),
                             ("whole files", WHOLE, whole)):
        for who, program in (("", settings.PROGRAM),
                             (", the original", ORIGINAL)):
            if only in name + who:
                test(name + who, table, program, rows, make)
    if only in "sample configuration":
        test("sample configuration", sample)
    done()


if __name__ == "__main__":
    if "INTERIMAP" not in os.environ:
        settings.PROGRAM = reachable()
    main(sys.argv[1] if len(sys.argv) > 1 else "")
