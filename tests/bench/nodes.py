"""The measurements of `run.sh nodes': python3 nodes.py TMP [-q] [PART...].

Viewers are chat processes with pipes, as websocketd runs them; what they cost is what the kernel says of our children.  We
adopt the orphans, so that `answer', which outlives the chat that started it, is one of them.
"""
import ctypes
import glob
import json
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

from service import PR_SET_CHILD_SUBREAPER, STAMP, TICK, Model, below, fine_cpu, memory, new_ticket, stat_of, until, wanted

TMP, QUICK = sys.argv[1], "-q" in sys.argv[2:3]
PG, PORT = TMP + "/pg", os.environ["PG_PORT"]
BIN = os.environ["PG_BIN"]
AS_PG = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
TECHNICIANS, FASTER, SECONDS = 1000, 10, 12 if QUICK else 60     # the hour, how much faster it goes, how long we watch
PARTS = sys.argv[3 if QUICK else 2:]
reaped = threading.Lock()
ended = {}                  # {pid: status}


class Psql:
    """One that stays: each question takes its lines."""

    def __init__(self, port=PORT):
        self.p = subprocess.Popen([BIN + "/psql", "-XqAt", "-h", PG, "-p", port, "-U", "postgres", "bench"], text=True,
                                  bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self("SET search_path = ticketchat, public")

    def __call__(self, sql):
        self.p.stdin.write(sql + ";\n\\echo .\n")
        return list(iter(lambda: self.p.stdout.readline().rstrip("\n"), "."))

    def number(self, sql):
        return float(self(sql)[0] or 0)


def uri(node, ports=PORT):
    hosts = ",".join("127.0.0.1%d:%s" % (node, p) for p in ports.split(","))
    return "postgres://ticketchat@%s/bench" % hosts


def node(n, database=None, **settings):
    """The environment of a node's programs."""
    run = "%s/run%s" % (TMP, n)
    os.makedirs(run, 0o700, exist_ok=True)
    env = {"PATH": os.environ["PATH"], "TICKETCHAT_DATABASE": database or uri(n), "TICKETCHAT_RUN_DIR": run, "TICKETCHAT_LOG": TMP + "/log",
           "OLLAMA_SERVER": model.url, "OLLAMA_MODEL": "bench", "TICKETCHAT_GENERATIONS": "64", **settings}
    out = subprocess.run(["build/bin/sessions", "-c", "/dev/null", "settings"], env=env, capture_output=True, text=True,
                         check=True).stdout
    return env | dict(("TICKETCHAT_" + line).split("=", 1) for line in out.splitlines())


class Viewer:
    """A chat as websocketd runs it."""

    def __init__(self, env, ticket, front=()):
        stdin, self.stdin = os.pipe()
        out, stdout = os.pipe()
        for fd in self.stdin, out:
            os.set_inheritable(fd, False)
        self.out, self.ages, self.first = os.fdopen(out, "rb", 65536), [], None
        self.began = time.monotonic_ns()
        argv = [*front, "build/bin/chat"]
        self.pid = os.posix_spawnp(argv[0], argv, env | {"GATEWAY_INTERFACE": "x", "PATH_INFO": "/api/websocket/chat/%d" % ticket,
                                                         "REMOTE_ADDR": "127.0.0.1"},
                                   file_actions=[(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)])
        os.close(stdin)
        os.close(stdout)

    def ask(self, text):
        os.write(self.stdin, json.dumps({"ticketBody": text}).encode() + b"\n")
        return self

    def frame(self):
        f, now = self.out.readline(), time.monotonic_ns()
        if self.first is None and not f.startswith(b'{"type":"status"'):
            self.first = (now - self.began) / 1e6
        self.ages += ((now - int(stamp, 16)) / 1e6 for stamp in STAMP.findall(f))
        return f

    def finish(self):
        """Reads up to the end, and stays; the end."""
        while True:
            f = self.frame()
            if not f or f.startswith((b'{"type":"done"', b'{"type":"error"')):
                return f.decode()

    def good(self):
        end = self.finish()
        if '"done"' not in end:
            raise RuntimeError("an answer ended with " + (end or "nothing"))
        return self

    def close(self):
        os.close(self.stdin)
        self.out.close()


def reap():
    """Takes those that have ended."""
    with reaped:
        try:
            while (got := os.waitpid(-1, os.WNOHANG))[0]:
                ended[got[0]] = got[1]
        except ChildProcessError:
            pass


def named(name):
    found = set()
    for p in below(os.getpid()):
        try:
            with open("/proc/%d/comm" % p) as f:
                if f.read().strip().split("-")[0] == name:
                    found.add(p)
        except OSError:
            pass
    return found


def all_ended():
    reap()
    return not named("chat") and not named("answer") and not named("strace")


def settle():
    until(all_ended, "chat or answer does not end", 120)


def cpu():
    """ms of those of our children that have ended."""
    reap()
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (r.ru_utime + r.ru_stime) * 1000


def connections():
    """How many of ours the server has, from the titles of its processes: a query for each look would be half of the server's work."""
    with open(PG + "/main/postmaster.pid") as f:
        top = int(f.readline())
    count = 0
    for p in below(top):
        try:
            with open("/proc/%d/cmdline" % p, "rb") as f:
                count += f.read().startswith(b"postgres: ticketchat ")
        except OSError:
            pass
    return count


def pg_cpu():
    with open(PG + "/main/postmaster.pid") as f:
        top = int(f.readline())
    spent = sum(int(n) for n in stat_of(top)[11:15])
    return TICK * (spent + sum(int(n) for s in below(top).values() for n in s[11:13]))


def told():
    """(statements, WAL bytes) until now."""
    s = psql("SELECT coalesce(sum(calls) FILTER (WHERE userid = 'ticketchat'::regrole), 0), "
             "pg_current_wal_insert_lsn() - '0/0' FROM public.pg_stat_statements")[0].split("|")
    return [float(n) for n in s]


def since(before):
    return [b - a for a, b in zip(before, told())]


def objects(pid):
    with open("/proc/%d/maps" % pid) as f:
        return len(set(re.findall(r"/\S+\.so[.\d]*$", f.read(), re.M)))


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))]


