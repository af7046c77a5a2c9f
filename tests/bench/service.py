"""What the bench starts and asks: the model, services, viewers.

A service runs below a process of its own that adopts its orphans, so that the memory and CPU of `answer`, which
outlives the connection that started it, are counted too.  The viewers are plain sockets: a WebSocket library would cost
more than what is measured.
"""
import ctypes
import glob
import itertools
import json
import os
import re
import signal
import socket
import sqlite3
import struct
import time

# As it is installed; with the system's libcurl; the least that anything of this shape costs (floor.c).
OURS, FULL, FLOOR, SHELL = "ticketchat", "CURL=no", "floor", "shell"
PATH = "/api/websocket/chat/"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
TICK = 1000 / os.sysconf("SC_CLK_TCK")     # ms
SESSIONS = "build/bin/sessions"


# Processes.

def spawn(argv, env, stdout="/dev/null"):
    """Starts a program; what it says on stderr goes where stdout goes."""
    return os.posix_spawnp(argv[0], argv, env, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2)])


def fork(work):
    """Runs work() in a child that ends with us, and never returns there."""
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for s in (signal.SIGTERM, signal.SIGINT):
            signal.signal(s, signal.SIG_DFL)
        work()
    finally:
        os._exit(111)


def stat_of(pid):
    """The fields of /proc/PID/stat from the state on; None: it is gone."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def below(top):
    """{pid: stat} of its descendants, the dead left out."""
    stats = {int(n): stat_of(int(n)) for n in os.listdir("/proc") if n.isdigit()}
    stats = {p: s for p, s in stats.items() if s is not None and s[0] != "Z"}
    found, size = {top}, 0
    while size != len(found):
        size = len(found)
        found |= {p for p, s in stats.items() if int(s[1]) in found}
    return {p: stats[p] for p in found - {top} if p in stats}


def end(top):
    """Ends a process and all below it."""
    for sig in signal.SIGTERM, signal.SIGKILL:
        for _ in range(500):
            left = below(top)
            if not left:
                break
            for p in left:
                try:
                    os.kill(p, sig)
                except ProcessLookupError:
                    pass
            time.sleep(0.01)
    os.kill(top, signal.SIGKILL)
    os.waitpid(top, 0)


def memory(pids):
    """(PSS, USS) of them together, KB: what is shared counts by its share, or not."""
    pss = uss = 0
    for p in pids:
        try:
            with open("/proc/%d/smaps_rollup" % p) as f:
                kb = dict(re.findall(r"^(\w+):\s+(\d+)", f.read(), re.M))
        except OSError:
            continue
        pss += int(kb["Pss"])
        uss += int(kb["Private_Clean"]) + int(kb["Private_Dirty"])
    return pss, uss


def fine_cpu(pid):
    """ms of its living threads, finer than ticks."""
    spent = 0
    for task in glob.glob("/proc/%d/task/*/schedstat" % pid):
        try:
            with open(task) as f:
                spent += int(f.read().split()[0]) / 1e6
        except OSError:
            pass
    return spent


def until(ready, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(what)
        time.sleep(0.01)


class Model:
    """tests/bench/model.c, which counts the questions in a file."""

    def __init__(self, tmp):
        self.log, port = tmp + "/asked", tmp + "/port"
        spawn([tmp + "/model", self.log], os.environ, port)
        until(lambda: os.path.exists(port) and os.stat(port).st_size > 1, "the model does not start")
        with open(port) as f:
            self.url = "http://127.0.0.1:%d/api/generate" % int(f.read())

    def asked(self):
        return os.stat(self.log).st_size


def wanted(tokens, pace=0, first=0):
    """A ticket's text that the model understands; microseconds."""
    return "printer jam tokens=%d pace=%d first=%d" % (tokens, pace, first)


