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

# Holds a ticket as a generation does, until it is told to stop, or ended.
generation() {
	psql >"$T/generation" <<-END &
	SELECT ticket_take($1, (SELECT max(Id) FROM TicketAISessions
		WHERE TicketId = $1), 0, 0);
	SELECT pg_sleep(3);
	END
	track $!
	within 10 grep -q '^[1-9]' "$T/generation"
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
	grep -q 'line 2: a text holds U+0000' "$T/err"
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
	sessions forget --ticket 7
	is "$(sql 'SELECT count(*) FROM Tickets')" 0
	# Until then the lock was another one's.
	[ "$(wc -l <"$T/generation")" -ge 2 ]
}

# pg_dump and pg_restore, where they are not in everybody's path.
tools() { PATH=$PG_BIN:$PATH; }

@test "purge spares what a generation works on; restore is refused" {
	tools
	line 1 7 a | jq -c '.answered = null | .response = null' |
	    sessions import
	sessions backup "$T/copy"
	generation 7
	is "$(sessions purge --force --older-than 1 | tail -n 1)" \
	    '1 that a generation works on left'
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
	not sessions restore "$T/copy" 2>"$T/err"
	grep -q 'a generation runs' "$T/err"
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
			echo "SELECT rate_take('u$((RANDOM % 5))', 1000, 0);"
		done | psql >"$T/rate.$i" 2>&1 &
		track $!
	done
	wait
	not grep -h ERROR "$T"/rate.*
	is "$(sql "SELECT rate_take('v', 60000000, 0)")" 0
	[ "$(sql "SELECT rate_take('v', 60000000, 0)")" -gt 59000000 ]
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
