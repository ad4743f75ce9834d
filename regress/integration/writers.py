#!/usr/bin/env python3
# Other clients write to both sides while runs go on, one after the other.
# Whatever they do, at the end it is on both sides: a message is changed by the
# writer of one side only, so that its last state is known; to some both writers
# add flags, none of which may be lost.
#
#	writers.py [seconds [seed]]
import os, random, re, sys, threading, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from sync import Pair
from tap import *

BOXES = ("INBOX", "Box")
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 12
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
SHARED = 40			# messages of a mailbox that both writers flag
RUNS = 4			# until all must be well, when nobody writes
FLAGS_OF = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "k1", "k2")
ADDED = (("\\Seen", "l1", "l2"), ("\\Flagged", "r1", "r2"))


def header(msg):
    return int(re.search(rb"^X-Number: (\d+)", msg, re.M).group(1))


def mail(n):
    return "X-Number: %d\r\n%s" % (n, sample(n, 40000 if n % 50 == 0 else 0))


class Writer(threading.Thread):
    """The client of one side, and what it knows its messages to be."""
    def __init__(self, side, server, rng):
        super().__init__(daemon=True)
        self.side, self.client, self.rng = side, server.client(), rng
        self.number = 100000 * (side + 1)
        self.own = {b: {} for b in BOXES}	# number: (UID, flags)
        self.shared = {b: {} for b in BOXES}	# number: (UID, flags)
        self.gone = {b: set() for b in BOXES}
        self.ends, self.error, self.acts = 0, None, 0

    def fill(self, box, numbers, shared):
        for n in numbers:
            self.add(box, n, shared=shared)

    def add(self, box, n, shared=False):
        c = self.client.c
        flags = () if shared else tuple(f for f in FLAGS_OF
                                        if self.rng.random() < 0.3)
        data = self.client.ok(c.append(box, "(%s)" % " ".join(flags), None,
                                       mail(n).encode()))
        uid = int(re.search(rb"APPENDUID \d+ (\d+)", data[0]).group(1))
        (self.shared if shared else self.own)[box][n] = (uid, set(flags))

    def find_shared(self, box):
        """Those that the other writer made, after the first run."""
        self.client.select(box)
        for item in self.client.ok(self.client.c.uid(
                "FETCH", "1:*", "(BODY.PEEK[HEADER])")):
            if isinstance(item, tuple):
                n = header(item[1])
                if n < 1000:
                    uid = int(re.search(rb"UID (\d+)", item[0]).group(1))
                    self.shared[box][n] = (uid, set())

    # ---- what it does, over and over ----

    def act(self, box):
        rng, own = self.rng, self.own[box]
        what = rng.random()
        if what < 0.3 or not own:
            self.number += 1
            self.add(box, self.number)
        elif what < 0.45:
            n = rng.choice(sorted(own))
            self.delete(box, n, own.pop(n)[0])
        elif what < 0.75:
            # Both writers are at the same message at about the same time.
            shared = sorted(self.shared[box].items())
            n, message = shared[int(time.monotonic() * 10) % SHARED]
            self.set(box, message, "+", rng.choice(ADDED[self.side]))
        else:
            self.set(box, own[rng.choice(sorted(own))], rng.choice("+-"),
                     rng.choice(FLAGS_OF))

    def set(self, box, message, op, flag):
        uid, flags = message
        self.client.store(box, str(uid), op, flag)
        (flags.add if op == "+" else flags.discard)(flag)

    def delete(self, box, n, uid):
        self.client.expunge(box, str(uid))
        self.gone[box].add(n)

    def run(self):
        try:
            while time.monotonic() < self.ends:
                self.act(self.rng.choice(BOXES))
                self.acts += 1
                time.sleep(self.rng.random() * 0.02)
        except Exception as e:
            self.error = e


def expected(writers, box):
    """By number: the flags that a message must have."""
    want = {}
    for w in writers:
        for n, (_, flags) in w.own[box].items():
            want[n] = flags
        for n, (_, flags) in w.shared[box].items():
            want[n] = want.get(n, set()) | flags
    return {n: tuple(sorted(f.lower() for f in fl)) for n, fl in want.items()}


def found(client, box):
    have = []
    client.select(box)
    for item in client.ok(client.c.uid("FETCH", "1:*",
                                       "(FLAGS BODY.PEEK[HEADER])")):
        if isinstance(item, tuple):
            flags = FLAGS.search(item[0]).group(1).decode().lower().split()
            have.append((header(item[1]), tuple(sorted(
                f for f in flags if f != "\\recent"))))
    return sorted(have)


def begin(p):
    """Some mail of either side, synchronized; the two writers."""
    writers = [Writer(i, s, random.Random(SEED * 2 + i))
               for i, s in enumerate((p.l, p.r))]
    for w in writers:
        w.client.create("Box")
        for box in BOXES:
            w.fill(box, range(w.number - 30, w.number), False)
    for box in BOXES:
        writers[0].fill(box, range(1, 1 + SHARED), True)
    eq(p.sync.run().status, 0, "the first run")
    for box in BOXES:
        writers[1].find_shared(box)
        eq(len(writers[1].shared[box]), SHARED, "common messages")
    return writers


def settle(p):
    for _ in range(RUNS):
        r = p.sync.run("--quiet")
        if r.status == 0 and not r.err:
            return
    raise AssertionError("not settled: %d, %s" % (r.status, r.err))


def judge(p, writers):
    for side, server in (("local", p.l), ("remote", p.r)):
        with server.client() as c:
            for box in BOXES:
                have, want = found(c, box), expected(writers, box)
                numbers = [n for n, _ in have]
                eq(sorted(set(want) - set(numbers)), [],
                   "lost in %s %s" % (side, box))
                eq(sorted(n for n in set(numbers) if numbers.count(n) > 1),
                   [], "doubled in %s %s" % (side, box))
                eq(sorted(set(numbers) - set(want)), [],
                   "came back in %s %s" % (side, box))
                eq([(n, fl, want[n]) for n, fl in have if fl != want[n]], [],
                   "flags of %s %s" % (side, box))


def writers_on_both_sides():
    with Scratch() as s:
        p = Pair(s)
        writers = begin(p)
        ends = time.monotonic() + SECONDS
        for w in writers:
            w.ends = ends
            w.start()
        runs = 0
        while any(w.is_alive() for w in writers):
            r = p.sync.run()
            # What is left for the next run may be said, and no more.
            if r.status not in (0, 2):
                raise AssertionError("%d: %s" % (r.status, r.err))
            runs += 1
        for w in writers:
            w.join()
            if w.error is not None:
                raise w.error
        settle(p)
        judge(p, writers)
        acts = [w.acts for w in writers]
        print("# %d runs beside %d and %d acts" % (runs, *acts))
        if runs < 3 or min(acts) < 50:
            raise AssertionError("too little happened at once")
        for w in writers:
            w.client.close()


if __name__ == "__main__":
    test("others write to both sides during the runs", writers_on_both_sides)
    done()
