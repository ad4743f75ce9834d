#!/usr/bin/env python3
# The packaged original and ours by turns, on one database and the same two
# Dovecots, over random histories: clients add, flag and delete mail and
# mailboxes on both sides; then one of the two programs runs, and is killed in
# most runs (its whole process group, itself alone, or one of its processes),
# at a random moment or a random change of a file.  After every run the state
# of both accounts and of the database is compared with that before it, and
# must be one that this run may make of it (fates.py):
#
# - A message that a row maps, alive on both sides, stays, and so does its row.
# - Of a mapped message deleted on one side the other copy goes, then the row.
#   The deletion may be lost in one case only: a run of the original that
#   resumes an interrupted one (rows at or above UIDNEXT) overlooks what
#   clients did meanwhile to the messages below.  Nothing else makes a deleted
#   message come back, but that no row knew it or the row was taken away by
#   --target=database --delete.
# - A message that no row knows stays, and is copied.  Where both sides hold it
#   so, ours never adds a copy, killed or not: it maps them.  The original
#   copies each to the other side.  Both sides hold it so when clients put it
#   there twice, when the rows were taken away, or when a run of either program
#   was killed between an APPEND and its COMMIT, which the original could not
#   know of in its own run either: this, and nothing else, excuses a duplicate.
# - Flags: the side that changed wins; both, the union; after a kill either
#   base counts.  The original's resume may overlook them as above.
# - A run that ends well leaves no message unmapped, no row at or above UIDNEXT
#   and one subscription.  It ends well unless a mailbox went on one side or
#   changed its UIDVALIDITY; then ours still does all the others.
# - The file passes integrity_check and foreign_key_check after every run, and
#   either program's --delete and --rename work on it.
#
# In the end, after both programs ran, both accounts are equal; and beside all
# rules each message that nobody deleted is there, once, and none that was
# deleted.
#
#	alternate.py [SEED [COUNT]]
import collections, os, random, signal, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill
from servers import *
from fates import *
from sync import Pair
from tap import *

PROGRAMS = {OURS: None, ORIGINAL: "/usr/bin/interimap"}
SEEDS = range(1, 5)
STEPS = 9
# None above another: Dovecot goes on listing a deleted mailbox that is, which
# stops the original.
BOXES = ("A", "B", "C.y", "D", "E.x.z")
# No keywords: a killed Dovecot may forget the name of one it has just stored.
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted")
hits = {OURS: 0, ORIGINAL: 0}
tally = collections.Counter()		# what the kills left behind
LASTS = {OURS: 0.2, ORIGINAL: 0.5}		# seconds, about
KILLS = ("group", "group", "parent", "one")


def mail(n):
    """Message n; every fourth without a Message-ID."""
    return sample(n, msgid=n % 4 != 0)


