#!/usr/bin/env python3
# --notify with two real Dovecots: what is changed on either side reaches the
# other at once and without asking, waiting costs nothing, and nothing is lost
# when a server, a child or the program goes.
#
#	notify.py [part of a name]
import signal, sqlite3, sys
from concurrent.futures import ThreadPoolExecutor
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import Account
from servers import *
from tap import *
from watching import *

ORIGINAL = "/usr/bin/interimap"
DATE = "01-Feb-2024 12:00:00 +0000"


class World:
    """Two accounts, synchronized once."""
    def __init__(self, scratch, extra="", extras=("", ""), boxes=("A",),
                 tls=False):
        cert = make_cert(scratch, "server") if tls else None
        self.l, self.r = [Dovecot(scratch, n, extra=x, cert=cert)
                          for n, x in zip("LR", extras)]
        fill_maildir(self.l, ("INBOX",) + boxes, count=4)
        if tls:
            self.r.start()
        self.sync = Interimap(scratch, tunnel_section(self.l),
                              imaps_section(self.r) if tls else
                              tunnel_section(self.r), extra=extra)
        with self.l.client() as c:
            for b in boxes:
                c.ok(c.c.subscribe(quote(b)))
        r = self.sync.run()
        eq(r.status, 0, r.err)

    def same(self):
        with self.l.client() as a, self.r.client() as b:
            eq(a.snapshot(), b.snapshot(), "local is not remote")
            eq(a.subscribed(), b.subscribed(), "subscriptions")

    def unclean(self):
        c = sqlite3.connect("file:%s?mode=ro&nolock=1" % self.sync.db,
                            uri=True)
        try:
            return c.execute("SELECT unclean FROM run").fetchone()[0]
        finally:
            c.close()


# ---- changes on one side, and what tells that the other has them ----

def appended(c, o, box):
    n = len(o.uids(box))
    c.append(box, sample(int(time.time() * 1e6) % 999983), "\\Seen")
    return lambda: len(o.uids(box)) == n + 1


def flagged(c, o, box):
    u = c.uids(box)[-1]
    kw = "kw%d" % (time.time() * 1000)
    c.store(box, str(u), "+", kw)
    return lambda: any(kw in m[1] for m in o.messages(box))


def expunged(c, o, box):
    n = len(o.uids(box))
    c.expunge(box, str(c.uids(box)[0]))
    return lambda: len(o.uids(box)) == n - 1


def made(c, o, box):
    c.create(box)
    return lambda: box in o.mailboxes() and box in o.subscribed()


def unsubscribed(c, o, box):
    c.ok(c.c.unsubscribe(quote(box)))
    return lambda: box not in o.subscribed()


ACTS = [(appended, "INBOX"), (flagged, "INBOX"), (expunged, "INBOX"),
        (appended, "A"), (flagged, "A"), (expunged, "A")]


