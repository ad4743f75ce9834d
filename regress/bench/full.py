#!/usr/bin/env python3
# Every row of the table of what must be reached, in one run, beside its peers:
#
#	full.py [-o work,...] [-q] [--json FILE] [--report] [--write FILE]
#
# -o, --only	of these works only (their names are in PLAN)
# -q, --quick	one repetition of each, to see that all works
# --json	where the figures go as they are measured (build/bench-full.json)
# --report	measure nothing: the tables of the figures in that file
# --write	the tables as markdown to this file
# --plots	where the plots go then (results/); the figures of counts.py and
#		scale.py that are there come into the tables
#
# What is measured, and how:
#	wall	from the fork to the exit of the tool, median of the runs.  The
#		tools take turns, so that what else the machine does hits all
#	CPU	user + sys of all processes of the tool by wait4(2), not of the
#		servers and the proxy (measure.c)
#	PSS	the largest sum over the live processes of the tool, looked at
#		every 2 ms in runs of their own; see measure.c for the limits
#	trips	the proxy's "chain" at a round trip of LONG ms: what follows
#		each other, the same in every run (proxy.c, bench.py)
#	octets	of the remote connection, TLS included
# "ours-new" is ours when it remembers nothing of the servers.
# After each group of runs both sides are compared, message by message, with
# what must be there (work.py).  A wrong result ends with status 1, and so does
# a row that is missed.
import argparse, json, os, signal, sys, tempfile, time
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from place import *
from work import *
import rows, report

LONG = 600                      # ms, the RTT at which trips are counted
SAMPLE = 2                      # ms
RTTS = (0, 20, 50, 100, 200)
ALL = "ours interimap interimap-nd mbsync pump"
OLD = "ours interimap mbsync"
FLOORS = "floor3 floor4 floor5"
MB = 10 ** 6


def bigger(name, size, down):
    return (Work(name, 1, 1, lambda n: big(size * MB), down=down, first=True),
            [(OLD, (0,), 1, 1)])


MIXED = dict(flags=100, gone=50, new=50)
TWENTY = dict(flags=8, gone=3, new=3)
TEN = Change(flags=10, sides=(1,))
SMALL = Work("small-up", 1, 100000, first=True)

# (work, runs of it): (tools, RTTs, repetitions, repetitions for the memory)
PLAN = [
    (Work("noop-1", 1, 6), [
        ("ours interimap floor3 floor4", (0,), 15, 3),
        ("mbsync floor5", (0,), 5, 0),
        (OLD + " " + FLOORS, RTTS[1:] + (LONG,), 1, 0),
        ("ours-new", (LONG,), 1, 0)]),
    (Work("noop-20", 20, 120), [("ours interimap", (0,), 1, 0)]),
    (Work("noop-50", 50, 300), [
        ("ours interimap floor3 floor4", (0,), 7, 1),
        ("ours interimap", (100,), 1, 0),
        ("ours ours-new interimap " + FLOORS, (LONG,), 1, 0)]),
    (Work("noop-500", 500, 3000), [
        ("ours interimap floor3 floor4", (0,), 7, 1),
        ("ours interimap", (100,), 1, 0),
        ("ours ours-new interimap " + FLOORS, (LONG,), 1, 0)]),
    (Work("changes-1", 1, 10000, change=Change(**MIXED, message=real)), [
        (OLD, (0,), 3, 1), (OLD, RTTS[1:3] + RTTS[4:], 1, 0),
        (OLD, (100,), 3, 0), ("ours ours-new interimap", (LONG,), 1, 0)]),
    (Work("changes-20", 20, 10000, change=Change(**TWENTY, message=real)), [
        (OLD, (0,), 3, 1), (OLD, RTTS[1:], 1, 0),
        ("ours", (100,), 3, 0), ("ours ours-new", (LONG,), 1, 0)]),
    (Work("news-up", 100, 600, change=Change(new=1, sides=(0,))), [
        ("ours", (50,), 3, 1), ("interimap", (50,), 1, 0)]),
    (Work("news-down", 100, 600, change=Change(new=1, sides=(1,))), [
        ("ours", (50,), 3, 1), ("interimap", (50,), 1, 0)]),
    (Work("boxes-up", 500, 0, first=True), [("ours", (50,), 3, 1)]),
    (Work("boxes-down", 500, 0, down=True, first=True), [
        ("ours", (50,), 3, 1), ("interimap", (50,), 1, 0)]),
    (Work("copy-up", 10, 10000, real, first=True), [
        ("ours pump", (0,), 5, 1), ("interimap interimap-nd mbsync", (0,),
                                    1, 1),
        ("ours pump", (100,), 3, 0), ("interimap mbsync", (100,), 1, 0)]),
    (Work("copy-down", 10, 10000, real, down=True, first=True), [
        ("ours pump", (0,), 5, 1), ("interimap interimap-nd mbsync", (0,),
                                    1, 0),
        ("ours pump", (100,), 3, 0)]),
    (SMALL, [
        ("ours pump128s", (0,), 3, 0), ("ours", (0,), 0, 1),
        ("pump interimap interimap-nd", (0,), 1, 0)]),
    (Work("noop-100k", 1, 100000, base=SMALL), [
        ("ours floor3 floor4", (0,), 9, 2)]),
    (Work("ten-100k", 1, 100000, change=TEN, base=SMALL), [
        ("ours", (0,), 2, 2)]),
    (Work("ten-1k", 1, 1000, change=TEN), [("ours", (0,), 2, 2)]),
    bigger("big-up-1", 1, False), bigger("big-down-1", 1, True),
    bigger("big-up-10", 10, False), bigger("big-down-10", 10, True),
    bigger("big-up-50", 50, False), bigger("big-down-50", 50, True),
    bigger("big-up-200", 200, False), bigger("big-down-200", 200, True),
]
COMPRESSED = [
    (Work("z-noop-20", 20, 120), [("ours interimap", (0,), 1, 0)]),
    (Work("z-changes-20", 20, 1000, change=Change(**TWENTY, message=real)),
     [("ours interimap", (0,), 1, 0)]),
    (Work("z-copy-up", 4, 1000, real, first=True), [
        ("ours interimap", (0,), 1, 0)]),
    (Work("z-copy-down", 4, 1000, real, down=True, first=True), [
        ("ours interimap", (0,), 1, 0)]),
]


