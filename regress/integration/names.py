#!/usr/bin/env python3
# Names of mailboxes: delimiters that differ, names with everything a name may
# hold, parents that are none, list-reference.  Real Dovecots that keep names
# in an index, where any name may be had; for names on the wire as literals,
# as quoted strings or as atoms, and for flat accounts, a scripted server.
#
#	names.py [WORD]			the tests whose name holds WORD
#	names.py --serve DIR DELIM HOW [QUIRK] ...
#					a scripted server, as tunnel command
import os, sqlite3, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "hostile"))
import quirks, refserver, wire
from mailstore import Store, DATE as STORE_DATE
from servers import *
from tap import *

ORIGINAL = "/usr/bin/interimap"
PAIRS = [a + b for a in "/.^\\" for b in "/.^\\" if a != b or a == "/"]
PARTIAL = 2                     # exit status: something was left alone

# Each a list of levels.
NAMES = [[n] for n in (
    "plain", "a b", " lead", "trail ", "two  blanks", 'q"uote', '"', '""',
    "back\\slash", "tail\\", "\\", "st*r", "per%cent", "*", "%", "{5}", "{5+}",
    "~{3}", "br{ce", "~home", "~", "#news", "#", "#user", "Entw&APw-rfe",
    "&ZeVnLIqe-", "a&-b", "NIL", "nil", "(par)", "[Gmail]", "]", "-", "+",
    "=", "$x", "it's", "a,b;c:d", "?", "@x", "<x>", "`x`", "5", "inbox2",
    "v1.0", "x/y", "x^y", "LIST", "b" * 255)] + [
    ["up", "down"], ["up", "down", "deep er", '"'], ["~", "~"], ["#", "*"],
    ["INBOX", "kid"], ["INBOX", "INBOX"], ["NIL", "NIL"],
    ["&ZeVnLIqe-", "&-"], ["\\\\", '"'], ["l" * 244, "m" * 255]]

# What the original is asked to do as well.
SUBSET = [n for n in NAMES if n in (
    ["plain"], ["a b"], ['q"uote'], ["Entw&APw-rfe"], ["up", "down"],
    ["#news"], ["INBOX", "kid"], ["[Gmail]"], ["br{ce"])]


def usable(name, *delims):
    """Can it be had under all these delimiters?"""
    return not any(d in level for level in name for d in delims)


def twin(name):
    """Another name as odd, for the other side to create."""
    last = name[-1]
    last = last + "r" if last[0] == "&" or last == "tail\\" else \
        last[0] + "r" + last[1:-1] + last[-1:] * (1 < len(last) < 255)
    return name[:-1] + [last]


def row(name):
    return "\0".join(name).encode()


# ---- two Dovecots ----

def dovecot(scratch, name, sep):
    store = scratch.mkdir(name + "/boxes")
    return Dovecot(scratch, name, sep='"%s"' % sep.replace("\\", "\\\\"),
                   extra="mail_location = sdbox:%s/store:LAYOUT=index" % store)


class Two:
    """Two servers with delimiters and references, the program between."""
    def __init__(self, scratch, seps, refs=("", ""), extra="", program=None):
        self.seps, self.refs = seps, refs
        self.s = [dovecot(scratch, n, d) for n, d in zip("LR", seps)]
        self.sync = Interimap(
            scratch, *[tunnel_section(x) + (
                "list-reference = %s\n" % ref if ref else "")
                for x, ref in zip(self.s, refs)],
            extra=extra, program=program)

    def name(self, side, name):
        return self.refs[side] + self.seps[side].join(name)

    def add(self, side, names, first=0):
        """Create these, with a message in each."""
        with self.s[side].client() as c:
            for i, n in enumerate(names):
                c.create(self.name(side, n))
                c.append(self.name(side, n), sample(first + i), "\\Seen")

    def run(self, status=0, *args):
        r = self.sync.run(*args)
        eq(r.status, status, "exit status; it said: " + r.err)
        return r

    def quiet(self, status=0):
        """A further run sends nothing beyond LIST."""
        r = self.run(status, "--debug")
        sent = {l.split()[3] for l in r.err.splitlines() if " C: " in l}
        eq(sent - {"ENABLE", "LIST", "LOGOUT"}, set(), "commands sent")
        return r

    def boxes(self, side):
        """{name: [message]} with what is below the reference"""
        with self.s[side].client() as c:
            return {n: [m[:2] for m in c.messages(n)] for n in c.mailboxes()
                    if n.startswith(self.refs[side])}

    def rows(self):
        return rows(self.sync)

    def holds(self, names):
        """Both sides have just these (by name: number of its sample)."""
        for side in (0, 1):
            got = self.boxes(side)
            want = {self.name(side, n): [] if k is None else
                    [(digest(k), ("\\seen",))] for n, k in names}
            eq(sorted(got), sorted(want), "mailboxes of side %d" % side)
            eq(got, want, "messages of side %d" % side)
        eq(self.rows(), sorted(row(n) for n, _ in names), "database")


