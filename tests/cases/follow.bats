# Several viewers of a ticket, several tickets, and what dies meanwhile.
load helper

REFRESH='{"ticketBody":"printer jam","refresh":true}'
STATUS='{"ticketBody":"printer jam","status":true}'

# How long at most what has been killed keeps its slot and its ticket: 15 s on
# a server.
LEASE=10
[ "$STORE" = sqlite ] || LEASE=60

# Fills the backlog of a ticket's socket.
fill_backlog() {
	(ulimit -n 8192; exec /usr/bin/python3 -c '
import socket, sys, time
s = []
try:
    while True:
        c = socket.socket(socket.AF_UNIX); c.setblocking(False)
        c.connect(sys.argv[1]); s.append(c)
except BlockingIOError:
    print(len(s), flush=True)
time.sleep(60)' "$TICKETCHAT_RUN_DIR/$1.sock") >"$T/full" 2>&1 3>&- &
	track $!
	within 10 test -s "$T/full"
}

# It takes its time: the last test looks what has become of it.
setup_file() {
	store_begin
	(
		BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
		setup
		long 1000
		replay --pace 100 "$T/long.ndjson"
		viewer 42 "$Q"
		sees $V w1
		kill -STOP "$(answers)"
		fill_backlog 42
		echo "${PIDS[@]}" "$(answers)" >"$T/pids"
		(
			rc=0
			printf '%s\n' "$Q" | chat 42 >"$T/late" 2>"$T/late.err" ||
			    rc=$?
			echo "$rc $SECONDS" >"$T/late.rc"
		) &
	) </dev/null >"$BATS_FILE_TMPDIR/out" 2>&1 3>&-
}

teardown_file() {
	local p
	for p in $(cat "$BATS_FILE_TMPDIR/pids"); do
		! TICKETCHAT_RUN_DIR=$BATS_FILE_TMPDIR/run ours "$p" || kill -KILL "$p" || true
	done
	store_end
}

# All frames of these viewers are the same bytes.
alike() {
	local v
	for v; do cmp "$T/frames.$1" "$T/frames.$v"; done
}

@test "twenty viewers: one request, the same bytes for all" {
	long 25
	replay_part "$T/long.ndjson"
	all=()
	for i in {1..20}; do viewer 42 "$Q"; all+=($V); done
	for v in "${all[@]}"; do sees $v w8; done
	replay_rest
	for v in "${all[@]}"; do viewed $v; is "$status" 0; done
	alike "${all[@]}"
	is_text "$LONG"
	is "$(posts)" 1
	ask 42 "$Q"
	kept "$LONG"
}

# bats test_tags=fault,fault:7
@test "fifty viewers at the same moment" {
	replay --delay 300 "$UP/good.ndjson"
	mkfifo "$T/go"
	exec 7<>"$T/go"
	for i in {1..50}; do
		(
			read -r _ <&7
			chat 42 <<<"$Q" >"$T/out.$i" 2>/dev/null 7>&-
		) 3>&- &
		all[i]=$!
	done
	printf '\n%.0s' {1..50} >&7
	wait "${all[@]}"
	exec 7>&-
	for i in {1..50}; do
		check "$T/out.$i" 1
		cp "$T/out.$i" "$T/different.$(md5sum <"$T/out.$i")"
	done
	for f in "$T"/different.*; do
		frames=$(<"$f")
		[ "$(types)" = "cached done" ] || generated
	done
	is "$(posts)" 1
}

@test "who comes late gets it from its first character" {
	long 25
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	a=$V
	sees $a w8
	viewer 42 '{"ticketBody":"another text"}'
	sees $V w8
	replay_rest
	viewed $a
	viewed $V
	is_text "$LONG"
	is "$(posts)" 1
}

# bats test_tags=fault,fault:3
@test "all leave: the answer is finished and kept" {
	long 20
	replay_part "$T/long.ndjson"
	tab 42
	a=$V
	say $a "$Q"
	sees $a w2
	tab 42
	say $V "$Q"
	sees $V w2
	leave $a
	leave $V
	replay_rest
	within 10 none_answers
	ask 42 "$Q"
	kept "$LONG"
	is "$(posts)" 1
}

@test "ON_DISCONNECT=cancel: the last one's leaving ends it" {
	long 1000
	replay --pace 30 "$T/long.ndjson"
	export TICKETCHAT_ON_DISCONNECT=cancel
	tab 42
	a=$V
	say $a "$Q"
	sees $a w2
	tab 42
	say $V "$Q"
	sees $V w2
	leave $a
	sees $V w20
	leave $V
	within 10 logged '^gone 1'
	within 10 none_answers
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
}

@test "stop by one ends it for all" {
	long 1000
	replay --pace 30 "$T/long.ndjson"
	all=()
	for i in {1..5}; do viewer 42 "$Q"; all+=($V); done
	for v in "${all[@]}"; do sees $v w1; done
	talker 42
	say $V "$Q"
	sees $V w1
	say $V '{"type":"stop"}'
	for v in "${all[@]}" $V; do
		viewed $v
		failed_with stopped 2
	done
	within 10 logged '^gone 1'
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
}

# bats test_tags=fault,fault:1,fault:44
@test "answer killed in mid-stream: interrupted, and the next one asks anew" {
	long 1000
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	talker 42	# it has started the answer, and stays
	a=$V
	say $a "$Q"
	sees $a w1
	viewer 42 '{"ticketBody":"printer jam","lang":"en"}'
	sees $V w2
	kill -KILL "$(answers)"
	sees $a '"code":"interrupted"'
	viewed $V
	failed_with interrupted 2
	is "$(jq -c 'select(.type == "error").retryable' <<<"$frames")" true
	test -S "$TICKETCHAT_RUN_DIR/42.sock"
	ask 42 "$Q"
	generated
	say $a "$Q"
	sees $a cached
	viewed $a
	is "$(types)" 'stream error cached done'
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
}

# bats test_tags=fault,fault:9
@test "SIGTERM and SIGINT for answer: shutting_down for all, Ollama is left" {
	long 1000
	replay --times 3 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	n=0
	for s in TERM INT; do
		viewer 42 "$Q"
		a=$V
		viewer 42 "$Q"
		sees $a w2
		sees $V w2
		kill -$s "$(answers)"
		viewed $a
		failed_with shutting_down 2
		viewed $V
		failed_with shutting_down 2
		within 10 logged "^gone $((++n))"
		is "$(compgen -G "$TICKETCHAT_RUN_DIR/*.sock")" ''
	done
	# One that waits as well; it holds up nobody.
	viewer 43 "$Q"
	a=$V
	sees $a w1
	viewer 44 "$Q"
	within 10 some_answers 2
	kill -TERM "$(answer_of 44)"
	viewed $V
	failed_with shutting_down 2
	kill -TERM "$(answer_of 43)"
	viewed $a
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
	ask 42 "$Q"
	generated
	is "$(posts)" 4
}

# bats test_tags=fault,fault:2
@test "the first viewer killed: the others and the answer go on" {
	long 20
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	a=$V
	sees $a w1
	viewer 42 "$Q"
	sees $V w1
	kill -KILL "${VIEWERS[a]}"
	replay_rest
	viewed $V
	is_text "$LONG"
	ask 42 "$Q"
	kept "$LONG"
}

# bats test_tags=fault,fault:4
@test "answer killed between its commit and its end: the whole text, as kept" {
	needs_strace
	long 20
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	viewer 42 "$Q"
	sees 1 w1
	sees 2 w1
	tamper "$(answers)" unlink:signal=SIGKILL
	replay_rest
	for v in 1 2; do
		viewed $v
		is "$status $(types)" '0 stream cached done'
		is_text "$LONG"
		is "$(jq -j 'select(.type == "cached").response' <<<"$frames"
		    echo .)" "$LONG."
	done
	is "$(sql 'SELECT count(*), count(AiResponse) FROM TicketAISessions')" \
	    '1|1'
	# Its socket stays; who asks does not look at it.
	ask 42 "$Q"
	kept "$LONG"
	is "$(posts)" 1
	rm "$TICKETCHAT_RUN_DIR/42.sock"
}

# A viewer's frames where `long' was killed and the good answer came next.
unmixed() {
	case $(types) in
	"stream done") is_text "$GOOD" ;;
	"cached done") kept ;;
	"stream cached done")
		[[ $LONG = "$(text)"* ]]
		is "$(jq -j 'select(.type == "cached").response' <<<"$frames"
		    echo .)" "$GOOD."
		;;
	*)
		failed_with interrupted 2
		[[ $LONG = "$(text)"* ]]
		;;
	esac
}

# bats test_tags=fault,fault:6
@test "one generation dies, another begins: nobody sees parts of both" {
	long 1000
	# One that sleeps through it all has seen another text than was kept.
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w2
	kill -STOP "${VIEWERS[V]}"
	kill -KILL "$(answers)"
	ask 42 "$Q"
	generated
	kill -CONT "${VIEWERS[V]}"
	viewed $V
	is "$(types) $status" 'stream cached done 0'
	unmixed
	# And those who come all the while.
	for t in 1 2 3; do
		replay_end
		replay --times 1 --then "$UP/good.ndjson" --pace 30 \
		    "$T/long.ndjson"
		: >"$T/replay.log"
		viewer $t "$Q"
		sees $V w1
		all=($V)
		p=$(answers)
		for i in {1..10}; do
			viewer $t "$Q"
			all+=($V)
			[ $i != 5 ] || kill -KILL "$p"
		done
		for v in "${all[@]}"; do
			viewed $v
			unmixed
		done
		ask $t "$Q"
		kept
		is "$(posts)" 2
		is "$(sql "SELECT count(*) FROM TicketAISessions
		    WHERE TicketId = $t")" 1
	done
}

# bats test_tags=fault,fault:35
@test "two hundred followers: the same bytes for each" {
	long 60
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w1
	/usr/bin/python3 -I -S -c '
import socket, sys
all = [socket.socket(socket.AF_UNIX) for i in range(200)]
for s in all: s.connect(sys.argv[1])
print("connected", flush=True)
for s in all:
    with s.makefile("rb") as f: lines = f.read().splitlines(True)
    sys.stdout.buffer.write(b"".join(l for l in lines
        if not l.startswith((b"{\"type\":\"session", b"{\"type\":\"status",
            b"{\"type\":\"cost"))) + b"\0")' \
	    "$TICKETCHAT_RUN_DIR/42.sock" >"$T/followers" 3>&- &
	track $!
	within 10 grep -q connected "$T/followers"
	replay_rest
	viewed $V
	is_text "$LONG"
	wait "${PIDS[-1]}"
	sed -i 1d "$T/followers"
	is "$(sort -zu "$T/followers" | tr -d '\0')" "$frames"
	is "$(tr -cd '\0' <"$T/followers" | wc -c)" 200
	is "$(posts)" 1
}

# bats test_tags=fault,fault:43
@test "no descriptors to accept with: who comes waits, and gets all of it" {
	needs_strace
	long 1000
	replay --pace 30 "$T/long.ndjson"
	viewer 42 "$Q"
	sees 1 w1
	tamper "$(answers)" accept4:error=EMFILE
	s=$!
	viewer 42 "$Q"
	within 10 connected "${VIEWERS[2]}"
	within 10 eval '[ "$(grep -c accept4 "$T/tampered")" -gt 1 ]'
	is "$(so_far 2)" ''
	end $s
	sees 2 w1
	# It has tried now and then, ten times a second, and not for ever.
	[ "$(grep -c accept4 "$T/tampered")" -lt 300 ]
	chat 42 <<<'{"type":"stop"}'
	for v in 1 2; do
		viewed $v
		failed_with stopped 2
		[[ $LONG = "$(text)"* ]]
	done
}

# bats test_tags=fault,fault:45
@test "in the backlog at the very end: all of it, or the kept answer" {
	needs_strace
	needs_sqlite "it stands still in its own fdatasync"
	long 15
	replay_part "$T/long.ndjson"
	for t in 1 2; do
		rm -f "$T/go"
		viewer $t "$Q"
		a=$V
		sees $a w1
		p=$(answers)
		# It stands still in its commit: nobody is let in any more.
		if [ $t = 1 ]; then
			tamper "$p" fdatasync:signal=SIGSTOP:when=1
		else
			tamper "$p" fdatasync:signal=SIGSTOP:when=1 \
			    accept4:error=EMFILE
		fi
		replay_rest
		within 10 stopped "$T/tampered"
		viewer $t "$Q"
		within 10 connected "${VIEWERS[V]}"
		kill -CONT "$p"
		viewed $a
		is_text "$LONG"
		viewed $V
		is "$status" 0
		if [ $t = 1 ]; then
			is "$(types)" 'stream done'
			is_text "$LONG"
		else
			kept "$LONG"
		fi
	done
	is "$(posts)" 2
}

# A chat that stands still from a system call on; sets s and p, its strace's
# and its own pid: held TICKET, and what strace is told
held() {
	local t=$1
	shift
	: >"$T/trace"
	PATH_INFO=/$t strace -o "$T/trace" "$@" "$B/bin/chat" -c "$T/conf" \
	    <<<"$Q" >"$T/held" 2>"$T/held.err" 3>&- &
	s=$!
	track $s
	within 10 stopped "$T/trace"
	p=$(chats)
}

# bats test_tags=fault,fault:7
@test "who has looked, and comes to the claim when another has been there" {
	needs_strace
	long 30
	replay_part "$T/long.ndjson"
	for t in 1 2; do
		held $t -P "$TICKETCHAT_RUN_DIR/claims" -e inject=openat:signal=SIGSTOP:when=1
		viewer $t "$Q"
		if [ $t = 1 ]; then sees $V w1; else viewed $V; fi
		kill -CONT "$p"
		[ $t = 2 ] || within 10 grep -q w1 "$T/held"
		replay_rest
		wait $s
		check "$T/held" 1
		frames=$(<"$T/held")
		if [ $t = 1 ]; then
			is_text "$LONG"
			viewed $V
		else
			kept "$LONG"
		fi
		is "$(posts)" $t
	done
}

# bats test_tags=fault,fault:46
@test "who holds the claim stands still, or dies: one generation all the same" {
	needs_strace
	replay "$UP/good.ndjson"
	for t in 1 2; do
		held $t -e inject=bind:signal=SIGSTOP:when=1
		viewer $t "$Q"
		sleep 0.5
		none_answers
		is "$(so_far $V)" ''
		if [ $t = 1 ]; then kill -CONT "$p"; else kill -KILL "$p"; fi
		viewed $V
		[ "$t$(types)" = "1cached done" ] || generated
		wait $s || [ $t = 2 ]
		is "$(grep -c '"done"' "$T/held" || true)" $((2 - t))
		is "$(posts)" $t
		is "$(sql "SELECT count(*), count(AiResponse)
		    FROM TicketAISessions WHERE TicketId = $t")" '1|1'
	done
}

# bats test_tags=fault,fault:47
@test "a socket at which a stranger listens is not followed" {
	needs_root
	replay "$UP/good.ndjson"
	/usr/bin/python3 -I -S -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.seteuid(65534)
s.listen(9)
while True:
    c = s.accept()[0]
    c.send(b"{\"type\":\"stream\",\"content\":\"lies\"}\n{\"type\":\"done\"}\n")' \
	    "$TICKETCHAT_RUN_DIR/42.sock" 3>&- &
	track $!
	within 10 test -S "$TICKETCHAT_RUN_DIR/42.sock"
	ask 42 "$Q"
	failed_with internal 111
	not grep -q lies <<<"$frames"
	end $!
	ask 42 "$Q"
	generated
	is "$(posts)" 1
}

# bats test_tags=fault,fault:41
@test "what stands in the socket's place" {
	replay "$UP/good.ndjson"
	/usr/bin/python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$TICKETCHAT_RUN_DIR/1.sock"
	echo something >"$TICKETCHAT_RUN_DIR/2.sock"
	ln -s /nowhere "$TICKETCHAT_RUN_DIR/3.sock"
	ln -s "$T/conf" "$TICKETCHAT_RUN_DIR/4.sock"
	mkfifo "$TICKETCHAT_RUN_DIR/5.sock"
	for i in 1 2 3 4 5; do
		ask $i "$Q"
		generated
	done
	test -f "$T/conf"
	mkdir "$TICKETCHAT_RUN_DIR/6.sock"
	ask 6 "$Q" "$Q"
	failed_with "$(printf '%s\n' internal internal)" 111
	ask 7 "$Q"
	generated
	rmdir "$TICKETCHAT_RUN_DIR/6.sock"
	ask 6 "$Q"
	generated
}

# Ends a ticket's generation, so that nothing here depends on how long it is.
halt() {
	chat "$1" <<<'{"type":"stop"}'
	viewed "$1"
	failed_with stopped 2
}

@test "one at a time: first come, first served, and positions tell" {
	long 1000
	replay --pace 30 "$T/long.ndjson"
	for i in 1 2 3; do
		viewer $i "$STATUS"
		within 10 some_answers $i
		[ $i = 1 ] || sees $i '"queued"'
	done
	sees 1 w1
	is "$(states "$(so_far 2)")" queued1
	is "$(states "$(so_far 3)")" queued2
	halt 1
	not grep -q queued <<<"$frames"
	sees 2 w1
	sees 3 '"position":1'
	not has 3 w1
	is "$(posts)" 2
	halt 2
	is "$(states)" 'queued1 generating'
	news_only
	sees 3 w1
	halt 3
	is "$(states)" 'queued2 queued1 generating'
	news_only
	is "$(statuses | head -2 | paste -sd ' ')" 'queued2/1 queued1/1'
}

# A tab of the one who comes from an address asks for a ticket and its status.
asks() {
	REMOTE_ADDR=$2 tab "$1"
	say $V "$STATUS"
}
# The position that a viewer was told last, and whether it is this one.
position() { jq -r 'select(.type == "status") | .position // 0' "$T/frames.$1" | tail -n 1; }
in_place() { [ "$(position "$1")" = "$2" ]; }
waits_at() { within 10 in_place "$1" "$2" || is "$(position "$1")" "$2"; }
# Ends the generation of a ticket that a tab of the same number follows.
ends() {
	chat "$1" <<<'{"type":"stop"}'
	sees "$1" '"code":"stopped"'
}

# bats test_tags=fault,fault:12
@test "turns go by user: whoever comes behind ten of another one's is the second" {
	needs_sqlite "its queue is the machine's"
	long 1000
	replay --times 4 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	asks 1 10.0.0.3
	sees 1 w1
	for i in {2..11}; do
		asks $i 10.0.0.1
		waits_at $i $((i - 1))
	done
	asks 12 10.0.0.2
	waits_at 12 2
	waits_at 2 1
	for i in {3..11}; do waits_at $i $i; done
	# Whoever waits is killed: the others move up, of the same user or not.
	kill -KILL "$(answer_of 3)"
	sees 3 interrupted
	waits_at 4 3
	waits_at 11 10
	waits_at 12 2
	ends 1
	sees 2 w1
	waits_at 12 1
	waits_at 4 2
	# That the first one has ended does not give its user a turn again.
	kill -KILL "$(answer_of 2)"
	sees 12 w1
	not has 4 w1
	# A third one is behind whose turn it is, and before the rest.
	waits_at 4 1
	asks 13 10.0.0.3
	waits_at 13 2
	waits_at 5 3
	ends 12
	sees 4 w1
	waits_at 13 1
	ends 4
	# Nobody waits for ever.
	for i in 13 {5..11}; do sees $i '"type":"done"' 20; done
	is "$(posts)" 12
	rm "$TICKETCHAT_RUN_DIR/2.sock" "$TICKETCHAT_RUN_DIR/3.sock"
}

# bats test_tags=fault,fault:12
@test "turns go by user: eight at once of one, and the other one's first is next" {
	needs_sqlite "its queue is the machine's"
	long 1000
	replay --times 3 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=2
	for i in {1..8}; do asks $i 10.0.0.1; done
	within 10 some_answers 8
	within 10 posted 2
	# Two of its own run already: the other one's has none before it.
	asks 9 2001:db8::1
	waits_at 9 1
	asks 10 2001:db8::2
	waits_at 10 2
	asks 11 2001:db9::1
	for i in {1..8}; do not has $i '"type":"done"'; done
	for i in {1..8}; do
		if has $i w1; then ends $i; break; fi
	done
	sees 9 w1
	ends 9
	# The same network is the same user.
	sees 11 '"type":"done"'
	sees 10 '"type":"done"'
	for v in {1..8}; do
		if [ $v != $i ] && has $v w1; then ends $v; break; fi
	done
	for j in {1..8}; do
		[ $j = $i ] || [ $j = $v ] || sees $j '"type":"done"' 20
	done
}

# bats test_tags=fault,fault:12
@test "those that nobody watches let those go first that somebody watches" {
	needs_sqlite "its queue is the machine's"
	long 1000
	replay --times 4 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	asks 1 10.0.0.3
	sees 1 w1
	for i in 2 3 4 5; do asks $i 10.0.0.1; waits_at $i $((i - 1)); done
	asks 6 10.0.0.2
	waits_at 6 2
	asks 7 10.0.0.2
	waits_at 7 4
	asks 8 10.0.0.2
	waits_at 8 6
	for i in 2 3 4 5; do leave $i; done
	waits_at 6 1
	waits_at 7 2
	waits_at 8 3
	# One has a viewer again, and it is where it was.
	asks 3 10.0.0.9
	waits_at $V 2
	waits_at 7 3
	leave $V
	waits_at 7 2
	kill -KILL "$(answer_of 4)"
	for i in 1 6 7; do
		ends $i
		sees $((i == 1 ? 6 : i + 1)) w1
	done
	is "$(posts)" 4
	some_answers 4
	ends 8
	# They are not forgotten.
	within 20 none_answers
	is "$(posts)" 7
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions
	    WHERE TicketId IN (2, 3, 5)')" 3
	rm "$TICKETCHAT_RUN_DIR/4.sock"
}

# bats test_tags=fault,fault:12
@test "whose turn it is shows in no list of processes or locks" {
	needs_sqlite "its queue is the machine's"
	long 1000
	replay --pace 30 "$T/long.ndjson"
	head -c 32 /dev/zero | tr '\0' k >"$T/secret"
	chmod 600 "$T/secret"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/secret
	for i in 1 2 3; do
		u=ana
		[ $i != 3 ] || u=bob
		REMOTE_ADDR=10.0.0.1 tab $i
		say $V "$(jq -cn --arg t "$(sessions token --ticket $i --user $u \
		    "$T/secret")" '{ticketBody: "x", status: true, token: $t}')"
		if [ $i = 1 ]; then sees 1 w1; else sees $i queued; fi
	done
	# The same address, and two users.
	waits_at 3 1
	waits_at 2 2
	for p in $(answers); do
		is "$(tr '\0' '\n' <"/proc/$p/environ" |
		    grep -c '^QUEUE_USER=[0-9a-f]\{32\}$')" 1
		not grep -qaE 'ana|bob|10\.0\.0\.1' "/proc/$p/environ"
		not grep -qaE 'ana|bob|10\.0\.0\.1|QUEUE' "/proc/$p/cmdline"
		u=$(tr '\0' '\n' <"/proc/$p/environ" | sed -n 's/^QUEUE_USER=//p')
		not grep -qaF "$u" "/proc/$p/cmdline"
	done
	is "$(for p in $(answers); do
		tr '\0' '\n' <"/proc/$p/environ" | grep '^QUEUE_USER='
	done | sort -u | wc -l)" 2
	unset TICKETCHAT_AUTH
	for i in 1 3 2; do sees $i w1; ends $i; done
}

@test "GENERATIONS=2: two at a time" {
	long 1000
	replay --times 2 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=2
	for i in 1 2 3; do
		viewer $i "$STATUS"
		within 10 some_answers $i
	done
	sees 1 w1
	sees 2 w1
	sees 3 '"state":"queued","position":1'
	is "$(posts)" 2
	sleep 0.2
	halt 1
	viewed 3
	is_text "$GOOD"
	is "$(sql 'SELECT count(*) FROM TicketAIGenerations
	    WHERE QueuedMs >= 200')" 1
	halt 2
}

@test "QUEUE_MAX: one more is queue_full, and may come again" {
	long 1000
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	export TICKETCHAT_QUEUE_MAX=1
	viewer 1 "$Q"
	sees 1 w1
	viewer 2 "$STATUS"
	sees 2 queued
	ask 3 "$Q"
	failed_with queue_full 2
	is "$(last | jq -c '[.retryable, .retryAfter]')" '[true,30]'
	# Who follows needs no place.
	viewer 2 "$Q"
	not sees $V queue_full 0
	halt 1
	viewed 2
	is_text "$GOOD"
	viewed $V
	is_text "$GOOD"
	ask 3 "$Q"
	generated
	is "$(posts)" 3
}

@test "QUEUE_MAX=0: nobody waits" {
	long 1000
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	export TICKETCHAT_QUEUE_MAX=0
	viewer 1 "$Q"
	sees 1 w1
	ask 2 "$Q"
	failed_with queue_full 2
	halt 1
	ask 2 "$Q"
	generated
}

@test "one who waits is killed, another stopped: the next ones move up" {
	long 1000
	replay --pace 30 "$T/long.ndjson"
	for i in 1 2 3 4; do
		viewer $i "$STATUS"
		within 10 some_answers $i
		[ $i = 1 ] || sees $i '"queued"'
	done
	has 4 '"position":3'
	kill -KILL "$(answer_of 2)"
	viewed 2
	failed_with interrupted 2
	sees 4 '"position":2'
	halt 3
	sees 4 '"position":1'
	halt 1
	sees 4 w1
	halt 4
	is "$(states)" 'queued3 queued2 queued1 generating'
	is "$(posts)" 2
	rm "$TICKETCHAT_RUN_DIR/2.sock"
}

@test "the one that generates is killed: the next one's turn comes at once" {
	long 1000
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	viewer 1 "$Q"
	sees 1 w1
	viewer 2 "$Q"
	within 10 some_answers 2
	kill -KILL "$(answer_of 1)"
	viewed 1
	failed_with interrupted 2
	viewed 2
	generated
	ask 1 "$Q"
	generated
}

# Half a megabyte in pieces of 500 bytes.
heavy() {
	awk 'BEGIN { for (i = 0; i < 100; i++) s = s "abcd "
	for (i = 0; i < 1000; i++)
		print "{\"response\":\"" s "\",\"done\":false}"
	print "{\"response\":\"\",\"done\":true}" }' >"$T/long.ndjson"
	jq -j .response "$T/long.ndjson" >"$T/kept/long"
	LONG=$(<"$T/kept/long")
}

# bats test_tags=fault,fault:27
@test "a viewer that stands still delays nobody and gets everything later" {
	heavy
	replay_part --stall 4000 "$T/long.ndjson"
	viewer 42 "$Q"
	sees 1 abcd
	kill -STOP "${VIEWERS[1]}"
	viewer 42 "$Q"
	sees 2 abcd
	replay_rest
	viewed 2
	is_text "$LONG"
	not has 1 '"done"'
	ask 42 "$Q"
	kept "$LONG"
	kill -CONT "${VIEWERS[1]}"
	viewed 1
	is "$(types)" "stream done"
	is_text "$LONG"
}

# bats test_tags=fault,fault:27
@test "over SEND_TIMEOUT it gets the kept answer, whole" {
	heavy
	replay_part --stall 4000 "$T/long.ndjson"
	export TICKETCHAT_SEND_TIMEOUT=1
	viewer 42 "$Q"
	sees 1 abcd
	kill -STOP "${VIEWERS[1]}"
	replay_rest
	within 10 none_answers
	kill -CONT "${VIEWERS[1]}"
	viewed 1
	is "$(types)" "stream cached done"
	is "$(jq -j 'select(.type == "cached").response' <<<"$frames"; echo .)" \
	    "$LONG."
}

# bats test_tags=fault,fault:27
@test "a client that does not read is given up, the answer is not" {
	heavy
	replay --pace 1 "$T/long.ndjson"
	mkfifo "$T/out"
	exec 7<>"$T/out"	# open, and nobody reads
	mkfifo "$T/in"
	exec 8<>"$T/in"
	TICKETCHAT_SEND_TIMEOUT=1 GATEWAY_INTERFACE=x chat 42 <"$T/in" >"$T/out" 2>/dev/null \
	    3>&- 7>&- 8>&- &
	track $!
	echo "$Q" >&8
	within 10 dead $!
	status=0
	wait $! || status=$?
	is $status 1
	exec 7>&- 8>&-
	within 10 none_answers
	ask 42 "$Q"
	kept "$LONG"
}

# bats test_tags=fault,fault:33
@test "a ticket deleted while its answer is written: nothing is kept" {
	long 15
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees 1 w2
	run -0 sessions delete 42
	replay_rest
	viewed 1
	failed_with unknown_ticket 1
	is "$(sql 'SELECT count(*) FROM Tickets, TicketAISessions')" 0
	# Deleted and made again: the old answer is not the new one's.
	rm "$T/go"
	viewer 42 "$Q"
	sees 2 w2
	run -0 sessions delete 42
	sql 'INSERT INTO Tickets (Id) VALUES (42);
	    INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (42, '\''new'\'')'
	replay_rest
	viewed 2
	failed_with unknown_ticket 1
	is "$(sql 'SELECT Prompt FROM TicketAISessions
	    WHERE AiResponse IS NULL')" new
}

@test "over a generation's shoulder, with socat" {
	long 15
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees 1 w1
	is "$(stat -c '%a %F' "$TICKETCHAT_RUN_DIR/42.sock" "$TICKETCHAT_RUN_DIR" | paste -sd ' ')" \
	    "700 socket 700 directory"
	mkfifo "$T/open"
	exec 7<>"$T/open"
	socat - "UNIX-CONNECT:$TICKETCHAT_RUN_DIR/42.sock" <&7 >"$T/over" 3>&- &
	track $!
	# Who closes his side has left, and disturbs nobody.
	socat - "UNIX-CONNECT:$TICKETCHAT_RUN_DIR/42.sock" </dev/null >/dev/null
	printf 'nonsense\n%0500d\nstop it\nstopx\n' 0 |
	    socat - "UNIX-CONNECT:$TICKETCHAT_RUN_DIR/42.sock" >/dev/null
	within 10 grep -q w8 "$T/over"
	replay_rest
	viewed 1
	is_text "$LONG"
	within 10 grep -q '"done"' "$T/over"
	is "$(head -n 1 "$T/over" | jq -r .type)" session
	is "$(sed 1d "$T/over" | grep -v '"status"\|"cost"')" "$frames"
	is "$(tail -n 2 "$T/over" | jq -r .type | paste -sd ' ')" "cost done"
	rm "$T/go"
	viewer 43 "$Q"
	sees $V w1
	echo stop | socat - "UNIX-CONNECT:$TICKETCHAT_RUN_DIR/43.sock" >/dev/null
	viewed $V
	failed_with stopped 2
}

# A running answer outlives an upgrade: chat may meet an older one, or a newer.
@test "what a generation says to chat alone, or does not, is no frame" {
	for cost in '' '{"type":"cost","tokens":7}'; do
		/usr/bin/python3 -I -S -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c = s.accept()[0]
os.unlink(sys.argv[1])
c.sendall(b"\n".join(a.encode() for a in sys.argv[2:] if a != "") + b"\n")
c.recv(1)' "$TICKETCHAT_RUN_DIR/42.sock" '{"type":"session","session":1,"pid":1}' \
		    '{"type":"novelty","content":"x"}' \
		    '{"type":"stream","content":"a"}' "$cost" \
		    '{"type":"done"}' 3>&- &
		track $!
		within 10 test -S "$TICKETCHAT_RUN_DIR/42.sock"
		ask 42 "$Q"
		is "$frames" '{"type":"stream","content":"a"}
{"type":"done"}'
		costs=${cost//[^0-9]/}
		grep -q " outcome=generated code=- bytes=48 tokens=${costs:-0} " \
		    <<<"$err"
	done
}

# A generation that answers one text while another one is asked.
@test "the answer to another text says so to whoever sent that" {
	long 25
	replay_part "$T/long.ndjson"
	local same=() other=() m
	for m in 'printer jam' 'printer jam \r\n' '\ufeffprinter\u00a0jam'; do
		viewer 42 "{\"ticketBody\":\"$m\"}"
		same+=($V)
		sees $V w8
	done
	for m in 'Printer jam' 'printer  jam' 'printer j\u00e1m' 'on fire'; do
		viewer 42 "{\"ticketBody\":\"$m\"}"
		other+=($V)
		sees $V w8
	done
	replay_rest
	for V in "${same[@]}"; do
		viewed $V
		is "$(types) $(last)" 'stream done {"type":"done"}'
		is_text "$LONG"
	done
	for V in "${other[@]}"; do
		viewed $V
		is "$(types) $(last)" \
		    'stream done {"type":"done","bodyChanged":true}'
		is_text "$LONG"
	done
	is "$(posts)" 1
}

@test "CACHE=body: whoever sent another text waits, and gets its own" {
	export TICKETCHAT_CACHE=body TICKETCHAT_GENERATIONS=1
	long 25
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	local first=$V one two
	sees $V w8
	viewer 42 '{"ticketBody":"on fire","status":true}'
	one=$V
	sees $one queued
	tab 42
	two=$V
	say $two '{"ticketBody":"drowned","status":true}'
	sees $two queued
	# What others wait for it does not stop, but itself.
	say $two '{"type":"stop"}'
	sees $two '"stopped"'
	leave $two
	not has $one stream
	not has $first stopped
	replay_rest
	viewed $first
	is "$(last)" '{"type":"done"}'
	viewed $one
	is "$(jq -c 'select(.type != "status")' <<<"$frames" | tail -n 1)" \
	    '{"type":"done","versions":2}'
	is_text "$LONG"
	is "$(posts)" 2
	for m in "$Q" '{"ticketBody":"on fire"}'; do
		ask 42 "$m"
		kept "$LONG"
		is "$(jq -r 'select(.type == "cached").bodyChanged' \
		    <<<"$frames")" null
	done
	is "$(posts)" 2
}

# An answer of another version of the programs tells no hash.
@test "where the first line tells no hash nobody is told bodyChanged" {
	local hash
	for hash in '' ',"text":"short"' ',"text":7' ',"text":null'; do
		/usr/bin/python3 -I -S -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c = s.accept()[0]
os.unlink(sys.argv[1])
c.sendall(b"\n".join(a.encode() for a in sys.argv[2:]) + b"\n")
c.recv(1)' "$TICKETCHAT_RUN_DIR/42.sock" \
		    '{"type":"session","session":1,"pid":1'"$hash"'}' \
		    '{"type":"stream","content":"a"}' '{"type":"done"}' 3>&- &
		track $!
		within 10 test -S "$TICKETCHAT_RUN_DIR/42.sock"
		TICKETCHAT_CACHE=body ask 42 "$Q"
		is "$frames" '{"type":"stream","content":"a"}
{"type":"done"}'
	done
}

@test "one that goes whenever somebody comes: eight tries" {
	/usr/bin/python3 -I -S -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True: s.accept()[0].close(); print("went", flush=True)' \
	    "$TICKETCHAT_RUN_DIR/42.sock" >"$T/went" 3>&- &
	track $!
	within 10 test -S "$TICKETCHAT_RUN_DIR/42.sock"
	ask 42 "$Q"
	failed_with interrupted 2
	is "$(wc -l <"$T/went")" 8
	rm "$TICKETCHAT_RUN_DIR/42.sock"
}

@test "4,096 follow; one more waits until another goes" {
	[ "$(ulimit -Hn)" -ge 8192 ] || skip "not so many descriptors here"
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w8
	(ulimit -n 8192; exec /usr/bin/python3 -I -S -c '
import socket, sys
s = [socket.socket(socket.AF_UNIX) for i in range(4096)]
for k in s: k.connect(sys.argv[1])
for k in s[:-1]: k.recv(9)
s[-1].settimeout(1)
try:
    print("room for", s[-1].recv(15))
except socket.timeout:
    print("full")
s[-1].settimeout(30)
s[0].close()
print(s[-1].recv(15))' "$TICKETCHAT_RUN_DIR/42.sock") >"$T/followers" 3>&-
	is "$(cat "$T/followers")" "full
b'{\"type\":\"sessio'"
	chat 42 <<<'{"type":"stop"}'
	viewed $V
	failed_with stopped 2
}

@test "five refreshes at once are one generation" {
	long 25
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	replay_part "$T/long.ndjson"
	all=()
	for i in {1..5}; do viewer 42 "$REFRESH"; all+=($V); done
	for v in "${all[@]}"; do sees $v w8; done
	replay_rest
	for v in "${all[@]}"; do
		viewed $v
		is_text "$LONG"
	done
	is "$(posts)" 2
}

# bats test_tags=fault,fault:1
@test "a refresh that is stopped or killed keeps the old answer" {
	long 1000
	replay --times 1 --then "$T/long.ndjson" --pace 30 "$UP/good.ndjson"
	ask 42 "$Q"
	viewer 42 "$REFRESH"
	sees $V w1
	ask 42 '{"type":"stop"}' "$Q"
	kept
	viewed $V
	failed_with stopped 2
	viewer 42 "$REFRESH"
	sees $V w1
	kill -KILL "$(answers)"
	viewed $V
	failed_with interrupted 2
	ask 42 "$Q"
	kept
	is "$(posts)" 3
	rm "$TICKETCHAT_RUN_DIR/42.sock"
}

# bats test_tags=fault,fault:26
@test "questions that wait: four, and a stop is for the one that runs" {
	long 1000
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	tab 42
	say $V "$Q"
	sees $V w1
	# Under websocketd the fifth is dropped, and told in the log.
	for i in 1 2 3 4 5; do echo "$Q" >&"${IN[$V]}"; done
	sleep 0.2
	say $V '{"type":"stop"}'
	within 10 eval '[ "$(grep -c "\"done\"" "$T/frames.$V")" = 4 ]'
	sleep 0.2
	leave $V
	check "$T/frames.$V" 5
	frames=$(<"$T/frames.$V")
	is "$(types)" \
	    'stream error stream done cached done cached done cached done'
	is "$(grep -c dropped=question "$TICKETCHAT_LOG")" 1
}

# bats test_tags=fault,fault:42
@test "a full backlog: chat waits for its turn and does not hang" {
	cp -r "$BATS_FILE_TMPDIR" "$T/file"
	is "$(cat "$BATS_FILE_TMPDIR/full")" 4097
	within 60 test -s "$BATS_FILE_TMPDIR/late.rc"
	read -r rc seconds <"$BATS_FILE_TMPDIR/late.rc"
	check "$BATS_FILE_TMPDIR/late" 1
	is "$(code "$(<"$BATS_FILE_TMPDIR/late")") $rc" 'internal 111'
	grep -q 'no process starts the generation' "$BATS_FILE_TMPDIR/late.err"
	[ "$seconds" -ge 14 ]
	# One that can read again serves who has waited.
	long 15
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w1
	kill -STOP "$(answers)"
	fill_backlog 42
	filler=$!
	viewer 42 "$Q"
	sleep 0.3
	not has $V w1
	kill -CONT "$(answers)"
	end $filler
	replay_rest
	viewed 1
	is_text "$LONG"
	viewed 2
	case $(types) in
	"stream done") is_text "$LONG" ;;
	*) kept "$LONG" ;;
	esac
}

# A tab of ticket $1 under the clocks of set_clocks, which its answer shares.
clocked_tab() {
	V=$((++N))
	mkfifo "$T/frames.$V.in"
	(without_talkers
	LD_PRELOAD=$T/preload.so CLOCKS=$T/clocks GATEWAY_INTERFACE=x \
	    PATH_INFO=$(GATEWAY_INTERFACE=x path_of "$1") exec "$CHAT_BIN" \
	    -c "$T/conf" <"$T/frames.$V.in" >"$T/frames.$V" \
	    2>"$T/frames.$V.err") 3>&- &
	VIEWERS[V]=$!
	track $!
	exec {IN[V]}>"$T/frames.$V.in"
	echo 0 >"$T/frames.$V.questions"
}

# Lets $2 waits of a viewer's pass: the clock goes on, and it looks.
waits() {
	local v=$1 i pongs
	for ((i = 0; i < $2; i++)); do
		CLOCK=$((CLOCK + 6))
		set_clocks 0 $CLOCK
		pongs=$(grep -c '"pong"' "$T/frames.$v" || true)
		say $v '{"type":"ping"}'
		within 10 eval \
		    "[ \$(grep -c '\"pong\"' '$T/frames.$v') -gt $pongs ]"
	done
}

# bats test_tags=fault,fault:51
@test "a generation that stands still is given up and ended, its slot is free" {
	needs_preload
	long 300
	CLOCK=0
	t=0
	export TICKETCHAT_GENERATIONS=1
	for way in writing stopped queued; do
		t=$((t + 2))
		set_clocks 0 $CLOCK
		rm -f "$T/go"
		replay_part --times 1 --then "$UP/good.ndjson" "$T/long.ndjson"
		if [ $way = queued ]; then
			viewer 90 "$Q"
			other=$V
			sees $other w1
		fi
		clocked_tab $t
		one=$V
		say $one "$STATUS"
		if [ $way = queued ]; then sees $one queued; else sees $one w1; fi
		a=$(answer_of $t)
		kill -STOP "$a"
		# At the socket, but it never gets a line.
		clocked_tab $t
		two=$V
		say $two "$STATUS"
		within 10 connected "${VIEWERS[$two]}"
		n=8
		if [ $way = stopped ]; then
			waits $one 4
			say $one '{"type":"stop"}'
			n=2
		fi
		waits $one $n
		not has $one '"error"'
		kill -0 "$a"
		waits $one 1
		sees $one '"code":"interrupted"'
		within 10 dead "$a"
		if [ $way = queued ]; then
			replay_rest
			viewed $other
			is_text "$LONG"
		fi
		sees $two '"done"' $LEASE
		leave $one
		leave $two
		ask $((t + 1)) "$Q"
		is_text "$GOOD"
		replay_end
	done
}

# bats test_tags=fault,fault:51
@test "who comes when a generation stands still already gets interrupted" {
	needs_preload
	long 300
	CLOCK=0
	set_clocks 0 0
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	sees $V w1
	first=$V
	a=$(answers)
	kill -STOP "$a"
	clocked_tab 1
	say $V "$STATUS"
	within 10 connected "${VIEWERS[$V]}"
	waits $V 8
	not has $V '"error"'
	waits $V 1
	sees $V '"code":"interrupted"'
	# Which process it is nobody has told: it is left alone.
	kill -CONT "$a"
	replay_rest
	viewed $first
	is_text "$LONG"
	say $V "$Q"
	sees $V '"cached"'
	leave $V
}

# bats test_tags=fault,fault:51
@test "a container that is paused gives nobody up" {
	needs_preload
	long 300
	CLOCK=0
	set_clocks 0 0
	export TICKETCHAT_STALL_TIMEOUT=1000	# the model was not paused
	replay_part "$T/long.ndjson"
	clocked_tab 1
	say $V "$STATUS"
	sees $V w1
	for i in 1 2 3; do
		all="$(answers) $(chats)"
		kill -STOP $all
		CLOCK=$((CLOCK + 200))
		set_clocks 0 $CLOCK
		kill -CONT $all
		waits $V 1
	done
	not has $V '"error"'
	is "$(jq -r 'select(.type == "status" or .type == "stream").type' \
	    <<<"$(so_far $V)" | sort -u | paste -sd ' ')" 'status stream'
	leave $V
	kill -TERM "$(answers)"
	within 10 none_answers
}

@test "a generation of version 0.1, which promises nothing, is waited for" {
	needs_preload
	CLOCK=0
	set_clocks 0 0
	/usr/bin/python3 -I -S -c '
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(9)
c = s.accept()[0]
c.send(b"{\"type\":\"session\",\"session\":1,\"pid\":%d}\n" % os.getpid())
c.send(b"{\"type\":\"stream\",\"content\":\"slow\"}\n")
while not os.path.exists(sys.argv[2]):
    time.sleep(0.1)
os.unlink(sys.argv[1])
c.send(b"{\"type\":\"done\"}\n")' "$TICKETCHAT_RUN_DIR/1.sock" "$T/go" 3>&- &
	track $!
	within 10 test -S "$TICKETCHAT_RUN_DIR/1.sock"
	clocked_tab 1
	say $V "$STATUS"
	sees $V slow
	waits $V 20
	not has $V '"error"'
	: >"$T/go"
	sees $V '"done"'
	leave $V
}

# What a follower of the socket itself gets, behind the first line.
@test "a generation says at least every five seconds that it lives" {
	long 30
	export TICKETCHAT_GENERATIONS=1
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	sees $V w1
	viewer 2 "$STATUS"
	sees $V queued
	for t in 1 2; do
		timeout 9.5 socat -u "UNIX-CONNECT:$TICKETCHAT_RUN_DIR/$t.sock" - \
		    >"$T/lines.$t" 3>&- &
		track $!
	done
	sleep 9.5
	for t in 1 2; do
		jq -se '.[0].alive == 5' "$T/lines.$t" >/dev/null
		grep -qx '{"type":"alive"}' "$T/lines.$t"
	done
	replay_rest
	viewed 1
	is_text "$LONG"
	viewed 2
	not grep -q alive <<<"$frames"
}

@test "status tells how many watch here, at most once a second" {
	long 30
	replay_part "$T/long.ndjson"
	viewer 1 "$STATUS"
	one=$V
	sees $one '"state":"generating","viewers":1'
	since=$EPOCHSECONDS
	for i in 1 2 3 4; do
		tab 1
		say $V "$STATUS"
		sees $V w1
		# Counted from the first line on, also within the second.
		is "$(jq -r 'select(.type == "status").viewers' \
		    <<<"$(so_far $V)" | head -1)" $((i + 1))
	done
	sees $one '"viewers":5'
	# The first line, and one for each second that this took.
	[ "$(grep -c '"viewers":' "$T/frames.$one")" -le \
	    $((EPOCHSECONDS - since + 3)) ]
	leave $V
	leave $((V - 1))
	sees $one '"viewers":3'
	replay_rest
	viewed $one
	is_text "$LONG"
	is "$(last)" '{"type":"done"}'
	news_only
	hang_up 2
	hang_up 3
}

@test "sessions stop: what runs, what waits, what has ended" {
	long 300
	export TICKETCHAT_GENERATIONS=1
	run -1 --separate-stderr sessions stop 42
	is "$output" ''
	[[ $stderr = *"no generation runs for ticket 42"* ]]
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	one=$V
	sees $one w1
	viewer 2 "$STATUS"
	two=$V
	sees $two queued
	run -0 sessions stop 2
	is "$output" 'ticket 2: stopped'
	viewed $two
	failed_with stopped 2
	run -1 sessions stop 3
	run -0 sessions stop 1
	viewed $one
	failed_with stopped 2
	is "$(text)" 'w1 w2 w3 w4 w5 w6 w7 w8 '
	within 10 none_answers
	run -1 sessions stop 1
	for bad in '' 0 -1 x 1.5 99999999999999999999; do
		run -100 sessions stop "$bad"
	done
	run -100 sessions stop
	run -100 sessions stop 1 2
	TICKETCHAT_RUN_DIR=$T/none run -1 sessions stop 1
	[ ! -e "$T/none" ]
}

@test "sessions stop, as root, of a service that has a user of its own" {
	needs_root
	mkdir -m 700 "$T/theirs"
	chown 54321:54321 "$T/theirs"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$T" || true
	/usr/bin/python3 -I -S -c '
import os, socket, sys
os.setgid(54321); os.setuid(54321)
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(9)
c = s.accept()[0]
c.send(b"{\"type\":\"session\",\"session\":1,\"pid\":1,\"alive\":5}\n")
if c.recv(9) == b"stop\n":
    c.send(b"{\"type\":\"error\",\"code\":\"stopped\"}\n")
os.unlink(sys.argv[1])' "$T/theirs/7.sock" 3>&- &
	track $!
	within 10 test -S "$T/theirs/7.sock"
	TICKETCHAT_RUN_DIR=$T/theirs run -0 sessions stop 7
	is "$output" 'ticket 7: stopped'
	TICKETCHAT_RUN_DIR=$T/theirs run -1 sessions stop 7
	command -v setpriv >/dev/null || skip "no setpriv"
	TICKETCHAT_RUN_DIR=$T/theirs run -111 setpriv --reuid 12345 --regid 12345 \
	    --clear-groups "$B/bin/sessions" -c /dev/null stop 7
	[[ $output = *"as root"* || $output = *"denied"* ]]
}

# bats test_tags=fault,fault:51
@test "doctor names a generation that stands still, sessions stop ends it" {
	long 300
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	one=$V
	sees $one w1
	viewer 2 "$Q"
	two=$V
	within 10 some_answers 2
	a=$(answer_of 1)
	run sessions doctor --quick
	[[ $output != *"does not run"* ]]
	kill -STOP "$a"
	kill -KILL "${VIEWERS[$one]}"	# nobody watches
	within 10 eval "[ \$(cut -d' ' -f3 /proc/$a/stat) = T ]"
	run sessions doctor --quick
	[[ $output = *"the generation of ticket 1, process $a, does not run"* ]]
	[[ $output = *"sessions stop 1"* ]]
	[[ $output != *"generation of ticket 2"* ]]
	# Another service's, of the same user, is not ours.
	mkdir -m 700 "$T/other"
	TICKETCHAT_RUN_DIR=$T/other run sessions doctor --quick
	[[ $output != *"does not run"* ]]
	if [ "$STORE" = sqlite ]; then	# a server has it wherever it runs
		TICKETCHAT_RUN_DIR=$T/other run -1 sessions stop 1
	fi
	kill -0 "$a"
	run -0 sessions stop 1
	is "$output" 'ticket 1: its generation did not react and was ended'
	within 10 dead "$a"
	# Its slot was free at once, or after the lease.
	within $LEASE eval "[ \$(grep -c ^request '$T/replay.log') = 2 ]"
	replay_rest
	viewed $two
	is_text "$LONG"
	ask 1 "$Q"
	is_text "$LONG"
}

# bats test_tags=fault,fault:42
@test "a stop from an idle connection reaches a generation with a full backlog" {
	long 300
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	one=$V
	sees $one w1
	tab 1
	idle=$V
	a=$(answers)
	kill -STOP "$a"
	/usr/bin/python3 -I -S -c '
import socket, sys, time, os
all = []
try:
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        s.connect(sys.argv[1])
        all.append(s)
except BlockingIOError:
    open(sys.argv[2], "w").close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.05)' "$TICKETCHAT_RUN_DIR/1.sock" "$T/full" 3>&- &
	filler=$!
	track $filler
	within 20 test -e "$T/full"
	say $idle '{"type":"stop"}' '{"type":"ping"}'
	sees $idle pong
	sleep 0.5
	rm "$T/full"
	within 10 dead $filler
	kill -CONT "$a"
	viewed $one
	failed_with stopped 2
	# What is asked behind it waits until the stop was heard.
	replay_rest
	say $idle "$Q"
	sees $idle '"done"'
	leave $idle
	is "$(text "$(so_far $idle)")" "$LONG"
}
