#!/usr/bin/env python3
# What a user is told: logfile and its time stamps, log-prefix, --quiet, and the
# traffic of --debug.  Real Dovecots; the packaged original must print the same,
# where both print a thing at all.
#
#	logs.py [PART OF A NAME]
import os, re, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import settings
from badserver import one_line
from servers import *
from settings import both, lines, pair
from tap import *


STAMP = re.compile(r"^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
                   r"([ 0-3]\d) (\d\d):(\d\d):(\d\d)\.(\d{6}) ")


def logfile():
    """All lines with the time, --debug's only there; appended to."""
    with Scratch() as s:
        log = s.dir + "/log"
        l, r, p = pair(s, "logfile = %s\n" % log)
        x = p.run(env={"TZ": "UTC-9"})
        first = lines(log)
        eq([STAMP.sub("", t) for t in first], x.err.splitlines(), "the lines")
        has(x.err, "Creating new schema", "IMAP traffic")
        eq(oct(os.stat(log).st_mode & 0o777), "0o600", "mode")
        for t in first:
            eq(STAMP.match(t) is not None, True, "time stamp of " + t)
        eq(STAMP.match(first[0]).group(3),
           "%02d" % ((time.gmtime().tm_hour + 9) % 24), "hour in TZ")
        x = p.run("--debug")
        second = lines(log)
        eq(second[:len(first)], first, "the old lines")
        debug = [STAMP.sub("", t) for t in second[len(first):]]
        has("\n".join(debug), ">>> interimap ", "local: C: 000000 ENABLE",
            "remote: S: * ENABLED QRESYNC", "Cleaning up...")
        eq([t for t in x.err.splitlines() if re.search(
            "C: |S: |>>>|Cleaning|octets", t)], [], "on standard error")
        has(x.err, "IMAP traffic")
        # All six digits, also in the first tenth of a second.
        for _ in range(40):
            for t in lines(log):
                eq(STAMP.match(t) is not None, True, "time stamp of " + t)
            if any(STAMP.match(t).group(6)[0] == "0" for t in lines(log)):
                return
            p.run("--debug")
        raise AssertionError("never in the first tenth of a second")


def no_logfile():
    """Where it cannot be, nothing is done."""
    with Scratch() as s:
        l, r, p = pair(s, "logfile = %s/none/log\n" % s.dir)
        x = p.run()
        eq(x.status, 78, x.err)
        one_line(x, "logfile %s/none/log: No such file" % s.dir)
        eq(os.path.exists(p.db), False, "a database was made")


# log-prefix; what stands before a line of the remote side, of its mailbox M,
# of the database, and of none.  The default first.
PREFIXES = [
    (None, "remote: ", "remote(M): ", "database: ", ""),
    ("%?n?%?m?%n(%m)&%n?: ?", "remote: ", "remote(M): ", "database: ", ""),
    ("", "", "", "", ""),
    ("%n %m|", "remote |", "remote M|", "database |", " |"),
    ("%?m?[%m]?", "", "[M]", "", ""),
    ("%?n?a&b?%?m?c&d?>", "ad>", "ac>", "ad>", "bd>"),
    ("%?m?%?n?both&m?&%?n?n&none??:", "n:", "both:", "n:", "none:"),
    ("100%% \\& \\? \\\\", "100% & ? \\", "100% & ? \\", "100% & ? \\",
     "100% & ? \\"),
    ("%?n?\\?\\&%%&x?|", "?&%|", "?&%|", "?&%|", "x|"),
]


