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
# Octets and words: a channel that can be cut or go silent, and the grammar of
# commands (RFC 3501 section 9, RFC 7888, RFC 3516).  Used by refserver.py and
# scripted.py.

import os
import re
import select
import sys
import time


class Closed(Exception):
    """The client is gone, or we decided to be."""


class Channel:
    """A pair of descriptors; cut and stall count octets sent."""

    def __init__(self, rfd, wfd, cut=None, stall=None):
        self.rfd, self.wfd, self.cut, self.stall = rfd, wfd, cut, stall
        self.inbuf, self.out, self.sent = b"", b"", 0
        self.on_flush = lambda: None    # before octets leave
        self.tag = b"*"                 # of the command being read

    def fill(self):
        if not select.select([self.rfd], [], [], 0)[0]:
            self.flush()
        data = self.read()
        if not data:
            self.flush()
            raise Closed("end of file")
        self.inbuf += data

    def read(self):
        try:
            return os.read(self.rfd, 65536)
        except OSError as e:
            raise Closed(str(e)) from e

    def line(self):
        """One line without its line end."""
        while b"\n" not in self.inbuf:
            self.fill()
        line, self.inbuf = self.inbuf.split(b"\n", 1)
        return line.rstrip(b"\r")

    def octets(self, n):
        while len(self.inbuf) < n:
            self.fill()
        data, self.inbuf = self.inbuf[:n], self.inbuf[n:]
        return data

    def write(self, data):
        self.out += data
        if len(self.out) > 1 << 20:
            self.flush()

    def flush(self):
        data, self.out = self.out, b""
        self.on_flush()
        for limit, act in ((self.cut, self.close), (self.stall, self.hang)):
            if limit is not None and self.sent + len(data) >= limit:
                self.write_all(data[:limit - self.sent])
                act()
        self.write_all(data)

    def write_all(self, data):
        self.sent += len(data)
        while data:
            try:
                data = data[os.write(self.wfd, data):]
            except OSError as e:
                raise Closed(str(e)) from e

    def close(self):
        raise Closed("cut")

    def hang(self):
        """Say nothing more; end when the client does."""
        while self.read():
            pass
        raise Closed("stalled")


class Literal(bytes):
    """A string that came as a literal."""
    binary = False


class Quoted(bytes):
    """A quoted string."""


class BadSyntax(Exception):
    """A tagged BAD."""


class No(Exception):
    """A tagged NO; the text may begin with a code."""


TAIL = re.compile(rb"(~?)\{(\d+)(\+?)\}$")


def read_command(ch, allow):
    """
    One command as a list of words: bytes, or lists of them.  allow(n, sync)
    says None, or why a literal is refused.
    """
    words, stack = [], []
    while True:
        text = ch.line()
        if not words:
            ch.tag = text.split(b" ")[0] or b"*"
        m = TAIL.search(text)
        tokenize(text[:m.start()] if m else text, words, stack)
        if not m:
            break
        n, sync = int(m.group(2)), m.group(3) == b""
        why = allow(n, sync)
        if why and sync:
            raise BadSyntax(why)
        if sync:
            ch.write(b"+ OK\r\n")
            ch.flush()
        lit = Literal(ch.octets(n))
        lit.binary = m.group(1) == b"~"
        if why:
            ch.line()           # what follows belongs to the bad command
            raise BadSyntax(why)
        (stack[-1] if stack else words).append(lit)
    if stack:
        raise BadSyntax("parenthesis")
    return words


ATOM = re.compile(rb'[^\s()"\[{]*(\[[^\]]*\](<[\d.]+>)?)?')


def tokenize(text, words, stack):
    """Append the words of one line; lists still open are in stack."""
    i = 0
    while i < len(text):
        top = stack[-1] if stack else words
        c = text[i:i + 1]
        if c == b" ":
            i += 1
        elif c == b"(":
            top.append([])
            stack.append(top[-1])
            i += 1
        elif c == b")":
            if not stack:
                raise BadSyntax("parenthesis")
            stack.pop()
            i += 1
        elif c == b'"':
            m = re.compile(rb'"((?:[^"\\]|\\.)*)"').match(text, i)
            if not m:
                raise BadSyntax("quoted string")
            top.append(Quoted(re.sub(rb"\\(.)", rb"\1", m.group(1))))
            i = m.end()
        else:
            m = ATOM.match(text, i)
            if m.end() == i:
                raise BadSyntax("octet %d" % c[0])
            top.append(m.group(0))
            i = m.end()


def parse_set(text, largest):
    """Ranges of a sequence-set; "*" is the largest."""
    ranges = []
    for part in text.split(b","):
        ends = [largest if e == b"*" else int(e) for e in part.split(b":")]
        ranges.append((min(ends), max(ends)))
    return ranges


def in_set(ranges, n):
    return any(lo <= n <= hi for lo, hi in ranges)


def format_set(uids):
    """Sorted UIDs as a uid-set."""
    out, uids = [], sorted(uids)
    for u in uids:
        if out and out[-1][1] == u - 1:
            out[-1][1] = u
        else:
            out.append([u, u])
    return b",".join(b"%d" % a if a == b else b"%d:%d" % (a, b)
                     for a, b in out)


def quote(name, literal=False):
    """A mailbox name: quoted, or a literal where it must or shall be one."""
    if literal or any(c < 32 or c > 126 for c in name):
        return b"{%d}\r\n" % len(name) + name
    return b'"' + re.sub(rb'([\\"])', rb"\\\1", name) + b'"'


def note(text):
    """To standard error, for whoever debugs a test."""
    if os.environ.get("SCRIPTED_DEBUG"):
        print("%.3f %s" % (time.time(), text), file=sys.stderr)
