#!/usr/bin/env python3
#
# Copyright (c) 2026 The interimap authors
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
#
#
# The scripted server itself: right when nothing else is asked of it, and
# every quirk changes what a client sees.

import os
import subprocess
import sys
import tempfile
import unittest

from mailstore import DATE, Store
from quirks import QUIRKS

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 4 << 20                 # octets of output that are looked at

# One session that meets every quirk.
SESSION = [
    b"a1 CAPABILITY",
    b"a2 ENABLE QRESYNC",
    b'a3 LIST "" "*" RETURN (SUBSCRIBED STATUS (UIDVALIDITY UIDNEXT '
    b"HIGHESTMODSEQ MESSAGES))",
    b"a4 CREATE New",
    b"a5 SUBSCRIBE New",
    b"a6 SELECT INBOX (QRESYNC (1001 3 1:4294967295))",
    b"a7 UID SEARCH ALL",
    b"a8 UID SEARCH RETURN () UID 2:*",
    b"a9 UID FETCH 1:* (FLAGS MODSEQ RFC822.SIZE INTERNALDATE BODY.PEEK[])",
    b"b1 UID STORE 1 (UNCHANGEDSINCE 100) +FLAGS.SILENT (\\Seen)",
    b"b2 UID STORE 2 +FLAGS (keyword)",
    b"b3 UID STORE 3 +FLAGS.SILENT (\\Deleted)",
    b"b4 UID EXPUNGE 3",
    b"b5 UNSELECT",
    b"b6 SELECT Other (QRESYNC (1002 1))",
    b"b7 APPEND Other (\\Seen) {3+}\r\none (\\Draft) {3+}\r\ntwo",
    b"b8 APPEND Other {5000+}\r\n" + b"x" * 5000,
    b"b9 UID FETCH 1:* (FLAGS)",
    b"c1 SELECT INBOX",
    b"c2 SELECT Other",
    b"c3 APPEND Other ~{3+}\r\na\0b",
    b"c4 UID FETCH 5 (BODY.PEEK[])",
    b"c5 LOGOUT",
]

VALUES = {
    "select-say": "INBOX:1 EXPUNGE",
    "appenduid-set": "1:2",
    "cap-without": "UIDPLUS", "select-bad": "Other", "select-no": "Other",
    "recreate": "Other", "bye": "APPEND:2", "drop": "UID STORE",
    "drop-done": "APPEND", "silent": "SELECT:2", "no": "UID FETCH",
    "bad": "UID EXPUNGE", "garbage": "LIST", "nested": "LIST",
    "append-refuse": "TOOBIG:xxx", "append-busy": "INUSE:1",
    "append-limit": "100", "refuse-keyword": "keyword",
    "endless-line": "SELECT", "false-tag": "UNSELECT", "nul": "CREATE",
}


def fill(path):
    store = Store(path)
    other = store.create("Other")
    for i in range(1, 6):
        store.get("INBOX").add(["\\Seen"] * (i % 2), DATE,
                               b"Subject: %d\r\n\r\nbody\r\n" % i)
    store.get("INBOX").expunge([5])
    other.add([], DATE, b"Subject: other\r\n\r\nbody\r\n")
    store.save()


