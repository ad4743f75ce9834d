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
# The state of an account: mailboxes and messages, kept in DIR/store.json so
# that two runs see the same.  As a program it fills, changes and shows one:
#
#	mailstore.py DIR create MAILBOX
#	mailstore.py DIR add MAILBOX "FLAGS" FILE ...
#	mailstore.py DIR flags MAILBOX UID "FLAGS"
#	mailstore.py DIR expunge MAILBOX UID
#	mailstore.py DIR recreate MAILBOX
#	mailstore.py DIR subscribe MAILBOX
#	mailstore.py DIR dump [--uids]
#
# dump prints a line per message, sorted, without UIDs unless asked: two
# accounts are equal when their dumps are.

import base64
import hashlib
import json
import os
import sys

FLAGS = ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"]


def canonical(flag):
    """System flags in one spelling; keywords stay as they are."""
    for f in FLAGS:
        if f.lower() == flag.lower():
            return f
    return flag


class Message:
    def __init__(self, uid, modseq, flags, date, body):
        self.uid, self.modseq, self.date, self.body = uid, modseq, date, body
        self.set_flags(flags)

    def set_flags(self, flags):
        seen = {}
        for f in flags:
            seen.setdefault(canonical(f).lower(), canonical(f))
        self.flags = [seen[k] for k in sorted(seen)]

    def to_json(self):
        return [self.uid, self.modseq, self.flags, self.date,
                base64.b64encode(self.body).decode()]

    @staticmethod
    def from_json(j):
        return Message(j[0], j[1], j[2], j[3], base64.b64decode(j[4]))


class Mailbox:
    def __init__(self, uidvalidity):
        self.uidvalidity = uidvalidity
        self.uidnext, self.modseq = 1, 1
        self.subscribed = False
        self.messages = {}          # by UID, ascending
        self.vanished = []          # [modseq, UID]

    def change(self):
        self.modseq += 1
        return self.modseq

    def add(self, flags, date, body):
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.messages[uid] = Message(uid, self.change(), flags, date, body)
        return uid

    def flag(self, uid, flags):
        self.messages[uid].set_flags(flags)
        self.messages[uid].modseq = self.change()

    def expunge(self, uids):
        if not uids:
            return
        modseq = self.change()
        for uid in uids:
            del self.messages[uid]
            self.vanished.append([modseq, uid])

    def to_json(self):
        d = dict(self.__dict__)
        d["messages"] = [m.to_json() for m in self.messages.values()]
        return d

    @staticmethod
    def from_json(j):
        m = Mailbox(0)
        m.__dict__.update(j)
        m.messages = {j[0]: Message.from_json(j) for j in m.messages}
        return m


class Store:
    """Mailboxes by name; names are bytes shown as UTF-8 where they are."""

    def __init__(self, path):
        self.path = os.path.join(path, "store.json")
        self.mailboxes, self.uidvalidity, self.dirty = {}, 1000, False
        os.makedirs(path, exist_ok=True)
        if os.path.exists(self.path):
            self.load()
        else:
            self.create("INBOX")

    def load(self):
        with open(self.path, encoding="ascii") as f:
            j = json.load(f)
        self.uidvalidity = j["uidvalidity"]
        self.mailboxes = {n: Mailbox.from_json(m)
                          for n, m in j["mailboxes"].items()}

    def save(self):
        """All or nothing, so that a kill never leaves half a store."""
        if not self.dirty:
            return
        j = {"uidvalidity": self.uidvalidity,
             "mailboxes": {n: m.to_json() for n, m in self.mailboxes.items()}}
        with open(self.path + ".new", "w", encoding="ascii") as f:
            json.dump(j, f)
        os.rename(self.path + ".new", self.path)
        self.dirty = False

    @staticmethod
    def key(name):
        """A name as the store knows it: INBOX in any case is INBOX."""
        if isinstance(name, bytes):
            name = name.decode("utf-8", "surrogateescape")
        return "INBOX" if name.upper() == "INBOX" else name

    @staticmethod
    def wire(name):
        return name.encode("utf-8", "surrogateescape")

    def get(self, name):
        return self.mailboxes.get(self.key(name))

    def create(self, name):
        self.uidvalidity += 1
        self.mailboxes[self.key(name)] = Mailbox(self.uidvalidity)
        self.dirty = True
        return self.mailboxes[self.key(name)]

    def recreate(self, name):
        """Delete and create again, filled with as many other messages."""
        old = self.mailboxes[self.key(name)]
        new = self.create(name)
        new.subscribed = old.subscribed
        for m in old.messages.values():
            new.add([], m.date, b"Subject: recreated %d\r\n\r\nnew\r\n"
                    % m.uid)

    def dump(self, uids):
        lines = []
        for name, box in self.mailboxes.items():
            lines.append("%s%s" % (name, " subscribed" if box.subscribed
                                   else ""))
            for m in box.messages.values():
                lines.append("%s %s%s %s %s" % (
                    name, "%d " % m.uid if uids else "",
                    hashlib.sha256(m.body).hexdigest()[:16],
                    m.date, " ".join(m.flags)))
        return sorted(line.encode("utf-8", "surrogateescape")
                      for line in lines)


DATE = "24-Nov-2026 06:00:00 +0000"


def main(argv):
    store, verb, args = Store(argv[1]), argv[2], argv[3:]
    if verb == "dump":
        for line in store.dump(args == ["--uids"]):
            sys.stdout.buffer.write(line + b"\n")
        store.save()
        return 0
    box = store.get(args[0])
    store.dirty = True
    if verb == "create":
        store.create(args[0])
    elif verb == "add":
        for name in args[2:]:
            with open(name, "rb") as f:
                box.add(args[1].split(), DATE, f.read())
    elif verb == "flags":
        box.flag(int(args[1]), args[2].split())
    elif verb == "expunge":
        box.expunge([int(args[1])])
    elif verb == "recreate":
        store.recreate(args[0])
    elif verb == "subscribe":
        box.subscribed = True
    else:
        print("mailstore.py: unknown verb " + verb, file=sys.stderr)
        return 1
    store.save()
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        print("usage: mailstore.py DIR VERB [ARG ...]", file=sys.stderr)
        sys.exit(1)
    sys.exit(main(sys.argv))
