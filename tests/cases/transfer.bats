# Sessions on their way out and in: export and import, and the database of the
# original service.
load helper

cleanup() { if [ -n "$DISK" ]; then umount "$DISK"; fi; }

# All rows, but for what each database has of its own: its identity, and the
# hashes that its secret makes.
content() {
	sql '.dump' | grep '^INSERT' | grep -v 'sqlite_sequence\|Identity' |
	    sed -E "/TicketAISessions/s/,(NULL|'[0-9a-f]{32}')\\);\$/);/" | sort
}
count() { sql "SELECT count(*) FROM $1"; }

# Another database, empty, made the current one.
another() {
	TICKETCHAT_DATABASE=$T/${1:-another}
	NO_DATABASE=1
	sessions migrate >"$T/migrate"
}

# Rows of all kinds.
fill() {
	sql "INSERT INTO Tickets (Id, CreatedAt) VALUES
	    (1, '2020-01-02T03:04:05Z'), (2, '2020-01-02T03:04:05.678Z'),
	    (7, '2020-01-02T03:04:05.678Z'), (9223372036854775807,
	    '2020-01-02T03:04:05.678Z');
	INSERT INTO TicketAISessions (Id, TicketId, Prompt, AiResponse,
	    CreatedAt, UpdatedAt) VALUES
	    (1, 1, 'printer jam', 'Open it.', '2020-01-02T03:04:05.678Z',
	    '2020-01-02T03:05:05.678Z'),
	    (2, 2, 'a \"b\"' || char(9, 10, 13, 92, 0, 27, 127, 133, 8232) ||
	    'é 😀', char(65279) || 'c' || char(0), '2020-01-02T03:04:05.678Z',
	    NULL),
	    (5, 1, '', NULL, '2020-01-02T03:04:05.678Z', NULL),
	    (4611686018427387903, 9223372036854775807, 'x', '',
	    '2020-01-02T03:04:05.678Z', '2020-01-02T03:04:05.678Z');
	INSERT INTO $COSTS VALUES (1, 'm:\"é\"', 'stop', 1, 2, 3,
	    4, 5, 6, 7, 8), (2, '', '', 0, 0, 0, 0, 0, 0, 0,
	    0), (4611686018427387903, 'm', 'length', 1, 2, 3, 4, 5, 6, 7,
	    9223372036854775807)"
	NO_DATABASE=1
}

# $1 sessions with an answer of $2 bytes.
many() {
	sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < $1) INSERT INTO Tickets (Id) SELECT i FROM n;
	INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, UpdatedAt)
	    SELECT Id, 'printer jam', hex(zeroblob($2 / 2)), CreatedAt
	    FROM Tickets;
	INSERT INTO $COSTS SELECT Id, 'm', 'stop', 1, 2, 3, 4, 5,
	    6, 7, 8 FROM TicketAISessions"
	NO_DATABASE=1
}

@test "export and import: nothing is lost, again and again" {
	fill
	was=$(content)
	sessions export >"$T/out"
	is "$(wc -l <"$T/out")" 5
	jq -e . "$T/out" >/dev/null
	is "$(jq -c 'select(.session == 1)' "$T/out")" '{"ticket":1,"ticket_created":"2020-01-02T03:04:05Z","session":1,"created":"2020-01-02T03:04:05.678Z","answered":"2020-01-02T03:05:05.678Z","prompt":"printer jam","response":"Open it.","model":"m:\"é\"","reason":"stop","prompt_tokens":1,"answer_tokens":2,"queued_ms":3,"first_token_ms":4,"total_ms":5,"load_ms":6,"prompt_ms":7,"answer_ms":8}'
	another
	run -0 sessions import "$T/out"
	is "$output" '4 sessions and 4 tickets imported, 0 sessions were here already'
	is "$(content)" "$was"
	run -0 sessions check --full
	sessions export | cmp - "$T/out"
	run -0 sessions import <"$T/out"
	is "$output" '0 sessions and 0 tickets imported, 4 sessions were here already'
	is "$(content)" "$was"
	# A part of it is put back.
	sql 'PRAGMA foreign_keys = ON; DELETE FROM Tickets WHERE Id < 3'
	run -0 sessions import "$T/out"
	is "$output" '3 sessions and 2 tickets imported, 1 sessions were here already'
	is "$(content)" "$was"
}

