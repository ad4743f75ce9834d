#!/usr/bin/env python3
# What is written down of a server's state is what its SELECT told, and no more:
# otherwise a change is never seen.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import Scripted, quirks, said
from servers import *
from tap import *


def status_high():
    """STATUS runs ahead of SELECT, as on a server with a cache of it."""
    with Scratch() as s:
        p = Scripted(s)
        r = p.run(remote=quirks("status-high"))
        eq((r.status, said(r)), (0, []), "the first run")
        p.r.change(lambda st: st.get("Box").flag(1, ["\\Answered"]))
        p.r.add("Box", 70, 1)
        p.goes_on(p.boxes())


if __name__ == "__main__":
    test("STATUS runs ahead of SELECT", status_high)
    done()
