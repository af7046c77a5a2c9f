"""The bench's results as docs/bench.svg, and as tables in README.md and docs/sizing.md.

    python3 tests/bench/draw.py [-g PEERS.jsonl] [RESULTS.json]

RESULTS (docs/bench.json) is what run.sh has measured; it is kept as docs/bench.json.  PEERS are lines of another bench,
which ran ticketchat (as `ticketchat' or `tc'; as `full' where it was built with CURL=no) beside servers that stay in
memory: in the rows that it has, all figures of its servers are taken from it, because figures are to be compared within one
run; the floor, the shell's and those of CURL=no stay the ones of our own run, if it had none.  Run both on one machine, in turn.

README has the figures that matter most, and each one in which another server is better.
"""
import argparse
import json
import os
import re
import statistics
import sys
import time
from xml.sax.saxutils import escape

from service import FLOOR, FULL, OURS, SHELL

SERVERS = OURS, FULL, FLOOR, "go", "node", "python", SHELL
ROOT = os.path.dirname(os.path.abspath(__file__)) + "/../../"
DOCS = ROOT + "docs/"

# In README, and in the picture.
SHORT = ("cached, 1 client: connect to first frame, p50", "cached, 100 clients",
         "miss, 100 clients, 200 tokens at once", "a token each 20 ms: age on arrival, p50",
         "CPU per 1,000 tokens, streams of 1,000", "memory, nothing connected",
         "memory, 100 streams of 100 tickets", "memory, 100 viewers of one stream")

# {figure: (mode, clients, tokens, interval in us), the value in a line of PEERS}
PEERS = {
    SHORT[0]: (("cached", 1, 200, 0), lambda r: r["first_p50_ms"]),
    "cached, 10 clients": (("cached", 10, 200, 0), lambda r: r["per_s"]),
    SHORT[1]: (("cached", 100, 200, 0), lambda r: r["per_s"]),
    "miss, 10 clients, 200 tokens at once": (("cold", 10, 200, 0), lambda r: r["per_s"]),
    SHORT[2]: (("cold", 100, 200, 0), lambda r: r["per_s"]),
    "miss, 10 clients, 1,000 tokens at once": (("cold", 10, 1000, 0), lambda r: r["per_s"]),
    SHORT[3]: (("cold", 1, 100, 20000), lambda r: r["relay_p50_us"]),
    SHORT[4]: (("cold", 10, 1000, 0), lambda r: r["cpu_ms_per_kchunk"]),
    SHORT[5]: (("idle", 100, 200, 0), lambda r: r["pss_base_kb"] / 1024),
    SHORT[6]: (("cold", 100, 60, 50000), lambda r: r["pss_kb"] / 1024),
    SHORT[7]: (("fanout", 100, 60, 50000), lambda r: r["pss_kb"] / 1024),
    "20 viewers, one ticket: requests to the model": (("fanout", 20, 100, 5000), lambda r: r["upstream"] / r["m"]),
    "20 viewers, one ticket: CPU per token and viewer": (("fanout", 20, 100, 5000), lambda r: r["cpu_ms_per_kchunk"]),
    "200 viewers drop in mid-stream: answers saved":
        (("abandon", 50, 100, 20000), lambda r: r["stats"]["requests"] - r["stats"]["aborts"]),
}
NAMES = {"tc": OURS, "full": FULL, "ws-bash": SHELL}


def merge(results, path):
    """Puts what PEERS has into the rows that it knows: medians."""
    with open(path) as f:
        lines = [json.loads(text) for text in f]
    for row in results["rows"]:
        scenario, value = PEERS.get(row["figure"], (None, None))
        found = {}
        for r in lines:
            if (r["mode"], r["n"], r["tokens"], r["interval_us"]) == scenario:
                found.setdefault(NAMES.get(r["name"], r["name"]), []).append(value(r))
        if OURS in found:
            row["values"] |= {who: statistics.median(found[who]) for who in SERVERS if who in found}
    results["peers"] = time.strftime("%Y-%m-%d", time.localtime(os.stat(path).st_mtime))


# Text.

def number(v):
    if v is None:
        return "–"
    if v == int(v) or abs(v) >= 100:
        return format(round(v), ",")
    return "%.*f" % (0 if abs(v) >= 100 else 1 if abs(v) >= 10 else 2, v)


def quantity(row, who):
    return number(row["values"].get(who)) + (" " + row["unit"] if row["unit"] and who == OURS else "")


def line(row):
    """A row for a terminal."""
    ours, reach = row["values"][OURS], row["reach"] or ""
    if reach:
        sign, limit = reach.split()
        if ours > float(limit) if sign == "<=" else ours < float(limit):
            reach += "  missed"
    return "%-52s %16s %12s  %s" % (row["figure"], quantity(row, OURS), quantity(row, SHELL), reach)


def markdown(head, body):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] + ["--:"] * (len(head) - 1), *body))


def behind(row):
    """Whether another server is better in it; the floor is none."""
    others = [v for who, v in row["values"].items() if who not in (OURS, FULL, FLOOR)]
    more = row["unit"] == "answers/s" or "saved" in row["figure"]
    return any(v > row["values"][OURS] if more else v < row["values"][OURS] for v in others)


