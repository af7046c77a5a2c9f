"""How often retrieval finds the right note, with the programs themselves.

	quality.py notes SESSIONS CONF	tickets of three origins against all notes
	quality.py history SESSIONS CONF	with the words of earlier tickets

Prints the figures; exit code 1 if one of them is more than three points below
what was reached before.  The database is in the settings; notes have been learnt
for `notes', `history' learns them itself.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# name: right note first, among the first three; above the floor; silent
REACHED = {
    "all": (65, 73, 61, 88),
    "own": (35, 58, 58, 75),
    "same words": (96, 98, 0, 0),
    "history 0": (48, 60, 0, 0),
    "history 25": (55, 66, 0, 0),
    "history 50": (64, 72, 0, 0),
    "history 100": (74, 84, 0, 0),
}
failed = []


def load(*names):
    rows = []
    for n in names:
        with open(os.path.join(HERE, n + ".jsonl"), encoding="utf-8") as f:
            rows += [json.loads(line) for line in f]
    return rows


def run(args, text, **settings):
    env = dict(os.environ)
    env.update({"TICKETCHAT_" + k: str(v) for k, v in settings.items()})
    p = subprocess.run(sys.argv[2:3] + ["-c", sys.argv[3]] + args, input=text.encode(), stdout=subprocess.PIPE,
                       env=env, check=False)
    if p.returncode > 1:
        sys.exit("sessions %s: exit code %d" % (" ".join(args), p.returncode))
    return p.stdout.decode()


def similar(text, floor, most):
    out = run(["similar", "--json"], text, KNOWLEDGE=most, KNOWLEDGE_FLOOR=floor)
    return [json.loads(line)["name"] for line in out.splitlines()]


def place(names, right):
    return next((i + 1 for i, n in enumerate(names) if n in right), 99)


def percent(part, whole):
    return 100 * sum(part) / max(1, len(whole))


def tell(name, figures):
    labels = ("first", "first three", "with the floor", "silent")
    parts = []
    for label, figure, reached in zip(labels, figures, REACHED[name]):
        if figure is None:
            continue
        parts.append("%s %.0f %%" % (label, figure))
        if figure < reached - 3:
            failed.append("%s: %s is %.1f, was %d" % (name, label, figure, reached))
    print("# %-12s %s" % (name, ", ".join(parts)))


def measure(name, tickets):
    good = [t for t in tickets if t["right"]]
    foreign = [t for t in tickets if not t["right"]]
    loose = [place(similar(t["text"], 0, 3), t["right"]) for t in good]
    strict = [place(similar(t["text"], 1.3, 3), t["right"]) for t in good]
    silent = [not similar(t["text"], 1.3, 3) for t in foreign]
    tell(name, (percent([p == 1 for p in loose], good), percent([p <= 3 for p in loose], good),
                percent([p <= 3 for p in strict], good), percent(silent, foreign)))
    return dict(zip([t["id"] for t in good], loose))


def notes():
    places = measure("all", load("tickets", "fresh"))
    measure("own", load("own"))
    with open(os.path.join(HERE, "same.txt"), encoding="ascii") as f:
        same = [places[i] for i in f.read().split()]
    tell("same words", (percent([p == 1 for p in same], same), percent([p <= 3 for p in same], same), None, None))


def history():
    """Of each problem that has two tickets one is history, and the other is asked."""
    by_note = {}
    for t in load("tickets", "fresh", "own"):
        if t["right"]:
            by_note.setdefault(t["right"][0], []).append(t)
    problems = sorted(n for n in by_note if len(by_note[n]) > 1)
    order = sorted(problems, key=lambda n: hash_of(n))
    for share in (0, 25, 50, 100):
        known = set(order[:len(order) * share // 100])
        found = []
        for turn in (0, 1):
            lines = []
            for n in load("notes"):
                line = {"name": n["name"], "title": n["title"], "text": n["text"]}
                if n["name"] in known:
                    line = {"name": n["name"], "title": n["title"], "answer": n["text"],
                            "question": by_note[n["name"]][turn]["text"]}
                lines.append(json.dumps(line))
            run(["learn", "-"], "\n".join(lines))
            found += [place(similar(by_note[n][1 - turn]["text"], 0, 3), by_note[n][1 - turn]["right"])
                      for n in problems]
        tell("history %d" % share, (percent([p == 1 for p in found], found),
                                    percent([p <= 3 for p in found], found), None, None))
    print("# %d problems with two tickets, each asked once with the other one known" % len(problems))


def hash_of(name):
    h = 2166136261
    for b in name.encode():
        h = (h ^ b) * 16777619 % 2**32
    return h


{"notes": notes, "history": history}[sys.argv[1]]()
for line in failed:
    print("FAILED " + line)
sys.exit(1 if failed else 0)
