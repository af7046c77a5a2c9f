# End to end: the real websocketd, with the flags that run.sh gives it, and
# clients written with the Python module websockets.
load helper

# The server

# Becomes websocketd as run.sh does.
become_server() {
	export TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1
	bin=$B/bin conf=$T/conf
	eval "$(sed -n '/^load_settings() {$/,/^}$/p; /^make_flags() {$/,/^}$/p' \
	    "$ROOT/run.sh")"
	load_settings
	make_flags
	mapfile -t flags <<<"$flags"
	cd "$T/kept" || exit
	exec $HELD "$B/bin/sessions" -c "$T/conf" hold "--listen=$listens" \
	    websocketd "${flags[@]}" "$B/libexec/chat"
}

# Starts it; the same port again if there was one.
server() {
	export P=${P:-$(free_port)}
	become_server >"$T/server" 2>&1 3>&- &
	SERVER=$!
	track $!
	within 10 listening "$P"
}

prepare() {
	command -v websocketd >/dev/null || skip "no websocketd"
	/usr/bin/python3 -c 'import websockets' || skip "no websockets"
	cat >"$T/tc.py" <<'END'
# A client: what every test's program begins with.
import asyncio, json, os, sys, time
import websockets
# Debian 12 and Debian 13 both have this one.
from websockets.legacy.client import connect

HOST = "ws://127.0.0.1:" + os.environ["P"]
T = os.environ["T"]
Q = '{"ticketBody":"printer jam"}'
numbers = iter(range(1, 1000))

class Client:
    """A connection; every frame that comes is a line of ws.N."""
    def __init__(self, path, **kw):
        kw.setdefault("ping_interval", None)
        self.connecting = connect(
            HOST + "/api/websocket/chat/" + path, max_size=None,
            open_timeout=30, close_timeout=5, **kw)
        self.n = next(numbers)
        self.pongs = 0
        self.begun = []

    async def __aenter__(self):
        self.ws = await self.connecting.__aenter__()
        self.file = open("%s/ws.%d" % (T, self.n), "w")
        return self

    async def __aexit__(self, *what):
        self.file.close()
        try:
            await self.connecting.__aexit__(*what)
        except websockets.ConnectionClosed:
            pass    # newer ones say so of what we have cut off ourselves

    async def read(self):
        line = await asyncio.wait_for(self.ws.recv(), 30)
        assert isinstance(line, str), line
        assert "\n" not in line, line
        self.file.write(line + "\n")
        self.file.flush()
        frame = json.loads(line)
        if frame["type"] == "pong":
            self.pongs += 1
        return frame

    async def begin(self, message=Q):
        """Asks, and waits for the first piece."""
        await self.ws.send(message)
        self.begun = [await self.read()]
        assert self.begun[0]["type"] == "stream", self.begun

    async def answer(self):
        """The frames of one answer, what has begun included."""
        frames, self.begun = self.begun, []
        while not frames or frames[-1]["type"] not in ("done", "error"):
            frames.append(await self.read())
        return [f for f in frames if f["type"] != "pong"]

    async def ask(self, message=Q):
        await self.ws.send(message)
        return await self.answer()

    async def silent(self, seconds):
        try:
            line = await asyncio.wait_for(self.ws.recv(), seconds)
        except asyncio.TimeoutError:
            return
        raise AssertionError("unexpected: " + line)

    async def closed(self, seconds):
        """Waits until the server closes; what comes before is no frame."""
        try:
            line = await asyncio.wait_for(self.ws.recv(), seconds)
        except websockets.ConnectionClosed:
            return
        raise AssertionError("unexpected: " + line)

def text(frames):
    return "".join(f["content"] for f in frames if f["type"] == "stream")

def types(frames):
    out = []
    for f in frames:
        if not (out and f["type"] == out[-1] == "stream"):
            out.append(f["type"])
    return " ".join(out)

def kept(name):
    with open(T + "/kept/" + name, newline="") as f:
        return f.read()

def is_generated(frames, name="good"):
    assert types(frames) == "stream done", frames[-3:]
    assert text(frames) == kept(name)

def is_cached(frames, name="good"):
    assert types(frames) == "cached done", frames[-3:]
    assert frames[0]["response"] == kept(name)

def is_whole(frames, name="good"):
    (is_cached if frames[0]["type"] == "cached" else is_generated)(frames, name)

def is_error(frames, code):
    assert types(frames) == "error" and frames[0]["code"] == code, frames

def rest():
    open(T + "/go", "w").close()

def posts():
    with open(T + "/replay.log") as f:
        return sum(line.startswith("request") for line in f)

def run(main):
    asyncio.run(asyncio.wait_for(main(), 240))
END
}