def table(title, head, lines):
    print("\n%s\n\n| | %s |\n| --- %s|" % (title, " | ".join(head), "| --: " * len(head)))
    for name, *cells in lines:
        print("| %s | %s |" % (name, " | ".join(c if isinstance(c, str) else "%.3g" % c if c < 1000 else
                                               format(round(c), ",") for c in cells)), flush=True)


# (a)

def one(env, ticket, text):
    """Leaves at the first frame: an answer that ends before its chat is nobody's child, and not counted."""
    v = Viewer(env, ticket).ask(text)
    while v.first is None:
        v.frame()
    v.close()
    settle()
    return v.first


def traced(env, ticket, text):
    """(connections to the server, messages sent to it)."""
    log = TMP + "/trace"
    v = Viewer(env, ticket, ["strace", "-f", "-yy", "-qq", "-e", "trace=connect,sendto", "-o", log]).ask(text).good()
    v.close()
    settle()
    with open(log) as f:
        lines = [li for li in f if PORT in li]
    return (sum("connect(" in li for li in lines), sum("sendto(" in li for li in lines))


def forget():
    """Ends the lookup that stays: the next question has one loaded."""
    for p in named("lookup"):
        os.kill(p, signal.SIGKILL)
    until(lambda: reap() or not named("lookup"), "lookup does not end")


def lookup_cpu(env):
    """ms of one lookup that is loaded.  chat does not wait for it, so the kernel adds it to nobody's time."""
    before = cpu()
    subprocess.run(["build/libexec/lookup", "-c", "/dev/null"], env=env, stdout=subprocess.DEVNULL, check=True,
                   input=b'{"ticket":%d,"ticketBody":"printer jam"}' % TICKET)
    return cpu() - before


