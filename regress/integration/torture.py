#!/usr/bin/env python3
# Faults, many of them.  A first synchronization, and later ones with changes
# of all kinds on both sides, are disturbed at random points: a process is
# killed, or all of them with the servers; a connection breaks at an octet of
# either direction, or with BYE, or where an APPEND that was made is to be
# answered; the disk under the database becomes full.  In some rounds the servers
# do not tell the UIDs of what was appended.  Sometimes the next run is disturbed
# as well.  Then it runs undisturbed until it succeeds,
# and both servers must hold what they hold when nothing is disturbed: by
# content, flags and date.
#
#	torture.py [-o] [-s seed] [N]
#
# N rounds (default 40).  -o: the packaged original instead of ours, which shows
# that the driver can tell a program that doubles from one that does not.
# Prints a line a round that went wrong and a count of all; status 1 when
# anything was lost, doubled or left different.
import argparse, collections, random, signal, sys
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill
from kill import Scene, Workers, all_gone, fill_maildir, sample, unlock
from servers import *
from sync import Pair

ORIGINAL = "/usr/bin/interimap"
RUNS = 4		# undisturbed ones until all must be well
SCENES = 4		# of later synchronizations
SIDES = ("local", "remote")


def random_later(seed):
    """Synchronized once; then changes of all kinds on both sides."""
    def later(p):
        rng = random.Random(seed)
        fill_maildir(p.l, ["INBOX", "Box", "Third"], count=30)
        for _ in range(3):
            if p.sync.run().status == 0:
                break
        # Each message is changed by one of the two sides: what comes out is
        # then the same whoever is synchronized first.
        for n, server in enumerate((p.l, p.r)):
            with server.client() as c:
                for box in ("INBOX", "Box", "Third"):
                    mine = [u for k, u in enumerate(c.uids(box)) if k % 2 == n]
                    rng.shuffle(mine)
                    for k in range(rng.randrange(4)):
                        c.store(box, str(mine.pop()), rng.choice("+-"),
                                rng.choice(["\\Seen", "\\Answered k%d" % n,
                                            "\\Flagged", "\\Draft"]))
                    for k in range(rng.randrange(6)):
                        c.expunge(box, str(mine.pop()))
                    for k in range(rng.randrange(12)):
                        c.append(box, sample(1000 * (n + 1) + rng.randrange(
                            900), rng.choice([0, 0, 3000, 70000])),
                                 rng.choice(["", "\\Seen", "\\Flagged k"]))
                if rng.random() < 0.7:
                    c.create("New%d" % n)
                    for k in range(rng.randrange(5)):
                        c.append("New%d" % n, sample(5000 + n * 100 + k))
    later.__name__ = "later %d" % seed
    return later


def first(p):
    """Two accounts that have some mail in common."""
    fill_maildir(p.l, ["INBOX", "A"], count=60)
    fill_maildir(p.r, ["INBOX", "B"], first=40, count=50)


class CutPair(Pair):
    """Two servers, each behind a connection that breaks when it is told."""
    def __init__(self, scratch, **kw):
        super().__init__(scratch, **kw)
        self.orders = [scratch.write("cut-" + s, "count\n") for s in "LR"]
        with open(self.sync.conf) as f:
            conf = f.read()
        for order, server in zip(self.orders, (self.l, self.r)):
            conf = conf.replace("command = " + server.tunnel(),
                                "command = %s %s %s" % (CUT, order,
                                                        server.tunnel()))
        db = os.path.dirname(self.sync.db) + "/disk"
        os.makedirs(db, exist_ok=True)
        scratch.give(db)
        conf = conf.replace(self.sync.db, db + "/state.db")
        self.sync.db = db + "/state.db"
        scratch.write(self.sync.name + "/config", conf)
        self.disk, self.mounted = db, False
        self.nouid = ""

    def order(self, side, text):
        with open(self.orders[side], "w") as f:
            f.write("%s %s\n" % (text, self.nouid))

    def passed(self, side):
        """Octets up, down, and APPENDs."""
        with open(self.orders[side] + ".passed") as f:
            w = f.read().split()
        return int(w[1]), int(w[3]), int(w[5])

    def small_disk(self):
        """The database's folder becomes a file system of 4 MiB."""
        if not self.mounted:
            subprocess.run(["mount", "-t", "tmpfs", "-o",
                            "size=4m,mode=755,uid=%d,gid=%d" %
                            (USER.pw_uid, USER.pw_gid), "tmpfs", self.disk],
                           check=True)
            self.mounted = True

    def normal_disk(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.disk], check=True)
            self.mounted = False


