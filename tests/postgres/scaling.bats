# docs/scaling.md: its shell blocks that need no other machine run as printed
# (a page of their own has those), and what it names is there.
STORE=postgres
load ../cases/helper

PAGE=$ROOT/docs/scaling.md
prepare() { NO_DATABASE=1; }	# what is imported here no model has said

# The block with this text, in a checkout with these programs.
run_block() {
	mkdir -p "$T/checkout"
	ln -sfn "$B" "$T/checkout/build"
	awk -v text="$1" '/^```/ { if (on && seen) exit; on = $0 == "```sh"; n = 0
	    seen = 0; block = ""; next }
	on { block = block $0 "\n"; seen = seen || index($0, text) }
	END { if (seen) printf "%s", block }' "$PAGE" >"$T/block"
	[ -s "$T/block" ]
	echo x >>"$BATS_FILE_TMPDIR/seen"
	(cd "$T/checkout" && sh -eu "$T/block") >"$T/shown" 2>&1
}

@test "made and examined, as printed" {
	replay --tags "$REC/tags.response.http" "$UP/good.ndjson"
	psql -c 'DROP SCHEMA ticketchat CASCADE' 2>"$T/dropped"
	run run_block 'doctor --quick'
	cat "$T/shown"
	[ "$status" -le 1 ]
	is "$(psql -c 'SELECT count(*) FROM SchemaVersion')" 1
	! grep '^error' "$T/shown"
}

@test "moved from SQLite to PostgreSQL and back, nothing lost" {
	replay "$UP/good.ndjson"
	new=$TICKETCHAT_DATABASE
	TICKETCHAT_DATABASE=$T/old.db
	sessions migrate
	for t in 7 8; do ask $t "$Q"; generated; done
	sessions export >"$T/before"
	export OLD=$TICKETCHAT_DATABASE NEW=$new
	run_block 'sessions export'
	TICKETCHAT_DATABASE=$NEW sessions export | diff "$T/before" -
	TICKETCHAT_DATABASE=$NEW ask 7 "$Q"
	kept
	OLD=$new NEW=$T/again.db run_block 'sessions export'
	TICKETCHAT_DATABASE=$T/again.db sessions export | diff "$T/before" -
	TICKETCHAT_DATABASE=$new
}

tied() {
	TICKETCHAT_TICKETS=existing TICKETCHAT_TICKETS_TABLE='helpdesk."Tickets"' sessions migrate \
	    >"$T/shown" 2>&1
}

@test "the GRANTs of the page are enough for somebody else's table, and no more" {
	psql -c 'CREATE SCHEMA helpdesk; CREATE TABLE helpdesk."Tickets"
	    ("Id" bigint PRIMARY KEY); INSERT INTO helpdesk."Tickets" VALUES (42)'
	not tied
	grep -q "permission denied" "$T/shown"
	sed -n '/^```sql/,/^```/{/^```/d;p;}' "$PAGE" >"$T/grants"
	psql -f "$T/grants"
	tied
	export TICKETCHAT_TICKETS=existing
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	ask 43 "$Q"
	failed_with unknown_ticket
}

@test "every setting that the page names is one; its lines of the file are good" {
	local s
	for s in $(grep -oE '`[A-Z]+(_[A-Z]+)+[=`]' "$PAGE" | tr -d '`=' | sort -u); do
		grep -q "^$s=" "$ROOT/websocketd.conf"
	done
	sed -n '/^```conf/,/^```/{/^```/d;p;}' "$PAGE" >"$T/lines"
	env -i "$B/bin/sessions" -c "$T/lines" settings | grep -qxF "$(grep ^DATABASE "$T/lines")"
	is "$(grep '^```.' "$PAGE" | sort -u | paste -sd ' ')" '```conf ```sh ```sql'
}
