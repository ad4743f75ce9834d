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
import argparse, hashlib, os, re, shutil, signal, statistics, subprocess
import sys, tempfile, time
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from servers import *
from scenario import *

DEADLINE = 300                  # seconds, of one run
SETTLE = 2.1                    # seconds, see warm()

SERVER = """
mail_plugins = $mail_plugins zlib
protocol imap {
  mail_plugins = $mail_plugins imap_zlib
}
mail_max_userip_connections = 1000
service imap {
  process_limit = 1000
  process_min_avail = 2
  service_count = 100
}
service imap-login {
  service_count = 0
  process_min_avail = 1
  client_limit = 1000
}
"""

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


# ---- the tools ----

class Tool:
    subscribes = True

    def __init__(self, name, program):
        self.name, self.program = name, program
        self.runs = 2           # until a first sync is complete

    def command(self, scratch, state, local, port, cert):
        conf = scratch.write("%s.%d.conf" % (self.name, port), f"""
database = {state}/state.db
[local]
type = imap
host = 127.0.0.1
port = {local.imap}
STARTTLS = NO
username = {USER.pw_name}
password = {local.password}
[remote]
type = imaps
host = 127.0.0.1
port = {port}
username = {USER.pw_name}
password = {local.password}
SSL_CAfile = {cert}
""")
        return [self.program, "--config=" + conf, "--quiet"]


class Mbsync(Tool):
    subscribes = False

    def command(self, scratch, state, local, port, cert):
        user = (f"User {USER.pw_name}\nPass \"" +
                re.sub(r'(["\\])', r"\\\1", local.password) +
                "\"\nAuthMechs LOGIN\nTimeout 0\n")
        conf = scratch.write("%s.%d.conf" % (self.name, port), f"""
IMAPAccount L
Host 127.0.0.1
Port {local.imap}
SSLType None
{user}
IMAPStore L
Account L

IMAPAccount R
Host localhost
Port {port}
SSLType IMAPS
CertificateFile {cert}
{user}
IMAPStore R
Account R

Channel c
Far :R:
Near :L:
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
Sync All
SyncState {state}/
""")
        return [self.program, "-q", "-c", conf, "c"]


def tool_of(text):
    name, _, program = text.partition("=")
    if program:
        return Tool(name, os.path.abspath(program))
    if name == "ours":
        return Tool(name, reachable())
    program = shutil.which(name)
    if name not in ("interimap", "mbsync"):
        sys.exit("bench.py: no such tool: " + name)
    if program is None:
        print("# %s is not installed" % name)
        return None
    return (Mbsync if name == "mbsync" else Tool)(name, program)


# ---- measuring ----

class Proxy:
    """The link to the remote server, with its own port for each delay."""
    def __init__(self, scratch, program, target, rtt):
        self.log = os.path.join(scratch.dir, "link.%d" % rtt)
        scratch.write(os.path.basename(self.log), "")
        self.proc = subprocess.Popen(
            as_user([program, "-t", str(target), "-d", str(rtt // 2), "-o",
                     self.log]), stdout=subprocess.PIPE, text=True)
        self.port = int(self.proc.stdout.readline())
        self.read = 0

    def stop(self):
        self.proc.terminate()
        self.proc.wait()

    def lines(self, wait):
        """The counts of the connections that ended since the last call."""
        end = time.monotonic() + wait
        while True:
            with open(self.log) as f:
                f.seek(self.read)
                text = f.read()
            if "\n" in text or time.monotonic() > end:
                break
            time.sleep(0.005)
        self.read += len(text)
        out = []
        for line in text.splitlines():
            w = line.split()
            out.append(dict(zip(w[::2], map(int, w[1::2]))))
        return out


class Run:
    """The figures of one run."""
    def __init__(self, wall, links):
        self.wall = wall
        self.up = sum(k["up"] for k in links)
        self.down = sum(k["down"] for k in links)
        self.turns = sum(k["turns"] for k in links)
        self.chain = max((k["chain"] for k in links), default=0)


class Median:
    def __init__(self, runs):
        for f in ("wall", "up", "down", "turns", "chain"):
            setattr(self, f, statistics.median(getattr(r, f) for r in runs))
        self.least = min(r.chain for r in runs)
        self.trips = None


class Place:
    """Servers, links and a state that is saved and put back."""
    def __init__(self, scratch, proxy):
        self.scratch, self.program, self.links = scratch, proxy, {}
        self.cert = make_cert(scratch, "cert")
        self.local = Dovecot(scratch, "l", SERVER).start()
        self.remote = Dovecot(scratch, "r", SERVER, cert=self.cert).start()
        self.state = scratch.mkdir("state")
        self.parts = (self.local.mail, self.remote.mail, self.state)
        scratch.servers.insert(0, self)

    def stop(self):
        for link in self.links.values():
            link.stop()

    def link(self, rtt):
        if rtt not in self.links:
            self.links[rtt] = Proxy(self.scratch, self.program,
                                    self.remote.imaps, rtt)
        return self.links[rtt]

    def saved(self, name, part):
        return os.path.join(self.scratch.dir, "saved", name,
                            str(self.parts.index(part)))

    def save(self, name):
        os.makedirs(os.path.join(self.scratch.dir, "saved", name))
        for part in self.parts:
            copy(part, self.saved(name, part))

    def put_back(self, name=None):
        """The state as it was saved; without a name, nothing at all."""
        for part in self.parts:
            shutil.rmtree(part)
            if name is None:
                os.mkdir(part)
                self.scratch.give(part)
            else:
                copy(self.saved(name, part), part)

    def run(self, tool, rtt):
        link = self.link(rtt)
        argv = tool.command(self.scratch, self.state, self.local, link.port,
                            self.cert[0])
        link.lines(0)
        begin = time.monotonic()
        p = subprocess.run(as_user(argv), env=self.scratch.env(), text=True,
                           errors="replace", timeout=DEADLINE,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        wall = time.monotonic() - begin
        if p.returncode != 0:
            raise Wrong("%s: status %d: %s" % (tool.name, p.returncode,
                                               p.stdout[-500:]))
        return Run(wall, link.lines(5))

    def build(self, sc, tool):
        self.put_back()
        sc.begin(self.local, self.remote)
        if not sc.first:
            for _ in range(tool.runs):
                self.run(tool, 0)
            for side, server in enumerate((self.local, self.remote)):
                sc.change(side, server)
        time.sleep(SETTLE)
        for server in (self.local, self.remote):
            warm(server)
        self.save("state")

    def forget(self):
        shutil.rmtree(os.path.join(self.scratch.dir, "saved"), True)

    def measure(self, sc, tool, rtt, reps):
        runs = []
        for _ in range(reps):
            self.put_back("state")
            runs.append(self.run(tool, rtt))
        for server in (self.local, self.remote):
            sc.compare(server, tool)
        return Median(runs)


def copy(src, dst):
    subprocess.run(["cp", "-a", src, dst], check=True)


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
                place.build(sc, tool)
                none = None
                for rtt in [0] + (rtts or [RTT_OF.get(sc.text, 100)]):
                    m = place.measure(sc, tool, rtt, reps)
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
        results, good = table(Place(s, o.proxy), scenarios, tools, o.rtts,
                              o.reps)
        if o.keep:
            print("# kept: " + s.dir)
    if o.check or o.flights:
        good &= judge(results, o)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
