# The administrator's half on PostgreSQL: what SQLite's has not.
STORE=postgres
load ../cases/helper

# What is imported here no model has said.
prepare() { NO_DATABASE=1; }

# A line as of export: session $1 of ticket $2, answered with $3.
line() {
	jq -nc --argjson s "$1" --argjson t "$2" --arg a "$3" '{ticket: $t,
	    ticket_created: "2026-01-01T00:00:00Z", session: $s,
	    created: "2026-01-02T00:00:00Z",
	    answered: "2026-01-02T00:01:00.123Z", prompt: "paper jam",
	    response: $a, model: null, reason: null, prompt_tokens: null,
	    answer_tokens: null, queued_ms: null, first_token_ms: null,
	    total_ms: null, load_ms: null, prompt_ms: null, answer_ms: null}'
}

# Has a ticket as a generation does: its lease lives for $2 seconds.
generation() {
	psql <<-END
	INSERT INTO TicketAIRuns (TicketId, Subject, SessionId, Owner, State,
		Until, UserName, Node, Began, Viewers)
	SELECT $1, '', max(Id), 'x', 'running', clock_timestamp() +
		interval '${2:-3} s', '', 'y', clock_timestamp(), true
	FROM TicketAISessions WHERE TicketId = $1;
	UPDATE TicketAIBeat SET Beat = clock_timestamp();
	END
}

# Somebody else's table of tickets.
theirs() {
	"$PG_BIN/psql" -Xqd "$(at 1)" <<-'END'
	SET search_path = ticketchat, public;
	CREATE TABLE public.theirs ("No" int PRIMARY KEY);
	INSERT INTO public.theirs VALUES (7), (8);
	SELECT use_tickets('public.theirs', 'No');
	END
}

@test "from a file into the server and back: not a byte differs" {
	{
		line 3 7 $'a\tb\\c\nd\r"\\N" \\. é😀'
		line 9 7 ''
		line 10 8 NULL
	} >"$T/in"
	sessions import "$T/in"
	sessions export >"$T/out"
	TICKETCHAT_DATABASE=$T/file sessions migrate
	TICKETCHAT_DATABASE=$T/file sessions import "$T/out"
	TICKETCHAT_DATABASE=$T/file sessions export | cmp - "$T/out"
	is "$(jq -c . "$T/out")" "$(jq -c . "$T/in")"
}

@test "ids that were taken in are never given again, nor do they go back" {
	line 50 7 a | sessions import
	line 20 7 b | sessions import
	is "$(sql "SELECT session_begin(8, 0, false)")" 51
}

@test "an import is refused whole: twice an id, U+0000" {
	{ line 1 7 a; line 2 7 b; line 1 8 c; } >"$T/in"
	not sessions import "$T/in" 2>"$T/err"
	grep -q 'line 3: session 1 is there twice' "$T/err"
	{ line 1 7 a; line 2 7 a | jq -c '.response = "\u0000"'; } >"$T/in"
	not sessions import "$T/in" 2>"$T/err"
	grep -q 'line 2: a text contains U+0000' "$T/err"
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 0
}

@test "somebody else's tickets: none is added, none goes" {
	theirs
	line 1 7 a | sessions import
	not sessions import <<<"$(line 2 9 a)" 2>"$T/err"
	grep -q 'line 1: there is no ticket 9' "$T/err"
	is "$(sessions export | jq -c '[.ticket, .ticket_created]')" '[7,null]'
	sessions purge --force --older-than 1
	line 3 8 a | sessions import
	sessions forget --ticket 8
	is "$(sql 'SELECT count(*) FROM public.theirs')" 2
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 0
}

@test "forget leaves no byte in the tables, and none in the statistics" {
	line 1 7 "$(printf 'xyzzy%.0s' {1..20})" | sessions import
	line 2 8 b | sessions import
	psql -c 'ANALYZE TicketAISessions' -c CHECKPOINT
	grep -rqa xyzzyxyzzy "$PG/base"
	sessions forget --ticket 7
	psql -c CHECKPOINT
	not grep -rqa xyzzyxyzzy "$PG/base"
}

