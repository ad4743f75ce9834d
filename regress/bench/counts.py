#!/usr/bin/env python3
# What does not jitter: system calls (strace -f -c) and instructions (callgrind)
# of a run with nothing to do and of a copy of 10 000 small messages, summed
# over the processes of the tool.
#
#	counts.py [--json FILE]
#
# The system calls are those of the program as it is shipped.  valgrind cannot
# live in its sandbox, so the instructions are those of the same objects with
# regress/proc/nosandbox.c in the place of the sandbox (Makefile: COUNTED); what
# the sandbox itself costs at start is not in them, and what the processor does
# by instructions that valgrind does not know (AES, SHA of some kinds) is done
# by others, the same in each run.  The original is counted by strace only: of
# valgrind, Perl's instructions say nothing about a design.
import argparse, glob, json, os, re, subprocess, sys, tempfile
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from place import *
from work import *
import report

WORKS = [Work("nothing to do", 1, 6), Work("copy of 10 000, up", 1, 10000,
                                           first=True)]
# The tool, and by which of the two it is looked at.
TOOLS = ["ours", "interimap", "floor4", "pump128s"]


class Traced:
    """A tool under another program, which the files of the scratch feed."""
    def __init__(self, tool, prefix):
        self.tool, self.prefix, self.name = tool, prefix, tool.name

    def command(self, place, port):
        return self.prefix + self.tool.command(place, port)


def callgrind(where):
    """The command; valgrind wants a place of its own for small files."""
    return ["env", "TMPDIR=" + where, "valgrind", "-q", "--tool=callgrind",
            "--callgrind-out-file=%s/cg.%%p" % where]


def counted(name, where):
    """
    The tool without the sandbox.  Its children are given no environment, so
    that valgrind is put before them by a script each and does not follow.
    """
    tool = tool_of(name)
    if name != "ours":
        return tool
    top = tempfile.mkdtemp(prefix="interimap-test.")
    atexit.register(shutil.rmtree, top, True)
    os.chmod(top, 0o755)
    top = shutil.copytree(os.path.join(BUILD, "counted"), top + "/programs")
    for child in ("imapchild", "statedb"):
        p = os.path.join(top, child, child)
        os.rename(p, p + ".real")
        with open(p, "w") as f:
            f.write("#!/bin/sh\nexec %s %s.real \"$@\"\n" % (
                " ".join(callgrind(where)), p))
        os.chmod(p, 0o755)
    tool.program = top + "/interimap/interimap"
    return tool


def system_calls(place, tool):
    out = os.path.join(place.scratch.mkdir("traced"), "calls")
    if os.path.exists(out):
        os.unlink(out)
    place.run(Traced(tool, ["strace", "-f", "-c", "-o", out]))
    with open(out) as f:
        total = [l for l in f if l.rstrip().endswith("total")]
    if not total:
        raise Wrong("strace of %s: no total" % tool.name)
    # "100.00 0.01 5 2104 33 total": the errors may be missing
    return int(total[0].split()[3])


def instructions(place, name):
    d = place.scratch.mkdir("traced")
    for f in glob.glob(d + "/cg.*"):
        os.unlink(f)
    place.run(Traced(counted(name, d), callgrind(d)))
    total = 0
    for name in glob.glob(d + "/cg.*"):
        with open(name) as f:
            m = re.search(r"^(?:totals|summary): (\d+)", f.read(), re.M)
        total += int(m.group(1)) if m else 0
    if total == 0:
        raise Wrong("callgrind of %s: no totals" % name)
    return total


def count(place, work, name):
    """[system calls, instructions], each as text."""
    tool = tool_of(name)
    if tool is None:
        return None
    builder = tool_of(tool.builder)
    key = work.key(tool)
    work.build(place, builder)
    place.down, place.boxes = work.down, work.boxes
    out = []
    for how in (system_calls, instructions):
        if how is instructions and name == "interimap":
            out.append("")
            continue
        place.put_back(key)
        n = how(place, tool if how is system_calls else name)
        if not name.startswith("floor"):
            work.check(place, tool)
        out.append("%d" % n if n < 10 ** 6 else "%.1f million" % (n / 1e6))
    return out


def main():
    p = argparse.ArgumentParser(description="See the head of the file.")
    p.add_argument("--json", default=os.path.join(
        HERE, "results", "counts.json"))
    o = p.parse_args()
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    lines = []
    with Scratch() as s:
        place = Place(s)
        for work in WORKS:
            for name in TOOLS:
                if name == ("floor4" if work.first else "pump128s"):
                    continue
                got = count(place, work, name)
                if got is not None:
                    lines.append([work.name, name] + got)
                    print("%-20s %-10s system calls %s, instructions %s" %
                          tuple(lines[-1]), flush=True)
    os.makedirs(os.path.dirname(o.json), exist_ok=True)
    with open(o.json, "w") as f:
        json.dump({"machine": report.machine(), "heads": [
            "work", "tool", "system calls", "instructions"], "lines": lines,
            "note": "strace -f -c of the programs as shipped; callgrind of "
            "them without the sandbox (regress/bench/counts.py)."}, f,
            indent=1)


if __name__ == "__main__":
    main()
