#!/usr/bin/env python3
# A server that lies.  Nothing may be deleted, doubled or lost for it: what the
# standard allows a meaning is worked around, else the mailbox is left alone,
# with one line that says so.  Two scripted servers (regress/hostile) with mail
# on both that is synchronized; then something happens, a run meets the lie, and
# the next one the truth: in the end both sides are equal, and only what was
# meant to go has gone.
#
# Elsewhere:
#	repair.py	EXISTS, VANISHED and UID SEARCH that lie to --repair
#	safety.py	STATUS ahead of SELECT
#	errors.py	UIDVALIDITY, and (badserver.py) mailboxes without MODSEQ,
#			bodies cut short, FETCH and APPEND refused
#	refusals.py	APPEND without APPENDUID
#	test_imapchild_copy	what an APPENDUID must be to be believed
#	test_imapchild_select	FETCH without UID, SEARCH without a result
#	the model	VANISHED that tells others than those that went; UIDNEXT
#			and HIGHESTMODSEQ that go back (build/model -b)
#
#	liar.py [PART OF A NAME]
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import Account, Scripted, lost, one_line, quirks, said
from servers import *
from tap import *

ALL = 9                         # messages of Box of a scene


def scene(s):
    """Mail on both sides, synchronized."""
    p = Scripted(s)
    p.goes_on()
    return p


# ---- what SELECT and SEARCH tell ----

N = 6                           # messages of a mailbox: 3 from either side


def flagged(b):
    """Only a flag: nothing is deleted."""
    b.flag(1, ["\\Answered"])


def deleted(b):
    """One message, UID 2, and a flag of another."""
    flagged(b)
    b.expunge([2])


def gone(before, after):
    """How many messages of both sides are no longer there."""
    return [len(lost(b, a)) for b, a in zip(before, after)]


WARN, ERROR = "WARNING: ", "ERROR: "
KEPT = [WARN + "the server reported ", "as vanished that exist: not believed",
        "kept on both sides"]
ODD = [WARN + "what the server tells of this mailbox does not add up",
       "next run"]
BACK = "missing there is held back, and deleted nowhere"
UNENDED = [WARN + "UIDNEXT or HIGHESTMODSEQ went back before a run that did "
           "not come to its end", BACK]

