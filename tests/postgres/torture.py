#!/usr/bin/python3
"""Questions asked through the real programs on several nodes, while their processes are killed and frozen, connections
are cut (also between a COMMIT and its acknowledgement), and the server is restarted.

    python3 torture.py --model URL --uri postgres://...@HOST:PORT/DB [--uri ...] DIRECTORY

A node for each --uri.  A `+' before one has its connections led through a relay of ours, which cuts them.  Viewers are
chat processes with pipes, as websocketd runs them; whoever gets an error that may be repeated asks again, as the page
does.  The model's answers tell when each word was written, so no two are the same.  Prints a line of JSON with what was
done and seen; exit code 1: something was wrong, which it prints too.
"""
import argparse
import asyncio
import collections
import ctypes
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.parse

import psycopg

ap = argparse.ArgumentParser()
ap.add_argument("--questions", type=int, default=20000)
ap.add_argument("--seconds", type=float, default=1e9, help="begin no more questions after so long")
ap.add_argument("--at-once", type=int, default=60, help="viewers")
ap.add_argument("--slots", type=int, default=16, help="GENERATIONS")
ap.add_argument("--chaos", type=float, default=1, help="how much: 0 is none; 2 is twice as often")
ap.add_argument("--restart", default="", help="a command that restarts the server; run each minute")
ap.add_argument("--direct", required=True, help="the superuser's address, for the checks")
ap.add_argument("--model", required=True)
ap.add_argument("--build", default="build")
ap.add_argument("--uri", action="append", required=True)
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("directory")
a = ap.parse_args()
rng = random.Random(a.seed)
count, errors, did = collections.Counter(), collections.Counter(), collections.Counter()
wrong, shown = [], collections.defaultdict(set)     # {ticket: texts that somebody was shown as whole}
refreshed, stopped = collections.Counter(), set()
waits = {"saved": [], "written": []}                # ms to the first frame of text, where nothing was repeated
known, next_ticket, begun = [], 1, time.monotonic()
frozen = set()
STAY, LONG = 180, 40                                # s until a viewer's patience ends; s that a process is frozen, at most


def bad(text):
    wrong.append(text)
    print("WRONG %.1f s: %s" % (time.monotonic() - begun, text), flush=True)


# The nodes.

class Relay:
    """Leads to a server; cut() ends all connections, lose() the next answers on their way back."""

    def __init__(self, host, port):
        self.to, self.pairs, self.losing = (host, port), set(), 0

    async def start(self):
        self.server = await asyncio.start_server(self.lead, "127.0.0.1", 0, backlog=500)
        return self.server.sockets[0].getsockname()[1]

    async def lead(self, r, w):
        try:
            sr, sw = await asyncio.open_connection(*self.to)
        except OSError:
            w.close()
            return
        pair = (w, sw)
        self.pairs.add(pair)
        await asyncio.gather(self.pump(r, sw, False), self.pump(sr, w, True))
        self.pairs.discard(pair)
        for x in pair:
            x.close()

    async def pump(self, r, w, back):
        try:
            while data := await r.read(65536):
                if back and self.losing > 0:
                    self.losing -= 1
                    did["answers of the server lost"] += 1
                    break
                w.write(data)
                await w.drain()
        except OSError:
            pass
        w.close()

    def cut(self):
        for pair in list(self.pairs):
            for x in pair:
                x.transport.abort()


async def node(n, uri):
    """(environment, relay or None)"""
    relay = None
    if uri.startswith("+"):
        u = urllib.parse.urlsplit(uri[1:])
        relay = Relay(u.hostname, u.port)
        uri = urllib.parse.urlunsplit(u._replace(netloc="%s@127.0.0.1:%d" % (u.username, await relay.start())))
    run = "%s/run%d" % (a.directory, n)
    os.makedirs(run, 0o700)
    env = {"PATH": os.environ["PATH"], "TICKETCHAT_DATABASE": uri, "TICKETCHAT_RUN_DIR": run,
           "TICKETCHAT_LOG": "%s/log%d" % (a.directory, n), "OLLAMA_SERVER": a.model, "OLLAMA_MODEL": "bench",
           "TICKETCHAT_GENERATIONS": str(a.slots), "TICKETCHAT_QUEUE_MAX": "1000"}
    out = subprocess.run([a.build + "/bin/sessions", "-c", "/dev/null", "settings"], env=env, stdout=subprocess.PIPE,
                         text=True).stdout
    return env | dict(("TICKETCHAT_" + line).split("=", 1) for line in out.splitlines()), relay


# The viewers.

def wanted(ticket):
    r = random.Random(ticket)
    return "printer jam tokens=%d pace=%d first=%d ticket=%d" % (r.randint(3, 30), r.choice((1000, 5000, 20000)),
                                                                 r.choice((0, 0, 100000)), ticket)


