# Upgrade and rollback: a database of every schema that there was, brought up to
# this program's, and one that is newer.
#
# tests/schema/NNN.sql is a database of schema NNN with some sessions in it, as
# the programs of that time wrote it.  Until now there is one schema, so its test
# is that a database of today stays as it is; whoever adds sql/NNN_name.sql adds
# tests/schema/NNN.sql, and never changes one that is there.
load helper

# The tables, indexes and triggers of a database, by their text.
schema() {
	sqlite3 "$1" "SELECT type, name, sql FROM sqlite_schema
	    WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
}
columns() {
	sqlite3 "$1" "SELECT m.type, m.name, c.name, c.type, c.\"notnull\", c.pk
	    FROM sqlite_schema AS m LEFT JOIN pragma_table_info(m.name) AS c
	    WHERE m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2, 3"
}

@test "there is a database of each schema, as its migrations make it" {
	local step n newest=0
	for step in "$ROOT"/sql/[0-9][0-9][0-9]_*.sql; do
		n=${step##*/}
		n=${n%%_*}
		newest=$((newest + 1))
		is "$((10#$n))" $newest
		[ -e "$ROOT/tests/schema/$n.sql" ] || {
			echo "no tests/schema/$n.sql: see schema.bats" >&2
			false
		}
		sqlite3 "$T/old.$n" <"$ROOT/tests/schema/$n.sql"
		is "$(sqlite3 "$T/old.$n" 'PRAGMA user_version')" $newest
		# By hand, as any shell could.
		sqlite3 "$T/made" <"$step"
		diff <(schema "$T/made") <(schema "$T/old.$n")
	done
	is "$(ls "$ROOT/tests/schema" | wc -l)" $newest
	is "$(sql 'PRAGMA user_version')" $newest
	diff <(schema "$T/made") <(schema "$TICKETCHAT_DATABASE")
}

@test "a database of each schema is brought up to date, and goes on" {
	local dump n now
	now=$(sql 'PRAGMA user_version')
	columns "$TICKETCHAT_DATABASE" >"$T/columns"
	replay "$UP/good.ndjson"
	for dump in "$ROOT"/tests/schema/*.sql; do
		n=$((10#$(basename "$dump" .sql)))
		export TICKETCHAT_DATABASE=$T/of.$n
		sqlite3 "$TICKETCHAT_DATABASE" <"$dump"
		chmod 600 "$TICKETCHAT_DATABASE"
		if [ $n -lt "$now" ]; then
			ask 42 "$Q"
			failed_with schema 102
		fi
		run -0 sessions migrate
		[ $n = "$now" ] || is "$output" "$TICKETCHAT_DATABASE: schema $now, was $n"
		diff "$T/columns" <(columns "$TICKETCHAT_DATABASE")
		run -0 sessions check --full
		is "$(sql 'PRAGMA journal_mode')" wal
		# What was kept is served, and told; the history is whole.
		ask 42 "$Q"
		kept
		ask 42 '{"ticketBody":"printer jam","version":1}'
		kept
		is "$(sessions history 42 --json | jq -c .version | paste -sd ' ')" '2 1'
		is "$(sessions show 43 --json | jq -r .prompt)" \
		    'A impressora não imprime'
		# What had no answer gets one; what is new, too.
		ask 44 '{"ticketBody":"no answer yet"}'
		generated
		is "$(sql 'SELECT count(*) FROM TicketAISessions WHERE TicketId = 44')" 1
		ask 45 "$Q"
		generated
		# Since schema 2 with two ratings.
		is "$(sessions export | wc -l)" $((10#$n > 1 ? 7 : 5))
	done
}

# The way back: the programs of before, and a copy from before.
@test "a newer schema is refused, with the way out, which works" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	run -0 sessions backup "$T/before"
	now=$(sql 'PRAGMA user_version')
	sql 'PRAGMA user_version = 99'
	ask 42 "$Q"
	failed_with schema 102
	run -102 --separate-stderr sessions migrate
	is "$stderr" "sessions: $TICKETCHAT_DATABASE has schema 99, newer than this program's \
$now: use the newer program, or \`sessions restore' an older copy"
	run -2 sessions doctor --quick
	grep -q '^error *database: .*newer program' <<<"$output"
	run -0 sessions restore "$T/before"
	ask 42 "$Q"
	kept
	ask 43 "$Q"
	generated
}

# A database of schema 1, beside the one that our generations save into: those
# of 0.1 look the same from outside, and could not save into schema 2.
old_database() {
	sqlite3 "$T/old" <"$ROOT/tests/schema/001.sql"
	chmod 600 "$T/old"
}
migrate_old() {
	TICKETCHAT_DATABASE=$T/old sessions migrate "$@" >"$T/out" 2>"$T/err" 3>&-
}
version_of_old() { sqlite3 "$T/old" 'PRAGMA user_version'; }
whole() { is "$(text) $(types | grep -o 'done$')" "$LONG done"; }
waits() { grep -q "$1" "$T/err"; }

@test "an older database is not migrated under a generation: it ends first" {
	needs_sqlite "a server has no claims in RUN_DIR"
	old_database
	long 20
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=1
	viewer 1 '{"ticketBody":"a","status":true}'
	one=$V
	sees $one w1
	viewer 2 '{"ticketBody":"b","status":true}'
	two=$V
	sees $two queued
	viewer 3 '{"ticketBody":"c","status":true}'
	three=$V
	sees $three queued
	migrate_old &
	pid=$!
	track $pid
	within 10 waits '3 generations run.* at most 1800 s'
	# What has not begun may as well be asked again.
	viewed $two
	failed_with shutting_down 2
	viewed $three
	failed_with shutting_down 2
	within 10 waits '1 generation runs'
	is "$(version_of_old)" 1
	not dead $pid
	replay_rest
	viewed $one
	whole
	wait $pid
	is "$(<"$T/out")" "$T/old: schema $SCHEMA, was 1"
	is "$(version_of_old)" "$SCHEMA"
	# And the claims are free again.
	ask 4 "$Q"
	whole
}

@test "waiting for generations has an end, and changes nothing then" {
	needs_sqlite "a server has no claims in RUN_DIR"
	old_database
	long 20
	replay_part "$T/long.ndjson"
	viewer 1 '{"ticketBody":"a","status":true}'
	sees $V w1
	rc=0
	TICKETCHAT_ANSWER_TIMEOUT=1 migrate_old || rc=$?
	is $rc 1
	grep -q 'nothing is changed' "$T/err"
	is "$(version_of_old)" 1
	# Up to date it waits for nobody.
	run -0 sessions migrate
	is "$output" "$TICKETCHAT_DATABASE: schema $SCHEMA, up to date"
	# Neither does it for what it refuses.
	sqlite3 "$T/old" 'PRAGMA user_version = 99'
	rc=0
	migrate_old || rc=$?
	is $rc 102
	sqlite3 "$T/old" 'PRAGMA user_version = 1'
	replay_rest
	viewed $V
	whole
}

@test "migrate --now ends what runs, and says so to its viewers" {
	needs_sqlite "a server has no claims in RUN_DIR"
	old_database
	long 20
	replay_part "$T/long.ndjson"
	viewer 1 '{"ticketBody":"a","status":true}'
	one=$V
	sees $one w1
	viewer 2 '{"ticketBody":"b","status":true}'
	two=$V
	sees $two queued
	migrate_old --now
	is "$(version_of_old)" "$SCHEMA"
	viewed $one
	failed_with shutting_down 2
	viewed $two
	failed_with shutting_down 2
}
