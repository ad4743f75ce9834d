#!/usr/bin/env python3
# Which mailboxes there are, and which are subscribed: created on the other
# side, toggles followed, left alone where they must be.  Two real Dovecots;
# with the packaged original beside it, the plain cases must end alike.
import os, shutil, sqlite3, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from tap import *

ORIGINAL = shutil.which("interimap")


# A tunnel whose answers are late: what was written before the first of them
# came back is one flight.
SLOW = """
import os, subprocess, sys, threading, time, queue
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
late = queue.Queue()
def read():
    while True:
        b = os.read(p.stdout.fileno(), 65536)
        late.put((time.monotonic() + 0.4, b))
        if not b:
            break
threading.Thread(target=read, daemon=True).start()
while True:
    at, b = late.get()
    time.sleep(max(0, at - time.monotonic()))
    if not b:
        break
    while b:
        b = b[os.write(1, b):]
"""


class Lists:
    """Two servers, the program, and what is there afterwards."""
    def __init__(self, scratch, sep=(".", "."), layout=("", ""), extra="",
                 program=None, refs=("", ""), slow=False):
        self.s = []
        for i, name in enumerate(("L", "R")):
            conf = "" if not layout[i] else "mail_location = maildir:%s%s\n" \
                % (os.path.join(scratch.dir, name, "mail", "store"), layout[i])
            self.s.append(Dovecot(scratch, name, conf, sep=sep[i]))
        self.l, self.r = self.s
        section = [tunnel_section(self.s[i]) + (
            "list-reference = %s\n" % refs[i] if refs[i] else "")
            for i in range(2)]
        if slow:
            section[1] = section[1].replace("command = ", "command = "
                "python3 -B %s " % scratch.write("slow.py", SLOW, 0o644))
        self.run = Interimap(scratch, *section, extra=extra,
                             program=program).run
        self.db = os.path.join(scratch.dir, "sync", "state.db")

    def go(self, status=0, *args):
        r = self.run(*args)
        eq(r.status, status, "exit status; it said: " + r.err)
        return r

    def quiet(self, status=0):
        """Another run asks for the lists and no more."""
        r = self.go(status, "--debug")
        sent = [l.split()[3] for l in r.err.splitlines() if " C: " in l]
        eq(sorted(set(sent)), ["ENABLE", "LIST", "LOGOUT"], "commands sent")
        return r

    def rows(self):
        """The database: name and subscription of each mailbox."""
        db = sqlite3.connect("file:%s?mode=ro" % self.db, uri=True)
        r = {bytes(n).decode(): s for n, s in
             db.execute("SELECT mailbox, subscribed FROM mailboxes")}
        db.close()
        return r

    def state(self):
        out = []
        for s in self.s:
            with s.client() as c:
                out.append((c.mailboxes(), c.subscribed()))
        return out


def make(server, *names, **kw):
    with server.client() as c:
        for n in names:
            c.create(n, **kw)


# ---- created and subscribed ----

def start(p):
    make(p.l, "A", "deep.er.est")
    make(p.l, "plain", subscribe=False)
    make(p.r, "B")
    make(p.r, "both", subscribe=False)
    make(p.l, "both")
    with p.l.client() as c:
        c.create("INBOX.kid")
        c.append("INBOX.kid", sample(3))


def toggle(p):
    """What a user does between two runs, one side each."""
    with p.r.client() as c:
        c.ok(c.c.unsubscribe("A"))
        c.ok(c.c.subscribe("plain"))
    with p.l.client() as c:
        c.ok(c.c.unsubscribe("B"))


def created():
    with Scratch() as s:
        p = Lists(s)
        start(p)
        p.go()
        (lm, ls), (rm, rs) = p.state()
        eq(lm, rm, "mailboxes")
        eq(ls, rs, "subscriptions")
        eq(set(lm) - {"INBOX"}, {"A", "deep.er.est", "plain", "B", "both",
                                 "INBOX.kid"}, "no parent was made")
        eq("both" in rs and "A" in rs and "plain" not in rs, True, rs)
        eq(p.rows(), {n.replace(".", "\0"): int(n in ls) for n in lm}, "rows")
        p.quiet()
        toggle(p)
        p.go()
        (lm, ls), (rm, rs) = p.state()
        eq(ls, rs, "subscriptions follow")
        eq("A" in ls or "B" in rs or "plain" not in ls, False, (ls, rs))
        eq(p.rows(), {n.replace(".", "\0"): int(n in rs) for n in rm}, "rows")
        p.quiet()


