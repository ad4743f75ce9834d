#!/usr/bin/env python3
# How long a run takes, and for how many round trips it waits: two real
# Dovecots, the local one over plain TCP, the remote one over TLS through a
# proxy (proxy.c) that delays every octet.
#
#	bench.py [-s scenario,...] [-r rtt,...] [-n repetitions]
#	    [-t tool,...] [--check] [--flights] [-k] [--proxy program]
#
#	python3 regress/bench/bench.py -s changed:50 --rtt 100
#	python3 regress/bench/bench.py -s noop:1,noop:500 --rtt 20,100 -n 5
#	python3 regress/bench/bench.py -s changed:20 --tools ours,interimap,mbsync
#	python3 regress/bench/bench.py -s up:100 --tools ours,new=/path/interimap
#
# Scenarios, with N mailboxes (INBOX is one of them):
#	noop:N		nothing has changed
#	changed:N	in each: a message flagged, one deleted, one new, on both
#			sides
#	up:N, down:N	a new message in each, on the local (remote) side
#	first:N		first sync of N empty mailboxes of the local side to a
#			remote that has INBOX only; firstdown:N: the reverse
#	wide:N		first sync of N mailboxes with 2 messages each
# Default: what the limits below are about.
#
# -r, --rtt	round trips in ms, even numbers; without it, the one of the
#		scenario's limit or 100.  0 is always measured too.
# -n, --reps	the figures are medians of so many (3)
# -t, --tools	ours (the program of this tree); interimap, mbsync (where they
#		are installed); NAME=PROGRAM for another build of interimap
# --check	judge the limits (GROWTH, SECONDS) as well; failing one gives status 1
# --flights	judge the growth by "chain" at a long delay (LONG) instead of by
#		time: a busy machine hardly matters then, see below
# -k, --keep	keep the scratch folder (logs, mail) and say where it is
#
# Columns: "trips" is (wall at this RTT - wall at none) / RTT, the round trips
# waited for, those of TCP and TLS included; where the work of servers and
# program hides behind the wait it is less than what was made.  "turns" and
# "chain" are the proxy's counts (see proxy.c).  "up" and "down" are octets of
# the remote connection, TLS included.  "wall" is from exec to exit.
#
# "chain" counts an answer that happens to be there before something is sent
# as the reason for it, so with many mailboxes and a short delay it grows with
# the work.  At a delay longer than the work between two flights it is what the
# program waits for, the same in every run: a LOGOUT counts though its answer
# is not waited for, the TCP handshake is waited for and does not count, so
# that it equals the round trips.
#
# The state before a run is built once for each tool (by the tool itself, with
# no delay), saved, and put back before each repetition.  After the last one
# of each line both sides are compared with what must be there: mail, flags,
# mailboxes, subscriptions.  A wrong result ends with status 1.
import argparse, os, signal, sys, tempfile, time
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from place import *
from scenario import *

# What must hold.  Growth is judged, not its lack: where the work of hundreds of
# mailboxes hides the waiting, "trips" falls.
# (text, scenarios it needs, figure of their results, bound)
NOISE = 0.5                     # of a round trip, allowed where time is read
GROWTH = [
    ("no-op of 1 mailbox", ["noop:1"], lambda a: a, 5),
    ("no-op of 500 mailboxes", ["noop:500"], lambda a: a, 5),
    ("changes in 2 mailboxes, more than in 1", ["changed:1", "changed:2"],
     lambda a, b: b - a, 1),
    ("changes in 50 mailboxes, more than in 1", ["changed:1", "changed:50"],
     lambda a, b: b - a, 3),
    ("changes in 200 mailboxes, more than in 50",
     ["changed:50", "changed:200"], lambda a, b: b - a, 1),
]
SECONDS = [
    ("100 new messages in 100 mailboxes, up", ["up:100"], lambda a: a, 1),
    ("100 new messages in 100 mailboxes, down", ["down:100"], lambda a: a, 1),
    ("first sync of 500 empty mailboxes, up", ["first:500"], lambda a: a, 2),
    ("first sync of 500 empty mailboxes, down", ["firstdown:500"],
     lambda a: a, 2),
]
LONG = 600                      # ms, the RTT of --flights
FLIGHTS = ["noop:1", "noop:500", "changed:1", "changed:2", "changed:50",
           "changed:200"]
RTT_OF = {"up:100": 50, "down:100": 50, "first:500": 50, "firstdown:500": 50}
DEFAULT = ["noop:1", "noop:50", "noop:200", "noop:500", "changed:1",
           "changed:2", "changed:50", "changed:200", "up:100", "down:100",
           "first:500", "firstdown:500"]