@test "forget waits for who can still see it, and for a generation" {
	line 1 7 a | jq -c '.answered = null | .response = null' |
	    sessions import
	generation 7
	began=$(date +%s)
	sessions forget --ticket 7
	is "$(sql 'SELECT count(*) FROM Tickets')" 0
	is "$(sql 'SELECT count(*) FROM TicketAIRuns')" 0
	# Until then the lease was another one's.
	[ $(($(date +%s) - began)) -ge 2 ]
}

# Runs that have ended, and one that runs: of a user of the token, of another one.
@test "forget --user leaves nothing of a user in the table of generations" {
	local user t=0 hash
	printf 'a-secret-that-is-long-enough-for-tests' >"$T/secret"
	chmod 600 "$T/secret"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/secret
	asks() { jq -cn --arg t "$(sessions token --user "$1" "$T/secret")" \
	    '{ticketBody: "printer jam", token: $t}'; }
	users() { psql -c 'SELECT count(*), count(DISTINCT UserName) FROM TicketAIRuns
	    WHERE UserName <> $$$$'; }
	hash_of() { psql -c "SELECT UserName FROM TicketAIRuns WHERE TicketId = $1"; }
	long 25
	for user in ana ana 'ana b' 'José "x"\y' bob; do
		t=$((t + 1))
		replay "$UP/good.ndjson"
		ask $t "$(asks "$user")"
		generated
		replay_end
	done
	replay_part "$T/long.ndjson"
	viewer 9 "$(asks ana)"
	sees $V w8
	is "$(users)" '6|4'
	hash=$(hash_of 1)
	is "$(hash_of 9)" "$hash"
	psql -c CHECKPOINT
	grep -rqa "$hash" "$PG/base"
	run -0 sessions forget --user ana --verify
	[[ $output = *'searched the tables: 0 rows are left'* ]]
	psql -c CHECKPOINT
	not grep -rqa "$hash" "$PG/base"
	is "$(users)" '3|3'
	run -0 sessions forget --user 'José "x"\y'
	is "$(users)" '2|2'
	run -0 sessions forget --user nobody --verify
	is "$(users)" '2|2'
	# The one that ran goes on.
	replay_rest
	viewed $V
	is_text "$LONG"
	is "$(users)" '2|2'
}

@test "forget --user waits for whoever can still see the row" {
	psql -c "INSERT INTO TicketAIRuns (TicketId, Subject, SessionId, Owner, Until,
	    UserName, Node, Began, Viewers) VALUES (1, '', 1, 'x', clock_timestamp(), 'h',
	    'n', clock_timestamp(), true)"
	psql -c 'BEGIN ISOLATION LEVEL REPEATABLE READ' -c 'SELECT * FROM TicketAIRuns' \
	    -c 'SELECT pg_sleep(3)' >"$T/lock" &
	track $!
	within 10 grep -q . "$T/lock"
	sessions forget --user ana --verify
	dead $!
}

# pg_dump and pg_restore, where they are not in everybody's path.
tools() { PATH=$PG_BIN:$PATH; }

@test "purge spares what a generation works on, whose lease lives or is locked" {
	line 1 7 a | jq -c '.answered = null | .response = null' |
	    sessions import
	generation 7 10
	left() { is "$(sessions purge --force --older-than 1 | tail -n 1)" \
	    '1 with a running generation were not deleted'; }
	left
	# Being saved, it may be as late as it likes.
	psql -c "UPDATE TicketAIRuns SET Until = '2020-01-01'"
	psql -c 'BEGIN' -c 'SELECT * FROM TicketAIRuns FOR UPDATE' \
	    -c 'SELECT pg_sleep(3)' >"$T/lock" &
	track $!
	within 10 grep -q . "$T/lock"
	left
	wait $!
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
	sessions purge --force --older-than 1
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 0
}

@test "restore: what runs ends, nothing begins, and then all is as before" {
	tools
	replay "$UP/good.ndjson"
	TICKETCHAT_TICKETS=auto ask 9 "$Q"
	sessions backup "$T/copy"
	replay_end
	long 25
	replay_part --times 1 --then "$UP/good.ndjson" "$T/long.ndjson"
	viewer 42 "$Q"
	A=$V
	sees $A w8
	sessions restore "$T/copy"
	viewed $A
	failed_with shutting_down 2
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
	ask 42 "$Q"
	generated
	psql -c "SELECT run_close('restore', 60)"
	ask 43 "$Q"
	failed_with shutting_down 2
	psql -c "SELECT run_close('restore', 0)"
	ask 43 "$Q"
	generated
}

