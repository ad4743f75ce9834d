#!/usr/bin/env python3
# A server that falls silent, at each step from the greeting to the end: the
# run ends with 75 when the option timeout says so, in one line, and the next
# one goes on.  What stands before the login and at the socket is in
# connect.py.
#
#	silence.py [PART OF A NAME]
import concurrent.futures, os, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from auth import Odd, SECRET, hides
from authority import Authority, Relay
from badserver import LOST, SCRIPTED, Scripted, one_line, quirks, said
from servers import *
from tap import *

PATIENCE = 1            # the option, in seconds
TOO_LONG = 20           # what a run that obeys it takes at most, here
OPTION = "timeout = %d\n" % PATIENCE
LINE = ["no answer from the server for %d seconds" % PATIENCE, LOST]

PREAUTH = "S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE UIDPLUS CONDSTORE " \
    "QRESYNC LIST-EXTENDED LIST-STATUS UNSELECT LITERAL+ COMPRESS=DEFLATE] " \
    "hi\n"
ENABLED = PREAUTH + r"""C: (\d+) ENABLE QRESYNC
S: * ENABLED QRESYNC
"""
LISTED = ENABLED + r"""S: \1 OK
C: (\d+) LIST "" ""
S: * LIST (\\Noselect) "." ""
S: \1 OK
C: (\d+) LIST "" .*
"""
COMPRESSING = LISTED + r"""S: * LIST () "." INBOX
S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5 HIGHESTMODSEQ 1)
S: \1 OK
C: (\d+) COMPRESS DEFLATE
"""
HELLO = "S: * OK [CAPABILITY IMAP4rev1 %s] hello\n"
PLAIN = HELLO % "AUTH=PLAIN" + "C: (\\d+) AUTHENTICATE PLAIN\n"

# Name, lines for [remote], what the server says until it is silent.
SCRIPTS = [
    ("instead of a continuation", "", PLAIN),
    ("after the credentials", "", PLAIN + "S: +\nC: \\S+\n"),
    ("in the middle of the answer to them", "",
     PLAIN + "S: +\nC: \\S+\ns: 0000\n"),
    ("after LOGIN", "auth = LOGIN\n", HELLO % "" + "C: (\\d+) LOGIN .*\n"),
    ("instead of the challenge of SCRAM", "auth = SCRAM-SHA-256\n",
     HELLO % "SASL-IR AUTH=SCRAM-SHA-256" +
     "C: (\\d+) AUTHENTICATE SCRAM-SHA-256 \\S+\n"),
    ("instead of a challenge, XOAUTH2", "auth = XOAUTH2\n",
     HELLO % "AUTH=XOAUTH2" + "C: (\\d+) AUTHENTICATE XOAUTH2\n"),
    ("in CAPABILITY behind the login", "auth = LOGIN\n",
     HELLO % "" + "C: (\\d+) LOGIN .*\nS: \\1 OK in\nC: .* CAPABILITY\n"
     "S: * CAPABILITY IMAP4rev1\n"),
    ("instead of ENABLED", "", PREAUTH + "C: .* ENABLE QRESYNC\n"),
    ("instead of the OK to ENABLE", "", ENABLED),
    ("after the first LIST", "", LISTED),
    ("in a line of LIST", "", LISTED + 's: * LIST () "." \n'),
    ("before a literal", "", LISTED + 'S: * LIST () "." {5}\n'),
    ("in a literal", "", LISTED + 'S: * LIST () "." {5}\ns: IN\n'),
    ("instead of COMPRESS", "", COMPRESSING),
    ("after COMPRESS", "", COMPRESSING + "S: \\1 OK\n"),
    ("in a block of COMPRESS", "",
     COMPRESSING + "s: \\1 OK\\r\\n\\x4a\\x04\n"),
]


def timed(p, side="remote", args=("--quiet",)):
    """The run that is to end by itself."""
    began = time.monotonic()
    r = p.run(*args, timeout=90)
    took = time.monotonic() - began
    eq(r.status, 75, "exit status; it said: " + r.err)
    one_line(r, side + ": ERROR: ", *LINE)
    hides(r.err, SECRET)
    if not PATIENCE <= took < TOO_LONG:
        raise AssertionError("it took %.1f seconds" % took)