async def talk(env, ticket, message, say_stop, leave):
    """One connection, one question.  (how it ended, text, was it saved before, ms to the first frame of text)"""
    stdin, mine = os.pipe()
    out, theirs = os.pipe()
    began = time.monotonic()
    os.set_inheritable(mine, False)
    os.set_inheritable(out, False)
    os.posix_spawn(a.build + "/bin/chat", [a.build + "/bin/chat"],
                   env | {"GATEWAY_INTERFACE": "x", "PATH_INFO": "/api/websocket/chat/%d" % ticket, "REMOTE_ADDR": "127.0.0.1"},
                   file_actions=[(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, theirs, 1),
                                 (os.POSIX_SPAWN_CLOSE, stdin), (os.POSIX_SPAWN_CLOSE, theirs)])
    os.close(stdin)
    os.close(theirs)
    reader = asyncio.StreamReader(limit=1 << 22)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(out, "rb", 0))
    text, saved, first = "", False, None
    try:
        os.write(mine, json.dumps(message).encode() + b"\n")
        while line := await asyncio.wait_for(reader.readline(), max(1, began + STAY - time.monotonic())):
            f = json.loads(line)
            if f["type"] == "stream":
                text += f["content"]
            elif f["type"] == "cached":
                text, saved = f["response"], True
            elif f["type"] == "done":
                return "done", text, saved, first
            elif f["type"] == "error":
                return f["code"], text, saved, first
            else:
                continue
            if first is None:
                first = (time.monotonic() - began) * 1000
            if leave:
                return "left", text, saved, first
            if say_stop and not saved:
                say_stop = False
                os.write(mine, b'{"type":"stop"}\n')
        return "nothing", text, saved, first
    except asyncio.TimeoutError:
        return "no end", text, saved, first
    except BrokenPipeError:
        return "nothing", text, saved, first
    finally:
        os.close(mine)
        transport.close()


async def question():
    global next_ticket
    new = not known or rng.random() < 0.15
    if new:
        ticket, next_ticket = next_ticket, next_ticket + 1
        known.append(ticket)
    else:       # mostly one of the last ones, which may be on its way
        ticket = rng.choice(known[-12:] if rng.random() < 0.4 else known)
    message = {"ticketBody": wanted(ticket), "status": True}
    what = rng.random()
    if not new and what < 0.05:
        message["refresh"] = True
        count["refreshes"] += 1
    say_stop, leave = 0.05 < what < 0.08, 0.08 < what < 0.12
    if say_stop:
        stopped.add(ticket)
    tries, began = 0, time.monotonic()
    while True:
        env = rng.choice(nodes)[0]
        refreshed[ticket] += "refresh" in message      # each try may be one more answer
        end, text, saved, first = await talk(env, ticket, message, say_stop, leave)
        if end == "done":
            shown[ticket].add(text)
            count["saved" if saved else "written"] += 1
            if tries == 0 and first is not None:
                waits["saved" if saved else "written"].append(first)
            break
        if end in ("left", "stopped"):
            count[end] += 1
            if end == "stopped" and ticket not in stopped:
                bad("ticket %d: stopped by nobody" % ticket)
            break
        errors[end] += 1
        if end in ("no end", "bad_request", "bad_ticket_id", "internal", "schema", "unknown_ticket", "rate_limited", "queue_full"):
            bad("ticket %d: %s, on %s" % (ticket, end, env["TICKETCHAT_RUN_DIR"]))
            break
        tries += 1
        if tries == 60:
            bad("ticket %d: no answer in %d tries, %.0f s; the last error is %s" % (ticket, tries, time.monotonic() - began, end))
            break
        await asyncio.sleep(rng.uniform(0.1, 2))


async def viewer(left):
    while left and time.monotonic() < begun + a.seconds:
        left.pop()
        count["questions"] += 1
        try:
            await question()
        except Exception as why:
            bad("a viewer: %r" % why)


# What breaks.

def ours(name):
    """{pid: RUN_DIR} of the nodes' processes; they are our children, or adopted."""
    found, todo = {}, [os.getpid()]
    while todo:
        p = todo.pop()
        try:
            for t in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, t)) as f:
                    todo += map(int, f.read().split())
            with open("/proc/%d/comm" % p) as f:
                comm = f.read().strip()
            if comm.split("-")[0] == name:
                with open("/proc/%d/environ" % p) as f:
                    found[p] = re.search("TICKETCHAT_RUN_DIR=([^\0]*)", f.read())[1]
        except (OSError, TypeError):
            pass
    return found


def signals(pids, sign):
    for p in pids:
        try:
            os.kill(p, sign)
        except OSError:
            pass