def present(rows):
    return [who for who in SERVERS if any(who in r["values"] for r in rows)]


def figures(rows):
    names = present(rows)
    return markdown(["", *names], [[r["figure"], *(quantity(r, who) for who in names)] for r in rows])


def origin(results):
    text = "%s, %s" % (results["date"], results["machine"])
    if results["quick"]:
        text += "; a short run"
    if results["load"] > 1:
        text += "; others were at work"
    if results.get("peers", results["date"]) != results["date"]:
        text += "; with go, node, python: %s" % results["peers"]
    return text


# The picture.

WIDTH, COLUMN, BAR, STYLE = 780, 380, 19, """
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .note { fill: #59636e }
.ground { fill: #ffffff } .other { fill: #b6bfc8 } .ours { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9198a1 }
.ground { fill: #0d1117 } .other { fill: #565e67 } .ours { fill: #4493f8 } }
"""


def panel(row, x, y):
    """One figure: a bar a server, the longest as long as there is room."""
    better = "more" if row["unit"] == "answers/s" else "less"
    out = ['<text class="title" x="%d" y="%d">%s</text>' % (x, y + 12, escape(row["figure"])),
           '<text class="note" x="%d" y="%d">%s, %s is better</text>' % (x, y + 28, row["unit"], better)]
    most = max(row["values"].values()) or 1
    for i, who in enumerate(who for who in SERVERS if who in row["values"]):
        v, top = row["values"][who], y + 36 + i * BAR
        size = max(1, 220 * v / most)
        out += ['<text x="%d" y="%d">%s</text>' % (x, top + 12, who),
                '<rect class="%s" x="%d" y="%d" width="%.1f" height="14" rx="2"/>' % (
                    "ours" if who in (OURS, FULL) else "other", x + 70, top, size),
                '<text x="%.1f" y="%d">%s</text>' % (x + 76 + size, top + 12, number(v))]
    return out


def picture(results):
    rows = [r for r in results["rows"] if r["figure"] in SHORT]
    height = 48 + BAR * max(len(r["values"]) for r in rows)
    out = []
    for i, row in enumerate(rows):
        out += panel(row, 16 + COLUMN * (i % 2), 12 + height * (i // 2))
    y = 12 + height * ((len(rows) + 1) // 2)
    out.append('<text class="note" x="16" y="%d">%s</text>' % (y + 12, escape(origin(results))))
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img">\n'
            "<title>ticketchat measured beside other servers</title>\n<style>{2}</style>\n"
            '<rect class="ground" width="{0}" height="{1}" rx="6"/>\n{3}\n</svg>\n').format(
                WIDTH, y + 28, STYLE, "\n".join(out))


# The pages.

def viewers(results):
    def mb(v):
        return "%.1f" % v if v < 100 else "%.0f" % v
    body = [[v["kind"], format(v["viewers"], ","), mb(v["MB"]), number(v["chat"]), number(v["answer"]),
             number(v["websocketd"]), number(v["kernel"] if v["viewers"] >= 100 else None), "%.2f" % v["cores"],
             number(v["per 1000"])] for v in results["viewers"]]
    return markdown(["viewers", "of them", "all, MB", "chat, KB each", "answer, KB each", "websocketd, KB each",
                     "kernel, KB each", "cores busy", "CPU ms per 1,000 tokens and viewer"], body)


def put(path, name, text):
    """Puts a text between <!-- bench: NAME --> and the next <!-- end -->."""
    with open(path) as f:
        page = f.read()
    page, n = re.subn(r"(<!-- bench: %s -->\n).*?(<!-- end -->)" % name, lambda m: m[1] + text + "\n" + m[2], page,
                      flags=re.S)
    if n != 1:
        sys.exit("draw.py: %s: no place for %s" % (path, name))
    with open(path, "w") as f:
        f.write(page)


def main():
    import sizing       # it reads what we write
    parser = argparse.ArgumentParser()
    parser.add_argument("-g", help="lines of a bench with other servers")
    parser.add_argument("results", nargs="?", default=DOCS + "bench.json")
    options = parser.parse_args()
    with open(options.results) as f:
        results = json.load(f)
    if options.g:
        merge(results, options.g)
    with open(DOCS + "bench.json", "w") as f:
        json.dump(results, f, indent=1)
        f.write("\n")
    with open(DOCS + "bench.svg", "w") as f:
        f.write(picture(results))
    note = "\n\n%s.\n" % origin(results)
    put(ROOT + "README.md", "figures", "\n" + figures(
        [r for r in results["rows"] if r["figure"] in SHORT or behind(r)]) + note)
    put(DOCS + "sizing.md", "figures", "\n" + figures(results["rows"]) + note)
    put(DOCS + "sizing.md", "viewers", "\n" + viewers(results) + note)
    put(DOCS + "sizing.md", "settings", "\n" + sizing.settings(results) + "\n")
    put(DOCS + "sizing.md", "simulation", "\n" + sizing.table(sizing.EXAMPLES, results) + "\n")


if __name__ == "__main__":
    main()
