# docs/trouble.md: each trouble is made, and the page's own commands, as printed
# but for addresses and files, show it or end it.  Those that need an installed
# system (blocks `sh installed') are run by tests/package/package.bats.
load helper

PAGE=$ROOT/docs/trouble.md

# The first block behind a line with this text, as it can run here.
block() {
	awk -v text="$1" 'index($0, text) { seen = 1 }
	/^```/ { if (on) exit; on = seen && $0 == "```sh"; next }
	on' "$PAGE" | sed "s|localhost:5000|127.0.0.1:$P|g
	    s|/run/ticketchat/|$TICKETCHAT_RUN_DIR/|g
	    s|/var/lib/ticketchat/ticketchat.db|$TICKETCHAT_DATABASE|g
	    s|/var/lib/ticketchat/backup|$T/backup|g
	    s|/var/lib/ticketchat|$T|g; s|/etc/ticketchat/key|$T/key|g
	    s|http://localhost:11434|${OLLAMA_SERVER%/api/*}|g" >"$T/block"
	[ -s "$T/block" ]
	echo "$1" >>"$BATS_FILE_TMPDIR/seen"
}

# Runs it; its output is in $T/shown, too.
try() {
	block "$1"
	run env PATH="$B/bin:$PATH" bash "$T/block"
	echo "$output" | tee "$T/shown"
}
shows() { grep -qE -e "$1" "$T/shown"; }

@test "every error code has its row, every link its heading, every setting is one" {
	is "$(sed -n 's/^| \(`[^|]*`\) |.*/\1/p' "$PAGE" | tr -d '`,' | tr ' ' '\n' |
	    sort)" "$(sed -n 's/^	\[FAILURE_.*\] = { "\([a-z_]*\)",.*/\1/p' \
	    "$ROOT/lib/frame/failure.c" | grep -v '^none' | sort)"
	local a s
	for a in $(grep -o '](#[^)]*)' "$PAGE" | tr -d '](#)'); do
		grep '^## ' "$PAGE" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9\n-' |
		    grep -qx -e "-$a"
	done
	for s in $(grep -oE '`[A-Z]+(_[A-Z]+)+[=`]' "$PAGE" | tr -d '`=' | sort -u); do
		case $s in
		OLLAMA_NUM_PARALLEL | OLLAMA_HOST) ;;	# Ollama's own
		*) grep -q "^$s=" "$ROOT/websocketd.conf" ;;
		esac
	done
}

@test "look here first: doctor names what is wrong, and what helps" {
	TICKETCHAT_MAX_TICKET_BYTES=9000 TICKETCHAT_PORT=0 try 'Look here first'
	is "$status" 2
	shows '^error *settings: .*PORT=0.*Correct'
}

@test "no page: not there, switched off, there" {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	P=$(free_port)
	try 'The page is blank'
	[ "$status" != 0 ]
	shows connect
	TICKETCHAT_WEB=off service
	try 'The page is blank'
	shows ' 404 '
	end $SERVICE
	# What stands in the log of a service that does not start.
	TICKETCHAT_PORT=0 run -102 "$ROOT/run.sh"
	[[ $output = *'sessions: '*PORT=0* ]]
	service
	try 'The page is blank'
	shows ' 200 '
}

@test "1006: what the handshake says" {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	service
	try 'closes with 1006'
	is "$(tail -n 1 "$T/shown")" 101
	block 'closes with 1006'
	sed -i 's|chat/42$|42|' "$T/block"
	is "$(bash "$T/block")" 101
	sed -i 's|curl |&-X POST |' "$T/block"
	is "$(bash "$T/block")" 405
	sed -i "s|-H 'Upgrade: websocket'||" "$T/block"
	is "$(bash "$T/block")" 404
	end $SERVICE
	TICKETCHAT_MAX_CONNECTIONS=1 service
	block 'closes with 1006'
	bash "$T/block" >"$T/first" 2>&1 3>&- &
	some_chats() { [ -n "$(chats)" ]; }
	within 10 some_chats
	is "$(bash "$T/block")" 429
	wait $! || true
}

@test "the queue does not move: seen, and ended" {
	printf '{"response":"w1 ","done":false}\n' >"$T/hangs.ndjson"
	yes '{"response":"w ","done":false}' | head -n 1000 >>"$T/hangs.ndjson"
	replay --stall 300 "$T/hangs.ndjson"
	viewer 42 "$Q"
	first=$V
	sees $first w1
	viewer 43 "$Q"
	within 20 some_answers 2
	queued() {
		try 'The place in the queue'
		shows 'generations: 1 running, 1 waiting' &&
		    shows 'ticket=42 .*state=generating' &&
		    shows 'ticket=43 .*state=queued'
	}
	within 60 queued
	try 'generation; so does this'
	viewed $first
	is "$(code)" stopped
	# The other one's turn has come.
	moved() { "$B/bin/sessions" -c "$T/conf" doctor --quick | grep -q '1 running, 0 waiting'; }
	within 20 moved
	kill $(answers)
	viewed $V
}

@test "slow: where the time went" {
	replay --delay 300 "$UP/good.ndjson"
	ask 42 "$Q"
	try 'The first word takes long'
	is "$status" 0
	shows first_token_ms_median
	shows '^queued_ms: [0-9]'
	[ "$(sed -n 's/^first_token_ms: //p' "$T/shown")" -ge 300 ]
}

@test "no Ollama, no such model" {
	try 'Ollama is not there'
	[ "$status" != 0 ]
	shows '^error *model: .*upstream_unreachable'
	shows connect
	replay --tags "$REC/tags.response.http" "$UP/good.ndjson"
	OLLAMA_MODEL=none:1b try 'Ollama is not there'
	shows 'model_missing, none:1b.*ollama pull'
	shows '"name":"gemma3:270m"'
}

