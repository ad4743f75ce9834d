# What repair.py breaks, and what must come of it: the cases of --repair.  Each
# is given the World, synchronized once.
import os, shutil, subprocess

# ---- what is broken: each leaves the number of messages there must be ----

def row_missing(w):
    w.sql("DELETE FROM mapping WHERE lUID = 3")


def all_rows_missing(w):
    w.sql("DELETE FROM mapping")


def rows_never_were(w):
    w.sql("INSERT INTO mapping VALUES (1, 900, 901)")


def row_never_was_here(w):
    """A row that joins a real message with a UID the other never gave."""
    w.sql("UPDATE mapping SET lUID = 900 WHERE lUID = 3")


def pair_vanished(w):
    for side in "LR":
        w.expunge(side, "3")
        w.forget(side)


def disappeared(side):
    def fn(w):
        w.expunge(side, "3,5")
        w.forget(side)
    return fn


def row_of_a_dead_message(w):
    """A row that has the UID of another message, long gone on its side."""
    w.expunge("L", "3")
    w.ok()
    w.sql("UPDATE mapping SET lUID = 3 WHERE lUID = 4")


def unknown(side):
    def fn(w):
        w.append(side, 40, "\\Flagged")
        w.append(side, 41)
        w.forget(side)
    return fn


def unknown_on_both(w):
    for side in "LR":
        w.append(side, 40, "\\Flagged" if side == "L" else "\\Answered")
        w.append(side, 41 if side == "L" else 42)
        w.forget(side)


def flags_missed(w):
    w.flag("L", "3", "+", "\\Flagged key")
    w.flag("L", "4", "-", "\\Seen")
    w.forget("L")
    w.flag("R", "7", "+", "\\Answered")
    w.forget("R")


def flags_missed_both(w):
    w.flag("L", "3", "+", "\\Flagged")
    w.flag("R", "3", "+", "\\Answered")
    w.forget("L")
    w.forget("R")


def missed_and_changed(w):
    """One side's change was missed, the other changes now: that one wins."""
    w.flag("L", "3", "+", "\\Flagged")
    w.forget("L")
    w.flag("R", "3", "+", "\\Answered")


def crossed(w):
    """Each of two rows has the partner of the other."""
    w.sql("UPDATE mapping SET rUID = 900 WHERE lUID = 3",
          "UPDATE mapping SET rUID = 3 WHERE lUID = 4",
          "UPDATE mapping SET rUID = 4 WHERE lUID = 3")
    w.flag("L", "3", "+", "\\Flagged")


def restored(w):
    """The local server goes back to an old copy; then it gives the UID of a
    message that was lost so to another one."""
    keep = os.path.join(w.scratch.dir, "old")
    subprocess.run(["cp", "-a", w.l.mail, keep], check=True)
    w.append("L", 40)
    w.append("R", 41)
    w.ok()
    shutil.rmtree(w.l.mail)
    os.rename(keep, w.l.mail)
    w.append("L", 60)


STAMP = ("INSERT OR IGNORE INTO stamps SELECT l.idx, l.UIDVALIDITY, l.UIDNEXT,"
         " l.HIGHESTMODSEQ, r.UIDVALIDITY, r.UIDNEXT, r.HIGHESTMODSEQ "
         "FROM local l JOIN remote r ON l.idx = r.idx")


def skipped(w):
    w.sql(STAMP, "DELETE FROM mapping WHERE lUID IN (3, 4)",
          "INSERT INTO skipped VALUES (1, 0, 3, 2, x''), (1, 1, 3, 2, x''), "
          "(1, 0, 4, 4, x''), (1, 0, 77, 4, x'')")


def held_but_there(w):
    w.sql(STAMP, "INSERT INTO held VALUES (1, 3, 3, 0)")


def ordinary(w):
    """No anomaly at all: what any run does."""
    w.flag("L", "2", "-", "\\Seen")
    w.flag("R", "4", "+", "\\Flagged")
    w.flag("L", "6", "+", "\\Answered")
    w.flag("R", "6", "+", "key")
    w.expunge("L", "8")
    w.expunge("R", "9")
    w.append("L", 50)
    w.append("R", 51)


def uidnext_high(w):
    w.sql("UPDATE local SET UIDNEXT = 500")
    w.append("L", 40)


def modseq_high(w):
    w.sql("UPDATE local SET HIGHESTMODSEQ = 99999")
    w.expunge("L", "3")
    w.flag("L", "5", "+", "\\Flagged")
    w.flag("R", "5", "+", "\\Answered")