@test "export: none, --since, a full disk, nobody reads, no UTF-8" {
	run -0 sessions export
	is "$output" ''
	fill
	run -0 sessions export --since 30
	is "$output" ''
	sql "UPDATE TicketAISessions SET UpdatedAt =
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 days') WHERE Id = 1"
	run -0 sessions export --since 4
	is "$(jq .session <<<"$output")" 1
	run -0 sessions export --since 2
	is "$output" ''
	for c in 'export x' 'export --since 0' 'export --since x' \
	    'export --since 99999' 'import a b' 'import --aspnet' \
	    'import --aspnet a b'; do
		run -100 --separate-stderr sessions $c
		is "$output" ''
	done
	sessions export >/dev/full 2>"$T/err" || is $? 111
	grep -q 'standard output' "$T/err"
	sql "UPDATE TicketAISessions SET Prompt = CAST(x'61ff62' AS TEXT)
	WHERE Id = 1"
	run -1 --separate-stderr sessions export
	is "$(jq -r 'select(.session == 1).prompt' <<<"$output")" 'a�b'
	is "$stderr" 'sessions: 1 texts were not UTF-8 and were repaired (sessions check lists them)'
}

@test "import: a conflict is told, and nothing is taken in" {
	fill
	sessions export >"$T/out"
	was=$(content)
	for e in '.prompt = "other"' '.created = "2021-01-02T03:04:05.678Z"' \
	    '.answered = null' '.response = "other"' '.ticket = 3' \
	    '.model = "other"' '.answer_ms = 1' \
	    '.model = null | .reason = null | .prompt_tokens = null |
	    .answer_tokens = null | .queued_ms = null | .first_token_ms = null |
	    .total_ms = null | .load_ms = null | .prompt_ms = null |
	    .answer_ms = null'; do
		{ jq -c '.session = 77 | .ticket = 77' "$T/out" | head -n 1
		jq -c "select(.session == 1) | $e" "$T/out"; } >"$T/in"
		run -1 --separate-stderr sessions import "$T/in"
		is "$output" ''
		is "${stderr_lines[0]}" \
		    "$T/in: line 2: session 1 is a different one here"
		is "$(content)" "$was"
	done
	# What was unanswered there and is answered here is another one, too.
	jq -c 'select(.session == 5) | .response = "x"' "$T/out" >"$T/in"
	run -1 --separate-stderr sessions import "$T/in"
	is "$(content)" "$was"
}

@test "import: a line that is not right is named, and nothing is taken in" {
	fill
	sessions export >"$T/out"
	another
	good=$(head -n 1 "$T/out")
	bad() {
		printf '%s\n%s\n' "$(sed -n 3p "$T/out")" "$1" >"$T/in"
		run -1 --separate-stderr sessions import "$T/in"
		is "$stderr" "sessions: $T/in: line 2: $2"
		is "$(count Tickets)" 0
	}
	none='not a JSON object with the fields of a session'
	bad '' "$none"
	bad 'x' "$none"
	bad "[$good]" "$none"
	bad "${good%?}" "$none"
	bad "$good}" "$none"
	bad "$good $good" "$none"
	bad "$(tr -d é <<<"$good" | tr m '\377')" "$none"
	bad "$(sed 's/"printer jam"/"\\ud800"/' <<<"$good")" 'prompt is invalid'
	while read -r e want; do
		bad "$(jq -c "$e" <<<"$good")" "${want//_/ }"
	done <<-'X'
	del(.ticket) ticket_is_missing
	.ticket=null ticket_is_invalid
	.ticket=0 ticket_is_invalid
	.ticket=-1 ticket_is_invalid
	.ticket="1" ticket_is_invalid
	.ticket=1.5 ticket_is_invalid
	.session=0 session_is_invalid
	.session=4611686018427387904 session_is_invalid
	.session=null created_without_a_session
	.created=null created_is_invalid
	.created="2020-01-02" created_is_invalid
	.created="2020-01-02_03:04:05Z" created_is_invalid
	.created="2020-01-02T03:04:05" created_is_invalid
	.created="2020-01-02T03:04:05.Z" created_is_invalid
	.created="2020-01-02T03:04:05.1+01:00" created_is_invalid
	.created=1 created_is_invalid
	.prompt=null prompt_is_invalid
	.prompt=1 prompt_is_invalid
	.prompt=[1] not_a_JSON_object_with_the_fields_of_a_session
	.response={} not_a_JSON_object_with_the_fields_of_a_session
	.reason=null reason_is_invalid
	.model=null reason_is_invalid
	.queued=1 it_has_an_unknown_field
	X
	bad "$(jq -c '.total_ms = -1' <<<"$good")" 'total_ms is invalid'
	bad "$(jq -c 'del(.total_ms)' <<<"$good")" 'total_ms is missing'
	bad "{\"ticket\":1,${good#?}" 'ticket is there twice'
	bad "$(sed -n 3p "$T/out")" 'session 2 is there twice'
	# A line of no end, and a file without the last line's end.
	printf '%s' "$good" >"$T/in"
	run -0 sessions import "$T/in"
	is "$(count TicketAISessions)" 1
	run -111 --separate-stderr sessions import "$T/none"
	run -111 --separate-stderr sessions import "$T"
	run -0 sessions import /dev/null
	local memory=2000000	# kB
	! sanitized || memory=unlimited
	yes x | tr -d '\n' | (ulimit -v $memory; sessions import) 2>"$T/err" ||
	    is $? 111
	grep -q 'line 1' "$T/err"
}