# Runs a program on stdin, then looks at all frames that its clients got; $1
# is how many ends there are in all of them.
clients() {
	local wanted=$1 f ends n=0
	(echo 'from tc import *'; cat; echo 'run(main)') >"$T/program.py"
	(export T; PYTHONPATH=$T PYTHONDONTWRITEBYTECODE=1 exec timeout 100 \
	    /usr/bin/python3 "$T/program.py" 3>&-)
	for f in "$T"/ws.*; do
		[ -e "$f" ] || continue
		# Who has left had perhaps the beginning of an answer.
		tac "$f" | sed -n '/^{"type":"\(done\|error\)"/,$p' | tac >"$T/whole"
		ends=$(grep -cE '^{"type":"(done|error)"' "$T/whole" || true)
		check "$T/whole" "$ends"
		n=$((n + ends))
	done
	rm -f "$T"/ws.*
	is $n "$wanted"
	# A server that has panicked, or a handler that talked too much.
	not grep -E 'goroutine|runtime error' "$T/server"
}

@test "asked, answered, and kept for the next one" {
	replay "$UP/good.ndjson"
	server
	clients 4 <<'END'
async def main():
    async with Client("42") as a:
        is_generated(await a.ask())
        is_cached(await a.ask())
    async with Client("42") as a:
        is_cached(await a.ask())
        frames = await a.ask('{"ticketBody":"another","lang":"en"}')
        is_cached(frames)
        assert frames[0]["bodyChanged"] is True
END
	is "$(posts)" 1
	within 10 no_chats
}

@test "people write answers: a megabyte, at once, and while the model writes" {
	export TICKETCHAT_WRITE=on
	replay "$UP/good.ndjson"
	server
	/usr/bin/python3 -c 'print("é\n" * 349525, end="")' >"$T/kept/mine"
	printf 'Outra.' >"$T/kept/other"
	clients 9 <<'END'
def write(name, **more):
    return json.dumps(dict(type="write", response=kept(name), **more))

async def main():
    async with Client("42") as a, Client("42") as b:
        is_error(await a.ask(write("other")), "no_answer")
        is_generated(await a.ask())
        [done] = await a.ask(write("mine"))
        assert (done["type"], done["versions"]) == ("done", 2), done
        frames = await b.ask()
        is_cached(frames, "mine")
        assert frames[0]["author"] == "", frames[0]["author"]
        # Both replace the same answer: one of them is told.
        ends = await asyncio.gather(*(c.ask(write("other", session=done["session"], lang="en"))
                                      for c in (a, b)))
        ends = [frames[-1] for frames in ends]
        good = [f for f in ends if f["type"] == "done"]
        # They say the same, and have no names: so it is the same answer.
        assert len(good) == 2 and good[0] == good[1], ends
        is_error(await b.ask(write("mine", session=done["session"])), "answer_changed")
        is_error(await b.ask(json.dumps({"type": "write", "response": "x" * 1048577})), "too_large")
        is_cached(await b.ask('{"type":"open"}'), "other")
END
	is "$(posts)" 1
	long 40
	replay_end
	replay_part "$T/long.ndjson"
	P=
	end "$SERVER"
	server
	clients 3 <<'END'
async def main():
    async with Client("42") as a, Client("42") as b:
        await a.begin('{"ticketBody":"printer jam","refresh":true}')
        is_error(await b.ask('{"type":"write","response":"Outra."}'), "answer_running")
        rest()
        is_generated(await a.answer(), "long")
        [done] = await b.ask('{"type":"write","response":"Outra."}')
        assert done["versions"] == 5, done
END
	is "$(posts)" 2
}

