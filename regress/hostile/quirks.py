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
# The ways in which a reference server misbehaves, by name.  A quirk is given
# as NAME or NAME=VALUE; [=X] below: the value may be left out.

# Capabilities that a quirk takes away or swaps.
WITHOUT = {
    "literal-sync": ["LITERAL+"],
    "literal-minus": ["LITERAL+"],
    "no-multiappend": ["MULTIAPPEND"],
    "no-unselect": ["UNSELECT"],
    "no-esearch": ["ESEARCH"],
    "no-binary": ["BINARY"],
    "no-sasl-ir": ["SASL-IR"],
}

CAPABILITIES = [
    "IMAP4rev1", "LITERAL+", "SASL-IR", "ENABLE", "ID", "UIDPLUS", "UNSELECT",
    "CONDSTORE", "QRESYNC", "ESEARCH", "LIST-EXTENDED", "LIST-STATUS",
    "MULTIAPPEND", "BINARY", "AUTH=PLAIN",
]

QUIRKS = {
    # what is offered
    "cap-without": "X[,Y]: these capabilities are not offered",
    "literal-sync": "synchronizing literals only",
    "literal-minus": "LITERAL- instead of LITERAL+",
    "no-multiappend": "one message in an APPEND",
    "no-unselect": "UNSELECT is neither offered nor known",
    "no-esearch": "SEARCH only",
    "no-binary": "no literal8",
    "no-sasl-ir": "AUTHENTICATE waits for a continuation",
    "enabled-without-qresync": "ENABLED names CONDSTORE only",
    "no-enabled": "ENABLE is answered OK without an ENABLED line",
    "notify": "[=lies|overflow]: NOTIFY is offered, and tells of changes that"
              " are none, or that there are too many",
    # mailboxes
    "select-bad": "MAILBOX: SELECT of it is BAD, the old one stays selected",
    "select-no": "MAILBOX: SELECT of it is NO",
    "recreate": "MAILBOX: made anew between two SELECTs of a session",
    "nomodseq": "[=MAILBOX] has no mod-sequences",
    "uidnext-missing": "UIDNEXT is never told",
    "exists-less": "EXISTS tells one message too few",
    "no-closed": "no [CLOSED] when SELECT ends another mailbox",
    "status-empty": "STATUS answers name no item",
    "status-high": "STATUS tells a HIGHESTMODSEQ above that of SELECT",
    "create-no": "CREATE is refused",
    "odd-names": "mailboxes with quotes, blanks and 8-bit names exist",
    "literal-names": "names in LIST and STATUS come as literals",
    # messages
    "false-vanished": "[=SET] is told VANISHED by SELECT though it exists",
    "vanished-zero": "VANISHED (EARLIER) 0:1 with every SELECT",
    "select-say": "MAILBOX:LINE[|LINE][##MAILBOX:...]: these untagged lines,"
                  " last, with each SELECT of it; -WORD: none of the others"
                  " that holds the word",
    "search-short": "UID SEARCH leaves every other message out",
    "fetch-nothing": "UID FETCH is OK without data",
    "fetch-nil": "BODY[] is NIL",
    "fetch-bad-date": "INTERNALDATE is no date",
    "flags-late": "a body comes before the flags of its message",
    "plain-nul": "a body with NUL comes as a literal, not as literal8",
    "cut-body": "[=N]: closes after N octets of the first body",
    "giant-literal": "a body is announced as 4294967295 octets",
    "no-keywords": "PERMANENTFLAGS without \\*; STORE of others is NO",
    "store-modified": "the first STORE with UNCHANGEDSINCE is [MODIFIED]",
    # appending
    "no-appenduid": "APPEND is OK without APPENDUID",
    "appenduid-validity": "APPENDUID tells another UIDVALIDITY",
    "appenduid-short": "APPENDUID tells one UID too few",
    "appenduid-set": "SET: APPENDUID tells this one",
    "appenduid-reversed": "APPENDUID as N:1 though the order is 1:N",
    "append-no": "[=CODE]: APPEND is refused",
    "append-refuse": "CODE:WORD: an APPEND with WORD in a message is NO",
    "append-busy": "CODE:N: the first N APPENDs are NO",
    "append-limit": "N: APPENDLIMIT=N is offered, and kept to",
    "refuse-keyword": "KEYWORD: a STORE or an APPEND of it is NO [LIMIT]",
    "append-twice": "APPEND stores each message twice, tells one",
    # endings; COMMAND is "APPEND", "UID FETCH", ...; [:N]: its Nth time
    "bye": "COMMAND[:N]: BYE instead of an answer",
    "drop": "COMMAND[:N]: closes instead of an answer, the work undone",
    "drop-done": "COMMAND[:N]: closes instead of an answer, the work done",
    "silent": "COMMAND[:N]: no answer, ever",
    "no": "COMMAND[:N]: NO",
    "bad": "COMMAND[:N]: BAD",
    # garbage
    "garbage": "COMMAND[:N]: 64 KiB of noise before the answer",
    "nested": "COMMAND[:N]: 100000 parentheses before the answer",
    "endless-line": "COMMAND[:N]: an untagged line of 1 GiB",
    "false-tag": "COMMAND[:N]: OK of a tag that was never sent, first",
    "nul": "COMMAND[:N]: a NUL in the text of an untagged OK",
    "escapes": "texts and the name of a mailbox hold terminal escapes",
    "no-greeting": "says nothing at first",
}

# How the quirks begin that need a value.
VALUED = ("MAILBOX:", "COMMAND[:N]:", "X[,Y]:", "CODE:", "N:", "KEYWORD:",
          "SET:")


class Quirks:
    def __init__(self, args):
        self.named, self.seen = {}, {}
        for arg in args:
            name, _, value = arg.partition("=")
            if name not in QUIRKS:
                raise ValueError("unknown quirk: " + name)
            if QUIRKS[name].startswith(VALUED) and not value:
                raise ValueError("quirk %s needs a value: %s"
                                 % (name, QUIRKS[name]))
            self.named[name] = value

    def has(self, name):
        return name in self.named

    def value(self, name, default=""):
        return self.named.get(name) or default

    def of(self, name, mailbox):
        """Does a quirk with [=MAILBOX] apply to this one?"""
        return name in self.named and self.named[name] in ("", mailbox)

    def to_say(self, mailbox):
        """The lines that select-say has of this mailbox."""
        for part in self.value("select-say").split("##"):
            name, _, lines = part.partition(":")
            if name == mailbox:
                return lines.split("|")
        return []

    def count(self, command):
        self.seen[command] = self.seen.get(command, 0) + 1

    def at(self, name, command):
        """Is this the command, and the time, of COMMAND[:N]?"""
        if name not in self.named:
            return False
        want, _, n = self.named[name].partition(":")
        return want.upper() == command and \
            self.seen.get(command, 0) == int(n or "1")

    def capabilities(self):
        gone = set(self.value("cap-without").upper().split(","))
        for name in self.named:
            gone.update(WITHOUT.get(name, []))
        caps = [c for c in CAPABILITIES if c.upper() not in gone]
        if self.has("literal-minus"):
            caps.append("LITERAL-")
        if self.has("append-limit"):
            caps.append("APPENDLIMIT=" + self.value("append-limit"))
        if self.has("notify"):
            caps.append("NOTIFY")
        return caps
