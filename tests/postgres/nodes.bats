# Several nodes on one PostgreSQL: a ticket is generated once, everybody reads
# along wherever he is, and what can break breaks without a partial answer.
# Where packets are lost they really are: nftables drops them.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

# The generations of ticket $1 on node $2, and the one that asks the model.
node_answer() { on "$2" answer_of "$1"; }
owners() { psql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND
    (classid::bigint << 32 | objid::bigint) = lock_key('ticket', '$1')"; }
owned() { [ "$(owners "$1")" = "${2:-1}" ]; }
rows() { psql -c 'SELECT count(*) FROM TicketAIFrames'; }
answers_kept() { psql -c 'SELECT count(AiResponse) FROM TicketAISessions'; }
# What a killed generator leaves until somebody asks there again.
swept() { rm -f "$T"/run*/*.sock; }
log_has() { grep -q "$2" "$T/log$([ "$1" = 1 ] || echo ".$1")"; }

# Node 1 generates for ticket 42 and stands still behind w8; node 2 follows.
# The viewers are $A and $C.
two_nodes() {
	long "${1:-25}"
	replay_part "${@:2}" "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w1
	on 2 viewer 42 "$Q"
	C=$V
	sees $C w8
}
both() {
	viewed $A 60
	"$@"
	viewed $C 60
	"$@"
}
is_whole() {
	is "$(types)" "stream done"
	is_text "$LONG"
}
is_interrupted() {
	failed_with interrupted 2
	[[ $LONG. = "$(text)"*. ]]
}

@test "20 viewers on three nodes: one request, one text, nothing left over" {
	long 60
	replay --pace 40 "$T/long.ndjson"
	all=()
	for i in {0..19}; do
		on $((i % 3 + 1)) viewer 42 "$Q"
		all+=($V)
	done
	for v in "${all[@]}"; do
		viewed $v 60
		is_whole
	done
	is "$(posts)" 1
	is "$(answers_kept)" 1
	each_node within 20 none_answers
	is "$(rows)" 0
	on 3 ask 42 "$Q"
	is "$(types)" "cached done"
}

@test "nobody elsewhere: not a row is written" {
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees $V w8
	is "$(rows)" 0
	replay_rest
	viewed $V
	is_whole
	is "$(psql -c "SELECT n_tup_ins FROM pg_stat_user_tables
	    WHERE relname = 'ticketaiframes'")" 0
}

@test "who comes late on another node gets it from the first character" {
	two_nodes
	on 3 viewer 42 "$Q"
	D=$V
	sees $D w8
	replay_rest
	both is_whole
	viewed $D
	is_whole
	is "$(posts)" 1
}

@test "states are told on another node too" {
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w8
	on 2 viewer 42 '{"ticketBody":"printer jam","status":true}'
	C=$V
	sees $C w8
	replay_rest
	both true
	is "$(states)" generating
	is "$(types "$(grep -v '"status"' <<<"$frames")")" "stream done"
}

@test "a stop on another node ends it for all, and the model is idle" {
	two_nodes
	on 2 ask 42 '{"type":"stop"}'
	both failed_with stopped 2
	within 10 logged '^gone 1'
	is "$(answers_kept)" 0
}

@test "a refresh elsewhere follows the one that runs; a double click costs one" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	: >"$T/replay.log"
	long 25
	replay_part "$T/long.ndjson"
	R='{"ticketBody":"printer jam","refresh":true}'
	on 1 viewer 42 "$R"
	A=$V
	sees $A w8
	on 2 viewer 42 "$R"
	C=$V
	sees $C w8
	replay_rest
	both is_whole
	is "$(posts)" 1
	is "$(sessions history --json 42 | jq -s length)" 2
}

@test "asked at the same moment on all nodes, many times: one request each" {
	replay "$UP/good.ndjson"
	for t in {1..10}; do
		all=()
		for n in 1 2 3 4; do
			on $n viewer $t "$Q"
			all+=($V)
		done
		for v in "${all[@]}"; do
			viewed $v 60
			[[ $(types) = "stream done" || $(types) = "cached done" ]]
		done
	done
	is "$(posts)" 10
	is "$(answers_kept)" 10
	is "$(psql -c 'SELECT count(*) FROM TicketAISessions')" 10
}

# bats test_tags=fault
@test "a node killed in mid-stream: interrupted everywhere, then all is well" {
	two_nodes 25 --times 1 --then "$UP/good.ndjson"
	kill -KILL "$(node_answer 42 1)"
	swept
	both is_interrupted
	is "$(answers_kept)" 0
	within 10 owned 42 0
	on 3 ask 42 "$Q"
	generated
	on 1 ask 42 "$Q"
	is "$(types)" "cached done"
}

# bats test_tags=fault
@test "a node killed before the first character: another one takes over" {
	long 25
	replay --times 1 --then "$T/long.ndjson" --stall 0 "$UP/good.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	within 10 posted 1
	on 2 viewer 42 "$Q"
	C=$V
	within 10 some_answers_on 2
	kill -KILL "$(node_answer 42 1)"
	swept
	viewed $C 60
	is_whole
	viewed $A
	is "$(posts)" 2
}
some_answers_on() { [ -n "$(on "$1" answers)" ]; }

# bats test_tags=fault
@test "a node that is told to end says so to all" {
	two_nodes
	kill -TERM "$(node_answer 42 1)"
	both failed_with shutting_down 2
	is "$(answers_kept)" 0
}

# bats test_tags=fault
@test "the database restarted in mid-stream: nobody notices" {
	two_nodes
	pg_restart
	replay_rest
	both is_whole
	is "$(posts)" 1
	is "$(answers_kept)" 1
	log_has 1 'database=back'
}

# bats test_tags=fault
@test "the database crashed, and back only after the model's last word" {
	two_nodes
	pg_stop immediate
	replay_rest
	sees $A w25
	not has $A done
	pg_up_again
	viewed $A 60
	is_whole
	is "$(answers_kept)" 1
	# What it had for others was lost with it: they get it whole.
	viewed $C 60
	is "$(last | jq -r .type)" done
	on 2 ask 42 "$Q"
	is "$(types)" "cached done"
}

# bats test_tags=fault
@test "the database away for good: storage, nothing kept, then as before" {
	needs_preload
	long 25
	replay_part --times 1 --then "$UP/good.ndjson" "$T/long.ndjson"
	set_clocks 0 0
	on 1 clocked viewer 42 '{"ticketBody":"printer jam","status":true}'
	A=$V
	sees $A w8
	pg_stop immediate
	replay_rest
	sees $A saving
	on 2 ask 43 "$Q"
	failed_with storage 111
	set_clocks 0 602
	viewed $A 90
	failed_with storage 111
	is_text "$LONG"
	pg_up_again
	is "$(answers_kept)" 0
	on 1 ask 42 "$Q"
	generated
}

# bats test_tags=fault
@test "failed over to a standby in mid-stream: kept there" {
	pg_replica
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.11:$PG_PORT,127.0.0.1:$REPLICA_PORT/$PG_DATABASE
	at() { echo "$TICKETCHAT_DATABASE"; }
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w8
	there() { [ "$(PG_PORT=$REPLICA_PORT "$PG_BIN/psql" -XqAt -h 127.0.0.1 \
	    -p "$REPLICA_PORT" -U postgres -d "$PG_DATABASE" \
	    -c 'SELECT count(*) FROM ticketchat.TicketAISessions')" = 1 ]; }
	within 20 there
	pg_stop immediate
	pg_promote
	replay_rest
	viewed $A 60
	is_whole
	on 2 ask 42 "$Q"
	is "$(types)" "cached done"
	is "$(posts)" 1
	NO_DATABASE=1	# what is left is on the other server
}

# bats test_tags=fault
@test "cut off for a moment: the text goes on here, and all is kept" {
	needs_nft
	two_nodes
	cut_off 1
	replay_rest
	sees $A w25
	not has $A done
	reconnect 1
	both is_whole
	is "$(answers_kept)" 1
}

# bats test_tags=fault
@test "cut off for long: the ticket becomes free, and the late one gives way" {
	needs_nft
	PATIENCE=60
	two_nodes 25 --times 1 --then "$UP/good.ndjson"
	cut_off 1
	viewed $C 90
	is_interrupted
	within 60 owned 42 0
	on 2 ask 42 "$Q"
	generated
	reconnect 1
	viewed $A 90
	# It was told first that another one has the ticket, or asked the store.
	[[ $(types) = "stream error" || $(types) = "stream cached done" ]]
	is "$(answers_kept)" 1
	on 1 ask 42 "$Q"
	is "$(types)" "cached done"
}

# bats test_tags=fault
@test "a slow database delays nobody who is where the answer is" {
	needs_nft
	slow 1 400
	long 60
	replay --pace 20 "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w1 30
	on 2 viewer 42 "$Q"
	C=$V
	both is_whole
	is "$(posts)" 1
}

# bats test_tags=fault
@test "connections that the server ends are made anew, and no word is lost" {
	two_nodes 60
	psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	    WHERE usename = 'ticketchat'" >"$T/ended"
	within 20 owned 42
	replay_rest
	both is_whole
	is "$(posts)" 1
}

@test "slots are one server's over all nodes, and free with their holder" {
	long 25
	replay_part "$T/long.ndjson"
	TICKETCHAT_GENERATIONS=1 on 1 viewer 1 "$Q"
	A=$V
	sees $A w8
	TICKETCHAT_GENERATIONS=1 on 2 viewer 2 '{"ticketBody":"a","status":true}'
	C=$V
	sees $C '"queued","position":1'
	is "$(posts)" 1
	kill -KILL "$(node_answer 1 1)"
	swept
	viewed $A
	is_interrupted
	sees $C w8 20
	replay_rest
	viewed $C
	is_text "$LONG"
	is "$(posts)" 2
}

@test "RATE_LIMIT is one user's over all nodes" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=2/hour REMOTE_ADDR=192.0.2.1 GATEWAY_INTERFACE=x
	n=0
	for i in 1 2 3 4; do
		on $i talker "$i" "$Q"
		say $V "$Q"
		within 20 ended $V
		! has $V rate_limited || n=$((n + 1))
		hang_up $V
	done
	is $n 2
	is "$(posts)" 2
}
ended() { has "$1" '"done"' || has "$1" '"error"'; }

@test "ON_DISCONNECT=cancel: who is on another node counts as a viewer" {
	export TICKETCHAT_ON_DISCONNECT=cancel
	long 25
	replay_part "$T/long.ndjson"
	on 1 tab 42
	say $V "$Q"
	A=$V
	sees $A w8
	on 2 viewer 42 "$Q"
	C=$V
	sees $C w8
	leave $A
	replay_rest
	viewed $C 60
	is_whole
	is "$(answers_kept)" 1
}

@test "two services: websocketd on each node" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_WEB=off
	on 1 service
	local one=$P
	on 2 service
	frames=$(client "ws://127.0.0.1:$one/api/websocket/chat/42" "$Q")
	generated
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	kept
	is "$(posts)" 1
}

# bats test_tags=fault
@test "a ticket that cannot be taken over just now is not held by who tried" {
	two_nodes 25 --times 1 --then "$UP/good.ndjson"
	psql -c "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
	    'BEGIN RAISE ''not now''; END';
	    CREATE TRIGGER no BEFORE DELETE ON TicketAIFrames EXECUTE FUNCTION no()"
	kill -KILL "$(node_answer 42 1)"
	swept
	viewed $A
	is_interrupted
	within 20 grep -q 'not now' "$PG/log"
	psql -c 'DROP TRIGGER no ON TicketAIFrames'
	viewed $C 60
	is_interrupted
}

# bats test_tags=fault
@test "a newcomer after the server lost its rows ends too, when the owner dies" {
	long 2000
	replay --pace 50 --times 1 --then "$UP/good.ndjson" "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w1
	on 2 viewer 42 "$Q"
	C=$V
	sees $C w8
	pg_restart immediate
	within 30 owned 42
	within 30 told_elsewhere
	on 3 viewer 42 "$Q"
	D=$V
	within 10 some_answers_on 3
	sleep 2
	kill -KILL "$(node_answer 42 1)" "$(node_answer 42 2)"
	swept
	viewed $D 60
	generated
	viewed $A
	viewed $C 60
}
told_elsewhere() { [ "$(rows)" -gt 0 ]; }

# bats test_tags=fault
@test "who has followed to the end costs nothing while the last one reads" {
	export TICKETCHAT_SEND_TIMEOUT=60
	two_nodes 100000
	on 2 viewer 42 "$Q"
	D=$V
	sees $D w8
	kill -STOP "${VIEWERS[D]}"
	replay_rest
	both is_whole
	p=$(node_answer 42 2)
	sleep 6
	before=$(ticks "$p")
	sleep 3
	[ $(($(ticks "$p") - before)) -lt 30 ]
	kill -CONT "${VIEWERS[D]}"
	viewed $D
	is_whole
}
# Hundredths of a second that a process has used.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

@test "what does not fit where it is followed: whole, from the database" {
	{
		echo '{"response":"w1 ","done":false}'
		printf '{"response":"%s","done":false}\n' "$(printf '%0200000d' 0)"
		for i in {2..20}; do echo "{\"response\":\"w$i \",\"done\":false}"; done
		echo '{"response":"","done":true}'
	} >"$T/big.ndjson"
	jq -j .response "$T/big.ndjson" >"$T/kept/long"
	replay --delay 500 --pace 300 "$T/big.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	TICKETCHAT_MAX_ANSWER_BYTES=1024 on 2 viewer 42 "$Q"
	C=$V
	viewed $A 60
	is "$(types)" "stream done"
	viewed $C 60
	[[ $(types) = "stream cached done" || $(types) = "cached done" ]]
}

# bats test_tags=fault
@test "who waits for a slot survives the database's restart" {
	long 25
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=1
	on 1 viewer 1 "$Q"
	A=$V
	sees $A w8
	on 2 viewer 2 '{"ticketBody":"a","status":true}'
	C=$V
	sees $C '"queued","position":1'
	pg_restart
	sleep 1
	replay_rest
	viewed $A 60
	is_whole
	viewed $C 60
	is_text "$LONG"
	is "$(answers_kept)" 2
}

# bats test_tags=fault
@test "failed over from a machine that says nothing any more" {
	needs_nft
	pg_replica
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.11:$PG_PORT,127.0.0.1:$REPLICA_PORT/$PG_DATABASE
	at() { echo "$TICKETCHAT_DATABASE"; }
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w8
	within 20 caught_up
	pg_stop immediate
	rules cut1 'filter hook input priority 0' \
	    <<<"ip daddr 127.0.0.11 tcp dport $PG_PORT drop"
	pg_promote
	replay_rest
	viewed $A 60
	is_whole
	NO_DATABASE=1	# what is left is on the other server
}
caught_up() { [ "$(psql -c 'SELECT replay_lsn >= pg_current_wal_insert_lsn()
    FROM pg_stat_replication')" = t ]; }