# pg_restore that rests for $1 seconds once it has exchanged the tables, and
# then makes $T/rested.
slow_restore() {
	mkdir "$T/bin"
	cat >"$T/bin/pg_restore" <<-END
	#!/bin/sh
	"$PG_BIN/pg_restore" "\$@" || exit
	case "\$*" in *--single-transaction*) : >"$T/exchanged"; sleep $1; : >"$T/rested" ;; esac
	END
	chmod +x "$T/bin/pg_restore"
	PATH=$T/bin:$PATH
}
restoring() { "$B/bin/sessions" -c "$T/conf" restore "$T/copy" >"$T/restored" 2>&1 3>&- & R=$!; track $R; }

@test "restore: asked all the time, nothing begins before the ids are right" {
	local t=100
	tools
	replay "$UP/good.ndjson"
	line 50 7 a | sessions import
	sessions backup "$T/copy"
	line 90 8 b | sessions import
	psql -c "SELECT setval('TicketAIRunNumbers', 500)"
	# Nor does the server end a connection that says nothing meanwhile.
	psql -c "ALTER ROLE ticketchat IN DATABASE $PG_DATABASE SET idle_session_timeout = 1000"
	slow_restore 4
	restoring
	while [ ! -e "$T/rested" ]; do
		kill -0 $R
		t=$((t + 1))
		on 2 ask $t "$Q"
		[ -e "$T/exchanged" ] || continue
		[[ $(code) = shutting_down || $(code) = storage || -e $T/rested ]]
	done
	psql -c "ALTER ROLE ticketchat IN DATABASE $PG_DATABASE RESET idle_session_timeout"
	wait $R
	[ $t -gt 103 ]
	on 2 ask 99 "$Q"
	generated
	is "$(sql 'SELECT count(*) FROM TicketAISessions WHERE Id BETWEEN 51 AND 90')" 0
	[ "$(sql 'SELECT max(Id) FROM TicketAISessions')" -gt 90 ]
	is "$(sql 'SELECT count(*) FROM TicketAIRuns WHERE Run <= 500')" 0
	NO_DATABASE=1
}

@test "restore: a question during the exchange is told storage, and soon" {
	local locked
	tools
	replay "$UP/good.ndjson"
	line 50 7 a | sessions import
	sessions backup "$T/copy"
	# Whoever reads the last table that it drops holds the exchange up.
	psql -c BEGIN -c 'SELECT * FROM TicketAISessions LIMIT 0' \
	    -c "SELECT 'holds'" -c 'SELECT pg_sleep(600)' >"$T/lock" &
	locked=$!
	track $locked
	within 10 grep -q holds "$T/lock"
	restoring
	within 20 exchanging
	for t in 7 99; do
		on 2 ask $t "$Q"
		failed_with storage 111
	done
	on 2 ask 98 "$Q" '{"ticketBody":"printer jam","refresh":true}'
	is "$(code)" $'storage\nstorage'
	# They did not wait for its end.
	kill -0 $locked
	kill -0 $R
	is "$(posts)" 0
	psql -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" >"$T/cancelled"
	within 30 dead $R
	wait $R
	on 2 ask 7 "$Q"
	kept a
	NO_DATABASE=1
}
# The only process that $1 has started.
child_of() { C=$(<"/proc/$1/task/$1/children"); [ -n "$C" ]; }