def changes():
    """Each of both sides reaches the other by itself."""
    with Scratch() as s:
        w = World(s)
        with Watch(w.sync) as p, w.l.client() as l, w.r.client() as r:
            p.waiting()
            took = []
            for (c, o), new in (((l, r), "New1"), ((r, l), "New2")):
                for act, box in ACTS + [(made, new), (appended, new),
                                        (unsubscribed, new)]:
                    done = act(c, o, box)
                    took.append(until("%s in %s" % (act.__name__, box), done))
            print("# seconds: " + " ".join("%.1f" % t for t in took))
            eq(p.count("C: ", " NOOP"), 0, "it asked by itself")
            eq(p.end(), 0)
            w.same()
            mid = sorted(took)[len(took) // 2]
            assert mid < 4, "they take too long: %.1f s" % mid


def idle():
    """Waiting costs a NOOP in N seconds, and the database is clean."""
    with Scratch() as s:
        w = World(s)
        with w.l.client() as c:         # work for the first run, too
            c.append("A", sample(900))
        with Watch(w.sync, "--watch=2") as p:
            p.waiting()
            eq(w.unclean(), 0, "the database while waiting")
            before, pids = p.count(""), p.processes()
            eq(len(pids), 5, "processes")
            used = ticks(pids)
            time.sleep(5)
            used = ticks(pids) - used
            lines = p.lines("")[before:]
            sent = [l for l in lines if "C: " in l]
            for side in "local", "remote":
                n = len([l for l in sent if side in l])
                assert 2 <= n <= 3, "%d commands in 5 s: %r" % (n, sent)
            eq([l for l in sent if not l.endswith(" NOOP")], [])
            assert used <= 5, "%d ticks of CPU" % used
            # held, and clean when it is killed
            q = w.sync.run()
            eq(q.status, 75, q.err)
            has(q.err, "database")
            os.kill(pids[1], signal.SIGKILL)
            eq(p.p.wait(timeout=DEADLINE), 70)
        q = w.sync.run("--debug")
        eq(q.status, 0, q.err)
        assert "did not come to its end" not in q.err, q.err
        w.same()


def echo():
    """One change is one run, and no run follows from its echo; by TLS."""
    with Scratch() as s:
        w = World(s, tls=True)
        with Watch(w.sync) as p, w.l.client() as l, w.r.client() as r:
            p.waiting()
            for c, o in (l, r), (r, l):
                sets = p.count("NOTIFY SET")
                until("the mail", appended(c, o, "A"))
                time.sleep(2)
                eq(p.count("NOTIFY SET") - sets, 2, "NOTIFY on two sides")
            until("unsubscription", unsubscribed(l, r, "A"))
            time.sleep(2)
            eq(p.count("NOTIFY SET") - sets, 4, "NOTIFY on two sides")
            eq(p.end(), 0)
            w.same()


def filters():
    """What is not synchronized wakes nobody; a new mailbox that is, does."""
    with Scratch() as s:
        w = World(s, extra="list-mailbox = INBOX A Sub.*\n"
                  "ignore-mailbox = (?x) ^Sub\\x00Junk\n")
        with w.l.client() as l, w.r.client() as r:
            for b in "Other", "Sub.Junk":
                l.create(b)
            with Watch(w.sync) as p:
                p.waiting()
                sets = p.count("NOTIFY SET")
                for b in "Other", "Sub.Junk":
                    l.append(b, sample(5))
                    l.store(b, "1", "+", "\\Flagged")
                l.ok(l.c.unselect())
                time.sleep(2)
                eq(p.count("NOTIFY SET") - sets, 0, "woken for nothing")
                until("New below Sub", made(l, r, "Sub.New"))
                until("mail in it", appended(r, l, "Sub.New"))
                eq(p.end(), 0)
            assert "Other" not in r.mailboxes() and \
                "Sub.Junk" not in r.mailboxes()


def many():
    """More names than a NOTIFY takes: all of the user's mailboxes."""
    boxes = tuple("Archive-%03d-%s" % (i, "x" * 40) for i in range(120))
    with Scratch() as s:
        w = World(s, boxes=boxes)
        with Watch(w.sync, "--watch=3") as p, w.l.client() as l, \
                w.r.client() as r:
            p.waiting()
            eq(p.count("NOTIFY SET (personal (MessageNew"), 2)
            until("the mail", appended(l, r, boxes[7]))
            until("the mail", appended(r, l, boxes[90]))
            until("the mail", appended(l, r, "INBOX"))
            p.waiting(4)
            lists = p.count("C: ", "LIST ")
            until("a look instead of NOOP",
                  lambda: p.count("C: ", "LIST ") >= lists + 2)
            eq(p.end(), 0)
            w.same()


def renamed():
    """Under --notify as without: the new name is made, the old one told of."""
    with Scratch() as s:
        w = World(s)
        with Watch(w.sync) as p, w.l.client() as l, w.r.client() as r:
            p.waiting()
            l.ok(l.c.rename("A", "B"))
            until("the new name", lambda: "B" in r.mailboxes())
            gone = "WARNING: Mailbox A is gone"
            until("the old one", lambda: p.count(gone) == 1)
            for i in range(2):
                until("the mail", appended(l, r, "INBOX"))
            p.waiting()
            eq(p.count(gone), 1, "it is said in each run")
            p.end()


def busy():
    """A writer that never pauses is followed, in a run each moment."""
    with Scratch() as s:
        w = World(s)
        with Watch(w.sync) as p, w.l.client() as l, w.r.client() as r:
            p.waiting()
            n, began = len(r.uids("A")), time.monotonic()
            wrote = 0
            while time.monotonic() < began + 4:
                l.append("A", sample(1000 + wrote))
                wrote += 1
                time.sleep(0.02)
            until("all of them", lambda: len(r.uids("A")) == n + wrote)
            runs = p.count("local", "C: ", "NOTIFY SET")
            # Each waits 200 ms for more; nearly 200 messages were written.
            took = time.monotonic() - began
            assert runs < 5 * took + 2, "%d runs in %.1f s" % (runs, took)
            eq(p.end(), 0)
            w.same()


def imap_of(session):
    """The server's process of one side of a session."""
    pid = [c for c in children(session) if name(c) not in
           ("imapchild", "statedb")][0]
    while name(pid) != "imap":
        pid = children(pid)[0]
    return pid


def lost():
    """A server that goes: status 75 of the session, and a new one."""
    with Scratch() as s:
        w = World(s)
        argv = w.sync.argv("--notify", "--debug")
        argv.insert(len(argv) - 3, "--session")
        eq(argv[-4:-3], ["--session"])
        with Watch(w.sync, argv=argv) as p:
            p.waiting()
            os.kill(imap_of(p.p.pid), signal.SIGKILL)
            eq(p.p.wait(timeout=DEADLINE), 75, "status of the session")
        with Watch(w.sync) as p, w.l.client() as l, w.r.client() as r:
            p.waiting()
            first = p.session()
            os.kill(imap_of(first), signal.SIGKILL)
            done = appended(r, l, "A"), appended(l, r, "A")
            until("a new session", lambda: any(
                name(c) == "interimap" and c != first
                for c in children(p.p.pid)), 30)
            for d in done:
                until("what came meanwhile", d)
            has("\n".join(p.lines("")), "server closed the connection")
            p.waiting(2)
            until("and it watches", appended(l, r, "INBOX"))
            eq(p.end(), 0)
            w.same()


def late():
    """What is made after LIST and before NOTIFY is not overlooked."""
    with Scratch() as s:
        w = World(s)
        with Watch(w.sync) as p, w.l.client() as l, w.r.client() as r:
            p.waiting()
            db = [c for c in children(p.session()) if name(c) == "statedb"]
            seen = p.count("S: ", "OK List completed")
            os.kill(db[0], signal.SIGSTOP)      # the run waits for it
            try:
                l.append("A", sample(900))
                until("both lists", lambda: p.count(
                    "S: ", "OK List completed") >= seen + 2)
                l.create("Late")
                r.create("Later", subscribe=False)
            finally:
                os.kill(db[0], signal.SIGCONT)
            until("the mailbox of local", lambda: "Late" in r.mailboxes()
                  and "Late" in r.subscribed())
            until("that of remote", lambda: "Later" in l.mailboxes())
            eq(p.end(), 0)
            w.same()


def lies():
    """A server that tells without end makes no run follow the other."""
    for how in "lies", "overflow":
        with Scratch() as s:
            l, r = Account(s, "l"), Account(s, "r")
            l.add("INBOX", 0, 3)
            q = Interimap(s, l.section("--quirk", "notify"),
                          r.section("--quirk", "notify=" + how))
            eq(q.run().status, 0)
            with Watch(q) as p:
                p.waiting()
                before = p.count("local", "C: ", "NOTIFY SET")
                time.sleep(4)
                runs = p.count("local", "C: ", "NOTIFY SET") - before
                assert runs <= 5, "%d runs in 4 s" % runs
                assert p.count("remote: News of") >= 2, "no news of " + how
                eq(p.end(), 0)
            eq(l.boxes(), r.boxes())


def signals():
    """SIGTERM and SIGINT end it, SIGHUP has the configuration read anew."""
    with Scratch() as s:
        w = World(s)
        for sig, status in (signal.SIGTERM, 0), (signal.SIGINT, 1):
            with Watch(w.sync) as p:
                p.waiting()
                began = time.monotonic()
                eq(p.end(sig), status)
                assert time.monotonic() - began < 5, "it took its time"
        with Watch(w.sync) as p, w.l.client() as l, w.r.client() as r:
            p.waiting()
            s.write("sync/config", open(w.sync.conf).read().replace(
                "[local]", "ignore-mailbox = ^A$\n[local]", 1))
            p.p.send_signal(signal.SIGHUP)
            p.waiting(2)
            has(p.lines("local", "NOTIFY SET")[0], "A")
            assert " A)" not in p.lines("local", "NOTIFY SET")[1] and \
                "(A " not in p.lines("local", "NOTIFY SET")[1], \
                "the old configuration"
            until("mail", appended(l, r, "INBOX"))
            eq(p.end(), 0)


def refused():
    """A server without NOTIFY is named, and nothing is begun."""
    with Scratch() as s:
        w = World(s, extras=("", "mailbox_list_index = no\n"))
        with w.l.client() as l:
            l.append("A", sample(900))
        q = w.sync.run("--notify", timeout=DEADLINE)
        eq(q.status, 1, q.err)
        has(q.err, "remote: ", "Non NOTIFY-capable", "--watch")
        with w.r.client() as r:
            eq(len(r.uids("A")), 4, "mail that was copied all the same")


def poked(c, box, what, fn):
    """As until(); Dovecot may not have told the original of a change."""
    for i in range(10):
        try:
            return until(what, fn, 2)
        except AssertionError:
            c.store(box, "1", "+", "poke")
            c.store(box, "1", "-", "poke")
            c.ok(c.c.unselect())
    raise AssertionError("not even when poked: " + what)


def beside():
    """The original, given the same changes, leaves the same behind."""
    if not os.access(ORIGINAL, os.X_OK):
        raise Skip("no " + ORIGINAL)
    ends = []
    for program in ORIGINAL, None:
        with Scratch() as s:
            w = World(s)
            w.sync.program = program or w.sync.program
            with Watch(w.sync, "--watch=2") as p, w.l.client() as l, \
                    w.r.client() as r:
                p.waiting()
                for c, o, box in (l, r, "A"), (r, l, "INBOX"):
                    c.append(box, sample(500), "\\Seen", DATE)
                    c.store(box, "2", "+", "mark")
                    c.expunge(box, "3")
                    c.ok(c.c.unselect())
                    poked(c, box, "the mail", lambda: o.uids(box)[-1] == 5)
                    poked(c, box, "the flag", lambda: any(
                        "mark" in m[1] for m in o.messages(box)))
                    poked(c, box, "the expunge",
                          lambda: 3 not in o.uids(box))
                p.waiting()
                p.end()
            w.same()
            with w.l.client() as c:
                ends.append((c.snapshot(), c.subscribed()))
    eq(ends[1], ends[0], "ours is not the original's")


# They mostly wait, so some do it beside each other; the longest first.
TESTS = [changes, beside, lies, idle, echo, many, busy, filters, renamed, lost,
         late, signals, refused]
WORKERS = 4


def main():
    chosen = [(fn.__name__ + ": " + fn.__doc__.split("\n")[0], fn)
              for fn in TESTS]
    if len(sys.argv) > 1:
        chosen = [c for c in chosen if sys.argv[1] in c[0]]
    with ThreadPoolExecutor(WORKERS) as pool:
        for label, result in [(label, pool.submit(fn))
                              for label, fn in chosen]:
            test(label, result.result)
    done()


if __name__ == "__main__":
    main()