def as_original():
    """The same steps with both programs, and the same end."""
    if ORIGINAL is None:
        raise Skip("the original is not installed")
    ends = []
    for program in None, ORIGINAL:
        with Scratch() as s:
            p = Lists(s, program=program)
            start(p)
            p.go()
            toggle(p)
            p.go()
            ends.append((p.state(), p.rows()))
    eq(ends[0], ends[1], "ours, and the original")


# ---- one flight ----

def one_flight():
    with Scratch() as s:
        p = Lists(s, slow=True)
        boxes = ["new%d" % i for i in range(30)]
        make(p.l, *boxes)
        r = p.go(0, "--debug")
        said = [l.split(": ", 1)[1] for l in r.err.splitlines()
                if l.startswith("remote") and (": C: " in l or ": S: " in l)]
        first = next(i for i, l in enumerate(said) if " CREATE " in l)
        tag = said[first].split()[1]
        answered = next(i for i, l in enumerate(said)
                        if l.startswith("S: %s " % tag))
        sent = [" ".join(l.split()[2:4]) for l in said[first:answered]
                if l.startswith("C: ")]
        for box in boxes:
            at = [sent.index(c + box) for c in ("CREATE ", "SUBSCRIBE ",
                                                "SELECT ")]
            eq(at, sorted(at), "order for " + box)
        p.quiet()


# ---- refused ----

def refused():
    """A CREATE that is refused leaves no row and no subscription."""
    with Scratch() as s:
        p = Lists(s)
        make(p.l, "A", "B")
        with p.r.client() as c:
            c.append("INBOX", sample(1))
        os.chmod(p.r.store, 0o555)
        r = p.go(2)
        has(r.err, "remote: WARNING: Couldn't create mailbox A",
            "remote: WARNING: Couldn't create mailbox B")
        eq(sum("A" in l.split() for l in r.err.splitlines()
               if "SELECT" in l), 0, "no word of its SELECT: " + r.err)
        eq(set(p.rows()) - {"INBOX"}, set(), "rows")
        p.go(2)
        os.chmod(p.r.store, 0o700)
        eq(p.state()[1][1], [], "subscriptions")
        p.go()
        eq(p.state()[0], p.state()[1], "lists")
        p.quiet()


def delimiter_in_name():
    with Scratch() as s:
        p = Lists(s, sep=("/", "."), layout=(":LAYOUT=fs", ""))
        make(p.l, "v1.0", "fine", "some/where")
        make(p.r, "dot.ted")
        r = p.go(2)
        has(r.err, "v1.0 cannot have that name")
        eq(sorted(set(p.state()[1][0]) - {"INBOX"}),
           ["dot.ted", "fine", "some.where"], "remote")
        eq("dot/ted" in p.state()[0][0] and "v1.0" in p.state()[0][0], True,
           "local")
        eq(set(p.rows()) - {"INBOX"}, {"dot\0ted", "fine", "some\0where"},
           "rows")
        p.quiet(2)


# ---- filtered lists ----

FILTER = "list-select-opts = SUBSCRIBED\n"


def filtered():
    with Scratch() as s:
        p = Lists(s, extra=FILTER)
        make(p.l, "A", "C", "st*r")
        make(p.l, "D", "starrr", subscribe=False)
        make(p.r, "A", "st*r", subscribe=False)
        with p.r.client() as c:
            c.append("A", sample(1))
        r = p.go(0, "--debug")
        eq([l.split(" CREATE ")[1] for l in r.err.splitlines()
            if " C: " in l and " CREATE " in l], ["C"], "created")
        (lm, ls), (rm, rs) = p.state()
        eq(rs, ls, "subscriptions")
        eq(set(rm) - {"INBOX"}, {"A", "C", "st*r"}, "remote")
        eq(set(p.rows()) - {"INBOX"}, {"A", "C", "st*r"}, "rows")
        with p.l.client() as c:
            eq(len(c.messages("A")), 1, "its message came")
        p.quiet()

        # Unsubscribed on one side: followed, not taken for gone.
        with p.r.client() as c:
            c.ok(c.c.unsubscribe("A"))
        r = p.go()
        eq("gone" in r.err, False, r.err)
        eq("A" in p.state()[0][1], False, "subscribed on local")
        eq("A" in p.state()[0][0], True, "and still there")
        eq(p.rows()["A"], 0, "row")
        p.quiet()

        # Subscribed again on the other side.
        with p.l.client() as c:
            c.ok(c.c.subscribe("A"))
        p.go()
        eq("A" in p.state()[1][1], True, "subscribed on remote")
        p.quiet()

        # Deleted on one side: that is gone.
        with p.r.client() as c:
            c.ok(c.c.delete("C"))
        r = p.go(2)
        has(r.err, "Mailbox C is gone there")
        eq("C" in p.state()[1][0], False, "not created again")