# What happens on the remote side, the lines of its SELECT that are not true,
# what is said of it, and by the next run.  Each has a mailbox of its own; one
# that is left alone is not synchronized by that run.
LIES = {
    "VANISHED of all that exist":
        (flagged, ["VANISHED (EARLIER) 1:4294967295"], [KEPT]),
    "VANISHED of all, and one is gone":
        (deleted, ["VANISHED (EARLIER) 1:4294967295"], [KEPT]),
    "VANISHED of another than the one that went":
        (deleted, ["-VANISHED", "VANISHED (EARLIER) 1"], [KEPT]),
    "VANISHED that EXISTS bears out":
        (flagged, ["VANISHED (EARLIER) 1", "%d EXISTS" % (N - 1)], [ODD]),
    "a deletion that is not told": (deleted, ["-VANISHED"], []),
    "VANISHED of what never was":
        (flagged, ["VANISHED (EARLIER) 500:600,4294967295"], []),
    "VANISHED without EARLIER": (flagged, ["VANISHED 1:3"], [KEPT]),
    "EXISTS one too small": (flagged, ["%d EXISTS" % (N - 1)], [ODD]),
    "EXISTS one too large": (flagged, ["%d EXISTS" % (N + 1)], [ODD]),
    "EXISTS 0": (flagged, ["0 EXISTS"], [ODD]),
    "EXISTS 4294967295": (flagged, ["4294967295 EXISTS"], [ODD]),
    "EXISTS too large, and one is gone":
        (deleted, ["%d EXISTS" % N], [ODD]),
    "EXPUNGE of all": (flagged, ["1 EXPUNGE"] * N, []),
    "HIGHESTMODSEQ that goes back":
        (flagged, ["OK [HIGHESTMODSEQ 1] x"],
         [[WARN + "HIGHESTMODSEQ went back from ", " to 1: ", BACK]]),
    "HIGHESTMODSEQ 0":
        (flagged, ["-HIGHESTMODSEQ", "OK [HIGHESTMODSEQ 0] x"],
         [[ERROR, "no mod-sequences", "ignore-mailbox"]]),
    "HIGHESTMODSEQ is missing":
        (flagged, ["-HIGHESTMODSEQ"],
         [[ERROR, "no mod-sequences", "ignore-mailbox"]]),
    "NOMODSEQ":
        (flagged, ["OK [NOMODSEQ] x"],
         [[ERROR, "no mod-sequences", "ignore-mailbox"]]),
    "HIGHESTMODSEQ of 64 bits":
        (flagged, ["-HIGHESTMODSEQ", "OK [HIGHESTMODSEQ 9223372036854775808]"],
         [[ERROR, "no mod-sequences", "ignore-mailbox"]]),
    "HIGHESTMODSEQ as high as it can be":
        (flagged, ["OK [HIGHESTMODSEQ 9223372036854775807] x"], [], [UNENDED]),
    "UIDNEXT 0":
        (flagged, ["-UIDNEXT", "OK [UIDNEXT 0] x"],
         [[ERROR + "the server did not tell UIDVALIDITY and UIDNEXT",
           "left alone"]]),
    "UIDNEXT is missing":
        (flagged, ["-UIDNEXT"],
         [[ERROR + "the server did not tell UIDVALIDITY and UIDNEXT",
           "left alone"]]),
    "UIDNEXT below what is there":
        (flagged, ["OK [UIDNEXT 3] x"],
         [[WARN + "UIDNEXT went back from %d to 3: " % (N + 1), BACK], ODD],
         [UNENDED]),
    "FETCH of a UID that is not there":
        (flagged, ["1 FETCH (UID 999 FLAGS (\\Deleted) MODSEQ (99))"], []),
    "UIDVALIDITY of another mailbox":
        (flagged, ["OK [UIDVALIDITY 7] x"],
         [[ERROR, "UIDVALIDITY changed!", "left alone"]]),
}


def box_of(name):
    return "b%d" % list(LIES).index(name)


