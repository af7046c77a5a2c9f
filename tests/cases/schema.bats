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
		is "$(sessions export | wc -l)" 5
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
	is "$stderr" "sessions: $TICKETCHAT_DATABASE is of schema 99, newer than this program's \
$now: take the newer program, or \`sessions restore' a copy from before"
	run -2 sessions doctor --quick
	grep -q '^error *database: .*newer program' <<<"$output"
	run -0 sessions restore "$T/before"
	ask 42 "$Q"
	kept
	ask 43 "$Q"
	generated
}
