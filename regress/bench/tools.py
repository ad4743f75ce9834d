# The programs that are measured: what each is called with.  A tool makes its
# command for a place (place.py: servers, state) and the port of the link.
import os, re, shutil, sys
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from servers import *

BUILD = os.path.join(TOP, "build")


class Tool:
    """interimap, ours or another; the same configuration file for all."""
    subscribes = dates = True
    probe = False               # looks at the servers only, keeps no state
    runs = 2                    # until a first sync is complete

    def __init__(self, name, program, prefix=(), args=()):
        self.name, self.program, self.args = name, program, list(args)
        self.prefix = list(prefix)
        self.builder = name     # whose state it works on
        self.host = "127.0.0.1"

    def command(self, place, port):
        server = (f"host = {self.host}\nusername = {USER.pw_name}\n"
                  f"password = {place.local.password}\n"
                  f"compress = {'YES' if place.compress else 'NO'}\n")
        conf = place.scratch.write("%s.%d.conf" % (self.name, port), f"""
database = {place.state}/state.db
[local]
type = imap
port = {place.local.imap}
STARTTLS = NO
{server}
[remote]
type = imaps
port = {port}
SSL_CAfile = {place.cert[0]}
{server}
""")
        return self.prefix + [self.program, "--config=" + conf,
                              "--quiet"] + self.args


class Mbsync(Tool):
    # It marks what it copies with a header field, and asks for no keywords.
    subscribes = False

    def command(self, place, port):
        user = (f"User {USER.pw_name}\nPass \"" +
                re.sub(r'(["\\])', r"\\\1", place.local.password) +
                "\"\nAuthMechs LOGIN\nTimeout 0\n")
        conf = place.scratch.write("%s.%d.conf" % (self.name, port), f"""
IMAPAccount L
Host 127.0.0.1
Port {place.local.imap}
SSLType None
{user}
IMAPStore L
Account L

IMAPAccount R
Host localhost
Port {port}
SSLType IMAPS
CertificateFile {place.cert[0]}
{user}
IMAPStore R
Account R

Channel c
Far :R:
Near :L:
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
Sync All
SyncState {place.state}/
""")
        return [self.program, "-q", "-c", conf, "c"]


class Probe(Tool):
    """Of probe.c; those that copy need to know which way, and what."""
    subscribes = False
    probe = True

    def __init__(self, name, args):
        self.name, self.args, self.builder = name, args, "ours"

    def command(self, place, port):
        argv = [os.path.join(BUILD, "probe"), "-c", place.cert[0], "-u",
                USER.pw_name, "-p", place.local.password] + self.args
        sides = ["tcp:%d" % place.local.imap, "tls:%d" % port]
        if self.name.startswith("floor"):
            return argv + sides
        return argv + (sides[::-1] if place.down else sides) + place.boxes


PROBES = {
    "floor3": ["floor", "3"], "floor4": ["floor", "4"],
    "floor5": ["floor", "5"], "pump": ["pump"],
    "pump128s": ["-s", "-b", "128", "pump"],
}


def tool_of(text):
    """None, and a line, for one that is not installed."""
    name, _, program = text.partition("=")
    if program:
        return Tool(name, os.path.abspath(program))
    if name == "ours":
        return Tool(name, reachable())
    if name == "ours-new":      # what it remembers is of another server name
        tool = Tool(name, reachable())
        tool.builder, tool.host = "ours", "localhost"
        return tool
    if name in PROBES:
        return Probe(name, PROBES[name])
    if name not in ("interimap", "interimap-nd", "mbsync"):
        sys.exit("bench: no such tool: " + name)
    program = shutil.which(name.removesuffix("-nd"))
    if program is None:
        print("# %s is not installed" % name)
        return None
    if name == "mbsync":
        return Mbsync(name, program)
    if name == "interimap":
        return Tool(name, program)
    tool = Tool(name, program, ["env", "LD_PRELOAD=" + readable(
        os.path.join(BUILD, "nodelay.so"))])
    tool.builder = "interimap"
    return tool


def readable(path):
    """A file of the build tree where the unprivileged user can read it."""
    if subprocess.run(as_user(["test", "-r", path])).returncode == 0:
        return path
    top = tempfile.mkdtemp(prefix="interimap-test.")
    atexit.register(shutil.rmtree, top, True)
    os.chmod(top, 0o755)
    return shutil.copy(path, top)
