# The two sides of a scenario of oracle.py: real Dovecots or scripted servers,
# with the same verbs for what a user does to them.
import shutil, threading
import compare
from badserver import Account, SCRIPTED
from servers import *

DATE = "%02d-Mar-2024 10:11:12 +0100"
ONE_AT_A_TIME = threading.Lock()	# ports are picked, then taken


def digest(n):
    return hashlib.sha256(octets(n)).hexdigest()


def octets(n):
    return re.sub(rb"\r?\n", b"\r\n", sample(n).encode())


class Certificate:
    """One for all scenarios, and the digest of its key."""
    def __init__(self):
        self.scratch = Scratch()
        self.files = make_cert(self.scratch, "cert")
        der = subprocess.run(
            "openssl x509 -in %s -pubkey -noout | openssl pkey -pubin "
            "-outform DER" % self.files[0], shell=True, check=True,
            stdout=subprocess.PIPE).stdout
        self.pin = hashlib.sha256(der).hexdigest()

    def close(self):
        self.scratch.close()


class Real:
    """A Dovecot.  Words: sep=C, fs, mdbox, tls, zlib, delay=no."""
    def __init__(self, scratch, name, args, cert):
        extra, self.sep, tls = "auth_failure_delay = 0\n", ".", False
        mail = os.path.join(scratch.dir, name, "mail", "store")
        for a in args:
            if a.startswith("sep="):
                self.sep = a[4:]
            elif a == "fs":
                extra += "mail_location = maildir:%s:LAYOUT=fs\n" % mail
            elif a == "mdbox":
                extra += "mail_location = mdbox:%s\n" % mail
            elif a == "tls":
                tls = True
            elif a == "zlib":
                extra += "protocol imap {\n  mail_plugins = imap_zlib\n}\n"
            else:
                raise ValueError("unknown word for a server: " + a)
        with ONE_AT_A_TIME:
            self.server = Dovecot(scratch, name, extra, sep=self.sep,
                                  cert=cert.files if tls else None)
        self.mail, self.c = self.server.mail, None

    def tunnel(self):
        return self.server.tunnel()

    def start(self):
        with ONE_AT_A_TIME:
            self.server.start()

    def inet(self, how):
        if how == "none":
            return ""
        s = self.server
        text = "type = %s\nhost = localhost\nport = %d\nusername = %s\n" \
            "password = %s\n" % (how, s.imaps if how == "imaps" else s.imap,
                                 USER.pw_name, s.password)
        if s.cert is None:
            return text + "STARTTLS = NO\n"
        return text + "SSL_CAfile = %s\n" % s.cert[0]

    def delimiter(self):
        return self.sep

    def copy_from(self, other):
        shutil.rmtree(self.mail)
        subprocess.run(["cp", "-a", other.mail, self.mail], check=True)

    def client(self):
        if self.c is None:
            self.c = self.server.client()
        return self.c

    def release(self):
        if self.c is not None:
            self.c.close()
            self.c = None

    def view(self):
        self.release()
        return compare.snapshot(self.server)

    def act(self, verb, *a):
        c = self.client()
        if verb == "create":
            for n in a:
                c.create(n)
        elif verb == "make":
            for n in a:
                c.create(n, subscribe=False)
        elif verb == "add":
            c.append(a[0], octets(int(a[1])), " ".join(a[2:]),
                     DATE % (1 + int(a[1]) % 28))
        elif verb == "fill":
            for n in range(int(a[1]), int(a[1]) + int(a[2])):
                c.append(a[0], octets(n), "\\Seen", DATE % (1 + n % 28))
        elif verb == "flag":
            c.store(a[0], a[1], a[2], " ".join(a[3:]))
        elif verb == "del":
            c.expunge(a[0], a[1])
        elif verb == "rename":
            c.ok(c.c.rename(*[quote(n) for n in a]))
        elif verb in ("delete", "subscribe", "unsubscribe"):
            for n in a:
                c.ok(getattr(c.c, verb)(quote(n)))
        else:
            raise ValueError("unknown action: " + verb)


class Played(Account):
    """A scripted server; its words are options of scripted.py."""
    def __init__(self, scratch, name, args, cert):
        super().__init__(scratch, name)
        self.name, self.args = name, args

    def tunnel(self):
        return re.search("command = (.*)", self.section(*self.args)).group(1)

    def delimiter(self):
        return "/"

    def release(self):
        pass

    def copy_from(self, other):
        shutil.rmtree(self.dir)
        subprocess.run(["cp", "-a", other.dir, self.dir], check=True)

    def act(self, verb, box, *a):
        def change(st):
            b = st.get(box) or st.create(box)
            if verb == "create":
                b.subscribed = True
            elif verb == "add":
                b.add(a[1:], DATE % (1 + int(a[0]) % 28), octets(int(a[0])))
            elif verb == "make":
                pass
            elif verb == "flag":
                old = set(b.messages[int(a[0])].flags)
                b.flag(int(a[0]), old | set(a[2:]) if a[1] == "+" else
                       old - set(a[2:]))
            elif verb == "del":
                b.expunge([int(u) for u in a])
            elif verb == "recreate":
                st.recreate(box)
            elif verb == "delete":
                del st.mailboxes[box]
            elif verb == "fill":
                for n in range(int(a[0]), int(a[0]) + int(a[1])):
                    b.add(["\\Seen"], DATE % (1 + n % 28), octets(n))
            elif verb == "empty":
                b.add([], DATE % 1, b"")
            else:
                raise ValueError("unknown action: " + verb)
        if verb == "behaves":	# from now on
            self.args = [w for w in (box,) + a if w != "well"]
        else:
            self.change(change)

    def view(self):
        boxes, subscribed = {}, []
        from mailstore import Store
        for n, b in Store(self.dir).mailboxes.items():
            boxes[n] = compare.Box(b.uidvalidity, b.uidnext, b.modseq)
            if b.subscribed:
                subscribed.append(n)
            for uid, m in b.messages.items():
                boxes[n].messages[uid] = (
                    hashlib.sha256(m.body).hexdigest(),
                    tuple(sorted(f.lower() for f in m.flags)), m.date)
        return [], boxes, sorted(subscribed)


KINDS = {"dovecot": Real, "scripted": Played}