# bats test_tags=fault,fault:3
@test "three ways to leave in mid-stream: the answer is kept" {
	long 40
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=3
	server
	clients 0 <<'END'
async def main():
    async with Client("1") as a:
        await a.begin()
    async with Client("2") as a:
        await a.begin()
        a.ws.transport.abort()
    try:
        async with Client("3") as a:
            await a.begin()
            a.ws.transport.get_extra_info("socket").shutdown(1)
    except websockets.ConnectionClosed:
        pass
END
	within 10 no_chats
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
	replay_rest
	within 10 none_answers
	is "$(posts)" 3
	clients 3 <<'END'
async def main():
    for ticket in "123":
        async with Client(ticket) as a:
            is_cached(await a.ask(), "long")
END
	is "$(posts)" 3
}

@test "thirty tickets at once" {
	replay --pace 5 "$UP/good.ndjson"
	export TICKETCHAT_GENERATIONS=4
	server
	clients 30 <<'END'
async def one(ticket):
    async with Client(str(ticket)) as a:
        is_generated(await a.ask())

async def main():
    await asyncio.gather(*(one(i) for i in range(1, 31)))
END
	is "$(posts)" 30
	is "$(sql 'SELECT count(*), count(AiResponse) FROM TicketAISessions')" \
	    '30|30'
}

@test "twenty viewers of one ticket, some of them late" {
	long 30
	replay --pace 30 "$T/long.ndjson"
	server
	clients 20 <<'END'
async def one(i):
    await asyncio.sleep(0.03 * i)
    async with Client("42") as a:
        is_whole(await a.ask(), "long")

async def main():
    await asyncio.gather(*(one(i) for i in range(20)))
END
	is "$(posts)" 1
}

# bats test_tags=fault,fault:26
@test "a flood of input does not freeze the stream" {
	long 60
	replay_part "$T/long.ndjson"
	server
	clients 4 <<'END'
# When all that was sent before has been heard.
async def heard(a):
    pongs = a.pongs
    await a.ws.send('{"type":"ping"}')
    while a.pongs == pongs:
        a.begun.append(await a.read())

async def main():
    # 300 kB of messages, and one of 100 kB, in the middle of an answer.
    async with Client("42") as a:
        await a.begin()
        for i in range(15000):
            await a.ws.send('{"type":"ping"}' if i % 2 else " \r")
        await a.ws.send(" " * 100000)
        rest()
        frames = await a.answer()
        is_generated(frames, "long")
        print(a.pongs, "pongs")
        assert a.pongs > 0
        await asyncio.sleep(0.2)
    # Junk: each line of it is a question that fails, four may wait.
    os.unlink(T + "/go")
    async with Client("43") as a:
        await a.begin()
        for i in range(3000):
            await a.ws.send("}" * 100)
        await heard(a)
        rest()
        is_generated(await a.answer(), "long")
        junk = 0
        try:
            while True:
                f = await asyncio.wait_for(a.read(), 1)
                assert f["code"] == "bad_json", f
                junk += 1
        except asyncio.TimeoutError:
            pass
        assert 1 <= junk <= 4, junk
        a.file.seek(0)
        a.file.truncate()
    async with Client("43") as a:
        is_cached(await a.ask(), "long")
        is_error(await a.ask("}" * 300000), "bad_json")
        is_cached(await a.ask(), "long")
END
	is "$(posts)" 2
	grep -q dropped=question "$TICKETCHAT_LOG"
}

# bats test_tags=fault,fault:27
@test "who does not read for three seconds gets everything, others at once" {
	awk 'BEGIN { for (i = 0; i < 640; i++) s = s "abcde "
	for (i = 0; i < 1600; i++)
		print "{\"response\":\"" i " " s "\",\"done\":false}"
	print "{\"response\":\"\",\"done\":true}" }' >"$T/long.ndjson"
	jq -j .response "$T/long.ndjson" >"$T/kept/long"
	replay --delay 200 "$T/long.ndjson"
	export TICKETCHAT_MAX_ANSWER_BYTES=16777216
	server
	clients 3 <<'END'
