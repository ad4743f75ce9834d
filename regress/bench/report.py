# What was measured, as text: on the terminal, and as markdown with plots.
import json, os, subprocess, sys, time
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from servers import TOP
import plot


def said(argv):
    try:
        p = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.STDOUT, cwd=TOP)
    except OSError:
        return "not installed"
    return p.stdout.strip().split("\n")[0]


def cpu_model():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def machine():
    dirty = said(["git", "status", "--porcelain", "--untracked-files=no"])
    return {
        "machine": "%d cores, %s" % (os.cpu_count(), cpu_model()),
        "kernel": os.uname().sysname + " " + os.uname().release,
        "date": time.strftime("%Y-%m-%d"),
        "commit": said(["git", "rev-parse", "--short", "HEAD"]) +
        (" and what was not committed" if dirty else ""),
        "dovecot": said(["dovecot", "--version"]),
        "interimap": said(["interimap", "--version"]).split()[-1],
        "mbsync": said(["mbsync", "--version"]).split()[-1],
    }


def figures(f):
    out = []
    for k in ("wall", "cpu", "pss", "chain", "up", "down", "runs"):
        if k in f:
            out.append("%s %s" % (k, "%.3f" % f[k] if k in ("wall", "cpu")
                                  else "%.1f" % f[k] if k == "pss"
                                  else "%d" % f[k]))
    return "  ".join(out)


def value(x, unit):
    text = "%d" % x if unit in ("", "octets") else \
        ("%.3f" if abs(x) < 0.1 else "%.2f") % x
    return text + (" " + unit if unit not in ("", "x") else unit)


def limit(r):
    text = "%g" % round(r.limit, 2)
    return text + (" " + r.unit if r.unit not in ("", "x") else r.unit)


def verdict(r):
    return "ok" if r.ok else "MISSED"


def judged(rows):
    out, last = [], None
    for r in rows:
        if r.work != last:
            out.append(r.work)
            last = r.work
        got = "not measured" if r.value is None else value(r.value, r.unit)
        out.append("  %-6s %-46s %12s, limit %-9s %s" % (
            verdict(r), r.text, got, limit(r), r.said))
    missed = sum(not r.ok for r in rows)
    out.append("%d of %d rows met" % (len(rows) - missed, len(rows)))
    return "\n".join(out)


def table(heads, lines):
    out = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(out + ["| " + " | ".join(l) + " |" for l in lines])


def raw(figures):
    lines = []
    for key, f in figures.items():
        work, tool, rtt = key.split(" ")
        show = lambda k, form: form % f[k] if k in f else ""
        lines.append([work, tool, rtt, show("wall", "%.3f"),
                      "%.3f-%.3f" % (f["quickest"], f["slowest"])
                      if "runs" in f else "", show("runs", "%d"),
                      show("cpu", "%.3f"), show("pss", "%.1f"),
                      show("chain", "%d"), show("turns", "%d"),
                      show("up", "%d"), show("down", "%d")])
    return table(["work", "tool", "RTT ms", "wall s", "from-to", "runs",
                  "CPU s", "peak PSS MB", "chain", "turns", "octets up",
                  "octets down"], lines)


def stored(name, where):
    """The figures of another program that are kept beside the table."""
    try:
        with open(os.path.join(where, name)) as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def others(where):
    """Counts (counts.py) and scale (scale.py), as they were last measured."""
    out = []
    for name, title in (("counts.json", "System calls and instructions"),
                        ("scale.json", "Scale")):
        data = stored(name, where)
        if data is None:
            continue
        about = data["machine"]
        out += ["## " + title, "%s, commit %s, %s, %s" % (
            about["date"], about["commit"], about["machine"],
            about["kernel"]), data["note"], table(data["heads"],
                                                  data["lines"])]
    return out


def write(path, where, data, rows):
    """The tables; the plots to the folder, where other figures are as well."""
    os.makedirs(where, exist_ok=True)
    m = data["machine"]
    text = ["# What `make bench-full` measured last",
            table(["", ""], [[k, v] for k, v in m.items()] + [
                ["took", "%d s" % data["seconds"]]])]
    if data["only"]:
        text.append("Not all of it: only " + ", ".join(data["only"]) + ".")
    text += ["## What must be reached", table(
        ["work", "figure", "ours", "limit", "", "beside it"],
        [[r.work, r.text, "not measured" if r.value is None else
          value(r.value, r.unit), limit(r), verdict(r), r.said]
         for r in rows])]
    text += ["WRONG: " + w for w in data["wrong"]]
    plots = plot.all(data["figures"], where)
    near = os.path.relpath(where, os.path.dirname(os.path.abspath(path)))
    text += ["## Plots"] + ["![%s](%s/%s)" % (title, near, name)
                            for title, name in plots]
    text += others(where)
    text += ["## All figures", "How they are measured: the heads of "
             "regress/bench/full.py, measure.c and proxy.c.",
             raw(data["figures"])]
    with open(path, "w") as f:
        f.write("\n\n".join(text) + "\n")