def unsubscribed_on_both():
    """The database follows, so the next SUBSCRIBE is a new one."""
    with Scratch() as s:
        p = Lists(s, extra=FILTER)
        make(p.l, "A", "B")
        p.go()
        for side in p.s:
            with side.client() as c:
                c.ok(c.c.unsubscribe("A"))
        p.go()
        eq(p.rows()["A"], 0, "row")
        p.quiet()
        with p.r.client() as c:
            c.ok(c.c.subscribe("A"))
        p.go()
        eq([x[1] for x in p.state()], [["A", "B"]] * 2, "subscriptions")
        p.quiet()


def pattern_of_one_side():
    """The delimiter of one server is a plain character of the other."""
    with Scratch() as s:
        p = Lists(s, sep=("/", "."), layout=(":LAYOUT=fs", ""),
                  extra="list-mailbox = top.*\n")
        make(p.l, "top/a")
        make(p.r, "top.a", "top.b")
        r = p.go(0, "--debug")
        eq([l.split(" CREATE ")[1] for l in r.err.splitlines()
            if " C: " in l and " CREATE " in l], ["top/b"], "created")
        eq(set(p.rows()) - {"INBOX"}, {"top\0a", "top\0b"}, "rows")
        p.quiet()


def inbox_elsewhere():
    """Below a reference `inbox` is no INBOX, but the other server's is."""
    with Scratch() as s:
        p = Lists(s, refs=("", "old."))
        make(p.r, "old.inbox", "old.x")
        with p.r.client() as c:
            c.append("old.inbox", sample(1))
        r = p.go(2)
        has(r.err, "old.inbox cannot have that name")
        with p.l.client() as c:
            eq(c.messages("INBOX"), [], "INBOX")
        eq("x" in p.state()[0][0], True, "the others go on")


# ---- gone ----

def gone():
    with Scratch() as s:
        p = Lists(s)
        make(p.l, "A", "B")
        p.go()
        with p.r.client() as c:
            c.ok(c.c.delete("A"))
            c.append("B", sample(2))
        r = p.go(2)
        has(r.err, "remote: WARNING: Mailbox A is gone there")
        with p.l.client() as c:
            eq(c.messages("A"), [], "left alone")
            eq(len(c.messages("B")), 1, "the others are not")
        with p.l.client() as c:
            c.ok(c.c.delete("A"))
        p.go()


def place():
    """Dovecot lists a deleted mailbox that is subscribed and has children."""
    with Scratch() as s:
        p = Lists(s)
        make(p.l, "P", "P.kid", "one")
        p.go()
        for server in p.s:
            with server.client() as c:
                c.ok(c.c.delete("P"))
                eq("P" in c.mailboxes(), True, "it is listed")
        p.quiet()
        # Deleted on one side alone, it is gone there.
        make(p.l, "one.kid")
        p.go()
        with p.r.client() as c:
            c.ok(c.c.delete("one"))
        has(p.go(2).err, "remote: WARNING: Mailbox one is gone there")
        eq("one" in p.state()[0][0], True, "left alone on local")


if __name__ == "__main__":
    test("created and subscribed on the other side", created)
    test("the original ends alike", as_original)
    test("CREATE, SUBSCRIBE and SELECT in one flight", one_flight)
    test("a refused CREATE leaves nothing behind", refused)
    test("a name that holds the other delimiter", delimiter_in_name)
    test("a mailbox that is not subscribed is not missing", filtered)
    test("unsubscribed on both sides", unsubscribed_on_both)
    test("a pattern that fits on one side only", pattern_of_one_side)
    test("INBOX in another spelling", inbox_elsewhere)
    test("a mailbox that is gone from one side", gone)
    test("a deleted mailbox above others", place)
    done()
