# Several Ollamas: which one is asked, and which one next when it fails.

load helper

STATUS='{"ticketBody":"printer jam","status":true}'

# A server with a log of its own: server NAME [options] FILE sets $NAME to its
# address and $NAME_pid.
server() {
	local name=$1
	shift
	: >"$T/$name.log"
	replay --log "$T/$name.log" "$@"
	declare -g "$name=$OLLAMA_SERVER" "${name}_pid=$REPLAY"
}
asked() { grep -c '^request' "$T/$1.log" || true; }
has_asked() { [ "$(asked "$1")" -ge "$2" ]; }
# One that is not there (any more).
gone() {
	server gone "$UP/good.ndjson"
	end "$gone_pid"
}

# Whom the log says to have been passed over, and why.
passed_over() {
	sed -n 's/.*passed_over="\([^"]*\)" code=\([^ ]*\) .*/\1 \2/p' "$TICKETCHAT_LOG"
}

# What is remembered of a server: `well', or the seconds until it may be asked
# again and the pause in ms.  With more arguments: has these remembered.
health() {
	/usr/bin/python3 - "$TICKETCHAT_RUN_DIR/health" "$@" <<'END'
import re, socket, struct, sys, time
path, server, *more = sys.argv[1:]
key = 0xcbf29ce484222325
# url_key: the address or name, https, the port, the path in front of /api.
host, port, rest = re.match("http://([^/:]+):(\\d+)(.*)",
    re.sub("/api/.*", "", server)).groups()
host = socket.inet_aton(host) if host[0].isdigit() else host.lower().encode()
for c in host + struct.pack(">BH", 0, int(port)) + rest.encode():
    key = (key ^ c) * 0x100000001b3 & 2 ** 64 - 1
now = time.clock_gettime(time.CLOCK_MONOTONIC)
with open(path, "ab"), open(path, "r+b") as f:
    found = {k: (a, p) for k, a, p in struct.iter_unpack("=Qqq", f.read()) if k}
    if more:
        found[key] = int((now + float(more[0])) * 1000000), int(more[1])
        f.seek(0)
        f.write(b"".join(struct.pack("=Qqq", k, *v) for k, v in found.items()))
    elif key in found:
        print(round(found[key][0] / 1000000 - now), found[key][1])
    else:
        print("well")
END
}

halt() {
	chat "$1" <<<'{"type":"stop"}'
	viewed "$1"
	failed_with stopped 2
}

# bats test_tags=fault,fault:50
@test "refused, busy, without the model: the next one is asked" {
	gone
	server busy "$REC/server-busy.response.http"
	server bare "$REC/model-not-found.response.http"
	server good "$UP/good.ndjson"
	OLLAMA_SERVER="$gone $busy $bare $good" ask 1 "$Q"
	generated
	is "$(passed_over)" "$gone upstream_unreachable
$busy upstream_busy
$bare model_missing"
	is "$(asked busy) $(asked bare) $(asked good)" '1 1 1'
	is "$(health "$good")" well
	for s in $gone $busy $bare; do
		is "$(health "$s" | cut -d ' ' -f 2)" 2000
	done
}

@test "what one finds bad is bad for all" {
	server a "$REC/bad-option.response.http"
	server b "$UP/good.ndjson"
	OLLAMA_SERVER="$a $b" ask 1 "$Q"
	failed_with upstream_rejected 2
	is "$(asked a) $(asked b)" '1 0'
	is "$(health "$a")" well
}

# bats test_tags=fault,fault:50
@test "once text was shown, no other one is asked" {
	server a --cut 420 "$UP/good.ndjson"
	server b "$UP/good.ndjson"
	OLLAMA_SERVER="$a $b" ask 1 "$Q"
	failed_with upstream_truncated 2
	[ -n "$(text)" ]
	is "$(asked a) $(asked b)" '1 0'
	is "$(passed_over)" ''
	is "$(health "$a" | cut -d ' ' -f 2)" 2000	# but it is noted
}

@test "all of them fail: the last one is tried once more" {
	server a "$REC/server-busy.response.http"
	server b "$REC/server-busy.response.http"
	OLLAMA_SERVER="$a $b" ask 1 "$Q"
	failed_with upstream_busy 2
	is "$(asked a) $(asked b)" '1 2'
	is "$(health "$a" | cut -d ' ' -f 2)" 2000
	is "$(health "$b" | cut -d ' ' -f 2)" 2000
	# Nobody is well: they are asked all the same.
	health "$a" 50 8000
	health "$b" 50 8000
	OLLAMA_SERVER="$a $b" ask 1 "$Q"
	failed_with upstream_busy 2
	is "$(asked a) $(asked b)" '2 4'
}