# ---- measuring ----

def build(place, sc, tool):
    place.put_back()
    sc.begin(place.local, place.remote)
    if not sc.first:
        for _ in range(tool.runs):
            place.run(tool)
        for side, server in enumerate((place.local, place.remote)):
            sc.change(side, server)
    time.sleep(SETTLE)
    for server in (place.local, place.remote):
        warm(server)
    place.save("state")


def measure(place, sc, tool, rtt, reps):
    runs = []
    for _ in range(reps):
        place.put_back("state")
        runs.append(place.run(tool, rtt))
    for server in (place.local, place.remote):
        sc.compare(server, tool)
    return Median(runs)


# ---- the table and the limits ----

ROW = "%-13s %-10s %5s %8s %7s %6s %6s %9s %9s"


def header():
    print(ROW % ("scenario", "tool", "RTT", "wall s", "trips", "turns",
                 "chain", "up", "down"))


def row(sc, tool, rtt, m):
    print(ROW % (sc.text, tool.name, rtt, "%.3f" % m.wall,
                 "" if m.trips is None else "%.1f" % m.trips,
                 "%g" % m.turns, "%g" % m.chain, "%d" % m.up, "%d" % m.down),
          flush=True)


def table(place, scenarios, tools, rtts, reps):
    """{(scenario, tool): result at the largest RTT}; False for a wrong one."""
    out, right = {}, True
    header()
    for sc in scenarios:
        for tool in tools:
            try:
                build(place, sc, tool)
                none = None
                for rtt in [0] + (rtts or [RTT_OF.get(sc.text, 100)]):
                    m = measure(place, sc, tool, rtt, reps)
                    none = none or m
                    if rtt > 0:
                        m.trips = (m.wall - none.wall) * 1000 / rtt
                        out[sc.text, tool.name] = m
                    row(sc, tool, rtt, m)
            except Wrong as e:
                print("WRONG: %s, %s" % (sc.text, e), flush=True)
                right = False
            place.forget()
    return out, right


def limits(results, which, unit, figure, noise=0):
    good = True
    for text, needs, f, bound in which:
        rs = [results.get((n, "ours")) for n in needs]
        if None in rs:
            continue
        got = f(*map(figure, rs))
        # Below zero the run without delay was disturbed.
        if unit == "trips" and min(r.trips for r in rs) < 0:
            print("NO FIGURE %s: machine too busy, or see --flights" % text)
            good = False
            continue
        ok = got <= bound + noise
        good &= ok
        print("%-8s %-44s %5.1f %s, limit %g%s" % (
            "ok" if ok else "EXCEEDED", text, got, unit, bound,
            " and %g for noise" % noise if noise else ""))
    return good


def judge(results, o):
    """Whether what was measured keeps the limits that can be told from it."""
    if o.flights:
        return limits(results, GROWTH, "flights", lambda m: m.least)
    good = limits(results, GROWTH, "trips", lambda m: m.trips, NOISE)
    return limits(results, SECONDS, "s", lambda m: m.wall) and good


def options():
    p = argparse.ArgumentParser(description="See the head of the file.")
    p.add_argument("-s", "--scenarios")
    p.add_argument("-r", "--rtt", default="")
    p.add_argument("-n", "--reps", type=int, default=3)
    p.add_argument("-t", "--tools", default="ours")
    p.add_argument("--proxy", default=os.path.join(TOP, "build", "proxy"))
    p.add_argument("--check", action="store_true")
    p.add_argument("--flights", action="store_true")
    p.add_argument("-k", "--keep", action="store_true")
    o = p.parse_args()
    o.rtts = sorted({int(r) for r in o.rtt.split(",") if r} - {0})
    if o.flights:
        o.rtts = o.rtts or [LONG]
    o.scenarios = o.scenarios.split(",") if o.scenarios else \
        FLIGHTS if o.flights else DEFAULT
    if any(r % 2 for r in o.rtts):
        sys.exit("bench.py: an RTT must be even")
    return o


def main():
    o = options()
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))  # and clean up
    scenarios = [Scenario(s) for s in o.scenarios]
    tools = [t for t in map(tool_of, o.tools.split(",")) if t is not None]
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    with Scratch(o.keep) as s:
        results, good = table(Place(s, True, o.proxy), scenarios, tools, o.rtts,
                              o.reps)
        if o.keep:
            print("# kept: " + s.dir)
    if o.check or o.flights:
        good &= judge(results, o)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
