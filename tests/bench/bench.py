"""The measurements of run.sh: python3 bench.py [-q] BUILD TMP.

In the end it ends what it started and removes TMP.

Everything that is compared takes turns, so that a noisy machine is noisy for
all.  The clients are plain sockets: a WebSocket library would cost more than
what is measured.  The model is played by upstream() below and not by
tests/replay, because each of its tokens tells when it left.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import sys
import threading
import time

QUICK = sys.argv[1] == "-q"
BUILD, TMP = os.path.abspath(sys.argv[-2]), sys.argv[-1]
OURS, SHELL, CANNED = "ticketchat", "shell", "canned"
VIEWERS = 20
MANY = 1_000_000
MILLIONS = "million instructions"
PATH = "/api/websocket/chat/"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

CHAT = BUILD + "/bin/chat"
HANDLERS = {OURS: BUILD + "/handlers", SHELL: TMP + "/shell",
            CANNED: TMP + "/canned"}
AT_A_PIPE = {OURS: CHAT, SHELL: TMP + "/shell" + PATH[:-1]}


def rounds(n):
    return max(3, n // 5) if QUICK else n


def prctl(*args):
    ctypes.CDLL(None).prctl(*args, 0, 0, 0)


# The model.  A prompt says how it wants to be answered: "tokens=100 pace=5000
# first=0", microseconds; pace=0 is all tokens in one write.

WANTED = re.compile(rb"tokens=(\d+) pace=(\d+) first=(\d+)")


def now_us():
    return time.monotonic_ns() // 1000


def chunk(text, done=False):
    line = json.dumps({"model": "bench", "created_at": "2025-01-01T00:00:00Z",
                       "response": text, "done": done,
                       **({"done_reason": "stop", "eval_count": 1}
                          if done else {})},
                      separators=(",", ":")).encode() + b"\n"
    return b"%x\r\n%s\r\n" % (len(line), line)


def stamped():
    return chunk("%08x " % (now_us() & 0xffffffff))


def answer(s, wanted):
    tokens, pace, first = (int(n) for n in wanted)
    time.sleep(first / 1e6)
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n")
    if pace == 0:
        s.sendall(b"".join(stamped() for _ in range(tokens)))
    else:
        due = time.monotonic()
        for _ in range(tokens):
            s.sendall(stamped())
            due += pace / 1e6
            time.sleep(max(0, due - time.monotonic()))
    s.sendall(chunk("", True) + b"0\r\n\r\n")


def serve(s, log):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    try:
        while (found := WANTED.search(data)) is None:
            got = s.recv(65536)
            if not got:
                return
            data += got
        os.write(log, b".")
        answer(s, found.groups())
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
    except OSError:
        pass
    finally:
        s.close()


def upstream(listener, log):
    while True:
        s, _ = listener.accept()
        threading.Thread(target=serve, args=(s, log), daemon=True).start()


# Processes: all that we start, and what they leave behind, is ours to end.

def processes():
    """{pid: parent} of the whole machine."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as f:
                    stat = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if stat[0] != "Z":
                parents[int(name)] = int(stat[1])
    return parents


def below(top):
    parents, found = processes(), {top}
    size = 0
    while size != len(found):
        size = len(found)
        found |= {p for p, parent in parents.items() if parent in found}
    return found - {top}


def end_all():
    for sig in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(100 if sig == signal.SIGTERM else 1):
            left = below(os.getpid())
            for p in left:
                try:
                    os.kill(p, sig)
                except ProcessLookupError:
                    pass
            reap()
            if not left:
                return
            time.sleep(0.01)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def spawn(argv, env, stdin=None, stdout=None):
    """Starts a program; standard streams not given are /dev/null."""
    files = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
             if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0),
             (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)
             if stdout is None else (os.POSIX_SPAWN_DUP2, stdout, 1),
             (os.POSIX_SPAWN_OPEN, 2, TMP + "/stderr",
              os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)]
    return os.posix_spawnp(argv[0], argv, env, file_actions=files)


def output(argv, env=None, stdin=None):
    """What a program prints, on both outputs."""
    r, w = os.pipe()
    e = dict(os.environ if env is None else env)
    pid = os.posix_spawnp(argv[0], argv, e, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
        if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, w, 1), (os.POSIX_SPAWN_DUP2, w, 2)])
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    os.waitpid(pid, 0)
    return text