class Boxes(Scripted):
    """A mailbox for each lie, all of them synchronized."""
    def __init__(self, scratch):
        self.scratch = scratch
        self.l, self.r = Account(scratch, "L"), Account(scratch, "R")
        for i, name in enumerate(LIES):
            self.l.add(box_of(name), 20 * i, N // 2, ["\\Seen"])
            self.r.add(box_of(name), 20 * i + 10, N // 2)
        self.goes_on()


def lines_of(r, name):
    """What is said of this mailbox."""
    return [l for l in said(r)
            if re.match(r"\w+\(%s\): " % box_of(name), l)]


def lies(*more):
    """One run that is told all the lies, and then the truth."""
    with Scratch() as s:
        p = Boxes(s)

        def act(st):
            for name, lie in LIES.items():
                lie[0](st.get(box_of(name)))
        p.r.change(act)
        before = p.boxes()
        told = "##".join("%s:%s" % (box_of(n), "|".join(lie[1]))
                         for n, lie in LIES.items())
        first = p.run(remote=quirks("select-say=" + told, *more))
        middle = p.boxes()
        second = p.run()
        after = p.boxes()
        third = p.run()
    return first, second, third, before, middle, after


def judge(name, first, second, third, before, middle, after):
    act, _, wants = LIES[name][:3]
    then = LIES[name][3] if len(LIES[name]) > 3 else []
    box, n = box_of(name), int(act is deleted)
    for r, want in ((first, wants), (second, then)):
        lines = lines_of(r, name)
        eq(len(lines), len(want), "lines in: " + "\n".join(lines))
        for line, w in zip(lines, want):
            has(line, *w)
    one = [[{box: side.get(box, [])} for side in when]
           for when in (before, middle, after)]
    if gone(one[0], one[1]) not in ([0, 0], [n, 0]):
        raise AssertionError("deleted by the lie: %s" % gone(one[0], one[1]))
    eq(gone(one[0], one[2]), [n, 0], "deleted in the end")
    eq(one[2][0], one[2][1], "the two sides")
    eq(len(one[2][0][box]), N - n, "messages")


def ended(first, second, third, *when):
    eq((first.status, second.status), (2, 0), "exit status; it said: " +
       first.err + second.err)
    eq((third.status, third.err), (0, ""), "the run after that")


def all_lies(only):
    for how, more in (("", ()), (", without ESEARCH", ("no-esearch",))):
        if any(only in n + how for n in LIES):
            got = lies(*more)
            for name in LIES:
                if only in name + how:
                    test(name + how, judge, name, *got)
            test("the end" + how, ended, *got)


# ---- lies that are of a connection, or of one mailbox ----

def lie(act, names, status, needles, deletions):
    with Scratch() as s:
        p = scene(s)
        p.r.change(lambda st: act(st.get("Box")))
        before = p.boxes()
        r = p.run(remote=quirks(*names))
        eq(r.status, status, "exit status; it said: " + r.err)
        one_line(r, *needles)
        eq(gone(before, p.boxes()), [0, 0], "deleted by the lie")
        r = p.run()
        eq((r.status, said(r)), (0, []), "the next run")
        a, b = p.boxes()
        eq(a, b, "the two sides")
        eq(gone(before, (a, b)), [deletions, 0], "deleted in the end")
        r = p.run()
        eq((r.status, r.err), (0, ""), "the run after that")


BROKE = ["remote: ERROR: ", "the server broke the protocol"]
SINGLE = [
    ("VANISHED 0:1", flagged, ["vanished-zero"], 0, KEPT, 0),
    ("UID SEARCH that leaves out", deleted, ["search-short"], 2,
     [WARN + "what the server tells of this mailbox does not add up"], 1),
    ("FETCH without UID", flagged,
     ["select-say=Box:1 FETCH (FLAGS (\\Deleted) MODSEQ (99))"], 1,
     ["remote(Box): ERROR: ", "FETCH without UID", "next run"], 0),
    ("FETCH of message 0", flagged,
     ["select-say=Box:0 FETCH (UID 1 FLAGS () MODSEQ (99))"], 1, BROKE, 0),
]


# ---- what is appended ----

def appended(names, status, needles):
    """A new message on the local side; APPENDUID lies."""
    with Scratch() as s:
        p = scene(s)
        p.l.add("Box", 70, 3)
        before = p.boxes()
        r = p.run(remote=quirks(*names))
        eq(r.status, status, "exit status; it said: " + r.err)
        eq(len(said(r)), len(needles), "lines in: " + r.err)
        for line, want in zip(said(r), needles):
            has(line, *want)
        p.goes_on(before)
        eq(len(p.boxes()[0]["Box"]), ALL + 3, "messages: none twice")


APPENDS = [
    ("one UID too few", ["appenduid-short"], 0, []),
    ("another UIDVALIDITY", ["appenduid-validity"], 0, []),
    ("UIDs of others", ["appenduid-set=1:3"], 0, []),
    ("the same UID", ["appenduid-set=10,10,10"], 0, []),
    ("UIDs that were never given", ["appenduid-set=900:902"], 0,
     [["remote(Box): WARNING: APPEND told 3 UIDs that are not there"]]),
]


# ---- an old copy ----

def old_copy(st, name="Box", keep=None):
    """Box as it was with so many messages, under the same UIDVALIDITY."""
    b = st.get(name)
    for uid in [u for u in b.messages if u > keep]:
        del b.messages[uid]
    b.uidnext = keep + 1
    b.modseq = max(m.modseq for m in b.messages.values())
    b.vanished = [v for v in b.vanished if v[0] <= b.modseq]


def restored():
    """Held; then the same UIDs are given to other messages."""
    with Scratch() as s:
        p = scene(s)
        p.r.change(lambda st: old_copy(st, keep=6))
        p.l.add("INBOX", 80, 1)
        before = p.boxes()
        r = p.run()
        eq(r.status, 3, "exit status; it said: " + r.err)
        has(r.err, "remote(Box): WARNING: UIDNEXT went back from 10 to 7: ",
            BACK, "remote(Box): WARNING: 3 deletions held back",
            "UIDNEXT went back",
            "interimap --allow-delete=Box")
        eq(gone(before, p.boxes()), [0, 0], "deleted")
        a, b = p.boxes()
        eq((len(a["Box"]), len(b["Box"])), (9, 6), "messages of Box")
        eq(len(b["INBOX"]), 10, "the other mailbox goes on")
        r = p.run()
        eq(r.status, 3, "exit status of the next run")
        has(r.err, "3 deletions held back")
        # UID 7 again, of another message.
        p.r.add("Box", 90, 1)
        before = p.boxes()
        r = p.run()
        has(r.err, "have lost their UID to others", "copied there again")
        for _ in range(3):
            r = p.run()
        eq((r.status, r.err), (0, ""), "in the end")
        a, b = p.boxes()
        eq(a, b, "the two sides")
        eq(len(a["Box"]), 10, "messages of Box")
        eq(gone(before, (a, b)), [0, 0], "deleted")


def reused(unseen):
    """UIDs are given again before the first run; a deletion hits its own."""
    with Scratch() as s:
        p = scene(s)
        p.r.change(lambda st: old_copy(st, keep=6))
        p.r.add("Box", 90, 4 if unseen else 2, ["\\Draft"])
        if unseen:
            # UIDNEXT is where it was, or higher: HIGHESTMODSEQ tells.
            p.r.change(lambda st: setattr(st.get("Box"), "modseq", 8))
        before = p.boxes()
        r = p.run()
        has(r.err, "went back from ", BACK, "these are different messages")
        for _ in range(3):
            r = p.run()
        a, b = p.boxes()
        eq(gone(before, (a, b)), [0, 0], "deleted")
        new = sample(90).encode()
        for box in (a["Box"], b["Box"]):
            eq([f for m, f in box if m == new], [("\\Draft",)],
               "the new message, once, with its flags")
            eq([m for m, f in box if f and "\\Draft" in f and
                m not in [sample(n).encode() for n in range(90, 94)]], [],
               "others that got its flags")
        # It goes, and nothing else does.
        p.r.change(lambda st: st.get("Box").expunge(
            [u for u, m in st.get("Box").messages.items() if m.body == new]))
        before = p.boxes()
        r = p.run()
        eq(gone(before, p.boxes()), [1, 0], "deleted with it")
        eq([m for m, _ in p.boxes()[0]["Box"] if m == new], [], "left of it")


def indexes():
    """Only HIGHESTMODSEQ goes back: nothing is missing, changes are not lost."""
    with Scratch() as s:
        p = scene(s)

        def anew(st):
            b = st.get("Box")
            b.flag(1, ["\\Answered"])
            for m in b.messages.values():
                m.modseq = 1
            b.modseq, b.vanished = 2, []
        p.r.change(anew)
        before = p.boxes()
        r = p.run()
        eq(r.status, 0, "exit status; it said: " + r.err)
        has(r.err, WARN + "HIGHESTMODSEQ went back", BACK)
        eq(gone(before, p.boxes()), [0, 0], "deleted")
        r = p.run()
        eq((r.status, r.err), (0, ""), "the next run")
        a, b = p.boxes()
        eq(a, b, "the two sides")


if __name__ == "__main__":
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    all_lies(only)
    for name, *args in SINGLE:
        if only in name:
            test(name, lie, *args)
    for name, *args in APPENDS:
        if only in name:
            test("APPENDUID: " + name, appended, *args)
    for name, fn, *args in (
            ("an old copy: held, then its UIDs are given again", restored),
            ("an old copy: UIDs given again before a run", reused, False),
            ("an old copy: and UIDNEXT as high as before", reused, True),
            ("indexes made anew", indexes)):
        if only in name:
            test(name, fn, *args)
    done()
