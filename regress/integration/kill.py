#!/usr/bin/env python3
# Killed anywhere: the next run neither loses nor doubles a message.  A build
# with -DKILLPOINTS (lib/killpoint.h) is killed at every numbered point, the
# first, second and last time it is passed, in a first sync and in a later one;
# and the shipped build by SIGKILL of the whole process group at random moments
# of a larger first sync.  Then it runs again until it succeeds, and both sides
# must hold what they hold when nobody is killed: by content, flags and date.
#
#	kill.py [part of a name]
import collections, concurrent.futures, random, signal, sys, threading
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import *
from sync import Pair
from tap import *

BUILD = os.path.join(TOP, "build", "kill")
WORKERS = 2
RUNS = 3		# so many, at most, until all is well again
MOMENTS = 20
# Commands that stand before or between runs, when no mail is touched.
ELSEWHERE = {"capability", "starttls", "login", "getflags", "compress",
             "notify", "noop"}


def build():
    subprocess.run(["sh", os.path.join(TOP, "regress", "scratch.sh"), BUILD],
                   check=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and
           k != "MFLAGS"}
    q = subprocess.run(["make", "-j2", "-C", BUILD, "all",
                        "EXTRA_CPPFLAGS=-DKILLPOINTS -DGRACE_MS=0"],
                       env=env, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if q.returncode != 0:
        sys.exit("# the build with kill points failed:\n" + q.stdout)


# ---- how the two sides begin ----

def first(p):
    """Two mailboxes, one of them on both sides with some mail in common."""
    fill_maildir(p.l, ["INBOX"], count=15)
    fill_maildir(p.r, ["INBOX", "Box"], first=10, count=12)


def later(p):
    """Synchronized once; then new, flagged and deleted mail on both sides."""
    fill_maildir(p.l, ["INBOX", "Box"], count=16)
    p.run()
    for n, server in enumerate((p.l, p.r)):
        with server.client() as c:
            for box in ("INBOX", "Box"):
                u = c.uids(box)[n * 6:]
                c.store(box, "%d,%d" % (u[0], u[1]), "+",
                        "\\Answered key%d" % n)
                c.store(box, str(u[2]), "-", "\\Seen")
                c.store(box, str(u[15 - n * 6 - 1]), "+", "\\Draft" if n else
                        "\\Flagged")
                c.expunge(box, "%d:%d" % (u[3], u[5]))
                for k in range(4):
                    c.append(box, sample(100 + n * 10 + k), "\\Seen")
            c.create("New%d" % n)
            c.append("New%d" % n, sample(200 + n), "\\Flagged")


def large(p):
    fill_maildir(p.l, ["INBOX"], count=1200)
    fill_maildir(p.r, ["INBOX"], first=1100, count=900)


class Scene:
    """A beginning, kept as a copy of both Maildirs and of the database."""
    pair = Pair

    def __init__(self, scratch, prepare, program):
        self.name, self.scratch, self.program = (prepare.__name__, scratch,
                                                 program)
        p = self.pair(scratch, program=program)
        prepare(p)
        self.keep = scratch.mkdir("kept")
        # Messages are never written to again; what Dovecot keeps may be.
        self.copy = "-al" if prepare is large else "-a"
        for src, dst in self.parts(p):
            subprocess.run(["cp", self.copy, src, dst], check=True)
        self.reference(p)

    def parts(self, p):
        pairs = [(p.l.mail, "L"), (p.r.mail, "R"), (p.sync.db, "db"),
                 (p.sync.db + "-journal", "db-journal")]
        return [(a, os.path.join(self.keep, b)) for a, b in pairs
                if os.path.exists(a) or os.path.exists(
                    os.path.join(self.keep, b))]

    def reference(self, p):
        """What both sides hold in the end, and which points are passed."""
        began = time.monotonic()
        r = p.sync.run(env={"INTERIMAP_KILL": "?:"})
        self.lasts = time.monotonic() - began
        eq(r.status, 0, "a run that nobody kills: " + r.err)
        a, b, _, _ = p.sides()
        eq(a, b, "the two sides when nobody is killed")
        self.want = a
        seen = collections.Counter(
            tuple(l.split()[1:]) for l in r.err.splitlines()
            if l.startswith("killpoint "))
        self.points = {}
        for (_, name), n in seen.items():
            self.points[name] = max(n, self.points.get(name, 0))

    def restore(self, p):
        for server in (p.l, p.r):
            shutil.rmtree(server.mail)
        for tail in ("", "-journal"):
            if os.path.exists(p.sync.db + tail):
                os.unlink(p.sync.db + tail)
        for dst, src in self.parts(p):
            subprocess.run(["cp", self.copy, src, dst], check=True)


# ---- one kill ----

def survivors(session):
    """Processes of a session that are still there."""
    n = 0
    for pid in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % pid) as f:
                rest = f.read().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        n += int(rest[3]) == session and rest[0] != "Z"
    return n


def all_gone(session):
    for _ in range(500):
        if survivors(session) == 0:
            return
        time.sleep(0.02)
    raise AssertionError("processes outlive the one that was killed")


