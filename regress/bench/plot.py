# Plots as SVG, without a library: lines over an axis, time or memory.
import math, os, sys
sys.dont_write_bytecode = True

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 40, 50
COLOURS = {"ours": "#0050b0", "interimap": "#c03000", "mbsync": "#208030",
           "floor3": "#909090", "floor4": "#707070", "floor5": "#505050",
           "pump": "#707070", "interimap-nd": "#d08000"}


class Axis:
    """From values to points; with log, zero is not shown."""
    def __init__(self, low, high, a, b, log=False):
        self.f = math.log10 if log else float
        self.low, self.high = self.f(low), self.f(high)
        self.a, self.b, self.log = a, b, log

    def at(self, v):
        span = (self.high - self.low) or 1
        return self.a + (self.f(v) - self.low) / span * (self.b - self.a)

    def ticks(self):
        if self.log:
            return [10.0 ** e for e in range(math.ceil(self.low),
                                             math.floor(self.high) + 1)]
        step = 10.0 ** math.floor(math.log10(self.high or 1))
        while self.high / step < 4:
            step /= 2
        return [i * step for i in range(int(self.high / step) + 1)]


def text(x, y, s, anchor="middle", more=""):
    return ('<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' %
            (x, y, anchor, more, s))


def frame(x, y, xs, xlabel, ylabel, title):
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="12">' % (WIDTH, HEIGHT),
           '<rect width="100%" height="100%" fill="white"/>',
           text(LEFT, 22, title, "start", ' font-size="14"')]
    for v in y.ticks():
        out.append('<path d="M%d %.1fH%d" stroke="#ddd"/>' % (
            LEFT, y.at(v), WIDTH - RIGHT))
        out.append(text(LEFT - 6, y.at(v) + 4, "%g" % v, "end"))
    for v in xs:
        out.append(text(x.at(v), HEIGHT - BOTTOM + 18, "%g" % v))
    out.append('<path d="M%d %dV%dH%d" fill="none" stroke="black"/>' % (
        LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, xlabel))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(text(18, middle, ylabel, "middle",
                    ' transform="rotate(-90 18 %g)"' % middle))
    return out


def line(x, y, name, points, place):
    colour = COLOURS.get(name, "#000000")
    where = [(x.at(a), y.at(b)) for a, b in points]
    out = ['<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>'
           % (colour, " ".join("%.1f,%.1f" % w for w in where))]
    out += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (*w, colour)
            for w in where]
    out.append(text(WIDTH - RIGHT + 10, place, name, "start",
                    ' fill="%s"' % colour))
    return out


def labels(y, series):
    """Heights of the names: beside the last point, and not on each other."""
    out, last = {}, -100.0
    for name, points in sorted(series.items(),
                               key=lambda s: y.at(s[1][-1][1])):
        last = max(last + 14, y.at(points[-1][1]) + 4)
        out[name] = last
    return out


def plot(path, series, title, xlabel, ylabel, logx=False, logy=False):
    """series: {name: [(x, y), ...]}"""
    xs = sorted({a for p in series.values() for a, _ in p})
    ys = [b for p in series.values() for _, b in p]
    x = Axis(xs[0], xs[-1], LEFT, WIDTH - RIGHT - 10, logx)
    low = 10.0 ** math.floor(math.log10(min(ys))) if logy else 0
    y = Axis(low, max(ys) * 1.05, HEIGHT - BOTTOM, TOP, logy)
    out = frame(x, y, xs, xlabel, ylabel, title)
    places = labels(y, series)
    for name, points in series.items():
        out += line(x, y, name, points, places[name])
    with open(path, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")


def over_rtt(figures, work):
    out = {}
    for key, f in figures.items():
        w, tool, rtt = key.split(" ")
        if w == work and "wall" in f and int(rtt) <= 200:
            out.setdefault(tool, []).append((int(rtt), f["wall"]))
    return {t: sorted(p) for t, p in out.items() if len(p) > 1}


def over_size(figures):
    """The larger one of up and down."""
    out = {}
    for key, f in figures.items():
        w, tool, _ = key.split(" ")
        if w.startswith("big-") and "pss" in f:
            sizes = out.setdefault(tool, {})
            size = int(w.split("-")[2])
            sizes[size] = max(sizes.get(size, 0), f["pss"])
    return {t: sorted(p.items()) for t, p in out.items() if len(p) > 1}


def all(figures, where):
    """Writes those there are figures for: [(title, file)]"""
    out = []
    for work, title, logy in (
            ("noop-1", "Nothing to do, one mailbox", False),
            ("changes-1", "Changes in one mailbox of 10 000", False),
            ("changes-20", "Changes in 20 mailboxes of 500", True)):
        series = over_rtt(figures, work)
        if series:
            name = work + ".svg"
            plot(os.path.join(where, name), series, title,
                 "round trip, ms", "time, s", logy=logy)
            out.append((title, name))
    series = over_size(figures)
    if series:
        title = "Peak memory over the size of a message"
        plot(os.path.join(where, "memory.svg"), series, title,
             "message, MB", "peak PSS of all processes, MB", True, True)
        out.append((title, "memory.svg"))
    return out