class Pipe:
    """A handler at a pipe, as websocketd would run it."""

    def __init__(self, who, ticket, db):
        i, self.stdin = os.pipe()
        self.stdout, o = os.pipe()
        self.data = b""
        self.began = time.perf_counter()
        self.pid = spawn([AT_A_PIPE[who]], {
            **environment(who, db), "PATH_INFO": "/%d" % ticket,
            "GATEWAY_INTERFACE": "CGI/1.1"}, i, o)
        os.close(i)
        os.close(o)

    def ask(self, text):
        os.write(self.stdin, message(text) + b"\n")
        return self

    def frames(self):
        """Yields (time in us, frame) up to the last one."""
        while True:
            while (nl := self.data.find(b"\n")) != -1:
                line, self.data = self.data[:nl], self.data[nl + 1:]
                yield now_us(), line
                if is_last(line):
                    return
            got = os.read(self.stdout, 65536)
            if not got:
                raise RuntimeError("the handler has ended")
            self.data += got

    def close(self):
        """CPU seconds of it and of what it has waited for."""
        os.close(self.stdin)
        cpu = cpu_of(os.wait4(self.pid, 0))
        os.close(self.stdout)
        return cpu


def cpu_of(waited):
    return waited[2].ru_utime + waited[2].ru_stime


def memory(pids, n=1):
    """(proportional set size, what is private and written to), kB by n."""
    total = {"Pss": 0, "Private_Dirty": 0}
    for p in pids:
        try:
            with open("/proc/%d/smaps_rollup" % p) as f:
                rollup = f.read()
        except OSError:
            continue
        for k in total:
            found = re.search(r"^%s:\s+(\d+)" % k, rollup, re.M)
            total[k] += int(found.group(1)) if found else 0
    return [v / n for v in total.values()]


def named(pids, name):
    found = set()
    for p in pids:
        try:
            with open("/proc/%d/comm" % p) as f:
                if f.read().strip() == name:
                    found.add(p)
        except OSError:
            pass
    return found


# Clients.

def message(text):
    return json.dumps({"ticketBody": text}).encode()


def is_last(frame):
    if frame.startswith(b'{"type":"error"'):
        raise RuntimeError(frame.decode())
    return frame.startswith(b'{"type":"done"')


class Viewer:
    """A WebSocket client."""

    def __init__(self, port, ticket):
        self.began = time.perf_counter()
        self.s = socket.create_connection(("127.0.0.1", port), 30)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.sendall(b"GET %s%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       b"Sec-WebSocket-Version: 13\r\n\r\n"
                       % (PATH.encode(), ticket, port))
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        if b" 101 " not in head:
            raise RuntimeError(head.decode())

    def more(self):
        got = self.s.recv(65536)
        if not got:
            raise RuntimeError("the connection has ended")
        self.data += got

    def send(self, payload):
        n = len(payload)
        size = struct.pack("!B", 0x80 | n) if n < 126 else \
            struct.pack("!BH", 0x80 | 126, n)
        # A mask of zeros leaves the bytes as they are.
        self.s.sendall(b"\x81" + size + b"\0\0\0\0" + payload)

    def ask(self, text):
        self.send(message(text))
        return self

    def frame(self):
        """One frame's payload; None: there is no whole one yet."""
        d = self.data
        if len(d) < 2:
            return None
        n, at = d[1] & 127, 2
        if n >= 126:
            at = 4 if n == 126 else 10
            if len(d) < at:
                return None
            n = int.from_bytes(d[2:at], "big")
        if len(d) < at + n:
            return None
        self.data = d[at + n:]
        return d[at:at + n]

    def frames(self):
        while True:
            while (f := self.frame()) is not None:
                yield now_us(), f
                if is_last(f):
                    return
            self.more()

    def close(self):
        self.s.close()


