#!/usr/bin/env python3
# A mailbox of a million messages, and an account of 10 000 mailboxes: the first
# sync, a run with nothing to do, ten changes, --repair; time and memory.
#
#	scale.py [-d FOLDER] [--part mailbox|account] [--messages N]
#	    [--mailboxes N] [--json FILE]
#
# The steps follow each other on one state, which stays in FOLDER (by default
# interimap-scale in /dev/shm where that has room for SPACE and FILES, else in
# /var/tmp): ended at any moment, the same command goes on with the step that
# was not finished, and what a first sync has copied by then is not copied
# again, so that its time is not that of a whole one and is marked with "in
# pieces".  When all steps are done the folder is removed; remove it to begin
# anew.
#
# After each step that copies or changes both sides are compared, message by
# message.  Each step is run once and its memory is looked at every SAMPLE ms.
import argparse, json, os, pickle, shutil, signal, sys, time
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from place import *
from work import *
import report

SAMPLE = 20                     # ms
DEADLINE = 3 * 3600             # seconds, of a step
SPACE, FILES = 12 << 30, 2400000
IDLE = ("nothing to do", "nothing to do again", "floor4", "settle")


class Kept(Scratch):
    """A scratch folder that stays; servers are made anew for each call."""
    def __init__(self, path):
        self.dir, self.keep, self.servers = path, True, []
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
        self.give(path)


class Part:
    """One of the two: the steps, which of them are done, their figures."""
    def __init__(self, folder, name, work, changes):
        self.work, self.name, self.changes = work, name, changes
        self.log = os.path.join(folder, name + ".json")
        self.wanted = os.path.join(folder, name + ".want")
        self.done = {}
        if os.path.exists(self.log):
            with open(self.log) as f:
                self.done = json.load(f)

    def note(self, step, figures):
        self.done[step] = figures
        with open(self.log + "~", "w") as f:
            json.dump(self.done, f)
        os.rename(self.log + "~", self.log)

    def keep_want(self, want):
        with open(self.wanted, "wb") as f:
            pickle.dump(want, f)

    def want(self):
        with open(self.wanted, "rb") as f:
            return pickle.load(f)

    # Each step leaves the state that the next one begins with.
    def fill(self, place):
        self.work.fill(place)
        ready(place)
        self.keep_want(merged({}, *self.work.look(place)))

    def change(self, place):
        for change, boxes in self.changes:
            for side, server in enumerate((place.local, place.remote)):
                change.apply(side, server, boxes)
        self.keep_want(merged(self.want(), *self.work.look(place)))

    def timed(self, place, step, tool):
        pieces = step + " begun" in self.done
        self.note(step + " begun", {})
        r = place.run(tool, 0, SAMPLE, DEADLINE)
        if step not in IDLE:
            same(self.want(), self.work.look(place), tool)
        return {"wall": r.wall, "cpu": r.cpu, "pss": r.pss,
                "octets": r.up + r.down, "pieces": pieces and
                step == "first sync"}


def steps(part):
    """(name, what is run; None: a preparation)"""
    ours, repair = tool_of("ours"), tool_of("ours")
    repair.args = ["--repair"]
    return [("fill", part.fill), ("first sync", ours),
            ("settle", ours), ("nothing to do", ours),
            ("floor4", tool_of("floor4")),
            ("change", part.change), ("10 changes", ours),
            ("repair", repair), ("nothing to do again", ours)]


def go(part, folder):
    scratch = Kept(os.path.join(folder, part.name))
    try:
        place = Place(scratch)
        place.down, place.boxes = False, part.work.boxes
        for step, what in steps(part):
            if step in part.done:
                continue
            begin = time.monotonic()
            if isinstance(what, Tool):
                part.note(step, part.timed(place, step, what))
                print("%-8s %-20s %s" % (part.name, step, report.figures(
                    part.done[step])), flush=True)
            else:
                what(place)
                part.note(step, {})
                print("%-8s %-20s (%d s)" % (
                    part.name, step, time.monotonic() - begin), flush=True)
    finally:
        scratch.close()


def lines(part):
    for step in ("first sync", "nothing to do", "floor4", "10 changes",
                 "repair", "nothing to do again"):
        f = part.done.get(step)
        if f:
            yield [part.work.name, step, "%.2f%s" % (
                f["wall"], " (in pieces)" if f["pieces"] else ""),
                "%.2f" % f["cpu"], "%.1f" % f["pss"], "%d" % f["octets"]]


def parts_of(o):
    m = Work("%d messages in a mailbox" % o.messages, 1, o.messages)
    a = Work("%d mailboxes" % o.mailboxes, o.mailboxes, o.mailboxes)
    # Ten changes: in one mailbox, and in ten of the many.
    flags, new = Change(flags=1, sides=(0,)), Change(new=1, sides=(1,))
    return [Part(o.dir, "mailbox", m, [
                (Change(flags=5, gone=2, new=3, sides=(1,)), ["INBOX"])]),
            Part(o.dir, "account", a, [(flags, a.boxes[1:6]),
                                       (new, a.boxes[6:11])])]


def roomy():
    v = os.statvfs("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    memory = v is not None and v.f_bavail * v.f_frsize >= SPACE and \
        v.f_favail >= FILES
    # What was begun elsewhere goes on there.
    for where in ("/dev/shm", "/var/tmp"):
        if os.path.exists(where + "/interimap-scale"):
            return where + "/interimap-scale"
    return ("/dev/shm" if memory else "/var/tmp") + "/interimap-scale"


def options():
    p = argparse.ArgumentParser(description="See the head of the file.")
    p.add_argument("-d", "--dir", default=roomy())
    p.add_argument("--part", choices=("mailbox", "account"))
    p.add_argument("--messages", type=int, default=1000000)
    p.add_argument("--mailboxes", type=int, default=10000)
    p.add_argument("--json", default=os.path.join(
        HERE, "results", "scale.json"))
    return p.parse_args()


def main():
    o = options()
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    os.makedirs(o.dir, exist_ok=True)
    os.chmod(o.dir, 0o755)
    print("# a million messages and 10 000 mailboxes, in %s; may be ended, "
          "and goes on from there" % o.dir, flush=True)
    parts = parts_of(o)
    for part in parts:
        if o.part in (None, part.name):
            go(part, o.dir)
    os.makedirs(os.path.dirname(o.json), exist_ok=True)
    with open(o.json, "w") as f:
        json.dump({"machine": report.machine(), "heads": [
            "state", "run", "wall s", "CPU s", "peak PSS MB", "octets"],
            "lines": [l for p in parts for l in lines(p)],
            "note": "One run each, no delay, mail in %s; looked at every %d ms "
            "(regress/bench/scale.py)." % (
                "memory" if o.dir.startswith("/dev/shm") else "files on disk",
                SAMPLE)}, f, indent=1)
    if all(s in p.done for p in parts for s, _ in steps(p)):
        shutil.rmtree(o.dir)


if __name__ == "__main__":
    main()
