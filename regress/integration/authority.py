# For the tests of TLS: a scratch authority with certificates of any dates and
# names, digests of their keys as openssl(1) computes them, and a relay in
# front of a server that speaks TLS in its place and keeps what the client
# says, apart before the handshake and behind it.
import select, ssl, threading
from servers import *

DAY = 86400
CONF = """[ca]
default_ca = scratch
[scratch]
dir = %s
new_certs_dir = $dir
database = $dir/index
serial = $dir/serial
default_md = sha256
unique_subject = no
policy = names
[names]
commonName = supplied
"""


def openssl(*args, text=None):
    return subprocess.run(("openssl",) + args, check=True, input=text,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def date(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() +
                                                      days * DAY))


class Authority:
    """Issues certificates: (file, key), as make_cert() gives them."""
    def __init__(self, scratch, name):
        self.scratch, self.dir = scratch, scratch.mkdir(name)
        self.conf = scratch.write(name + "/conf", CONF % self.dir)
        scratch.write(name + "/index", "")
        scratch.write(name + "/serial", "1000\n")
        self.file, self.key = make_cert(scratch, name + "/ca", cn=name)
        os.chmod(self.file, 0o644)

    def issue(self, name, san, kind="ec", begin=-2, end=30):
        """Valid from begin to end, in days from now."""
        crt, key, csr = [os.path.join(self.dir, name + x)
                         for x in (".crt", ".key", ".csr")]
        new = ["-newkey", "rsa:2048"] if kind == "rsa" else [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", *new, "-nodes", "-keyout", key, "-out", csr, "-subj",
                "/CN=" + name)
        ext = self.scratch.write(os.path.join(self.dir, name + ".ext"),
                                 "subjectAltName=%s\n" % san)
        openssl("ca", "-batch", "-notext", "-config", self.conf, "-cert",
                self.file, "-keyfile", self.key, "-startdate", date(begin),
                "-enddate", date(end), "-extfile", ext, "-in", csr, "-out",
                crt)
        for f in (crt, key):
            self.scratch.give(f)
        return crt, key

    def folder(self, name):
        """A folder in hash format that holds this authority."""
        d = self.scratch.mkdir(name)
        shutil.copy(self.file, d)
        openssl("rehash", d)
        os.chmod(d, 0o755)
        return d


def digest(cert, algo="sha256"):
    """Of the SubjectPublicKeyInfo, in hex."""
    pub = openssl("x509", "-in", cert[0], "-pubkey", "-noout")
    der = openssl("pkey", "-pubin", "-outform", "DER", text=pub)
    return openssl("dgst", "-" + algo, "-r", text=der).split()[0].decode()


class Relay:
    """
    One connection after the other: TLS with the client, at once or when it
    says STARTTLS, the clear with the server at this port (None: a greeting,
    and then silence).  inject: octets that go out in the clear behind the OK
    to STARTTLS, in the same segment or, later, in one of its own.
    """
    def __init__(self, scratch, cert, port=None, starttls=False, inject=b"",
                 later=False, answer=b"OK go"):
        self.to, self.starttls, self.inject = port, starttls, inject
        self.later, self.answer = later, answer
        self.clear, self.inside, self.shaken = b"", b"", 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*cert)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.idle = threading.Event()
        scratch.servers.append(self)
        threading.Thread(target=self.serve, daemon=True).start()

    def stop(self):
        self.listener.close()

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.idle.clear()
            conn.settimeout(30)
            try:
                self.talk(conn)
            except (OSError, ssl.SSLError):
                pass            # refused by the client: what is tested
            finally:
                conn.close()
                self.idle.set()

    def talk(self, conn):
        if self.starttls:
            conn.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] "
                         b"hello\r\n")
            while not self.clear.endswith(b"\r\n"):
                data = conn.recv(4096)
                if not data:
                    return
                self.clear += data
            said = self.clear.split()[0] + b" " + self.answer + b"\r\n"
            if self.later:
                conn.sendall(said)
                time.sleep(0.1)
                conn.sendall(self.inject)
            else:
                conn.sendall(said + self.inject)
        with self.context.wrap_socket(conn, server_side=True) as tls:
            self.shaken += 1
            self.pass_on(tls)

    def pass_on(self, tls):
        if self.to is None:
            if not self.starttls:
                tls.sendall(b"* OK hello\r\n")
            while True:
                data = tls.recv(65536)
                if not data:
                    return
                self.inside += data
        with socket.create_connection(("127.0.0.1", self.to), 30) as s:
            if self.starttls:
                s.recv(4096)    # its greeting; the client has had one
            while True:
                ready = [tls] if tls.pending() else \
                    select.select([tls, s], [], [], 30)[0]
                for f in ready:
                    data = f.recv(65536)
                    if not data:
                        return
                    if f is tls:
                        self.inside += data
                    (s if f is tls else tls).sendall(data)

    def heard(self):
        """(in the clear, inside of TLS), once the connection is over."""
        if not self.idle.wait(30):
            raise RuntimeError("the connection does not end")
        return self.clear, self.inside
