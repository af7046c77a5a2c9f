"""The soak: many viewers of every kind at the real service, for a long time.

    /usr/bin/python3 tests/soak/soak.py [-m MINUTES] [-n VIEWERS] [-s SEED] [-k]

Whoever stays gets what is promised, and nothing of ours grows.  It starts run.sh in front of a replayed Ollama for each
way in which a model may answer, and ends with a line for each promise, "ok soak: ..." or "FAILED soak: ...".  It needs
Debian's python3-websockets.  All that it makes is below one directory, and gone afterwards (-k keeps it); it listens on
127.0.0.1 and ends only what it started.

How to read it, from top to bottom:

  recipes     ways to answer.  A ticket has one for ever: whoever sees an answer, or a row, knows what it must be.
  processes   what /proc tells about those that we started
  the model   the address that the service knows: passes each request on to the replay of its ticket's recipe
  tickets     what went on with them, which excuses errors: a recipe that fails, a stop, a kill, an outage of the model.
              Everything else is a problem, and one problem fails the soak.
  viewers     a connection, which judges each frame that it gets; and what viewers do on it
  the crowd   who comes, how often, for which ticket
  samples     what must not grow
  the end     what must not be left; the database; the verdict

Every wait has a generous deadline: nothing fails because the machine is slow.
"""
import argparse
import asyncio
import collections
import contextlib
import ctypes
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

import websockets
from websockets.legacy.client import connect        # Debian 12 and Debian 13 both have this one