import socket

async def main():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    s.connect(("127.0.0.1", int(os.environ["P"])))
    async with Client("42", sock=s, max_queue=1, read_limit=1024) as slow:
        await slow.begin()
        begun = time.monotonic()
        async with Client("42") as quick:
            is_whole(await quick.ask(), "long")
        await asyncio.sleep(3 - (time.monotonic() - begun))
        # It does stand still: only the quick one's is over.
        with open(os.environ["TICKETCHAT_LOG"]) as f:
            assert sum(" outcome=" in line and "prog=chat" in line
                       for line in f) == 1
        is_generated(await slow.answer(), "long")
    async with Client("42") as a:
        is_cached(await a.ask(), "long")
END
	is "$(posts)" 1
}

@test "binary messages" {
	replay "$UP/good.ndjson"
	server
	clients 4 <<'END'
async def main():
    async with Client("42") as a:
        # websocketd 0.4 passes it on without a line end, a later one drops it.
        await a.ws.send(Q.encode())
        try:
            is_error([await asyncio.wait_for(a.read(), 5)], "bad_json")
        except asyncio.TimeoutError:
            raise AssertionError("silence")
        is_generated(await a.ask())
        # Glued to the next one, it spoils that.
        await a.ws.send(b"\xff\x00\xfe")
        is_error(await a.ask(), "bad_json")
        is_cached(await a.ask())
END
}

@test "pretty-printed, empty, with a BOM, in fragments" {
	replay "$UP/good.ndjson"
	server
	clients 6 <<'END'
async def main():
    async with Client("42") as a:
        is_generated(await a.ask(json.dumps({"ticketBody": "a\nb",
            "refresh": False, "x": {"y": [1, "}"]}}, indent="\t")))
        await a.ws.send("")
        await a.ws.send("\n\r\n")
        is_cached(await a.ask("\ufeff" + Q))
        is_cached(await a.ask([Q[:5], Q[5:9], Q[9:]]))
        is_cached(await a.ask(Q + "\r\n"))
        await a.ws.send(Q + "\n" + Q)
        is_cached(await a.answer())
        is_cached(await a.answer())
        await a.silent(0.3)
END
	is "$(sql 'SELECT Prompt FROM TicketAISessions')" $'a\nb'
}

@test "a kept answer of a megabyte comes whole" {
	# Exactly MAX_ANSWER_BYTES, with what JSON escapes and long characters.
	/usr/bin/python3 - "$T" <<'END'
import json, sys
t = sys.argv[1]
piece = 'é"\\\t😀 ' + "x" * 989
text = (piece * 1100).encode()[:1048576 - 2].decode(errors="ignore")
text += "." * (1048576 - len(text.encode()))
open(t + "/kept/long", "w", newline="").write(text)
with open(t + "/long.ndjson", "w") as f:
    for i in range(0, len(text), 3000):
        print(json.dumps({"response": text[i:i + 3000], "done": False}), file=f)
    print('{"response":"","done":true}', file=f)
END
	replay "$T/long.ndjson"
	server
	clients 4 <<'END'
async def main():
    async with Client("42") as a:
        is_generated(await a.ask(), "long")
        for i in range(3):
            is_cached(await a.ask(), "long")
END
}

