"""The other side of tests/cost.sh: counts what chat and answer need, and prints "NAME VALUE" a line.

    build/bin/sessions hold /usr/bin/python3 tests/cost.py build

It plays the browser, the generation and the model, each in step with the program: the next frame is sent when the last one
has come out.  So every frame is a turn of its own, however slow the machine or the tool is, and the counts are the same
each time.  Costs of a thousand frames are the difference between 1 and 1,001 of them: the start is not in them.
"""
import fcntl
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time

BUILD = os.path.abspath(sys.argv[1])
SESSIONS, CHAT, CHAT_JWT, DOOR, ANSWER, SMALL = (f"{BUILD}/{name}" for name in (
    "bin/sessions", "bin/chat", "libexec/chat-jwt", "libexec/door", "libexec/answer", "tests/answer-http"))
RUN_DIR = os.environ["TICKETCHAT_RUN_DIR"]
TICKET = "The printer on floor 2 is jammed: Papierstau, atolamento de papel"
TEXT = "Open the rear door, and pull the sheet out. Não force o papel.\n" * 32      # an answer of 2 KB
MANY = 1000

# As run.sh has it.  The functions of the C library that every processor has, for those that are chosen by it need other
# numbers.
MALLOC = "glibc.malloc.tcache_count=0"
PLAIN = f"GLIBC_TUNABLES={MALLOC}:glibc.cpu.hwcaps=-AVX,-AVX2,-BMI1,-BMI2,-ERMS,-FSRM,-LZCNT,-MOVBE,-RTM,-SSE4_1,-SSE4_2,-SSSE3"
# What to put in front of a program, and how it tells its count on stderr; None: our own rusage.
TOOLS = {
    "instructions": (["env", PLAIN, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"],
                     r"Collected : (\d+)"),
    "calls": (["strace", "-c", "-U", "calls,name"], r"(?m)(\d+) total$"),
    "faults": ([], None),
}


class Again(Exception):
    """This run does not count."""


class Run:
    """A program that runs: under a tool, with pipes as from websocketd, or with the listener that chat gives answer."""

    def __init__(self, tool, argv, env, prompt=None, listener=None):
        front, self.told = TOOLS[tool]
        self.name = argv[0]
        stdin, self.stdin = (prompt, None) if prompt else os.pipe()
        out, stdout = os.pipe()
        self.stdout = os.fdopen(out, "rb")
        self.err = os.open(f"{RUN_DIR}/err", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        files = [(stdin, 0), (stdout, 1), (self.err, 2)] + ([(listener, 3)] if listener else [])
        self.pid = os.posix_spawnp((front + argv)[0], front + argv, env,
                                   file_actions=[(os.POSIX_SPAWN_DUP2, *pair) for pair in files])
        os.close(stdin)
        os.close(stdout)

    def ask(self, message):
        rest = json.dumps(message).encode() + b"\n"
        while rest:
            rest = rest[os.write(self.stdin, rest):]

    def objects(self):
        """How many shared objects it has loaded."""
        with open(f"/proc/{self.pid}/maps") as f:
            return len(set(re.findall(r"/\S+\.so[.\d]*$", f.read(), re.M)))

    def faults(self):
        """Its page faults until now, without those that read a disk."""
        with open(f"/proc/{self.pid}/stat") as f:
            return int(f.read().rpartition(")")[2].split()[7])

    def private(self):
        """How much memory it has for itself, in KB."""
        with open(f"/proc/{self.pid}/smaps_rollup") as f:
            return int(re.search(r"Anonymous: +(\d+)", f.read())[1])

    def waits(self):
        """Until it sleeps: what it does after the last frame is done."""
        while True:
            with open(f"/proc/{self.pid}/stat") as f:
                if f.read().rpartition(")")[2].split()[0] == "S":
                    return
            time.sleep(0.01)

    def end(self):
        """Waits for its end; returns its count."""
        if self.stdin:
            os.close(self.stdin)
        status, usage = os.wait4(self.pid, 0)[1:]
        self.stdout.close()
        err = os.pread(self.err, 100000, 0).decode()
        os.close(self.err)
        count = re.search(self.told, err) if self.told else None
        if status or self.told and not count:
            sys.exit(f"cost: {self.name} ended with {os.waitstatus_to_exitcode(status)}")
        return int(count[1]) if self.told else usage.ru_minflt


def expect(file, kind):
    """The next frame, which must be of this type; what answer tells chat beside it may come before."""
    line = file.readline()
    while kind != "status" and line.startswith((b'{"type":"status"', b'{"type":"cost"', b'{"type":"alive"')):
        line = file.readline()
    if json.loads(line or b"{}").get("type") != kind:
        sys.exit(f"cost: {kind} was expected, not {line!r}")


def meeting_place(ticket):
    listener = socket.socket(socket.AF_UNIX)
    path = f"{RUN_DIR}/{ticket}.sock"
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    listener.listen()
    return listener, path


# Those that run.sh has websocketd pass on; the others are its own.
lines = subprocess.check_output([SESSIONS, "-c", "/dev/null", "settings", "--service"], text=True).splitlines()
passed = lines.pop().partition("=")[2].split(",")
SETTINGS = {name: value for name, value in (f"TICKETCHAT_{line}".split("=", 1) for line in lines) if name in passed}
SETTINGS["GLIBC_TUNABLES"] = MALLOC
CGI = {     # as from websocketd
    "GATEWAY_INTERFACE": "websocketd-CGI/0.1", "HTTP_ORIGIN": "http://localhost:5000", "REMOTE_ADDR": "127.0.0.1",
    "HTTP_ACCEPT_LANGUAGE": "pt-BR,pt;q=0.9", "UNIQUE_ID": "17641234567890123451",
}


def cached(tool, program, more):
    """A viewer of a saved answer; what it needs, and how many objects it loads."""
    run = Run(tool, [program], SETTINGS | CGI | {"PATH_INFO": "/api/websocket/chat/1"} | more)
    run.ask({"ticketBody": TICKET})
    expect(run.stdout, "cached")
    expect(run.stdout, "done")
    objects = run.objects()
    return run.end(), objects


def requested(tool, head, body=""):
    """A request to the door, in a pipe; what it needs."""
    run = Run(tool, [DOOR, "-c", "/dev/null"], SETTINGS)
    body = body.encode()
    os.write(run.stdin, f"{head}Host: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    response = run.stdout.read()
    if not response.startswith(b"HTTP/1.1 200 "):
        sys.exit(f"cost: a response was expected, not {response!r}")
    return run.end()


def kept(text):
    """The memory of a viewer between two questions, after one that is as long as it may be."""
    run = Run("faults", [CHAT], SETTINGS | CGI | {"PATH_INFO": "/api/websocket/chat/4"})
    run.ask({"ticketBody": text})
    expect(run.stdout, "cached")
    expect(run.stdout, "done")
    run.waits()
    memory = run.private()
    run.end()
    return memory


def follow(tool, frames):
    """A viewer of a generation that runs."""
    listener, path = meeting_place(2)
    run = Run(tool, [CHAT], SETTINGS | CGI | {"PATH_INFO": "/api/websocket/chat/2"})
    run.ask({"ticketBody": TICKET})
    generation = listener.accept()[0]
    generation.send(b'{"type":"session","session":2,"pid":%d}\n' % os.getpid())
    for _ in range(frames):
        generation.send(b'{"type":"stream","content":" printer"}\n')
        expect(run.stdout, "stream")
    generation.send(b'{"type":"done"}\n')
    expect(run.stdout, "done")
    generation.close()
    listener.close()
    os.unlink(path)
    return run.end()


def token(text, done=False):
    line = json.dumps({"model": "gemma3:270m", "created_at": "2026-11-23T12:18:14.398765432Z", "response": text,
                       "done": done}, separators=(",", ":")).encode() + b"\n"
    return b"%x\r\n%s\r\n%s" % (len(line), line, b"0\r\n\r\n" if done else b"")


def answer(tool, tokens, waits=False, program=ANSWER):
    """A generation with one follower; what it needs, and what it had loaded and for itself while it wrote; if it waits, what it
    needed and had loaded by then, too."""
    seen = []
    db = sqlite3.connect(os.environ["TICKETCHAT_DATABASE"], isolation_level=None)
    ticket = db.execute("INSERT INTO Tickets DEFAULT VALUES").lastrowid     # it has no other answers
    session = db.execute("INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (?, ?)", [ticket, TICKET]).lastrowid
    db.close()
    prompt = os.memfd_create("ticket")
    os.pwrite(prompt, TICKET.encode() + b"\0\0", 0)   # no instruction, nobody's name
    slots = open(f"{RUN_DIR}/slots", "ab")
    if waits:
        fcntl.lockf(slots, fcntl.LOCK_EX)  # all bytes: of each server
    listener, path = meeting_place(ticket)
    listener.setblocking(False)
    follower = socket.socket(socket.AF_UNIX)
    follower.connect(path)
    with socket.create_server(("127.0.0.1", 0)) as server, follower, follower.makefile("rb") as frames:
        env = SETTINGS | {"TICKETCHAT_OLLAMA_SERVER": f"http://127.0.0.1:{server.getsockname()[1]}/api/generate"}
        run = Run(tool, [program, str(ticket), str(session)], env, prompt, listener.fileno())
        listener.close()
        expect(frames, "session")
        if waits:
            expect(frames, "status")
            seen += run.faults(), run.objects()
        slots.close()
        server.settimeout(60)
        model = server.accept()[0]
        request = b""
        while TICKET[-10:].encode() not in request:
            request += model.recv(65536)
        model.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(tokens):
            model.send(token(" printer"))
            expect(frames, "stream")
        seen += run.objects(), run.private()
        model.send(token("", done=True))
        expect(frames, "done")
        model.close()
        count = run.end()
        # It asks what a slow model is doing: too much for a comparison.
        server.setblocking(False)
        try:
            server.accept()
        except BlockingIOError:
            return count, seen
        raise Again


def patiently(measure, tool, *args):
    """The least of three runs, where one may save just when SQLite copies the log into the database: 80 system calls more."""
    good = []
    for _ in range(8):
        try:
            good.append(measure(tool, *args))
        except Again:
            continue
        if len(good) == (3 if tool == "calls" else 1):
            return min(good)
    sys.exit("cost: this machine is too slow: a first token takes half a second")


def tell(**figures):
    for name, value in figures.items():
        print(name.replace("_", "."), value, flush=True)


signal.alarm(300)       # a program that says nothing
db = sqlite3.connect(os.environ["TICKETCHAT_DATABASE"], isolation_level=None)
db.executescript("INSERT INTO Tickets (Id) VALUES (1), (2), (4), (10)")
db.close()


def save(ticket, text):
    db = sqlite3.connect(os.environ["TICKETCHAT_DATABASE"], isolation_level=None)
    db.execute("INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, UpdatedAt) VALUES (?, ?, ?, "
               "'2026-11-23T12:18:14.398Z')", [ticket, text, TEXT])
    db.close()


save(1, TICKET)
key = f"{RUN_DIR}/key.secret"
with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
    f.write("a secret of the tests that is long enough\n")
jwt = subprocess.check_output([SESSIONS, "-c", "/dev/null", "token", "--ticket", "1", "--user", "ana", key], text=True).strip()
admitted = {"TICKETCHAT_AUTH": "required", "TICKETCHAT_JWT_KEY_FILE": key, "HTTP_AUTHORIZATION": f"Bearer {jwt}"}
for name, program, more in ("chat", CHAT, {}), ("jwt", CHAT_JWT, admitted):
    for tool in TOOLS:
        count, objects = cached(tool, program, more)
        tell(**{f"{name}_{tool}": count})
    tell(**{f"{name}_objects": objects})
for tool in TOOLS:
    tell(**{f"door_{tool}": requested(tool, "POST /api/ask?ticket=1 HTTP/1.1\r\nContent-Type: text/plain\r\n", TICKET),
            f"healthz_{tool}": requested(tool, "GET /healthz HTTP/1.1\r\n")})
longest = "ã" * (int(SETTINGS["TICKETCHAT_MAX_TICKET_BYTES"]) // 2)     # six bytes each in the message
save(4, longest)
tell(chat_kept=kept(longest))
for tool in "instructions", "calls":
    tell(**{f"follow_{tool}": follow(tool, 1 + MANY) - follow(tool, 1)})
for tool in "instructions", "calls":
    one = patiently(answer, tool, 1)[0]
    tell(**{f"answer_{tool}": one, f"tokens_{tool}": patiently(answer, tool, 1 + MANY)[0] - one})
faults, (waiting_faults, waiting, later, private) = patiently(answer, "faults", 1, True)
tell(waiting_faults=waiting_faults, waiting_objects=waiting, answer_faults=faults, answer_objects=later, answer_private=private)
if os.path.exists(SMALL):
    for tool in "instructions", "calls":
        tell(**{f"small_{tool}": patiently(answer, tool, 1, False, SMALL)[0]})
    faults, (later, private) = patiently(answer, "faults", 1, False, SMALL)
    tell(small_faults=faults, small_objects=later, small_private=private)