parser = argparse.ArgumentParser()
parser.add_argument("-m", type=float, default=60, help="minutes; 60 unless given")
parser.add_argument("-n", type=int, default=200, help="viewers; 200 unless given")
parser.add_argument("-s", default=str(random.randrange(10**6)), help="a seed: repeats what viewers chose to do")
parser.add_argument("-k", action="store_true", help="keep the directory with the database and the logs")
OPTIONS = parser.parse_args()
SECONDS, VIEWERS, SEED = OPTIONS.m * 60, OPTIONS.n, OPTIONS.s
RESIDENTS, GENERATIONS = max(2, VIEWERS // 20), max(3, VIEWERS // 12)
WARM = min(300, SECONDS / 5)    # s, before the first sample
IDLE_TIMEOUT, SEND_TIMEOUT, MODEL_TIMEOUT = 30, 25, 12      # s, of the service
REFUSED = 14            # s, that a connection may stay which says nothing good
PATIENCE = 90           # s, for the next frame
EXCUSED = 10            # s: trouble excuses questions that were asked so long after it
IN_FLIGHT = 4           # questions that may wait; more of them may be dropped
NEVER = float("inf")

ENDS = "each message has its one end"
WHOLE = "each answer is whole"
REASON = "each error has its reason"
ONCE = "an answer that is kept is not made again"
SOUND = "nobody crashes, complains or loses a connection"
KEPT = "the database is intact and holds whole answers only"
FLAT = "memory, descriptors, processes and files are flat"
LEFT = "no process, socket or file is left"

problems = {promise: 0 for promise in (ENDS, WHOLE, REASON, ONCE, SOUND, KEPT, FLAT, LEFT)}
first = {}                      # of each promise's problems
counts = collections.Counter()
server = ending = None          # the pid of the parent of websocketd; an asyncio.Event
now = time.monotonic
began = now()


def free_port():
    """Below those that the kernel gives to anybody who connects."""
    while True:
        port = random.randrange(10000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def say(text):
    print(f"  {now() - began:6.1f} s: {text}", flush=True)


def bad(promise, text):
    problems[promise] += 1
    first.setdefault(promise, text)
    if problems[promise] <= 10:
        say(f"not so: {promise}: {text}")
    if sum(problems.values()) > 100 and server:
        ending.set()            # that will do


os.chdir(os.path.dirname(os.path.abspath(__file__)) + "/../..")
TMP = tempfile.mkdtemp(prefix="ticketchat-soak.")
RUN_DIR, DATA, TMPDIR = (f"{TMP}/service/{name}" for name in ("run", "data", "tmp"))
PORT, MODEL_PORT = free_port(), free_port()


# Recipes: the error that it ends with, or - for a good one; a recording; how it is played.

RECIPES = """
- tests/ollama/stream-stop.response.http --delay 300 --pace 150
- tests/ollama/stream-pt.response.http --pace 35
- tests/ollama/stream-emoji.response.http --pace 60
- tests/ollama/stream-length.response.http --pace 80
- tests/upstream/think-then-text.ndjson --pace 200
- tests/upstream/big-token.ndjson
upstream_busy tests/ollama/server-busy.response.http
upstream_error tests/upstream/error-after-text.ndjson --pace 100
upstream_error tests/ollama/stream-pt.response.http --cut 0
model_missing tests/ollama/model-not-found.response.http
prompt_too_long tests/upstream/400-exceeds-context.http
upstream_invalid tests/upstream/not-json.ndjson --pace 100
upstream_truncated tests/ollama/stream-pt.response.http --cut 3000 --pace 30
upstream_truncated tests/ollama/server-dies.response.http --pace 30
empty_answer tests/upstream/done-without-text.ndjson
upstream_timeout tests/ollama/stream-pt.response.http --stall 4000 --pace 20
"""


class Recipe:
    def __init__(self, code, file, *how):
        self.code, self.file, self.how, self.text = code, file, how, ""
        if code == "-":         # the text of a recording is in the lines that begin with a brace
            with open(file, "rb") as f:
                for line in re.findall(rb"^\{.*", f.read(), re.M):
                    self.text += json.loads(line).get("response", "")


def written(name, tokens, *how):
    """A recording of our own."""
    with open(f"{TMP}/{name}.ndjson", "w") as f:
        for i, text in enumerate(tokens):
            print(json.dumps({"response": text, "done": False}, ensure_ascii=i % 2 == 0), file=f)
        print('{"response":"","done":true,"done_reason":"stop"}', file=f)
    return Recipe("-", f.name, *how)


def words(name, n):
    ends = (" ", " ", " ", " ", "\n", '"so" ', "C:\\temp ", "<b>", "impressão ", "café\t", "😀 ")
    return [f"{name}{i}{ends[i * i % len(ends)]}" for i in range(n)]


recipes = [Recipe(*line.split()) for line in RECIPES.strip().splitlines()] + [
    written("some", words("some", 40), "--pace", "60"), written("late", words("late", 50), "--delay", "1500"),
    written("more", words("more", 90), "--pace", "40", "--split", "11")]
good, poor = [r for r in recipes if r.code == "-"], [r for r in recipes if r.code != "-"]
nowhere = Recipe("bad_ticket_id", None)


# Processes.

started, killed = {}, set()     # pids
prctl = ctypes.CDLL(None).prctl


def start(*argv, **how):
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True,
                         preexec_fn=lambda: prctl(1, signal.SIGTERM), **how)        # PR_SET_PDEATHSIG
    started[p.pid] = " ".join(argv)
    return p


def proc(pid, name):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as f:
        return f.read()
    return b""


def ours(name=None, argument=None, **environment):
    """The pids of this service's processes: those with our RUN_DIR.  A zombie has no environment."""
    wanted = {f"{k}={v}".encode() for k, v in {"TICKETCHAT_RUN_DIR": RUN_DIR, **environment}.items()}
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and
            (name is None or proc(pid, "comm").split(b"-")[0].strip() == name.encode()) and
            wanted <= set(proc(pid, "environ").split(b"\0")) and
            (argument is None or str(argument).encode() in proc(pid, "cmdline").split(b"\0")[1:2])]


def children(pid):
    """Those that have ended and are not taken, too: a place of MAX_CONNECTIONS each where the parent is websocketd."""
    return [p for p in os.listdir("/proc") if p.isdigit() and f"\nPPid:\t{pid}\n".encode() in proc(p, "status")]


def websocketd():
    """The child of what was run.sh."""
    return next(iter(ours("websocketd")), 0)


def descriptors(pid):
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def memory(pid, what=b"Anonymous"):
    """In kB; what is anonymous does not depend on how many share the rest."""
    found = re.search(what + rb": +(\d+)", proc(pid, "smaps_rollup"))
    return int(found[1]) if found else 0


def kill(pid):
    killed.add(pid)
    counts["killed " + proc(pid, "comm").decode().split("-")[0].strip()] += 1
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def reap():
    """Takes the dead: a detached answer ends up below us, as we are a subreaper."""
    while True:
        while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            pid, name, how = dead.si_pid, proc(dead.si_pid, "comm"), f"code {dead.si_code}, status {dead.si_status}"
            os.waitpid(pid, 0)
            if pid in started:
                bad(SOUND, f"{started.pop(pid)} has ended: {how}")
            elif name.startswith(b"answer") and pid not in killed and (dead.si_code != os.CLD_EXITED or dead.si_status >= 100):
                bad(SOUND, f"an answer ended: {how}")
        await asyncio.sleep(.2)