@test "who has failed is left alone, for longer each time, then asked again" {
	server a --times 1 --then "$UP/good.ndjson" \
	    "$REC/server-busy.response.http"
	server b "$UP/good.ndjson"
	export OLLAMA_SERVER="$a $b"
	health "$a" 50 8000
	ask 1 "$Q"
	generated
	is "$(cat "$T/a.log")" ''	# not even its /api/ps
	is "$(asked b)" 1
	# Its time has passed, and it fails again.
	health "$a" -1 8000
	ask 2 "$Q"
	generated
	is "$(asked a) $(asked b)" '1 2'
	health "$a" | read -r left pause
	is "$pause" 16000
	[ "$left" -le 16 ]
	# Longer than that it is never left alone.
	health "$a" -1 60000
	: >"$T/a.log"
	end "$a_pid"
	ask 3 "$Q"
	generated
	is "$(health "$a" | cut -d ' ' -f 2)" 60000
	is "$(asked b)" 3
}

# bats test_tags=fault,fault:50
@test "who has recovered is well; so is who failed before a reboot" {
	server a "$UP/good.ndjson"
	server b "$UP/good.ndjson"
	export OLLAMA_SERVER="$a $b"
	health "$a" -1 8000
	ask 1 "$Q"
	generated
	is "$(asked a) $(health "$a")" '1 well'
	health "$a" 3600 8000
	ask 2 "$Q"
	generated
	is "$(asked a) $(asked b)" '2 0'
	# The file may hold anything, or not be there to open.
	head -c 5000 /dev/urandom >"$TICKETCHAT_RUN_DIR/health"
	ask 3 "$Q"
	generated
	rm "$TICKETCHAT_RUN_DIR/health"
	mkdir "$TICKETCHAT_RUN_DIR/health"
	gone
	OLLAMA_SERVER="$gone $a" ask 4 "$Q"
	generated
	rmdir "$TICKETCHAT_RUN_DIR/health"
	is "$(asked a) $(asked b)" '4 0'
}

@test "weights: each has its share from the first question on, and no more" {
	long 30
	server a --stall 420 --until "$T/go" "$T/long.ndjson"
	server b --stall 420 --until "$T/go" "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=2 OLLAMA_SERVER="$b $a weight=3"
	for i in 1 2 3 4 5 6 7 8; do
		viewer $i "$STATUS"
		sees $i w1
		[ $i != 4 ] || is "$(asked a) $(asked b)" '3 1'
	done
	is "$(asked a) $(asked b)" '6 2'
	viewer 9 "$STATUS"
	sees 9 '"queued","position":1'
	is "$(sessions metrics | sed -n 's/^ticketchat_\(generations\|queue\)/\1/p' |
	    sort)" 'generations_max 8
generations_running 8
queue_length 1'
	replay_rest
	for i in 1 2 3 4 5 6 7 8 9; do
		viewed $i
		is "$(text)" "$LONG"
	done
}

@test "a slot is its server's, whatever else is in the list" {
	long 30
	server a --stall 420 --until "$T/go" "$T/long.ndjson"
	server b "$UP/good.ndjson"
	OLLAMA_SERVER="$a $b" viewer 1 "$STATUS"
	sees 1 w1
	OLLAMA_SERVER="${a%/api/*} weight=1" viewer 2 "$STATUS"
	sees 2 '"queued","position":1'
	replay_rest
	for i in 1 2; do
		viewed $i
		is "$(text)" "$LONG"
	done
	is "$(asked a) $(asked b)" '2 0'
}

@test "the next one is full: it is waited for" {
	long 30
	server a "$REC/server-busy.response.http"
	server b --stall 420 --until "$T/go" "$T/long.ndjson"
	export OLLAMA_SERVER="$a $b"
	viewer 1 "$Q"
	sees 1 w1
	rm "$TICKETCHAT_RUN_DIR/health"
	viewer 2 "$STATUS"
	sees 2 '"queued","position":1'
	has_asked a 2
	viewer 3 "$STATUS"
	sees 3 '"queued","position":2'
	halt 3
	is "$(asked b)" 1
	replay_rest
	for i in 1 2; do
		viewed $i
		is "$(text)" "$LONG"
	done
	is "$(asked b)" 2
	TICKETCHAT_QUEUE_MAX=0 ask 4 "$Q"
	is "$(text)" "$LONG"
}

@test "the next one is full, the first one is well again" {
	long 30
	server b --stall 420 --until "$T/go" "$T/long.ndjson"
	server a --times 1 --then "$UP/good.ndjson" \
	    "$REC/server-busy.response.http"
	OLLAMA_SERVER="$b" viewer 1 "$Q"
	sees 1 w1
	OLLAMA_SERVER="$a $b" ask 2 "$Q"
	generated
	is "$(asked a) $(asked b)" '2 1'
	# The wait for a server is the queue's.
	is "$(sql 'SELECT QueuedMs >= 1900 FROM TicketAIGenerations')" 1
	replay_rest
	viewed 1
	is "$(text)" "$LONG"
}