class World(Pair):
    """Two accounts, both programs, the book, and a history of actions."""
    def __init__(self, scratch, seed):
        super().__init__(scratch)
        self.rng = random.Random(seed)
        self.runs = {w: Interimap(scratch, tunnel_section(self.l),
                                  tunnel_section(self.r), program=p)
                     for w, p in PROGRAMS.items()}
        self.db = self.sync.db
        self.book, self.log = Book(), []
        self.n, self.known = 0, {}
        self.alive, self.twice, self.gone = {}, set(), set()
        self.eyes = [Eye(x, self.known) for x in (self.l, self.r)]
        self.c = None
        self.look()

    # ---- looking ----

    def connect(self):
        if self.c is None:
            self.c = [x.client() for x in (self.l, self.r)]
        return self.c

    def disconnect(self):
        for c in self.c or []:
            c.close()
        self.c = None

    def look(self):
        self.now = State(self.eyes, self.connect(), self.db)

    # ---- what clients do between two runs ----

    def acts(self, count):
        if count == 0:
            return
        for _ in range(count):
            verb = self.rng.choices(
                (self.add, self.bulk, self.add_both, self.flag, self.expunge,
                 self.create, self.subscribe, self.recreate, self.remove),
                (30, 3, 6, 30, 22, 6, 4, 1, 1))[0]
            verb(self.connect())
        self.look()

    def say(self, *a):
        self.log.append(" ".join(str(x) for x in a))

    def box(self, s):
        return self.rng.choice(sorted(self.now.boxes[s]))

    def put(self, c, s, box, n):
        fl = self.rng.sample(FLAGS, self.rng.choice((0, 0, 1, 2)))
        t = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(date(n)))
        c[s].append(box, mail(n), " ".join(fl), t)
        add = "%s add to %s" % (SIDES[s], box)
        if not self.log or not self.log[-1].startswith(add + " "):
            self.say(add)
        self.log[-1] += " " + " ".join([str(n)] + fl)

    def fresh(self, box):
        self.n += 1
        n = self.n
        self.known[hashlib.sha256(re.sub("\r?\n", "\r\n", mail(n)).encode())
                   .hexdigest()] = n
        self.alive[n] = box
        return n

    def add(self, c):
        s = self.rng.randrange(2)
        box = self.box(s)
        for _ in range(self.rng.choice((1, 1, 2, 5))):
            self.put(c, s, box, self.fresh(box))

    def bulk(self, c):
        s = self.rng.randrange(2)
        box = self.box(s)
        for _ in range(self.rng.randint(130, 260)):
            self.put(c, s, box, self.fresh(box))

    def add_both(self, c):
        boxes = sorted(set(self.now.boxes[0]) & set(self.now.boxes[1]))
        box = self.rng.choice(boxes)
        n = self.fresh(box)
        self.twice.add(n)
        for s in (0, 1):
            self.put(c, s, box, n)

    def some(self, s, box, most):
        uids = sorted(self.now.boxes[s][box].msgs)
        return self.rng.sample(uids, min(len(uids), self.rng.randint(1, most)))

    def flag(self, c):
        s = self.rng.randrange(2)
        box = self.box(s)
        uids = self.some(s, box, 4)
        if not uids:
            return
        op = self.rng.choice(("+", "+", "-", ""))
        fl = self.rng.sample(FLAGS, self.rng.choice((1, 1, 2)))
        c[s].store(box, ",".join(map(str, uids)), op, " ".join(fl))
        for u in uids:
            self.book.touch(self.now.boxes[s][box].uv, u)
        self.say(SIDES[s], "flags of", box, uids, op, *fl)

    def expunge(self, c):
        s = self.rng.randrange(2)
        box = self.box(s)
        uids = self.some(s, box, 4)
        if not uids:
            return
        c[s].expunge(box, ",".join(map(str, uids)))
        pairs = {p[s]: p for p in self.now.pairs(box)}
        for u in uids:
            n = self.now.boxes[s][box].msgs[u][0]
            self.alive.pop(n, None)
            if u in pairs and all(x and x.numbers().count(n) == 1
                                  for x in self.now.both(box)):
                self.gone.add(n)
        self.say(SIDES[s], "expunge from", box, uids, [
            self.now.boxes[s][box].msgs[u][0] for u in uids])

    def create(self, c):
        s = self.rng.randrange(2)
        free = [b for b in BOXES if b not in self.now.names() and
                b not in self.now.db]
        if free:
            box = self.rng.choice(free)
            c[s].create(box, self.rng.random() < 0.75)
            self.say(SIDES[s], "create", box)
            self.now.boxes[s][box] = Mails(0, {})

    def subscribe(self, c):
        s = self.rng.randrange(2)
        box = self.box(s)
        verb = "unsubscribe" if box in self.now.subs[s] else "subscribe"
        c[s].ok(getattr(c[s].c, verb)(box))
        self.now.subs[s] ^= {box}
        self.say(SIDES[s], verb, box)

    def lost_box(self, s, box):
        for n in self.now.boxes[s][box].numbers():
            self.alive.pop(n, None)

    def remove(self, c):
        """A mailbox goes on one side: both programs refuse that."""
        s = self.rng.randrange(2)
        box = self.box(s)
        if box != "INBOX":
            c[s].select("INBOX")	# not to delete what is selected
            c[s].ok(c[s].c.delete(box))
            self.say(SIDES[s], "delete", box)
            self.alive = {n: b for n, b in self.alive.items() if b != box}
            for x in self.now.both(box):
                self.gone -= set(x.numbers()) if x else set()
            del self.now.boxes[s][box]

    def recreate(self, c):
        s = self.rng.randrange(2)
        box = self.box(s)
        if box != "INBOX":
            c[s].select("INBOX")	# not to delete what is selected
            c[s].ok(c[s].c.delete(box))
            c[s].create(box)
            self.say(SIDES[s], "recreate", box)
            self.alive = {n: b for n, b in self.alive.items() if b != box}
            for x in self.now.both(box):
                self.gone -= set(x.numbers()) if x else set()
            del self.now.boxes[s][box]
            self.now.boxes[s][box] = Mails(0, {})

    # ---- runs ----

    def run(self, who, killed):
        before = self.now
        self.disconnect()
        stuck = [n for n in before.names() if before.blocked(n)]
        if killed:
            status, err = self.interrupted(who)
        else:
            r = self.runs[who].run()
            status, err = r.status, r.err
        complete = status == 0
        self.say("RUN", who, killed or "", "status", status,
                 "blocked" if stuck else "", stuck or "")
        self.log += ["    " + l for l in err.splitlines()
                     if "traffic" not in l]
        if not killed:
            need(complete == (not stuck), "%s ends with %d; mailboxes that "
                 "it cannot synchronize: %s; it said: %s", who, status, stuck,
                 err)
            # Ours does the others all the same.
            complete = complete or who == OURS
        self.look()
        Run(self.book, before, self.now, who, complete).check()
        if killed and status != 0 and (status < 0 or not stuck):
            hits[who] += 1
            tally.update("%s killed: %s" % (who, x) for x in left(self.now))
        tally.update("%s ran on %s" % (who, x) for x in left(before))

    def watched(self):
        """Changes when the run has changed anything."""
        out = []
        for p in [self.db, self.db + "-journal"] + self.dirs:
            try:
                out.append(os.stat(p).st_mtime_ns)
            except OSError:
                pass
        return out

    def wait(self, q, who):
        """Until a random moment, or a random number of changes was seen."""
        if self.rng.random() < 0.2:
            end = time.monotonic() + self.rng.random() * LASTS[who]
            while time.monotonic() < end and q.poll() is None:
                time.sleep(0.002)
            return "after some time"
        self.dirs, most = [], 5
        if self.rng.random() < 0.5:
            most = 8
            for x in (self.l, self.r):
                self.dirs += folders(x.store)
        goal = int(1.5 ** self.rng.uniform(0, most))
        seen, last = 0, self.watched()
        while seen < goal and q.poll() is None:
            time.sleep(0.0005)
            x = self.watched()
            if x != last:
                seen, last = seen + 1, x
        time.sleep(self.rng.random() ** 2 * 0.02)
        return "at change %d" % seen

    def interrupted(self, who):
        p = self.runs[who]
        how = self.rng.choice(KILLS)
        q = subprocess.Popen(p.argv(), env=self.sync.scratch.env(), text=True,
                             errors="replace", start_new_session=True,
                             stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        when = self.wait(q, who)
        try:
            if how == "group":
                os.killpg(q.pid, signal.SIGKILL)
            elif how == "parent":
                q.kill()
            elif q.poll() is None:
                os.kill(self.rng.choice(sorted(session(q.pid)) or [q.pid]),
                        signal.SIGKILL)
        except ProcessLookupError:
            pass			# it is over
        err = q.communicate(timeout=60)[1]
        kill.all_gone(q.pid)
        kill.unlock(self)
        return q.returncode, "[killed: %s %s]\n%s" % (how, when, err)

    # ---- --delete, --rename, and the way out of what is refused ----

    def command(self, who, *args):
        self.disconnect()
        r = self.runs[who].run(*args)
        self.say("COMMAND", who, *args, "status", r.status)
        eq(r.status, 0, "%s %s: %s" % (who, args, r.err))
        self.look()

    def unblock(self, always):
        for box in [n for n in self.now.names() if self.now.blocked(n)]:
            if not always and self.rng.random() < 0.3:
                continue
            args = ["--target=database"] if self.rng.random() < 0.7 else []
            self.command(self.rng.choice(list(PROGRAMS)), *args, "--delete",
                         box)
            eq(box in self.now.db, False, "the row of " + box)
            if not args:
                eq(self.now.both(box), [None, None], "mailbox " + box)
                self.alive = {n: b for n, b in self.alive.items() if b != box}
            else:
                # Both sides may hold the same mail, and no row knows.
                for x in self.now.both(box):
                    self.twice |= set(x.numbers()) if x else set()
                    self.gone -= set(x.numbers()) if x else set()

    def rename(self):
        free = [b for b in BOXES if not any(
            x == b or x.startswith(b + ".") for x in
            self.now.names() + list(self.now.db))]
        have = [b for b in self.now.names() if b != "INBOX" and
                not any(x.startswith(b + ".") for x in self.now.names())
                and not self.now.blocked(b) and None not in self.now.both(b)]
        if not free or not have:
            return
        src, dst = self.rng.choice(have), self.rng.choice(free)
        if dst.startswith(src + "."):
            return
        before = self.now
        self.command(self.rng.choice(list(PROGRAMS)), "--rename", src, dst)
        for s in range(2):
            eq(self.now.boxes[s][dst].msgs, before.boxes[s][src].msgs, dst)
        eq(self.now.pairs(dst), before.pairs(src), "pairs of " + dst)
        self.alive = {n: dst if b == src else b
                      for n, b in self.alive.items()}

    # ---- all of it ----

    def steps(self):
        self.acts(6)
        for step in range(STEPS):
            if step % 3 == 1:		# two batches: killed between them
                self.bulk(self.connect())
                self.look()
            self.run(self.rng.choice(list(PROGRAMS)), self.rng.random() < 0.75)
            if self.rng.random() < 0.15:
                self.rename()
            self.unblock(False)
            self.acts(self.rng.choice((0, 3, 4, 6, 8, 10)))
        self.settle()
        self.disconnect()

    def settle(self):
        """Both programs once more; then the accounts are equal."""
        self.unblock(True)
        order = [OURS, ORIGINAL]
        self.rng.shuffle(order)
        for who in order + order[:1]:
            self.run(who, False)
        a, b = self.now.boxes
        eq(sorted(a), sorted(b), "mailboxes")
        for box in a:
            self.equal(box)
            eq(box in self.now.subs[0], box in self.now.subs[1],
               "subscription of " + box)
        self.fates()

    def equal(self, box):
        """Content, flags and date; but for what the original forgot."""
        for p in self.now.pairs(box):
            l, r = [x[box].msgs.get(u) for x, u in zip(self.now.boxes, p)]
            lost = self.book.overlooked(self.now.both(box), p)
            if l != r and not (lost and (None in (l, r) or l[0] == r[0])):
                raise AssertionError("%s: pair %d,%d differs in the end: %r "
                                     "and %r" % ((box,) + p + (l, r)))
        for s in range(2):
            eq(self.now.unmapped(box, s), {}, "not mapped in the end")

    def fates(self):
        """Independent of all rules: what nobody deleted is there, once."""
        for s, x in enumerate(self.now.boxes):
            for n, box in self.alive.items():
                count = x[box].numbers().count(n)
                most = 1 if n not in self.twice | self.book.doubled else 99
                need(1 <= count <= most, "%s: message %d is %d times in %s",
                     SIDES[s], n, count, box)
            for box in x:
                for u, m in x[box].msgs.items():
                    if m[0] not in self.gone:
                        continue
                    half = any(k[2 * s] == x[box].uv and k[2 * s + 1] == u
                               for k in self.book.forgotten)
                    need(half, "%s: message %d, which was deleted, is in %s",
                         SIDES[s], m[0], box)


def folders(store):
    """The folders of a Maildir and of those below it."""
    out = [store]
    for d, sub, _ in os.walk(store):
        out += [os.path.join(d, x) for x in sub]
    return out


def left(state):
    """Words for what a kill left behind."""
    out = set()
    for name, row in state.db.items():
        boxes = state.both(name)
        if None in boxes or state.blocked(name):
            continue
        if row.interrupted():
            out.add("rows at or above UIDNEXT")
        if set(state.unmapped(name, 0)) & set(state.unmapped(name, 1)):
            out.add("messages unmapped on both sides")
        alive = {sum(u in b.msgs for u, b in zip(p, boxes))
                 for p in row.pairs}
        if 1 in alive:
            out.add("pairs gone on one side")
        if 0 in alive:
            out.add("pairs gone on both sides")
    return out


def session(sid):
    """The processes of a session."""
    out = set()
    for pid in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % pid) as f:
                rest = f.read().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(rest[3]) == sid and rest[0] != "Z":
            out.add(int(pid))
    return out


