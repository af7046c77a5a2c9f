"""The measurements of run.sh: python3 bench.py [-q] TMP RESULTS.

What is compared takes turns, so that a noisy machine is noisy for all; a figure is the median of its rounds.  It prints
the table and writes it to RESULTS as JSON, for draw.py; TMP is run.sh's.  In the end it ends what it started.
"""
import concurrent.futures
import json
import os
import re
import resource
import signal
import sqlite3
import statistics
import sys
import time

import draw
from service import FLOOR, FULL, OURS, SHELL, Model, Service, Viewer, memory, new_ticket, until, wanted

QUICK = sys.argv[1] == "-q"
TMP, RESULTS = sys.argv[-2:]
MILLION = 10**6
rows, viewers = [], []          # of the table; what so many viewers cost


def row(figure, unit, values, reach=None):
    """A figure of the table; reach is what ours should be, "<= 6"."""
    rows.append({"figure": figure, "unit": unit, "values": values, "reach": reach})
    print("  " + draw.line(rows[-1]), flush=True)


def turns(measure, rounds, among=(OURS, FULL, SHELL)):
    """{name of a figure: {who: median}} of measure(service) -> {name: value}, taking turns."""
    got = {who: [] for who in among}
    for _ in range(1 if QUICK else rounds):
        for who, results in got.items():
            results.append(measure(service[who]))
    return {name: {who: statistics.median(r[name] for r in results) for who, results in got.items()}
            for name in got[OURS][0]}


