"""How long technicians wait, by simulation: the model is the queue, nearly all else is a matter of memory.

    python3 tests/bench/sizing.py                   the examples of docs/sizing.md
    python3 tests/bench/sizing.py 50 6 25 4         50 technicians who open 6 tickets an hour each, an answer's tokens/s
                                                    while all generations run, GENERATIONS
    python3 tests/bench/sizing.py --help            the rest

Tickets come at random (Poisson), each is opened several times within minutes of another, answers have lengths all over
the place (log-normal), and slots go first come, first served, as ours do among users with one ticket each.  What a
process takes is docs/bench.json's.
"""
import argparse
import collections
import heapq
import json
import math
import os
import random

DOCS = os.path.dirname(os.path.abspath(__file__)) + "/../../docs/"
HOURS, WARM = 60, 1         # of the busiest kind; before it counts
DEFAULTS = {"answer": 300, "prompt": 1.5, "opens": 3, "apart": 20, "stay": 5, "queue": 64}
# technicians, tickets per hour each, tokens/s of an answer, GENERATIONS
EXAMPLES = ((10, 6, 8, 1), (10, 6, 30, 1), (50, 6, 8, 1), (50, 6, 30, 1), (200, 6, 30, 1), (200, 6, 25, 4),
            (1000, 6, 25, 4), (1000, 6, 20, 16))
# machine, MAX_CONNECTIONS, GENERATIONS, QUEUE_MAX
MACHINES = (("1 core, 1 GB", 256, 1, 64), ("2 cores, 4 GB", 1000, 8, 64), ("4 cores, 8 GB", 4000, 32, 256),
            ("8 cores, 32 GB", 10000, 128, 512))
Result = collections.namedtuple("Result", "kept p50 p95 busy refused connections waiting")


def openings(rng, technicians, per_hour, o):
    """(second, ticket), in order: a ticket is opened o.opens times on average."""
    rate, second, ticket, seen = technicians * per_hour / o.opens / 3600, 0.0, 0, []
    while second < HOURS * 3600:
        second += rng.expovariate(rate)
        ticket += 1
        seen.append((second, ticket))
        at = second
        while rng.random() < 1 - 1 / o.opens:
            at += rng.expovariate(1 / (o.apart * 60))
            seen.append((at, ticket))
    return sorted(seen)


def simulate(technicians, per_hour, speed, generations, o, seed=1):
    rng = random.Random(seed)
    free = [0.0] * generations      # when each slot is
    answers = {}                    # ticket: (its first text, its end)
    starts = collections.deque()    # of those that wait
    ends = []                       # of the connections
    waits, kept, refused, busy, asked, most, queued = [], 0, 0, 0.0, 0, 0, 0
    for now, ticket in openings(rng, technicians, per_hour, o):
        while starts and starts[0] <= now:
            starts.popleft()
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        counts = now > WARM * 3600
        asked += counts
        leaves = now + o.stay * 60
        if ticket in answers and answers[ticket][1] <= now:
            kept += counts
        elif ticket not in answers and len(starts) >= o.queue:
            refused += counts       # queue_full; whoever opens it next tries again
        else:
            if ticket not in answers:
                start = max(now, heapq.heappop(free))
                length = rng.lognormvariate(math.log(o.answer) - 0.125, 0.5)     # o.answer on average
                answers[ticket] = start + o.prompt, start + o.prompt + length / speed
                heapq.heappush(free, answers[ticket][1])
                busy += answers[ticket][1] - start
                if start > now:
                    starts.append(start)
            first, done = answers[ticket]
            if counts:
                waits.append(max(0, first - now))
            leaves = max(leaves, done)
        heapq.heappush(ends, leaves)
        most, queued = max(most, len(ends)), max(queued, len(starts))
    waits.sort()
    return Result(kept / asked, waits[len(waits) // 2], waits[len(waits) * 95 // 100],
                  min(1, busy / (HOURS * 3600 * generations)), refused / asked, most, queued)


def megabytes(results, connections, generations, waiting):
    """What they take when they are all there."""
    def one(kind):
        return max((v for v in results["viewers"] if v["kind"] == kind and v["viewers"] <= 100),
                   key=lambda v: v["viewers"])
    kb = {r["figure"]: r["values"]["ticketchat"] for r in results["rows"]}
    viewer, stream = one("one ticket"), one("a ticket each")
    return kb["memory, nothing connected"] + (
        connections * sum(viewer[k] for k in ("chat", "websocketd", "kernel")) +
        generations * (stream["answer"] + stream["kernel"] - viewer["kernel"]) +
        waiting * kb["memory, a generation that waits for its slot"]) / 1024


def settings(results):
    """What the unit (deploy/ticketchat.service) has to allow for such settings."""
    lines = ["| machine | MAX_CONNECTIONS | GENERATIONS | QUEUE_MAX | measured parts add up to | MemoryMax | TasksMax "
             "| LimitNOFILE |", "| --- " + "| --: " * 7 + "|"]
    for machine, connections, generations, queue in MACHINES:
        mb = megabytes(results, connections, generations, queue)
        # Twice of it, for messages that come whole and for pages of files; an answer may have a thread, for names;
        # a connection has some five descriptors in websocketd.
        lines.append("| %s | %d | %d | %d | %.0f MB | %dM | %d | %d |" % (
            machine, connections, generations, queue, mb, max(512, 256 * math.ceil(2 * mb / 256)),
            max(2048, 500 * math.ceil((connections + 2 * generations + queue + 100) / 500)),
            max(16384, 6 * connections)))
    return "\n".join(lines)


def seconds(s):
    return "%.1f s" % s if s < 10 else "%.0f s" % s if s < 120 else "%.0f min" % (s / 60)


def table(cases, results, o=argparse.Namespace(**DEFAULTS)):
    lines = ["| technicians × tickets/h | tokens/s × GENERATIONS | saved already | wait p50 | p95 | model busy | queue_full "
             "| connections, most | memory, most |", "| --- " + "| --: " * 8 + "|"]
    for technicians, per_hour, speed, generations in cases:
        r = simulate(technicians, per_hour, speed, generations, o)
        lines.append("| %s × %g | %g × %d | %.0f %% | %s | %s | %.0f %% | %.1f %% | %d | %.0f MB |" % (
            format(technicians, ","), per_hour, speed, generations, r.kept * 100, seconds(r.p50), seconds(r.p95),
            r.busy * 100, r.refused * 100, r.connections,
            megabytes(results, r.connections, generations, r.waiting)))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("case", nargs="*", type=float, metavar="TECHNICIANS TICKETS SPEED GENERATIONS")
    parser.add_argument("--answer", type=float, help="tokens of an answer, on average; 300")
    parser.add_argument("--prompt", type=float, help="seconds until the model's first token; 1.5")
    parser.add_argument("--opens", type=float, help="how often a ticket is opened, on average; 3")
    parser.add_argument("--apart", type=float, help="minutes from one opening to the next, on average; 20")
    parser.add_argument("--stay", type=float, help="minutes that a page stays open; 5")
    parser.add_argument("--queue", type=int, help="QUEUE_MAX; 64")
    parser.set_defaults(**DEFAULTS)
    o = parser.parse_args()
    if len(o.case) not in (0, 4):
        parser.error("four numbers, or none")
    with open(DOCS + "bench.json") as f:
        results = json.load(f)
    print(table([(int(o.case[0]), *o.case[1:3], int(o.case[3]))] if o.case else EXAMPLES, results, o))


if __name__ == "__main__":
    main()