def state_low(w):
    for side in ("local", "remote"):
        w.sql("UPDATE %s SET HIGHESTMODSEQ = 1, UIDNEXT = 4" % side)
    w.flag("L", "5", "+", "\\Flagged")


def state_lost(w):
    w.sql("UPDATE local SET HIGHESTMODSEQ = 0, UIDNEXT = 0")
    w.expunge("L", "5")


# what, how, said, messages in the end, the original comes to the same
SAME, OURS = True, False
CASES = [
    ("nothing", lambda w: None, ["INBOX: nothing to mend"], 10, SAME),
    ("a row is missing", row_missing, ["local(INBOX): WARNING: No match for "
     "local UID(s) 3.", "remote UID(s) 3.", "Recognised 1 messages"], 10,
     OURS),
    ("all rows are missing", all_rows_missing, ["No match for local UID(s) "
     "1:10.", "Recognised 10 messages"], 10, OURS),
    ("a row of UIDs that never were", rows_never_were, ["(lUID,rUID) = "
     "(900,901)", "never was a UID 900", "pairs that never were 1"], 10,
     SAME),
    ("a row of a UID that never was on one side", row_never_was_here,
     ["(lUID,rUID) = (900,3)"], 10, SAME),
    ("a pair vanished", pair_vanished, ["Pair (lUID,rUID) = (3,3) vanished "
     "from INBOX", "pairs that vanished 1"], 9, SAME),
    ("messages disappeared locally", disappeared("L"), ["local(INBOX): "
     "WARNING: UID 3 disappeared. Redownloading remote UID 3.", "UID 5 "
     "disappeared"], 10, SAME),
    ("messages disappeared remotely", disappeared("R"), ["remote(INBOX): "
     "WARNING: UID 3 disappeared. Redownloading local UID 3."], 10, SAME),
    ("a row of a message that is long gone", row_of_a_dead_message, ["UID 3 "
     "disappeared. Redownloading remote UID 4.", "Recognised 1"], 9, OURS),
    ("local messages without a row", unknown("L"), ["No match for local "
     "UID(s) 11:12.", "local without a match 2"], 12, SAME),
    ("remote messages without a row", unknown("R"), ["No match for remote "
     "UID(s) 11:12.", "remote without a match 2"], 12, SAME),
    ("messages without a row, some on both sides", unknown_on_both,
     ["No match for local UID(s) 11:12.", "No match for remote UID(s) 11:12.",
      "Recognised 1"], 13, OURS),
    ("flag updates were missed", flags_missed, ["Missed flag update in INBOX "
     "for (lUID,rUID) = (3,3)", "= (4,4)", "= (7,7)",
     "missed flag updates 3"], 10, SAME),
    ("flag updates were missed on both sides", flags_missed_both, ["Missed "
     "flag update in INBOX for (lUID,rUID) = (3,3)"], 10, SAME),
    ("one was missed, then the other side changed", missed_and_changed, [],
     10, SAME),
    ("ordinary changes", ordinary, ["Removed", "Added", "Conflicting flag "
     "update", "nothing to mend"], 10, SAME),
    ("UIDNEXT is ahead of the server", uidnext_high, ["UIDNEXT is recorded "
     "as 500, but is 12 there", "No match for local UID(s) 11"], 11, SAME),
    ("HIGHESTMODSEQ is ahead of the server", modseq_high, ["HIGHESTMODSEQ is "
     "recorded as 99999", "UID 3 disappeared"], 10, OURS),
    ("rows are crossed", crossed, ["Pair (lUID,rUID) = (3,4) of INBOX: these "
     "are different messages", "= (4,3) of", "Recognised 2"], 10, OURS),
    ("an old copy was restored", restored, ["UIDNEXT is recorded as 13, but "
     "is 12", "= (11,", "different messages", "never was a UID 12"], 13,
     OURS),
    ("messages were skipped once", skipped, ["2 message(s) that could not be "
     "copied are tried again", "Recognised 2"], 10, None),
    ("a deletion is held back of what is there", held_but_there, ["local("
     "INBOX): WARNING: The deletion of UID 3 is held back, but the message "
     "is there"], 10, None),
    ("the state is old", state_low, [], 10, SAME),
    ("the state is lost on one side", state_lost, ["UID 5 disappeared"], 10,
     OURS),
]
