# The program under --notify as a test sees it: what it says, which processes it
# has, and how long something takes to happen.  Used by notify.py.
import os, signal, subprocess, threading, time

DEADLINE = 20		# seconds for what takes one


def until(what, fn, seconds=DEADLINE):
    """Wait for fn() to be true; how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if fn():
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError("not within %d s: %s" % (seconds, what))


def parent_of(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError):
        return 0


def children(pid):
    return [int(p) for p in os.listdir("/proc")
            if p.isdigit() and parent_of(int(p)) == pid]


def name(pid):
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().strip()
    except OSError:
        return ""


def ticks(pids):
    """CPU time of these processes, in clock ticks."""
    n = 0
    for p in pids:
        with open("/proc/%d/stat" % p) as f:
            n += sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])
    return n


class Watch:
    """The program under --notify, and what it says."""
    def __init__(self, sync, *args, argv=None):
        self.said, self.lock = [], threading.Lock()
        self.p = subprocess.Popen(
            argv or sync.argv("--notify", "--debug", *args), text=True,
            env=sync.scratch.env(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            errors="replace")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.p.stderr:
            with self.lock:
                self.said.append(line.rstrip("\n"))

    def lines(self, *needles):
        with self.lock:
            return [l for l in self.said if all(n in l for n in needles)]

    def count(self, *needles):
        return len(self.lines(*needles))

    def waiting(self, times=1):
        """Both servers were asked to tell so often, and answered."""
        until("NOTIFY SET on both sides", lambda: min(
            self.count(s, "C: ", "NOTIFY SET") for s in
            ("local", "remote")) >= times)
        lengths = [-1]

        def quiet():
            time.sleep(0.1)
            lengths.append(self.count(""))
            return lengths[-4:-3] == lengths[-1:]
        until("a pause", quiet)

    def session(self):
        return [p for p in children(self.p.pid) if name(p) == "interimap"][0]

    def processes(self):
        s = self.session()
        return [self.p.pid, s] + [p for p in children(s) if name(p) in
                                  ("imapchild", "statedb")]

    def end(self, sig=signal.SIGTERM):
        if self.p.poll() is None:
            self.p.send_signal(sig)
        status = self.p.wait(timeout=DEADLINE)
        self.reader.join(DEADLINE)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *a):
        if self.p.poll() is None:
            self.p.terminate()
            try:
                self.p.wait(timeout=5)
            except subprocess.TimeoutExpired:
                for p in children(self.p.pid) + [self.p.pid]:
                    os.kill(p, signal.SIGKILL)
                self.p.wait()
        if a[0] is not None:
            for l in self.said[-60:]:
                print("# | " + l[:200])