class Direct:
    """Reads the model without anything in between."""

    def __init__(self):
        self.began = time.perf_counter()
        self.s = socket.create_connection(("127.0.0.1", MODEL_PORT), 30)

    def ask(self, text):
        body = json.dumps({"model": "bench", "prompt": text}).encode()
        self.s.sendall(b"POST /api/generate HTTP/1.1\r\nHost: x\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return self

    def frames(self):
        data = b""
        while True:
            while (nl := data.find(b"\n")) != -1:
                line, data = data[:nl], data[nl + 1:]
                if line.startswith(b"{"):
                    yield now_us(), line
            got = self.s.recv(65536)
            if not got:
                return
            data += got

    def close(self):
        self.s.close()


def wanted(tokens, pace=0, first=0):
    return "printer jam tokens=%d pace=%d first=%d" % (tokens, pace, first)


next_ticket = MANY


def new_ticket():
    global next_ticket
    next_ticket += 1
    return next_ticket


# The table.

rows = []


def median(values):
    return statistics.median(values) if values else None


def p95(values):
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def text(value, unit):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    digits = 0 if value >= 100 or unit in ("", "kB") else \
        1 if value >= 10 else 2
    return "%.*f" % (digits, value)


def row(what, unit, ours, shell=None, other=None, note="", reach="", met=None):
    """note says what `other' is; met: whether the reach is reached."""
    times = "%.1f" % (shell / ours) if ours and shell else "-"
    rows.append((what + (", " + unit if unit else ""), text(ours, unit),
                 text(shell, unit), times,
                 "-" if other is None else text(other, unit) + " " + note,
                 reach + ("" if met is None else
                          ": reached" if met else ": MISSED")))


def print_table():
    head = ("", "ticketchat", "shell", "shell/ours", "beside", "reach")
    width = [max(len(r[i]) for r in rows + [head]) for i in range(6)]
    for r in [head] + rows:
        line = "  ".join([r[0].ljust(width[0])] + [
            r[i].rjust(width[i]) for i in (1, 2, 3)] + [
            r[4].ljust(width[4]), r[5]])
        print(line.rstrip())


# The scenarios.

def cached():
    spent = {OURS: [], SHELL: [], CANNED: []}
    for i in range(rounds(200)):
        for who, times in spent.items():
            if who == SHELL and i % 4 != 0:
                continue
            v = Viewer(PORT[who], 1 + i % 1000).ask("printer jam")
            for _ in v.frames():
                pass
            times.append((time.perf_counter() - v.began) * 1e3)
            v.close()
            time.sleep(0.002)       # let it go, or it disturbs the next
    m = {who: median(t) for who, t in spent.items()}
    row("connect to cached and done, p50", "ms", m[OURS], m[SHELL], m[CANNED],
        "a handler that knows it", ">= 10 x shell",
        m[SHELL] >= 10 * m[OURS])
    row("connect to cached and done, p95", "ms",
        *(p95(spent[who]) for who in (OURS, SHELL, CANNED)),
        "a handler that knows it")


def miss():
    spent = {OURS: [], SHELL: [], None: []}
    for i in range(rounds(60)):
        for who, times in spent.items():
            if who == SHELL and i % 2 != 0:
                continue
            v = Direct() if who is None else Viewer(PORT[who], new_ticket())
            v.ask(wanted(3, 1000))
            for n, _ in enumerate(v.frames()):
                if n == 0:
                    times.append((time.perf_counter() - v.began) * 1e3)
            v.close()
            time.sleep(0.005)
    row("connect to the first frame of a miss, p50", "ms",
        *(median(t) for t in spent.values()), "the model alone")
    row("connect to the first frame of a miss, p95", "ms",
        *(p95(t) for t in spent.values()), "the model alone")


def lateness(frames):
    """How late the tokens of a stream were, in us, each frame's first."""
    late = []
    for at, f in frames:
        stamp = re.search(rb'"(?:content|response)":"([0-9a-f]{8}) ', f)
        if stamp is not None:
            late.append((at - int(stamp.group(1), 16)) & 0xffffffff)
    return late


def delay():
    late = {None: [], OURS: [], SHELL: [], "pipe": []}
    for _ in range(2 if QUICK else 5):
        for who, values in late.items():
            if who is None:
                v = Direct()
            elif who == "pipe":
                v = Pipe(OURS, new_ticket(), DB[OURS])
            else:
                v = Viewer(PORT[who], new_ticket())
            got = lateness(v.ask(wanted(60 if QUICK else 100, 7000)).frames())
            values += got[5:]
            v.close()
    base = median(late[None])
    base95 = p95(late[None])
    row("delay that is added to a token, p50", "ms",
        *((median(late[w]) - base) / 1e3 for w in (OURS, SHELL, "pipe")),
        "ours at a pipe")
    row("delay that is added to a token, p95", "ms",
        *((p95(late[w]) - base95) / 1e3 for w in (OURS, SHELL, "pipe")),
        "ours at a pipe")


def together():
    count = {OURS: [], SHELL: []}
    for _ in range(rounds(10)):
        for who, values in count.items():
            v = Viewer(PORT[who], new_ticket()).ask(wanted(100, 0, 20000))
            values.append(sum(1 for _ in v.frames()) - 1)
            v.close()
    row("frames of 100 tokens that arrive together", "", median(count[OURS]),
        median(count[SHELL]), reach="1 frame", met=median(count[OURS]) == 1)


def memory_rows(what, ours, shell, other=(None, None), note=""):
    row("memory of %s, 1 of %d (PSS)" % (what, VIEWERS), "kB", ours[0],
        shell[0], other[0], note, "<= 300 kB", ours[0] <= 300)
    row("the same, private alone", "kB", ours[1], shell[1], other[1], note)


def idle_memory():
    kb = {}
    for who in (OURS, SHELL):
        viewers = [Viewer(PORT[who], new_ticket()) for _ in range(VIEWERS)]
        time.sleep(0.3)
        kb[who] = memory(below(SERVER[who]), VIEWERS)
        for v in viewers:
            v.close()
    memory_rows("an idle connection", kb[OURS], kb[SHELL])


def following():
    kb, asked, generator = {}, {}, None
    for who in (OURS, SHELL):
        before = os.stat(ASKED).st_size
        ticket = new_ticket()
        viewers = [Viewer(PORT[who], ticket) for _ in range(VIEWERS)]
        for v in viewers:
            v.ask(wanted(40, 40000))
        for v in viewers:
            next(v.frames())
        time.sleep(0.2)
        running = below(SERVER[who])
        if who == OURS:
            generator = named(running, "answer")
            running -= generator
            generator = memory(generator)
        kb[who] = memory(running, VIEWERS)
        for v in viewers:
            for _ in v.frames():
                pass
            v.close()
        asked[who] = os.stat(ASKED).st_size - before
        time.sleep(0.1)
    memory_rows("a following viewer", kb[OURS], kb[SHELL], generator,
                "answer, once for all")
    row("requests to the model, %d viewers of a ticket" % VIEWERS, "",
        asked[OURS], asked[SHELL], reach="1", met=asked[OURS] == 1)


def our_generation(text):
    """CPU seconds of a chat that starts it and goes, one that follows, and
    answer.  The first must go: a program whose parent does not wait for it
    leaves no account behind."""
    ticket = new_ticket()
    reap()
    first = Pipe(OURS, ticket, DB[OURS]).ask(text)
    while not os.path.exists("%s/%d.sock" % (RUN_DIR, ticket)):
        time.sleep(0.001)
    second = Pipe(OURS, ticket, DB[OURS]).ask(text)
    time.sleep(0.03)
    cpu = first.close()
    for _ in second.frames():
        pass
    return cpu + second.close() + cpu_of(os.wait4(-1, 0))


def their_generation(text):
    p = Pipe(SHELL, new_ticket(), DB[SHELL]).ask(text)
    for _ in p.frames():
        pass
    return p.close()


def cpu():
    for what, pace, n in (("one by one, 1 ms apart", 1000, 4),
                          ("all at once", 0, 10)):
        spent = {OURS: [], SHELL: []}
        for _ in range(rounds(n) - (1 if QUICK and pace else 0)):
            spent[OURS].append(our_generation(
                wanted(1000, pace, 100000)) * 1e3)
            spent[SHELL].append(their_generation(
                wanted(1000, pace, 100000)) * 1e3)
        row("CPU of 1,000 tokens " + what, "ms", median(spent[OURS]),
            median(spent[SHELL]))


def lookup(who, ticket, db):
    p = Pipe(who, ticket, db).ask("printer jam")
    for _ in p.frames():
        pass
    ms = (time.perf_counter() - p.began) * 1e3
    p.close()
    return ms


def fill_log(db):
    """3 MB in its write-ahead log, as 300 answers leave there: SQLite itself
    empties it at 4 MB, and we do not when we close."""
    pid = os.fork()
    if pid == 0:
        try:
            c = sqlite3.connect(db, isolation_level=None)
            c.execute("PRAGMA wal_autocheckpoint = 0")
            c.execute("PRAGMA synchronous = OFF")
            for _ in range(150):
                c.execute("INSERT INTO TicketAISessions (TicketId, Prompt) "
                          "VALUES (1, ?)", ("x" * 9000,))
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def databases():
    spent = {(who, size): [] for who in (OURS, SHELL)
             for size in (1000, MANY)}
    for i in range(rounds(200)):
        for (who, size), times in spent.items():
            if who == OURS or i % 5 == 0:
                times.append(lookup(who, 1 + i * 7919 % size,
                                    BIG if size == MANY else SMALL))
    m = {k: median(t) for k, t in spent.items()}
    row("cached at a pipe, of 1,000 sessions", "ms", m[OURS, 1000],
        m[SHELL, 1000])
    row("cached at a pipe, of 1,000,000 sessions", "ms", m[OURS, MANY],
        m[SHELL, MANY], m[OURS, MANY] / m[OURS, 1000],
        "x our 1,000", "<= 1.1 x", m[OURS, MANY] <= 1.1 * m[OURS, 1000])
    fill_log(SMALL)
    row("cached at a pipe, %.1f MB in the database's log" %
        (os.stat(SMALL + "-wal").st_size / 1e6), "ms",
        median([lookup(OURS, 1 + i, SMALL) for i in range(rounds(100))]))


def counts():
    small, big = (instructions([CHAT], db, b"777") for db in (SMALL, BIG))
    row("cached, of 1,000 sessions", MILLIONS, small)
    row("cached, of 1,000,000 sessions", MILLIONS, big, None,
        big and big / small, "x our 1,000")


def instructions(argv, db, ticket=None):
    """Millions in user space, the dynamic linker's among them."""
    if not shutil.which("valgrind"):
        return None
    r, w = os.pipe()
    if ticket is not None:
        os.write(w, message("printer jam") + b"\n")
    os.close(w)
    said = output(["valgrind", "--tool=callgrind",
                   "--callgrind-out-file=/dev/null"] + argv,
                  {**environment(OURS, db), "PATH_INFO": "/777",
                   "GATEWAY_INTERFACE": "CGI/1.1"}, r)
    os.close(r)
    found = re.search(r"Collected : (\d+)", said)
    return int(found.group(1)) / 1e6 if found else None


def starts():
    programs = {OURS: CHAT, "curl": TMP + "/with-libcurl",
                "nothing": TMP + "/with-nothing"}
    if not os.path.exists(programs["curl"]):
        del programs["curl"]
    env = {**environment(OURS, DB[OURS]), "PATH_INFO": "/1",
           "GATEWAY_INTERFACE": "CGI/1.1"}
    wall = {k: [] for k in programs}
    spent = {k: [] for k in programs}
    for _ in range(rounds(300)):
        for k, path in programs.items():
            began = time.perf_counter()
            waited = os.wait4(spawn([path], env), 0)
            wall[k].append((time.perf_counter() - began) * 1e3)
            spent[k].append(cpu_of(waited) * 1e3)
    count = {k: instructions([p], DB[OURS]) for k, p in programs.items()}
    objects = {k: output(["ldd", p]).count("(0x")
               for k, p in programs.items()}
    for what, unit, by in (
            ("start to exit, no input, p50", "ms",
             {k: median(v) for k, v in wall.items()}),
            ("the same, CPU, p50", "ms",
             {k: median(v) for k, v in spent.items()}),
            ("the same", MILLIONS, count),
            ("shared objects", "", objects)):
        curl, nothing = by.get("curl"), by["nothing"]
        note = "with libcurl; %s with libc alone" % text(nothing, unit)
        quarter = unit != ""
        row(what, unit, by[OURS], None, curl, note,
            "<= 1/4 of libcurl's" if quarter else "SQLite and libc",
            None if not curl or not by[OURS] else
            by[OURS] <= curl / 4 if quarter else
            not re.search("curl|ssl|crypto", output(["ldd", CHAT])))


# Setting up.

def environment(who, db):
    return {"PATH": os.environ["PATH"], "DATABASE": db, "RUN_DIR": RUN_DIR,
            "LOG": TMP + "/log", "OLLAMA_MODEL": "bench", "TMPDIR": TMP,
            "OLLAMA_SERVER": "http://127.0.0.1:%d/api/generate" % MODEL_PORT}


def make_database(path, sessions):
    """By our own schema, and rows by SQL."""
    said = output([BUILD + "/bin/sessions", "migrate"],
                  environment(OURS, path))
    if not os.path.exists(path):
        raise RuntimeError(said)
    sql = """
PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
BEGIN;
INSERT INTO Tickets (Id, CreatedAt)
WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)
SELECT i, '2025-01-01T00:00:00.000Z' FROM n;
INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, CreatedAt)
WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)
SELECT i, 'printer jam', printf('%%d: %s', i), '2025-01-01T00:00:00.000Z'
FROM n;
COMMIT;
PRAGMA journal_mode = WAL;
""" % (sessions, sessions, "Open the tray and take the paper out. " * 8)
    output(["sqlite3", path, sql])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_server(who):
    env = environment(who, DB.get(who, ""))
    port = free_port()
    pid = spawn(["websocketd", "--port=%d" % port, "--address=127.0.0.1",
                 "--loglevel=fatal", "--passenv=" + ",".join(env),
                 "--dir=" + HANDLERS[who]], env)
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return pid, port
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("websocketd does not listen")


def start_model():
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    log = os.open(ASKED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if os.fork() == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            upstream(listener, log)
        finally:
            os._exit(0)
    port = listener.getsockname()[1]
    listener.close()
    os.close(log)
    return port


def machine():
    def first(path, expression):
        with open(path) as f:
            found = re.search(expression, f.read(), re.M)
            return found.group(1) if found else "?"
    print("%s  %s, %d CPUs, Linux %s, %s, load %s; TMPDIR on %s" % (
        time.strftime("%Y-%m-%d %H:%M"),
        first("/proc/cpuinfo", r"^model name\s*: (.*)$"), os.cpu_count(),
        os.uname().release, first("/etc/os-release", r'^PRETTY_NAME="(.*)"$'),
        first("/proc/loadavg", r"^(\S+)"),
        output(["stat", "-f", "-c", "%T", TMP]).strip()))
    print("%s, %s, SQLite %s; shell: bash, curl, jq, sqlite3\n" % (
        output([CHAT, "--version"]).strip(),
        output(["dpkg-query", "-W", "-f", "websocketd ${Version}",
                "websocketd"]) if shutil.which("dpkg-query") else "websocketd",
        output(["sqlite3", "--version"]).split()[0]))


def interrupted(*_):
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, interrupted)
signal.signal(signal.SIGINT, interrupted)
prctl(PR_SET_CHILD_SUBREAPER, 1)
RUN_DIR, ASKED = TMP + "/run", TMP + "/asked"
DB = {OURS: TMP + "/ours.db", SHELL: TMP + "/shell.db"}
SMALL, BIG = TMP + "/small.db", TMP + "/big.db"
began = time.monotonic()
try:
    MODEL_PORT = start_model()
    for database in *DB.values(), SMALL:
        make_database(database, 1000)
    make_database(BIG, MANY)
    SERVER, PORT = {}, {}
    for name in HANDLERS:
        SERVER[name], PORT[name] = start_server(name)
    machine()
    for scenario in (cached, miss, delay, together, idle_memory, following,
                     cpu, counts, databases, starts):
        t0 = time.monotonic()
        scenario()
        reap()
        if os.environ.get("BENCH_TIMES"):
            print("%s: %.1f s" % (scenario.__name__, time.monotonic() - t0),
                  file=sys.stderr)
    print_table()
    print("\nMedians; %.0f s.  Counts of instructions and objects hold on any "
          "machine of this kind,\ntimes only beside one another." %
          (time.monotonic() - began))
except KeyboardInterrupt:
    sys.exit(130)
except (RuntimeError, OSError) as why:
    print("bench: %s" % why, file=sys.stderr)
    for name in ("stderr", "log"):
        if os.path.exists(TMP + "/" + name):
            with open(TMP + "/" + name) as f:
                sys.stderr.writelines(f.readlines()[-5:])
    sys.exit(111)
finally:
    end_all()
    shutil.rmtree(TMP, ignore_errors=True)