@test "restore, backup: killed alone, no pg_restore or pg_dump goes on" {
	local p
	tools
	line 50 7 a | sessions import
	sessions backup "$T/copy"
	# The real one, which waits for a lock.
	psql -c BEGIN -c 'SELECT * FROM TicketAISessions LIMIT 0' \
	    -c "SELECT 'holds'" -c 'SELECT pg_sleep(600)' >"$T/lock" &
	track $!
	within 60 grep -q holds "$T/lock"
	restoring
	within 60 exchanging
	child_of $R
	kill -KILL $R
	within 60 dead ${C% }
	psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" >"$T/ended"
	# At each of their calls, one that has not even begun its work.
	mkdir "$T/bin"
	for p in pg_dump pg_restore; do
		printf '#!/bin/sh\necho $$ >"%s"\nexec sleep 600\n' "$T/pid" >"$T/bin/$p"
		chmod +x "$T/bin/$p"
		PATH=$T/bin:$PATH
		case $p in
		pg_dump) "$B/bin/sessions" -c "$T/conf" backup "$T/new" >"$T/made" 2>&1 3>&- & ;;
		*) "$B/bin/sessions" -c "$T/conf" restore --force "$T/copy" >"$T/made" 2>&1 3>&- & ;;
		esac
		R=$!
		track $R
		within 60 test -s "$T/pid"
		C=$(<"$T/pid")
		kill -KILL $R
		within 60 dead $C
		rm "$T/pid" "$T/bin/$p"
	done
	is "$(sessions export | jq -r .ticket | sort -u)" 7
	NO_DATABASE=1
}

# Whether it waits for the lock of a table.
exchanging() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity WHERE
    application_name = 'pg_restore' AND wait_event_type = 'Lock'")" = 1 ]; }

@test "a backup of schema 1 is restored, and brought to this version" {
	tools
	psql -c 'DROP SCHEMA ticketchat CASCADE' 2>"$T/dropped"
	"$PG_BIN/psql" -XqAt -d "$(at 1)" -v ON_ERROR_STOP=1 -1 \
	    -f "$ROOT/sql/postgres/001_init.sql"
	"$PG_BIN/psql" -XqAt -d "$(at 1)" <<-'SQL'
	INSERT INTO ticketchat.Tickets (Id) VALUES (7);
	INSERT INTO ticketchat.TicketAISessions (TicketId, Prompt, AiResponse)
	VALUES (7, 'a', 'b');
	SELECT nextval('ticketchat.TicketAIRuns');
	SQL
	"$PG_BIN/pg_dump" --format=custom --schema=ticketchat --no-owner \
	    --file="$T/old" --dbname="$(at 1)"
	sessions migrate
	line 90 8 c | sessions import
	sessions restore "$T/old"
	sessions migrate
	is "$(sessions export | jq -r '[.ticket, .response] | @tsv')" $'7\tb'
	replay "$UP/good.ndjson"
	ask 8 "$Q"
	generated
	is "$(sql 'SELECT max(Id) > 90 FROM TicketAISessions')" t
	is "$(sql "SELECT count(*) FROM pg_class WHERE relname = 'ticketaiframes'")" 0
}

# The database as 0.1 has left it, with a session of ticket 7 and of ticket 8.
as_old() {
	psql -c 'DROP SCHEMA ticketchat CASCADE' 2>"$T/dropped"
	"$PG_BIN/psql" -XqAt -d "$(at 1)" -v ON_ERROR_STOP=1 -1 \
	    -f "$ROOT/sql/postgres/001_init.sql"
	"$PG_BIN/psql" -XqAt -d "$(at 1)" <<-'SQL'
	SET search_path = ticketchat, public;
	SELECT session_begin(7, 'a', 0, false), session_begin(8, 'b', 0, false);
	SQL
}
# A generation of 0.1 of ticket $1: its connection holds the ticket and, with a
# slot, that.  It saves after $3 seconds, and ends when it is told to stop,
# unless it is deaf ($4); 0.1's other programs are asked whether one may begin.
old_generation() {
	/usr/bin/python3 - "$(at 1)" "$@" >"$T/old.$1" 2>&1 3>&- <<'END' &
import psycopg, select, sys, time
uri, ticket, slot, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
deaf = len(sys.argv) > 5
db = psycopg.connect(uri, autocommit=True)
db.execute("SET search_path = ticketchat, public")
row = db.execute("SELECT max(Id) FROM TicketAISessions WHERE TicketId = %s", [ticket]).fetchone()
db.execute("SELECT ticket_take(%s, %s, 'a', 0, 0)", [ticket, row[0]])
if slot == "slot":
    db.execute("SELECT slot_take(ARRAY['0'], ARRAY[3], 0, NULL)")
print("runs", flush=True)
until = time.monotonic() + seconds
while time.monotonic() < until:
    select.select([db.fileno()], [], [], max(until - time.monotonic(), 0))
    db.pgconn.consume_input()
    while (note := db.pgconn.notifies()) is not None:
        if note.extra == b"stop" and not deaf:
            print("stopped", flush=True)
            sys.exit()
db.execute("SELECT session_answer(%s, 'whole', 'm', 'stop', ARRAY[1,1,1,1,1,1,1,1]::bigint[])", [row[0]])
print("saved", flush=True)
END
	track $!
	within 10 grep -q runs "$T/old.$1"
}
# Whether a generation of 0.1 may begin now.
may_begin() { [ "$(psql -c "SELECT pg_try_advisory_xact_lock_shared(
    lock_key('all', ''))")" = t ]; }