# bats test_tags=fault,fault:40
@test "the ticket's id in the URL" {
	replay "$UP/good.ndjson"
	server
	clients 32 <<'END'
async def one(path, good):
    async with Client(path) as a:
        frames = await a.ask()
        if good:
            is_whole(frames)
        else:
            is_error(frames, "bad_ticket_id")
            await a.ws.send('{"type":"ping"}')
            assert (await a.read())["type"] in ("pong", "error")

async def main():
    # websocketd decodes, and trims white space at the ends.
    for path in ("42", "42%20", "42%0a", "%34%32", "42?x=43",
                 "9223372036854775807"):
        await one(path, True)
    for path in ("042", "0", "-1", "+42", "1e3", "0x2a", "4%202", "a", "42.",
                 "9223372036854775808", "12345678901234567890", "", "42/",
                 "42/43", "a%2fb", "42%2f", "4%0a2", "42;43", "%ff%fe",
                 "%D9%A4%D9%A2", "42%1b", "%7f42", "4" * 5000):
        try:
            await one(path, False)
        except Exception as e:
            raise AssertionError(path[:40]) from e
    # websocketd sends these elsewhere (301), where this client follows it.
    for path in ("..%2f42", "../42", "%2e%2e/42"):
        await one(path, False)
    try:
        async with Client("42%00") as a:
            print(await a.ask())
    except (websockets.InvalidHandshake, websockets.ConnectionClosed):
        return
    raise AssertionError("%00")
END
	is "$(sql 'SELECT DISTINCT TicketId FROM TicketAISessions ORDER BY 1' |
	    paste -sd ' ')" "42 9223372036854775807"
	is "$(find "$T/run" -name '*.sock')" ''
}

@test "no method and no path tells which files this machine has" {
	server
	touch "$B/there.$$"
	/usr/bin/python3 - "$B/there.$$" "$B/absent.$$" "$ROOT" >"$T/told" <<'END'
import os, socket, sys

def status(method, target, upgrade):
    s = socket.create_connection(("127.0.0.1", int(os.environ["P"])))
    s.settimeout(30)
    request = "%s %s HTTP/1.1\r\nHost: a\r\n" % (method, target)
    if upgrade:
        request += ("Connection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n")
    s.sendall((request + "\r\n").encode())
    answer = s.recv(100)
    s.close()
    return answer.split()[1].decode()

there, absent, root = sys.argv[1:]
below = "/.." * 30
pairs = [("/etc/passwd", "/etc/passwd.absent"), (there, absent),
         ("/bin/sh", "/bin/sh.absent"), (root, root + ".absent"),
         (root + "/build/libexec/chat", root + "/build/libexec/absent"),
         ("/index.html", "/absent.html"),
         ("/handlers/api/websocket/chat", "/handlers/absent")]
ways = [lambda p: below + p, lambda p: below + p + "/42", lambda p: p,
        lambda p: p + "/42", lambda p: "//" + p, lambda p: below[1:] + p,
        lambda p: "/%2e%2e" * 30 + p, lambda p: "/..%2f" * 30 + p[1:],
        lambda p: "/." + p + "/./42", lambda p: below + p.replace("/", "//"),
        lambda p: "/api/websocket/chat/../../../.." + p]
for method in ("CONNECT", "connect", "POST", "HEAD", "OPTIONS", "PUT",
               "DELETE", "TRACE", "GET"):
    for upgrade in (True, False):
        for one, other in pairs:
            for way in ways:
                a, b = (status(method, way(p), upgrade) for p in (one, other))
                if a != b:
                    print(method, way(one), upgrade, a, b)
                if method == "CONNECT" and upgrade and a != "405":
                    print(method, way(one), a)
END
	rm "$B/there.$$"
	is "$(cat "$T/told")" ''
}

@test "a WebSocket at any other path is told so" {
	server
	clients 27 <<'END'
class Anywhere(Client):
    def __init__(self, path):
        super().__init__("")
        self.connecting = websockets.connect(HOST + path, ping_interval=None)

async def main():
    for path in ("/", "", "/foo", "/42", "/chat/42", "/ticket-chat.js",
                 "/index.html", "/favicon.ico", "/api/websocket/chat",
                 "/api/websocket/chat42", "/api/websocket/42",
                 "/x/api/websocket/chat/42", "/API/WEBSOCKET/CHAT/42",
                 "/api/websocket/chat/42/", "/api/websocket/chat/42/43",
                 "/api/websocket/chats/42", "/api%20/websocket/chat/42",
                 "/api/websocket/chat/%2542", "/bin/sh", "/etc/passwd",
                 "/?x=/api/websocket/chat/42", "/api/websocket/chat/?42",
                 "/handlers/api/websocket/chat/42", "/api\\websocket\\chat/42",
                 "/ai/api/websocket/chat/42", "/api/websocket/chat/four"):
        async with Anywhere(path) as a:
            frames = await a.ask()
            is_error(frames, "bad_ticket_id")
            assert "/api/websocket/chat/" in frames[0]["message"]
    # A slash may be written as %2f: websocketd decodes it before us.
    async with Anywhere("/api%2fwebsocket/chat/4x") as a:
        is_error(await a.ask(), "bad_ticket_id")
END
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 0
}

