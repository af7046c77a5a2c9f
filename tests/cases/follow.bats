# Several viewers of a ticket, several tickets, and what dies meanwhile.
load helper

REFRESH='{"ticketBody":"printer jam","refresh":true}'
STATUS='{"ticketBody":"printer jam","status":true}'

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
time.sleep(60)' "$RUN_DIR/$1.sock") >"$T/full" 2>&1 3>&- &
	track $!
	within 10 test -s "$T/full"
}

# It takes its time: the last test looks what has become of it.
setup_file() {
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
		kill -KILL "$p" 2>/dev/null || true
	done
}

# All frames of these viewers are the same bytes.
alike() {
	local v
	for v; do cmp "$T/frames.$1" "$T/frames.$v"; done
}

@test "twenty viewers: one request, the same bytes for all" {
	long 25
	replay --pace 40 "$T/long.ndjson"
	all=()
	for i in {1..20}; do viewer 42 "$Q"; all+=($V); done
	for v in "${all[@]}"; do viewed $v; is "$status" 0; done
	alike "${all[@]}"
	is_text "$LONG"
	is "$(posts)" 1
	ask 42 "$Q"
	kept "$LONG"
}

@test "twenty viewers at the same moment" {
	replay --delay 300 "$UP/good.ndjson"
	mkfifo "$T/go"
	exec 7<>"$T/go"
	for i in {1..20}; do
		(
			read -r _ <&7
			chat 42 <<<"$Q" >"$T/out.$i" 2>/dev/null 7>&-
		) 3>&- &
		all[i]=$!
	done
	printf '\n%.0s' {1..20} >&7
	wait "${all[@]}"
	exec 7>&-
	for i in {1..20}; do
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
	replay --pace 40 "$T/long.ndjson"
	viewer 42 "$Q"
	a=$V
	sees $a w12
	viewer 42 '{"ticketBody":"another text"}'
	sees $V w12
	viewed $a
	viewed $V
	is_text "$LONG"
	is "$(posts)" 1
}

@test "all leave: the answer is finished and kept" {
	long 20
	replay --pace 30 "$T/long.ndjson"
	tab 42
	a=$V
	say $a "$Q"
	sees $a w2
	tab 42
	say $V "$Q"
	sees $V w2
	leave $a
	leave $V
	within 10 none_answers
	ask 42 "$Q"
	kept "$LONG"
	is "$(posts)" 1
}

@test "ON_DISCONNECT=cancel: the last one's leaving ends it" {
	long 200
	replay --pace 30 "$T/long.ndjson"
	export ON_DISCONNECT=cancel
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
	within 2 logged '^gone 1'
	within 2 none_answers
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
}

@test "stop by one ends it for all" {
	long 200
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
	within 2 logged '^gone 1'
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
}

@test "answer killed in mid-stream: interrupted, and the next one asks anew" {
	long 200
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
	test -S "$RUN_DIR/42.sock"
	ask 42 "$Q"
	generated
	say $a "$Q"
	sees $a cached 2
	viewed $a
	is "$(types)" 'stream error cached done'
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
}