version() { psql -c 'TABLE SchemaVersion'; }

@test "migrate waits for generations of 0.1 on all machines, and none begins" {
	as_old
	old_generation 7 slot 15
	old_generation 8 waits 60
	sessions migrate >"$T/said" 2>&1 &
	M=$!
	track $M
	within 10 grep -q '^sessions: migrate: 2 generations run.*at most 1800 s (--now ends them)' \
	    "$T/said"
	not may_begin
	# Who waits for a turn may ask again; what is written is saved.
	within 10 grep -q stopped "$T/old.8"
	within 60 dead $M
	wait $M
	grep -q saved "$T/old.7"
	grep -q "schema $SCHEMA, was 1" "$T/said"
	is "$(sessions export | jq -r 'select(.response != null) | [.ticket, .response] | @tsv')" \
	    $'7\twhole'
	NO_DATABASE=1
}

@test "migrate waits ANSWER_TIMEOUT at most, and then nothing is changed" {
	as_old
	old_generation 7 slot 9
	TICKETCHAT_ANSWER_TIMEOUT=2 run -1 "$B/bin/sessions" -c "$T/conf" migrate
	[[ $output = *'nothing is changed (sessions tail shows them; migrate --now ends them)' ]]
	is "$(version)" 1
	may_begin
	within 20 grep -q saved "$T/old.7"
	sessions migrate
	is "$(version)" $SCHEMA
	NO_DATABASE=1
}

@test "migrate --now ends generations of 0.1; one that is deaf is told of" {
	as_old
	old_generation 7 slot 60
	sessions migrate --now
	grep -q stopped "$T/old.7"
	is "$(version)" $SCHEMA
	as_old
	old_generation 8 slot 60 deaf
	run -1 "$B/bin/sessions" -c "$T/conf" migrate --now
	[[ $output = *"\`sessions stop TICKET' ends one that does not react)" ]]
	is "$(version)" 1
	may_begin
}

@test "migrate that is killed while it waits leaves nothing behind that closes" {
	as_old
	old_generation 7 slot 60
	"$B/bin/sessions" -c "$T/conf" migrate >"$T/said" 2>&1 &
	M=$!
	track $M
	within 10 not may_begin
	kill -KILL $M
	within 10 may_begin
	is "$(version)" 1
}

@test "two machines migrate at once: one waits, and the other for it" {
	as_old
	old_generation 7 slot 9
	on 1 sessions migrate --wait >"$T/said.1" 2>&1 &
	track $!
	within 10 grep -q '1 generation runs' "$T/said.1"
	on 2 sessions migrate --wait >"$T/said.2" 2>&1
	grep -q 'another node is migrating it' "$T/said.2"
	grep -q "schema $SCHEMA, up to date" "$T/said.2"
	within 10 grep -q "schema $SCHEMA, was 1" "$T/said.1"
}