class Service:
    """Ours, as run.sh starts it, or another handler below websocketd."""
    count = 0

    def __init__(self, who, tmp, model, sessions=1000, **settings):
        Service.count += 1
        self.model = model
        self.database = make_database(tmp, who, sessions)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        env = {"PATH": os.environ["PATH"], "TMPDIR": tmp, "TICKETCHAT_PORT": str(self.port), "TICKETCHAT_ADDRESS": "127.0.0.1",
               "TICKETCHAT_DATABASE": self.database, "TICKETCHAT_RUN_DIR": "%s/run%d" % (tmp, Service.count), "TICKETCHAT_LOG": tmp + "/log",
               "OLLAMA_SERVER": model.url, "OLLAMA_MODEL": "bench", "TICKETCHAT_MAX_CONNECTIONS": "2000",
               "TICKETCHAT_GENERATIONS": "1024", **settings}
        # So that run.sh finds nothing to build: `make bench CURL=DIRECTORY'.
        env |= {k: os.environ[k] for k in ("CURL", "MAKEFLAGS") if k in os.environ} | ({"CURL": "no"} if who == FULL else {})
        argv = {OURS: ["./run.sh", "-c", "/dev/null"], FULL: [tmp + "/full/run.sh", "-c", "/dev/null"]}.get(who) or [
            "websocketd", "--port=%d" % self.port, "--address=127.0.0.1", "--loglevel=error",
            "--passenv=" + ",".join(env), tmp + "/" + who]

        def run():
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            spawn(argv, env, tmp + "/out")
            while True:
                os.wait()
        self.top = fork(run)
        try:
            until(self.listens, "%s does not listen" % who)
            until(lambda: self.websocketd() and not self.helpers(), "%s does not settle" % who)
        except BaseException:
            end(self.top)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.top)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def named(self, name):
        found = set()
        for p in below(self.top):
            try:
                with open("/proc/%d/comm" % p) as f:
                    if f.read().strip().split("-")[0] == name:
                        found.add(p)
            except OSError:
                pass
        return found

    def websocketd(self):
        return next(iter(self.named("websocketd")), None)

    def helpers(self):
        """All but websocketd and its parent."""
        return set(below(self.top)) - {self.websocketd(), self.parent()}

    def parent(self):
        """`sessions hold', which run.sh becomes."""
        try:
            with open("/proc/%s/stat" % self.websocketd()) as f:
                return int(f.read().rpartition(")")[2].split()[1])
        except OSError:
            return None

    def memory(self):
        """PSS of all of it, KB."""
        return memory(below(self.top))[0]

    def cpu(self):
        """ms that it has spent, those included that have ended."""
        own = stat_of(self.top)
        spent = sum(int(n) for n in own[13:15]) * TICK
        for p, s in below(self.top).items():
            spent += sum(int(n) for n in s[13:15]) * TICK
            spent += max(sum(int(n) for n in s[11:13]) * TICK, fine_cpu(p))
        return spent


def make_database(tmp, who, sessions):
    """Of our schema, with an answer for each of the tickets 1 to sessions; made once."""
    path = "%s/%s-%d.db" % (tmp, who, sessions)
    if os.path.exists(path):
        return path
    env = {"PATH": os.environ["PATH"], "TICKETCHAT_DATABASE": path, "TICKETCHAT_LOG": tmp + "/log", "TICKETCHAT_RUN_DIR": tmp}
    if os.waitpid(spawn([SESSIONS, "-c", "/dev/null", "migrate"], env, tmp + "/out"), 0)[1] != 0:
        raise RuntimeError("sessions migrate")
    c = sqlite3.connect(path, isolation_level=None)
    for sql in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "BEGIN"):
        c.execute(sql)
    numbers = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %d) " % sessions
    c.execute("INSERT INTO Tickets (Id, CreatedAt) %sSELECT i, '2025-01-01T00:00:00.000Z' FROM n" % numbers)
    c.execute("INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, CreatedAt) "
              "%sSELECT i, 'printer jam', ?, '2025-01-01T00:00:00.000Z' FROM n" % numbers,
              ("Open the tray and take the paper out. " * 8,))
    c.execute("COMMIT")
    c.execute("PRAGMA journal_mode = WAL")
    c.close()
    return path


# Viewers.

STAMP = re.compile(rb"([0-9a-f]{16}) printer")
numbers = itertools.count(10**6 + 1)


def new_ticket():
    return next(numbers)


class Viewer:
    """A WebSocket client, connected to a ticket; times are from when it began."""

    def __init__(self, service, ticket):
        self.began = time.monotonic_ns()
        self.first = None       # ms to the first frame
        self.ages = []          # of the tokens as they came, us
        self.ended, self.data = False, b""
        self.s = socket.create_connection(("127.0.0.1", service.port), 120)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.sendall(b"GET %s%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                       % (PATH.encode(), ticket, service.port))
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

    def ask(self, text):
        return self.say({"ticketBody": text})

    def say(self, message):
        payload = json.dumps(message).encode()
        # A mask of zeros leaves the bytes as they are; all our texts are short.
        self.s.sendall(struct.pack("!BB", 0x81, 0x80 | len(payload)) + b"\0\0\0\0" + payload)
        return self

    def piece(self):
        """The payload of one frame of WebSocket, whole messages or parts of them."""
        while True:
            d = self.data
            if len(d) >= 2:
                n, at = d[1] & 127, 2
                if n >= 126:
                    at = 4 if n == 126 else 10
                    n = int.from_bytes(d[2:at], "big") if len(d) >= at else len(d)
                if len(d) >= at + n:
                    self.data = d[at + n:]
                    return d[at:at + n]
            self.more()

    def frame(self):
        """Takes one; a frame that has come in several pieces counts as several."""
        f, now = self.piece(), time.monotonic_ns()
        if self.first is None:
            self.first = (now - self.began) / 1e6
        if f.startswith(b'{"type":"error"'):
            raise RuntimeError(f.decode())
        self.ages += ((now - int(stamp, 16)) / 1e3 for stamp in STAMP.findall(f))
        self.ended = f.startswith(b'{"type":"done"')

    def finish(self):
        while not self.ended:
            self.frame()
        self.s.close()
        return self
