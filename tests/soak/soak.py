"""The soak of run.sh: python3 soak.py MINUTES VIEWERS SEED KEEP BUILD TMP.

One event loop plays all viewers, routes the generations to replayed Ollamas,
makes the trouble, judges every frame and takes the samples.  A ticket's text
names the recording that answers it ("recipe=w3"), so whoever reads an answer,
or a row of the database, knows what it must be.

What a viewer may get besides a good answer has to have a reason: a recipe that
fails, a `stop' of that ticket, a kill of its generation, an outage of Ollama.
Everything else is a problem, and one problem fails the soak.
"""
import asyncio
import collections
import contextvars
import ctypes
import functools
import json
import math
import os
import random
import re
import resource
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import sys
import time

MINUTES, VIEWERS = float(sys.argv[1]), int(sys.argv[2])
SEED, KEEP = sys.argv[3], sys.argv[4] == "yes"
BUILD, TMP = os.path.abspath(sys.argv[5]), sys.argv[6]

SECONDS = MINUTES * 60
WARM = min(300, SECONDS / 5)    # until the first sample that counts
EVERY = min(5, max(1, SECONDS / 60))    # between two samples
RESIDENTS = max(2, VIEWERS // 20)       # connected from start to end
GENERATIONS = max(2, VIEWERS // 12)
LOAD = 1.5 * GENERATIONS        # nobody begins a ticket if so many run or wait
IDLE_TIMEOUT, SEND_TIMEOUT, STALL_TIMEOUT, FIRST_TOKEN_TIMEOUT = 15, 10, 6, 8
PATIENCE = 60                   # for a terminal frame, on a busy machine
WAL_MAX = 4096                  # kB; SQLite itself would let it grow so far
ALONE, ALONE_MAX = 60, 1024     # viewers, one at a time; kB of the same log
LARGE_MAX = 2560                # kB, of a chat that has seen large things
IN_FLIGHT = 4                   # questions sent and not ended; more get lost
PATH = "/api/websocket/chat/"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
NEVER = float("inf")

DATABASE, RUN_DIR, LOG = TMP + "/db", TMP + "/run", TMP + "/log"
STANDING = {"claims", "slots", "queue"}     # what stays in RUN_DIR

now = time.monotonic
began = now()
problems = 0
counts = collections.Counter()
latency = collections.defaultdict(list)


def bad(text):
    global problems
    problems += 1
    if problems <= 40:
        print("  problem at %.1f s: %s" % (now() - began, text), flush=True)


# Recipes: a recording, and how it is played.

class Recipe:
    def __init__(self, name, file, *options, code=None):
        self.name, self.file, self.options = name, file, options
        self.code = code        # the error it ends with; None: a good answer
        self.text = self.reason = None      # of a good answer
        self.first = self.then = None       # answer the 1st, 2nd request
        self.port = 0


def recorded(file):
    """The text of a recording up to its done line, and why that came."""
    with open(file, "rb") as f:
        data = f.read()
    if file.endswith(".http"):
        rest, data = data.split(b"\r\n\r\n", 1)[1], b""
        while rest:
            size, rest = rest.split(b"\r\n", 1)
            size = int(size, 16)
            data, rest = data + rest[:size], rest[size + 2:]
    text = ""
    for line in data.splitlines():
        if line.strip():
            line = json.loads(line)
            text += line.get("response", "")
            if line.get("done"):
                return text, line.get("done_reason")
    raise RuntimeError("no end in " + file)


def written(name, tokens):
    """A recording of our own."""
    file = "%s/%s.ndjson" % (TMP, name)
    with open(file, "w") as f:
        for i, text in enumerate([*tokens, ""]):
            done = i == len(tokens)
            json.dump({"model": "soak", "response": text, "done": done,
                       **({"done_reason": "stop", "eval_count": i}
                          if done else {})}, f, ensure_ascii=i % 3 == 0,
                      separators=(",", ":"))
            f.write("\n")
    return file


def tokens_of(name, rng):
    odd = ("\n", '"so" ', "C:\\temp ", "<b>", "impressão ", "café\t", "😀 ",
           "日本 ", "{} ", "%s ")
    return ["%s.%d%s" % (name, i, rng.choice(odd) if rng.random() < .15
                         else " ") for i in range(rng.randint(30, 110))]


def make_recipes():
    real, hand = "tests/ollama/%s.response.http", "tests/upstream/"
    rng = random.Random(7)
    made = [
        Recipe("pt", real % "stream-pt", "--pace", "35"),
        Recipe("emoji", real % "stream-emoji", "--pace", "60"),
        Recipe("length", real % "stream-length", "--pace", "80"),
        Recipe("short", real % "stream-stop", "--delay", "300", "--pace",
               "150"),
        Recipe("think", hand + "think-then-text.ndjson", "--pace", "200"),
        Recipe("order", hand + "other-key-order.ndjson", "--pace", "100"),
        Recipe("crlf", hand + "crlf.ndjson", "--split", "7"),
        Recipe("big", hand + "big-token.ndjson"),
    ]
    extra = (("--split", "11"), ("--delay", "1500"), ("--context", "50000"))
    for i in range(12):
        name = "w%d" % i
        made.append(Recipe(
            name, written(name, tokens_of(name, rng)), "--pace",
            str(rng.randint(20, 80)), *(extra[i] if i < 3 else ())))
    for i in range(2):
        made.append(Recipe("fat%d" % i, written("fat%d" % i, [
            "%03d " % n + rng.choice("abcdefgh") * 2990
            for n in range(300)])))
    for r in made:
        r.text, r.reason = recorded(r.file)
    pt = real % "stream-pt"
    for code, name, file, *options in (
            ("upstream_error", "terminated",
             hand + "500-runner-terminated.http"),
            ("upstream_error", "line", hand + "error-after-text.ndjson",
             "--pace", "100"),
            ("upstream_error", "runner", real % "runner-dies", "--pace", "50"),
            ("upstream_error", "shut", pt, "--cut", "0"),
            ("upstream_busy", "busy", real % "server-busy"),
            ("upstream_busy", "many", hand + "429-cloud.http"),
            ("model_missing", "missing", real % "model-not-found"),
            ("prompt_too_long", "context", hand + "400-exceeds-context.http"),
            ("upstream_invalid", "notjson", hand + "not-json.ndjson",
             "--pace", "100"),
            ("upstream_truncated", "dies", real % "server-dies", "--pace",
             "30"),
            ("upstream_truncated", "eof", hand + "eof-without-done.ndjson"),
            ("upstream_truncated", "cut", pt, "--cut", "3000", "--pace", "30"),
            ("upstream_truncated", "reset", pt, "--cut", "5000", "--reset",
             "--pace", "30"),
            ("empty_answer", "blank", hand + "done-without-text.ndjson"),
            ("upstream_timeout", "stall", pt, "--stall", "4000", "--pace",
             "20"),
            ("upstream_timeout", "mute", pt, "--stall", "0")):
        made.append(Recipe(name, file, *options, code=code))
    recipe = {r.name: r for r in made}
    # The first request fails in a way that answer tries once more.
    for name, first, then in (("again0", "busy", "w5"),
                              ("again1", "shut", "w6")):
        r = recipe[name] = Recipe(name, None)
        r.first, r.then = recipe[first], recipe[then]
        r.text, r.reason = r.then.text, r.then.reason
    return recipe


# Processes.  All that we start, and what they leave behind, ends up below us,
# as we are a subreaper.

def prctl(*args):
    ctypes.CDLL(None).prctl(*args, 0, 0, 0)


def spawn(argv, env, stdout):
    """Starts a program that ends if we die; its stderr is a file too."""
    files = [os.open("/dev/null", os.O_RDONLY),
             os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
             os.open(TMP + "/stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                     0o600)]
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
                signal.signal(sig, signal.SIG_DFL)
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(111)
            os.setsid()
            for i, fd in enumerate(files):
                os.dup2(fd, i)
            os.closerange(3, 65536)
            os.execvpe(argv[0], argv, env)
        finally:
            os._exit(111)
    for fd in files:
        os.close(fd)
    return pid


def stat_of(pid):
    """(command, state, parent), or None."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            head, tail = f.read().rsplit(")", 1)
    except OSError:
        return None
    state, parent = tail.split()[:2]
    return head.split("(", 1)[1], state, int(parent)


def below(top):
    """{pid: (command, state, parent)} of all descendants."""
    every, found = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = stat_of(int(name))
            if stat is not None:
                every[int(name)] = stat
    more = {top}
    while more:
        more = {p for p, s in every.items() if s[2] in more and p not in found}
        found.update((p, every[p]) for p in more)
    return found


def read_proc(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            return f.read()
    except OSError:
        return b""


def descriptors(pid):
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return 0


def memory(pid):
    """(Rss, Pss, what is private) in kB."""
    found = dict(re.findall(rb"^(\w+):\s+(\d+)",
                            read_proc(pid, "smaps_rollup"), re.M))
    return tuple(int(found.get(k, 0)) for k in (b"Rss", b"Pss")) + (
        int(found.get(b"Private_Clean", 0)) +
        int(found.get(b"Private_Dirty", 0)),)


children = {}       # pid: what we have started for the whole time
ended_children = {}
killed_pids = set()


def reap():
    """Takes the dead: ours for the whole time, and detached answers."""
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG |
                             os.WNOWAIT)
        except ChildProcessError:
            return
        if dead is None:
            return
        stat = stat_of(dead.si_pid)
        pid, status = os.waitpid(dead.si_pid, 0)
        if pid in children:
            ended_children[pid] = status
        elif stat is None or stat[0] != "answer":
            pass        # a sanitizer's helper, when its chat was killed
        elif os.WIFSIGNALED(status):
            sig = os.WTERMSIG(status)
            if pid not in killed_pids or sig != signal.SIGKILL:
                bad("an answer (pid %d) died of signal %d" % (pid, sig))
        else:
            code = os.WEXITSTATUS(status)
            counts["answer exit %d" % code] += 1
            if code >= 100:
                bad("an answer (pid %d) ended with exit code %d" % (pid, code))


def end_all():
    for sig in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(100):
            left = below(os.getpid())
            for p in left:
                try:
                    os.kill(p, sig)
                except ProcessLookupError:
                    pass
            try:
                while os.waitpid(-1, os.WNOHANG)[0] != 0:
                    pass
            except ChildProcessError:
                pass
            if not left:
                return
            time.sleep(0.02)


# The model: one address, which looks into the ticket and passes it on to the
# replayed Ollama of its recipe.

NAMED = re.compile(rb"soak (\d+) (\d+) recipe=(\w+)")
LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.I)
asked = {}          # of each request to generate that runs: (ticket, since)
outages = []        # [from, to]


async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def overlap(key, others, most, what):
    """Too many requests at once: unless some of them were just going."""
    await asyncio.sleep(2)
    if key in asked and sum(o in asked for o in others) > most:
        bad(what)


def generation_begins(key, ticket):
    others = [k for k, (t, _) in asked.items() if t is ticket]
    if others:
        later(overlap(key, others, 0, "ticket %d is generated twice at the "
                      "same time" % ticket.id))
    if len(asked) >= GENERATIONS:
        later(overlap(key, list(asked), GENERATIONS - 1,
                      "more than %d generations" % GENERATIONS))
    asked[key] = ticket, now()
    ticket.posts += 1
    counts["requests to the model"] += 1


def choose(body):
    """The ticket and the recipe of a request; (None, any) if it has none."""
    found = NAMED.search(body)
    if found is None:
        return None, recipes["pt"]
    ticket = tickets[int(found[1])]
    r = recipes[found[3].decode()]
    if r.first is not None:
        # By the text: a refresh begins anew.
        key = found[0]
        seen = ticket.tried.get(key, 0)
        ticket.tried[key] = seen + 1
        r = r.first if seen % 2 == 0 else r.then
    return ticket, r


async def route(reader, writer):
    key = up = other = None
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        found = LENGTH.search(head)
        body = await reader.readexactly(int(found[1])) if found else b""
        ticket, recipe = choose(body)
        if ticket is not None:
            key = next(numbers)
            generation_begins(key, ticket)
        back, other = await asyncio.open_connection("127.0.0.1", recipe.port)
        other.write(head + body)
        up = asyncio.create_task(pump(reader, other))
        down = asyncio.create_task(pump(back, writer))
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if down.done() and isinstance(down.exception(), ConnectionResetError):
            reset(writer.transport)
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
    except (OSError, asyncio.IncompleteReadError,
            asyncio.LimitOverrunError):
        pass
    finally:
        if key is not None:
            asked.pop(key)[0].since = NEVER
        for w in (writer, other):
            if w is not None:
                w.close()


def reset(transport):
    """Closes with RST."""
    s = transport.get_extra_info("socket")
    if s is not None:
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
        except OSError:
            pass
    transport.abort()


# Tickets, questions, and what they may end with.

class Ticket:
    def __init__(self, number, recipe):
        self.id = number
        self.recipe = recipe        # of its first text
        self.recipes = set()        # of all its texts
        self.begun = self.since = NEVER     # asked first; a generation runs
        self.answered = NEVER       # somebody has got an answer
        self.failed = False
        self.stops, self.kills = [], []     # when; kills of its answer
        self.killed = False         # a chat of it was
        self.refreshed = False
        self.posts = 0
        self.tried = {}

    def codes(self):
        return {recipes[r].code for r in self.recipes}

    def large(self):
        return any(r.startswith("fat") for r in self.recipes | {self.recipe})

    def knows(self, text):
        return any(recipes[r].text == text for r in self.recipes)


class Question:
    """A message that gets one terminal frame; codes: it is refused so."""

    def __init__(self, ticket, body=None, refresh=False, status=False,
                 codes=()):
        self.ticket, self.body = ticket, body
        self.refresh, self.status, self.codes = refresh, status, codes
        self.sent = now()
        self.text = []
        self.cached = None

    def told(self):
        return "ticket %s, asked %.1f s ago%s" % (
            self.ticket.id if self.ticket else "-", now() - self.sent,
            ", refresh" if self.refresh else "")


tickets = {}        # by id
live = collections.deque(maxlen=400)    # the newest, of which many run
answered = collections.deque(maxlen=3000)
revisit = collections.deque()   # a kill may have left a socket there
texts = {}                      # text of a recipe: its number
seen_cached, seen_generated = set(), set()


def new_ticket(rng, recipe=None):
    while True:
        number = rng.randrange(1, 2**63) if rng.random() < .1 else \
            next(numbers)
        if number not in tickets:
            break
    if recipe is None:
        recipe = rng.choice(BAD) if rng.random() < .2 else rng.choice(GOOD)
    t = tickets[number] = Ticket(number, recipe)
    live.append(t)
    return t


def running():
    """Roughly how many generations run or wait."""
    return sum(t.since < NEVER and now() - t.since < 60 for t in live)


def pick(rng, want=None):
    if revisit and rng.random() < .5:
        return revisit.popleft()
    r = rng.random()
    if want == "live" or (want is None and r < .5):
        some = [t for t in live if t.since < NEVER]
        if some:
            return rng.choice(some)
    if want is None and r < .65 and answered:
        return rng.choice(answered)
    if running() < LOAD or not answered:
        return new_ticket(rng)
    return rng.choice(answered if rng.random() < .5 else live)


def text_of(rng, t, recipe):
    """A ticket's text: mostly the same each time."""
    if recipe == t.recipe and rng.random() < .8:
        return "soak %d 0 recipe=%s. The printer jams." % (t.id, recipe)
    more = rng.choice((
        "O toner acabou.", 'Tela "azul" \\ erro\n\t— ☃ 😀',
        "x" * int(rng.expovariate(1 / 2000)), " ".join(["ação"] * 300)))
    return "soak %d %d recipe=%s. %s" % (t.id, next(numbers), recipe, more)


def excused(q, code):
    t = q.ticket
    if code in t.codes():
        return True
    if code == "stopped":
        return any(s > q.sent - 10 for s in t.stops)
    if code == "interrupted":
        return any(k > q.sent - 1 for k in t.kills)
    return code.startswith("upstream_") and in_outage(q.sent, now())


def in_outage(begin, end):
    return any(a <= end and b > begin - 10 for a, b in outages)


def judge_answer(q, frame):
    t = q.ticket
    text = "".join(q.text) if q.cached is None else q.cached["response"]
    if not t.knows(text):
        bad("a wrong text of %d characters, %r...: %s" % (
            len(text), text[:60], q.told()))
        return
    if q.cached is None:
        seen_generated.add((t.id, texts[text]))
        if frame.get("reason") not in {
                r.reason if r.reason == "length" else None
                for r in recipes.values() if r.text == text}:
            bad("reason %r: %s" % (frame.get("reason"), q.told()))
    else:
        seen_cached.add((t.id, q.cached["createdAt"], texts[text],
                         q.cached.get("bodyChanged", False), hash(q.body)))
    if t.answered == NEVER:
        t.answered = now()
        answered.append(t)


def judge(q, frame):
    """The terminal frame of a question."""
    code = frame.get("code")
    if q.codes:
        counts["refused"] += 1
        if code not in q.codes:
            bad("%s in place of %s" % (json.dumps(frame), q.codes))
        return
    t = q.ticket
    t.since = NEVER
    if frame["type"] == "done":
        counts["cached" if q.cached else "generated"] += 1
        judge_answer(q, frame)
        return
    counts["error " + str(code)] += 1
    t.failed = True
    if not q.refresh and q.sent > t.answered:
        bad("%s where an answer is kept: %s" % (code, q.told()))
    elif not excused(q, code):
        bad("%s without a reason: %s, recipes %s" % (
            json.dumps(frame), q.told(), " ".join(sorted(t.recipes))))


# A viewer: a WebSocket client that looks at everything it gets.

class Gone(Exception):
    """The connection has ended though it ought not to have."""


class Late(Exception):
    """What was waited for did not come."""


by_port = {}        # the viewers that are connected


class Viewer(asyncio.BufferedProtocol):
    def __init__(self, ticket, chunk=65536, pause=0):
        self.ticket = ticket
        self.room = memoryview(bytearray(chunk))
        self.pause = pause          # after each read
        self.data, self.part = bytearray(), bytearray()
        self.open = self.eof = self.left = False
        self.killed = self.may_close = self.resident = False
        self.pending = collections.deque()
        self.streamed = 0           # frames of the question that runs
        self.pings = collections.deque()
        self.condition = self.waiter = None

    # The transport's side.

    def connection_made(self, transport):
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        by_port[self.port] = self

    def get_buffer(self, _):
        return self.room

    def buffer_updated(self, n):
        self.data += self.room[:n]
        self.take()
        if self.pause and not self.left:
            self.transport.pause_reading()
            loop.call_later(self.pause, self.resume)
        self.wake()

    def resume(self):
        if not self.left and not self.eof:
            self.transport.resume_reading()

    def eof_received(self):
        self.eof = True
        self.wake()

    def connection_lost(self, _):
        self.eof = True
        if by_port.get(self.port) is self:
            del by_port[self.port]
        self.wake()

    # Frames.

    def take(self):
        d, at = self.data, 0
        if not self.open:
            end = d.find(b"\r\n\r\n")
            if end == -1:
                return
            if not d.startswith(b"HTTP/1.1 101 "):
                bad("handshake: %r" % bytes(d[:60]))
                self.transport.abort()
                return
            self.open, at = True, end + 4
        while len(d) >= at + 2 and not self.left:
            n, p = d[at + 1] & 127, at + 2
            if n >= 126:
                p += 2 if n == 126 else 8
                if len(d) < p:
                    break
                n = int.from_bytes(d[at + 2:p], "big")
            if len(d) < p + n:
                break
            self.piece(d[at], d[p:p + n])
            at = p + n
        del d[:at]

    def piece(self, head, payload):
        op = head & 15
        if op in (0, 1) and not head & 0x70:
            self.part += payload
            if head & 0x80:
                payload, self.part = bytes(self.part), bytearray()
                self.message(payload)
        elif op != 8:
            bad("a frame of opcode %02x" % head)

    def message(self, payload):
        try:
            frame = json.loads(payload.decode())
            kind = frame["type"]
        except (ValueError, TypeError, KeyError):
            bad("not a frame: %r" % payload[:200])
            return
        counts["frames"] += 1
        if b"\n" in payload or (len(payload) >= 4000 and kind != "cached"):
            bad("a line of %d bytes: %r" % (len(payload), payload[:80]))
        if kind == "pong":
            if self.pings:
                latency["ping to pong"].append(now() - self.pings.popleft())
            elif not self.ticket.large():
                bad("a pong for nothing")
        elif not self.pending:
            bad("a frame behind the last end: %r" % payload[:200])
        else:
            self.frame(self.pending[0], kind, frame)

    def frame(self, q, kind, frame):
        if kind in ("done", "error"):
            self.pending.popleft()
            self.streamed = 0
            well = kind == "done" and (q.cached or q.text) or \
                kind == "error" and not q.cached and \
                isinstance(frame["code"], str) and frame["message"] and \
                "{}" not in frame["message"] and \
                isinstance(frame["retryable"], bool)
            if not well:
                bad("an end of a wrong shape: %s" % json.dumps(frame))
            judge(q, frame)
            return
        if kind == "stream":
            well = not q.codes and q.cached is None and frame["content"]
            q.text.append(frame["content"])
            self.streamed += 1
        elif kind == "cached":
            well = not q.codes and q.cached is None and \
                frame["response"] and frame["message"]
            q.cached = frame
        else:
            well = kind == "status" and q.status and frame["state"] in (
                "queued", "loading", "thinking", "generating")
        if not well:
            bad("a frame out of place: %s" % json.dumps(frame)[:200])
        elif q.ticket and kind != "cached" and not q.refresh and \
                q.sent > q.ticket.answered:
            bad("%s where an answer is kept: %s" % (kind, q.told()))

    # What it does.

    def wake(self):
        if self.waiter is not None and not self.waiter.done() and (
                self.eof or self.condition()):
            self.waiter.set_result(None)

    async def until(self, condition, seconds, else_late=True):
        """Waits until something holds; tells whether it does."""
        if not condition() and not self.eof:
            self.condition, self.waiter = condition, loop.create_future()
            try:
                await asyncio.wait_for(self.waiter, seconds)
            except asyncio.TimeoutError:
                if else_late:
                    raise Late from None
            finally:
                self.waiter = None
        if condition():
            return True
        if self.eof:
            raise Gone
        return False

    def send(self, payload, opcode=1):
        n = len(payload)
        size = struct.pack("!B", 0x80 | n) if n < 126 else \
            struct.pack("!BH", 0x80 | 126, n) if n < 65536 else \
            struct.pack("!BQ", 0x80 | 127, n)
        # A mask of zeros leaves the bytes as they are.
        self.transport.write(bytes([0x80 | opcode]) + size + b"\0\0\0\0" +
                             payload)

    def ask(self, rng, refresh=False, recipe=None):
        t = self.ticket
        if recipe is None:
            recipe = t.recipe
            if refresh or (recipes[recipe].code and t.failed and
                           rng.random() < .8):
                recipe = rng.choice(GOOD)
        t.recipes.add(recipe)
        if refresh:
            t.refreshed = True
        if t.begun == NEVER:
            t.begun = now()
        if t.since == NEVER and (refresh or t.answered == NEVER):
            t.since = now()
        m = {"ticketBody": text_of(rng, t, recipe)}
        q = Question(t, m["ticketBody"], refresh, rng.random() < .3)
        if refresh:
            m["refresh"] = True
        if q.status:
            m["status"] = True
        if rng.random() < .3:
            m["lang"] = rng.choice(("en", "pt-BR", "de", ""))
        if rng.random() < .1:
            m["user"] = {"name": "x", "groups": [1, 2, {"a": None}]}
        pretty = rng.random() < .15
        self.pending.append(q)
        self.send(json.dumps(m, indent=2 if pretty else None,
                             ensure_ascii=rng.random() < .5).encode())
        counts["questions"] += 1
        counts["pretty-printed"] += pretty

    def refuse(self, payloads, *codes):
        """Sends what is refused: one error for each of codes."""
        for p in payloads:
            self.send(p, 2 if isinstance(p, bytearray) else 1)
        for c in codes:
            self.pending.append(Question(None, codes=(c,)))

    def ping(self):
        # Behind 64 kB of output that waits a ping gets no pong.
        if not self.ticket.large():
            self.pings.append(now())
        self.send(b'{"type":"ping"}')

    def stop(self):
        self.ticket.stops.append(now())
        self.send(b'{"type":"stop"}')
        counts["stops"] += 1

    async def finish(self):
        """Reads to the end of all questions."""
        await self.until(lambda: not self.pending, PATIENCE)

    def leave(self, how="close"):
        """close: as a browser; fin, reset, half: as the network has it."""
        if self.left:
            return
        if self.pending and self.streamed and not self.eof:
            counts["left in mid-stream"] += 1
        self.left = True
        if self.eof or how == "fin":
            self.transport.close()
        elif how == "reset":
            reset(self.transport)
        elif how == "half":
            self.transport.write_eof()
            loop.call_later(2, self.transport.abort)
        else:
            self.send(b"\x03\xe8", 8)
            loop.call_later(1, self.transport.abort)


async def enter(ticket, rcvbuf=0, path=None, **how):
    """Connects to a ticket."""
    s = socket.socket()
    s.setblocking(False)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    start = now()
    await loop.sock_connect(s, ("127.0.0.1", PORT))
    _, v = await loop.create_connection(lambda: Viewer(ticket, **how), sock=s)
    current.set(v)
    v.transport.write((
        "GET %s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        "\r\nSec-WebSocket-Version: 13\r\n\r\n" % (
            PATH, ticket.id if path is None else path, PORT)).encode())
    await v.until(lambda: v.open, PATIENCE)
    latency["connect"].append(now() - start)
    counts["connections"] += 1
    return v


async def nap(seconds):
    """Sleeps, but not beyond the end of the soak."""
    try:
        await asyncio.wait_for(asyncio.shield(ending), seconds)
    except asyncio.TimeoutError:
        pass


# What viewers do.

LEAVES = ("close", "fin", "reset", "half")


async def reads(rng):
    v = await enter(pick(rng))
    v.ask(rng)
    await v.finish()
    if rng.random() < .3:
        v.ask(rng)
        await v.finish()
    await nap(rng.expovariate(1 / 4))       # to read it
    v.leave(rng.choice(LEAVES))


async def comes_late(rng):
    t = pick(rng, "live")
    await nap(rng.uniform(0, 3))
    v = await enter(t)
    v.ask(rng)
    await v.finish()
    await nap(rng.expovariate(1 / 4))
    v.leave()


async def leaves(rng):
    v = await enter(pick(rng, rng.choice((None, "live"))))
    v.ask(rng)
    n = rng.randint(1, 25)
    await v.until(lambda: not v.pending or v.streamed >= n, PATIENCE)
    v.leave(rng.choice(LEAVES))


async def does_not_wait(rng):
    """Asks, and leaves before anything has come; or does not even ask."""
    v = await enter(pick(rng))
    if rng.random() < .8:
        v.ask(rng)
    await nap(rng.choice((0, 0, rng.uniform(0, .02))))
    v.leave(rng.choice(LEAVES))


async def stops(rng):
    v = await enter(pick(rng, rng.choice((None, "live", "new"))))
    if rng.random() < .9:
        v.ask(rng)
        n = rng.randint(0, 12)
        await v.until(lambda: not v.pending or v.streamed >= n, PATIENCE)
    v.stop()
    start, running_one = now(), v.pending and v.streamed
    await v.finish()
    if running_one:
        latency["stop to end"].append(now() - start)
    v.leave(rng.choice(LEAVES))


async def refreshes(rng):
    v = await enter(pick(rng))
    if rng.random() < .4:
        v.ask(rng)
    again = running() < LOAD
    v.ask(rng, again)
    if rng.random() < .4:       # a double click
        v.ask(rng, again)
    await v.finish()
    v.leave()


async def pings(rng):
    v = await enter(pick(rng))
    v.ask(rng)
    if rng.random() < .3:
        v.ask(rng)
    for _ in range(2000):
        v.ping()
        if await v.until(lambda: not v.pending, rng.uniform(.02, .5), False):
            break
    await v.finish()
    await v.until(lambda: not v.pings, PATIENCE)
    v.leave()


async def reads_slowly(rng):
    t = pick(rng)
    chunk, pause = (4096, .003) if t.large() else (
        rng.choice((40, 200, 1000)), rng.uniform(.005, .03))
    v = await enter(t, rng.choice((2048, 4096)), chunk=chunk, pause=pause)
    v.ask(rng)
    await v.finish()
    v.leave(rng.choice(LEAVES))


async def is_deaf(rng):
    """Does not read for seconds, so that websocketd and chat get stuck."""
    v = await enter(rng.choice(fat), 4096)
    v.transport.pause_reading()
    for _ in range(rng.randint(1, IN_FLIGHT)):
        v.ask(rng)
    if rng.random() < .1:
        # Longer than chat waits; what the kernel holds may be all there is.
        v.may_close = True
        await nap(SEND_TIMEOUT + rng.uniform(0, 4))
        v.leave(rng.choice(LEAVES))
        return
    await nap(rng.uniform(.5, SEND_TIMEOUT / 2))
    if rng.random() < .3:
        counts["leaves while deaf"] += 1
        v.leave(rng.choice(LEAVES))
        return
    v.transport.resume_reading()
    await v.finish()
    v.leave(rng.choice(LEAVES))


def junk(rng, small):
    """[(messages, the codes of the errors that they get)]; bytearray: binary.
    """
    fixed = (
        ([b"hello"], "bad_json"),
        ([b"null"], "bad_json"),
        ([b'"text"'], "bad_json"),
        ([b"[1,2]"], "bad_json"),
        ([b"[" * rng.randint(65, 5000 if small else 50000)], "bad_json"),
        ([b'{"ticketBody":"\xff\xfe"}'], "bad_json"),
        ([b'{"ticketBody":"a\nb"}'], "bad_json", "bad_json"),
        ([b'{"ticketBody":"a"}{"ticketBody":"b"}'], "bad_json"),
        ([b"\x00\x01\x02\x7f" * rng.randint(1, 3000)], "bad_json"),
        ([bytearray(b"\x00BIN\xff"), b'{"ticketBody":"x"}'], "bad_json"),
        ([b'{"ticketBody":5}'], "bad_request"),
        ([b"{}"], "bad_request"),
        ([b'{"type":"dance"}'], "bad_request"),
        ([b'{"ticketBody":" \\n\\t "}'], "bad_request"),
        ([b'{"ticketBody":"a\\u0000"}'], "bad_request"),
        ([b'{"ticketBody":"a","ticketBody":"b"}'], "bad_request"),
        ([b'{"ticketBody":"a","refresh":"yes"}'], "bad_request"),
        ([b"", b"  ", b"\n\n\t\n"],),
    )
    huge = (
        ([b'{"ticketBody":"%s"}' % (b"y" * rng.randint(65537, 400000))],
         "too_large"),
        ([b'{"ticketBody":"%s"}' % (b"z" * rng.randint(450000, 3000000))],
         "too_large"),
    )
    return fixed if small else fixed + huge


def send_junk(v, rng, small=False):
    messages, *codes = rng.choice(junk(rng, small))
    if len(v.pending) + len(codes) <= IN_FLIGHT:
        v.refuse(messages, *codes)
        counts["junk"] += 1


async def sends_junk(rng):
    v = await enter(pick(rng))
    if rng.random() < .5:
        v.ask(rng)
    for _ in range(rng.randint(1, 3)):
        send_junk(v, rng)
        if rng.random() < .5:
            await v.finish()
    await v.finish()
    if rng.random() < .4:
        # A message whose end does not come within 2 s.
        v.refuse([rng.choice((b'{"ticketBody":', b'{"a":[1,\n2,',
                              bytearray(b"\x01BIN"),
                              bytearray(b'{"ticketBody":"a"}')))], "bad_json")
        await v.finish()
    v.ask(rng)
    await v.finish()
    v.leave(rng.choice(LEAVES))


async def asks_much(rng):
    v = await enter(pick(rng))
    for _ in range(rng.randint(2, 4)):
        for _ in range(rng.randint(1, IN_FLIGHT)):
            v.ask(rng, refresh=rng.random() < .1)
        if rng.random() < .1:
            await v.until(lambda: not v.pending or v.streamed > 3, PATIENCE)
            if v.streamed:
                v.stop()
        await v.finish()
        await nap(rng.uniform(0, .5))
        if ending.done():
            break
    v.leave(rng.choice(LEAVES))


async def is_idle(rng):
    v = await enter(pick(rng))
    if rng.random() < .2:
        v.may_close = True
        start = now()
        try:
            await v.until(lambda: v.eof or ending.done(), IDLE_TIMEOUT + 20)
        except Late:
            bad("an idle connection is open after %d s" % (now() - start))
        if v.eof and not v.killed and now() - start < IDLE_TIMEOUT - .5:
            bad("an idle connection was closed after %.1f s" % (now() - start))
        counts["closed for idleness"] += v.eof
    else:
        for _ in range(rng.randint(1, 6)):
            await nap(rng.uniform(.5, 3))
            if rng.random() < .5:
                v.ping()
        await v.until(lambda: not v.pings, PATIENCE)
    v.leave(rng.choice(LEAVES))


async def is_lost(rng):
    v = await enter(None, path=rng.choice((
        "0", "007", "x", "-1", "12x", "9223372036854775808", "1/2", "%ff")))
    v.refuse([b'{"ticketBody":"printer jam"}'], "bad_ticket_id")
    await v.finish()
    v.leave()


BEHAVIOUR = {
    reads: 28, comes_late: 12, leaves: 22, does_not_wait: 4, stops: 2,
    refreshes: 5, pings: 6, reads_slowly: 5, is_deaf: 2, sends_junk: 6,
    asks_much: 4, is_idle: 4, is_lost: 1,
}


async def session(what):
    """One stay of a viewer; it must end as it wants it to."""
    current.set(None)
    v = None
    try:
        await what()
    except Gone:
        v = current.get()
        if v.killed:
            counts["killed under a viewer"] += 1
        elif not v.may_close:
            bad("the connection was lost, with %d questions open: ticket %s%s"
                % (len(v.pending), v.ticket and v.ticket.id,
                   ", " + v.pending[0].told() if v.pending else ""))
    except Late:
        v = current.get()
        bad("nothing came for %d s: ticket %s, %d questions open%s%s" % (
            PATIENCE, v.ticket and v.ticket.id, len(v.pending),
            ", its chat was killed" if v.killed else "",
            ", " + v.pending[0].told() if v.pending else ""))
    except OSError as why:
        bad("connect: %s" % why)
    finally:
        v = current.get()
        if v is not None and not v.left:
            v.leave("fin")
    counts["sessions"] += 1


async def visitor(number):
    rng = random.Random("%s/%d" % (SEED, number))
    await nap(rng.uniform(0, min(10, WARM)))
    kinds, weights = zip(*BEHAVIOUR.items())
    while not ending.done():
        what = rng.choices(kinds, weights)[0]
        counts[what.__name__] += 1
        await session(functools.partial(what, rng))
        await nap(rng.expovariate(5))


async def lives_here(rng, number):
    """One connection for the whole time, on which everything happens; on half
    of them nothing large."""
    t = new_ticket(rng, rng.choice(LEAN))
    v = await enter(t)
    small = number % 2 == 0
    v.resident = "small" if small else "large"
    # Everything once, while it is not yet counted.
    for messages, *codes in junk(rng, small):
        v.refuse(messages, *codes)
        await v.finish()
    if not small:
        v.refuse([b'{"ticketBody":"%s"}' % (b"z" * n)
                  for n in (400000, 500000)], "too_large", "too_large")
        v.ask(rng, False, "fat1")
    await v.finish()
    v.ask(rng)
    await v.finish()
    while not ending.done():
        r = rng.random()
        if r < .45:
            for _ in range(rng.randint(1, 3)):
                v.ask(rng)
        elif r < .60 and running() < LOAD:
            v.ask(rng, True, rng.choice(LEAN))
            if r < .50:
                n = rng.randint(1, 6)
                await v.until(lambda: not v.pending or v.streamed >= n,
                              PATIENCE)
                v.stop()
        elif r < .75:
            send_junk(v, rng, small)
        elif r < .80:
            v.stop()
        if r > .70:
            v.ping()
        await v.finish()
        await v.until(lambda: not v.pings, PATIENCE)
        counts["residents' rounds"] += 1
        await nap(rng.uniform(.2, 4))
    v.leave()


async def resident(number):
    rng = random.Random("%s/resident %d" % (SEED, number))
    await session(lambda: lives_here(rng, number))


# Trouble.

def our(command):
    """{pid: parent} of our live processes of this name."""
    return {p: s[2] for p, s in below(os.getpid()).items()
            if s[0] == command and s[1] != "Z"}


def kill(pid, command):
    """Kills one of ours, surely that one; tells whether it could."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        stat = stat_of(pid)
        if stat is None or stat[0] != command or stat[1] == "Z" or \
                stat[2] not in (server, os.getpid()) and \
                stat_of(stat[2])[2] != server:
            return False
        killed_pids.add(pid)
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        counts["kills of " + command] += 1
        return True
    except (OSError, TypeError):
        return False
    finally:
        os.close(fd)


def kill_answer(rng):
    some = sorted(our("answer"))
    if not some:
        return
    pid = rng.choice(some)
    argv = read_proc(pid, "cmdline").split(b"\0")
    if len(argv) < 3 or not argv[1].isdigit():
        return
    t = tickets[int(argv[1])]
    t.kills.append(now())
    if kill(pid, "answer"):
        revisit.append(t)
    else:
        t.kills.pop()


def remote_port(pid):
    found = re.search(rb"(?:^|\0)REMOTE_PORT=(\d+)", read_proc(pid, "environ"))
    return int(found[1]) if found else 0


def kill_chat(rng):
    some = sorted(p for p, parent in our("chat").items() if parent == server)
    if not some:
        return
    pid = rng.choice(some)
    v = by_port.get(remote_port(pid))
    if v is None or v.resident or v.eof:
        return
    v.killed = True
    if kill(pid, "chat") and v.ticket:
        v.ticket.killed = True
        revisit.append(v.ticket)


async def killer():
    rng = random.Random(SEED + "/killer")
    while not ending.done():
        await nap(rng.expovariate(VIEWERS / 500))
        if not ending.done():
            rng.choice((kill_answer, kill_chat))(rng)


def sockets():
    """The tickets whose generation has a socket, running or not."""
    return [tickets[int(f[:-5])] for f in os.listdir(RUN_DIR)
            if f.endswith(".sock")]


def age(ticket):
    try:
        return time.time() - os.stat("%s/%d.sock" % (
            RUN_DIR, ticket.id)).st_mtime
    except OSError:
        return 0


async def sweep(rng, t):
    """Asks where a kill has left a socket: it must be answered, and go.  Only
    a new generation comes upon it."""
    counts["sockets swept"] += 1
    v = await enter(t)
    v.ask(rng, refresh=True, recipe="short")
    await v.finish()
    v.leave()


async def janitor():
    rng = random.Random(SEED + "/janitor")
    while not ending.done():
        await nap(5)
        for t in sockets():
            if age(t) > 20 and (t.since == NEVER or now() - t.since > 60):
                await session(functools.partial(sweep, rng, t))


async def breaker():
    """Now and then Ollama is not there for a second."""
    global model
    rng = random.Random(SEED + "/breaker")
    await nap(rng.uniform(.4, .6) * min(SECONDS, 120))
    while not ending.done():
        model.close()
        outages.append([now(), NEVER])
        await asyncio.sleep(rng.uniform(.3, 1.5))
        model = await asyncio.start_server(route, "127.0.0.1", MODEL_PORT,
                                           limit=1 << 20)
        outages[-1][1] = now()
        await nap(rng.uniform(60, 240))


async def watch():
    """The dead, and whether this loop itself keeps up."""
    while True:
        start = now()
        await asyncio.sleep(.25)
        latency["delay of this test itself"].append(now() - start - .25)
        reap()
        for pid in [p for p in ended_children if p in children]:
            bad("%s has ended (status %d)" % (children.pop(pid),
                                              ended_children[pid]))


# Samples.

samples = []
resident_pids = {}


def size(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else 0


def wal_used():
    """What of the -wal is in use, in kB: the frames of its newest round."""
    with open(DATABASE + "-wal", "rb") as f:
        salts, n = f.read(32)[16:24], 0
        while f.read(24)[8:16] == salts and salts:
            f.seek(4096, 1)
            n += 1
    return n * 4120 / 1024


def sample():
    every = below(os.getpid())
    chats = [p for p, s in every.items() if s[0] == "chat" and s[1] != "Z"]
    answers = [p for p, s in every.items() if s[0] == "answer" and s[1] != "Z"]
    if len(resident_pids) < RESIDENTS:
        for p in chats:
            v = by_port.get(remote_port(p))
            if v is not None and v.resident:
                resident_pids[p] = v.resident
    kb = {p: memory(p) for p in chats + answers}
    kb = {p: m for p, m in kb.items() if m[1] > 0}
    rss, pss, _ = memory(server)
    small, large = ([p for p, kind in resident_pids.items() if kind == which
                     and p in kb] for which in ("small", "large"))
    files = os.listdir(RUN_DIR)
    open_now = sum(v.open for v in by_port.values())
    fds = descriptors(server)
    return {
        "at": now() - began, "leaves": counts["left in mid-stream"],
        "questions": counts["questions"], "viewers": open_now,
        "chats": len(chats), "answers": len(answers),
        "surplus": len(chats) - open_now,
        "zombies": sum(s[1] == "Z" for s in every.values()),
        "chat median": statistics.median(
            [kb[p][1] for p in chats if p in kb] or [0]),
        "chat pss": mean(kb[p][1] for p in chats if p in kb),
        "chat rss": mean(kb[p][0] for p in chats if p in kb),
        "chat private": mean(kb[p][2] for p in chats if p in kb),
        "answer pss": mean(kb[p][1] for p in answers if p in kb),
        "ours": sum(m[1] for m in kb.values()) / max(1, len(chats)),
        "small pss": mean(kb[p][1] for p in small),
        "large pss": mean(kb[p][1] for p in large),
        "resident fds": mean(descriptors(p) for p in small + large),
        "answer fds": mean(descriptors(p) for p in answers),
        "server rss": rss, "server pss": pss, "server fds": fds,
        "server surplus": fds - 4 * open_now,
        "files": len(files),
        "stale": len(set(files) - STANDING) - len(answers),
        "database": size(DATABASE) / 1024, "wal": size(DATABASE + "-wal") /
        1024, "log": size(LOG) / 1024,
    }


async def sampler():
    told = now()
    while not ending.done():
        await nap(EVERY)
        if not ending.done():
            samples.append(sample())
        if now() > told + 600:
            told = now()
            phase("%d sessions, %d questions, %d problems" % (
                counts["sessions"], counts["questions"], problems))
        while live and live[0].since == NEVER and len(live) > 100:
            live.popleft()


# What is left at the end.

def phase(text):
    print("  %.1f s: %s" % (now() - began, text), flush=True)


async def within(seconds, condition):
    end = now() + seconds
    while not condition():
        if now() > end:
            return False
        await asyncio.sleep(.02)
    return True


def gone(command):
    return not [1 for s in below(os.getpid()).values() if s[0] == command]


async def sweep_all():
    rng = random.Random(SEED + "/sweep")
    for t in sockets():
        if not t.kills and not t.killed:
            bad("ticket %d: a socket was left without a kill" % t.id)
        await session(functools.partial(sweep, rng, t))


async def quiet_hour():
    """One viewer after the other, each alone: the database is opened and
    closed each time.  By how much that has filled its log, in kB."""
    rng = random.Random(SEED + "/quiet")

    async def once():
        v = await enter(new_ticket(rng, "crlf"))
        v.ask(rng)
        await v.finish()
        v.leave()

    before = wal_used()
    for _ in range(ALONE):
        await session(once)
        await within(20, lambda: gone("chat") and gone("answer"))
    return wal_used() - before


async def check_left(base):
    if not await within(20, lambda: gone("chat")):
        bad("chat is left: %s" % our("chat"))
    if not await within(STALL_TIMEOUT + SEND_TIMEOUT + 60,
                        lambda: gone("answer")):
        bad("answer is left: %s" % our("answer"))
    await sweep_all()
    if not await within(20, lambda: gone("chat") and gone("answer")):
        bad("a process is left: %s %s" % (our("chat"), our("answer")))
    left = set(os.listdir(RUN_DIR)) - STANDING
    if left:
        bad("left in RUN_DIR: " + " ".join(sorted(left)))
    if not await within(10, lambda: descriptors(server) <= base):
        bad("websocketd has %d descriptors, %d at its start" % (
            descriptors(server), base))
    if asked:
        bad("%d requests to the model are open" % len(asked))


def check_database():
    c = sqlite3.connect(DATABASE)
    for pragma in ("integrity_check", "foreign_key_check"):
        said = c.execute("PRAGMA " + pragma).fetchall()
        if said not in ([], [("ok",)]):
            bad("%s: %s" % (pragma, said[:3]))
    (n,) = c.execute(
        "SELECT count(*) FROM TicketAISessions AS s LEFT JOIN "
        "TicketAIGenerations AS g ON g.SessionId = s.Id "
        "WHERE (s.AiResponse IS NULL) <> (g.SessionId IS NULL)").fetchone()
    if n:
        bad("%d answers without their cost, or the reverse" % n)
    cached, generated, empty = set(), set(), set()
    for t, prompt, text, updated in c.execute(
            "SELECT TicketId, Prompt, AiResponse, UpdatedAt "
            "FROM TicketAISessions ORDER BY TicketId, Id"):
        if t in empty:
            bad("ticket %d: a row behind one without an answer" % t)
        if text is None:
            empty.add(t)
            counts["rows without an answer"] += 1
            continue
        counts["rows"] += 1
        r = recipes[NAMED.match(prompt.encode())[3].decode()]
        if text != r.text:
            bad("kept for ticket %d: %d characters, not the %s of %s" % (
                t, len(text), len(r.text or ""), r.name))
            continue
        generated.add((t, texts[text]))
        cached.add((t, updated, texts[text], hash(prompt)))
    c.close()
    for t, number in seen_generated - generated:
        bad("ticket %d: an answer that was shown is not kept" % t)
    rows = {c[:3] for c in cached}
    for t, at, number, changed, body in seen_cached:
        if (t, at, number) not in rows:
            bad("ticket %d: shown as kept at %s, but no such row" % (t, at))
        elif ((t, at, number, body) in cached) == changed:
            bad("ticket %d: kept at %s, shown with bodyChanged %s" % (
                t, at, changed))


def check_requests():
    """One request to the model for an answer, where nothing interfered."""
    for t in tickets.values():
        plain = t.recipes <= set(STEADY) and not t.stops and not t.kills and \
            not t.refreshed and t.answered < NEVER and \
            not in_outage(t.begun - 5, t.answered + 5)
        counts["plain tickets"] += plain
        if plain and t.posts != 1:
            bad("ticket %d: the model was asked %d times" % (t.id, t.posts))


def check_logs():
    """No line of ours is an error; websocketd's log holds nothing of ours."""
    seen = collections.Counter()
    with open(LOG, errors="replace") as f:
        for line in f:
            if "level=error" in line:
                what = re.search(r"(call|error|harden)=.*", line)
                seen[what[0].strip() if what else line.strip()] += 1
            counts["dropped questions"] += "dropped=question" in line
    for line, n in seen.most_common(5):
        bad("in the log, %d times: %s" % (n, line[:300]))
    with open(TMP + "/websocketd", errors="replace") as f:
        for line in f:
            if "| stderr" in line or "stderr |" in line or "Sanitizer" in line:
                seen[line.split("'", 1)[-1][:60]] += 1
                bad("chat wrote to stderr: " + line[-300:].strip())
    with open(TMP + "/stderr", errors="replace") as f:
        counts["panics in websocketd"] = f.read().count("panic")
    if counts["dropped questions"]:
        bad("%d questions were dropped" % counts["dropped questions"])


async def blocked_goroutines():
    """Ends websocketd with a dump, and counts those that wait for ever."""
    children.pop(server)
    before = size(TMP + "/stderr")
    os.kill(server, signal.SIGQUIT)
    await within(10, lambda: server in ended_children)
    with open(TMP + "/stderr", "rb") as f:
        f.seek(before)
        dump = f.read().decode(errors="replace").split("\n\n")
    return sum(bool(re.match(r"goroutine \d+ \[chan send", g)) for g in dump)


# The table.

def quarters(key):
    n = max(1, len(kept) // 4)
    return ([s[key] for s in kept[:n]], [s[key] for s in kept[-n:]])


def slope(xs, ys):
    """Least squares: (slope, its standard error)."""
    n = len(xs)
    mx, my = mean(xs), mean(ys)
    sxx = sum((x - mx) ** 2 for x in xs)
    if n < 3 or sxx == 0:
        return 0, NEVER
    b = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sxx
    rest = sum((y - my - b * (x - mx)) ** 2 for x, y in zip(xs, ys))
    return b, math.sqrt(rest / (n - 2) / sxx)


def noise(values):
    return statistics.variance(values) / len(values) if len(values) > 1 else 0


def grows_by_tenth(a, b):
    """More than 10 %, and surely so."""
    sure = 4 * math.sqrt(noise(a) + noise(b))
    return mean(b) - mean(a) - sure > .1 * mean(a)


def grows_in_time(a, b):
    """The same; but at first a heap only gets to its size."""
    return SECONDS >= 300 and grows_by_tenth(a, b)


def grows_large(a, b):
    """The same, beyond what the largest message and answer may leave."""
    return grows_by_tenth(a, b) and mean(b) > LARGE_MAX


def grows_by_some(a, b):
    return statistics.median(b) > statistics.median(a) + max(5, VIEWERS / 20)


ROWS = (
    # label, key, unit, what fails it
    ("viewers connected", "viewers", "", None),
    ("chat processes", "chats", "", None),
    ("chat beyond the viewers", "surplus", "", grows_by_some),
    ("answer processes", "answers", "", None),
    ("zombies", "zombies", "", grows_by_some),
    ("a chat, PSS, median", "chat median", "kB", grows_by_tenth),
    ("a chat, PSS, mean", "chat pss", "kB", None),
    ("a chat, RSS, mean", "chat rss", "kB", None),
    ("a chat, private, mean", "chat private", "kB", None),
    ("a chat since the start, PSS", "small pss", "kB", grows_in_time),
    ("the same with large messages", "large pss", "kB", grows_large),
    ("the same, descriptors", "resident fds", "", grows_by_some),
    ("an answer, PSS, mean", "answer pss", "kB", None),
    ("an answer, descriptors", "answer fds", "", None),
    ("all of ours for each viewer, PSS", "ours", "kB", grows_by_tenth),
    ("websocketd, RSS", "server rss", "kB", None),
    ("websocketd, PSS", "server pss", "kB", None),
    ("websocketd, descriptors", "server fds", "", None),
    ("the same beyond 4 for each viewer", "server surplus", "",
     grows_by_some),
    ("files in RUN_DIR", "files", "", None),
    ("the same beyond the generations", "stale", "", grows_by_some),
    ("database", "database", "kB", None),
    ("its -wal", "wal", "kB", None),
    ("our log", "log", "kB", None),
)


def print_table(alone):
    """Tells what has grown."""
    grown = []
    lines = [("", "first quarter", "last quarter", "change", "per hour", "")]
    hours = [s["at"] / 3600 for s in kept]
    for label, key, unit, fails in ROWS:
        a, b = quarters(key)
        failed = fails is not None and fails(a, b)
        if failed:
            grown.append(label)
        lines.append((
            label + (", " + unit if unit else ""), "%.1f" % mean(a),
            "%.1f" % mean(b), "%+.1f" % (mean(b) - mean(a)),
            "%+.0f" % slope(hours, [s[key] for s in kept])[0],
            "" if fails is None else "GROWS" if failed else "steady"))
    for label, kb, most in (
            ("its -wal, at its largest", max(s["wal"] for s in samples),
             WAL_MAX),
            ("its -wal, by %d viewers one at a time" % ALONE, alone,
             ALONE_MAX)):
        if kb > most:
            grown.append(label)
        lines.append((label + ", kB", "", "%.1f" % kb, "", "",
                      "OVER %d" % most if kb > most else "<= %d" % most))
    width = [max(len(r[i]) for r in lines) for i in range(6)]
    for r in lines:
        print("  ".join([r[0].ljust(width[0])] + [
            r[i].rjust(width[i]) for i in range(1, 5)] + [r[5]]).rstrip())
    return grown


def print_counts(blocked, rss):
    def some(pattern):
        return "  ".join("%s %d" % (re.sub(pattern, "", k), n)
                         for k, n in sorted(counts.items())
                         if re.match(pattern, k))
    kinds = {k.__name__ for k in BEHAVIOUR}
    print("\nviewers:   " + "  ".join("%s %d" % (k, counts[k])
                                      for k in sorted(kinds)))
    print("questions: %d; generated %d, cached %d, refused %d; errors: %s" % (
        counts["questions"], counts["generated"], counts["cached"],
        counts["refused"], some("error ")))
    print("besides:   " + "  ".join(
        "%s %d" % (k, n) for k, n in sorted(counts.items()) if k not in kinds
        and k not in ("questions", "generated", "cached", "refused",
                      "sessions") and not k.startswith("error ")))
    print("outages of the model: %d; tickets: %d" % (len(outages),
                                                     len(tickets)))
    for what, values in sorted(latency.items()):
        values.sort()
        print("%s: p50 %.0f ms, p99 %.0f ms, most %.0f ms" % (
            what, values[len(values) // 2] * 1e3,
            values[len(values) * 99 // 100] * 1e3, values[-1] * 1e3))
    n = counts["left in mid-stream"]
    b, sure = slope([s["leaves"] for s in kept],
                    [s["server rss"] for s in kept])
    first, last = kept[0], kept[-1]
    print("websocketd's leak, its own and not judged: %d viewers left in "
          "mid-stream, %d goroutines\n  are blocked for ever (%.1f %%); its "
          "RSS grew by %.2f kB a leave\n  (+- %.2f; %.0f kB for each of those "
          "goroutines; from %d kB to %d kB in %d leaves%s),\n  %d kB when "
          "all had left" % (
              n, blocked, 100 * blocked / max(1, n), b, 2 * sure,
              b * n / max(1, blocked),
              first["server rss"], last["server rss"],
              last["leaves"] - first["leaves"],
              ": too few to tell" if last["leaves"] - first["leaves"] < 5000
              or 2 * sure > abs(b) else "", rss))


# Setting up.

def make_server_script():
    """run.sh as `make install' would write it: other places, no make."""
    places = {"bin": BUILD + "/bin", "libexec": BUILD + "/libexec",
              "handlers": BUILD + "/handlers", "checkout": ""}
    with open("run.sh") as f:
        text = f.read()
    for name, place in places.items():
        text, n = re.subn(r"^%s=.*$" % name, "%s=%s" % (name, place), text,
                          count=1, flags=re.M)
        if n != 1:
            raise RuntimeError("run.sh has no line %s=" % name)
    with open(TMP + "/run.sh", "w") as f:
        f.write(text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def start_replays():
    env = {"PATH": os.environ["PATH"]}
    for r in recipes.values():
        if r.first is None:
            pid = spawn([BUILD + "/tests/replay", "--die-with-parent",
                         *r.options, r.file], env, "%s/port.%s" % (
                             TMP, r.name))
            children[pid] = "replay of " + r.name
    for r in recipes.values():
        if r.first is None:
            name = "%s/port.%s" % (TMP, r.name)
            if not await within(10, lambda: size(name) > 1):
                raise RuntimeError("replay of %s does not start" % r.name)
            with open(name) as f:
                r.port = int(f.read())


async def start_server():
    env = {
        "PATH": os.environ["PATH"], "PORT": str(PORT), "ADDRESS": "127.0.0.1",
        "MAX_CONNECTIONS": str(VIEWERS * 2 + 50), "DATABASE": DATABASE,
        "RUN_DIR": RUN_DIR, "LOG": LOG, "OLLAMA_MODEL": "soak",
        "OLLAMA_SERVER": "http://127.0.0.1:%d/api/generate" % MODEL_PORT,
        "FIRST_TOKEN_TIMEOUT": str(FIRST_TOKEN_TIMEOUT),
        "STALL_TIMEOUT": str(STALL_TIMEOUT),
        "IDLE_TIMEOUT": str(IDLE_TIMEOUT), "SEND_TIMEOUT": str(SEND_TIMEOUT),
        "GENERATIONS": str(GENERATIONS),
        "QUEUE_MAX": str(min(4096, VIEWERS * 4)),
    }
    open(TMP + "/conf", "w").close()
    pid = spawn(["sh", TMP + "/run.sh", "-c", TMP + "/conf"], env,
                TMP + "/websocketd")
    children[pid] = "websocketd"

    def listens():
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return True
        except OSError:
            return False
    if not await within(20, listens):
        raise RuntimeError("the service does not start")
    return pid


def later(coroutine):
    task = loop.create_task(coroutine)
    tasks.add(task)
    task.add_done_callback(done_with)
    return task


def done_with(task):
    tasks.discard(task)
    if not task.cancelled() and task.exception() is not None:
        bad("in this test itself: %r" % task.exception())


async def play():
    """Everybody, for the time that was said; then until the last has left."""
    everybody = [resident(i) for i in range(RESIDENTS)] + [
        visitor(i) for i in range(VIEWERS - RESIDENTS)]
    everybody = [loop.create_task(c) for c in everybody]
    for c in (sampler(), killer(), breaker(), janitor()):
        later(c)
    _, left = await asyncio.wait(everybody, timeout=SECONDS, return_when=(
        asyncio.FIRST_EXCEPTION))
    ending.set_result(None)
    if left:
        _, left = await asyncio.wait(left, timeout=PATIENCE + 30)
    for t in everybody:
        if t.done() and t.exception() is not None:
            raise t.exception()
    if left:
        bad("%d viewers do not come to an end" % len(left))
        for t in left:
            t.cancel()


async def soak():
    global loop, ending, current, tasks, model, server, kept
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, asyncio.current_task().cancel)
    ending = loop.create_future()
    current = contextvars.ContextVar("current", default=None)
    tasks = set()
    model = await asyncio.start_server(route, "127.0.0.1", MODEL_PORT,
                                       limit=1 << 20)
    await start_replays()
    server = await start_server()
    later(watch())
    rng = random.Random(SEED + "/fat")
    for i in range(4):
        fat.append(new_ticket(rng, "fat%d" % (i % 2)))
    await session(functools.partial(is_lost, rng))
    await within(5, lambda: gone("chat"))
    await asyncio.sleep(.5)
    base = descriptors(server)
    await play()
    phase("all have left")
    kept = [s for s in samples if s["at"] >= WARM] or samples
    await check_left(base)
    rss = memory(server)[0]
    phase("nothing runs")
    alone = await quiet_hour()
    phase("the quiet hour is over")
    blocked = await blocked_goroutines()
    check_database()
    check_requests()
    check_logs()
    model.close()
    return blocked, rss, alone


def numbering():
    n = 1000
    while True:
        n += 1
        yield n


def main():
    blocked, rss, alone = asyncio.run(soak())
    grown = print_table(alone)
    print_counts(blocked, rss)
    print()
    what = "%g min, %d viewers, seed %s: %d sessions, %d questions, " \
        "%d problems, %s" % (
            MINUTES, VIEWERS, SEED, counts["sessions"], counts["questions"],
            problems, "grows: " + ", ".join(grown) if grown else
            "nothing grows")
    good = problems == 0 and not grown
    return good, what


resource.setrlimit(resource.RLIMIT_NOFILE, (
    resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
prctl(PR_SET_CHILD_SUBREAPER, 1)
numbers, fat = numbering(), []
print("soak: %g min, %d viewers, seed %s; %s, Linux %s, %d CPUs, load %s" % (
    MINUTES, VIEWERS, SEED, time.strftime("%Y-%m-%d %H:%M"),
    os.uname().release, os.cpu_count(), os.getloadavg()[0]), flush=True)
verdict, code = "FAILED soak: it broke off", 1
try:
    recipes = make_recipes()
    texts.update((t, i) for i, t in enumerate(
        {r.text for r in recipes.values() if r.text}))
    STEADY = [n for n, r in recipes.items() if not r.code and not r.first]
    GOOD = [n for n, r in recipes.items() if not r.code and
            not n.startswith("fat")]
    LEAN = [n for n in STEADY if not n.startswith("fat")]
    BAD = [n for n, r in recipes.items() if r.code]
    MODEL_PORT, PORT = free_port(), free_port()
    make_server_script()
    passed, verdict = main()
    verdict = ("ok soak: " if passed else "FAILED soak: ") + verdict
    code = 0 if passed else 1
except (KeyboardInterrupt, asyncio.CancelledError):
    verdict, code = "FAILED soak: it was interrupted", 130
except (RuntimeError, OSError) as why:
    verdict, code = "FAILED soak: %s" % why, 111
    for name in ("websocketd", "stderr", "log"):
        if os.path.exists(TMP + "/" + name):
            with open(TMP + "/" + name, errors="replace") as f:
                sys.stdout.writelines(f.readlines()[-5:])
finally:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_all()
    if KEEP:
        print("kept: " + TMP)
    else:
        shutil.rmtree(TMP, ignore_errors=True)
    print(verdict, flush=True)
    os._exit(code)      # connections that are still open need no farewell
