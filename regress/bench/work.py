# The work of the rows of full.py: what the mailboxes hold before a tool has
# ever run, what is changed on both sides after that, and what must be there
# in the end, which is computed from what was there and not by a tool:
#
#	in the end = what both still have, with the flags of the side that
#	changed them, and what either has got since
import base64, os, socket, subprocess, sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from place import *
from corpus import *

# Flag sets of the changes: all have \Draft, which the corpus does not use.
DRAFTS = ["\\Draft" + "".join(" " + f for f in s) for s in (
    (), ("\\Seen",), ("\\Flagged",), ("\\Answered",), ("\\Seen", "\\Flagged"),
    ("\\Seen", "\\Answered"), ("\\Flagged", "\\Answered"),
    ("\\Seen", "\\Flagged", "\\Answered"))]
NEWS = 10000000                 # numbers of new messages begin here


class Wire:
    """A client that sends many commands at once, for preparing only."""
    def __init__(self, server):
        self.sock = socket.create_connection(("127.0.0.1", server.imap))
        self.file = self.sock.makefile("rb", 1 << 20)
        self.tag = 0
        who = "\0%s\0%s" % (USER.pw_name, server.password)
        self.file.readline()
        self.many([b"AUTHENTICATE PLAIN " + base64.b64encode(who.encode())])

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.file.close()
        self.sock.close()

    def many(self, commands):
        """The untagged lines of all; a message at most is under way."""
        out = []
        for part in parts(commands, 64):
            last = b""
            text = []
            for c in part:
                self.tag += 1
                last = b"t%d " % self.tag
                text.append(last + c + b"\r\n")
            self.sock.sendall(b"".join(text))
            out += self.until(last)
        return out

    def until(self, last):
        out = []
        while True:
            line = self.file.readline()
            if line[:1] == b"t":
                if line.split(b" ")[1] != b"OK":
                    raise Wrong("preparing: " + repr(line))
                if line.startswith(last):
                    return out
            elif line == b"":
                raise Wrong("preparing: the server is gone")
            out.append(line)

    def uids(self, box):
        out = self.many([b'SELECT "%s"' % box.encode(), b"UID SEARCH ALL"])
        return [int(u) for line in out if line.startswith(b"* SEARCH")
                for u in line.split()[2:]]


def parts(items, n):
    items = list(items)
    return [items[i:i + n] for i in range(0, len(items), n)]


def append(box, text, flags="\\Seen"):
    text = text.replace(b"\n", b"\r\n")
    return b'APPEND "%s" (%s) "01-Mar-2021 10:00:00 +0000" {%d+}\r\n%s' % (
        box.encode(), flags.encode(), len(text), text)


