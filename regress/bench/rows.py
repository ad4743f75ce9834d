# The rows of the table: what is judged, by which figures, and the limits.
# A row whose figures are not there is MISSED, unless only some works were
# asked for.
import sys
sys.dont_write_bytecode = True

LONG = 600


class Figures:
    """What was measured, by work, tool and round trip."""
    def __init__(self, data):
        self.all = data["figures"]

    def get(self, what, work, tool, rtt=0):
        return self.all["%s %s %d" % (work, tool, rtt)][what]

    def wall(self, work, tool="ours", rtt=0):
        return self.get("wall", work, tool, rtt)

    def cpu(self, work, tool="ours", rtt=0):
        return self.get("cpu", work, tool, rtt)

    def pss(self, work, tool="ours", rtt=0):
        return self.get("pss", work, tool, rtt)

    def trips(self, work, tool="ours"):
        return self.get("chain", work, tool, LONG)

    def octets(self, work, tool="ours", rtt=0):
        return self.get("up", work, tool, rtt) + \
            self.get("down", work, tool, rtt)

    def more(self, work, idle, tool):
        """Octets beyond those of a run that had nothing to do."""
        return self.octets(work, tool) - self.octets(idle, tool)


class Row:
    """Ours, as one figure that must not be above the limit."""
    def __init__(self, work, text, figure, limit, unit, peers=()):
        self.work, self.text, self.figure = work, text, figure
        self.limit, self.unit, self.peers = limit, unit, peers
        self.value = None
        self.ok = False

    def judge(self, f):
        """False when a figure is missing."""
        self.ours = self.said = ""
        try:
            self.value = self.figure(f)
        except KeyError:
            return False
        self.ok = self.value <= self.limit
        said = []
        for name, peer in self.peers:
            try:
                said.append("%s %s" % (name, peer(f)))
            except KeyError:
                said.append("%s -" % name)
        self.said = ", ".join(said)
        return True


def count(work, *tools):
    return [(t, lambda f, t=t: "%d" % f.trips(work, t)) for t in tools]


def taken(what, work, rtt, *tools):
    return [(t, lambda f, t=t: "%.3f" % f.get(what, work, t, rtt))
            for t in tools]


def ratio(what, work, peer, rtt=0):
    return lambda f: f.get(what, work, "ours", rtt) / \
        f.get(what, work, peer, rtt)


def idle_rows(n):
    w = "noop-%d" % n
    text = "nothing to do, %d mailbox%s" % (n, "es" if n > 1 else "")
    return [
        Row(text, "round trips, capabilities remembered",
            lambda f: f.trips(w), 4, "",
            count(w, "interimap", "floor3", "floor4", "floor5")),
        Row(text, "round trips, nothing remembered",
            lambda f: f.trips(w, "ours-new"), 5, ""),
        Row(text, "wall at no delay, of the original's",
            ratio("wall", w, "interimap"), 0.4, "x",
            taken("wall", w, 0, "ours", "interimap", "mbsync", "floor3")),
        Row(text, "CPU, of the original's", ratio("cpu", w, "interimap"),
            0.2, "x",
            taken("cpu", w, 0, "ours", "interimap", "mbsync", "floor3")),
    ]