# bats test_tags=fault,fault:21
@test "IDLE_TIMEOUT closes who is silent, and nobody else" {
	long 50
	replay_part "$T/long.ndjson"
	export TICKETCHAT_IDLE_TIMEOUT=2
	server
	clients 1 <<'END'
async def main():
    begun = time.monotonic()
    async with Client("42") as silent:
        await silent.closed(20)
        assert time.monotonic() - begun >= 2
    async with Client("42") as viewer, Client("42") as pinger:
        await viewer.ws.send(Q)
        async def ping():
            for i in range(5):
                await pinger.ws.send('{"type":"ping"}')
                await pinger.read()
                await asyncio.sleep(0.8)
        await ping()
        assert pinger.pongs == 5
        rest()
        is_generated(await viewer.answer(), "long")
        await viewer.closed(20)
END
	within 10 no_chats
}

# bats test_tags=fault,fault:36
@test "MAX_CONNECTIONS: one more is 429, and the others notice nothing" {
	long 40
	replay_part "$T/long.ndjson"
	export TICKETCHAT_MAX_CONNECTIONS=3
	server
	within 10 no_chats	# that of the port's test
	clients 4 <<'END'
async def refused():
    try:
        async with Client("42"):
            raise AssertionError("came in")
    except websockets.InvalidStatusCode as e:
        assert e.status_code == 429, e

async def main():
    async with Client("42") as a, Client("42") as b:
        async with Client("42") as c:
            for x in (a, b, c):
                await x.begin()
            for i in range(10):
                await refused()
        rest()
        # One left: another may come.
        for i in range(400):
            try:
                async with Client("42") as d:
                    is_whole(await d.ask(), "long")
                break
            except websockets.InvalidStatusCode:
                await asyncio.sleep(0.05)
        else:
            raise AssertionError("no place is free")
        for x in (a, b):
            is_generated(await x.answer(), "long")
        is_cached(await a.ask(), "long")
END
	is "$(posts)" 1
}

# As clients, with as many connections as MAX_CONNECTIONS allows that ask for
# much and read nothing; then waits until there are places again.
deaf_clients() {
	clients 1 <<'END'
import socket

async def main():
    async with Client("42") as a:
        await a.ask()
    deaf = []
    # Each in a way of its own: a kept answer or one that is being written, a
    # message that is no JSON, pings; a small window, or what a system gives.
    for i in range(int(os.environ["TICKETCHAT_MAX_CONNECTIONS"]) - 1):
        s = socket.socket()
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", int(os.environ["P"])))
        c = Client("43" if i == 3 else "42", sock=s, max_queue=1,
                   read_limit=1024)
        await c.connecting.__aenter__()
        ws = c.connecting.protocol
        ws.transport.pause_reading()
        ws.transport.set_write_buffer_limits(1 << 30)
        deaf.append(ws)
        said = (Q, Q, "}", Q, '{"type":"ping"}')[i % 5]
        for k in range(8 if said == Q else 60000):
            await ws.send(said)
    # One that is idle, and is to stay.
    async with Client("42") as idle:
        begun = time.monotonic()
        free = 0
        while time.monotonic() < begun + float(os.environ["WAIT"]):
            try:
                async with Client("42"):
                    free = time.monotonic() - begun
                    break
            except websockets.InvalidStatusCode as e:
                assert e.status_code == 429, e
                await asyncio.sleep(0.2)
        print("free after", free)
        with open(T + "/free", "w") as f:
            f.write("%d" % (free > 0))
        await idle.ws.send('{"type":"ping"}')
        assert (await idle.read())["type"] == "pong"
    for ws in deaf:
        ws.transport.abort()
END
}