# The model.

asked = {}              # the requests that run: their tickets
outages = []            # [from, to]


async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def pass_on(reader, writer):
    """One connection to the model, that is one request."""
    other = None
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: *(\d+)", head, re.I)
        body = await reader.readexactly(int(length[1]) if length else 0)
        number = re.search(rb"soak ticket=(\d+)", body)
        ticket = tickets[int(number[1])] if number else endless     # run.sh only looks at the list of models
        ticket.requests += bool(number)
        if ticket is not endless:
            asked[writer] = ticket
        back, other = await asyncio.open_connection("127.0.0.1", ticket.recipe.port)
        other.write(head + body)
        pumps = [asyncio.create_task(pump(*way)) for way in ((reader, other), (back, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for p in pumps:
            p.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        asked.pop(writer, None)
        for w in filter(None, (writer, other)):
            w.close()


async def model():
    """Is there, but for a second now and then."""
    rng = random.Random(SEED + "/outages")
    while True:
        listener = await asyncio.start_server(pass_on, "127.0.0.1", MODEL_PORT)
        if not await nap(rng.uniform(.3, .6) * min(SECONDS, 240)):
            await asyncio.Event().wait()            # until we are cancelled
        outages.append([now(), NEVER])
        listener.close()        # "async with" would wait for all connections to end, since Python 3.12
        await asyncio.sleep(rng.uniform(.3, 1.5))
        outages[-1][1] = now()


def in_outage(begin, end):
    return any(a <= end and b > begin - EXCUSED for a, b in outages)


# Tickets and questions.

tickets = {}                                    # by id
answered = collections.deque(maxlen=2000)       # those that others may come back to


class Ticket:
    def __init__(self, recipe, number=None):
        self.id = number or len(tickets) + 1000
        tickets[self.id] = self
        self.recipe = recipe
        self.requests = 0           # to the model
        self.asked = self.answered = NEVER      # for the first time
        self.trouble = {}           # what viewers did to it, or the code of its error: when

    def excuses(self, code, since):
        return code == self.recipe.code or self.trouble.get(code, -NEVER) > since - EXCUSED or \
            code.startswith("upstream_") and in_outage(since, now())


fat = Ticket(written("fat", ("%03d " % i + "x" * 3000 for i in range(700))))          # two megabytes
endless = Ticket(written("endless", words("endless", int(SECONDS) + 900), "--pace", "2000"))
recipes += [fat.recipe, endless.recipe]


class Question:
    """A message, which gets one end; code: the error that it must end with."""

    def __init__(self, ticket, refresh=False, status=False, code=None):
        self.ticket, self.refresh, self.status, self.code = ticket, refresh, status, code
        self.sent = now()
        self.text, self.cached = [], None

    def __str__(self):
        return f"ticket {self.ticket.id} ({self.ticket.recipe.code} {self.ticket.recipe.file})" \
               f"{' refresh' * self.refresh}, asked {now() - self.sent:.1f} s ago"

    def takes(self, kind, frame):
        """Judges a frame; whether it was the end."""
        if kind in ("stream", "status", "error") and not self.code and not self.refresh and \
                self.sent > self.ticket.answered:
            bad(ONCE, f"{kind} where an answer is kept: {self}")
        if kind == "error":
            counts["error " + frame["code"]] += 1
            if frame["code"] != self.code if self.code else not self.ticket.excuses(frame["code"], self.sent):
                bad(REASON, f"{frame} in place of {self.code}: {self}")
        elif self.code:
            bad(REASON, f"{kind} in place of {self.code}")
        elif kind == "done":
            self.done()
        elif self.cached is not None or kind == "status" and not self.status:
            bad(ENDS, f"out of place: {frame!s:.200}: {self}")
        elif kind == "stream":
            self.text.append(frame["content"])
        elif kind == "cached":
            self.cached = frame["response"]
        return kind in ("done", "error")

    def done(self):
        t = self.ticket
        counts["generated" if self.cached is None else "cached"] += 1
        text = "".join(self.text) if self.cached is None else self.cached
        if text != t.recipe.text:
            bad(WHOLE, f"{len(text)} characters, {text:.60}..., in place of {len(t.recipe.text)}: {self}")
        if t.answered == NEVER:
            t.answered = now()
            if t not in (fat, endless):
                answered.append(t)


# Viewers.

SMALL_JUNK = (
    (b"hello", "bad_json"), (b"null", "bad_json"), (b"[" * 3000, "bad_json"), (b"\x01\x02\x7f" * 1000, "bad_json"),
    (b'{"ticketBody":"\xff\xfe"}', "bad_json"), (b'\0{"ticketBody":"x"}', "bad_json"),
    (b'{"ticketBody":"a"}{"ticketBody":"b"}', "bad_json"), (b'{"ticketBody":', "bad_json"),     # after 2 s
    (b"{}", "bad_request"), (b'{"type":"dance"}', "bad_request"), (b'{"ticketBody":5}', "bad_request"),
    (b'{"ticketBody":" \\n\\t "}', "bad_request"), (b'{"ticketBody":"a","ticketBody":"b"}', "bad_request"),
    (b"\n\n \t\n", None),
)
JUNK = *SMALL_JUNK, *((b'{"ticketBody":"%s"}' % (b"y" * n), "too_large") for n in (70000, 600000))

viewers = set()         # those that are connected
residents = []          # the chats of those that stay


class Viewer:
    def __init__(self, ws, ticket, rng):
        self.ws, self.ticket, self.rng = ws, ticket, rng
        self.pending = collections.deque()      # questions
        self.since = self.said = now()
        self.pongs = 0              # that are due
        self.may_lose = False       # its connection
        self.refused = NEVER        # since when, without a good message: 15 s later it is closed

    def __str__(self):
        return f"{len(self.pending)} questions, the first: {self.pending[0] if self.pending else '-'}"

    async def send(self, data, opcode=1):
        self.said = now()
        async with asyncio.timeout(PATIENCE):
            await self.ws.write_frame(True, opcode, data)       # send() would insist on UTF-8

    async def ask(self, n=1, refresh=False):
        """Asks n times, or once where no answer will be kept."""
        t, rng = self.ticket, self.rng
        for _ in range(n if t.recipe.code == "-" else 1):
            text = rng.choice(("The printer jams.", 'Tela "azul" \\ erro\n\t— ☃ 😀', "ação " * rng.randrange(500)))
            q = Question(t, refresh, rng.random() < .3)
            message = {"ticketBody": f"soak ticket={t.id}. {text}", "refresh": refresh, "status": q.status}
            t.asked = min(t.asked, q.sent)
            if refresh:
                t.trouble["refresh"] = q.sent
            self.pending.append(q)
            counts["questions"] += 1
            await self.send(json.dumps(message, indent=rng.choice((None, None, 2)), ensure_ascii=False).encode())

    async def say_junk(self, data, code):
        if data.startswith(b"\0"):
            await self.send(b"\0BIN", 2)        # becomes one with the text behind it
        if code:
            self.pending.append(Question(self.ticket, code=code))
        await self.send(data)
        await self.finish()

    async def ping(self):
        self.pongs += 1
        await self.send(b'{"type":"ping"}')

    async def stop(self):
        self.ticket.trouble["stopped"] = now()
        await self.send(b'{"type":"stop"}')

    async def frame(self):
        """Takes one frame."""
        async with asyncio.timeout(PATIENCE):
            line = await self.ws.recv()
        counts["frames"] += 1
        frame = json.loads(line)
        kind = frame["type"]
        if kind == "error" and frame["code"] in ("bad_json", "bad_request", "bad_ticket_id", "too_large"):
            self.refused = min(self.refused, self.pending[0].sent if self.pending else now())
        elif kind == "done":
            self.refused = NEVER
        if kind == "pong" and self.pongs > 0:
            self.pongs -= 1
        elif not self.pending or "\n" in line or kind != "cached" and len(line.encode()) >= 4000:
            bad(ENDS, f"a frame too many or too long: {line:.200}")
        elif self.pending[0].takes(kind, frame):
            self.pending.popleft()

    def streamed(self):
        return len(self.pending[0].text) if self.pending else 0

    async def finish(self, pause=0, frames=NEVER):
        """Reads to the end of all questions, or so many frames of one."""
        while self.pending and self.streamed() < frames:
            await self.frame()
            await asyncio.sleep(pause)

    async def rest(self, seconds):
        """Reads whatever comes; so a frame too many is seen."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self.frame()

    async def chat(self):
        """The pid of its chat; websocketd says yes before it has started one."""
        port = self.ws.local_address[1]
        await within(PATIENCE, lambda: ours("chat", REMOTE_PORT=port))
        return ours("chat", REMOTE_PORT=port)[0]

    # What viewers do.

    async def reads(self):
        await self.ask(self.rng.choice((1, 1, 1, 2, IN_FLIGHT)))
        await self.finish()
        await self.rest(self.rng.choice((.1, .5, 5)))

    async def leaves(self):
        await self.ask()
        await self.finish(frames=self.rng.randint(0, 25))

    async def stops(self):
        await self.leaves()
        await self.stop()
        await self.finish()
        await self.rest(.5)

    async def refreshes(self):
        await self.ask(self.rng.choice((1, 1, 2)), refresh=True)        # 2: a double click
        await self.finish()
        await self.rest(.5)

    async def pings(self):
        await self.ask()
        while self.pending:
            await self.ping()
            await self.rest(self.rng.uniform(.05, .5))
        while self.pongs:
            await self.frame()

    async def is_slow(self):
        """Does not read for a while, so that websocketd and chat get stuck; for too long, or not quite."""
        since = now()
        await self.ask(self.rng.choice((1, IN_FLIGHT)))
        self.may_lose = self.rng.random() < .2
        await nap(SEND_TIMEOUT + 3 if self.may_lose else self.rng.uniform(0, SEND_TIMEOUT / 6))
        if self.may_lose:
            counts["hung up on"] += not ours("chat", REMOTE_PORT=self.ws.local_address[1])
            return
        try:
            await self.finish(pause=0 if self.ticket is fat else self.rng.uniform(0, .05))
        except websockets.ConnectionClosed:
            # Whose window is never open for all that is first in line looks deaf to the kernel, though it reads.
            self.may_lose = now() > since + SEND_TIMEOUT
            counts["too slow"] += 1
            raise

    async def is_deaf(self):
        """Never reads.  Chat leaves, and websocketd, which waits for nobody else, gives its place back."""
        self.may_lose = True
        pid = await self.chat()
        self.ws.transport.pause_reading()
        for _ in range(2):
            await self.ask(IN_FLIGHT)
        # A zombie is a place that is taken.
        if not await within(SEND_TIMEOUT + 30 + PATIENCE, lambda: not proc(pid, "comm").startswith(b"chat")):
            bad(SOUND, f"a viewer that never reads keeps its place; {self}")

    async def sends_junk(self):
        for _ in range(self.rng.randint(1, 3)):
            await self.say_junk(*self.rng.choice(JUNK))
        await self.reads()

    async def floods(self):
        """With more than can wait: some is dropped, the rest has its ends."""
        if self.ticket.answered == NEVER:
            return await self.reads()
        await self.ask(300)
        await self.rest(5)
        counts["dropped of a flood"] += len(self.pending)
        if len(self.pending) > 300 - IN_FLIGHT:
            bad(ENDS, f"of a flood only {300 - len(self.pending)} were answered")

    async def is_idle(self):
        since = now()
        while self.ws.open and now() < since + IDLE_TIMEOUT + PATIENCE:
            if not await nap(.5):
                return
        if self.ws.open or now() < since + IDLE_TIMEOUT / 2:
            bad(SOUND, f"idle for {now() - since:.1f} s: open {self.ws.open}")

    async def kills(self):
        """Its answer or its chat, at any moment; then comes again, upon a socket that may be left."""
        if not has_room():
            return await self.reads()
        what = self.rng.choice(("interrupted", "killed"))
        await self.ask(refresh=True)
        await self.rest(self.rng.choice((.001, self.rng.uniform(0, .03), self.rng.uniform(0, 2))))
        self.ticket.trouble[what] = now()
        if what == "interrupted":
            for pid in ours("answer", self.ticket.id):
                kill(pid)
            await self.finish()
        else:
            self.may_lose = True
            kill(await self.chat())
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await self.frame()
        await visit(Viewer.refreshes, self.ticket, self.rng)

    async def stays(self):
        """As long as the soak, with an answer that would be longer."""
        await self.ask()
        while not ending.is_set():
            await self.rest(1)
        await self.stop()
        await self.finish()

    async def lives_here(self):
        """One connection for the whole time: what leaks in chat shows here."""
        residents.append(await self.chat())
        for junk in SMALL_JUNK * 2:     # what takes memory once takes it now
            await self.say_junk(*junk)
            await self.ask()    # or it would be closed, where all this takes long
            await self.finish()
        while await nap(self.rng.uniform(.02, .3)):
            if self.rng.random() < .1:
                await self.say_junk(*self.rng.choice(SMALL_JUNK))
            if (r := self.rng.random()) < .04:
                await self.ask(refresh=True)
            if r < .01:
                await self.stop()
            await self.ask(self.rng.randint(1, IN_FLIGHT - 1))
            await self.ping()
            await self.finish()
            counts["rounds"] += 1


async def visit(behaviour, ticket, rng, slow=False):
    """One stay of a viewer, which must end as it wants.  Who is slow leaves to the service what it does not read."""
    s = socket.socket()
    if slow:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)      # a window that is smaller hardly moves
    s.connect(("127.0.0.1", PORT))
    ws = await connect(
        f"ws://127.0.0.1:{PORT}/api/websocket/chat/{ticket.id}", sock=s, compression=None, ping_interval=None,
        open_timeout=PATIENCE, close_timeout=1, max_size=None, max_queue=1 if slow else None, read_limit=4096)
    v = Viewer(ws, ticket, rng)
    viewers.add(v)
    counts["connections"] += 1
    counts[behaviour.__name__] += 1
    try:
        await behaviour(v)
    except websockets.WebSocketException as why:
        # What the service has sent long ago may still be read: for it this one is idle.
        idle = not v.pending and now() > v.said + IDLE_TIMEOUT - 1
        if not v.may_lose and not idle and now() < v.refused + REFUSED:
            bad(SOUND, f"{behaviour.__name__} lost its connection ({why}), ticket {ticket.id}, {now() - v.since:.1f} s old; {v}")
    except TimeoutError:
        bad(ENDS, f"{behaviour.__name__} got nothing for {PATIENCE} s; {v}")
    viewers.discard(v)
    counts["left in mid-stream"] += ws.open and v.streamed() > 0
    if rng.random() < .3:
        ws.transport.abort()
    with contextlib.suppress(websockets.ConnectionClosed):      # it may be lost while we say good-bye
        await ws.close()


# The crowd.

def has_room():
    """Whether a generation would not wait for long: each that runs or waits has a socket."""
    return sum(f.endswith(".sock") for f in os.listdir(RUN_DIR)) < GENERATIONS


def any_ticket(rng):
    """One that is being answered, or was, or a new one."""
    r = rng.random()
    if r < .5 and asked:
        return rng.choice(list(asked.values()))
    if answered and (r < .65 or not has_room()):
        return rng.choice(answered)
    return Ticket(rng.choice(poor if rng.random() < .2 else good),
                  rng.randrange(10**6, 2**63) if rng.random() < .1 else None)


def lost_ticket(rng):
    return Ticket(nowhere, rng.choice(("0", "007", "x", "-1", "9223372036854775808", "1/2", "%ff")))


def endless_or_any(rng):
    """At the end nobody begins the endless answer again that has just been stopped."""
    return any_ticket(rng) if ending.is_set() else endless


CROWD = (       # how many, what they do, for which ticket; who is slow
    (40, Viewer.reads, any_ticket), (1, Viewer.reads, lost_ticket), (21, Viewer.leaves, any_ticket),
    (3, Viewer.leaves, endless_or_any), (4, Viewer.stops, any_ticket), (4, Viewer.refreshes, any_ticket),
    (5, Viewer.pings, any_ticket), (4, Viewer.is_slow, any_ticket, True), (3, Viewer.is_slow, lambda rng: fat, True),
    (2, Viewer.is_deaf, lambda rng: fat, True),
    (5, Viewer.sends_junk, any_ticket), (2, Viewer.is_idle, any_ticket), (4, Viewer.kills, any_ticket),
    (1, Viewer.floods, lambda rng: rng.choice(answered or [fat])),
)


async def visitor(rng):
    """Comes again and again, each time with another mind."""
    await nap(rng.uniform(0, 5))
    while await nap(rng.expovariate(5)):
        _, behaviour, pick, *slow = rng.choices(CROWD, [c[0] for c in CROWD])[0]
        await visit(behaviour, pick(rng), rng, *slow)


async def everybody():
    """For the time that was said, from when residents have warmed up; then until the last has left."""
    minds = (random.Random(f"{SEED}/{i}") for i in range(VIEWERS + 1))
    try:
        async with asyncio.timeout(SECONDS + 4 * PATIENCE), asyncio.TaskGroup() as people:
            people.create_task(visit(Viewer.stays, endless, next(minds)))
            for _ in range(RESIDENTS):
                people.create_task(visit(Viewer.lives_here, Ticket(good[0]), next(minds)))
            for mind in minds:
                people.create_task(visitor(mind))
            await within(2 * PATIENCE, lambda: counts["rounds"] > 30 * RESIDENTS)   # their heaps have their size
            await nap(SECONDS)
            ending.set()
    except TimeoutError:
        bad(ENDS, f"{len(viewers)} viewers do not come to an end")


async def nap(seconds):
    """Sleeps; whether the soak still goes on."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ending.wait(), seconds)
    return not ending.is_set()


async def within(seconds, condition):
    end = now() + seconds
    while not condition():
        if now() > end:
            return False
        await asyncio.sleep(.1)
    return True


# Samples.

samples = []
LOOK = {                # at what, and by how much it may grow; NEVER: that is only told
    "a chat, memory, kB": (64, lambda: statistics.mean(map(memory, residents))),
    "a chat, descriptors": (.5, lambda: statistics.mean(map(descriptors, residents))),
    "the long answer, memory, kB": (128, lambda: sum(map(memory, ours("answer", endless.id)))),
    "the long answer, descriptors": (3, lambda: sum(map(descriptors, ours("answer", endless.id)))),
    "chats without a viewer": (15, lambda: max(0, len(ours("chat")) - len(viewers))),
    "answers without a request": (10, lambda: max(0, len(ours("answer")) - len(asked))),
    "files in RUN_DIR without an answer": (3, lambda: max(0, len(os.listdir(RUN_DIR)) - len(ours("answer")))),
    "the database's log, kB": (4096, lambda: os.stat(DATA + "/db-wal").st_size / 1024),
    "websocketd, RSS, kB": (NEVER, lambda: memory(websocketd(), b"Rss")),
    "websocketd, descriptors": (NEVER, lambda: descriptors(websocketd())),
    "viewers that left in mid-stream": (NEVER, lambda: counts["left in mid-stream"]),
}


async def sampler():
    while counts["rounds"] <= 30 * RESIDENTS and await nap(1):
        pass
    await nap(WARM)
    while await nap(max(1, min(5, SECONDS / 60))):
        samples.append({what: look() for what, (_, look) in LOOK.items()})
        if len(samples) % 120 == 0:
            say(f"{counts['connections']} connections, {counts['questions']} questions")


def judge_samples():
    """What leaks lifts the floor, the least of a third of the samples; noise cannot."""
    n = len(samples) // 3
    if n < 3:
        return bad(FLAT, f"only {len(samples)} samples")
    grown = []
    for what, (room, _) in LOOK.items():
        early, late = (min(s[what] for s in third) for third in (samples[:n], samples[-n:]))
        print(f"{what:34}{early:10.1f} {late:10.1f}")
        grown.append(late - early)
        if late > early + room:
            bad(FLAT, f"{what}: {early:.1f}, then {late:.1f}")
    print(f"websocketd's own, not judged: {grown[-3] / max(1, grown[-1]):.1f} kB for each viewer that left in mid-stream",
          "(too few to tell)" * (grown[-1] < 5000))


# The end.

async def check_left():
    if not await within(PATIENCE, lambda: not children(websocketd())):
        bad(LEFT, f"{len(children(websocketd()))} places of MAX_CONNECTIONS")
    if not await within(3 * PATIENCE, lambda: not ours("chat") + ours("answer")):
        bad(LEFT, f"{len(ours('chat'))} of chat and {len(ours('answer'))} of answer still run")
    for f in os.listdir(RUN_DIR):       # where it was killed: it goes when the ticket is asked for again
        if f.endswith(".sock") and tickets[int(f[:-5])].trouble.keys() & {"killed", "interrupted"}:
            await visit(Viewer.refreshes, tickets[int(f[:-5])], random.Random(SEED))
    if not await within(PATIENCE, lambda: not ours("chat") + ours("answer") and not asked):
        bad(LEFT, f"{len(ours())} processes, {len(asked)} requests to the model")
    del started[server]
    os.kill(server, signal.SIGTERM)
    if not await within(PATIENCE, lambda: not ours()):
        bad(LEFT, f"{len(ours())} processes")
    expected = {"run", "claims", "slots", "queue", "data", "db", "db-wal", "db-shm", "db-lock",
                "db-reserve", "identity", "tmp"}
    if left := {f for _, *some in os.walk(TMP + "/service") for f in sum(some, [])} - expected:
        bad(LEFT, f"files: {left}")


def check_database():
    c = sqlite3.connect(DATA + "/db")
    c.text_factory = bytes
    for pragma in ("integrity_check", "foreign_key_check"):
        if (said := c.execute("PRAGMA " + pragma).fetchall()) not in ([], [(b"ok",)]):
            bad(KEPT, f"{pragma}: {said[:3]}")
    kept = set()
    for number, text in c.execute("SELECT TicketId, AiResponse FROM TicketAISessions WHERE AiResponse NOTNULL"):
        kept.add(tickets[number])
        if text != tickets[number].recipe.text.encode():
            bad(KEPT, f"ticket {number} ({tickets[number].recipe.file}): {len(text)} bytes")
    c.close()
    for t in tickets.values():
        if t.answered < NEVER and t not in kept:
            bad(KEPT, f"ticket {t.id} was answered, but that is not kept")
        if t.answered < NEVER and not t.trouble and not in_outage(t.asked, t.answered) and t.requests != 1:
            bad(ONCE, f"ticket {t.id} took {t.requests} requests to the model")


def check_logs():
    for name, pattern in (("log", "level=error"), ("stdout", "stderr")):
        with open(f"{TMP}/{name}", errors="replace") as f:
            for line in f:
                if pattern in line:
                    bad(SOUND, f"logged: {line.strip()[-300:]}")


def start_service():
    """run.sh, which becomes the parent of websocketd."""
    for folder in RUN_DIR, DATA, TMPDIR:
        os.makedirs(folder, 0o700)
    env = {
        # run.sh makes what is not up to date: with another CURL that would be new programs for whoever tests beside us.
        **{name: os.environ[name] for name in ("CURL",) if name in os.environ},
        "PATH": os.environ["PATH"], "TMPDIR": TMPDIR, "TICKETCHAT_PORT": PORT, "TICKETCHAT_ADDRESS": "127.0.0.1",
        "TICKETCHAT_MAX_CONNECTIONS": 2 * VIEWERS + 50, "TICKETCHAT_DATABASE": DATA + "/db", "TICKETCHAT_RUN_DIR": RUN_DIR, "TICKETCHAT_LOG": TMP + "/log",
        "OLLAMA_SERVER": f"http://127.0.0.1:{MODEL_PORT}/api/generate", "OLLAMA_MODEL": "soak",
        "TICKETCHAT_FIRST_TOKEN_TIMEOUT": MODEL_TIMEOUT, "TICKETCHAT_STALL_TIMEOUT": MODEL_TIMEOUT, "TICKETCHAT_ANSWER_TIMEOUT": int(2 * SECONDS) + 1800,
        "TICKETCHAT_MAX_ANSWER_BYTES": 4 << 20, "TICKETCHAT_IDLE_TIMEOUT": IDLE_TIMEOUT, "TICKETCHAT_SEND_TIMEOUT": SEND_TIMEOUT,
        "TICKETCHAT_GENERATIONS": GENERATIONS + 1, "TICKETCHAT_QUEUE_MAX": min(4096, VIEWERS * 4),
    }
    with open(TMP + "/stdout", "w") as out, open(TMP + "/stderr", "w") as err:
        return start("sh", "run.sh", "-c", "/dev/null", stdout=out, stderr=err,
                     env={name: str(value) for name, value in env.items()}).pid


def listens():
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", PORT)) == 0


async def soak():
    global ending, server
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    for r in recipes:
        with start("build/tests/replay", "--die-with-parent", *r.how, r.file, stdout=subprocess.PIPE).stdout as f:
            r.port = int(f.readline())
    server = start_service()
    async with asyncio.TaskGroup() as group:
        helpers = [group.create_task(model()), group.create_task(reap())]
        if not await within(PATIENCE, listens):
            raise RuntimeError("the service does not start")
        helpers.append(group.create_task(sampler()))
        await everybody()
        say("all have left")
        await check_left()
        for t in helpers:
            t.cancel()


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    prctl(36, 1)                        # PR_SET_CHILD_SUBREAPER
    say(f"{SECONDS / 60:g} minutes, {VIEWERS} viewers, seed {SEED}")
    try:
        asyncio.run(soak())
        check_database()
        check_logs()
        judge_samples()
        print("  ".join(f"{what} {n}" for what, n in sorted(counts.items())))
    except Exception:
        problems["it comes to its end"] = 1
        traceback.print_exc(file=sys.stdout)
    finally:
        for pid in {*ours(), *started}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if OPTIONS.k:
            print("kept: " + TMP)
        else:
            shutil.rmtree(TMP)
    for promise, n in problems.items():
        print(f"FAILED soak: {promise}: {n} problems, the first: {first.get(promise)}" if n else f"ok soak: {promise}")
    return any(problems.values())


sys.exit(main())