def talk(args, lines):
    """What the server answers when all lines are sent at once."""
    p = subprocess.Popen([sys.executable, os.path.join(HERE, "scripted.py")]
                         + args, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with p:
        try:
            p.stdin.write(b"".join(line + b"\r\n" for line in lines))
            p.stdin.close()
        except BrokenPipeError:
            pass
        out = p.stdout.read(LIMIT)
        p.stdout.close()
        err = p.stderr.read()
    return out, err, p.returncode


class TestServer(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.dir = os.path.join(self.scratch.name, "store")

    def tearDown(self):
        self.scratch.cleanup()

    def session(self, *args):
        fill(self.dir)
        out, err, _ = talk(["--mailstore", self.dir, *args], SESSION)
        dump = b"\n".join(Store(self.dir).dump(True))
        os.remove(os.path.join(self.dir, "store.json"))
        return out, dump, err

    def test_right(self):
        out, dump, err = self.session()
        self.assertEqual(err, b"")
        want = [
            b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ ",
            b"* ENABLED QRESYNC\r\n",
            b'* STATUS "INBOX" (UIDVALIDITY 1001 UIDNEXT 6 HIGHESTMODSEQ 7 '
            b"MESSAGES 4)\r\n",
            b"* VANISHED (EARLIER) 5\r\n",
            b"* SEARCH 1 2 3 4\r\n",
            b'* ESEARCH (TAG "a8") UID ALL 2:4\r\n',
            b"UID 4 FLAGS () MODSEQ (5) RFC822.SIZE 20 INTERNALDATE "
            b'"24-Nov-2026 06:00:00 +0000" BODY[] {20}\r\nSubject: 4\r\n\r\n',
            b"* VANISHED 3\r\n",
            b"b7 OK [APPENDUID 1002 2:3] done\r\n",
            b"b8 OK [APPENDUID 1002 4] done\r\n",
            b"* OK [CLOSED] done\r\n",
            b"c3 OK [APPENDUID 1002 5] done\r\n",
            b"* BYE done\r\nc5 OK done\r\n",
        ]
        at = 0
        for w in want:
            self.assertIn(w, out[at:])
            at = out.index(w, at)
        for tag in (line.split()[0] for line in SESSION):
            self.assertIn(b"\r\n" + tag + b" OK", out)
        self.assertIn(b"New subscribed", dump)
        self.assertIn(b"INBOX 2 ", dump)
        self.assertNotIn(b"INBOX 3 ", dump)

    def test_quirks(self):
        right = self.session()
        self.assertEqual(self.session(), right)
        for quirk in sorted(QUIRKS):
            with self.subTest(quirk=quirk):
                value = VALUES.get(quirk)
                arg = quirk + ("=" + value if value else "")
                if quirk == "no-sasl-ir":
                    continue        # test_login
                got = self.session("--quirk", arg)
                self.assertNotEqual(got[:2], right[:2])
                self.assertEqual(got[2], b"")

    def test_usage(self):
        for args in (["--quirk", "nonesuch"], ["--quirk", "bye"]):
            _, err, status = talk(["--mailstore", self.dir] + args, [])
            self.assertEqual(status, 2)
            self.assertIn(b"quirk", err)

    def test_login(self):
        args = ["--mailstore", self.dir, "--login", "u:p"]
        out, _, _ = talk(args, [
            b"1 SELECT INBOX", b"2 LOGIN u x",
            b"3 AUTHENTICATE PLAIN AHUAcA==", b"4 SELECT INBOX"])
        for want in (b"* OK ", b"1 BAD", b"2 NO", b"3 OK", b"4 OK"):
            self.assertIn(want, out)
        out, _, _ = talk(args + ["--quirk", "no-sasl-ir"], [
            b"1 AUTHENTICATE PLAIN AHUAcA==", b"2 AUTHENTICATE PLAIN",
            b"AHUAcA==", b"3 SELECT INBOX"])
        for want in (b"1 BAD", b"+ \r\n", b"2 OK", b"3 OK"):
            self.assertIn(want, out)

    def test_cut(self):
        whole, _, _ = talk(["--mailstore", self.dir], SESSION[:3])
        self.assertIn(b"a3 OK", whole)
        for n in (0, 1, 17, len(whole) - 1):
            for how in ("--cut", "--stall"):
                out, _, _ = talk(["--mailstore", self.dir, how, str(n)],
                                 SESSION[:3])
                self.assertEqual(out, whole[:n])


class TestScript(unittest.TestCase):
    def play(self, script, lines):
        with tempfile.NamedTemporaryFile("w", suffix=".script") as f:
            f.write(script)
            f.flush()
            return talk(["--script", f.name], lines)

    def test_play(self):
        out, _, status = self.play(
            "# greet\nS: * PREAUTH \\x1b[m\nC: (\\S+) CAPABILITY\n"
            "S: \\1 OK done\nL: 3\nS*2: * OK x\ns: y\nCLOSE\nS: never\n",
            [b"t1 CAPABILITY", b"abc"])
        self.assertEqual(out, b"* PREAUTH \x1b[m\r\nt1 OK done\r\n"
                         b"* OK x\r\n* OK x\r\ny")
        self.assertEqual(status, 0)

    def test_mismatch(self):
        _, err, status = self.play("S: * PREAUTH x\nC: \\S+ NOOP\n",
                                   [b"t1 LOGOUT"])
        self.assertEqual(status, 3)
        self.assertIn(b"line 2: expected", err)

    def test_noise(self):
        out, _, _ = self.play("NOISE 1000\nSTALL\n", [])
        self.assertEqual(len(out), 1000)


if __name__ == "__main__":
    unittest.main()