def changed_rows(n, trips, least):
    w = "changes-%d" % n
    text = "changes on both sides of %d mailbox%s of %d" % (
        n, "es" if n > 1 else "", 10000 // n)
    return [
        Row(text, "round trips, capabilities remembered",
            lambda f: f.trips(w), trips, "", count(w, "interimap") if n == 1
            else ()),
        Row(text, "round trips, nothing remembered",
            lambda f: f.trips(w, "ours-new"), trips + (n == 1), ""),
        Row(text, "wall at 100 ms, of the original's",
            ratio("wall", w, "interimap", 100), least, "x",
            taken("wall", w, 100, "ours", "interimap", "mbsync")),
    ]


def seconds(work, text, limit):
    return Row(text, "wall at 50 ms", lambda f: f.wall(work, "ours", 50),
               limit, "s", taken("wall", work, 50, "interimap"))


def copy_rows(work, text, far):
    return [
        Row(text, "wall at no delay, of pump's", ratio("wall", work, "pump"),
            1.15, "x", taken("wall", work, 0, "ours", "pump", "interimap",
                             "interimap-nd", "mbsync")),
        Row(text, "wall at 100 ms, of pump's",
            ratio("wall", work, "pump", 100), far, "x",
            taken("wall", work, 100, "ours", "pump", "interimap", "mbsync")),
        Row(text, "CPU, of pump's", ratio("cpu", work, "pump"), 1.5, "x",
            taken("cpu", work, 0, "ours", "pump", "interimap",
                  "interimap-nd", "mbsync")),
    ]


def memory(work, text, mapped=0):
    return Row("peak memory", text, lambda f: f.pss(work),
               12 + mapped * 16 / 2 ** 20, "MB",
               [(t, lambda f, t=t: "%.1f" % f.pss(work, t))
                for t in ("interimap", "mbsync")])


def octets(text, figure):
    """figure: of a tool."""
    return Row("octets on the wire", text + ", of the original's",
               lambda f: figure(f, "ours") / figure(f, "interimap"), 1.15,
               "x", [(t, lambda f, t=t: "%d" % figure(f, t))
                     for t in ("ours", "interimap")])


def rows():
    idle = "nothing to do, 100 000 mapped messages"
    return idle_rows(1) + idle_rows(50) + idle_rows(500) + [
        Row(idle, "wall at no delay, more than floor4",
            lambda f: 1000 * (f.wall("noop-100k") -
                              f.wall("noop-100k", "floor4")), 10, "ms",
            taken("wall", "noop-100k", 0, "ours", "floor3", "floor4")),
        Row(idle, "CPU, of that with 6 messages",
            lambda f: f.cpu("noop-100k") / f.cpu("noop-1"), 1.15, "x",
            taken("cpu", "noop-100k", 0, "ours") +
            [("with 6", lambda f: "%.3f" % f.cpu("noop-1"))]),
    ] + changed_rows(1, 6, 0.36) + changed_rows(20, 8, 0.04) + [
        seconds("news-up", "one new message in each of 100, up", 1),
        seconds("news-down", "one new message in each of 100, down", 1),
        seconds("boxes-up", "first sync of 500 empty mailboxes, up", 2),
        seconds("boxes-down", "first sync of 500 empty mailboxes, down", 2),
    ] + copy_rows("copy-up", "first sync up, 240 MB", 1.25) + \
        copy_rows("copy-down", "first sync down, 240 MB", 1.15) + [
        Row("first sync up, 100 000 small messages", "wall, of pump128s'",
            ratio("wall", "small-up", "pump128s"), 1.15, "x",
            taken("wall", "small-up", 0, "ours", "pump128s", "pump",
                  "interimap-nd", "interimap")),
        memory("noop-1", "nothing to do"),
        memory("noop-500", "nothing to do, 500 mailboxes"),
        memory("changes-1", "changes in a mailbox of 10 000", 10000),
        memory("changes-20", "changes in 20 mailboxes of 500", 10000),
        memory("copy-up", "first sync up, 240 MB", 10000),
        memory("copy-down", "first sync down, 240 MB", 10000),
        memory("big-up-200", "a message of 200 MB, up"),
        memory("big-down-200", "a message of 200 MB, down"),
        memory("noop-100k", "nothing to do, 100 000 messages", 100000),
        memory("small-up", "first sync up, 100 000 messages", 100000),
        Row("memory of a mapped message", "10 changes in 100 000, not 1000",
            lambda f: (f.pss("ten-100k") - f.pss("ten-1k")) * 2 ** 20 /
            99000, 16, "octets", [("MB", lambda f: "%.1f and %.1f" % (
                f.pss("ten-100k"), f.pss("ten-1k")))]),
        octets("changes in 1 mailbox",
               lambda f, t: f.more("changes-1", "noop-1", t)),
        octets("changes in 20 mailboxes",
               lambda f, t: f.more("changes-20", "noop-20", t)),
        octets("first sync up", lambda f, t: f.octets("copy-up", t)),
        octets("first sync down", lambda f, t: f.octets("copy-down", t)),
        octets("changes in 20, COMPRESS",
               lambda f, t: f.more("z-changes-20", "z-noop-20", t)),
        octets("first sync up, COMPRESS",
               lambda f, t: f.octets("z-copy-up", t)),
        octets("first sync down, COMPRESS",
               lambda f, t: f.octets("z-copy-down", t)),
    ]


def judge(data):
    f = Figures(data)
    out = []
    for r in rows():
        if r.judge(f) or not data["only"]:
            out.append(r)
    return out