def prefix(program):
    """Each line of a run that creates M and fills it."""
    out = []
    with Scratch() as s:
        l, r, p = pair(s, program=program)
        plain = lines(p.conf)
        for i, (text, *want) in enumerate(PREFIXES):
            with l.client() as c:
                c.create("M%d" % i)
                c.append("M%d" % i, sample(i))
            s.write("sync/config", "\n".join(
                ([] if text is None else ["log-prefix = " + text]) + plain))
            err = p.run(timeout=20).err.replace("M%d" % i, "M")
            got = []
            for mark in ("Subscribe to M", "Added 1 UID", "Created mailbox M"):
                got += [t[:t.index(mark)] for t in err.splitlines()
                        if mark in t][:2 if mark[0] == "C" else 1]
            out.append((text, sorted(got)))
            eq(sorted(set(got)), sorted(set(want[:3])), "prefixes of %s: %s" %
               (text, err))
            if program == settings.PROGRAM:
                x = p.run("--debug", timeout=20).err.splitlines()
                eq(x[0], want[3] + ">>> interimap 0.1", "of no side")
    return out


# ---- --debug and --quiet ----

def quiet(program):
    """What -q leaves out, and what it does not."""
    with Scratch() as s:
        l, r, p = pair(s, program=program)
        told = {}
        for n in ("A", "B"):
            args = [] if n == "A" else ["-q"]
            with l.client() as c:
                c.create(n)
                for i in (1, 2, 3):
                    c.append(n, sample(i))
            err = p.run(*args).err
            with l.client() as c:
                c.store(n, "1", "+", "\\Flagged")
                c.expunge(n, "2")
                c.ok(c.c.unsubscribe(n))
            with r.client() as c:
                c.store(n, "1", "+", "\\Seen")
                c.store(n, "3", "+", "\\Draft")
                c.append(n, sample(5))
            err += p.run(*args).err
            told[n] = sorted(
                t.replace("(%s)" % n, "(X)").replace(" " + n, " X")
                for t in err.splitlines()
                if not re.search("schema|traffic|INBOX| new", t))
            eq("IMAP traffic" in err, n == "A", "traffic with %s" % args)
        warning = ("WARNING: Conflicting flag update in X for local UID 1 "
                   "(\\Flagged) and remote UID 1 (\\Seen). Setting both to "
                   "the union (\\Flagged \\Seen).")
        eq(told["B"], sorted(["database: Created mailbox X", warning]), "-q")
        return told


def debug_mailbox():
    """%m in the traffic: the mailbox a line is about."""
    with Scratch() as s:
        l, r, p = pair(s, sep="/", refs=("", "up/"))
        with l.client() as c:
            for n in ("A", "a b"):
                c.create(n)
                c.append(n, sample(1))
        x = p.run("--debug", "A", "a b").err.splitlines()
        for t in x:
            m = re.match(r"(local|remote)(?:\((.*?)\))?: ([CS]): (.*)", t)
            if m is None:
                continue
            side, box, who, text = m.groups()
            word = re.match(r"\d{6} (UID \w+|\w+)(?: \"?(up/)?(A|a b)\b)?",
                            text)
            if who == "C" and word and word.group(1) in (
                    "SELECT", "CREATE", "APPEND", "SUBSCRIBE"):
                eq(box, (word.group(2) or "") + word.group(3), t)
            elif who == "C" and word and word.group(1) in (
                    "ENABLE", "LIST", "LOGOUT") or re.match(
                    r"\* (LIST|STATUS|ENABLED|BYE)", text):
                eq(box, None, t)
            elif re.match(r"\d{6} UID|\* (VANISHED|FETCH|\d+ (EXISTS|FETCH))|"
                          r".*APPENDUID|\* FLAGS|.*(READ-WRITE|CLOSED)",
                          text):
                eq(box in ("A", "a b", "up/A", "up/a b"), True, t)
        has("\n".join(x), "remote(up/A): C: ", "remote(up/a b): S: ",
            "local(A): S: [...])")
        eq(sum(" LOG id " in t for t in x), 0, "frames of the log itself")


def main(only):
    for name, fn, *args in (
            ("logfile", logfile), ("a logfile that cannot be", no_logfile),
            ("log-prefix", both, prefix), ("--quiet", both, quiet),
            ("mailboxes in the traffic", debug_mailbox)):
        if only in name:
            test(name, fn, *args)
    done()


if __name__ == "__main__":
    if "INTERIMAP" not in os.environ:
        settings.PROGRAM = reachable()
    main(sys.argv[1] if len(sys.argv) > 1 else "")