def memories(env):
    """Objects and USS: a viewer of a saved answer, a running generation, one that waits."""
    kept = [Viewer(env, TICKET).ask("printer jam").good() for _ in range(10)]
    viewer = memory([v.pid for v in kept])[1] / 10
    found = [objects(kept[0].pid)]
    env = env | {"TICKETCHAT_GENERATIONS": "1"}
    first = Viewer(env, new_ticket()).ask(wanted(10**5, 50000))
    while first.first is None:
        first.frame()
    running = named("answer")
    others = [Viewer(env, new_ticket()).ask(wanted(1)) for _ in range(10)]
    until(lambda: len(named("answer")) == 1 + len(others), "no answers that wait")
    time.sleep(0.5)
    waiting = named("answer") - running
    usage = viewer, memory(running)[1], memory(waiting)[1] / len(waiting)
    found += [objects(next(iter(running))), objects(next(iter(waiting)))]
    for v in kept + others + [first]:
        v.close()
    for p in running | waiting:
        os.kill(p, signal.SIGTERM)
    settle()
    return found, usage


def migrate(env):
    subprocess.run(["build/bin/sessions", "-c", "/dev/null", "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)


def costs():
    who = {"SQLite": node("0", TMP + "/sqlite.db"), "PostgreSQL": node(1)}
    for env in who.values():
        migrate(env)
        one(env, TICKET, wanted(50))
    # As the service: somebody holds the file.
    hold = subprocess.Popen(["build/bin/sessions", "-c", "/dev/null", "hold", "sleep", "1000"], env=who["SQLite"])
    got = {(w, k): [] for w in who for k in ("kept", "miss")}
    server = {"kept": 0, "miss": 0}
    rounds = 8 if QUICK else 30
    for _ in range(rounds):
        for w, env in who.items():
            for kind in "kept", "miss":
                before, pg = cpu(), pg_cpu()
                ms = one(env, TICKET if kind == "kept" else new_ticket(), wanted(50, 1000))
                got[w, kind].append((ms, cpu() - before))
                server[kind] += pg_cpu() - pg if w != "SQLite" else 0
    stays = next(iter(named("lookup")))
    spent = fine_cpu(stays)
    for _ in range(rounds):
        one(who["PostgreSQL"], TICKET, wanted(50))
    spent, held = (fine_cpu(stays) - spent) / rounds, memory([stays])[1]
    loaded = []
    for _ in range(rounds):
        forget()
        loaded.append(one(who["PostgreSQL"], TICKET, wanted(50)))
    lines = []
    for kind, name in ("kept", "saved answer"), ("miss", "miss, 50 tokens"):
        for i, what in (0, "first frame, ms"), (1, "CPU of chat and answer, ms"):
            a, b = (statistics.median(g[i] for g in got[w, kind]) for w in who)
            lines.append((name + ": " + what, a, b, "%.1f x" % (b / a)))
        lines.append((name + ": CPU of the server, ms", "–", server[kind] / rounds, "–"))
        forget()
        trips = traced(who["PostgreSQL"], TICKET if kind == "kept" else new_ticket(), wanted(50))
        lines.append((name + ", a lookup is loaded: connections, messages to the server", "–", "%d, %d" % trips, "–"))
    lines += [("saved answer, a lookup is loaded: first frame, ms", "–", statistics.median(loaded), "–"),
              ("the lookup that stays: CPU of a look, ms", "–", spent, "–"),
              ("one that is loaded: the same", "–", statistics.median(lookup_cpu(who["PostgreSQL"]) for _ in range(rounds)), "–"),
              ("the lookup that stays: KB of its own", "–", held, "–")]
    found, usage = zip(*(memories(env) for env in who.values()))
    for i, name in enumerate(("viewer", "running generation", "waiting generation")):
        a, b = (u[i] for u in usage)
        lines.append((name + ": KB of its own", a, b, "%.1f x" % (b / a)))
        lines.append((name + ": shared objects", *(str(f[i]) for f in found), "–"))
    hold.terminate()
    hold.wait()
    table("One machine, medians of %d, taking turns" % rounds, ("SQLite", "PostgreSQL", "ratio"), lines)


# (b)

def twenty(nodes):
    """20 viewers of one ticket on so many nodes; the first one's node generates."""
    tokens = 100 if QUICK else 250
    env = [node(n) for n in range(1, nodes + 1)]
    ticket, asked, before = new_ticket(), model.asked(), told()
    text = wanted(tokens, 20000, 2500000)
    seen = [Viewer(env[0], ticket).ask(text)]
    until(lambda: model.asked() > asked, "the model is not asked")
    seen += [Viewer(env[i % nodes], ticket).ask(text) for i in range(1, 20)]
    threads = [threading.Thread(target=v.good) for v in seen]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    _, wal = since(before)
    for v in seen:
        v.close()
    settle()
    if any(len(v.ages) != tokens for v in seen):
        raise RuntimeError("an answer is not whole")
    local = [a for i, v in enumerate(seen) if i % nodes == 0 for a in v.ages]
    # They get it whole: what counts is how old its last word is then.
    remote = [v.ages[-1] for i, v in enumerate(seen) if i % nodes != 0]

    def ages(a):
        return "%.1f, %.1f" % (quantile(a, .5), quantile(a, .95)) if a else "–"
    return (model.asked() - asked, ages(local), ages(remote), wal)


def crowd():
    names = ("requests to the model", "age of a token on the node that generates, ms (p50, p95)",
             "age of the last one elsewhere, with the whole answer, ms", "WAL, bytes an answer")
    table("20 viewers of one ticket, 50 tokens/s", ("routed by ticket", "spread over 3 nodes"),
          list(zip(names, twenty(1), twenty(3))))


# (c)

def hour():
    rng, env = random.Random(1), [node(n) for n in (1, 2, 3)]
    rate = TECHNICIANS * 6 / 3600 * FASTER
    samples, stop, viewers, bad = [], threading.Event(), [], []
    watch = Psql()

    def sample():
        while not stop.wait(0.05):
            samples.append(watch.number("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ticketchat'"))

    def drain(v):
        if '"done"' not in v.finish():
            bad.append(v)
    # 300 tokens at 30 tokens/s, behind a second and a half: all of that so much faster.
    text = wanted(300, 33333 // FASTER, 1500000 // FASTER)
    before, own, pg, sessions = told(), cpu(), pg_cpu(), psql.number("SELECT sessions FROM pg_stat_database WHERE datname = 'bench'")
    threads, began, missed = [threading.Thread(target=sample)], time.monotonic(), 0
    threads[0].start()
    at, known = 0.0, [TICKET]
    while (at := at + rng.expovariate(rate)) < SECONDS:
        time.sleep(max(0, began + at - time.monotonic()))
        if rng.random() < .7:
            ticket = rng.choice(known)
        else:
            ticket, missed = new_ticket(), missed + 1
        v = Viewer(env[ticket % 3], ticket).ask(text)
        viewers.append(v)
        if len(viewers) > 60 and ticket not in known:
            known.append(ticket)    # kept by then, mostly
        threads.append(threading.Thread(target=drain, args=(v,)))
        threads[-1].start()
        if len(viewers) > TECHNICIANS:
            viewers[len(viewers) - TECHNICIANS - 1].close()
    late = time.monotonic() - began - SECONDS
    for t in threads[1:]:
        t.join()
    stop.set()
    threads[0].join()
    statements, wal = since(before)
    time.sleep(1.5)     # what backends say of themselves comes later
    sessions = psql.number("SELECT sessions FROM pg_stat_database WHERE datname = 'bench'") - sessions
    open_ = len(named("chat"))
    for v in viewers[-TECHNICIANS:]:
        v.close()
    settle()
    own, pg = cpu() - own, pg_cpu() - pg
    generation = cpu()      # those answers ended before their chats: five that did not stand for them
    for _ in range(5):
        one(env[0], new_ticket(), text)
    own += (cpu() - generation) / 5 * missed
    n = len(viewers)
    if bad:
        raise RuntimeError("%d of %d questions failed" % (len(bad), n))
    per_hour = TECHNICIANS * 6 / n
    table("%d technicians' hour, %d x faster: %d openings in %d s (%.0f %% new tickets), %d viewers open at the end, %.1f s late; "
          "the rates are those of the hour" % (TECHNICIANS, FASTER, n, SECONDS, 100 * missed / n, open_, max(0, late)),
          ("",), [
              ("connections to PostgreSQL, most at a time", max(samples)), ("the same, on average", statistics.mean(samples)),
              ("connections made, an hour", sessions * per_hour), ("statements/s", statements * per_hour / 3600),
              ("WAL, MB an hour", wal * per_hour / 2**20), ("CPU of PostgreSQL, s an hour", pg / 1000 * per_hour),
              ("CPU of the nodes, s an hour", own / 1000 * per_hour)])


# (d)

poolers = []


def certificate():
    """Of 127.0.0.1N, for the pooler; in PG."""
    names = ",".join("IP:127.0.0.%s" % n for n in ("1", "11", "12", "13"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=bench", "-addext", "subjectAltName=" + names, "-keyout", PG + "/key", "-out", PG + "/crt"],
                   check=True, stderr=subprocess.DEVNULL)
    for name in "key", "crt":
        os.chmod(PG + "/" + name, 0o644)


def pooler(auth):
    """pgbouncer as docs/scaling.md has it, but for the way in: `trust', or `scram-sha-256' over TLS; its process and port."""
    program = next(filter(os.path.exists, ("/usr/sbin/pgbouncer", "build/tests/debian/usr/sbin/pgbouncer")), None)
    if program is None:
        return None, None
    port = str(int(PORT) + (-1 if int(PORT) > 65000 else 1) * (2 if auth == "trust" else 3))
    shutil.copy(program, PG + "/pgbouncer")
    with open("tests/postgres/pgbouncer.ini") as f:
        ini = f.read()
    for at, what in {"SERVER": PORT, "PORT": port, "AUTH": auth, "DIRECTORY": PG,
                     "ADDRESSES": "127.0.0.1,127.0.0.11,127.0.0.12,127.0.0.13"}.items():
        ini = ini.replace("@%s@" % at, what)
    ini += "max_client_conn = 2000\ndefault_pool_size = 40\nserver_idle_timeout = 10\n"
    if auth != "trust":
        ini += "client_tls_sslmode = require\nclient_tls_cert_file = %s/crt\nclient_tls_key_file = %s/key\n" % (PG, PG)
    secret = psql("SELECT coalesce(rolpassword, '') FROM pg_authid WHERE rolname = 'ticketchat'")[0]
    for name, text in ("users", '"ticketchat" "%s"' % secret), ("ini", ini):
        with open("%s/%s" % (PG, name), "w") as f:
            f.write(text)
        os.chmod("%s/%s" % (PG, name), 0o644)
    p = subprocess.Popen([*AS_PG, PG + "/pgbouncer", "-q", PG + "/ini"], cwd="/", stderr=subprocess.DEVNULL)
    poolers.append(p)
    time.sleep(1)
    return p, port


def wait_in_line(make):
    """120 tickets that wait for one slot, over three nodes: connections, CPU of PostgreSQL (% of a core), KB of each."""
    seconds = 30        # a few times all of their renewals
    env = [node(n, make(n), TICKETCHAT_GENERATIONS="1", TICKETCHAT_QUEUE_MAX="200") for n in (1, 2, 3)]
    first = Viewer(env[0], new_ticket()).ask(wanted(10**5, 50000))
    while first.first is None:
        first.frame()
    running = named("answer")
    others = [Viewer(env[i % 3], new_ticket()).ask(wanted(1)) for i in range(120)]
    until(lambda: len(named("answer")) == 121, "no answers that wait", 120)
    time.sleep(15)      # each has its place, and a pooler has let go of what it does not need
    samples, began, spent = [], time.monotonic(), pg_cpu()
    while time.monotonic() < began + seconds:
        samples.append(connections())
        time.sleep(0.05)
    spent = (pg_cpu() - spent) / 10 / (time.monotonic() - began)
    usage = memory(named("answer") - running)[1] / 120
    for p in named("answer"):
        os.kill(p, signal.SIGTERM)
    for v in others + [first]:
        v.close()
    settle()
    return statistics.mean(samples), max(samples), spent, usage


def looks(make):
    """ms to the first frame of a saved answer: of the lookup that stays, and with one that has to be loaded."""
    env, rounds = node(1, make(1)), 8 if QUICK else 30
    one(env, TICKET, wanted(50))
    stays = statistics.median(one(env, TICKET, wanted(50)) for _ in range(rounds))
    loaded = []
    for _ in range(rounds):
        forget()
        loaded.append(one(env, TICKET, wanted(50)))
    return stays, statistics.median(loaded)


def line():
    """What it takes to let people wait, and to let them look."""
    def secure(port):
        """The files lie where the programs may read."""
        def make(n):
            run = "%s/run%s" % (TMP, n)
            os.makedirs(run, 0o700, exist_ok=True)
            shutil.copy(PG + "/crt", run + "/crt")
            with open(run + "/pgpass", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
                f.write("*:*:*:*:PASSWORD\n")
            return uri(n, port) + "?sslmode=verify-full&sslrootcert=%s/crt&passfile=%s/pgpass" % (run, run)
        return make
    psql("ALTER ROLE ticketchat PASSWORD 'PASSWORD'")
    certificate()
    ways, waits, found = ["direct"], [wait_in_line(uri)], [looks(uri)]
    for name, auth in ("through pgbouncer", "trust"), ("the same with TLS, SCRAM", "scram-sha-256"):
        bouncer, port = pooler(auth)
        if bouncer:
            make = secure(port) if auth != "trust" else lambda n, port=port: uri(n, port)
            ways.append(name)
            waits.append(wait_in_line(make))
            found.append(looks(make))
            bouncer.terminate()
            bouncer.wait()
    names = ("connections to PostgreSQL, on average", "the same, most at a time", "CPU of PostgreSQL, % of a core",
             "a waiting generation: KB of its own")
    table("120 tickets that wait for one slot, on three nodes", ways,
          list(zip(names, *waits)) + list(zip(("a saved answer: first frame, ms", "the same, a lookup is loaded"), *found)))


# (e)

def streaming(env, ticket):
    v = Viewer(env, ticket).ask(wanted(10**4, 20000))
    while v.first is None:
        v.frame()
    return v, named("answer")


def killed():
    v, answers = streaming(node(1), ticket := new_ticket())
    began = time.monotonic()
    for p in answers:
        os.kill(p, signal.SIGKILL)
    w = Viewer(node(2), ticket).ask(wanted(1)).good()
    spent = time.monotonic() - began
    for x in v, w:
        x.close()
    settle()
    return spent * 1000


def nft(text):
    return subprocess.run(["nft", "-f", "-"], input=text, text=True, stderr=subprocess.DEVNULL).returncode == 0


def cut_off():
    """Seconds until a node whose cable was pulled in mid-stream has lost its ticket."""
    name = os.environ["NFT_TABLE"]
    v, answers = streaming(node(1), ticket := new_ticket())
    # How node 1 reaches the server; the time between two keepalives is part of it.
    if not nft("table inet %s { chain c { type filter hook input priority 0; ip daddr 127.0.0.11 tcp dport %s drop; "
               "ip saddr 127.0.0.11 tcp sport %s drop; }; }" % (name, PORT, PORT)):
        spent = None
    else:
        began = time.monotonic()
        until(lambda: not psql.number("SELECT count(*) FROM ticketchat.TicketAIRuns WHERE Ended IS NULL AND Until > clock_timestamp()"), "the ticket is not free", 120)
        w = Viewer(node(2), ticket).ask(wanted(1)).good()
        spent = time.monotonic() - began
        w.close()
        nft("delete table inet " + name)
    v.close()
    for p in answers:
        os.kill(p, signal.SIGKILL)
    settle()
    return spent


def pg_ctl(where, *args):
    subprocess.run([*AS_PG, BIN + "/pg_ctl", "-s", "-w", "-D", PG + "/" + where, "-l", PG + "/log", *args], check=True, cwd="/",
                   env={"LC_ALL": "C.UTF-8"})


def standby():
    """Starts one; its port."""
    subprocess.run([*AS_PG, BIN + "/pg_basebackup", "-h", PG, "-p", PORT, "-U", "postgres", "-D", PG + "/standby", "-R", "-c",
                    "fast"], check=True, cwd="/")
    other = str(int(PORT) - 1 if int(PORT) > 65000 else int(PORT) + 1)
    pg_ctl("standby", "-o", "-p " + other, "start")
    return other


def dead():
    """The primary's machine answers nothing; whether it can be done here."""
    return nft("table inet %s { chain d { type filter hook input priority 0; ip daddr 127.0.0.0/8 tcp dport %s drop; "
               "ip saddr 127.0.0.0/8 tcp sport %s drop; }; }" % (os.environ["NFT_TABLE"], PORT, PORT))


def hung(sign=signal.SIGSTOP):
    """The primary's kernel answers, and nobody else."""
    with open(PG + "/main/postmaster.pid") as f:
        top = int(f.readline())
    for p in [top, *below(top)]:
        os.kill(p, sign)
    return True


def taken_over(breaks, mends):
    """Seconds from the standby's promotion to a new answer, of nodes that knew the first host as the good one: the most of 3."""
    other, spent = standby(), []
    nodes = [node("%s%d" % (breaks.__name__, n), uri(n, PORT + "," + other)) for n in (1, 2, 3)]
    for env in nodes:
        Viewer(env, new_ticket()).ask(wanted(1)).good().close()
    settle()
    broken = breaks()
    if broken:
        pg_ctl("standby", "promote")
        for env in nodes:
            began = time.monotonic()
            v = Viewer(env, new_ticket()).ask(wanted(1)).good()
            spent.append(time.monotonic() - began)
            v.close()
        settle()
        mends()
    pg_ctl("standby", "-m", "immediate", "stop")
    shutil.rmtree(PG + "/standby")
    return max(spent) if broken else "–"


def failed_over():
    """Seconds from the primary's death until: its standby is promoted, the first new answer, an answer that ran is kept."""
    other = standby()
    env = node(1, uri(1, PORT + "," + other))
    running = Viewer(env, new_ticket()).ask(wanted(200, 20000))
    while running.first is None:
        running.frame()
    began = time.monotonic()
    pg_ctl("main", "-m", "immediate", "stop")
    pg_ctl("standby", "promote")
    promoted = time.monotonic() - began
    while True:
        v = Viewer(env, new_ticket()).ask(wanted(1))
        good = '"done"' in v.finish()
        v.close()
        if good:
            break
    first = time.monotonic() - began
    running.good()
    kept = time.monotonic() - began
    running.close()
    settle()
    return promoted, first, kept


def faults():
    ms = [killed() for _ in range(3 if QUICK else 7)]
    cut = cut_off()
    takes = [taken_over(dead, lambda: nft("delete table inet " + os.environ["NFT_TABLE"])),
             taken_over(hung, lambda: hung(signal.SIGCONT))]
    promoted, first, kept = failed_over()
    table("What breaks", ("s",), [
        ("answer killed in mid-stream: whole answer of another node (most of %d)" % len(ms), max(ms) / 1000),
        ("node cut off in mid-stream: the same", "–" if cut is None else cut),
        ("first host dead, its standby promoted: a new answer (most of 3)", takes[0]),
        ("first host hung: the same", takes[1]),
        ("primary killed: standby promoted", promoted), ("the same: first new answer", first),
        ("the same: the answer that ran (4 s of it were left) is kept, `done`", kept)])


ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
model, TICKET = Model(TMP), new_ticket()
psql = Psql()
print("%s, Linux %s, PostgreSQL %s, load %.1f" % (time.strftime("%Y-%m-%d"), os.uname().release,
                                                 psql("SHOW server_version")[0], os.getloadavg()[0]))
try:
    migrate(node(1))
    psql("CREATE EXTENSION pg_stat_statements SCHEMA public")
    for part in costs, crowd, hour, line, faults:
        if part.__name__ in PARTS or not PARTS:
            part()
except (RuntimeError, OSError) as why:
    print("bench: %s" % why, file=sys.stderr)
    if os.path.exists(TMP + "/log"):
        with open(TMP + "/log") as f:
            sys.stderr.writelines([text for text in f if "level=info" not in text][-5:])
    sys.exit(111)
finally:
    for p in poolers:
        p.terminate()
    for p in named("chat") | named("answer") | named("lookup") | named("model"):
        os.kill(p, signal.SIGKILL)
