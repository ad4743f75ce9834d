#!/usr/bin/env python3
# Rules of safety that only a whole run shows.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import Scripted, quirks, said
from servers import *
from tap import *


def status_high():
    """Recorded is what SELECT told, else a change is never seen."""
    with Scratch() as s:
        p = Scripted(s)
        r = p.run(remote=quirks("status-high"))
        eq((r.status, said(r)), (0, []), "the first run")
        p.r.change(lambda st: st.get("Box").flag(1, ["\\Answered"]))
        p.r.add("Box", 70, 1)
        p.goes_on(p.boxes())


def second_instance():
    """Noticed at once, while the first waits for a server that is silent."""
    silent = "type = tunnel\ncommand = sleep 60\n"
    with Scratch() as s:
        p = Interimap(s, silent, silent)
        q = subprocess.Popen(p.argv(), env=s.env(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                if os.path.exists(p.db + "-journal"):
                    break
                time.sleep(0.05)
            r = p.run(timeout=20)
            eq(r.status, 75, "exit status; it said: " + r.err)
            has(r.err, p.db, "is locked")
        finally:
            q.terminate()
            q.wait()


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, fn in (("STATUS runs ahead of SELECT", status_high),
                     ("a second instance is noticed", second_instance)):
        if only in name:
            test(name, fn)
    done()