def history(seed):
    if not os.access(PROGRAMS[ORIGINAL], os.X_OK):
        raise Skip("no packaged interimap")
    with Scratch(keep=bool(os.environ.get("KEEP"))) as s:
        w = World(s, seed)
        try:
            w.steps()
        except Exception as e:
            w.disconnect()
            raise AssertionError("seed %d: %s: %s\n%s%s" % (
                seed, type(e).__name__, e, "\n".join(w.log[-120:]),
                "\nkept: " + s.dir if s.keep else "")) from e


def enough():
    """No kills, no test."""
    for who, n in hits.items():
        need(n >= 4, "%s was killed %d times only", who, n)


if __name__ == "__main__":
    seeds = SEEDS
    if len(sys.argv) > 1:
        first = int(sys.argv[1])
        seeds = range(first, first + (int(sys.argv[2]) if len(sys.argv) > 2
                                      else 1))
    for seed in seeds:
        test("history %d" % seed, history, seed)
    if len(sys.argv) == 1 and os.access(PROGRAMS[ORIGINAL], os.X_OK):
        test("enough runs of both were killed", enough)
    for who, n in hits.items():
        print("# %s: killed %d times" % (who, n))
    for what, n in sorted(tally.items()):
        print("# %4d %s" % (n, what))
    done()