@test "import holds no lock while it reads" {
	fill
	sessions export >"$T/out"
	another
	replay "$UP/good.ndjson"
	mkfifo "$T/in"
	sessions import "$T/in" >"$T/said" 3>&- &
	p=$!
	exec {IN[0]}>"$T/in"
	head -n 3 "$T/out" >&"${IN[0]}"
	ask 50 "$Q"
	generated
	tail -n 2 "$T/out" >&"${IN[0]}"
	hang_up 0
	# Session 1 is another one by now.
	not wait $p
	is "$(count TicketAISessions)" 1
	grep -v '"session":1,' "$T/out" >"$T/rest"
	run -0 sessions import "$T/rest"
	is "$(count TicketAISessions)" 4
	ask 50 "$Q"
	kept
	ask 51 "$Q"
	generated
}

@test "import killed at any of its system calls: all or nothing" {
	needs_strace
	many 3000 200
	sessions export >"$T/out"
	was=$(content | md5sum)
	another
	cp "$TICKETCHAT_DATABASE" "$T/empty"
	# Not those for memory: how many there are is up to where it lies.
	points "$B/bin/sessions" -c "$T/conf" import "$T/out" |
	    awk '/openat/ { f = 1 } f && !/^(brk|mmap|munmap) /' >"$T/all"
	is "$(content | md5sum)" "$was"
	awk -v n="$(($(wc -l <"$T/all") / 40 + 1))" 'NR % n == 0' "$T/all" |
	    nth 6 >"$T/points"
	tail -n 30 "$T/all" | awk 'NR % 3 == 0' | nth 3 >>"$T/points"
	while read -r call i; do
		rm -f "$TICKETCHAT_DATABASE"*
		cp "$T/empty" "$TICKETCHAT_DATABASE"
		strace -o /dev/null -e inject=$call:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" import "$T/out" \
		    >/dev/null 2>&1 || killed=$((killed + 1))
		is "$(sql 'PRAGMA integrity_check')" ok
		case $(count TicketAISessions) in
		0) none=1 ;;
		3000) all=1 ;;
		*) false ;;
		esac
		run -0 sessions import "$T/out"
		is "$(content | md5sum)" "$was"
	done <"$T/points"
	is "$killed" "$(wc -l <"$T/points")"
	is "$none$all" 11
}