def rows(sync):
    db = sqlite3.connect("file:%s?mode=ro" % sync.db, uri=True)
    out = sorted(bytes(r[0]) for r in
                 db.execute("SELECT mailbox FROM mailboxes"))
    db.close()
    return out


def digest(n):
    return hashlib.sha256(
        re.sub("\r?\n", "\r\n", sample(n)).encode()).hexdigest()


def way_back(t, left, right):
    """Mail for mailboxes that came from the other side."""
    with t.s[0].client() as c:
        c.append(t.name(0, right), sample(900), "\\Seen")
    with t.s[1].client() as c:
        c.append(t.name(1, left), sample(901), "\\Seen")
    t.run()
    eq([len(t.boxes(0)[t.name(0, left)]), len(t.boxes(1)[t.name(1, right)])],
       [2, 2], "mail of the other side")


def each_way(seps, names=NAMES, refs=("", ""), inbox=True, program=None):
    """Every name, and its twin from the other side."""
    with Scratch() as s:
        t = Two(s, seps, refs, program=program)
        left = [n for n in names if usable(n, *seps)]
        right = [n for n in map(twin, left) if usable(n, *seps)]
        t.add(0, left)
        t.add(1, right, len(left))
        t.run()
        all = list(zip(left + right, range(len(left + right))))
        if inbox:
            all.append((["INBOX"], None))
        t.holds(all)
        if program is None:
            t.quiet()
        if names is NAMES:
            way_back(t, left[-1], right[0])
        return t.rows(), t.boxes(0), t.boxes(1)


def as_the_original(seps, refs):
    if not os.path.exists(ORIGINAL):
        raise Skip("no packaged interimap")
    inbox = refs == ("", "")
    ours = each_way(seps, SUBSET, refs, inbox)
    theirs = each_way(seps, SUBSET, refs, inbox, ORIGINAL)
    eq(ours, theirs, "what was left behind")


def one_reference():
    """Below a reference on one side, at the top of the other."""
    for refs in (("old mail.", ""), ("", "old mail^")):
        with Scratch() as s:
            t = Two(s, ".^", refs)
            names = [n for n in SUBSET if n[0] != "INBOX"]
            t.add(0, names[::2])
            t.add(1, names[1::2], 50)
            with t.s[refs.index("")].client() as c:
                c.append("INBOX", sample(99), "\\Seen")
            t.run()
            t.holds([(n, i) for i, n in enumerate(names[::2])] +
                    [(n, 50 + i) for i, n in enumerate(names[1::2])] +
                    [(["INBOX"], 99)])
            t.quiet()


def beside_the_reference():
    """Wildcards in a reference: what is listed but not below stays out."""
    with Scratch() as s:
        t = Two(s, "/.", ("w*d/", "p%.q."))
        with t.s[0].client() as c:
            c.create("wild/life")
        with t.s[1].client() as c:
            c.create("park.q.ing")
        t.add(0, [["plain"]])
        t.add(1, [["a b"]], 1)
        t.run()
        t.holds([(["plain"], 0), (["a b"], 1)])
        has(t.quiet().err, ' LIST "w*d/" ', ' LIST "p%.q." ')


