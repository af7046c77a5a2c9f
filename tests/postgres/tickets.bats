# TICKETS_TABLE: the sessions belong to somebody else's table of tickets, in a
# schema that is not ours, to which nothing of ours writes.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

MIGRATED=
prepare() {
	export TICKETCHAT_TICKETS=existing
	# The database is theirs too.
	psql -c "ALTER DATABASE $PG_DATABASE OWNER TO postgres"
	theirs 'helpdesk."Tickets"' '"Id"' integer
}

# A help desk's own table, of its own role, with tickets 1 to 3; ours gets what
# deploy/README.md says.
theirs() {
	psql <<-END
	CREATE SCHEMA IF NOT EXISTS helpdesk;
	CREATE TABLE $1 ($2 $3 PRIMARY KEY, title text NOT NULL DEFAULT 'x');
	INSERT INTO $1 SELECT generate_series(1, 3);
	END
	grants "$1" | psql
}
grants() {
	sed -n '/^GRANT /p' "$ROOT/deploy/README.md" |
	    sed "s/helpdesk\.\"Tickets\"/$1/; s/DATABASE helpdesk/DATABASE $PG_DATABASE/"
}

use() {
	TICKETCHAT_TICKETS_TABLE=$1 TICKETCHAT_TICKETS_ID_COLUMN=$2 run "$B/bin/sessions" \
	    -c "$T/conf" migrate
}
tickets() { psql -c "SELECT count(*) FROM $1"; }
sessions_of() { psql -c "SELECT count(*) FROM TicketAISessions WHERE TicketId = $1"; }

# What holds of every table of theirs: its name, its column.
belongs() {
	use "$1" "$2"
	is "$status" 0
	[[ $output = *": schema $SCHEMA, was 0" ]]
	use "$1" "$2"
	is "$status" 0
	replay "$UP/good.ndjson"
	for t in 1 2 3; do
		ask $t "$Q"
		generated
	done
	ask 1 "$Q"
	kept
	ask 4 "$Q"
	failed_with unknown_ticket
	is "$(posts)" 3
	# Ours goes, theirs stays.
	sessions delete 1
	is "$(sessions_of 1)" 0
	is "$(tickets "$1")" 3
	psql -c "UPDATE TicketAISessions SET CreatedAt = '2020-01-01T00:00:00.000Z',
	    UpdatedAt = '2020-01-01T00:00:00.000Z' WHERE TicketId = 2"
	sessions purge --older-than 30d
	is "$(sessions_of 2)" 0
	is "$(tickets "$1")" 3
	# Theirs goes, and ours with it, whoever deletes it.
	is "$(sessions_of 3)" 1
	psql -c "DELETE FROM $1 WHERE \"$2\" = 3"
	is "$(sessions_of 3)" 0
	is "$(psql -c 'SELECT count(*) FROM TicketAIGenerations')" 0
}

@test "a table in another schema, with a quoted column of integers" {
	belongs 'helpdesk."Tickets"' Id
	# No right of ours would suffice to write there.
	is "$(psql -c "SELECT has_table_privilege('ticketchat', 'helpdesk.\"Tickets\"',
	    'INSERT, UPDATE, DELETE, TRUNCATE')")" f
}

@test "a column in lower case, and numbers of 64 bits" {
	theirs helpdesk.ticket id bigint
	belongs helpdesk.ticket id
}

@test "a ticket that is deleted while it is answered: an error, nothing kept" {
	use 'helpdesk."Tickets"' Id
	long 25
	replay_part "$T/long.ndjson"
	viewer 2 "$Q"
	sees $V w8
	psql -c 'DELETE FROM helpdesk."Tickets" WHERE "Id" = 2'
	replay_rest
	viewed $V
	is "$(code)" unknown_ticket
	is "$(sessions_of 2)" 0
}

@test "sessions whose ticket is not there are a refusal, and nothing changes" {
	sessions migrate
	replay "$UP/good.ndjson"
	TICKETCHAT_TICKETS=auto ask 9 "$Q"
	generated
	use 'helpdesk."Tickets"' Id
	is "$status" 102
	is "${#lines[@]}" 1
	[[ $output = 'sessions: TICKETS_TABLE=helpdesk."Tickets", TICKETS_ID_COLUMN=Id: '* ]]
	is "$(psql -c 'SELECT tickets_are_ours()')" t
	TICKETCHAT_TICKETS=auto ask 9 "$Q"
	kept
	# With the ticket there, or without the session, it is none any more.
	psql -c 'INSERT INTO helpdesk."Tickets" VALUES (9)'
	use 'helpdesk."Tickets"' Id
	is "$status" 0
	ask 9 "$Q"
	kept
}

@test "what is no table, no column, or may not be used, is a refusal" {
	for names in 'helpdesk."none" Id' 'helpdesk."Tickets" id' \
	    'helpdesk."Tickets" title'; do
		use ${names% *} ${names#* }
		is "$status" 102
		is "${#lines[@]}" 1
		[[ $output = *"TICKETS_TABLE=${names% *}, TICKETS_ID_COLUMN=${names#* }: "* ]]
	done
	psql -c 'REVOKE REFERENCES ON helpdesk."Tickets" FROM ticketchat'
	use 'helpdesk."Tickets"' Id
	is "$status" 102
	[[ $output = *'permission denied'* ]]
	TICKETCHAT_TICKETS=auto use 'helpdesk."Tickets"' Id
	is "$status" 102
	[[ $output = *'TICKETS_TABLE needs TICKETS=existing'* ]]
}
