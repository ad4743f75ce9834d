# The mail of the benchmark: always the same for the same numbers.
#
#	tiny(n)		about 340 octets
#	real(n)		24 kB in the mean: most of 2 to 30 kB, some of 100, a
#			few of up to 1 MB, the large ones mostly base64
#	big(size)	one message of so many octets
#
# A message is (octets with LF, Maildir flags, time); put() writes messages
# into a Maildir as Dovecot itself would have (LF, both sizes in the name).
import base64, os, random, subprocess, sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from servers import *

EPOCH = 1600000000
SETS = ("", "S", "RS", "F", "FS", "R", "FRS")
POOL = 1 << 21                  # octets of text, and of base64
POOLS = {}


def pool(kind):
    if kind not in POOLS:
        r = random.Random(kind)
        if kind == "text":
            lines = [" ".join(r.choices(WORDS, k=r.randint(4, 12))) +
                     " %d\n" % r.randrange(10 ** 6)
                     for _ in range(POOL // 60)]
            POOLS[kind] = "".join(lines).encode()
        else:
            POOLS[kind] = base64.encodebytes(r.randbytes(POOL * 3 // 4))
    return POOLS[kind]


def lines_of(kind, r, size):
    """About so many octets of whole lines."""
    p, out = pool(kind), []
    while size > 0:
        i = p.index(b"\n", r.randrange(len(p) - 4096)) + 1
        part = p[i:i + size]
        out.append(part[:part.rfind(b"\n") + 1] or b"short\n")
        size -= max(len(part), 80)
    return b"".join(out)


def header(n, kind):
    return (b"Received: from mx%d.example.net by mail.example.org; Thu, "
            b"1 Jan 2015 00:00:%02d +0000\nFrom: Sender %d <s%d@example.net>\n"
            b"To: user@example.org\nSubject: %s %d\n"
            b"Message-ID: <%d.%s@example.net>\n" %
            (n % 7, n % 60, n % 500, n % 500, kind, n, n, kind))


def tiny(n):
    r = random.Random(n)
    return (header(n, b"tiny") + b"\n" + lines_of("text", r, 170),
            SETS[n % len(SETS)], EPOCH + n * 60)


def size_of(r):
    x = r.random()
    if x < 0.9:
        return int(min(max(r.lognormvariate(8.9, 0.75), 1500), 30000))
    return r.randint(30000, 100000) if x < 0.98 else \
        r.randint(100000, 1000000)


def real(n):
    r = random.Random(n)
    size = size_of(r)
    h = header(n, b"real") + b"MIME-Version: 1.0\n"
    if size < 20000:
        body = b"Content-Type: text/plain\n\n" + lines_of("text", r, size)
    else:
        body = (b"Content-Type: multipart/mixed; boundary=\"=_b\"\n\n--=_b\n"
                b"\n" + lines_of("text", r, 3000) + b"\n--=_b\nContent-Type: "
                b"application/octet-stream\nContent-Transfer-Encoding: "
                b"base64\n\n" + lines_of("base64", r, size - 3000) +
                b"\n--=_b--\n")
    return h + body, SETS[n % len(SETS)], EPOCH + n * 60


def big(size):
    r = random.Random(size)
    h = header(size, b"big") + b"MIME-Version: 1.0\nContent-Type: " \
        b"application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
    return h + lines_of("base64", r, size - len(h)), "S", EPOCH


def maildir(server, box):
    d = server.store if box == "INBOX" else \
        os.path.join(server.store, "." + box)
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(d, sub), exist_ok=True)
    if box != "INBOX":
        open(os.path.join(d, "maildirfolder"), "w").close()
    return d


def put(server, box, messages):
    """Writes them; the caller gives the folder to the server's user."""
    d = maildir(server, box)
    for k, (text, flags, when) in enumerate(messages):
        p = os.path.join(d, "cur", "%d.M%dP1.host,S=%d,W=%d:2,%s" % (
            when, k % 10 ** 6, len(text), len(text) + text.count(b"\n"),
            flags))
        with open(p, "wb") as f:
            f.write(text)
        os.utime(p, (when, when))


def give(server):
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "%d:%d" % (USER.pw_uid, USER.pw_gid),
                        server.mail], check=True)


def subscribe(server, boxes):
    """As Dovecot keeps it; names here need no quoting."""
    with open(os.path.join(server.store, "subscriptions"), "w") as f:
        f.write("V\t2\n\n" + "".join(b + "\n" for b in boxes))
