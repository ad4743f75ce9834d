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
# The commands of the selected state: UID FETCH, STORE, SEARCH, EXPUNGE.  A
# part of refserver.py's Server, in a file of its own for its size.

import re

from mailstore import canonical
from wire import BadSyntax, Closed, No, format_set, in_set, parse_set

HEADER = re.compile(rb"BODY(?:\.PEEK)?\[HEADER\.FIELDS \(([^)]*)\)\]", re.I)
SYSTEM = ("answered", "deleted", "draft", "flagged", "seen")


class MessageCommands:
    def need_selected(self):
        if self.box is None:
            raise BadSyntax("no mailbox selected")

    def matching(self, text):
        """Messages of a set of UIDs, and "*" as RFC 3501 has it."""
        self.need_selected()
        ranges = parse_set(text, max(self.box.messages, default=0))
        return [m for m in list(self.box.messages.values())
                if in_set(ranges, m.uid)]

    def flags(self, m):
        return " ".join(m.flags).encode()

    def fetched(self, m, items):
        if m.uid not in self.uids:
            self.uids = list(self.box.messages)
        self.say(b"%d FETCH (%s)" % (self.uids.index(m.uid) + 1, items))

    # UID FETCH.

    def do_uid_fetch(self, args):
        self.need_selected()
        items = args[1] if isinstance(args[1], list) else [args[1]]
        mods = args[2] if len(args) > 2 else []
        since = 0
        if mods:
            words = [w.upper() for w in mods]
            since = int(words[words.index(b"CHANGEDSINCE") + 1])
            if b"VANISHED" in words:
                self.fetch_vanished(args[0], since)
            items = items + [b"MODSEQ"]
        if self.q.has("fetch-nothing"):
            return
        for m in self.matching(args[0]):
            if m.modseq > since:
                self.fetch_one(m, items)

    def fetch_vanished(self, text, since):
        ranges = parse_set(text, self.box.uidnext)
        gone = {u for s, u in self.box.vanished
                if s > since and in_set(ranges, u)}
        if gone:
            self.say(b"VANISHED (EARLIER) " + format_set(gone))

    def fetch_one(self, m, items):
        parts, seen = [b"UID %d" % m.uid], set()
        for item in items:
            if item.upper() not in seen and item.upper() != b"UID":
                seen.add(item.upper())
                parts.append(self.fetch_item(m, item))
        if self.q.has("flags-late"):
            late = [p for p in parts if p.startswith(b"FLAGS")]
            if late and len(parts) > len(late) + 1:
                self.fetched(m, b" ".join(p for p in parts if p not in late))
                parts = parts[:1] + late
        self.fetched(m, b" ".join(parts))

    def fetch_item(self, m, item):
        up = item.upper()
        if up == b"FLAGS":
            return b"FLAGS (%s)" % self.flags(m)
        if up == b"MODSEQ":
            return b"MODSEQ (%d)" % m.modseq
        if up == b"RFC822.SIZE":
            return b"RFC822.SIZE %d" % len(m.body)
        if up == b"INTERNALDATE":
            return b'INTERNALDATE "%s"' % (
                b"yesterday\x1b[1m" if self.q.has("fetch-bad-date")
                else m.date.encode())
        if up in (b"BODY.PEEK[]", b"BODY[]"):
            return self.fetch_body(m)
        h = HEADER.fullmatch(item)
        if h:
            text = header_fields(m.body, h.group(1))
            return b"BODY[HEADER.FIELDS (%s)] {%d}\r\n%s" % (
                h.group(1), len(text), text)
        raise BadSyntax("FETCH item")

    def fetch_body(self, m):
        if self.q.has("fetch-nil"):
            return b"BODY[] NIL"
        if self.q.has("giant-literal"):
            return b"BODY[] {4294967295}\r\n" + m.body
        eight = b"\0" in m.body and not self.q.has("plain-nul")
        text = b"BODY[] %s{%d}\r\n" % (b"~" if eight else b"", len(m.body))
        if self.q.has("cut-body"):
            n = int(self.q.value("cut-body", str(len(m.body) // 2)))
            self.ch.write(b"* %d FETCH (UID %d %s%s" % (
                self.uids.index(m.uid) + 1, m.uid, text, m.body[:n]))
            self.ch.flush()
            raise Closed("quirk")
        return text + m.body

    # UID STORE (RFC 7162 section 3.1.3).

    def do_uid_store(self, args):
        self.need_selected()
        since, rest = None, args[1:]
        if isinstance(rest[0], list):
            since, rest = int(rest[0][1]), rest[1:]
        verb, flags = rest[0].upper(), rest[1:]
        if flags and isinstance(flags[0], list):
            flags = flags[0]
        flags = [canonical(f.decode()) for f in flags]
        for f in flags:
            self.check_flag(f)
        if self.readonly:
            raise BadSyntax("read-only")
        modified = []
        for m in self.matching(args[0]):
            if self.unwanted(m, since):
                modified.append(m.uid)
            else:
                self.store_one(m, verb, flags, since is not None)
        self.store.dirty = True
        return b"[MODIFIED %s]" % format_set(modified) if modified else b""

    def check_flag(self, flag):
        if flag.startswith("\\") and flag[1:].lower() not in SYSTEM:
            raise BadSyntax("flag")
        if not flag.startswith("\\") and self.q.has("no-keywords"):
            raise No("[LIMIT] no keywords")
        self.check_keyword(flag)

    def check_keyword(self, flag):
        if flag.lower() == self.q.value("refuse-keyword").lower() != "":
            raise No("[LIMIT] too many keywords")

    def unwanted(self, m, since):
        """Did somebody else change it since?"""
        if since is not None and self.q.has("store-modified") and \
                not self.q.seen.get("modified"):
            self.q.count("modified")
            self.box.flag(m.uid, m.flags + ["$Other"])
            self.fetched(m, b"UID %d FLAGS (%s) MODSEQ (%d)" % (
                m.uid, self.flags(m), m.modseq))
        return since is not None and m.modseq > since

    def store_one(self, m, verb, flags, tell):
        folded = [f.lower() for f in flags]
        if verb.startswith(b"+"):
            new = m.flags + flags
        elif verb.startswith(b"-"):
            new = [f for f in m.flags if f.lower() not in folded]
        elif verb.startswith(b"FLAGS"):
            new = flags
        else:
            raise BadSyntax("STORE item")
        before = m.flags
        m.set_flags(new)
        if m.flags != before:
            m.modseq = self.box.change()
        if not verb.endswith(b".SILENT"):
            self.fetched(m, b"UID %d FLAGS (%s) MODSEQ (%d)" % (
                m.uid, self.flags(m), m.modseq))
        elif tell or self.qresync:
            self.fetched(m, b"UID %d MODSEQ (%d)" % (m.uid, m.modseq))

    # UID SEARCH (RFC 4731).

    def do_uid_search(self, args):
        self.need_selected()
        ret = None
        if args and not isinstance(args[0], list) and \
                args[0].upper() == b"RETURN":
            if not self.offers("ESEARCH"):
                raise BadSyntax("no ESEARCH")
            ret, args = [r.upper() for r in args[1]], args[2:]
        if args[0].upper() == b"CHARSET":
            args = args[2:]
        found = [m.uid for m in self.box.messages.values()]
        keys = list(args)
        while keys:
            found = self.search_key(found, keys)
        if self.q.has("search-short"):
            found = found[::2]
        self.search_answer(ret, found)

    def search_key(self, found, keys):
        """Narrow by the first key, which is taken off."""
        key, box = keys.pop(0).upper(), self.box.messages
        if key == b"ALL":
            return found
        if key == b"NOT":
            but = self.search_key(found, keys)
            return [u for u in found if u not in but]
        if key == b"UID":
            ranges = parse_set(keys.pop(0), max(box, default=0))
            return [u for u in found if in_set(ranges, u)]
        if key == b"MODSEQ":
            since = int(keys.pop(0))
            return [u for u in found if box[u].modseq >= since]
        if key in (b"KEYWORD", b"UNKEYWORD"):
            flag, key = keys.pop(0).decode().lower(), key[:2]
        else:
            name = key.decode().lower()
            flag = "\\" + (name[2:] if name.startswith("un") else name)
        if flag.startswith("\\") and flag[1:] not in SYSTEM:
            raise BadSyntax("search key")
        want = not key.startswith(b"UN")
        return [u for u in found
                if (flag in [f.lower() for f in box[u].flags]) == want]

    def search_answer(self, ret, found):
        if ret is None:
            self.say(b"SEARCH" + b"".join(b" %d" % u for u in found))
            return
        text = b"ESEARCH (TAG %s) UID" % (b'"' + self.tag + b'"')
        if not ret or b"ALL" in ret:
            text += b" ALL " + format_set(found) if found else b""
        if b"COUNT" in ret:
            text += b" COUNT %d" % len(found)
        if b"MIN" in ret and found:
            text += b" MIN %d" % min(found)
        if b"MAX" in ret and found:
            text += b" MAX %d" % max(found)
        self.say(text)

    # UID EXPUNGE (RFC 4315).

    def do_uid_expunge(self, args):
        if not self.offers("UIDPLUS"):
            raise BadSyntax("no UIDPLUS")
        self.need_selected()
        wanted = {m.uid for m in self.matching(args[0])}
        self.expunge(lambda uid: uid in wanted)

    def do_expunge(self, args):
        self.need_selected()
        self.expunge(lambda uid: True)

    def expunge(self, wanted):
        gone = [m.uid for m in self.box.messages.values()
                if "\\Deleted" in m.flags and wanted(m.uid)]
        self.box.expunge(gone)
        self.store.dirty = True
        if gone and self.qresync:
            self.say(b"VANISHED " + format_set(gone))
        elif gone:
            for uid in reversed(gone):
                self.say(b"%d EXPUNGE" % (self.uids.index(uid) + 1))
        self.uids = list(self.box.messages)


def header_fields(body, names):
    """The named fields as they stand, in their order, and an empty line."""
    wanted = {n.strip(b'"').lower() for n in names.split()}
    head = re.split(rb"\r?\n\r?\n", body, maxsplit=1)[0]
    out, keep = b"", False
    for line in re.split(rb"(?<=\n)", head + b"\r\n"):
        if line[:1] not in (b" ", b"\t"):
            keep = line.split(b":")[0].strip().lower() in wanted
        if keep:
            out += line
    return out + b"\r\n"