@test "import on a full disk: nothing is taken in" {
	needs_root
	many 2000 1000
	sessions export >"$T/out"
	mkdir "$T/disk"
	mount -t tmpfs -o size=1m,mode=700 none "$T/disk" 2>/dev/null ||
	    skip "no mount here"
	DISK=$T/disk
	another disk/db
	run -111 --separate-stderr sessions import "$T/out"
	is "$(count Tickets)" 0
	run -0 sessions check --full
	# The space for what is gathered.
	another third
	SQLITE_TMPDIR=$DISK run -111 --separate-stderr sessions import "$T/out"
	is "$(count Tickets)" 0
	run -111 --separate-stderr bash -c "ulimit -f 1000
	exec '$B/bin/sessions' -c '$T/conf' import '$T/out'"
	is "$(count Tickets)" 0
	run -0 sessions import "$T/out"
	is "$(count Tickets)" 2000
}

@test "import into a database of a newer schema, or none" {
	fill
	sessions export >"$T/out"
	another
	sql 'PRAGMA user_version = 99'
	run -102 --separate-stderr sessions import "$T/out"
	run -102 --separate-stderr sessions export
	TICKETCHAT_DATABASE=$T/none run -111 --separate-stderr sessions import "$T/out"
	TICKETCHAT_DATABASE=$T/none run -111 --separate-stderr sessions export
	not test -e "$T/none"
}