def crowd(s, clients, asks, ticket, text):
    """So many clients at once, so many questions each: ([Viewer], answers/s, CPU ms)."""
    def client(_):
        return [Viewer(s, ticket()).ask(text).finish() for _ in range(asks)]
    cpu, began = s.cpu(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        seen = [v for some in pool.map(client, range(clients)) for v in some]
    seconds = time.monotonic() - began
    until(lambda: not s.helpers(), "helpers do not end")
    return seen, len(seen) / seconds, s.cpu() - cpu


# The rows.

def kept():
    asked = iter(range(MILLION))

    def ticket():
        return 1 + next(asked) * 7 % 1000

    def first(s):
        seen, _, _ = crowd(s, 1, 20 if QUICK else 60, ticket, "printer jam")
        return {"ms": statistics.median(v.first for v in seen)}
    ms = turns(first, 5, (OURS, FLOOR, SHELL))["ms"]
    row("cached, 1 client: connect to first frame, p50", "ms", ms, "<= %.2g" % (1.25 * ms[FLOOR]))
    for clients, asks in (10, 15), (100, 3):
        per_s = turns(lambda s: {"": crowd(s, clients, 1 if QUICK else asks, ticket, "printer jam")[1]}, 3, (OURS, FLOOR, SHELL))[""]
        row("cached, %d clients" % clients, "answers/s", per_s, ">= %.3g" % (10 * per_s[SHELL]))


def misses():
    for clients, asks, tokens in (10, 3, 200), (100, 1, 200), (10, 2, 1000):
        def measure(s):
            seen, per_s, cpu = crowd(s, clients, 1 if QUICK else asks, new_ticket, wanted(tokens))
            if any(len(v.ages) != tokens for v in seen):
                raise RuntimeError("an answer of %d tokens is not whole" % tokens)
            return {"per_s": per_s, "cpu": cpu / len(seen) / tokens * 1000}
        m = turns(measure, 3)
        row("miss, %d clients, %s tokens at once" % (clients, format(tokens, ",")), "answers/s", m["per_s"],
            ">= %.3g" % (7 * m["per_s"][SHELL]) if tokens == 200 else None)
    age = turns(lambda s: {"us": statistics.median(
        Viewer(s, new_ticket()).ask(wanted(100, 20000)).finish().ages)}, 3)["us"]
    row("a token each 20 ms: age on arrival, p50", "µs", age)
    row("CPU per 1,000 tokens, streams of 1,000", "ms", m["cpu"])


def watch(s, n, tickets, text):
    """n viewers, who have seen a first frame, of so many new tickets."""
    ids = [new_ticket() for _ in range(tickets)]
    seen = [Viewer(s, ids[i % tickets]).ask(text) for i in range(n)]
    for v in seen:
        v.frame()
    if any(v.ended for v in seen):
        raise RuntimeError("an answer without a token")
    return seen


def started(who, **settings):
    return Service(who, TMP, model, **settings)


def memories():
    """Of services of their own, fresh, and ended in mid-stream."""
    mb = {"nothing": {}, "streams": {}, "viewers": {}}
    idle = {"PSS": {}, "USS": {}}
    for who in OURS, FULL, SHELL:
        with started(who) as s:
            mb["nothing"][who] = s.memory() / 1024
            open_ = [Viewer(s, new_ticket()) for _ in range(100)]
            time.sleep(0.5)
            for kind, kb in zip(idle, memory(s.helpers())):
                idle[kind][who] = kb / len(open_)
        for name, tickets in ("streams", 100), ("viewers", 1):
            with started(who) as s:
                here = watch(s, 100, tickets, wanted(10000, 50000))
                mb[name][who] = s.memory() / 1024
                if len(s.helpers()) < 100:
                    raise RuntimeError("%s: %d processes for 100 viewers" % (who, len(s.helpers())))
                del here        # not before: who lets go of a viewer closes it
    row("memory, nothing connected", "MB", mb["nothing"])
    row("memory, idle viewer, our processes only: PSS", "KB", idle["PSS"], "<= 90")
    row("memory, idle viewer, our processes only: USS", "KB", idle["USS"])
    waiting = waiting_generation()
    row("memory, a generation that waits for its slot", "KB", {OURS: waiting}, "<= 250")
    row("memory, 100 streams of 100 tickets", "MB", mb["streams"])
    row("memory, 100 viewers of one stream", "MB", mb["viewers"])


def waiting_generation(n=40):
    """PSS of an `answer' that waits; the first one has the slot."""
    with started(OURS, TICKETCHAT_GENERATIONS="1") as s:
        first = watch(s, 1, 1, wanted(10000, 50000))
        running = s.named("answer")
        others = [Viewer(s, new_ticket()).ask(wanted(1)) for _ in range(n)]
        until(lambda: len(s.named("answer")) == 1 + n, "no %d answers that wait" % n)
        time.sleep(0.5)
        return memory(s.named("answer") - running)[0] / n


def twenty():
    n, tokens = 20, 100

    def measure(s):
        asked, cpu = model.asked(), s.cpu()
        for v in watch(s, n, 1, wanted(tokens, 5000, 300000)):
            v.finish()
        until(lambda: not s.helpers(), "helpers do not end")
        return {"requests": model.asked() - asked, "us": (s.cpu() - cpu) * 1000 / n / tokens}
    m = turns(measure, 4)
    row("%d viewers, one ticket: requests to the model" % n, "", m["requests"], "<= 1")
    row("%d viewers, one ticket: CPU per token and viewer" % n, "µs", m["us"])


def drops():
    """Viewers who leave after three frames, without a word."""
    clients, tokens = 50, 100
    saved, kb, left = {}, {}, {}

    def client(s):
        v = Viewer(s, new_ticket()).ask(wanted(tokens, 20000))
        for _ in range(3):
            v.frame()
        v.s.close()
    for who in OURS, SHELL:
        with started(who) as s, concurrent.futures.ThreadPoolExecutor(clients) as pool:
            n = 4 * clients
            for _ in range(2):      # the first ones make websocketd grow to its size
                after, before = new_ticket(), memory([s.websocketd()])[0]
                list(pool.map(client, [s] * n))
                time.sleep(5)
                left[who] = len(s.helpers())
                until(lambda: not s.helpers(), "helpers do not end", 120)
            kb[who] = (memory([s.websocketd()])[0] - before) / n
            with sqlite3.connect(s.database) as c:
                saved[who] = c.execute("SELECT count(*) FROM TicketAISessions WHERE TicketId > ? "
                                       "AND length(AiResponse) = ?", (after, 24 * tokens)).fetchone()[0]
    row("%d viewers drop in mid-stream: answers saved" % n, "", saved, ">= %d" % n)
    row("the same: left in websocketd, each", "KB", kb, "<= 6")
    row("the same: processes after 5 s", "", left, "<= 0")


def sizes():
    """The p50 of a saved answer, by what is in the database."""
    first = {1000: [], MILLION: []}
    with started(OURS) as small, started(OURS, sessions=MILLION) as big:
        for i in range(40 if QUICK else 200):
            for s, (size, ms) in zip((small, big), first.items()):
                ms.append(Viewer(s, 1 + i * 7919 % size).ask("printer jam").finish().first)
                time.sleep(0.003)       # let it go, or it disturbs the next
    row("cached p50, of 1,000,000 sessions against 1,000", "x",
        {OURS: statistics.median(first[MILLION]) / statistics.median(first[1000])}, "<= 1.1")


def thread():
    """From connecting to the last frame of a saved answer with 200 questions about it."""
    turns, ms = 200, []
    with started(OURS) as s:
        with sqlite3.connect(s.database) as c:
            c.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                      "INSERT INTO TicketAISessions (TicketId, FollowsId, Prompt, AiResponse, UpdatedAt) "
                      "SELECT TicketId, Id, 'And then, ' || i || '?', ?, UpdatedAt FROM n, TicketAISessions WHERE TicketId = 1",
                      [turns, "Open the rear door, and pull the sheet out. " * 20])
        for _ in range(10 if QUICK else 100):
            v = Viewer(s, 1).say({"type": "open", "thread": True}).finish()
            ms.append((time.monotonic_ns() - v.began) / 1e6)
            time.sleep(0.003)
    row("open, %d turns: connect to the last frame, p50" % turns, "ms", {OURS: statistics.median(ms)}, "<= 10")