class Full:
    """One run of the benchmark: what is measured, and what went wrong."""
    def __init__(self, o):
        self.o, self.figures, self.wrong = o, {}, []
        self.tools, self.begin = {}, time.monotonic()

    def tool(self, name):
        if name not in self.tools:
            self.tools[name] = tool_of(name)
        return self.tools[name]

    def plan(self, place, plan):
        for work, runs in plan:
            if self.o.only and work.name not in self.o.only:
                continue
            for group in runs:
                self.group(place, work, *group)
            if not any(w.base in (work, work.base or work)
                       for w, _ in plan[plan.index((work, runs)) + 1:]):
                place.forget()

    def group(self, place, work, names, rtts, reps, memory):
        tools = [t for t in map(self.tool, names.split()) if t is not None]
        if self.o.quick:
            reps, memory = min(reps, 1), min(memory, 1)
        for rtt in rtts:
            runs = {t.name: ([], []) for t in tools}
            for i in range(reps + memory):
                for t in tools:
                    self.once(place, work, t, rtt, runs[t.name][i >= reps],
                              i >= reps, i == reps + memory - 1)
            for t in tools:
                self.keep(work, t, rtt, *runs[t.name])

    def once(self, place, work, tool, rtt, runs, sampled, last):
        """One run, and the look at both sides after the last of a line."""
        try:
            key = work.key(tool)
            work.build(place, self.tool(
                "interimap-nd" if tool.builder == "interimap" else
                tool.builder))
            place.down, place.boxes = work.down, work.boxes
            if not (work.idle() and place.now == key) or \
                    tool.name == "ours-new":
                place.put_back(key)
                place.now = key if tool.name != "ours-new" else None
            runs.append(place.run(tool, rtt, SAMPLE if sampled else 0))
            if last and not tool.name.startswith("floor"):
                work.check(place, tool)
        except Wrong as e:
            self.wrong.append("%s at %d ms: %s" % (work.name, rtt, e))
            print("WRONG: " + self.wrong[-1], flush=True)

    def keep(self, work, tool, rtt, timed, sampled):
        f = {}
        if timed:
            m = Median(timed)
            f = {k: getattr(m, k) for k in (
                "wall", "cpu", "up", "down", "turns", "runs", "quickest",
                "slowest")}
            f["chain"] = m.least
        seen = [r.pss for r in sampled if r.samples > 0]
        if seen:
            f["pss"] = max(seen)
            f["samples"] = max(r.samples for r in sampled)
        if not f:
            return
        key = "%s %s %d" % (work.name, tool.name, rtt)
        self.figures.setdefault(key, {}).update(f)
        print("%5d s  %-32s %s" % (
            time.monotonic() - self.begin, key, report.figures(f)),
            flush=True)
        self.dump()

    def dump(self):
        with open(self.o.json + "~", "w") as f:
            json.dump({"figures": self.figures, "wrong": self.wrong,
                       "only": self.o.only, "machine": report.machine(),
                       "seconds": time.monotonic() - self.begin}, f, indent=1)
        os.rename(self.o.json + "~", self.o.json)


def measure(o):
    full = Full(o)
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    with Scratch() as s:
        place = Place(s)
        full.plan(place, PLAN)
        packed = Place(s, True, cert=place.cert, name="z")
        full.plan(packed, COMPRESSED)
    full.dump()


def options():
    p = argparse.ArgumentParser(description="See the head of the file.")
    p.add_argument("-o", "--only", default="")
    p.add_argument("-q", "--quick", action="store_true")
    p.add_argument("--json", default=os.path.join(BUILD, "bench-full.json"))
    p.add_argument("--report", action="store_true")
    p.add_argument("--write")
    p.add_argument("--plots", default=os.path.join(HERE, "results"))
    o = p.parse_args()
    o.only = [w for w in o.only.split(",") if w]
    unknown = set(o.only) - {w.name for w, _ in PLAN + COMPRESSED}
    if unknown:
        sys.exit("full.py: no such work: " + ", ".join(sorted(unknown)))
    return o


def main():
    o = options()
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))  # and clean up
    if not o.report:
        measure(o)
    with open(o.json) as f:
        data = json.load(f)
    judged = rows.judge(data)
    print(report.judged(judged))
    if o.write:
        report.write(o.write, o.plots, data, judged)
    for w in data["wrong"]:
        print("WRONG: " + w)
    sys.exit(0 if all(r.ok for r in judged) and not data["wrong"] else 1)


if __name__ == "__main__":
    main()
