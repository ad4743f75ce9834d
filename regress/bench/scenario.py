# What the scenarios of bench.py begin with, what is done to the mailboxes, and
# what must be there after the run.
import hashlib, os, sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from servers import *
from place import *
from work import listing

BASE = 6                        # messages in each mailbox to begin with
FLAGGED, DELETED = (0, 1), (2, 3)       # which of them, on the (local, remote)
FLAG = ("\\Flagged", "\\Answered")
SYSTEM = {"S": "\\seen", "R": "\\answered", "F": "\\flagged", "D": "\\draft"}
NEW = (1000000, 2000000)        # numbers of the new messages of each side


# ---- what is in the mailboxes, and what must be ----

def digest(n):
    text = re.sub(rb"\r?\n", b"\r\n", sample(n).encode())
    return hashlib.sha256(text).hexdigest()


def boxes_of(n):
    return ["INBOX"] + ["Box%03d" % k for k in range(1, n)]


def base_flags(n):
    return {SYSTEM[f] for f in FLAGSETS[n % len(FLAGSETS)]}


class Scenario:
    def __init__(self, text):
        m = re.fullmatch(r"(noop|changed|up|down|first|firstdown|wide):(\d+)",
                         text)
        if m is None or int(m.group(2)) < 1:
            sys.exit("bench.py: no such scenario: " + text)
        self.text, self.kind, self.n = text, m.group(1), int(m.group(2))
        self.boxes = boxes_of(self.n)
        self.empty = self.kind in ("first", "firstdown")
        self.count = 0 if self.empty else 2 if self.kind == "wide" else BASE
        self.first = self.empty or self.kind == "wide"

    def begin(self, local, remote):
        """What is there before the tool has ever run."""
        server = remote if self.kind == "firstdown" else local
        if self.count > 0:
            fill_maildir(server, self.boxes, count=self.count)
        with server.client() as c:
            for box in self.boxes[1:]:
                if self.count == 0:
                    c.create(box, subscribe=False)
                c.ok(c.c.subscribe(quote(box)))

    def change(self, side, server):
        """What happens before the run that is measured."""
        news = self.kind == "changed" or \
            self.kind == ("up", "down")[side]
        if not news:
            return
        with server.client() as c:
            for k, box in enumerate(self.boxes):
                if self.kind == "changed":
                    c.select(box)
                    flag, gone = (find(c, self.number(k, i[side]))
                                  for i in (FLAGGED, DELETED))
                    c.ok(c.c.uid("STORE", flag, "+FLAGS", FLAG[side]))
                    c.ok(c.c.uid("STORE", gone, "+FLAGS", "\\Deleted"))
                    c.ok(c.c.uid("EXPUNGE", gone))
                c.append(box, sample(NEW[side] + k), "\\Seen")

    def number(self, k, i):
        return k * self.count + i

    def mailbox(self, k):
        """{digest: flags} of mailbox k in the end."""
        out = {}
        for i in range(self.count):
            n = self.number(k, i)
            if self.kind == "changed" and i in DELETED:
                continue
            out[digest(n)] = base_flags(n)
            if self.kind == "changed" and i in FLAGGED:
                out[digest(n)].add(FLAG[FLAGGED.index(i)].lower())
        for side in (0, 1):
            if self.kind in ("changed", ("up", "down")[side]):
                out[digest(NEW[side] + k)] = {"\\seen"}
        return sorted((d, tuple(sorted(f))) for d, f in out.items())

    def compare(self, server, tool):
        with server.client() as c:
            if c.mailboxes() != sorted(self.boxes):
                raise Wrong("%s: mailboxes differ" % server.name)
            want = set(self.boxes[1:])
            if tool.subscribes and set(c.subscribed()) - {"INBOX"} != want:
                raise Wrong("%s: subscriptions differ" % server.name)
        if not self.empty:
            have = listing(server)
            for k, box in enumerate(self.boxes):
                got = sorted((d, tuple(sorted(flags)))
                             for d, (_, flags) in have[box].items())
                if got != self.mailbox(k):
                    raise Wrong("%s: mail in %s differs" % (server.name, box))


def find(c, n):
    mid = re.search(r"Message-ID: (\S+)", sample(n)).group(1)
    uids = c.ok(c.c.uid("SEARCH", "HEADER", "Message-ID", mid))[0].split()
    if len(uids) != 1:
        raise Wrong("message %d is there %d times" % (n, len(uids)))
    return uids[0].decode()
