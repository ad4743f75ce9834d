#!/usr/bin/env python3
# Runs of the real program under strace(1): from its first read from the server
# on, no open of an imapchild succeeds, and socket, connect, exec and fork are
# not attempted.  regress/sandbox/strace.sh runs the command and judges.
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from connect import Proxy, option
from servers import *
from tap import *

JUDGE = os.path.join(TOP, "regress", "sandbox", "strace.sh")


def judged(s, p):
    """One run under the judge, whose findings are ours."""
    if os.getuid() != 0:
        raise Skip("the programs are not dumpable: only root sees them")
    q = subprocess.run(["sh", JUDGE, "-u", USER.pw_name, p.program,
                        "--config=" + p.conf], env=s.env(), text=True, timeout=120,
                       errors="replace", stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in q.stdout.splitlines():
        print("#   " + line)
    eq(q.returncode, 0, "the judge's verdict; the program said: " + q.stderr)
    has(q.stdout, "the command succeeded", "2 imapchild seen")
    eq(q.stdout.count("nothing but what it had"), 2, "imapchildren judged")


def equal(l, r, count):
    with l.client() as a, r.client() as b:
        x, y = a.snapshot(), b.snapshot()
    eq(x, y, "the two sides")
    eq(sum(len(v) for v in x.values()), count, "messages")


def runs(section, tls):
    """The first one, one with changes on both sides, one with nothing to do."""
    with Scratch() as s:
        cert = make_cert(s, "cert") if tls else None
        l, r = (Dovecot(s, name, cert=cert) for name in ("L", "R"))
        fill_maildir(l, ["INBOX", "A"], count=30)
        fill_maildir(r, ["INBOX", "B"], first=100, count=20)
        if tls:
            l.start()
            r.start()
        p = Interimap(s, section(l), section(r))
        judged(s, p)
        equal(l, r, 100)
        with l.client() as a, r.client() as b:
            a.store("INBOX", "1:3", "+", "\\Answered")
            a.expunge("A", "1:2")
            b.expunge("B", "1")
            b.append("INBOX", sample(500), "\\Seen")
        judged(s, p)
        equal(l, r, 98)
        judged(s, p)


def by_proxy():
    """The first read is that of the proxy's answer: it was locked before."""
    with Scratch() as s:
        cert = make_cert(s, "cert")
        l, r = Dovecot(s, "L"), Dovecot(s, "R", cert=cert).start()
        fill_maildir(l, ["INBOX"], count=3)
        fill_maildir(r, ["INBOX"], first=10, count=2)
        judged(s, Interimap(s, tunnel_section(l),
                            imaps_section(r) + option(Proxy(s))))
        equal(l, r, 5)


if __name__ == "__main__":
    test("synchronization by TLS", runs, imaps_section, True)
    test("synchronization through a SOCKS5 proxy", by_proxy)
    test("synchronization by tunnels", runs, tunnel_section, False)
    done()