# bats test_tags=fault,fault:36
@test "clients that never read give their places back" {
	/usr/bin/python3 -c 'import json
for i in range(1000):
    print(json.dumps({"response": "x" * 1000 + " ", "done": False}))
print(json.dumps({"response": "", "done": True}))' >"$T/long.ndjson"
	jq -j .response "$T/long.ndjson" >"$T/kept/long"
	replay "$T/long.ndjson"
	export TICKETCHAT_MAX_CONNECTIONS=7 TICKETCHAT_SEND_TIMEOUT=3
	server
	WAIT=33 deaf_clients
	is "$(cat "$T/free")" 1
	not grep -q forever "$T/server"
	end $SERVER
	within 10 no_chats
	# Neither a trace, nor lines about what clients do.
	not grep -E 'panic serving|already closed|^	' "$T/server"
	# Where the kernel refuses: said once, and it goes on as it did before.
	needs_strace
	HELD="strace -D -o $T/refused -e inject=pidfd_getfd:error=EPERM" server
	within 10 grep -q 'forever (Operation not permitted): put a proxy' \
	    "$T/server"
	clients 1 <<'END'
async def main():
    async with Client("42") as a:
        is_whole(await a.ask(), "long")
END
	is "$(grep -c forever "$T/server")" 1
}

@test "a refused connection: its errors, one line in the log, and the end" {
	replay "$UP/good.ndjson"
	server
	clients 606 <<'END'
async def refused(path, message, code, origin=None):
    begun = time.monotonic()
    async with Client(path, origin=origin) as a:
        for i in range(200):
            is_error(await a.ask(message), code)
        await a.closed(30)
        assert time.monotonic() - begun > 14

async def mended():
    begun = time.monotonic()
    async with Client("43") as a:
        for i in range(5):
            is_error(await a.ask("}"), "bad_json")
        is_generated(await a.ask())
        await a.silent(17)

async def main():
    await asyncio.gather(refused("4x", Q, "bad_ticket_id"),
        refused("42", Q, "forbidden_origin", "https://evil.example"),
        refused("42", '{"ticketBody":1}', "bad_request"), mended())
END
	is "$(grep -c 'code=bad_ticket_id' "$TICKETCHAT_LOG")" 1
	is "$(grep -c 'code=forbidden_origin' "$TICKETCHAT_LOG")" 1
	is "$(grep -c 'code=bad_request' "$TICKETCHAT_LOG")" 1
	within 10 eval '[ "$(grep -c "refused=200$" "$TICKETCHAT_LOG")" = 3 ]'
	is "$(grep -c "refused=5$" "$TICKETCHAT_LOG")" 1
}

# bats test_tags=fault,fault:8
@test "websocketd killed in mid-stream, and started again" {
	long 40
	replay_part "$T/long.ndjson"
	server
	export SERVER
	clients 0 <<'END'
async def main():
    async with Client("1") as a:
        await a.begin()
        os.kill(int(os.environ["SERVER"]), 9)
        try:
            while True:
                assert (await a.read())["type"] == "stream"
        except websockets.ConnectionClosed:
            pass
END
	end $SERVER
	within 10 no_chats
	some_answers
	server
	# The one who comes back sees what runs, from its start.
	clients 1 <<'END'
async def main():
    async with Client("1") as a:
        await a.begin()
        rest()
        is_generated(await a.answer(), "long")
END
	within 10 none_answers
	end $SERVER
	server
	clients 1 <<'END'
async def main():
    async with Client("1") as a:
        is_cached(await a.ask(), "long")
END
	end $SERVER
	is "$(posts)" 1
}