@test "stopped while it waits for the next one" {
	long 30
	server a "$REC/server-busy.response.http"
	server b --stall 420 --until "$T/go" "$T/long.ndjson"
	OLLAMA_SERVER="$b" viewer 1 "$Q"
	sees 1 w1
	OLLAMA_SERVER="$a $b" viewer 2 "$STATUS"
	sees 2 '"queued"'
	halt 2
	OLLAMA_SERVER="$b" viewer 3 "$STATUS"
	sees 3 '"position":1'
	TICKETCHAT_QUEUE_MAX=0 OLLAMA_SERVER="$a $b" ask 4 "$Q"
	failed_with queue_full 2
	replay_rest
	for i in 1 3; do
		viewed $i
		is "$(text)" "$LONG"
	done
	is "$(asked b)" 2
}

@test "who has the model loaded comes first, while there is a slot" {
	long 30
	server a --stall 420 --until "$T/go" "$T/long.ndjson"
	server b --ps "$REC/ps.response.http" --stall 420 --until "$T/go" \
	    "$T/long.ndjson"
	export OLLAMA_SERVER="$a $b"
	viewer 1 "$Q"
	sees 1 w1
	is "$(asked a) $(asked b)" '0 1'
	is "$(sessions metrics | grep '^ticketchat_generations_running')" 'ticketchat_generations_running 1'
	viewer 2 "$Q"
	sees 2 w1
	is "$(asked a) $(asked b)" '1 1'
	replay_rest
	viewed 1
	viewed 2
	is "$(cat "$T"/[ab].log | grep -c 'get /api/ps')" 4
}

@test "no model named: who has any loaded comes first" {
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"models":[]}' \
	    >"$T/ps.http"
	server a --ps "$T/ps.http" "$UP/good.ndjson"
	server b "$UP/good.ndjson"
	OLLAMA_MODEL= OLLAMA_SERVER="$a $b" ask 1 "$Q"
	generated
	is "$(asked a) $(asked b)" '0 1'
}

@test "who knows no /api/ps is asked all the same" {
	server a --ps "$REC/notfound.response.http" "$UP/good.ndjson"
	server b --ps "$REC/root.response.http" "$UP/good.ndjson"
	OLLAMA_SERVER="$a $b" ask 1 "$Q"
	generated
	is "$(asked a) $(asked b) $(health "$a")" '1 0 well'
}

# bats test_tags=fault,fault:50
@test "one that is silent is waited for once, and not for long" {
	: >"$T/port"
	/usr/bin/python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(9)
print(s.getsockname()[1], flush=True)
c = []
while True:
    c.append(s.accept()[0]); print("came", flush=True)' >"$T/port" 3>&- &
	track $!
	within 10 test -s "$T/port"
	silent=http://127.0.0.1:$(head -n 1 "$T/port")
	server good "$UP/good.ndjson"
	export OLLAMA_SERVER="$silent $good"
	ask 1 "$Q"
	generated
	is "$(passed_over)" "$silent upstream_unreachable"
	health "$silent" | read -r left pause
	is "$pause" 2000
	health "$silent" 50 2000
	ask 2 "$Q"
	generated
	is "$(asked good) $(grep -c came "$T/port")" '2 1'
}

@test "one server: nothing is asked before, nothing remembered" {
	server a "$UP/good.ndjson"
	ask 1 "$Q"
	generated
	is "$(head -n 1 "$T/a.log" | cut -d ' ' -f 1)" request
	end "$a_pid"
	ask 2 "$Q"
	failed_with upstream_unreachable 2
	is "$(passed_over)" ''
	[ ! -e "$TICKETCHAT_RUN_DIR/health" ]
}

@test "a filter goes on to the next one, and remembers nothing" {
	gone
	server a "$UP/good.ndjson"
	for i in 1 2; do
		OLLAMA_SERVER="$gone $a" answer <<<x
		generated
		grep -q "passed_over=\"$gone\"" <<<"$err"
	done
	is "$(grep -c get "$T/a.log") $(ls -A "$TICKETCHAT_RUN_DIR")" '0 '
}

@test "a server that has a name is asked as one without" {
	gone
	server a "$UP/good.ndjson"
	OLLAMA_SERVER="$a name=gpu1 weight=2" ask 1 "$Q"
	generated
	OLLAMA_SERVER="$gone weight=2 name=x-1 $a name=gpu_1.b" ask 2 "$Q"
	generated
	is "$(asked a)" 2
}

@test "a name that is none, or another's, is refused at start" {
	for w in 'name=a http://h' 'http://h name=' 'http://h name=a/b' \
	    'http://h name=a name=b' 'http://h name=a http://i name=a' \
	    'http://localhost http://127.0.0.1' 'http://[::1]:1 http://localhost:1'; do
		OLLAMA_SERVER=$w run -102 --separate-stderr chat 1 </dev/null
		grep -qF "OLLAMA_SERVER=$w" <<<"$stderr"
	done
}

@test "a weight that is none is refused at start" {
	for w in 'weight=2 http://h' 'http://h weight=0' 'http://h weight=101' \
	    'http://h weight=1 weight=1' 'http://h http://h/api/chat'; do
		OLLAMA_SERVER=$w run -102 --separate-stderr chat 1 </dev/null
		grep -qF "OLLAMA_SERVER=$w" <<<"$stderr"
	done
}
