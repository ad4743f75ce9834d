# The scripted server (regress/hostile) as a tunnel command with COMPRESS (RFC
# 4978), right or wrong as told.  Started by compress.py:
#
#	zipserver.py MAILSTORE LOGFILE OPTIONS
#
# OPTIONS is a Python dictionary; see DEFAULTS.  The log tells, line by line,
# what was seen of the client's compression.
import ast, os, random, select, sys, zlib
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "hostile"))
from mailstore import Store
from quirks import Quirks
from refserver import Server
from wire import BadSyntax, Channel, Closed

PATIENCE = 0.2          # seconds in which nothing may follow COMPRESS

DEFAULTS = {
    "quirks": [],
    "answer": "OK Begin compression",
    "then": "right",    # or a method of Zip
    "behind": "",       # said in the same write as the answer
}


class Zip(Channel):
    """A channel that deflates once it is told to."""
    def __init__(self, log):
        super().__init__(0, 1)
        self.log, self.on = log, False

    def note(self, text):
        self.log.write(text + "\n")
        self.log.flush()

    def quiet(self):
        """Nothing comes behind COMPRESS, though LIST is answered."""
        self.flush()
        early = self.inbuf or select.select([self.rfd], [], [], PATIENCE)[0]
        self.note("early" if early else "waits")

    def begin(self, then, behind):
        self.inflate = zlib.decompressobj(-15)
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.then = getattr(self, then)
        out, self.out = self.out, b""
        if behind:
            out += self.right(behind.encode())
        super().write_all(out)
        self.on = True

    def read(self):
        data = super().read()
        if not self.on or not data:
            return data
        try:
            text = self.inflate.decompress(data)
        except zlib.error as e:
            self.note("ill: %s" % e)
            raise Closed("not deflated")
        self.note("%d %d" % (len(data), len(text)))
        return text or self.read()

    def write_all(self, data):
        if self.on and data:
            data = self.then(data)
        super().write_all(data)

    # What becomes of the octets to be sent.

    def right(self, data):
        return self.deflate.compress(data) + self.deflate.flush(
            zlib.Z_SYNC_FLUSH)

    def clear(self, data):
        return data

    def empties(self, data):
        """Blocks of no octets before and behind."""
        none = b"\0\0\0\xff\xff" * 50
        return none + self.right(data) + none

    def noise(self, data):
        return b"\xff" + random.Random(1).randbytes(5000)

    def cut(self, data):
        data = self.right(data)
        super().write_all(data[:len(data) // 2])
        raise Closed("cut")

    def finish(self, data):
        """The end of the stream, though not of the connection."""
        super().write_all(self.deflate.compress(data) + self.deflate.flush())
        self.hang()

    def empty(self, data):
        """Blocks without data for ever."""
        while True:
            super().write_all(b"\0\0\0\xff\xff" * 1000)

    def bomb(self, data):
        """A line that does not end, a thousand times its own size."""
        super().write_all(self.right(b"* OK "))
        block = self.right(b"x" * (16 << 20))
        while True:
            super().write_all(block)


class ZipServer(Server):
    def __init__(self, ch, store, o):
        self.o = o
        super().__init__(ch, store, Quirks(o["quirks"]), None)

    def caps(self):
        return super().caps() + b" COMPRESS=DEFLATE"

    def execute(self, tag, verb, args):
        if verb != "COMPRESS":
            super().execute(tag, verb, args)
            return
        if self.ch.on or args != [b"DEFLATE"]:
            raise BadSyntax("COMPRESS")
        self.ch.quiet()
        self.ch.write(tag + b" " + self.o["answer"].encode() + b"\r\n")
        if self.o["answer"].startswith("OK"):
            self.ch.begin(self.o["then"], self.o["behind"])


def main():
    folder, logfile, options = sys.argv[1:]
    with open(logfile, "w") as log:
        ZipServer(Zip(log), Store(folder),
                  dict(DEFAULTS, **ast.literal_eval(options))).run()


if __name__ == "__main__":
    main()
