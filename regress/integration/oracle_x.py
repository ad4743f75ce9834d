#!/usr/bin/env python3
# The program beside the packaged original: each scenario of the file `matrix`
# is run with both from one beginning, and must end alike on both servers, in
# the database and in the files, or differ as the manual says.  Facts that no
# scenario and no other test covers are reported as gaps.
#
#	oracle.py [part of a name]
import concurrent.futures, shutil, signal, sys
sys.dont_write_bytecode = True
import os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare, table, version0
from servers import *
from sides import *
from tap import *

ORIGINAL = "/usr/bin/interimap"
OURS = os.environ.get("INTERIMAP", os.path.join(TOP, "interimap",
                                                "interimap"))
PROGRAMS = {"ours": OURS, "theirs": ORIGINAL}
RUNS = ("run", "call", "by", "start")
DEADLINE = 60			# seconds, of a run
LANES = 6


class World:
    """Both sides and the files of one program in one scenario."""
    def __init__(self, scratch, scenario, who, cert):
        self.scratch, self.who, self.scenario = scratch, who, scenario
        self.dir, self.sides = scratch.dir, {}
        self.lines = {"conf": [], "local": [], "remote": [], "file": []}
        self.via, self.refs, self.environ = {}, {}, {}
        self.with_db, self.db = True, scratch.mkdir("sync") + "/state.db"
        self.cert, self.copy = cert, False
        self.statuses, self.result, self.watched = [], None, None
        self.steps = list(scenario.steps)
        self.began, self.helpers = False, []

    # -- steps --

    def begin(self, source=None):
        """All before the first run; mail is copied if the other has it."""
        for n, verb, rest in self.steps:
            if verb == "server":
                self.side(*table.words(rest))
        for name in "LR":
            if name not in self.sides:
                self.side(name, "dovecot")
        while self.steps and self.steps[0][1] not in RUNS:
            n, verb, rest = self.steps.pop(0)
            if verb in "LR" and source is not None:
                continue
            self.step(n, verb, rest)
        self.release()
        if source is not None:
            for name in "LR":
                self.sides[name].copy_from(source.sides[name])

    def rest(self):
        while self.steps:
            self.step(*self.steps.pop(0))
        self.end()

    def step(self, n, verb, rest):
        try:
            prefix = verb if verb in PROGRAMS else None
            if prefix:
                verb, _, rest = rest.partition(" ")
                rest = rest.strip()
            if verb in "LR":
                self.sides[verb].act(*table.words(self.expand(rest)))
            elif verb in self.lines:
                self.lines[verb].append(self.expand(rest))
            elif verb in CHECKS:
                self.check(CHECKS[verb], rest, prefix)
            else:
                getattr(self, "do_" + verb)(*table.words(self.expand(rest)))
        except Exception as e:
            raise AssertionError("%s, matrix:%d: %s: %s%s" % (
                self.who, n, type(e).__name__, e, self.said())) from None

    def said(self):
        r = self.result
        return "" if r is None else "\nstatus %s; it said: %s%s" % (
            r.status, r.out[-500:], r.err[-3000:])

    def release(self):
        for s in self.sides.values():
            s.release()

    def check(self, fn, rest, prefix):
        good = fn(self, self.expand(rest))
        want = prefix in (None, self.who)
        if bool(good) != want:
            raise AssertionError("%s %s" % (rest, "is not so" if want else
                                            "is so with both"))

    def side(self, name, kind, *args):
        self.sides[name] = KINDS[kind](self.scratch, name, args, self.cert)

    def expand(self, text):
        def value(m):
            side = self.sides.get(m.group(1)[0])
            return {"D": lambda: self.dir, "CR": lambda: "\r",
                    "TAB": lambda: "\t", "USER": lambda: USER.pw_name,
                    "PASSWORD": lambda: Dovecot.password,
                    "CA": lambda: self.cert.files[0],
                    "KEY": lambda: self.cert.files[1],
                    "PIN": lambda: self.cert.pin,
                    "L": lambda: side.tunnel(), "R": lambda: side.tunnel(),
                    "RPORT": lambda: str(side.server.imap),
                    "RPORTS": lambda: str(side.server.imaps),
                    "SCRIPTED": lambda: SCRIPTED,
                    }[m.group(1)]()
        return re.sub(r"\$\{?(D|CR|TAB|USER|PASSWORD|CA|KEY|PIN|RPORTS?|L|R|"
                      r"SCRIPTED)\b\}?", value, text)

    # -- preparations --

    def do_server(self, *args):
        pass

    def do_via(self, name, how):
        self.via[name] = how
        self.sides[name].start()

    def do_nodb(self, path="sync/state.db"):
        self.with_db, self.db = False, os.path.join(self.dir, path)

    def do_reference(self, name, reference):
        self.refs[name] = reference
        self.lines["local" if name == "L" else "remote"].append(
            "list-reference = " + reference)

    def do_env(self, setting):
        name, eq, value = setting.partition("=")
        self.environ[name] = value if eq else None

    def do_write(self, path, text, mode="600"):
        self.scratch.write(path, text.replace("\\n", "\n"), int(mode, 8))

    def do_mkdir(self, path, mode="755"):
        self.scratch.mkdir(path)
        os.chmod(os.path.join(self.dir, path), int(mode, 8))

    def do_chmod(self, path, mode):
        os.chmod(os.path.join(self.dir, path), int(mode, 8))

    def do_rm(self, path):
        os.unlink(os.path.join(self.dir, path))

    def do_hash(self, path):
        """The certificate in a folder as OpenSSL looks for it."""
        shutil.copy(self.cert.files[0], os.path.join(self.dir, path, "a.pem"))
        subprocess.run(["openssl", "rehash", os.path.join(self.dir, path)],
                       check=True, stdout=subprocess.DEVNULL)

    def do_old(self):
        """The database as a version before 0.5 would have left it."""
        version0.old(self.db, self.sides["L"].delimiter().encode())
        self.scratch.give(self.db)

    def do_behind(self, ready, *argv):
        """A program of the scenario's own, until its end."""
        p = subprocess.Popen(as_user(list(argv)), cwd=self.dir, env=self.env(),
                             stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        self.helpers.append(p)
        end = time.monotonic() + DEADLINE / 2
        while not os.path.exists(os.path.join(self.dir, ready)):
            if time.monotonic() > end or p.poll() is not None:
                raise AssertionError("%r does not begin" % (argv,))
            time.sleep(0.02)

    def do_sql(self, *statements):
        c = compare.sqlite3.connect(self.db)
        c.execute("PRAGMA foreign_keys = OFF")
        for s in statements:
            c.execute(s)
        c.commit()
        c.close()
        self.scratch.give(self.db)

    # -- runs --

    def section(self, name):
        if name in self.via:
            return self.sides[name].inet(self.via[name])
        return "type = tunnel\ncommand = %s\nnull-stderr = YES\n" % \
            self.sides[name].tunnel()

    def configure(self):
        if self.lines["file"]:
            text = "\n".join(self.lines["file"]) + "\n"
        else:
            top = ["database = " + self.db] if self.with_db else []
            text = "%s\n\n[local]\n%s%s\n\n[remote]\n%s%s\n" % (
                "\n".join(top + self.lines["conf"]), self.section("L"),
                "\n".join(self.lines["local"]), self.section("R"),
                "\n".join(self.lines["remote"]))
        if not self.began or self.lines["file"] is not None:
            self.conf = self.scratch.write("sync/config", text)
        self.began = True

    def env(self):
        e = self.scratch.env()
        e.update(self.environ)
        return {k: v for k, v in e.items() if v is not None}

    def spawn(self, who, args, out, err):
        self.release()
        self.configure()
        return subprocess.Popen(
            as_user([PROGRAMS[who]] + args), env=self.env(), cwd=self.dir,
            text=True, errors="replace", stdin=subprocess.DEVNULL,
            stdout=out, stderr=err)

    def go(self, who, args):
        p = self.spawn(who, args, subprocess.PIPE, subprocess.PIPE)
        try:
            out, err = p.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            err += "\n(took longer than %d s)" % DEADLINE
        self.ended(p.returncode, out, err)

    def ended(self, status, out, err):
        self.result = Result(subprocess.CompletedProcess([], status, out, err))
        self.statuses.append(status)

    def do_run(self, *args):
        self.go(self.who, ["--config=%s/sync/config" % self.dir] + list(args))

    def do_call(self, *args):
        self.go(self.who, list(args))

    def do_by(self, who, *args):
        self.go(who, ["--config=%s/sync/config" % self.dir] + list(args))

    def do_start(self, *args):
        self.err = open(os.path.join(self.dir, "sync", "stderr"), "w+")
        self.watched = self.spawn(self.who, [
            "--config=%s/sync/config" % self.dir] + list(args),
            subprocess.DEVNULL, self.err)

    def heard(self):
        with open(self.err.name, errors="replace") as f:
            return f.read()

    def do_until(self, what, times="1"):
        end = time.monotonic() + DEADLINE / 2
        while len(re.findall(what, self.heard(), re.M)) < int(times):
            if time.monotonic() > end or self.watched.poll() is not None:
                raise AssertionError("never heard; it said: " + self.heard())
            time.sleep(0.05)

    def do_signal(self, name):
        self.watched.send_signal(getattr(signal, "SIG" + name))

    def do_wait(self):
        self.watched.wait(timeout=DEADLINE / 2)
        self.ended(self.watched.returncode, "", self.heard())
        self.err.close()

    def end(self):
        """What the scenario started and has not ended itself."""
        if self.watched is not None and self.watched.poll() is None:
            self.watched.kill()
            self.watched.wait()
        for p in self.helpers:
            p.stdin.close()
            p.wait(timeout=DEADLINE)
        self.helpers = []
        self.release()

    # -- afterwards --

    def files(self):
        """Below HOME and the like: what there is, and its mode."""
        out = {}
        for top in ("home", "xdg"):
            for d, dirs, files in os.walk(os.path.join(self.dir, top)):
                for n in dirs + files:
                    p = os.path.join(d, n)
                    if not n.endswith("-journal"):
                        out[os.path.relpath(p, self.dir)] = \
                            oct(os.stat(p).st_mode & 0o777)
        return out

    def outcome(self):
        l, r = (self.sides[n].view() for n in "LR")
        names = [compare.Names(self.sides[n].delimiter(), self.refs.get(
            n, "")) for n in "LR"]
        return {
            "exit": self.statuses,
            "L": (l[0], compare.content(l[1]), l[2]),
            "R": (r[0], compare.content(r[1]), r[2]),
            "database": compare.known(self.db, [(l[1], names[0]),
                                                (r[1], names[1])]),
            "files": self.files(),
        }


# ---- what is looked for after a run ----

def holds(w, rest):
    """A mailbox holds the messages of these numbers, and no other."""
    side, box, *numbers = table.words(rest)
    box = w.sides[side].view()[1].get(box)
    if numbers == ["absent"]:
        return box is None
    if box is None:
        return not numbers and not w.sides[side].view()[1]
    have = sorted(m[0] for m in box.messages.values())
    want = sorted(digest(int(n)) for n in numbers)
    return have == want


def mode(w, rest):
    path, want = table.words(rest)
    return os.stat(os.path.join(w.dir, path)).st_mode & 0o7777 == int(want, 8)


def value(w, rest):
    """A value that SQL finds in the database."""
    want, sql = rest.split(None, 1)
    c = compare.reading(w.db)
    try:
        return str(c.execute(sql).fetchone()[0]) == want
    finally:
        c.close()


def times(w, rest):
    """So many lines of what was said hold that."""
    n, what = rest.split(None, 1)
    return len(re.findall(what, w.result.err, re.M)) == int(n)


def logged(w, rest):
    with open(os.path.join(w.dir, "log"), errors="replace") as f:
        return re.search(rest, f.read(), re.M)


CHECKS = {
    "exit": lambda w, rest: w.result.status == int(rest),
    "says": lambda w, rest: re.search(rest, w.result.err, re.M),
    "silent": lambda w, rest: not re.search(rest or ".", w.result.err, re.M),
    "out": lambda w, rest: re.search(rest, w.result.out, re.M),
    "noout": lambda w, rest: not re.search(rest or ".", w.result.out, re.M),
    "logged": logged,
    "unlogged": lambda w, rest: not logged(w, rest),
    "holds": holds, "mode": mode, "times": times, "value": value,
    "exists": lambda w, rest: os.path.exists(os.path.join(w.dir, rest)),
    "absent": lambda w, rest: not os.path.exists(os.path.join(w.dir, rest)),
}


# ---- both ----

def alike(aspect, ours, theirs):
    if aspect == "exit":
        return [s == 0 for s in ours] == [s == 0 for s in theirs]
    return ours == theirs


def first_difference(a, b, path=""):
    """Where two outcomes begin to differ, in words."""
    if type(a) != type(b) or not isinstance(a, (dict, list, tuple)) or (
            not isinstance(a, dict) and len(a) != len(b)):
        return "%s: %r is not %r" % (path, a, b)
    keys = sorted(set(a) | set(b), key=repr) if isinstance(a, dict) else \
        range(len(a))
    for k in keys:
        if isinstance(a, dict) and (k not in a or k not in b):
            return "%s: %r is with %s only" % (
                path, k, "us" if k in a else "the original")
        if a[k] != b[k]:
            return first_difference(a[k], b[k], "%s %s" % (path, k))
    return path + " are equal"


def judge(s, ours, theirs):
    wrong = []
    for aspect in ours:
        a, b = ours[aspect], theirs[aspect]
        if aspect + "?" in s.aspects:		# by chance, with the original
            continue
        if aspect in s.aspects:
            if aspect != "words" and a == b:
                wrong.append("%s is not different any more" % aspect)
        elif not alike(aspect, a, b):
            if aspect == "exit":
                a, b = [s == 0 for s in a], [s == 0 for s in b]
            wrong.append(first_difference(a, b, aspect))
    if wrong:
        raise AssertionError("ours and the original: " + "\n".join(wrong))


def offered(need):
    """Is this option part of this version?"""
    if need.startswith("--"):
        return need[1:] not in table.not_available()
    with Scratch() as s:
        conf = s.write("config", "[local]\ntype = tunnel\ncommand = false\n"
                       "[remote]\ntype = tunnel\ncommand = false\n%s\n" %
                       need)
        r = subprocess.run(as_user([OURS, "--config=" + conf]), env=s.env(),
                           stdin=subprocess.DEVNULL, timeout=DEADLINE,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return b"in this version" not in r.stderr


def scenario(s, cert):
    for need in s.needs:
        if not offered(need):
            raise Skip("not in this version")
    whos = ["ours"] if s.end == "alone" or not os.access(
        ORIGINAL, os.X_OK) else ["ours", "theirs"]
    worlds, ends = [], []
    try:
        for who in whos:
            w = World(Scratch(), s, who, cert)
            worlds.append(w)
            w.begin(worlds[0] if w is not worlds[0] else None)
        for w in worlds:
            w.rest()
            ends.append(w.outcome())
    finally:
        for w in worlds:
            w.end()
            w.scratch.close()
    if len(ends) == 2:
        judge(s, *ends)
    elif s.end != "alone":
        raise Skip("no original program")


def timed(s, cert):
    began = time.monotonic()
    try:
        scenario(s, cert)
    finally:
        s.took = time.monotonic() - began


def none(found):
    found = list(found)
    if found:
        raise AssertionError("\n".join(found))


def main(only):
    m = table.Matrix(os.path.join(HERE, "matrix"))
    cert = Certificate()
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        jobs = [(s, pool.submit(timed, s, cert)) for s in m.scenarios
                if only in s.name]
        for s, job in jobs:
            test("%s%s" % ("" if s.end == "alone" else "as the original: " if
                           s.end == "same" else "unlike the original: ",
                           s.name), job.result)
    cert.close()
    print("# longest: " + ", ".join("%.1f s %s" % (s.took, s.name) for s in
                                    sorted((s for s, _ in jobs), key=lambda
                                           s: -s.took)[:5]))
    if only:
        return
    compared = {k for s in m.scenarios if s.end != "alone" for k in s.facts}
    print("# %d facts: %d compared with the original, %d by other tests "
          "alone" % (len(m.facts), len(compared), len([
              k for k, f in m.facts.items() if f.see and k not in compared])))
    test("no fact without a test", none, table.gaps(m))
    test("tests that facts name are there", none, table.dead_ends(m))
    test("the manual has every difference, and no other", none,
         table.unexplained(m))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
    done()