class Change:
    """So many of each in every mailbox, on the sides named."""
    def __init__(self, flags=0, gone=0, new=0, sides=(0, 1), message=tiny):
        self.flags, self.gone, self.new = flags, gone, new
        self.sides, self.message = sides, message

    def apply(self, side, server, boxes):
        if side not in self.sides:
            return
        with Wire(server) as w:
            for k, box in enumerate(boxes):
                w.many(self.of_box(w, side, k, box))

    def of_box(self, w, side, k, box):
        out, n = [], self.flags + self.gone
        if n > 0:
            uids = w.uids(box)
            step = max(1, len(uids) // (2 * n))
            mine = uids[side * step * n::step][:n] if step > 1 else \
                uids[side * n:][:n]
            for i, u in enumerate(mine[:self.flags]):
                out.append(b"UID STORE %d FLAGS.SILENT (%s)" % (
                    u, DRAFTS[i % len(DRAFTS)].encode()))
            if self.gone > 0:
                s = b",".join(b"%d" % u for u in mine[self.flags:])
                out += [b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % s,
                        b"UID EXPUNGE " + s]
        for i in range(self.new):
            number = NEWS * (1 + side) + k * self.new + i
            out.append(append(box, self.message(number)[0]))
        return out


class Work:
    """
    N mailboxes (INBOX is one) with COUNT messages in all on one side.  The run
    measured is a first sync, or a later one after a change (or none); base is
    the first sync before it where that is measured as well.
    """
    def __init__(self, name, n, count, message=tiny, down=False, first=False,
                 change=None, base=None):
        self.name, self.count, self.message = name, count, message
        self.down, self.first, self.change = down, first, change
        self.base = base        # the first sync that it continues
        self.boxes = ["INBOX"] + ["Box%05d" % k for k in range(1, n)]

    def fill(self, place):
        place.put_back()
        source = place.remote if self.down else place.local
        each = self.count // len(self.boxes)
        for k, box in enumerate(self.boxes):
            put(source, box, (self.message(k * each + i)
                              for i in range(each)))
        subscribe(source, self.boxes[1:])
        give(source)

    def build(self, place, tool):
        """Saves the state before the run, and what must be there after it."""
        key = self.key(tool)
        if place.has(key):
            return
        if self.first:
            self.begin(place, key)
            return
        want = self.synced(place, tool)
        place.want[key] = want
        if self.change is not None:
            for side, server in enumerate((place.local, place.remote)):
                self.change.apply(side, server, self.boxes)
            ready(place)
            place.want[key] = merged(want, *self.look(place))
        place.save(key)

    def begin(self, place, key):
        self.fill(place)
        ready(place)
        place.want[key] = merged({}, *self.look(place))
        place.save(key)

    def synced(self, place, tool):
        """After a first sync, which is made once for all that continue it."""
        first = self.base or Work(self.name + "-base", len(self.boxes),
                                  self.count, self.message, self.down, True)
        key = first.key(tool)
        first.build(place, tool)
        done = key + "." + tool.builder
        if place.has(done):
            place.put_back(done)
            return place.want[key]
        place.put_back(key)
        for _ in range(tool.runs):
            place.run(tool)
        # The copies have got their date from the tool, or it failed.
        same(place.want[key], self.look(place), tool)
        ready(place)
        if self.base is not None:
            place.save(done)
        return place.want[key]

    def key(self, tool):
        """First syncs begin alike for all."""
        return self.name + "." + ("all" if self.first else tool.builder)

    def idle(self):
        """A run changes nothing, so that nothing need be put back."""
        return not self.first and self.change is None

    def look(self, place):
        return [listing(s) for s in (place.local, place.remote)]

    def check(self, place, tool):
        """Both sides after a run."""
        want = place.want[self.key(tool)]
        same(want, self.look(place), tool)
        if not tool.subscribes:
            return
        for server in (place.local, place.remote):
            with server.client() as c:
                if set(c.subscribed()) - {"INBOX"} != set(self.boxes[1:]):
                    raise Wrong("%s, %s: subscriptions differ" % (
                        tool.name, server.name))


def ready(place):
    """Lets two seconds pass, and the servers build their indexes."""
    time.sleep(SETTLE)
    for server in (place.local, place.remote):
        warm(server)


def listing(server):
    """{mailbox: {digest: (date, flags)}} of one side, by probe.c."""
    with server.client() as c:
        boxes = c.mailboxes()
    p = subprocess.run(
        [os.path.join(BUILD, "probe"), "-u", USER.pw_name, "-p",
         server.password, "digest", "tcp:%d" % server.imap], text=True,
        input="".join(b + "\n" for b in boxes), stdout=subprocess.PIPE)
    if p.returncode != 0:
        raise Wrong("%s: its mail cannot be read" % server.name)
    out = {b: {} for b in boxes}
    for line in p.stdout.splitlines():
        box, digest, date, flags = line.split("\t")
        if digest in out[box]:
            raise Wrong("%s: a message of %s is there twice" % (
                server.name, box))
        out[box][digest] = (date, frozenset(
            f.lower() for f in flags.split() if f != "\\Recent"))
    return out


def merged(base, local, remote):
    out = {}
    for box in set(local) | set(remote):
        b, l, r = (x.get(box, {}) for x in (base, local, remote))
        got = out[box] = {}
        for d in set(b) | set(l) | set(r):
            if d not in b:
                got[d] = l.get(d) or r[d]
            elif d in l and d in r:
                got[d] = l[d] if l[d] != b[d] else r[d]
    return out


def same(want, both, tool):
    for name, got in zip(("local", "remote"), both):
        if set(got) != set(want):
            raise Wrong("%s, %s: mailboxes differ" % (tool.name, name))
        for box in want:
            if got[box] == want[box]:
                continue
            lost = len(set(want[box]) - set(got[box]))
            more = len(set(got[box]) - set(want[box]))
            raise Wrong("%s, %s, %s: %d messages are missing, %d too many, %d "
                        "have other flags or dates" % (
                            tool.name, name, box, lost, more, sum(
                                got[box][d] != want[box][d]
                                for d in set(want[box]) & set(got[box]))))