@test "SIGTERM and SIGINT for answer: shutting_down for all, Ollama is left" {
	long 200
	replay --pace 30 "$T/long.ndjson"
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
		within 2 logged "^gone $((++n))"
		is "$(compgen -G "$RUN_DIR/*.sock")" ''
	done
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
}

@test "the first viewer killed: the others and the answer go on" {
	long 20
	replay --pace 30 "$T/long.ndjson"
	viewer 42 "$Q"
	a=$V
	sees $a w1
	viewer 42 "$Q"
	sees $V w1
	kill -KILL "${VIEWERS[a]}"
	viewed $V
	is_text "$LONG"
	ask 42 "$Q"
	kept "$LONG"
}

@test "what stands in the socket's place" {
	replay "$UP/good.ndjson"
	/usr/bin/python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$RUN_DIR/1.sock"
	echo something >"$RUN_DIR/2.sock"
	ln -s /nowhere "$RUN_DIR/3.sock"
	ln -s "$T/conf" "$RUN_DIR/4.sock"
	mkfifo "$RUN_DIR/5.sock"
	for i in 1 2 3 4 5; do
		ask $i "$Q"
		generated
	done
	test -f "$T/conf"
	mkdir "$RUN_DIR/6.sock"
	ask 6 "$Q" "$Q"
	failed_with "$(printf '%s\n' internal internal)" 111
	ask 7 "$Q"
	generated
	rmdir "$RUN_DIR/6.sock"
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
	long 500
	replay --pace 30 "$T/long.ndjson"
	for i in 1 2 3; do
		viewer $i "$STATUS"
		within 5 some_answers $i
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
	sees 3 w1
	halt 3
	is "$(states)" 'queued2 queued1 generating'
}

@test "GENERATIONS=2: two at a time" {
	long 500
	replay --times 2 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	export GENERATIONS=2
	for i in 1 2 3; do
		viewer $i "$STATUS"
		within 5 some_answers $i
	done
	sees 1 w1
	sees 2 w1
	sees 3 '"state":"queued","position":1'
	is "$(posts)" 2
	sleep 0.2
	halt 1
	viewed 3
	is_text "$GOOD"
	is "$(sql 'SELECT QueuedMs >= 200 FROM TicketAIGenerations')" 1
	halt 2
}

@test "QUEUE_MAX: one more is queue_full, and may come again" {
	long 500
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	export QUEUE_MAX=1
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
	long 500
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	export QUEUE_MAX=0
	viewer 1 "$Q"
	sees 1 w1
	ask 2 "$Q"
	failed_with queue_full 2
	halt 1
	ask 2 "$Q"
	generated
}

@test "one who waits is killed, another stopped: the next ones move up" {
	long 500
	replay --pace 30 "$T/long.ndjson"
	for i in 1 2 3 4; do
		viewer $i "$STATUS"
		within 5 some_answers $i
		[ $i = 1 ] || sees $i '"queued"'
	done
	has 4 '"position":3'
	kill -KILL "$(answer_of 2)"
	viewed 2
	failed_with interrupted 2
	sees 4 '"position":2' 5
	halt 3
	sees 4 '"position":1' 5
	halt 1
	sees 4 w1
	halt 4
	is "$(states)" 'queued3 queued2 queued1 generating'
	is "$(posts)" 2
	rm "$RUN_DIR/2.sock"
}

@test "the one that generates is killed: the next one's turn comes at once" {
	long 200
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	viewer 1 "$Q"
	sees 1 w1
	viewer 2 "$Q"
	within 5 some_answers 2
	kill -KILL "$(answer_of 1)"
	viewed 1
	failed_with interrupted 2
	viewed 2 2
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

@test "a viewer that stands still delays nobody and gets everything later" {
	heavy
	replay --pace 1 "$T/long.ndjson"
	viewer 42 "$Q"
	sees 1 abcd
	kill -STOP "${VIEWERS[1]}"
	viewer 42 "$Q"
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

@test "over SEND_TIMEOUT it gets the kept answer, whole" {
	heavy
	replay --pace 1 "$T/long.ndjson"
	export SEND_TIMEOUT=1
	viewer 42 "$Q"
	sees 1 abcd
	kill -STOP "${VIEWERS[1]}"
	within 10 none_answers
	kill -CONT "${VIEWERS[1]}"
	viewed 1
	is "$(types)" "stream cached done"
	is "$(jq -j 'select(.type == "cached").response' <<<"$frames"; echo .)" \
	    "$LONG."
}

@test "a client that does not read is given up, the answer is not" {
	heavy
	replay --pace 1 "$T/long.ndjson"
	mkfifo "$T/out"
	exec 7<>"$T/out"	# open, and nobody reads
	mkfifo "$T/in"
	exec 8<>"$T/in"
	SEND_TIMEOUT=1 GATEWAY_INTERFACE=x chat 42 <"$T/in" >"$T/out" 2>/dev/null \
	    3>&- 7>&- 8>&- &
	track $!
	echo "$Q" >&8
	within 10 dead $!
	exec 7>&- 8>&-
	within 10 none_answers
	ask 42 "$Q"
	kept "$LONG"
}

@test "a ticket deleted while its answer is written: nothing is kept" {
	long 15
	replay --pace 30 "$T/long.ndjson"
	viewer 42 "$Q"
	sees 1 w2
	run -0 sessions delete 42
	viewed 1
	failed_with unknown_ticket 1
	is "$(sql 'SELECT count(*) FROM Tickets, TicketAISessions')" 0
	# Deleted and made again: the old answer is not the new one's.
	viewer 42 "$Q"
	sees 2 w2
	run -0 sessions delete 42
	sql 'INSERT INTO Tickets (Id) VALUES (42);
	    INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (42, "new")'
	viewed 2
	failed_with unknown_ticket 1
	is "$(sql 'SELECT Prompt, AiResponse IS NULL FROM TicketAISessions')" \
	    'new|1'
}

@test "over a generation's shoulder, with socat" {
	long 15
	replay --pace 40 "$T/long.ndjson"
	viewer 42 "$Q"
	sees 1 w1
	is "$(stat -c '%a %F' "$RUN_DIR/42.sock" "$RUN_DIR" | paste -sd ' ')" \
	    "700 socket 700 directory"
	mkfifo "$T/open"
	exec 7<>"$T/open"
	socat - "UNIX-CONNECT:$RUN_DIR/42.sock" <&7 >"$T/over" 3>&- &
	track $!
	# Who closes his side has left, and disturbs nobody.
	socat - "UNIX-CONNECT:$RUN_DIR/42.sock" </dev/null >/dev/null
	printf 'nonsense\n%0500d\nstop it\nstopx\n' 0 |
	    socat - "UNIX-CONNECT:$RUN_DIR/42.sock" >/dev/null
	viewed 1
	is_text "$LONG"
	within 5 grep -q '"done"' "$T/over"
	is "$(head -n 1 "$T/over" | jq -r .type)" session
	is "$(sed 1d "$T/over" | grep -v '"status"')" "$frames"
	viewer 43 "$Q"
	sees $V w1
	echo stop | socat - "UNIX-CONNECT:$RUN_DIR/43.sock" >/dev/null
	viewed $V
	failed_with stopped 2
}

@test "five refreshes at once are one generation" {
	long 25
	replay --times 1 --then "$T/long.ndjson" --pace 40 "$UP/good.ndjson"
	ask 42 "$Q"
	all=()
	for i in {1..5}; do viewer 42 "$REFRESH"; all+=($V); done
	for v in "${all[@]}"; do
		viewed $v
		is_text "$LONG"
	done
	is "$(posts)" 2
}

@test "a refresh that is stopped or killed keeps the old answer" {
	long 200
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
	rm "$RUN_DIR/42.sock"
}

@test "questions that wait: four, and a stop is for the one that runs" {
	long 200
	replay --times 1 --then "$UP/good.ndjson" --pace 30 "$T/long.ndjson"
	tab 42
	say $V "$Q"
	sees $V w1
	# Under websocketd the fifth is dropped, and told in the log.
	for i in 1 2 3 4 5; do echo "$Q" >&"${IN[$V]}"; done
	sleep 0.2
	say $V '{"type":"stop"}'
	within 5 eval '[ "$(grep -c "\"done\"" "$T/frames.$V")" = 4 ]'
	sleep 0.2
	leave $V
	check "$T/frames.$V" 5
	frames=$(<"$T/frames.$V")
	is "$(types)" \
	    'stream error stream done cached done cached done cached done'
	is "$(grep -c dropped=question "$LOG")" 1
}

@test "a full backlog: chat waits for its turn and does not hang" {
	cp -r "$BATS_FILE_TMPDIR" "$T/file"
	is "$(cat "$BATS_FILE_TMPDIR/full")" 4097
	within 15 test -s "$BATS_FILE_TMPDIR/late.rc"
	read -r rc seconds <"$BATS_FILE_TMPDIR/late.rc"
	check "$BATS_FILE_TMPDIR/late" 1
	is "$(code "$(<"$BATS_FILE_TMPDIR/late")") $rc" 'internal 111'
	grep -q 'nobody starts the generation' "$BATS_FILE_TMPDIR/late.err"
	[ "$seconds" -ge 14 ]
	# One that can read again serves who has waited.
	long 15
	replay --pace 100 "$T/long.ndjson"
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
	viewed 1
	is_text "$LONG"
	viewed 2
	case $(types) in
	"stream done") is_text "$LONG" ;;
	*) kept "$LONG" ;;
	esac
}