def listed():
    """list-mailbox with \\0 is each side's delimiter; ignore-mailbox too."""
    with Scratch() as s:
        t = Two(s, "/^", extra='list-mailbox = "up\\x00*" "q\\"uote" "a b"\n'
                "ignore-mailbox = ^up\\x00not")
        t.add(0, [["up", "down"], ["plain"], ["up", "not"]])
        t.add(1, [['q"uote'], ["a b"], ["up", "side"], ["upper"]], 50)
        t.run()
        eq(t.rows(), sorted(row(n) for n in (
            ["up", "down"], ['q"uote'], ["a b"], ["up", "side"])), "database")
        eq([sorted(t.boxes(0)), sorted(t.boxes(1))],
           [sorted(["INBOX", "plain", "up/down", "up/not", 'q"uote', "a b",
                    "up/side"]),
            sorted(["INBOX", "upper", "up^down", 'q"uote', "a b",
                    "up^side"])], "mailboxes")
        t.quiet()


def other_delimiter(seps, side, bad):
    """A name the other side cannot have: refused, the rest goes on."""
    with Scratch() as s:
        t = Two(s, seps)
        t.add(side, [["plain"], [bad], ["up", "down"], ["up", bad]])
        r = t.run(PARTIAL)
        for n in ([bad], ["up", bad]):
            has(r.err, "Mailbox %s cannot have that name there" %
                t.name(side, n))
        a, b = t.boxes(side), t.boxes(1 - side)
        eq(sorted(b), sorted(["INBOX", "plain", t.name(1 - side, ["up",
           "down"])]), "mailboxes there")
        eq(len(a), 5, "mailboxes here")
        eq([len(b["plain"]), len(a[bad])], [1, 1], "messages")
        eq(t.rows(), sorted([b"INBOX", b"plain", b"up\0down"]), "database")
        t.quiet(PARTIAL)


def no_select():
    """A parent that holds no mail is no mailbox; made one later, it is."""
    with Scratch() as s:
        t = Two(s, "/.")
        t.add(0, [["No", "Such", "parent"]])
        t.add(1, [["Half"], ["Half", "kid"], ["Made", "kid"]], 1)
        with t.s[1].client() as c:
            c.ok(c.c.delete('"Half"'))
            lines = c.ok(c.c.list('""', "*"))
        has(b"\n".join(lines).lower(), b"\\noselect")
        t.run()
        want = [(["No", "Such", "parent"], 0), (["Half", "kid"], 2),
                (["Made", "kid"], 3), (["INBOX"], None)]
        t.holds(want)
        t.quiet()
        t.add(0, [["Made"]], 7)
        t.run()
        t.holds(want + [(["Made"], 7)])
        t.quiet()


def lost_parent():
    """A known parent turned \\NoSelect: said, the mail is kept."""
    with Scratch() as s:
        t = Two(s, "/.")
        t.add(0, [["Half"], ["Half", "kid"]])
        t.run()
        with t.s[0].client() as c:
            c.ok(c.c.delete('"Half"'))
            c.append("Half/kid", sample(5), "\\Seen")
        r = t.run(PARTIAL)
        has(r.err, "Half", "left alone")
        eq(sorted(t.boxes(0)), ["Half/kid", "INBOX"], "mailboxes here")
        there = t.boxes(1)
        eq([len(there["Half"]), len(there["Half.kid"])], [1, 2], "there")
        has(t.rows(), b"Half")


# ---- a scripted server ----

ODD = [b"plain", b"a b", b'q"uote', b"back\\slash", b"NIL", b"~home", b"#n",
       b"st*r%", b"{5}", b"~{5}", b"{5+}", b"[Gmail]", b"caf\xc3\xa9",
       b"\xff\xfe", b"Entw&APw-rfe", b"o" * 500, b"\xc3\xa9" * 250,
       b"tail\\"]
ATOM = re.compile(rb'[^\x00-\x20\x7f(){"]+')