async def freeze(pids, seconds):
    frozen.update(pids)
    signals(pids, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    signals(pids, signal.SIGCONT)
    frozen.difference_update(pids)


def one(name):
    pids = sorted(set(ours(name)) - frozen)
    return [rng.choice(pids)] if pids else []


async def kill_answer():
    signals(one("answer"), signal.SIGKILL)


async def freeze_answer():
    await freeze(one("answer"), rng.uniform(1, LONG))


async def kill_lookup():
    signals(one("lookup"), signal.SIGKILL)


async def freeze_lookup():
    await freeze(one("lookup"), rng.uniform(1, LONG))


async def freeze_node():
    run = rng.choice(nodes)[0]["TICKETCHAT_RUN_DIR"]
    await freeze([p for name in ("answer", "lookup") for p, r in ours(name).items() if r == run], rng.uniform(3, 22))


async def cut():
    for _, relay in nodes:
        if relay:
            relay.cut()


async def lose():
    for _, relay in nodes:
        if relay:
            relay.losing += rng.randint(1, 4)


async def storm():
    async with await psycopg.AsyncConnection.connect(a.direct, autocommit=True) as c:
        for _ in range(rng.randint(1, 10)):
            await c.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'ticketchat'")
            await asyncio.sleep(0.05)

FAULTS = {kill_answer: 1.5, freeze_answer: 6, kill_lookup: 3, freeze_lookup: 15, freeze_node: 45, cut: 3, lose: 1, storm: 20}


async def chaos(fault, pause):
    """Every so many seconds, on average."""
    while True:
        await asyncio.sleep(rng.expovariate(a.chaos / pause))
        try:
            await fault()
            did[fault.__name__.replace("_", " ")] += 1
        except psycopg.Error:
            pass


async def restarts():
    while True:
        await asyncio.sleep(60)
        p = await asyncio.create_subprocess_shell(a.restart)
        await p.wait()
        did["restarts"] += 1


# What must hold all the time: no two runs of a ticket live, no more on a server than it has slots.

LIVE = ("SELECT 'ticket ' || TicketId, count(*) FROM ticketchat.TicketAIRuns, clock_timestamp() AS t WHERE Ended IS NULL AND "
        "Until > t GROUP BY TicketId, Subject HAVING count(*) > 1 UNION ALL SELECT Server, count(*) FROM ticketchat.TicketAIRuns, "
        "clock_timestamp() AS t WHERE Ended IS NULL AND Until > t AND Server IS NOT NULL GROUP BY Server HAVING count(*) > %d")


async def checker():
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(a.direct, autocommit=True) as c:
                while True:
                    for row in await (await c.execute(LIVE % a.slots)).fetchall():
                        bad("live: %s has %d" % row)
                    count["checks"] += 1
                    await asyncio.sleep(0.05)
        except (psycopg.Error, OSError):
            await asyncio.sleep(0.2)


def saved():
    """{ticket: [texts]}"""
    found = collections.defaultdict(list)
    with psycopg.connect(a.direct) as c:
        for ticket, text in c.execute("SELECT TicketId, AiResponse FROM ticketchat.TicketAISessions WHERE AiResponse IS NOT NULL ORDER BY Id"):
            found[ticket].append(text)
        left = c.execute("SELECT count(*) FROM ticketchat.TicketAIRuns WHERE Ended IS NULL AND Until > clock_timestamp()").fetchone()[0]
        if left:
            bad("%d runs live though nobody waits" % left)
    return found


def judge():
    """What was shown as whole is what is saved, and nothing was written that nobody had asked for."""
    got = saved()
    for ticket, texts in shown.items():
        for text in texts - set(got[ticket]):
            bad("ticket %d: shown as whole and not saved: %.60s... (%d)" % (ticket, text, len(text)))
    for ticket, texts in got.items():
        tokens = int(re.search(r"tokens=(\d+)", wanted(ticket))[1])
        for text in texts:
            if text.count("printer") != tokens:
                bad("ticket %d: %d words of %d are saved" % (ticket, text.count("printer"), tokens))
        if len(texts) > 1 + refreshed[ticket]:
            bad("ticket %d: %d answers, for 1 question and %d refreshes" % (ticket, len(texts), refreshed[ticket]))
    count["answers saved"], count["tickets"] = sum(map(len, got.values())), len(known)


def median(values):
    return round(sorted(values)[len(values) // 2], 1) if values else None


async def main():
    global nodes
    nodes = [await node(n + 1, uri) for n, uri in enumerate(a.uri)]
    left = list(range(a.questions))
    watchers = [asyncio.create_task(checker())]
    if a.chaos:
        watchers += [asyncio.create_task(chaos(f, p)) for f, p in FAULTS.items()]
        if a.restart:
            watchers.append(asyncio.create_task(restarts()))
    await asyncio.gather(*(viewer(left) for _ in range(a.at_once)))
    for t in watchers:
        t.cancel()
    signals(frozen, signal.SIGCONT)
    until = time.monotonic() + 60
    while ours("answer") and time.monotonic() < until:
        await asyncio.sleep(0.1)
    if ours("answer"):
        bad("answer still runs")
    await asyncio.sleep(0.5)

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)         # PR_SET_CHILD_SUBREAPER
signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


async def reaper():
    while True:
        reap()
        await asyncio.sleep(0.2)


async def all_of_it():
    r = asyncio.create_task(reaper())
    try:
        await main()
    finally:
        r.cancel()

asyncio.run(all_of_it())
spent = time.monotonic() - begun
judge()
for p in list(ours("lookup")) + list(ours("chat")):
    os.kill(p, signal.SIGKILL)
reap()
print(json.dumps({"seconds": round(spent), "nodes": len(a.uri), "count": dict(count), "errors": dict(errors), "did": dict(did),
                  "first_ms": {k: median(v) for k, v in waits.items()}, "wrong": len(wrong)}))
sys.exit(1 if wrong else 0)