# A database as Entity Framework Core's SQLite provider makes it; $1 are more
# columns of Tickets.
original() {
	rm -f "$T/original"*
	sqlite3 "$T/original" "PRAGMA journal_mode = WAL;
	CREATE TABLE \"__EFMigrationsHistory\" (
	    \"MigrationId\" TEXT NOT NULL
		CONSTRAINT \"PK___EFMigrationsHistory\" PRIMARY KEY,
	    \"ProductVersion\" TEXT NOT NULL);
	CREATE TABLE \"Tickets\" (
	    \"Id\" INTEGER NOT NULL CONSTRAINT \"PK_Tickets\" PRIMARY KEY
		AUTOINCREMENT $1);
	CREATE TABLE \"TicketAISessions\" (
	    \"Id\" INTEGER NOT NULL CONSTRAINT \"PK_TicketAISessions\"
		PRIMARY KEY AUTOINCREMENT,
	    \"TicketId\" INTEGER NOT NULL,
	    \"Prompt\" TEXT NOT NULL,
	    \"AiResponse\" TEXT NULL,
	    \"CreatedAt\" TEXT NOT NULL,
	    \"UpdatedAt\" TEXT NULL,
	    CONSTRAINT \"FK_TicketAISessions_Tickets_TicketId\" FOREIGN KEY
		(\"TicketId\") REFERENCES \"Tickets\" (\"Id\") ON DELETE CASCADE);
	CREATE INDEX \"IX_TicketAISessions_TicketId\"
	    ON \"TicketAISessions\" (\"TicketId\");" >/dev/null
}
was() { sqlite3 "$T/original" "$@"; }
sessions_here() { sql "SELECT Id, TicketId, Prompt, AiResponse, CreatedAt,
    UpdatedAt FROM TicketAISessions ORDER BY Id"; }

@test "import --aspnet: the original's rows, and their times" {
	original ', "Title" TEXT NOT NULL, "CreatedAt" TEXT NOT NULL'
	was "INSERT INTO Tickets VALUES (3, 'a', '2024-05-01 12:34:56.789'),
	    (5, 'b', '2024-05-01 12:34:56.7891234+02:00'), (8, 'c',
	    '2024-05-01T12:34:56Z');
	INSERT INTO TicketAISessions VALUES
	    (2, 3, 'printer', 'open it', '2024-05-01 12:34:56.789',
	    '2024-05-01 12:35:00'),
	    (4, 5, 'vpn é', NULL, '2024-05-01 12:34:56.7891234+02:00', NULL),
	    (9, 3, 'printer', '', '2024-05-02 00:00:00', '2024-05-02 00:00:01'),
	    (11, 5, 'vpn é', char(10) || 'ok' || char(10),
	    '2024-12-31 23:59:59.9999999', NULL)"
	md5sum "$T/original" >"$T/sum"
	NO_DATABASE=1
	run -0 sessions import --aspnet "$T/original"
	is "$output" '4 sessions and 3 tickets imported, 0 sessions were here already'
	is "$(sessions_here)" "2|3|printer|open it|2024-05-01T12:34:56.789Z|2024-05-01T12:35:00.000Z
4|5|||2024-05-01T10:34:56.789Z|
9|3|||2024-05-02T00:00:00.000Z|
11|5|vpn é|
ok
|2024-12-31T23:59:59.999Z|"
	is "$(sql 'SELECT Id, CreatedAt FROM Tickets' | paste -sd ' ')" \
	    '3|2024-05-01T12:34:56.789Z 5|2024-05-01T10:34:56.789Z 8|2024-05-01T12:34:56.000Z'
	md5sum -c --quiet "$T/sum"
	run -0 sessions check --full
	# Again: all is here.
	was=$(content)
	run -0 sessions import --aspnet "$T/original"
	is "$output" '0 sessions and 0 tickets imported, 4 sessions were here already'
	is "$(content)" "$was"
	# And served.
	replay "$UP/good.ndjson"
	ask 3 "$Q"
	kept 'open it'
	is "$(posts)" 0
}

@test "import --aspnet: no CreatedAt in Tickets, and what is running there" {
	original
	was "INSERT INTO Tickets VALUES (1), (2);
	INSERT INTO TicketAISessions VALUES (1, 1, 'p', 'r',
	    '2024-05-01 12:34:56', '2024-05-01 12:34:57')"
	NO_DATABASE=1
	mkfifo "$T/shell"
	sqlite3 -batch "$T/original" <"$T/shell" >"$T/shell.out" 2>&1 3>&- &
	track $!
	exec {IN[0]}>"$T/shell"
	echo "BEGIN IMMEDIATE; INSERT INTO Tickets VALUES (3); SELECT 1;" \
	    >&"${IN[0]}"
	within 10 test -s "$T/shell.out"
	run -0 sessions import --aspnet "$T/original"
	is "$output" '1 sessions and 2 tickets imported, 0 sessions were here already'
	is "$(sql 'SELECT CreatedAt FROM Tickets WHERE Id = 1')" \
	    2024-05-01T12:34:56.000Z
	echo COMMIT\; >&"${IN[0]}"
	hang_up 0
	taken() { sessions import --aspnet "$T/original" |
	    grep -q '0 sessions and 1 tickets'; }
	within 10 taken
}

@test "import --aspnet: ids are kept where they are free" {
	original
	was "INSERT INTO Tickets VALUES (1), (2), (3), (4);
	INSERT INTO TicketAISessions VALUES
	    (1, 1, 'a1', 'r', '2024-05-01 12:00:00', NULL),
	    (2, 2, 'b1', 'r', '2024-05-01 12:00:00', NULL),
	    (3, 1, 'a2', 'r', '2024-05-02 12:00:00', NULL),
	    (4, 3, 'c1', 'r', '2024-05-02 12:00:00', NULL),
	    (5, 2, 'b2', 'r', '2024-05-03 12:00:00', NULL)"
	NO_DATABASE=1
	# Here 2 is taken, by a ticket of ours; 3 has been answered since.
	sql "INSERT INTO Tickets (Id) VALUES (3), (9);
	INSERT INTO TicketAISessions (Id, TicketId, Prompt, AiResponse)
	VALUES (2, 9, 'here', 'r'), (7, 3, 'here', 'r')"
	run -1 --separate-stderr sessions import --aspnet "$T/original"
	is "$stderr" 'ticket 3 was answered here since then and is left out'
	is "$output" '4 sessions and 3 tickets imported, 0 sessions were here already'
	is "$(sql 'SELECT Id, TicketId, Prompt FROM TicketAISessions
	    ORDER BY Id' | paste -sd ' ')" \
	    '1|1|a1 2|9|here 3|1|a2 7|3|here 8|2|b1 9|2|b2'
	run -1 --separate-stderr sessions import --aspnet "$T/original"
	is "$output" '0 sessions and 0 tickets imported, 4 sessions were here already'
	# The original goes on, and so does the history of a ticket here.
	was "INSERT INTO TicketAISessions VALUES
	    (6, 2, 'b3', 'r', '2024-05-04 12:00:00', NULL),
	    (12, 1, 'a3', 'r', '2024-05-04 12:00:00', NULL)"
	run -1 --separate-stderr sessions import --aspnet "$T/original"
	is "$(sql 'SELECT Id, TicketId, Prompt FROM TicketAISessions
	    WHERE Id > 9 ORDER BY Id' | paste -sd ' ')" '12|1|a3 13|2|b3'
}

@test "import --aspnet: what is not right is named, and nothing is taken in" {
	NO_DATABASE=1
	for row in "1, 1, 'p', 'r', 'yesterday', NULL:created" \
	    "1, 1, 'p', 'r', '12:34', NULL:created" \
	    "1, 1, 'p', 'r', 'now', NULL:created" \
	    "1, 1, 'p', 'r', 2460000, NULL:created" \
	    "1, 1, 'p', 'r', '2024-13-01 00:00:00', NULL:created" \
	    "1, 1, 'p', 'r', '2024-02-30 00:00:00', NULL:created" \
	    "1, 1, 'p', 'r', '2023-02-29 10:00:00', NULL:created" \
	    "1, 1, 'p', 'r', '2024-04-31T10:00:00', NULL:created" \
	    "1, 1, 'p', 'r', '2024-05-01 12:00:00', '2024-06-31 12:00:00':answered" \
	    "1, 1, 'p', 'r', '9999-99-99 99:99:99', NULL:created" \
	    "1, 1, 'p', 'r', '2024-05-01 12:00:00', 'x':answered" \
	    "1, 1, CAST(x'ff' AS TEXT), 'r', '2024-05-01 12:00:00', NULL:prompt" \
	    "1, 1, 'p', CAST(x'ff' AS TEXT), '2024-05-01 12:00:00', NULL:response" \
	    "-1, 1, 'p', 'r', '2024-05-01 12:00:00', NULL:session" \
	    "1, 0, 'p', 'r', '2024-05-01 12:00:00', NULL:ticket" \
	    "1, 'x', 'p', 'r', '2024-05-01 12:00:00', NULL:ticket"; do
		original
		was "INSERT INTO Tickets VALUES (1);
		INSERT INTO TicketAISessions VALUES (7, 1, 'p', 'r',
		    '2024-05-01 12:00:00', NULL);
		INSERT INTO TicketAISessions VALUES (${row%:*})"
		run -1 --separate-stderr sessions import --aspnet "$T/original"
		case $stderr in
		*", session "*": ${row##*:} is invalid") ;;
		*) is "$stderr" "$row" ;;
		esac
		is "$(count Tickets)" 0
	done
	for f in none text empty db b; do
		echo "a text that is no database at all" >"$T/text"
		: >"$T/empty"
		[ -e "$T/b" ] || sessions backup "$T/b"
		run ! --separate-stderr sessions import --aspnet "$T/$f"
		is "${#stderr_lines[@]}" 1
	done
	not test -e "$T/none"
}