@test "what the role may not do is told by migrate, not at the end of an answer" {
	psql -c 'ALTER TABLE TicketAIRuns OWNER TO postgres;
	    GRANT SELECT, INSERT, DELETE ON TicketAIRuns TO ticketchat'
	run "$B/bin/sessions" -c "$T/conf" migrate
	is "$status" 102
	[[ $output = *'the role ticketchat is not allowed to UPDATE ticketairuns' ]]
	psql -c 'ALTER TABLE TicketAIRuns OWNER TO ticketchat'
	for right in 'UPDATE ON ticketaisessions' 'INSERT ON tickets' 'DELETE ON ratelimits' \
	    'USAGE ON SEQUENCE ticketairunnumbers' \
	    'EXECUTE ON FUNCTION run_lives(bigint,text)' 'SELECT ON ticketaibeat'; do
		psql -c "REVOKE $right FROM PUBLIC, ticketchat"
		run -102 "$B/bin/sessions" -c "$T/conf" migrate
		what=${right##* }
		is "${output##*allowed to }" "${right%% *} ${what%(*}"
		psql -c "GRANT $right TO ticketchat"
		sessions migrate
	done
}

@test "doctor: too few connections for all generations, and a host that is no good" {
	TICKETCHAT_GENERATIONS=190 sessions doctor --quick >"$T/doctor" || true
	grep -q 'max_connections is [0-9]*, but 190 generations can run' "$T/doctor"
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.1:1,127.0.0.11:$PG_PORT/$PG_DATABASE \
	    sessions doctor --quick >"$T/doctor" || true
	grep -q '^warning *database: 127.0.0.1: ' "$T/doctor"
}

@test "backup and restore: as it was, but ids go on" {
	tools
	{ line 1 7 a; line 2 8 b; } | sessions import
	sessions export >"$T/before"
	sessions backup "$T/copy"
	not sessions backup "$T/copy"
	sessions delete 8
	line 70 9 c | sessions import
	sessions restore "$T/copy"
	sessions export | cmp - "$T/before"
	is "$(sql "SELECT session_begin(8, 99, false) > 70")" t
	[ -s "$T/copy.before-restore" ]
	not sessions restore "$T/copy"
	# What is no backup changes nothing.
	head -c 900 "$T/copy" >"$T/torn"
	not sessions restore "$T/torn"
	sessions restore --force "$T/copy.before-restore"
	is "$(sessions export | jq -c .ticket | tail -n 1)" 9
}

@test "without the tools, a word about where they are" {
	PATH=$T not sessions backup "$T/copy" 2>"$T/err"
	grep -q postgresql-client "$T/err"
}

@test "the rate limit is one for all, and nobody waits for another's lock" {
	local i
	for i in 1 2 3 4; do
		for _ in {1..300}; do
			echo "SELECT rate_take('u$((RANDOM % 5))', 1000, 0, '$RANDOM');"
		done | psql >"$T/rate.$i" 2>&1 &
		track $!
	done
	wait
	not grep -h ERROR "$T"/rate.*
	is "$(sql "SELECT rate_take('v', 60000000, 0, 'once')")" 0
	# Asked again, as its answer was lost, it is the same one.
	is "$(sql "SELECT rate_take('v', 60000000, 0, 'once')")" 0
	[ "$(sql "SELECT rate_take('v', 60000000, 0, 'another')")" -gt 59000000 ]
	[ "$(sql "SELECT rate_take('v', 60000000, 0, '')")" -gt 59000000 ]
}

@test "search: accents, phrases, beginnings; no phrase from text to answer" {
	line 1 7 'Émile imprime' | sessions import
	is "$(sessions search --json emile 'paper j*' | jq -r .snippet)" \
	    'paper jam'
	is "$(sessions search --json 'EMILE impr*' | jq -r .snippet)" \
	    'Émile imprime'
	not sessions search 'jam emile'
}

@test "doctor and metrics ask the server" {
	sessions doctor --json >"$T/doctor" || true
	jq -se 'map(select(.check == "database")) | length == 2 and
	    all(.level == "ok")' "$T/doctor"
	not grep -q '"check":"disk"' "$T/doctor"
	sessions metrics | grep '^ticketchat_database_bytes [1-9]'
	not grep -q wal_bytes <<<"$(sessions metrics)"
}

@test "doctor tells the name of each server: a loopback's has the machine's" {
	OLLAMA_SERVER='http://127.0.0.1:9 http://GPU1/api/chat weight=2 http://gpu2 name=big' \
	    sessions doctor --json >"$T/doctor" || true
	is "$(jq -r 'select(.check == "server") | .level + " " +
	    (.finding | split(" ")[0])' "$T/doctor")" "ok $(uname -n)/http://localhost:9
ok http://gpu1:80
ok big"
}
