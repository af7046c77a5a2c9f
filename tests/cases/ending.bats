# The end of the service: viewers are let go at once, whoever waits is told so,
# and whoever writes may end, for STOP_WAIT seconds.  All through run.sh and the
# real websocketd; viewers in pipes stay connected, and tell what they are told.
load helper

prepare() {
	command -v websocketd >/dev/null || skip "no websocketd"
	export TICKETCHAT_WEB=off TICKETCHAT_STOP_WAIT=60
}

# A viewer through websocketd; $! is its client.
through() {
	client "ws://127.0.0.1:$P/api/websocket/chat/$1" "${2:-$Q}" >"$T/through.$1" \
	    2>"$T/through.$1.err" 3>&- &
	CLIENTS[$1]=$!
	track $!
}
through_sees() { within 20 grep -q "$2" "$T/through.$1"; }
let_go() { wait "${CLIENTS[$1]}" 2>/dev/null || true; }

# The service, with a model that stands still in ticket 1's answer; 1 is viewed
# through websocketd, and as $A in a pipe.
writing() {
	long 25
	replay_part "$@" "$T/long.ndjson"
	service
	through 1
	through_sees 1 w8
	viewer 1 "$Q"
	A=$V
	sees $A w8
}
told() { grep -q "$1" "$T/said"; }
signalled() { kill "-${1:-TERM}" "$SERVICE"; }
no_lookups() { [ -z "$(processes lookup)" ]; }
over() {
	within 30 dead "$SERVICE"
	within 5 no_lookups
}
answered() { is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" "$1"; }
is_cut() {
	viewed $A
	failed_with shutting_down 2
	answered 0
}

@test "told to end: viewers leave at once, the answer ends and is saved" {
	writing
	signalled
	let_go 1
	within 10 not listening "$P"
	has $A w8
	not has $A done
	kill -0 "$SERVICE"
	replay_rest
	viewed $A
	is "$(types)" "stream done"
	is_text "$LONG"
	over
	answered 1
	is "$(posts)" 1
	not told STOP_WAIT
	service
	client "ws://127.0.0.1:$P/api/websocket/chat/1" "$Q" >"$T/again"
	is "$(types "$(<"$T/again")")" "cached done"
	is "$(posts)" 1
}

@test "told to end: whoever waits for a turn gets shutting_down, and goes on later" {
	writing
	viewer 2 '{"ticketBody":"a","status":true}'
	C=$V
	sees $C '"queued","position":1'
	viewer 3 '{"ticketBody":"b","status":true}'
	D=$V
	sees $D '"queued","position":2'
	signalled
	for v in $C $D; do
		viewed $v
		failed_with shutting_down 2
	done
	not has $A error
	replay_rest
	viewed $A
	is_text "$LONG"
	over
	answered 1
	is "$(posts)" 1
}

@test "told to end with nothing to do: it ends" {
	replay "$UP/good.ndjson"
	service
	client "ws://127.0.0.1:$P/api/websocket/chat/1" "$Q" >"$T/through"
	generated "$(<"$T/through")"
	signalled
	over
	is "$(ls -A "$TICKETCHAT_RUN_DIR" | grep -c sock || true)" 0
}
generated() { is "$(types "$1") $(text "$1"; echo .)" "stream done $GOOD."; }

@test "STOP_WAIT over: shutting_down for all, nothing saved, the log says so" {
	export TICKETCHAT_STOP_WAIT=1
	writing
	signalled
	is_cut
	over
	told '1 of 1 answers did not end'
}

@test "STOP_WAIT=0, and a second SIGTERM: at once" {
	export TICKETCHAT_STOP_WAIT=0
	writing
	signalled
	is_cut
	over
	replay_end
	rm -f "$T"/through.*
	TICKETCHAT_STOP_WAIT=60
	writing
	signalled
	within 10 not listening "$P"
	signalled
	is_cut
	over
}

@test "Ctrl-C, a hang-up, SIGQUIT: at once" {
	local s
	for s in INT HUP QUIT; do
		writing
		signalled $s
		is_cut
		over
		replay_end
		rm -f "$T"/through.*
	done
}

# Ctrl-C goes to the whole foreground group, and the answer is in none.
@test "Ctrl-C at a terminal ends all at once" {
	long 25
	replay_part "$T/long.ndjson"
	export P=$(free_port) ROOT T
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 /usr/bin/python3 - 3>&- <<'END' &
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(os.environ["ROOT"] + "/run.sh", ["run.sh"])
path = os.environ["T"] + "/ctrl-c"
while not os.path.exists(path):
    time.sleep(0.02)
os.write(fd, b"\x03")
try:
    while os.read(fd, 1024):
        pass
except OSError:
    pass
print(os.waitpid(pid, 0)[1], file=open(os.environ["T"] + "/terminal", "w"))
END
	track $!
	within 60 listening "$P"
	through 1
	through_sees 1 w8
	viewer 1 "$Q"
	A=$V
	sees $A w8
	: >"$T/ctrl-c"
	is_cut
	within 30 test -s "$T/terminal"
}

@test "websocketd killed: what it has begun ends, and the service with it" {
	writing
	kill -KILL "$(pgrep -P "$SERVICE" -x websocketd)"
	is_cut
	over
}

@test "an answer that hangs, and a websocketd that hangs, hold up nothing for ever" {
	TICKETCHAT_STOP_WAIT=1
	writing
	local p=$(answer_of 1) w=$(pgrep -P "$SERVICE" -x websocketd)
	kill -STOP "$p" "$w"
	signalled
	over
	told '1 of 1 answers'
	kill -CONT "$p"
	is_cut
	dead "$w"
}

@test "a socket that nobody listens at is none" {
	replay "$UP/good.ndjson"
	service
	/usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$TICKETCHAT_RUN_DIR/7.sock"
	signalled
	over
	not told STOP_WAIT
	rm "$TICKETCHAT_RUN_DIR/7.sock"
}

@test "told to end with ON_DISCONNECT=cancel: whoever asks is no viewer" {
	export TICKETCHAT_ON_DISCONNECT=cancel
	long 25
	replay_part "$T/long.ndjson"
	service
	through 1
	through_sees 1 w8
	signalled
	let_go 1
	within 20 none_answers
	over
	answered 0
	within 10 logged '^gone 1'
}

@test "as process 1: the answer ends, and is saved" {
	needs_root
	unshare -pf --mount-proc true 2>/dev/null || skip "no namespaces here"
	long 25
	replay_part "$T/long.ndjson"
	P=$(free_port)
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 unshare -pf --mount-proc \
	    "$ROOT/run.sh" >"$T/said" 2>&1 3>&- &
	local u=$!
	track $u
	within 60 listening "$P"
	SERVICE=$(pgrep -P $u)
	through 1
	through_sees 1 w8
	signalled
	let_go 1
	within 10 not listening "$P"
	kill -0 "$SERVICE"
	replay_rest
	over
	answered 1
	is "$(posts)" 1
}