def start(p, env, *args):
    e = p.sync.scratch.env()
    e.update(env)
    return subprocess.Popen(p.sync.argv(*args), env=e, text=True, errors="replace",
                            start_new_session=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def recover(scene, p, what):
    """Run until all is well; then nothing is lost and nothing doubled."""
    for _ in range(RUNS):
        r = p.sync.run()
        if r.status == 0:
            break
    eq(r.status, 0, "%s: after %d more runs: %s" % (what, RUNS, r.err))
    a, b, _, _ = p.sides()
    compare(a, b, what + ": local against remote")
    compare(a, scene.want, what + ": against a run that nobody killed")


def compare(a, b, what):
    if a == b:
        return
    for box in sorted(set(a) | set(b)):
        x = collections.Counter(a.get(box, []))
        y = collections.Counter(b.get(box, []))
        if x != y:
            raise AssertionError("%s: %s: only first %r, only second %r" % (
                what, box, list((x - y).elements())[:4],
                list((y - x).elements())[:4]))
    raise AssertionError("%s: mailboxes %r and %r" % (what, sorted(a),
                                                      sorted(b)))


def killed_at(scene, p, point, count):
    """0 when the point was not passed so often this time."""
    what = "%s:%d" % (point, count)
    scene.restore(p)
    q = start(p, {"INTERIMAP_KILL": what})
    err = q.communicate(timeout=60)[1]
    all_gone(q.pid)
    if q.returncode == 0:
        return 0
    if q.returncode != -signal.SIGKILL and "killed by" not in err:
        raise AssertionError("%s: ended with %d, and not by the kill: %s" %
                             (what, q.returncode, err))
    recover(scene, p, what)
    return 1


def kill_point(scene, p, point):
    last = scene.points[point]
    for count in sorted({1, 2, last}):
        if count > last:
            continue
        # How often a point is passed depends on timing, a little.
        while not killed_at(scene, p, point, count):
            count -= 1
            if count == 0:
                raise AssertionError("%s: nothing was killed" % point)


def unlock(p):
    """The servers were killed, too: Dovecot takes its dead's lock for two
    minutes' worth of work."""
    for server in (p.l, p.r):
        for d, _, files in os.walk(server.mail):
            for f in files:
                if f.endswith((".lock", ".newlock")):
                    os.unlink(os.path.join(d, f))


def killed(p, args, point, count=1):
    """A run that is killed there."""
    q = start(p, {"INTERIMAP_KILL": "%s:%d" % (point, count)}, *args)
    err = q.communicate(timeout=60)[1]
    all_gone(q.pid)
    if q.returncode == 0:
        raise AssertionError("nothing was killed: " + err)
    unlock(p)


def kill_moment(scene, p, after):
    while True:
        scene.restore(p)
        q = start(p, {})
        time.sleep(after)
        os.killpg(q.pid, signal.SIGKILL)
        q.communicate(timeout=60)
        all_gone(q.pid)
        unlock(p)
        if q.returncode != 0:
            break
        after /= 2              # it was over before: less busy a machine
    recover(scene, p, "after %.3f s" % after)


# ---- all of them ----

class Workers:
    """Each with a pair of servers of its own."""
    def __init__(self, program, pair=Pair):
        self.program, self.local, self.scratches = (program, threading.local(),
                                                    [])
        self.new = pair
        self.pool = concurrent.futures.ThreadPoolExecutor(WORKERS)

    def pair(self):
        if not hasattr(self.local, "pair"):
            s = Scratch()
            self.scratches.append(s)
            self.local.pair = self.new(s, program=self.program)
        return self.local.pair

    def submit(self, fn, scene, *a):
        return self.pool.submit(lambda: fn(scene, self.pair(), *a))

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.pool.shutdown(cancel_futures=True)
        for s in self.scratches:
            s.close()


def declared():
    """The points in the sources, by their names."""
    names = set()
    for d in ("interimap", "imapchild", "statedb"):
        for f in os.listdir(os.path.join(TOP, d)):
            # The commands have tests of their own, and a database of
            # version 0 (database.py), too.
            if not f.endswith(".c") or f in ("commands.c", "rename.c",
                                             "guard.c", "repair.c", "reset.c",
                                             "migrate.c", "keep.c"):
                continue
            with open(os.path.join(TOP, d, f)) as fd:
                text = fd.read()
            names |= set(re.findall(r'KILLPOINT\("([^"]+)"\)', text))
            if d == "imapchild" and f != "transport.c" and \
                    not f.startswith("layer_"):
                names |= {n + "-sent" for n in re.findall(
                    r'\.name = "([^"]+)"', text) if n not in ELSEWHERE}
    return names


def none_dead(scenes):
    passed = set().union(*(s.points for s in scenes))
    eq(sorted(declared() - passed), [], "points that are never passed")


def points(only):
    program = os.path.join(BUILD, "interimap", "interimap")
    with Scratch() as a, Scratch() as b, Workers(program) as w:
        scenes = [Scene(a, first, program), Scene(b, later, program)]
        jobs = [("%s sync, killed at %s" % (s.name, point),
                 w.submit(kill_point, s, point))
                for s in scenes for point in sorted(s.points)
                if only in s.name + " sync, killed at " + point]
        test("every kill point is passed", none_dead, scenes)
        for name, job in jobs:
            test(name, job.result)


def moments(only):
    rng = random.Random(11)
    program = os.path.join(TOP, "interimap", "interimap")
    with Scratch() as a, Workers(program) as w:
        scene = Scene(a, large, program)
        jobs = []
        for n in range(MOMENTS):
            # Not at the very end: a run ahead of its time would be over.
            after = (n + rng.random()) / MOMENTS * scene.lasts * 0.9
            jobs.append(("2000 messages, kill -9 after %.3f s" % after,
                         w.submit(kill_moment, scene, after)))
        for name, job in jobs:
            test(name, job.result)


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    build()
    points(only)
    if only in "2000 messages, kill -9":
        moments(only)
    done()