def scale():
    """What so many viewers cost, for sizing.md: idle, on one ticket, on a ticket each; 20 tokens/s."""
    rate, seconds = 20, 2 if QUICK else 5
    for kind in "idle", "one ticket", "a ticket each":
        for n in (1, 10, 100) if QUICK else (1, 10, 100, 1000):
            with started(OURS) as s:
                base, kernel = memory([s.websocketd()])[0], kernel_memory()
                if kind == "idle":
                    here = [Viewer(s, new_ticket()) for _ in range(n)]
                else:
                    here = watch(s, n, 1 if kind == "one ticket" else n, wanted(10**6, 10**6 // rate))
                time.sleep(1)
                cpu, began = s.cpu(), time.monotonic()
                time.sleep(seconds)
                cpu, spent = s.cpu() - cpu, time.monotonic() - began
                answers = s.named("answer")
                viewers.append({
                    "kind": kind, "viewers": n, "MB": s.memory() / 1024,
                    "chat": memory(s.named("chat"))[0] / n,
                    "answer": memory(answers)[0] / len(answers) if answers else None,
                    "websocketd": (memory([s.websocketd()])[0] - base) / n,
                    "kernel": (kernel_memory() - kernel) / n,
                    "cores": cpu / 1000 / spent,
                    "per 1000": None if kind == "idle" else cpu / (rate * spent * n) * 1000})
                del here


def kernel_memory():
    """Page tables, stacks, descriptors and such of the whole machine, KB."""
    with open("/proc/meminfo") as f:
        kb = dict(re.findall(r"^(\w+): +(\d+)", f.read(), re.M))
    return sum(int(kb[k]) for k in ("SUnreclaim", "KernelStack", "PageTables"))


def machine():
    def first(path, expression):
        with open(path) as f:
            found = re.search(expression, f.read(), re.M)
            return found.group(1) if found else "?"
    return "%d cores of %s, Linux %s, %s" % (
        os.cpu_count(), first("/proc/cpuinfo", r"^model name\s*: (.*)$"), os.uname().release,
        first("/etc/os-release", r'^PRETTY_NAME="(.*)"$'))


def interrupted(*_):
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, interrupted)
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
try:
    results = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "load": os.getloadavg()[0], "quick": QUICK,
               "rows": rows, "viewers": viewers}
    print("%(date)s, %(machine)s, load %(load).1f" % results)
    model = Model(TMP)
    with started(OURS) as ours, started(FULL) as full, started(FLOOR) as floor, started(SHELL) as shell:
        service = {OURS: ours, FULL: full, FLOOR: floor, SHELL: shell}
        for scenario in kept, misses, twenty:
            scenario()
    for scenario in memories, drops, sizes, thread, scale:
        scenario()
    print("\n" + draw.viewers(results))
    with open(RESULTS, "w") as f:
        json.dump(results, f, indent=1)
except KeyboardInterrupt:
    sys.exit(130)
except (RuntimeError, OSError) as why:
    print("bench: %s" % why, file=sys.stderr)
    for name in "out", "log":
        if os.path.exists(TMP + "/" + name):
            with open(TMP + "/" + name) as f:
                sys.stderr.writelines([text for text in f if "level=info" not in text][-5:])
    sys.exit(111)
