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


class Lists:
    """Two servers, the program, and what is there afterwards."""
    def __init__(self, scratch, sep=(".", "."), layout=("", ""), extra="",
                 program=None, refs=("", "")):
        self.s = []
        for i, name in enumerate(("L", "R")):
            conf = "" if not layout[i] else "mail_location = maildir:%s%s\n" \
                % (os.path.join(scratch.dir, name, "mail", "store"), layout[i])
            self.s.append(Dovecot(scratch, name, conf, sep=sep[i]))
        self.l, self.r = self.s
        self.run = Interimap(
            scratch, *[tunnel_section(self.s[i]) + (
                "list-reference = %s\n" % refs[i] if refs[i] else "")
                for i in range(2)], extra=extra, program=program).run
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
        p = Lists(s)
        make(p.l, *["new%d" % i for i in range(30)])
        r = p.go(0, "--debug")
        said = [l.split(": ", 1)[1] for l in r.err.splitlines()
                if l.startswith("remote") and (": C: " in l or ": S: " in l)]
        first = next(i for i, l in enumerate(said) if " CREATE " in l)
        tag = said[first].split()[1]
        answered = next(i for i, l in enumerate(said)
                        if l.startswith("S: %s " % tag))
        sent = " ".join(said[first:answered])
        box = said[first].split()[3]
        has(sent, "CREATE %s" % box, "SUBSCRIBE %s" % box, "SELECT %s" % box)
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


if __name__ == "__main__":
    test("created and subscribed on the other side", created)
    test("the original ends alike", as_original)
    test("CREATE, SUBSCRIBE and SELECT in one flight", one_flight)
    test("a refused CREATE leaves nothing behind", refused)
    test("a name that holds the other delimiter", delimiter_in_name)
    test("a mailbox that is not subscribed is not missing", filtered)
    test("a mailbox that is gone from one side", gone)
    done()