def script(more, text):
    with Scratch() as s:
        p = Scripted(s)
        before = p.boxes()
        file = s.write("script", text + "STALL\n")
        timed(Interimap(
            s, p.l.section(), "type = tunnel\ncommand = python3 -B %s "
            "--script %s\nusername = joe\npassword = %s\ncompress = YES\n"
            "%s%s" % (SCRIPTED, file, SECRET, OPTION, more)))
        p.goes_on(before)


def command(side, name):
    """A command of the synchronization itself."""
    with Scratch() as s:
        p = Scripted(s)
        p.l.add("Mine", 50, 1)
        if name in ("UID STORE", "UID EXPUNGE"):
            p.goes_on()
            other = p.l if side == "remote" else p.r
            other.change(lambda st: change(st, name))
        before = [] if name == "UID EXPUNGE" else p.boxes()
        sections = {"local": p.l.section(), "remote": p.r.section()}
        bad = p.r if side == "remote" else p.l
        sections[side] = bad.section(*quirks("silent=" + name)) + OPTION
        timed(Interimap(s, sections["local"], sections["remote"]), side)
        p.goes_on(before)


def change(st, name):
    b = st.get("INBOX")
    if name == "UID EXPUNGE":
        b.expunge([min(b.messages)])
    else:
        b.flag(min(b.messages), ["\\Answered"])


def scram():
    """Between the two messages of the client and the signature."""
    with Scratch() as s:
        o = Odd(s, hang=True, before=["AUTH=SCRAM-SHA-256"])
        timed(o.program(more="STARTTLS = NO\nauth = SCRAM-SHA-256\n" +
                        OPTION))


def in_tls(type):
    """The handshake is done; then nothing more comes."""
    with Scratch() as s:
        p, ca = Scripted(s), Authority(s, "ca")
        relay = Relay(s, ca.issue("x", "DNS:localhost"),
                      starttls=type == "imap")
        timed(Interimap(
            s, p.l.section(), "type = %s\nhost = localhost\nport = %d\n"
            "username = joe\npassword = %s\nSSL_CAfile = %s\n%s" %
            (type, relay.port, SECRET, ca.file, OPTION)))
        eq(relay.shaken, 1, "handshakes")
        _, inside = relay.heard()
        eq(inside.split()[1:], [b"CAPABILITY"], "what was said in TLS")


def goodbye():
    """Nobody waits long for the answer to LOGOUT, and it is no error."""
    with Scratch() as s:
        p = Scripted(s)
        x = Interimap(s, p.l.section(), p.r.section(
            *quirks("silent=LOGOUT")) + "timeout = 60\n")
        began = time.monotonic()
        r = x.run("--quiet", timeout=90)
        eq((r.status, said(r)), (0, []), "the run")
        if time.monotonic() - began > TOO_LONG:
            raise AssertionError("it waited for it")


def run_all(only):
    """Several at once: they wait, most of the time."""
    cases = [c for c in all_cases() if only in c[0]]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for (name, *_), future in zip(cases, [
                pool.submit(fn, *args) for _, fn, *args in cases]):
            test(name, future.result)


def all_cases():
    return (
        [("silence " + n, script, *a) for n, *a in SCRIPTS] +
        [("silence instead of %s, %s" % (c, s), command, s, c)
         for s, c in (("remote", "SELECT"), ("local", "CREATE"),
                      ("local", "APPEND"), ("remote", "UID STORE"),
                      ("local", "UID EXPUNGE"))] +
        [("silence in SCRAM", scram),
         ("silence in imaps", in_tls, "imaps"),
         ("silence behind STARTTLS", in_tls, "imap"),
         ("silence instead of LOGOUT", goodbye)])


if __name__ == "__main__":
    run_all(sys.argv[1] if len(sys.argv) > 1 else "")
    done()