@test "import --aspnet killed at any of its system calls: all or nothing" {
	needs_strace
	original
	was "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 500) INSERT INTO Tickets SELECT i FROM n;
	INSERT INTO TicketAISessions SELECT Id, Id, 'p', hex(zeroblob(300)),
	    '2024-05-01 12:00:00', NULL FROM Tickets"
	NO_DATABASE=1
	cp "$TICKETCHAT_DATABASE" "$T/empty"
	points "$B/bin/sessions" -c "$T/conf" import --aspnet "$T/original" |
	    awk '/openat/ { f = 1 } f && !/^(brk|mmap|munmap) /' >"$T/all"
	awk -v n="$(($(wc -l <"$T/all") / 30 + 1))" 'NR % n == 0' "$T/all" |
	    nth 4 >"$T/points"
	while read -r call i; do
		rm -f "$TICKETCHAT_DATABASE"*
		cp "$T/empty" "$TICKETCHAT_DATABASE"
		strace -o /dev/null -e inject=$call:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" import --aspnet \
		    "$T/original" >/dev/null 2>&1 || killed=$((killed + 1))
		is "$(sql 'PRAGMA integrity_check')" ok
		case $(count TicketAISessions) in
		0 | 500) ;;
		*) false ;;
		esac
		run -0 sessions import --aspnet "$T/original"
		is "$(count TicketAISessions)" 500
	done <"$T/points"
	is "$killed" "$(wc -l <"$T/points")"
}