@test "the answer killed in mid-stream: interrupted, and asked again" {
	long 1000
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	server
	(
		within 30 test -e "$T/begun"
		kill -KILL "$(answers)"
	) 3>&- &
	clients 2 <<'END'
async def main():
    async with Client("42") as a:
        await a.begin()
        open(T + "/begun", "w").close()
        frames = await a.answer()
        assert types(frames) == "stream error", frames
        assert frames[-1]["code"] == "interrupted", frames
        is_generated(await a.ask())
END
}

# bats test_tags=fault,fault:39
@test "Origin: in the list or not there" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_ALLOWED_ORIGINS='https://desk.example http://localhost:*'
	server
	clients 11 <<'END'
async def main():
    for origin in (None, "https://desk.example", "http://localhost:3000",
                   "http://localhost"):
        async with Client("42", origin=origin) as a:
            is_whole(await a.ask())
    for origin in ("https://evil.example", "null", "http://desk.example",
                   "https://desk.example.evil.example", "file://",
                   "https://desk.example:8443", "http://localhost.evil:3000"):
        async with Client("42", origin=origin) as a:
            is_error(await a.ask(), "forbidden_origin")
END
	is "$(posts)" 1
}

# bats test_tags=fault,fault:39
@test "headers change no setting" {
	long 30
	replay_part "$T/long.ndjson"
	server
	clients 2 <<'END'
async def main():
    names = ("Proxy", "X-Database", "Database", "TICKETCHAT_DATABASE",
             "Ticketchat-Auth", "DATABASE", "Run-Dir", "Log",
             "Ollama-Server", "OLLAMA_SERVER", "Ollama-Model", "Path-Info",
             "PATH_INFO", "Gateway-Interface", "Auth", "LD_PRELOAD",
             "Max-Ticket-Bytes", "Remote-Addr", "Unique-Id", "Language")
    headers = [(n, "http://127.0.0.1:9/x") for n in names]
    headers += [("X-Shell", "() { :; }; touch %s/kept/pwned" % T),
                ("Authorization", "Bearer secret-token"),
                ("Cookie", "session=secret-cookie")]
    async with Client("42", extra_headers=headers) as a:
        await a.begin()
        # What outlives the connection knows nothing of the request.
        pids = [p for p in os.listdir("/proc") if p.isdigit()]
        seen = 0
        for p in pids:
            try:
                with open("/proc/%s/comm" % p) as f:
                    if f.read().strip() not in ("answer", "answer-http", "answer-postgres"):
                        continue
                with open("/proc/%s/environ" % p) as f:
                    e = f.read()
            except OSError:
                continue
            if "TICKETCHAT_RUN_DIR=" + os.environ["TICKETCHAT_RUN_DIR"] + "\0" not in e:
                continue
            seen += 1
            for secret in ("HTTP_", "secret-", "127.0.0.1:9/x", "REMOTE_"):
                assert secret not in e, e
        assert seen == 1, seen
        rest()
        is_generated(await a.answer(), "long")
        is_cached(await a.ask(), "long")
END
	is "$(posts)" 1
	is "$(sql 'SELECT count(*), count(AiResponse) FROM TicketAISessions')" \
	    '1|1'
	[ ! -e "$T/kept/pwned" ]
	not grep -r 'secret-' "$TICKETCHAT_LOG" "$T/server" "$T/run"
}

@test "a URL's query, a token in it, is in no log" {
	replay "$UP/good.ndjson"
	server
	clients 1 <<'END'
async def main():
    async with Client("42?token=secret-token") as a:
        is_generated(await a.ask())
END
	# websocketd's own log may have it: it tells the URL with each error.
	not grep -r 'secret-' "$TICKETCHAT_LOG" "$T/run"
	test -s "$TICKETCHAT_LOG"
}

@test "stop by one viewer ends it for the other" {
	long 1000
	replay --pace 30 "$T/long.ndjson"
	server
	clients 2 <<'END'
async def main():
    async with Client("42") as a, Client("42") as b:
        for x in (a, b):
            await x.begin()
        await b.ws.send('{"type":"stop"}')
        for x in (a, b):
            assert (await x.answer())[-1]["code"] == "stopped"
END
	within 10 logged '^gone 1'
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
}
