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
# A server that misbehaves as told, for the tests: as a tunnel command on
# standard input and output, or on a TCP port of 127.0.0.1.
#
#	scripted.py --mailstore DIR [--quirk NAME[=VALUE]] ...
#	scripted.py --script FILE
#	scripted.py --list-quirks
#
# Either takes --cut N (close after N octets sent), --stall N (fall silent
# then), --listen FILE (serve a port and write its number to FILE), and --login
# USER:PASSWORD (else the account is PREAUTH).
#
# A script is played line by line, and then the server closes:
#
#	S: TEXT		send the line, CRLF behind it; escapes as in Python
#	s: TEXT		the same without CRLF
#	S*N: TEXT	send the line N times
#	C: REGEX	a line of the client must match; \1 .. are set for S:
#	L: N		take N octets from the client
#	NOISE N		send N octets of noise, the same in every run
#	STALL		say nothing more, until the client closes
#	CLOSE		close now
#
# A line of the client that does not match ends the play with exit status 3.

import argparse
import random
import re
import socket
import sys

from mailstore import Store
from quirks import QUIRKS, Quirks
from refserver import Server
from wire import Channel, Closed


class Mismatch(Exception):
    """The client did not say what the script expects."""


class Player:
    """Plays a script over a channel."""

    def __init__(self, ch, lines):
        self.ch, self.lines, self.groups = ch, lines, ()

    def run(self):
        for number, line in enumerate(self.lines, 1):
            if line.strip() and not line.startswith("#"):
                self.step(number, line.rstrip("\n"))
        self.ch.flush()

    def step(self, number, line):
        word, _, rest = line.partition(" ")
        times = re.fullmatch(r"S\*(\d+):", word)
        if times:
            for _ in range(int(times.group(1))):
                self.ch.write(self.octets(rest) + b"\r\n")
        elif word in ("S:", "s:"):
            self.ch.write(self.octets(rest) + b"\r\n" * (word == "S:"))
        elif word == "C:":
            self.expect(number, rest)
        elif word == "L:":
            self.ch.octets(int(rest))
        elif word == "NOISE":
            self.ch.write(random.Random(1).randbytes(int(rest)))
        elif word == "STALL":
            self.ch.flush()
            self.ch.hang()
        elif word == "CLOSE":
            self.ch.flush()
            raise Closed("script")
        else:
            raise ValueError("line %d: %s" % (number, line))

    def octets(self, text):
        """Escapes and the groups of the last C: line."""
        for i, g in enumerate(self.groups, 1):
            text = text.replace("\\%d" % i, g)
        return text.encode().decode("unicode_escape").encode("latin-1")

    def expect(self, number, regex):
        line = self.ch.line().decode("latin-1")
        m = re.fullmatch(regex, line)
        if not m:
            raise Mismatch("line %d: expected %s, got %s"
                           % (number, regex, line[:200]))
        self.groups = m.groups()


def serve(a, rfd, wfd):
    ch = Channel(rfd, wfd, a.cut, a.stall)
    if not a.script:
        Server(ch, Store(a.mailstore), Quirks(a.quirk), a.login).run()
        return 0
    try:
        with open(a.script, encoding="utf-8") as f:
            Player(ch, f.readlines()).run()
    except Closed:
        pass
    except Mismatch as e:
        print("scripted.py: %s: %s" % (a.script, e), file=sys.stderr)
        return 3
    return 0


def listen(a):
    """One connection after the other, until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    with open(a.listen, "w", encoding="ascii") as f:
        f.write("%d\n" % listener.getsockname()[1])
    while True:
        conn, _ = listener.accept()
        with conn:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(a, conn.fileno(), conn.fileno())


def arguments():
    p = argparse.ArgumentParser(description="a misbehaving IMAP server")
    p.add_argument("--mailstore", metavar="DIR")
    p.add_argument("--quirk", action="append", default=[], metavar="NAME")
    p.add_argument("--script", metavar="FILE")
    p.add_argument("--listen", metavar="FILE")
    p.add_argument("--login", metavar="USER:PASSWORD")
    p.add_argument("--cut", type=int, metavar="N")
    p.add_argument("--stall", type=int, metavar="N")
    p.add_argument("--list-quirks", action="store_true")
    a = p.parse_args()
    if not a.list_quirks and bool(a.mailstore) == bool(a.script):
        p.error("give --mailstore or --script")
    try:
        Quirks(a.quirk)
    except ValueError as e:
        p.error(str(e))
    return a


def main():
    a = arguments()
    if a.list_quirks:
        for name, what in QUIRKS.items():
            print("%-24s %s" % (name, what))
        return 0
    if a.listen:
        listen(a)
    return serve(a, 0, 1)


if __name__ == "__main__":
    sys.exit(main())
