#!/usr/bin/env python3
# COMPRESS=DEFLATE: with two Dovecots that have imap_zlib, and with a server
# that compresses as no real one does (zipserver.py).
#
#	compress.py [PART OF A NAME]
import base64, random, subprocess, sys, time
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import BROKE, LOST, Scripted, one_line, said
from servers import *
from tap import *

ZIPSERVER = os.path.join(HERE, "zipserver.py")
ZLIB = """mail_plugins = $mail_plugins zlib
protocol imap {
  mail_plugins = $mail_plugins imap_zlib
}
"""
MEMORY = 64 << 10       # KiB a process may take, whatever is sent to it
BOMB_TIME = 60          # seconds until a line of 512 MiB is refused


def words(r, side):
    """The commands in the log."""
    return [l.split()[3] for l in r.err.splitlines()
            if re.match(side + r": C: (\d{6}|xxx) ", l)]


def traffic(r, side):
    """(received, compressed or None, sent, compressed or None)"""
    size = r"([\d.]+)([KM]?)(?: \(compr\. ([\d.]+)([KM]?), factor [\d.]+\))?"
    m = re.search("^%s: IMAP traffic \\(bytes\\): recv %s sent %s$" %
                  (side, size, size), r.err, re.M)
    if m is None:
        raise AssertionError("no such line in: " + r.err)
    g = m.groups()
    unit = {"": 1, "K": 1 << 10, "M": 1 << 20}
    return [g[i] and float(g[i]) * unit[g[i + 1]] for i in (0, 2, 4, 6)]


# ---- two Dovecots ----

class Dovecots:
    """The local one in the clear, the remote one over TLS."""
    def __init__(self, scratch):
        self.scratch = scratch
        self.cert = make_cert(scratch, "cert")
        self.l = Dovecot(scratch, "L", ZLIB).start()
        self.r = Dovecot(scratch, "R", ZLIB, cert=self.cert).start()
        fill_maildir(self.l, ["INBOX", "A"], count=40)
        fill_maildir(self.r, ["INBOX", "B"], first=100, count=40)

    def run(self, *args, local="", remote=""):
        section = ("type = imap\nhost = 127.0.0.1\nport = %d\nSTARTTLS = NO\n"
                   "username = %s\npassword = %s\n" % (
                       self.l.imap, USER.pw_name, self.l.password))
        return Interimap(self.scratch, section + local,
                         imaps_section(self.r) + remote).run(*args)

    def equal(self):
        with self.l.client() as a, self.r.client() as b:
            left, right = a.snapshot(), b.snapshot()
        eq(left, right, "the two sides")
        return left


def asked(local, remote, sides):
    """Which side asks for it, when, and what comes of it."""
    with Scratch() as s:
        d = Dovecots(s)
        r = d.run("--debug", local=local, remote=remote)
        eq((r.status, said(r)), (0, []), "exit status; it said: " + r.err)
        d.equal()
        for side in ("local", "remote"):
            w, t = words(r, side), traffic(r, side)
            if side not in sides:
                eq((w.count("COMPRESS"), t[1], t[3]), (0, None, None), side)
                continue
            eq(w.count("COMPRESS"), 1, "COMPRESS of " + side)
            at = w.index("COMPRESS")
            eq(set(w[at - 2:at]), {"LIST"}, "what stands before it")
            eq(w[at + 1] != "LIST", True, "what stands behind it")
            if t[1] > 0.6 * t[0] or t[3] > 0.6 * t[2]:
                raise AssertionError("little was saved: %r" % t)
        r = d.run(local=local, remote=remote)
        eq((r.status, len(r.err.splitlines())), (0, 2), "the next run")
        for side in sides:
            t = traffic(r, side)
            eq((t[1] <= t[0], t[3] <= t[2] + 30), (True, True),
               "octets of a run that does nothing: %r" % t)
        r = d.run("--quiet", local=local, remote=remote)
        eq((r.status, r.err), (0, ""), "a quiet run")