NAMED = ("CREATE", "SUBSCRIBE", "SELECT", "APPEND", "STATUS", "LIST")


def strictly_bad(word):
    if isinstance(word, (list, wire.Literal)):
        return False
    if isinstance(word, wire.Quoted):
        return re.search(rb"[^\x01-\x7f]|[\r\n]", word) is not None
    return word.upper() == b"NIL" or \
        re.fullmatch(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+', word) is None


class Odd(refserver.Server):
    """With a delimiter of its own, and names the way it is told."""
    delim, how = b"/", "quoted"

    def say(self, text):
        if text.startswith(b"LIST ("):
            if self.how == "rootless" and text.endswith(b' ""'):
                return
            delim = b"." if self.how == "mixed" and b"." in \
                text.split()[-1] else self.delim
            d = b'"%s"' % delim.replace(b"\\", b"\\\\") if delim \
                else b"NIL"
            text = text.replace(b') "/" ', b") " + d + b" ", 1)
        super().say(text)

    def execute(self, tag, verb, args):
        """RFC 3501 to the letter: what may stand where in a name."""
        if verb in NAMED and strictly_bad(args[0]):
            self.ch.write(tag + b" BAD that name must be sent otherwise\r\n")
            return
        super().execute(tag, verb, args)

    def quoted(self, name):
        name = Store.wire(name)
        if self.how == "atom" and ATOM.fullmatch(name):
            return name
        if self.how == "literal":
            return wire.quote(name, True)
        if self.how == "raw":       # as atoms or quoted, 8-bit or not
            return b'"' + re.sub(rb'([\\"])', rb"\\\1", name) + b'"'
        return wire.quote(name)


def serve(folder, delim, how, *more):
    Odd.delim, Odd.how = os.fsencode(delim), how
    Odd(wire.Channel(0, 1, None, None), Store(folder),
        quirks.Quirks(list(more)), None).run()


class Account:
    """The account of such a server, kept in a folder."""
    def __init__(self, scratch, name):
        self.scratch, self.dir = scratch, scratch.mkdir(name)
        self.add([])

    def section(self, delim, how, *more):
        q = " ".join("'%s'" % a for a in (delim, how) + more)
        return "type = tunnel\ncommand = python3 -B %s --serve %s %s\n" % (
            os.path.abspath(__file__), self.dir, q)

    def add(self, names, first=0):
        st = Store(self.dir)
        for i, n in enumerate(names):
            st.create(n).add([], STORE_DATE, sample(first + i).encode())
        st.dirty = True
        st.save()
        self.scratch.give(st.path)

    def boxes(self):
        st = Store(self.dir)
        return {Store.wire(n): [m.body for m in b.messages.values()]
                for n, b in st.mailboxes.items()}


def on_the_wire(lhow, rhow, ldelim="/", rdelim="/", names=ODD):
    """Names in LIST and STATUS in every form, ours in CREATE and the rest."""
    with Scratch() as s:
        l, r = Account(s, "L"), Account(s, "R")
        half = len(names) // 2
        l.add(names[:half])
        r.add(names[half:], half)
        sync = Interimap(s, l.section(ldelim, *lhow), r.section(rdelim, *rhow))
        got = sync.run()
        eq(got.status, 0, "exit status; it said: " + got.err)
        want = {n: [sample(i).encode()] for i, n in enumerate(names)}
        want[b"INBOX"] = []
        eq(l.boxes(), want, "local")
        eq(r.boxes(), want, "remote")
        eq(rows(sync), sorted(want), "database")
        again = sync.run("--debug")
        eq(again.status, 0, "second run")
        for word in (" CREATE ", " SELECT ", " APPEND ", " SUBSCRIBE "):
            eq(word in again.err, False, "second run:" + word)


def flat(ldelim, rdelim):
    """One flat, one not: an error that changes nothing."""
    with Scratch() as s:
        l, r = Account(s, "L"), Account(s, "R")
        l.add([b"here"])
        r.add([b"there"], 1)
        before = l.boxes(), r.boxes()
        sync = Interimap(s, l.section(ldelim, "quoted"),
                         r.section(rdelim, "quoted"))
        got = sync.run()
        eq(got.status in (1, 2, 4), True, "exit status %d" % got.status)
        has(got.err, "flat")
        eq((l.boxes(), r.boxes()), before, "the accounts")
        eq(rows(sync), [], "database")


def same_name():
    """Two delimiters on one server give two mailboxes one name: one stays."""
    with Scratch() as s:
        l, r = Account(s, "L"), Account(s, "R")
        l.add([b"a.b", b"a/b", b"fine"])
        before = l.boxes()
        got = Interimap(s, l.section("/", "mixed"),
                        r.section("/", "quoted")).run()
        eq(got.status, 2, "exit status; it said: " + got.err)
        has(got.err, "would be the same")
        eq(l.boxes(), before, "local")
        eq(sorted(len(v) for v in r.boxes().values()), [0, 1, 1], "remote")
        eq(r.boxes()[b"fine"], before[b"fine"], "the others")


def no_root():
    """A server that does not answer LIST "" "": any name tells."""
    with Scratch() as s:
        l, r = Account(s, "L"), Account(s, "R")
        l.add([b"here", b"up/down"])
        got = Interimap(s, l.section("/", "rootless"),
                        r.section(".", "quoted")).run()
        eq(got.status, 0, "exit status; it said: " + got.err)
        eq(b"up.down" in r.boxes(), True, "remote")


def too_long():
    """A name longer than the cap ends the session, and nothing is lost."""
    with Scratch() as s:
        l, r = Account(s, "L"), Account(s, "R")
        l.add([b"plain"])
        r.add([b"n" * 1001], 1)
        before = l.boxes(), r.boxes()
        got = Interimap(s, l.section("/", "quoted"),
                        r.section("/", "literal")).run()
        eq(got.status != 0, True, "exit status")
        has(got.err, "too long")
        eq((l.boxes(), r.boxes()), before, "the accounts")


def tests():
    for i, seps in enumerate(PAIRS):        # all names in two of them
        yield "delimiters %s and %s" % tuple(seps), each_way, seps, \
            NAMES if seps in ("/.", "^\\") else NAMES[i % 10::10]
    for refs in (("old mail.", 'x"y^'), ("a-", "b-"), ("~.", "#^")):
        yield "list-reference %s and %s" % refs, each_way, ".^", \
            [n for n in NAMES[1::7] if len(n[0]) < 200], refs, False
    for seps, refs in (("/.", ("", "")), (".^", ("old.", "new^"))):
        yield "as the original, %s and %s" % tuple(seps), \
            as_the_original, seps, refs
    for seps, side, bad in (("/.", 0, "v1.0"), ("/.", 1, "a/b"),
                            ("^\\", 0, "a\\b"), (".^", 1, "a.b")):
        yield "%s on side %d, delimiters %s %s" % (
            (bad, side) + tuple(seps)), other_delimiter, seps, side, bad
    for f in (one_reference, beside_the_reference, listed, no_select,
              lost_parent, same_name, no_root, too_long):
        yield f.__name__.replace("_", " "), f
    for l, r in ((("literal",), ("literal",)), (("quoted",), ("atom",)),
                 (("atom", "literal-sync"), ("raw", "literal-minus")),
                 (("raw",), ("literal", "literal-sync"))):
        yield "on the wire: %s, %s" % (" ".join(l), " ".join(r)), \
            on_the_wire, l, r
    yield "both flat", on_the_wire, ("quoted",), ("atom",), "", "", \
        ODD + [b"x/y", b"v1.0"]
    yield "delimiters ] and & on the wire", on_the_wire, ("quoted",), \
        ("literal",), "]", "&", [b"plain", b"st*r%", b"{5}", b"caf\xc3\xa9"]
    yield "flat against hierarchical", flat, "", "/"
    yield "hierarchical against flat", flat, ".", ""


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
        sys.exit(0)
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for t in tests():
        if only in t[0]:
            test(*t)
    done()