@test "locked: who it is" {
	replay "$UP/good.ndjson"
	mkfifo "$T/shell"
	sqlite3 -batch "$TICKETCHAT_DATABASE" <"$T/shell" >"$T/shell.out" 2>&1 3>&- &
	track $!
	local holder=$!
	exec {IN[0]}>"$T/shell"
	printf 'BEGIN IMMEDIATE;\nSELECT 1;\n' >&"${IN[0]}"
	within 5 test -s "$T/shell.out"
	ask 42 "$Q"
	failed_with storage
	grep -q 'error=".*database is locked' <<<"$err"
	try 'database is locked'
	shows "$holder .*sqlite3"
	exec {IN[0]}>&-
	IN[0]=
}

@test "full: how full, and what would go" {
	sql "INSERT INTO Tickets VALUES (1, '2020-01-01T00:00:00Z');
	    INSERT INTO TicketAISessions (TicketId, Prompt, CreatedAt)
	    VALUES (1, 'p', '2020-01-01T00:00:00Z')"
	try 'disk is full'
	is "$status" 0
	shows '[0-9]%'
	shows '^1 sessions would be deleted'
	sql 'DELETE FROM Tickets'
}

@test "damaged: told, and the copy put in its place" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	mkdir "$T/backup"
	run -0 sessions backup "$T/backup/2026-11-23.db"
	page=$(sql "SELECT rootpage FROM sqlite_schema
	    WHERE name = 'TicketAISessions'")
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >"$T/cut"
	head -c 4096 /dev/urandom | dd of="$TICKETCHAT_DATABASE" bs=4096 \
	    seek=$((page - 1)) conv=notrunc status=none
	ask 42 "$Q"
	failed_with storage
	grep -q 'error=".*malformed' <<<"$err"
	try 'the file is damaged'
	is "$status" 0
	[ -e "$TICKETCHAT_DATABASE.before-restore" ]
	ask 42 "$Q"
	kept
	is "$(posts)" 1
}

@test "another version's: brought up to date, or refused with the way out" {
	replay "$UP/good.ndjson"
	sql 'PRAGMA user_version = 99'
	ask 42 "$Q"
	failed_with schema
	grep -q 'error=".*schema 99' <<<"$err"
	try 'belongs to another version'
	is "$status" 102
	shows 'newer program, or `sessions restore'
	rm "$TICKETCHAT_DATABASE"*
	try 'belongs to another version'
	is "$status" 0
}

@test "unauthorized: why, and a token that is good" {
	replay "$UP/good.ndjson"
	head -c 40 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$T/key"
	chmod 600 "$T/key"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key
	try 'Everybody is unauthorized'
	is "$status" 0
	shows UTC
	token=$(tail -n 1 "$T/shown")
	ask 43 "{\"ticketBody\":\"a\",\"token\":\"$token\"}"
	failed_with unauthorized
	grep -q 'token=ticket' <<<"$err"
	ask 42 "{\"ticketBody\":\"a\",\"token\":\"${token%????}AAAA\"}"
	grep -q 'token=signature' <<<"$err"
	ask 42 "{\"ticketBody\":\"a\",\"token\":\"$token\"}"
	generated
}

@test "monitoring: silent and 0, told and 1 or 2; one check; metrics" {
	replay --tags "$REC/tags.response.http" --ps "$REC/ps.response.http" \
	    "$UP/good.ndjson"
	# What this kernel lacks is no matter of the page.
	mkdir "$T/bin"
	cat >"$T/bin/sessions" <<-END
	#!/bin/sh
	"$B/bin/sessions" -c "$T/conf" "\$@" >"$T/doctor" && rc=0 || rc=\$?
	grep -v '^warning *\(landlock\|places\)' "$T/doctor"
	[ \$rc != 1 ] || grep -q '^warning *[^lp ]' "$T/doctor" || exit 0
	exit \$rc
	END
	chmod +x "$T/bin/sessions"
	block 'A new installation is 0'
	watched() { run env PATH="$T/bin:$PATH" bash "$T/block"; echo "$output"; }
	watched
	is "$output" ''
	sql "INSERT INTO Tickets VALUES (1, '2020-01-01T00:00:00Z');
	    INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, CreatedAt)
	    VALUES (1, 'p', 'r', '2020-01-01T00:00:00Z')"
	watched
	grep -q '^warning *copies: there is none' <<<"$output"
	not grep -q '^ok' <<<"$output"
	try 'One check alone'
	is "$output" warning
	mkdir "$T/backup"
	touch "$T/backup/2026-01-02.db"
	try 'One check alone'
	is "$output" ok
	try 'the complete metrics, or (with an exit code'
	is "$status" 0
	local m
	for m in $(grep -o 'ticketchat_[a-z_]*' "$PAGE" | sort -u); do
		grep -q "\"${m#ticketchat_}\"" "$ROOT/handlers/metrics.c"
	done
	TICKETCHAT_DATABASE=$T/none try 'the complete metrics, or (with an exit code'
	is "$status" 111
	not grep -q '^[a-z#].* ' <(grep -v '^sessions:' "$T/shown")
	sql 'DELETE FROM Tickets'
}

@test "every block of the page was run, here or on an installed system" {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	[ -z "$BATS_TEST_FILTER" ] || skip "a part of the tests"
	is "$(grep '^```.' "$PAGE" | sort -u)" $'```sh\n```sh installed'
	is "$(sort -u "$BATS_FILE_TMPDIR/seen" | wc -l)" "$(grep -cx '```sh' "$PAGE")"
}