def part(kind, size):
    rng = random.Random(size)
    if kind == "base64":
        return base64.encodebytes(rng.randbytes(size * 3 // 4))
    if kind == "text":
        return sample(size, size).encode()
    return rng.randbytes(size).replace(b"\0", b"\1")


def bodies():
    """Of all kinds and sizes, both ways at once, there and back."""
    with Scratch() as s:
        d = Dovecots(s)
        n = 0
        for server, boxes in ((d.l, ("INBOX", "A")), (d.r, ("INBOX", "B"))):
            with server.client() as c:
                for kind in ("base64", "noise", "text"):
                    for size in (100, 16000, 70000, 2000000):
                        head = b"Message-ID: <%d@zip>\r\n\r\n" % n
                        n += 1
                        c.append(boxes[n % 2], head + part(kind, size + n))
        r = d.run(local="compress = YES\n")
        eq((r.status, said(r)), (0, []), "exit status; it said: " + r.err)
        eq(sum(map(len, d.equal().values())), 4 * 40 + 2 * 12, "messages")
        for side in ("local", "remote"):
            t = traffic(r, side)
            if t[3] > 0.87 * t[2] or t[1] > t[0]:
                raise AssertionError("little was saved: %r" % t)
        r = d.run("--quiet")
        eq((r.status, r.err), (0, ""), "the next run")


# ---- a server that compresses as told ----

class Zipped:
    def __init__(self, scratch):
        self.scratch, self.p = scratch, Scripted(scratch)
        self.log = os.path.join(scratch.mkdir("log"), "log")

    def program(self, **options):
        return Interimap(
            self.scratch, self.p.l.section(),
            'type = tunnel\ncommand = python3 -B %s %s %s "%r"\n' % (
                ZIPSERVER, self.p.r.dir, self.log, options))

    def run(self, *args, **options):
        return self.program(**options).run(*(args or ("--quiet",)))

    def seen(self):
        with open(self.log) as f:
            return f.read().splitlines()


def accepted(compressed, **options):
    """The run succeeds, with compression or without."""
    with Scratch() as s:
        z = Zipped(s)
        r = z.run(**options)
        eq((r.status, said(r)), (0, []), "the run")
        eq(z.seen()[0], "waits", "after COMPRESS")
        pairs = [l.split() for l in z.seen()[1:]]
        eq(len(pairs) > 0, compressed, "whether it compressed")
        if compressed:
            sent, plain = [sum(int(p[i]) for p in pairs) for i in (0, 1)]
            if sent > 0.7 * plain:
                raise AssertionError("%d octets for %d" % (sent, plain))
        z.p.goes_on()


def refused(answer):
    """A refusal is said once, and costs nothing else."""
    with Scratch() as s:
        z = Zipped(s)
        r = z.run(answer=answer)
        eq(r.status, 0, "exit status; it said: " + r.err)
        one_line(r, "remote: WARNING: the server offers COMPRESS=DEFLATE but "
                 "refuses it: ", answer.split(" ", 1)[1], "compress = NO")
        eq(z.seen(), ["waits"], "what it saw")
        z.p.goes_on()


def broken(status, needles, **options):
    with Scratch() as s:
        z = Zipped(s)
        before = z.p.boxes()
        r = z.run(**options)
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, "remote: ERROR: ", *needles)
        z.p.goes_on(before)


def largest(pid):
    """The most memory one of the processes below this one ever had, in KiB."""
    most = 0
    for p in [pid] + subprocess.run(
            ["pgrep", "-P", str(pid)], capture_output=True,
            text=True).stdout.split():
        try:
            with open("/proc/%s/status" % p) as f:
                text = f.read()
        except OSError:
            continue
        m = re.search(r"VmHWM:\s+(\d+) kB", text)
        if m and "imapchild" in text:
            most = max(most, int(m.group(1)))
    return most


def bomb():
    """Refused in the end, and no more memory than for anything else."""
    with Scratch() as s:
        z = Zipped(s)
        before = z.p.boxes()
        p = subprocess.Popen(
            z.program(then="bomb").argv("--quiet"), env=s.env(), text=True,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        most, end = 0, time.monotonic() + BOMB_TIME
        try:
            while p.poll() is None and time.monotonic() < end:
                most = max(most, largest(p.pid))
                time.sleep(0.05)
        finally:
            p.kill()
        err = p.communicate()[1]
        eq(p.returncode, 1, "exit status; it said: " + err)
        has(err, "remote: ERROR: ", "response too long", BROKE)
        if not 0 < most < MEMORY:
            raise AssertionError("imapchild took %d KiB" % most)
        z.p.goes_on(before)


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, fn, *args in (
            ("the remote side asks by default", asked, "", "", ["remote"]),
            ("both sides ask", asked, "compress = yes\n", "",
             ["local", "remote"]),
            ("nobody asks", asked, "compress = NO\n", "compress = NO\n", []),
            ("bodies of all kinds", bodies),
            ("refused: NO", refused, "NO not today"),
            ("refused: BAD", refused, "BAD what is that"),
            ("memory under a bomb", bomb)):
        if only in name:
            test(name, fn, *args)
    for name, compressed, options in (
            ("agreed", True, {}),
            ("data behind the answer", True,
             {"behind": "* OK still here\r\n* 0 RECENT\r\n"}),
            ("empty blocks between answers", True, {"then": "empties"}),
            ("COMPRESSIONACTIVE", False,
             {"answer": "NO [COMPRESSIONACTIVE] by TLS"})):
        if only in name:
            test(name, lambda: accepted(compressed, **options))
    for name, status, needles, options in (
            ("not compressed", 1, ["COMPRESS", "does not inflate",
                                   "compress = NO", BROKE],
             {"then": "clear"}),
            ("noise", 1, ["does not inflate", BROKE], {"then": "noise"}),
            ("a stream that is cut", 75,
             ["server closed the connection", LOST],
             {"then": "cut"}),
            ("a stream that ends", 75,
             ["server closed the connection; ", LOST], {"then": "finish"}),
            ("blocks without data", 1, ["blocks without data", BROKE],
             {"then": "empty"})):
        if only in name:
            test(name, lambda: broken(status, needles, **options))
    done()


if __name__ == "__main__":
    main()
