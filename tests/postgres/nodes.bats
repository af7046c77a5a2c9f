# Several nodes on one PostgreSQL: a ticket is generated once, whoever waits on
# another node gets all of it, and what can break breaks without a partial answer.
# Where packets are lost they really are: nftables drops them.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

# The generation of ticket $1 on node $2.
node_answer() { on "$2" answer_of "$1"; }
# Runs that live: of all tickets, or of ticket $1.
runs() { psql -c "SELECT count(*) FROM TicketAIRuns WHERE Ended IS NULL AND
    Until > clock_timestamp() AND TicketId = coalesce($1, TicketId)"; }
ran() { [ "$(runs "${1:-NULL}")" = "${2:-1}" ]; }
answers_kept() { psql -c 'SELECT count(AiResponse) FROM TicketAISessions'; }
# What a killed generator leaves until somebody asks there again.
swept() { rm -f "$T"/run*/*.sock; }
log_has() { grep -q "$2" "$T/log$([ "$1" = 1 ] || echo ".$1")"; }
some_answers_on() { [ -n "$(on "$1" answers)" ]; }

S='{"ticketBody":"printer jam","status":true}'
# Node 1 generates for ticket 42 and stands still behind w8.
one_of_two() {
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w8
}
# Node 1 generates for ticket 42 and stands still behind w8; node 2 waits for it.
two_nodes() {
	long "${1:-25}"
	replay_part "${@:2}" "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w8
	on 2 viewer 42 "$S"
	C=$V
	sees $C generating
}
is_whole() {
	is "$(types)" "stream done"
	is_text "$LONG"
}
# Of whoever waited on another node: a state without a place, then all of it.
is_theirs() {
	not grep -q '"stream"\|position' <<<"$frames"
	is "$(types "$(grep -v '"status"' <<<"$frames")")" "cached done"
	is "$(content).." "$LONG.."
}
content() { jq -j 'select(.type == "cached").response' <<<"$frames"; }
both_whole() {
	viewed $A 60
	is_whole
	viewed $C 60
	is_theirs
}
both() {
	viewed $A 60
	"$@"
	viewed $C 60
	"$@"
}
is_interrupted() {
	failed_with interrupted 2
	[[ $LONG. = "$(text)"*. ]]
}
# One that waited has written it anew.
is_anew() {
	is "$(types "$(grep -v '"status"' <<<"$frames")")" "stream done"
	not has $C interrupted
}

@test "while one node generates an answer nobody writes one on another" {
	export TICKETCHAT_WRITE=on
	replay "$UP/good.ndjson"
	on 1 ask 42 "$Q"
	replay_end
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	A=$V
	sees $A w8
	printf 'Minha.' >"$T/kept/mine"
	on 2 ask 42 '{"type":"write","response":"Minha."}'
	failed_with answer_running 1
	run -1 on 2 sessions write 42 <"$T/kept/mine"
	[[ $output = *'is being generated on another machine'* ]]
	is "$(answers_kept)" 1
	replay_rest
	viewed $A
	is_whole
	on 2 ask 42 '{"type":"write","response":"Minha.","version":1}'
	failed_with answer_changed 1
	# Both nodes at once: each is a version of its own.
	on 1 viewer 42 '{"type":"write","response":"Minha."}'
	A=$V
	printf 'Outra.' >"$T/kept/other"
	on 2 viewer 42 '{"type":"write","response":"Outra."}'
	C=$V
	both is_written
	is "$(answers_kept)" 4
	# A generation that has died keeps nobody from it when its lease is over.
	rm "$T/go"
	replay_part "$T/long.ndjson"
	on 1 viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	A=$V
	sees $A w8
	kill -KILL "$(node_answer 42 1)"
	viewed $A 60
	printf 'Enfim.' >"$T/kept/last"
	within 30 writes_again
	is "$(answers_kept)" 5
	swept
}
is_written() { is "$(types)" done; }
writes_again() {
	on 2 ask 42 '{"type":"write","response":"Enfim.","session":'"$(psql -c '
	    SELECT max(Id) FROM TicketAISessions WHERE AiResponse IS NOT NULL')"'}'
	[ "$(types)" = done ]
}

@test "two nodes that ask the same about an answer have one generation of it" {
	export TICKETCHAT_GENERATIONS=2
	local asked='{"question":"And then?"}'
	replay "$UP/good.ndjson"
	on 1 ask 42 "$Q"
	replay_end
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$asked"
	A=$V
	sees $A w1 60
	on 2 viewer 42 "${asked%\}},\"status\":true}"
	C=$V
	sees $C generating 60
	# Another question is a generation of its own.
	on 3 viewer 42 '{"question":"And before?"}'
	B2=$V
	sees $B2 w1 60
	is "$(runs 42)" 2
	replay_rest
	viewed $A 60
	is_whole
	viewed $C 60
	is_theirs
	viewed $B2 60
	is_whole
	is "$(posts)" 3
	is "$(psql -c 'SELECT count(*) FROM TicketAISessions WHERE FollowsId IS NOT NULL')" 2
}

@test "an answer that another node writes is opened when it is saved" {
	local O='{"type":"open"}'
	on 2 ask 42 "$O"
	failed_with no_answer 1
	one_of_two
	on 2 viewer 42 "$O"
	local opened=$V
	on 1 viewer 42 "$O"
	sees $V w8
	sleep 3			# it has looked once more at least
	is "$(so_far $opened)" ''
	ran 42 1
	[ -z "$(on 2 answers)" ]
	replay_rest
	viewed $V
	is_whole
	viewed $A
	viewed $opened
	is "$(types)" 'cached done'
	is "$(content).." "$LONG.."
	is "$(posts)" 1
}

@test "an open that waits for another node ends when that one has failed" {
	one_of_two
	on 2 viewer 42 '{"type":"open"}'
	local opened=$V
	sleep 1
	on 2 viewer 42 '{"type":"stop"}'
	viewed $A 60
	failed_with stopped
	viewed $opened 30
	failed_with no_answer 1
	is "$(answers_kept)" 0
}

@test "20 viewers on three nodes: one request, one text, nothing left over" {
	long 60
	replay --pace 40 "$T/long.ndjson"
	all=()
	for i in {0..19}; do
		on $((i % 3 + 1)) viewer 42 "$Q"
		all+=($V)
	done
	whole=0
	for v in "${all[@]}"; do
		viewed $v 60
		if [ "$(types)" = "stream done" ]; then
			is_whole
			whole=$((whole + 1))
		else
			is_theirs
		fi
	done
	[ $whole -ge 6 ] && [ $whole -le 7 ]
	is "$(posts)" 1
	is "$(answers_kept)" 1
	each_node within 20 none_answers
	is "$(runs NULL)" 0
	on 3 ask 42 "$Q"
	is "$(types)" "cached done"
}

@test "a run is a row with its node, and no word of the answer is in it" {
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees $V w8
	is "$(psql -c "SELECT TicketId, State, Node, Stop, Viewers FROM TicketAIRuns")" \
	    "42|running|$(uname -n)|f|t"
	not grep -q 'w[0-9]' <<<"$(psql -c 'TABLE TicketAIRuns')"
	is "$(sessions metrics | grep '^ticketchat_generations_running')" \
	    'ticketchat_generations_running 1'
	TICKETCHAT_DATABASE=$(at 2) TICKETCHAT_RUN_DIR=$T/run.9 sessions metrics |
	    grep '^ticketchat_generations_running 1'
	replay_rest
	viewed $V
	is_whole
	is "$(psql -c 'SELECT Ended FROM TicketAIRuns')" done
}

@test "who comes late on another node gets all of it, once it is saved" {
	two_nodes
	on 3 viewer 42 "$S"
	D=$V
	sees $D generating
	not has $D '"stream"'
	replay_rest
	both_whole
	viewed $D
	is_theirs
	is "$(states)" generating
	is "$(posts)" 1
}

@test "a stop on another node ends it for all, and the model is idle" {
	two_nodes
	on 2 ask 42 '{"type":"stop"}'
	both failed_with stopped 2
	within 10 logged '^gone 1'
	is "$(answers_kept)" 0
	within 10 ran NULL 0
}

@test "a stop from a node where nobody waits: from a viewer, and at a shell" {
	long 25
	replay_part "$T/long.ndjson"
	for way in viewer shell; do
		on 1 viewer 42 "$Q"
		A=$V
		sees $A w8
		if [ $way = viewer ]; then
			on 3 ask 42 '{"type":"stop"}'
		else
			on 3 sessions stop 42 >"$T/said"
			is "$(<"$T/said")" "ticket 42: stopped on another node"
		fi
		viewed $A 20
		failed_with stopped 2
	done
	on 3 not sessions stop 42 2>"$T/said"
	is "$(<"$T/said")" "sessions: no generation runs for ticket 42"
}

# Nobody learns for $2 seconds whose ticket $1 is.
nobody_learns() {
	psql -c BEGIN -c "SELECT pg_advisory_xact_lock(lock_key('begin', '$1'))" \
	    -c "SELECT 'held'" -c "SELECT pg_sleep($2)" >"$T/held" &
	track $!
	within 10 grep -q held "$T/held"
}
@test "a stop from where it is not known yet who has the ticket ends it all the same" {
	local seconds
	# Longer than a call waits for a lock, too.
	for seconds in 1 4; do
		rm -f "$T/go"
		long 25
		replay_part "$T/long.ndjson"
		on 1 viewer 42 "$Q"
		A=$V
		sees $A w8
		nobody_learns 42 $seconds
		on 2 talker 42
		C=$V
		say $C "$Q"
		each_node within 10 some_answers
		say $C '{"type":"stop"}'
		viewed $C 20
		failed_with stopped 2
		viewed $A 20
		failed_with stopped 2
		within 20 ran NULL 0
		replay_end
	done
	is "$(answers_kept)" 0
}

@test "a stop where nobody has the ticket begins nothing, and leaves others alone" {
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 41 "$Q"
	A=$V
	sees $A w8
	nobody_learns 42 1
	on 2 talker 42
	say $V "$Q"
	each_node within 10 some_answers
	say $V '{"type":"stop"}'
	viewed $V 20
	failed_with stopped 2
	within 20 ran 42 0
	is "$(posts)" 1
	# Whoever leaves is none who stops, ON_DISCONNECT=cancel or not.
	nobody_learns 41 1
	TICKETCHAT_ON_DISCONNECT=cancel on 2 tab 41
	say $V "$Q"
	each_node within 10 some_answers
	leave $V
	replay_rest
	viewed $A
	is_whole
}

@test "tail says where a ticket is worked on" {
	two_nodes
	for n in 2 3; do
		on $n not sessions tail 42 2>"$T/said"
		is "$(<"$T/said")" \
		    "sessions: ticket 42 is running on the node $(uname -n): watch it there"
	done
	replay_rest
	both_whole
	on 3 not sessions tail 42 2>"$T/said"
	is "$(<"$T/said")" "sessions: no generation runs for ticket 42"
}

@test "a refresh elsewhere waits for the one that runs; a double click costs one" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	: >"$T/replay.log"
	long 25
	replay_part "$T/long.ndjson"
	R='{"ticketBody":"printer jam","refresh":true,"status":true}'
	on 1 viewer 42 "$R"
	A=$V
	sees $A w8
	on 2 viewer 42 "$R"
	C=$V
	sees $C generating
	replay_rest
	viewed $A
	is_text "$LONG"
	viewed $C
	is_theirs
	is "$(posts)" 1
	is "$(sessions history --json 42 | jq -s length)" 2
}

@test "another text elsewhere: bodyChanged; with CACHE=body its own answer" {
	two_nodes
	on 3 viewer 42 '{"ticketBody":"another text"}'
	D=$V
	TICKETCHAT_CACHE=body on 4 viewer 42 '{"ticketBody":"a third text"}'
	E=$V
	replay_rest
	both_whole
	viewed $D
	is "$(jq -s 'map(select(.type == "cached").bodyChanged)' -c <<<"$frames")" '[true]'
	viewed $E
	is "$(types)" "stream done"
	is "$(posts)" 2
}

@test "another instruction elsewhere: its own answer, and neither stop nor viewer" {
	hint() { printf '{"ticketBody":"printer jam","refresh":true,"status":true,"instruction":"%s"}' "$1"; }
	export TICKETCHAT_WRITE=on TICKETCHAT_GENERATIONS=2
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$(hint a)"
	A=$V
	sees $A w8
	on 2 talker 42
	other=$V
	say $other "$(hint b)"
	sees $other queued
	on 3 viewer 42 "$(hint ' a ')"
	same=$V
	sees $same generating
	on 2 talker 42
	third=$V
	say $third "$(hint c)"
	sees $third queued
	say $third '{"type":"stop"}'
	sees $third stopped
	sleep 1
	not has $other generating
	replay_rest
	viewed $A 60
	is "$(last | jq -r .type) $(text)" "done $LONG"
	viewed $same 60
	is "$(content)" "$LONG"
	viewed $other 60
	is "$(last | jq -r .type) $(text)" "done $LONG"
	viewed $third
	failed_with stopped 2
	is "$(posts)" 2
	is "$(psql -c 'SELECT Instruction FROM TicketAISessions ORDER BY Id' |
	    paste -sd ' ')" 'a b'
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
@test "a node killed in mid-stream: who waits elsewhere writes it anew" {
	two_nodes 25 --times 1 --then "$UP/good.ndjson"
	kill -KILL "$(node_answer 42 1)"
	swept
	viewed $A 60
	is_interrupted
	viewed $C 30
	is_anew
	is "$(posts)" 2
	is "$(answers_kept)" 1
	on 1 ask 42 "$Q"
	is "$(types)" "cached done"
}

# bats test_tags=fault
@test "a node that is frozen: its lease ends, and it cannot save" {
	two_nodes 25 --times 1 --then "$UP/good.ndjson"
	p=$(node_answer 42 1)
	kill -STOP "$p"
	viewed $C 40
	is_anew
	on 2 ask 42 "$Q"
	new=$(content)
	kill -CONT "$p"
	replay_rest
	viewed $A 60
	# It was told that the run is over, or asked to save.
	[[ $(types) = "stream error" || $(types) = "stream cached done" ]]
	on 1 ask 42 "$Q"
	is "$(content)" "$new"
	is "$(answers_kept)" 1
}

# bats test_tags=fault
@test "a node that is told to end: others begin at once" {
	two_nodes 25 --times 1 --then "$UP/good.ndjson"
	kill -TERM "$(node_answer 42 1)"
	viewed $A 60
	failed_with shutting_down 2
	viewed $C 10
	is_anew
	is "$(answers_kept)" 1
}

# bats test_tags=fault
@test "the database restarted in mid-stream: nobody notices" {
	two_nodes
	pg_restart
	replay_rest
	both_whole
	is "$(posts)" 1
	is "$(answers_kept)" 1
}

# bats test_tags=fault
@test "a row that is lost is begun once more by its owner" {
	two_nodes
	psql -c 'DELETE FROM TicketAIRuns'
	within 10 ran 42
	on 3 viewer 42 "$S"
	D=$V
	sees $D generating
	replay_rest
	viewed $A 60
	is_whole
	viewed $D 60
	is_theirs
	viewed $C 60
	is_theirs
	is "$(posts)" 1
}

# bats test_tags=fault
@test "rows that are lost just before the answer ends are made once more" {
	two_nodes
	psql -c 'DELETE FROM TicketAIRuns; DELETE FROM TicketAISessions'
	replay_rest
	both_whole
	is "$(answers_kept)" 1
	is "$(posts)" 1
	on 2 ask 42 "$Q"
	is "$(types)" "cached done"
}

# bats test_tags=fault
@test "the database crashed, and back only after the model's last word" {
	two_nodes
	pg_stop immediate
	replay_rest
	sees $A w25
	not has $A done
	pg_up_again
	both_whole
	is "$(answers_kept)" 1
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
	within 30 ran NULL 0
	on 1 ask 42 "$Q"
	generated
}

# bats test_tags=fault
@test "an answer whose COMMIT was not acknowledged is done, and saved once" {
	two_nodes
	# The client is cut off when the server has got all of it.
	on_save pg_sleep 7
	replay_rest
	both_whole
	is "$(answers_kept)" 1
}
# Has the first try to save take $2 seconds: more than the client waits.
on_save() {
	psql <<-SQL
	CREATE FUNCTION sleep_once() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		IF nextval('ticketchat.slept_n') = 1 THEN PERFORM $1($2); END IF;
		RETURN NULL; END \$\$;
	CREATE SEQUENCE slept_n;
	GRANT ALL ON SEQUENCE slept_n TO ticketchat;
	CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON TicketAISessions
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sleep_once();
	SQL
}

# A standby whose word each COMMIT waits for; without it none ends.
pg_synchronous() {
	SYNCHRONOUS=yes
	pg_replica
	psql -c "ALTER SYSTEM SET synchronous_standby_names = '*'" \
	    -c 'SELECT pg_reload_conf()' >"$T/synchronous"
	within 20 confirmed
}
confirmed() { [ "$(psql -c 'SELECT sync_state FROM pg_stat_replication')" = sync ]; }
pg_asynchronous() {
	psql -c 'SET synchronous_commit = local' \
	    -c 'ALTER SYSTEM RESET synchronous_standby_names' \
	    -c 'SELECT pg_reload_conf()' >"$T/asynchronous"
}
# Nothing is dropped while it waits.
cleanup() { [ -z "$SYNCHRONOUS" ] || pg_asynchronous; }
# How many connections of ours wait for the standby, and how many do not.
held() { psql -c "SELECT count(*) FROM pg_stat_activity WHERE usename =
    'ticketchat' AND coalesce(wait_event = 'SyncRep', false) = ${1:-true}"; }
holds() { [ "$(held "$1")" = "$2" ]; }
# How often somebody met the row of a save that waits.
met() { grep -c 'canceling statement due to lock timeout' "$PG/log" || true; }

# bats test_tags=fault
@test "a synchronous standby is restarted: done once it is back, for all" {
	pg_synchronous
	two_nodes
	pg_down "$REPLICA"
	replay_rest
	sees $C saving 20
	within 20 holds true 1
	not has $A '"done"'
	# One that is asked meanwhile waits for it too, and so does who asks again.
	on 3 viewer 42 "$S"
	D=$V
	pg_up "$REPLICA"
	both_whole
	viewed $D 30
	is_theirs
	is "$(posts)" 1
	is "$(answers_kept)" 1
}

# bats test_tags=fault
@test "a synchronous standby stays away: a save holds one connection, and tries ever less" {
	local all=() before t
	PATIENCE=60
	export TICKETCHAT_GENERATIONS=3
	pg_synchronous
	long 25
	replay_part "$T/long.ndjson"
	for t in 1 2 3; do
		on $t viewer $t "$Q"
		all+=($V)
		sees $V w8 30
	done
	pg_down "$REPLICA"
	before=$(met)
	replay_rest
	within 20 holds true 3
	sleep 30
	# Of each the COMMIT on the server's side, and nothing of ours.
	is "$(held)" 3
	within 10 holds false 0
	[ $(($(met) - before)) -le 12 ]
	pg_up "$REPLICA"
	for t in "${all[@]}"; do
		viewed $t 60
		is_whole
	done
	is "$(answers_kept)" 3
}

# bats test_tags=fault
@test "a synchronous standby that is given up: what waits is done" {
	pg_synchronous
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w8 30
	pg_down "$REPLICA"
	replay_rest
	within 20 holds true 1
	pg_asynchronous
	viewed $A 60
	is_whole
	is "$(answers_kept)" 1
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
	both_whole
	is "$(answers_kept)" 1
}

# bats test_tags=fault
@test "cut off for long: the ticket becomes free, and the late one gives way" {
	needs_nft
	PATIENCE=60
	two_nodes 25 --times 1 --then "$UP/good.ndjson"
	cut_off 1
	viewed $C 40
	is_anew
	replay_rest
	sees $A w25
	reconnect 1
	viewed $A 60
	[[ $(types) = "stream error" || $(types) = "stream cached done" ]]
	is "$(answers_kept)" 1
	on 1 ask 42 "$Q"
	is "$(types)" "cached done"
}

# bats test_tags=fault
@test "a slow database delays nobody who is where the answer is" {
	needs_nft
	slow 1 200
	long 60
	replay --pace 20 "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w1 60
	on 2 viewer 42 "$Q"
	C=$V
	both_whole
	is "$(posts)" 1
}

# bats test_tags=fault
@test "connections that the server ends are made anew, and no word is lost" {
	two_nodes 60
	for _ in {1..20}; do
		psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		    WHERE usename = 'ticketchat'" >"$T/ended"
		on 3 viewer 42 "$Q"
		sleep 0.2
	done
	is "$(runs 42)" 1
	replay_rest
	both_whole
	is "$(posts)" 1
}

@test "slots are one server's over all nodes, and free with the lease" {
	long 25
	replay_part "$T/long.ndjson"
	TICKETCHAT_GENERATIONS=1 on 1 viewer 1 "$Q"
	A=$V
	sees $A w8
	TICKETCHAT_GENERATIONS=1 on 2 viewer 2 '{"ticketBody":"a","status":true}'
	C=$V
	sees $C '"queued","position":1'
	# Connections that break give nothing away.
	psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	    WHERE usename = 'ticketchat'" >"$T/ended"
	sleep 3
	is "$(posts)" 1
	kill -KILL "$(node_answer 1 1)"
	swept
	viewed $A
	is_interrupted
	sees $C w8 30
	replay_rest
	viewed $C
	is_text "$LONG"
	is "$(posts)" 2
}

@test "who waits holds no connection, and QUEUE_MAX is one for all nodes" {
	long 25
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=1 TICKETCHAT_QUEUE_MAX=3
	on 1 viewer 1 "$Q"
	A=$V
	sees $A w8
	all=()
	for t in 2 3 4; do
		on $t viewer $t '{"ticketBody":"a","status":true}'
		all+=($V)
		sees $V '"queued","position"'
	done
	on 3 ask 5 "$Q"
	failed_with queue_full 2
	within 10 few_connections
	replay_rest
	viewed $A
	is_whole
	for v in "${all[@]}"; do viewed $v 60; is_text "$LONG"; done
}

@test "who waits calls through the lookup that stays, and goes on without it" {
	long 25
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=1
	tab 1
	A=$V
	say $A "$S"
	within 60 has $A w8
	tab 2
	say $V "$S"
	within 60 has $V '"queued","position":1'
	waits=$(answer_of 2)
	stays=$(processes lookup)
	is "$(wc -w <<<"$stays")" 1
	# Three calls, all to the socket; PostgreSQL's port is not needed.
	strace -qq -s 200 -e trace=connect -p "$waits" 2>"$T/calls" &
	tracer=$!
	within 60 eval '[ "$(grep -c "run/lookup" "$T/calls")" -ge 3 ]'
	not grep -q AF_INET "$T/calls"
	# Without it: over a connection of its own.
	kill -KILL "$stays"
	within 60 grep -q AF_INET "$T/calls"
	kill $tracer
	replay_rest
	within 60 has $A '"done"'
	within 60 has $V '"done"'
	leave $V
	leave $A
}
few_connections() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity
    WHERE usename = 'ticketchat'")" -le 1 ]; }

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
	on 2 viewer 42 "$S"
	C=$V
	sees $C generating
	leave $A
	replay_rest
	viewed $C 60
	is_theirs
	is "$(answers_kept)" 1
}

@test "ON_DISCONNECT=cancel: the last one leaves, and it ends" {
	export TICKETCHAT_ON_DISCONNECT=cancel
	long 25
	replay_part "$T/long.ndjson"
	on 1 tab 42
	say $V "$Q"
	sees $V w8
	leave $V
	within 10 logged '^gone 1'
	within 10 ran NULL 0
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
