# Reads the file `matrix`: facts and scenarios, in the small language that its
# head explains; and finds what it leaves out.  For oracle.py.
import os, re, shlex

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ABSENT = "Not in this version"
HEADING = ".Sh DIFFERENCES FROM THE ORIGINAL"


class Bad(Exception):
    pass


def words(text):
    """Words as in a shell, but a backslash is a backslash."""
    lex = shlex.shlex(text, posix=True)
    lex.whitespace_split, lex.escape, lex.commenters = True, "", ""
    return list(lex)


class Fact:
    def __init__(self, text):
        self.text, self.see, self.scenarios = text, [], []


class Scenario:
    def __init__(self, name, line):
        self.name, self.line = name, line
        self.facts, self.steps, self.needs = [], [], []
        self.end = None			# "same", "differs" or "alone"
        self.keys, self.aspects = [], set()

    def __str__(self):
        return "line %d: %s" % (self.line, self.name)


class Matrix:
    def __init__(self, path):
        self.facts, self.scenarios, self.last = {}, [], None
        with open(path, encoding="utf-8") as f:
            for n, line in enumerate(f, 1):
                text = line.rstrip("\n")
                if not text.strip() or text.lstrip().startswith("#"):
                    continue
                try:
                    self.line(n, text)
                except (Bad, ValueError) as e:
                    raise Bad("matrix:%d: %s" % (n, e))

    def line(self, n, text):
        verb, _, rest = text.strip().partition(" ")
        rest = rest.strip()
        if text[0] != "\t":
            self.head(n, verb, rest)
        elif isinstance(self.last, Fact):
            if verb != "see":
                raise Bad("a fact has lines `see FILE \"NAME\"` only")
            self.last.see.append(tuple(words(rest)))
        else:
            self.body(n, verb, rest)

    def head(self, n, verb, rest):
        if verb == "fact":
            key, _, text = rest.partition(" ")
            if key in self.facts:
                raise Bad("fact %s is here twice" % key)
            self.last = self.facts[key] = Fact(text)
        elif verb == "scenario":
            if any(s.name == rest for s in self.scenarios):
                raise Bad("scenario %s is here twice" % rest)
            self.last = Scenario(rest, n)
            self.scenarios.append(self.last)
        else:
            raise Bad("`fact` or `scenario` is wanted")

    def body(self, n, verb, rest):
        s = self.last
        if s is None:
            raise Bad("neither a fact nor a scenario is open")
        if verb == "facts":
            for key in words(rest):
                if key not in self.facts:
                    raise Bad("no such fact: " + key)
                self.facts[key].scenarios.append(s)
                s.facts.append(key)
        elif verb == "needs":
            s.needs.append(rest)
        elif verb in ("same", "alone"):
            s.end = verb
        elif verb == "differs":
            aspects, _, key = rest.partition(" ")
            s.end = verb
            s.aspects |= set(aspects.split(","))
            s.keys.append(key.strip())
        else:
            s.steps.append((n, verb, rest))


# ---- what is missing ----

def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def differences():
    """{head: text} of the list under DIFFERENCES."""
    text = text_of("man/interimap.1")
    if HEADING not in text:
        raise Bad("man/interimap.1 has no " + HEADING)
    part = text.split(HEADING, 1)[1].split("\n.Sh ", 1)[0]
    out = {}
    for item in part.split("\n.It ")[1:]:
        head, _, body = item.partition("\n")
        out[re.sub("Fl ", "-", re.sub("No ", "", head.strip()))] = body
    return out


def not_available():
    """What the manual says is not in this version."""
    return differences().get(ABSENT, "")


def options():
    """The facts that the tables in the program ask for."""
    for kind, path in (("option", "interimap/options.c"),
                       ("config", "interimap/conftab.c")):
        for name in re.findall(r'^\t\{ "([^"]+)",', text_of(path), re.M):
            yield "%s.%s" % (kind, name)


def gaps(m):
    """Facts without anything, and options without a fact."""
    for key, f in m.facts.items():
        if not f.scenarios and not f.see:
            yield "fact %s (%s): no scenario" % (key, f.text)
    for key in options():
        if key not in m.facts:
            yield "fact %s is not in the matrix" % key
    for s in m.scenarios:
        if s.end is None:
            yield "%s: no end (same, differs or alone)" % s
        if not s.facts:
            yield "%s: is about no fact" % s


def dead_ends(m):
    """`see` lines that point nowhere."""
    for key, f in m.facts.items():
        for see in f.see:
            path = see[0] if "/" in see[0] else "integration/" + see[0]
            if len(see) != 2:
                yield "fact %s: see FILE \"NAME\" is wanted" % key
            elif not os.path.exists(os.path.join(TOP, "regress", path)):
                yield "fact %s: no file %s" % (key, path)
            elif see[1] not in text_of("regress/" + path):
                yield "fact %s: no \"%s\" in %s" % (key, see[1], path)


def unexplained(m):
    """Differences without a line in the manual, and such lines unused."""
    have, used = differences(), {k for s in m.scenarios for k in s.keys}
    for s in m.scenarios:
        for k in s.keys:
            if k not in have:
                yield "%s: \"%s\" is not in the manual" % (s, k)
    for k in have:
        if k not in used and k != ABSENT:
            yield "no scenario shows the difference \"%s\"" % k
