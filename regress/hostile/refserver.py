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
# A small IMAP server, right unless a quirk says otherwise: enough for a
# client that synchronizes by QRESYNC (RFC 3501, 4315, 5161, 5258, 5819, 7162,
# 7888, 3502, 4731).  One connection; the store is saved before an answer
# leaves, so that a kill loses nothing that was promised.

import base64
import random
import re

from mailstore import DATE, Store
from messages import MessageCommands
from wire import (BadSyntax, Closed, No, Quoted, format_set, in_set, note,
                  parse_set, quote, read_command)

ESC = b"\x1b[2J\x1b]0;owned\x07"


class Server(MessageCommands):
    def __init__(self, ch, store, quirks, login=None):
        self.ch, self.store, self.q, self.login = ch, store, quirks, login
        self.authenticated = login is None
        self.box = self.name = None     # selected
        self.readonly = self.qresync = self.closing = False
        self.selects, self.uids, self.tag = {}, [], b""
        self.hidden = []                # words of lines that are not told
        self.lies = 1 << 40
        names = []
        if quirks.has("odd-names"):
            names += ['quo"te\\d', "two words", "caf\u00e9", "100%*"]
        if quirks.has("escapes"):
            names += ["e\x1b[2Jsc"]
        for name in names:
            if store.get(name) is None:
                store.create(name)

    # The conversation.

    def run(self):
        self.ch.on_flush = self.store.save
        try:
            self.greet()
            while not self.closing:
                self.one()
            self.ch.flush()
        except Closed as e:
            note("closed: %s" % e)
        finally:
            self.store.save()

    def say(self, text):
        if any(word in text for word in self.hidden):
            return
        self.ch.write(b"* " + text + b"\r\n")

    def text(self):
        return ESC + b"done" if self.q.has("escapes") else b"done"

    def greet(self):
        if self.q.has("no-greeting"):
            self.ch.hang()
        kind = b"PREAUTH" if self.authenticated else b"OK"
        self.say(kind + b" [CAPABILITY %s] %s" % (self.caps(), self.text()))

    def caps(self):
        return " ".join(self.q.capabilities()).encode()

    def offers(self, cap):
        return cap in self.q.capabilities()

    def allow_literal(self, n, sync):
        if sync:
            return None
        if self.offers("LITERAL+") or (self.offers("LITERAL-") and n <= 4096):
            return None
        return "literal"

    def one(self):
        try:
            words = read_command(self.ch, self.allow_literal)
        except BadSyntax as e:
            self.ch.write(self.ch.tag + b" BAD %s\r\n" % str(e).encode())
            return
        if len(words) < 2 or isinstance(words[0], list):
            self.ch.write(b"* BAD no command\r\n")
            return
        tag, verb, args = words[0], words[1].decode().upper(), words[2:]
        if verb == "UID" and args:
            verb, args = "UID " + args[0].decode().upper(), args[1:]
        self.tag = tag
        note("C: %s %s" % (verb, repr(args)[:200]))
        self.q.count(verb)
        self.execute(tag, verb, args)

    def execute(self, tag, verb, args):
        if self.meddle(tag, verb):
            return
        method = getattr(self, "do_" + verb.lower().replace(" ", "_"), None)
        try:
            if method is None:
                raise BadSyntax("unknown command")
            if not self.authenticated and verb not in (
                    "CAPABILITY", "LOGIN", "AUTHENTICATE", "LOGOUT", "NOOP",
                    "ID"):
                raise BadSyntax("log in first")
            code = method(args) or b""
            answer = b"OK " + code + (b" " if code else b"") + self.text()
        except No as e:
            answer = b"NO " + str(e).encode() + \
                (b" " + ESC if self.q.has("escapes") else b"")
        except (BadSyntax, IndexError, ValueError, TypeError) as e:
            answer = b"BAD " + str(e).encode("ascii", "replace")
        if self.q.at("drop-done", verb):
            self.store.save()
            raise Closed("quirk")
        self.ch.write(tag + b" " + answer + b"\r\n")

    def meddle(self, tag, verb):
        """Quirks that stand before an answer; true: that was the answer."""
        q = self.q
        if q.at("drop", verb):
            self.ch.flush()
            raise Closed("quirk")
        if q.at("bye", verb):
            self.say(b"BYE " + self.text())
            self.closing = True
            return True
        if q.at("silent", verb):
            self.ch.flush()
            self.ch.hang()
        for name, word in (("no", b"NO"), ("bad", b"BAD")):
            if q.at(name, verb):
                self.ch.write(tag + b" " + word + b" [X-QUIRK] refused\r\n")
                return True
        if q.at("garbage", verb):
            self.ch.write(random.Random(1).randbytes(65536) + b"\r\n")
        if q.at("nested", verb):
            self.say(b"LIST " + b"(" * 100000)
        if q.at("endless-line", verb):
            for _ in range(1024):
                self.ch.write(b"* OK " if _ == 0 else b"x" * (1 << 20))
        if q.at("false-tag", verb):
            self.ch.write(tag + b"x OK done\r\n")
        if q.at("nul", verb):
            self.say(b"OK a\0b")
        return False

    # Any state.

    def do_capability(self, args):
        self.say(b"CAPABILITY " + self.caps())

    def do_noop(self, args):
        pass

    do_check = do_noop

    def do_notify(self, args):
        how = self.q.value("notify")
        if not self.offers("NOTIFY"):
            raise BadSyntax("unknown command")
        if args[0].upper() == b"NONE":
            return
        if how == "overflow":
            self.say(b"OK [NOTIFICATIONOVERFLOW] too many")
        elif how == "lies":
            self.lies += 1
            self.say(b"STATUS INBOX (HIGHESTMODSEQ %d)" % self.lies)

    def do_id(self, args):
        self.say(b"ID NIL")

    def do_logout(self, args):
        self.say(b"BYE " + self.text())
        self.closing = True

    def do_login(self, args):
        self.check_login(args[0], args[1])

    def do_authenticate(self, args):
        if args[0].upper() != b"PLAIN":
            raise No("[AUTHENTICATIONFAILED] no such mechanism")
        if len(args) > 1 and not self.offers("SASL-IR"):
            raise BadSyntax("no SASL-IR")
        if len(args) > 1:
            text = args[1]
        else:
            self.ch.write(b"+ \r\n")
            self.ch.flush()
            text = self.ch.line()
        _, user, password = base64.b64decode(text).split(b"\0")
        self.check_login(user, password)

    def check_login(self, user, password):
        if self.authenticated:
            raise BadSyntax("logged in already")
        if self.login != "%s:%s" % (user.decode(), password.decode()):
            raise No("[AUTHENTICATIONFAILED] wrong")
        self.authenticated = True

    def do_enable(self, args):
        if not self.offers("ENABLE"):
            raise BadSyntax("no ENABLE")
        on = [a.upper() for a in args if a.upper() in (b"QRESYNC",
                                                       b"CONDSTORE")]
        if self.q.has("enabled-without-qresync") or \
                not self.offers("QRESYNC"):
            on = [a for a in on if a != b"QRESYNC"] + [b"CONDSTORE"]
        self.qresync |= b"QRESYNC" in on
        if not self.q.has("no-enabled"):
            self.say(b"ENABLED " + b" ".join(on))

    # Mailboxes.

    def mailbox(self, name):
        box = self.store.get(name)
        if box is None:
            raise No("[NONEXISTENT] no such mailbox")
        return box

    def do_create(self, args):
        if self.q.has("create-no"):
            raise No("[CANNOT] not here")
        if self.store.get(args[0]) is not None:
            raise No("[ALREADYEXISTS] it is there")
        self.store.create(args[0])

    def do_delete(self, args):
        self.mailbox(args[0])
        del self.store.mailboxes[self.store.key(args[0])]
        self.store.dirty = True

    def do_rename(self, args):
        box = self.mailbox(args[0])
        if self.store.get(args[1]) is not None:
            raise No("[ALREADYEXISTS] it is there")
        del self.store.mailboxes[self.store.key(args[0])]
        self.store.mailboxes[self.store.key(args[1])] = box
        self.store.dirty = True

    def do_subscribe(self, args, on=True):
        self.mailbox(args[0]).subscribed = on
        self.store.dirty = True

    def do_unsubscribe(self, args):
        self.do_subscribe(args, False)

    def do_list(self, args):
        """RFC 5258: (options) reference (patterns) RETURN (options)."""
        opts = []
        if isinstance(args[0], list):
            opts, args = [o.upper() for o in args[0]], args[1:]
        patterns = args[1] if isinstance(args[1], list) else [args[1]]
        if patterns == [b""]:
            self.say(b'LIST (\\Noselect) "/" ""')
            return
        ret = args[3] if len(args) > 3 else []
        plain = [r.upper() for r in ret if not isinstance(r, list)]
        items = next((r for r in ret if isinstance(r, list)), None)
        for name in list(self.store.mailboxes):
            if any(matches(args[0] + p, Store.wire(name)) for p in patterns):
                self.list_one(name, opts, b"SUBSCRIBED" in opts + plain,
                              items)

    def list_one(self, name, opts, tellsub, items):
        box = self.store.mailboxes[name]
        if b"SUBSCRIBED" in opts and not box.subscribed:
            return
        attrs = b"\\HasNoChildren"
        if tellsub and box.subscribed:
            attrs += b" \\Subscribed"
        self.say(b'LIST (%s) "/" %s' % (attrs, self.quoted(name)))
        if items is not None:
            self.status_one(name, items)

    def quoted(self, name):
        return quote(Store.wire(name), self.q.has("literal-names"))

    def do_status(self, args):
        self.mailbox(args[0])
        self.status_one(Store.key(args[0]), args[1])

    def highest(self, name):
        if self.q.of("nomodseq", name):
            return 0
        return self.store.mailboxes[name].modseq

    def status_one(self, name, items):
        box = self.store.mailboxes[name]
        unseen = [m for m in box.messages.values() if "\\Seen" not in m.flags]
        high = self.highest(name) + 5 * self.q.has("status-high")
        values = {b"MESSAGES": len(box.messages), b"UIDNEXT": box.uidnext,
                  b"UIDVALIDITY": box.uidvalidity, b"HIGHESTMODSEQ": high,
                  b"UNSEEN": len(unseen), b"RECENT": 0}
        if self.q.has("uidnext-missing"):
            del values[b"UIDNEXT"]
        known = [i.upper() for i in items if i.upper() in values]
        if self.q.has("status-empty"):
            known = []
        self.say(b"STATUS %s (%s)" % (self.quoted(name), b" ".join(
            b"%s %d" % (i, values[i]) for i in known)))

    # Selecting.

    def do_examine(self, args):
        return self.do_select(args, True)

    def do_select(self, args, readonly=False):
        name = Store.key(args[0])
        if self.q.value("select-bad") == name:
            raise BadSyntax("I do not understand")
        self.deselect()
        if self.q.value("select-no") == name:
            raise No("[NOPERM] not for you")
        self.mailbox(args[0])
        self.selects[name] = self.selects.get(name, 0) + 1
        if self.q.value("recreate") == name and self.selects[name] == 2:
            self.store.recreate(name)
        self.box, self.name = self.store.mailboxes[name], name
        self.readonly, self.uids = readonly, list(self.box.messages)
        told = self.q.to_say(name)
        self.hidden = [l[1:].encode() for l in told if l[0] == "-"]
        self.selected()
        if len(args) > 1:
            self.resync(args[1])
        self.hidden = []
        for line in told:
            if line[0] != "-":
                self.say(line.encode())
        return b"[READ-ONLY]" if readonly else b"[READ-WRITE]"

    def deselect(self):
        if self.box is not None and self.qresync and \
                not self.q.has("no-closed"):
            self.say(b"OK [CLOSED] " + self.text())
        self.box = self.name = None

    def selected(self):
        box, text = self.box, self.text()
        keywords = sorted({f for m in box.messages.values() for f in m.flags
                           if f[0] != "\\"})
        flags = b"\\Answered \\Flagged \\Deleted \\Seen \\Draft"
        known = b" ".join([flags] + [k.encode() for k in keywords])
        perm = flags if self.q.has("no-keywords") else known + b" \\*"
        exists = max(len(self.uids) - self.q.has("exists-less"), 0)
        self.say(b"FLAGS (%s)" % known)
        self.say(b"OK [PERMANENTFLAGS (%s)] %s" % (perm, text))
        self.say(b"%d EXISTS" % exists)
        self.say(b"0 RECENT")
        self.say(b"OK [UIDVALIDITY %d] %s" % (box.uidvalidity, text))
        if not self.q.has("uidnext-missing"):
            self.say(b"OK [UIDNEXT %d] %s" % (box.uidnext, text))
        if self.q.of("nomodseq", self.name):
            self.say(b"OK [NOMODSEQ] " + text)
        else:
            self.say(b"OK [HIGHESTMODSEQ %d] %s" % (box.modseq, text))

    def resync(self, params):
        """RFC 7162 section 3.2.5."""
        words = [w.upper() if not isinstance(w, list) else w for w in params]
        if b"QRESYNC" not in words:
            return
        if not self.qresync:
            raise BadSyntax("ENABLE QRESYNC first")
        par = words[words.index(b"QRESYNC") + 1]
        validity, modseq = int(par[0]), int(par[1])
        if modseq == 0:
            raise BadSyntax("mod-sequence 0")
        known = [(1, 1 << 32)]
        if len(par) > 2 and not isinstance(par[2], list):
            known = parse_set(par[2], self.box.uidnext)
        if self.q.has("vanished-zero"):
            self.say(b"VANISHED (EARLIER) 0:1")
        if validity == self.box.uidvalidity and \
                not self.q.of("nomodseq", self.name):
            self.changes(modseq, known)

    def changes(self, modseq, known):
        gone = {u for m, u in self.box.vanished
                if m > modseq and in_set(known, u)}
        if gone:
            self.say(b"VANISHED (EARLIER) " + format_set(gone))
        if self.q.has("false-vanished"):
            self.say(b"VANISHED (EARLIER) " + self.q.value(
                "false-vanished", "1:4294967295").encode())
        for m in self.box.messages.values():
            if m.modseq > modseq and in_set(known, m.uid):
                self.fetched(m, b"UID %d FLAGS (%s) MODSEQ (%d)" % (
                    m.uid, self.flags(m), m.modseq))

    def do_unselect(self, args):
        if not self.offers("UNSELECT"):
            raise BadSyntax("unknown command")
        if self.box is None:
            raise BadSyntax("nothing selected")
        self.box = self.name = None

    def do_close(self, args):
        if not self.readonly:
            self.expunge(lambda uid: True)
        self.box = self.name = None

    # Appending (RFC 3502, 4315).

    def do_append(self, args):
        box = self.mailbox_for_append(args[0])
        new, rest = [], args[1:]
        while rest:
            flags, date = [], DATE
            if isinstance(rest[0], list):
                flags, rest = [f.decode() for f in rest[0]], rest[1:]
            if isinstance(rest[0], Quoted):
                date, rest = rest[0].decode(), rest[1:]
                check_date(date)
            if not rest[0]:
                raise No("empty message")
            if b"\0" in rest[0] and not rest[0].binary:
                raise BadSyntax("NUL")
            new.append((flags, date, bytes(rest[0])))
            rest = rest[1:]
        if not new:
            raise BadSyntax("no message")
        if len(new) > 1 and not self.offers("MULTIAPPEND"):
            raise BadSyntax("one message only")
        for flags, date, body in new:
            self.check_append(flags, body)
        return self.append(box, new)

    def mailbox_for_append(self, name):
        if self.q.has("append-no"):
            raise No("[%s] refused" % self.q.value("append-no", "OVERQUOTA"))
        if self.store.get(name) is None:
            raise No("[TRYCREATE] no such mailbox")
        return self.store.get(name)

    def check_append(self, flags, body):
        """Is this message wanted?"""
        code, _, word = self.q.value("append-refuse").partition(":")
        if word and word.encode() in body:
            raise No("[%s] not this one" % code if code else "not this one")
        code, _, n = self.q.value("append-busy").partition(":")
        if n and self.q.seen.get("APPEND", 0) <= int(n):
            raise No("[%s] not now" % code)
        limit = self.q.value("append-limit")
        if limit and len(body) > int(limit):
            raise No("[TOOBIG] too big")
        for f in flags:
            self.check_keyword(f)

    def append(self, box, new):
        uids = []
        for flags, date, body in new:
            uids.append(box.add(flags, date, body))
            if self.q.has("append-twice"):
                box.add(flags, date, body)
        self.store.dirty = True
        if box is self.box:
            self.uids = list(box.messages)
            self.say(b"%d EXISTS" % len(self.uids))
        if self.q.has("no-appenduid") or not self.offers("UIDPLUS"):
            return b""
        if self.q.has("appenduid-short"):
            uids = uids[1:] or [uids[0] + 1, uids[0] + 2]
        told = self.q.value("appenduid-set").encode() or format_set(uids)
        if self.q.has("appenduid-reversed"):
            told = b":".join(reversed(told.split(b":")))
        return b"[APPENDUID %d %s]" % (
            box.uidvalidity + 7 * self.q.has("appenduid-validity"), told)


def matches(pattern, name):
    """LIST wildcards (RFC 3501 section 6.3.8), delimiter "/"."""
    regex = b"".join(b".*" if c == b"*" else b"[^/]*" if c == b"%"
                     else re.escape(c)
                     for c in (pattern[i:i + 1] for i in range(len(pattern))))
    how = re.IGNORECASE if name == b"INBOX" else 0
    return re.fullmatch(regex, name, how | re.DOTALL) is not None


def check_date(text):
    """date-time of RFC 3501 section 9."""
    if not re.fullmatch(r"[ \d]\d-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|"
                        r"Nov|Dec)-\d{4} \d\d:\d\d:\d\d [+-]\d{4}", text):
        raise BadSyntax("date")