# ---- the faults ----

def children(pid):
    out = []
    for p in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % p) as f:
                name, rest = f.read().rsplit(")", 1)
        except OSError:
            continue
        if rest.split()[1] == str(pid):
            out.append((int(p), name.split("(", 1)[1]))
    return out


def run_for(p, after, act):
    """Start a run, and do that to it after so many seconds."""
    q = kill.start(p, {})
    time.sleep(after)
    if q.poll() is None:
        act(q)
    q.communicate(timeout=120)
    all_gone(q.pid)


def signal_one(q, rng):
    """Any of the processes, but not a server."""
    victims = [q.pid] + [c for c, name in children(q.pid)
                         if name in ("imapchild", "statedb")]
    try:
        os.kill(rng.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_one(p, scene, rng):
    after = rng.random() * scene.lasts
    run_for(p, after, lambda q: signal_one(q, rng))
    return "one process killed after %.3f s" % after


def kill_all(p, scene, rng):
    after = rng.random() * scene.lasts
    run_for(p, after, lambda q: os.killpg(q.pid, signal.SIGKILL))
    unlock(p)
    return "all killed after %.3f s" % after


def break_off(p, side, order):
    p.order(side, order)
    q = kill.start(p, {})
    q.communicate(timeout=120)
    all_gone(q.pid)
    p.order(side, "count")


def cut(p, scene, rng):
    side, way = rng.randrange(2), rng.randrange(2)
    at = rng.randrange(scene.passed[side][way] + 1)
    break_off(p, side, "%s %d" % (("up", "down")[way], at))
    return "%s cut after %d octets %s" % (SIDES[side], at,
                                          ("up", "down")[way])


def bye(p, scene, rng):
    side = rng.randrange(2)
    at = rng.randrange(scene.passed[side][1] + 1)
    break_off(p, side, "bye %d" % at)
    return "%s BYE after %d octets" % (SIDES[side], at)


def unanswered(p, scene, rng):
    side = rng.randrange(2)
    n = rng.randrange(scene.passed[side][2] + 1)
    break_off(p, side, "answer %d" % n)
    return "%s cut before the answer to APPEND %d" % (SIDES[side], n)


def full_disk(p, scene, rng):
    keep = {}
    for f in os.listdir(p.disk):
        with open(os.path.join(p.disk, f), "rb") as fd:
            keep[f] = fd.read()
    p.small_disk()
    for f, data in keep.items():
        with open(os.path.join(p.disk, f), "wb") as fd:
            fd.write(data)
        os.chmod(os.path.join(p.disk, f), 0o600)
        p.sync.scratch.give(os.path.join(p.disk, f))
    after = rng.random() * scene.lasts
    filler = os.path.join(p.disk, "filler")

    def fill(q):
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass
    run_for(p, after, fill)
    for f in os.listdir(p.disk):
        if f != "filler":
            with open(os.path.join(p.disk, f), "rb") as fd:
                keep[f] = fd.read()
    gone = [f for f in keep if not os.path.exists(os.path.join(p.disk, f))]
    p.normal_disk()
    for f, data in keep.items():
        path = os.path.join(p.disk, f)
        if f in gone:
            if os.path.exists(path):
                os.unlink(path)
            continue
        with open(path, "wb") as fd:
            fd.write(data)
        os.chmod(path, 0o600)
        p.sync.scratch.give(path)
    return "disk full after %.3f s" % after


# ---- a round ----

class Torture(Scene):
    pair = CutPair

    def reference(self, p):
        super().reference(p)
        self.passed = [p.passed(0), p.passed(1)]


Outcome = collections.namedtuple("Outcome", "lost doubled differ why")


def told(messages):
    """Sorted, without the keywords that Dovecot makes up ("unknown-1") when it
    was killed before it wrote down what a letter in a file's name stands for."""
    return sorted((m[0], tuple(f for f in m[1] if not f.startswith("unknown-")))
                  + tuple(m[2:]) for m in messages)


def judge(scene, p):
    """What both sides hold against what they should."""
    a, b, _, _ = p.sides()
    lost = doubled = differ = 0
    for side in (a, b):
        for box, want in scene.want.items():
            have = collections.Counter(m[0] for m in side.get(box, []))
            should = collections.Counter(m[0] for m in want)
            lost += sum((should - have).values())
            doubled += sum((have - should).values())
            if have == should and told(side.get(box, [])) != told(want):
                differ += 1
        differ += len(set(side) - set(scene.want))
    return lost, doubled, differ


def round_of(scene, p, seed):
    rng = random.Random(seed)
    faults = [kill_one, kill_one, kill_all, cut, cut, bye, unanswered,
              unanswered]
    if os.getuid() == 0:
        faults.append(full_disk)
    scene.restore(p)
    # The original goes no further without.
    p.nouid = "nouid" if p.sync.program != ORIGINAL and \
        rng.random() < 0.25 else ""
    for side in (0, 1):
        p.order(side, "count")
    done = [p.nouid] if p.nouid else []
    for _ in range(1 + (rng.random() < 0.3)):
        done.append(rng.choice(faults)(p, scene, rng))
    text = "%s; %s" % (scene.name, "; then ".join(done))
    for _ in range(RUNS):
        r = p.sync.run()
        if r.status == 0:
            break
    why = "" if r.status == 0 else "status %d: %s" % (
        r.status, r.err.strip().splitlines()[-1:])
    return text, Outcome(*judge(scene, p), why)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-o", action="store_true")
    ap.add_argument("-s", type=int, default=1)
    ap.add_argument("n", type=int, nargs="?", default=40)
    args = ap.parse_args()
    if args.o:
        program = ORIGINAL
    else:
        kill.build()
        program = os.path.join(kill.BUILD, "interimap", "interimap")
    global CUT
    total = collections.Counter()
    with Scratch() as tools, Workers(program, CutPair) as w:
        CUT = os.path.join(tools.dir, "cut")
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-Wall", "-o", CUT,
                        os.path.join(TOP, "regress", "hostile", "cut.c")],
                       check=True)
        os.chmod(CUT, 0o755)
        scenes = [Torture(tools_scratch(w), f, program) for f in
                  [first] + [random_later(args.s * 100 + k)
                             for k in range(SCENES)]]
        jobs = [(k, w.submit(round_of, scenes[k % len(scenes)],
                             args.s * 1000000 + k)) for k in range(args.n)]
        for k, job in jobs:
            text, o = job.result()
            total["rounds"] += 1
            total["lost"] += o.lost
            total["doubled"] += o.doubled
            total["different"] += o.differ
            total["unsettled"] += o.why != ""
            if o.lost or o.doubled or o.differ or o.why:
                print("not ok %d - %s: %d lost, %d doubled, %d different %s" %
                      (k + 1, text, o.lost, o.doubled, o.differ, o.why))
            else:
                print("ok %d - %s" % (k + 1, text))
            sys.stdout.flush()
    print("1..%d" % args.n)
    print("%(rounds)d rounds: %(lost)d lost, %(doubled)d doubled, "
          "%(different)d different, %(unsettled)d not settled" % total)
    sys.exit(any(total[x] for x in ("lost", "doubled", "different",
                                    "unsettled")))


def tools_scratch(workers):
    s = Scratch()
    workers.scratches.append(s)
    return s


if __name__ == "__main__":
    main()
