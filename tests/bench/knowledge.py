"""What knowledge costs: learning, and looking up a ticket, at several sizes.

	/usr/bin/python3 tests/bench/knowledge.py [-n PASSAGES]... [-b BUILD] [-p POSTGRES]

The passages are machine text: the words of all notes of tests/knowledge, drawn at
random, so that common words are common.  A look-up is one `sessions similar',
from its start to its end; `start' is the same program with KNOWLEDGE=0.  With -p the database is this one, which must be empty.
"""
import argparse
import json
import os
import random
import re
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def load(name):
    with open(os.path.join(ROOT, "tests/knowledge", name + ".jsonl"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Place:
    def __init__(self, build, directory, database):
        self.sessions = [os.path.join(build, "bin/sessions"), "-c", "/dev/null"]
        self.file = database or os.path.join(directory, "db")
        self.cpu = 0.0
        self.env = dict(os.environ, TICKETCHAT_DATABASE=self.file, TICKETCHAT_RUN_DIR=os.path.join(directory, "run"))

    def run(self, *args, text="", **settings):
        env = dict(self.env, **{"TICKETCHAT_" + k: v for k, v in settings.items()})
        with tempfile.TemporaryFile() as f:
            f.write(text.encode())
            f.seek(0)
            began = time.monotonic()
            p = subprocess.Popen(self.sessions + list(args), stdin=f, stdout=subprocess.DEVNULL, env=env)
            _, status, used = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
        if not 0 <= p.returncode <= 1:
            raise SystemExit("sessions %s: %d" % (" ".join(args), p.returncode))
        self.cpu = used.ru_utime + used.ru_stime
        return time.monotonic() - began

    def size(self, end=""):
        try:
            return os.path.getsize(self.file + end) / 1e6
        except OSError:
            return 0.0


def learn(place, lines):
    """seconds, and the largest size of the log"""
    largest, over = [0.0], threading.Event()

    def watch():
        while not over.wait(0.01):
            largest[0] = max(largest[0], place.size("-wal"))
    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds = place.run("learn", "-", text="\n".join(lines))
    over.set()
    watcher.join()
    return seconds, largest[0]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, action="append")
    p.add_argument("-b", default=os.path.join(ROOT, "build"))
    p.add_argument("-p")
    a = p.parse_args()
    notes, tickets = load("notes"), load("tickets") + load("fresh")
    words = [w for n in notes for w in re.findall(r"\S+", n["title"] + " " + n["text"])]
    print("passages  learn s  log MB  file MB  start ms  similar ms p50 / p95  its CPU ms p50 / p95")
    for size in a.n or [1000, 10000, 100000]:
        draw = random.Random(1)
        lines = [json.dumps(n) for n in notes] + [
            json.dumps({"name": "machine-%d" % i, "title": " ".join(draw.choices(words, k=5)),
                        "text": "Text " + " ".join(draw.choices(words, k=60))}) for i in range(size - len(notes))]
        with tempfile.TemporaryDirectory() as directory:
            place = Place(a.b, directory, a.p)
            place.run("migrate")
            seconds, log = learn(place, lines)
            start = percentile([place.run("similar", text="x", KNOWLEDGE="0") for _ in range(20)], 0.5) * 1000
            file, times, cpu = place.size(), [], []
            for t in tickets:
                times.append(place.run("similar", text=t["text"]) * 1000)
                cpu.append(place.cpu * 1000)
        print("%8d %8.1f %7.1f %8.1f %9.1f %12.1f / %.1f %15.1f / %.1f" % (
            size, seconds, log, file, start, percentile(times, 0.5), percentile(times, 0.95),
            percentile(cpu, 0.5), percentile(cpu, 0.95)), flush=True)


main()
