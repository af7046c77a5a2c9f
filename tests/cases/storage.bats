# The database and RUN_DIR: missing, foreign, read-only, full, locked; and
# what an administrator sees of them.
load helper

STATUS='{"ticketBody":"printer jam","status":true}'
cleanup() { if [ -n "$DISK" ]; then umount "$DISK"; fi; }

# A disk of 1 MB, made the current one.
small_disk() {
	needs_root
	mkdir "$T/disk"
	mount -t tmpfs -o size=1m,mode=700 none "$T/disk" 2>/dev/null ||
	    skip "no mount here"
	DISK=$T/disk
	TICKETCHAT_DATABASE=$DISK/db
	run -0 sessions migrate
}
fill() { head -c 2000000 /dev/zero >"$DISK/filler" 2>/dev/null || true; }

# bats test_tags=fault,fault:32
@test "no database" {
	NO_DATABASE=1
	replay "$UP/good.ndjson"
	TICKETCHAT_DATABASE=$T/none ask 42 "$Q" "$Q"
	failed_with "$(printf '%s\n' storage storage)" 111
	is "$(jq -c .retryable <<<"$frames" | sort -u)" true
	not test -e "$T/none"
	for c in list 'show 42' 'delete 42'; do
		TICKETCHAT_DATABASE=$T/none run -111 --separate-stderr sessions $c
		is "$output" ''
		is "${#stderr_lines[@]}" 1
	done
	TICKETCHAT_DATABASE=$T/no/where run -111 --separate-stderr sessions migrate
	TICKETCHAT_DATABASE=$T ask 42 "$Q"
	failed_with storage 111
	is "$(posts)" 0
}

# bats test_tags=fault,fault:32
@test "a database of an older or a newer schema" {
	replay "$UP/good.ndjson"
	for v in 0 $((SCHEMA + 1)) 99; do
		sql "PRAGMA user_version = $v"
		ask 42 "$Q"
		failed_with schema 102
		is "$(last | jq -c .retryable)" false
		for c in migrate list 'show 42' 'delete 42'; do
			run -102 --separate-stderr sessions $c
			is "${#stderr_lines[@]}" 1
		done
		is "$(sql 'PRAGMA user_version')" $v
	done
	sql "PRAGMA user_version = $SCHEMA"
	ask 42 "$Q"
	generated
	# An empty file is the oldest of all.
	: >"$T/empty"
	TICKETCHAT_DATABASE=$T/empty ask 42 "$Q"
	failed_with schema 102
	TICKETCHAT_DATABASE=$T/empty run -0 sessions migrate
	is "$output" "$T/empty: schema $SCHEMA, was 0"
	TICKETCHAT_DATABASE=$T/empty ask 42 "$Q"
	generated
}

@test "a schema's number below 0 is none of ours" {
	sql 'PRAGMA user_version = -1'
	ask 42 "$Q"
	failed_with schema 102
	run -102 --separate-stderr sessions migrate
	not grep -q 'not an error' <<<"$stderr$err"
	sql "PRAGMA user_version = $SCHEMA"
}

# bats test_tags=fault,fault:32
@test "somebody else's files are left alone" {
	echo "a text that is no database at all" >"$T/text"
	sqlite3 "$T/other" 'CREATE TABLE Tickets (Id); PRAGMA user_version = 1'
	sqlite3 "$T/other0" 'CREATE TABLE Tickets (Id)'
	md5sum "$T/text" "$T/other" "$T/other0" >"$T/sums"
	for f in text other other0; do
		export TICKETCHAT_DATABASE=$T/$f
		ask 42 "$Q"
		case $(code) in storage | schema) ;; *) false ;; esac
		run ! sessions migrate
		case $status in 102 | 111) ;; *) false ;; esac
		run ! sessions list
	done
	md5sum -c --quiet "$T/sums"
	TICKETCHAT_DATABASE=$T/db
}

@test "of other modes than WAL, with another page size" {
	replay "$UP/good.ndjson"
	sql 'PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM'
	ask 42 "$Q"
	generated
	run -0 sessions migrate
	is "$(sql 'PRAGMA journal_mode')" wal
	ask 42 "$Q"
	kept
}

# bats test_tags=fault,fault:32
@test "a page that is broken" {
	replay "$UP/good.ndjson"
	NO_DATABASE=1
	ask 42 "$Q"
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	page=$(sql "SELECT rootpage FROM sqlite_schema
	    WHERE name = 'TicketAISessions'")
	size=$(sql 'PRAGMA page_size')
	head -c "$size" /dev/urandom | dd of="$TICKETCHAT_DATABASE" bs="$size" \
	    seek=$((page - 1)) conv=notrunc status=none
	ask 42 "$Q" '{"type":"ping"}'
	failed_with storage 111
	run -111 --separate-stderr sessions show 42
	is "$(posts)" 1
}

# bats test_tags=fault,fault:32
@test "read-only: what is kept is served, a new question is storage" {
	small_disk
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	mount -o remount,ro "$DISK"
	ask 42 "$Q" '{"ticketBody":"printer jam","refresh":true}'
	is "$(types)" 'cached done error'
	failed_with storage 111
	ask 43 "$Q"
	failed_with storage 111
	run -0 sessions list
	run -111 --separate-stderr sessions delete 42
	is "$(posts)" 1
	mount -o remount,rw "$DISK"
	ask 43 "$Q"
	generated
}

# bats test_tags=fault,fault:29
@test "the disk is full: what is kept is served, a new question is storage" {
	small_disk
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	fill
	ask 42 "$Q"
	kept
	body=$(head -c 60000 /dev/zero | tr '\0' x)
	ask 43 "{\"ticketBody\":\"$body\"}" "$Q"
	is "$(code | head -n 1) $status" "storage 111"
	ask 42 "$Q"
	kept
	rm "$DISK/filler"
	ask 44 "{\"ticketBody\":\"$body\"}"
	generated
}

# bats test_tags=fault,fault:30
@test "the disk becomes full in mid-stream: storage, not done, not kept" {
	small_disk
	awk 'BEGIN { for (i = 0; i < 500; i++) s = s "abcd "
	for (i = 0; i < 20; i++)
		print "{\"response\":\"" s "\",\"done\":false}"
	print "{\"response\":\"\",\"done\":true}" }' >"$T/long.ndjson"
	jq -j .response "$T/long.ndjson" >"$T/kept/long"
	LONG=$(<"$T/kept/long")
	replay_part --stall 8000 "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V abcd
	fill
	replay_rest
	viewed $V
	is "$(types)" "stream error"
	failed_with storage 111
	is_text "$LONG"
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
	rm "$DISK/filler"
	ask 42 "$Q"
	is "$(types)" "stream done"
	ask 42 "$Q"
	kept "$LONG"
}

# Two databases and one RUN_DIR, or one database and two of them.
name_of() { sqlite3 "$1" 'SELECT Id FROM Identity'; }
holds() { grep -qs "$(name_of "$1")" "$TICKETCHAT_RUN_DIR/identity"; }

@test "a RUN_DIR that another database uses is refused, and taken over later" {
	needs_sqlite "its file"
	TICKETCHAT_DATABASE=$T/two sessions migrate >"$T/migrate"
	long 25
	replay_part "$T/long.ndjson"
	viewer 42 '{"ticketBody":"of the first database"}'
	sees $V w8
	holds "$TICKETCHAT_DATABASE"
	# Nothing of it is shown there, nor stopped, nor forgotten.
	for c in 'forget --ticket 42' 'purge --older-than 1d'; do
		TICKETCHAT_DATABASE=$T/two sessions $c >"$T/c.${c%% *}" 2>&1 3>&- &
		track $!
		echo $! >"$T/pid.${c%% *}"
	done
	TICKETCHAT_DATABASE=$T/two ask 42 '{"ticketBody":"of the second one"}'
	failed_with internal 102
	grep -q "$(name_of "$TICKETCHAT_DATABASE")" <<<"$err"
	grep -q "$(name_of "$T/two")" <<<"$err"
	for c in forget purge; do
		status=0
		wait "$(cat "$T/pid.$c")" || status=$?
		is "$c $status $(wc -l <"$T/c.$c")" "$c 102 1"
	done
	holds "$TICKETCHAT_DATABASE"
	replay_rest
	viewed $V
	is_text "$LONG"
	within 10 none_answers
	TICKETCHAT_DATABASE=$T/two ask 42 '{"ticketBody":"of the second one"}'
	is "$(types)" 'stream done'
	holds "$T/two"
	is "$(sqlite3 "$T/two" 'SELECT Prompt FROM TicketAISessions')" \
	    'of the second one'
	# And back, in each direction: a name that is none is no name either.
	ask 42 '{"ticketBody":"of the first database","refresh":true}'
	is "$(types)" 'stream done'
	for junk in '' x 0123456789abcdef0123456789abcdeX; do
		echo "$junk" >"$TICKETCHAT_RUN_DIR/identity"
		ask 42 '{"ticketBody":"again","refresh":true}'
		is "$(types)" 'stream done'
		holds "$TICKETCHAT_DATABASE"
	done
}

@test "a service's database and RUN_DIR are its own" {
	needs_sqlite "its file"
	replay "$UP/good.ndjson"
	TICKETCHAT_DATABASE=$T/two sessions migrate >"$T/migrate"
	TICKETCHAT_WEB=off service
	mkdir -m 700 "$T/run.1" "$T/run.2" "$T/links"
	ln -s "$TICKETCHAT_DATABASE" "$T/links/file"
	ln -s "$T" "$T/links/folder"
	local p=() i=0
	# Another service with the same file, or the same RUN_DIR, or both; a
	# chat, and what takes claims.
	others() {
		"$@" >"$T/o.$i" 2>&1 </dev/null 3>&- &
		p[i]=$!
		track $!
		i=$((i + 1))
	}
	others env TICKETCHAT_WEB=off TICKETCHAT_PORT=$(free_port) \
	    TICKETCHAT_ADDRESS=127.0.0.1 TICKETCHAT_RUN_DIR=$T/run.1 "$ROOT/run.sh"
	others env TICKETCHAT_WEB=off TICKETCHAT_PORT=$(free_port) \
	    TICKETCHAT_ADDRESS=127.0.0.1 TICKETCHAT_DATABASE=$T/two "$ROOT/run.sh"
	others env TICKETCHAT_WEB=off TICKETCHAT_PORT=$(free_port) \
	    TICKETCHAT_ADDRESS=127.0.0.1 "$ROOT/run.sh"
	others env TICKETCHAT_WEB=off TICKETCHAT_PORT=$(free_port) \
	    TICKETCHAT_ADDRESS=127.0.0.1 TICKETCHAT_RUN_DIR=$T/run.2 \
	    TICKETCHAT_DATABASE=$T/links/file "$ROOT/run.sh"
	others env TICKETCHAT_RUN_DIR=$T/run.1 "$B/bin/sessions" -c "$T/conf" \
	    forget --ticket 42
	others env TICKETCHAT_RUN_DIR=$T/run.1 "$B/bin/sessions" -c "$T/conf" \
	    purge --older-than 1d
	TICKETCHAT_RUN_DIR=$T/run.1 ask 42 "$Q"
	failed_with internal 102
	grep -q "$T/run.1.*$TICKETCHAT_RUN_DIR" <<<"$err"
	# By another name it is the same file.
	for f in links/file links/folder/db links/folder/links/file; do
		TICKETCHAT_DATABASE=$T/$f TICKETCHAT_RUN_DIR=$T/run.1 \
		    ask 42 "$Q"
		failed_with internal 102
	done
	for ((i = 0; i < ${#p[@]}; i++)); do
		status=0
		wait "${p[i]}" || status=$?
		is "$i $status" "$i 102"
		grep -q RUN_DIR= "$T/o.$i"
	done
	is "$(posts)" 0
	# Under the service's own RUN_DIR a chat at a shell is welcome.
	ask 42 "$Q"
	generated
	run -1 --separate-stderr sessions migrate --new-identity
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/43" "$Q")
	generated
	end $SERVICE
	was=$(name_of "$TICKETCHAT_DATABASE")
	within 10 sessions migrate --new-identity
	[ "$(name_of "$TICKETCHAT_DATABASE")" != "$was" ]
	TICKETCHAT_RUN_DIR=$T/run.1 ask 44 "$Q"
	generated
}

@test "restore keeps the name of the database that it replaces" {
	needs_sqlite "its file"
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	sessions backup "$T/copy"
	cp "$ROOT/tests/schema/001.sql" "$T/old.sql"
	sqlite3 "$T/old" <"$T/old.sql"
	was=$(name_of "$TICKETCHAT_DATABASE")
	sqlite3 "$T/copy" "UPDATE Identity SET Id = '00000000000000000000000000000000'"
	for f in copy old; do
		run -0 sessions restore --force "$T/$f"
		is "$f $(name_of "$TICKETCHAT_DATABASE")" "$f $was"
		ask 42 "$Q"
		is "$(types)" 'cached done'
		ask 50 "$Q"
		generated
	done
	# Where there was none it has the copy's.
	TICKETCHAT_DATABASE=$T/new run -0 sessions restore "$T/copy"
	is "$(name_of "$T/new")" 00000000000000000000000000000000
	TICKETCHAT_DATABASE=$T/new ask 42 "$Q"
	kept
}

# A text of $1 bytes.
body() { printf '{"ticketBody":"%s"}' "$(head -c "$1" /dev/zero | tr '\0' x)"; }

# One that fails must not bar its ticket: what SQLite keeps beside while it
# changes many pages must not need a directory that only others may write.
@test "a long text whose question fails: the next text of that ticket works" {
	local t=1 n next
	for n in 57500 57501 60001 65500; do
		for next in 11 30000 "$((n - 1))" "$((n + 1))"; do
			OLLAMA_SERVER=http://127.0.0.1:9 ask $t "$(body "$n")"
			failed_with upstream_unreachable 2
			OLLAMA_SERVER=http://127.0.0.1:9 ask $t "$(body "$next")"
			failed_with upstream_unreachable 2
			t=$((t + 1))
		done
	done
	replay "$UP/good.ndjson"
	for t in 1 6 11 16; do
		ask $t "$Q"
		generated
	done
}

# Opened outside the directory of the database and RUN_DIR, to be written.
@test "no statement needs a file outside the state directory" {
	needs_sqlite "its temporary files"
	needs_strace
	replay "$UP/good.ndjson"
	ask 1 "$Q"
	sql "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 3000) INSERT INTO Tickets (Id) SELECT i FROM n"
	sql "INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, CreatedAt,
	    UpdatedAt) SELECT Id, hex(randomblob(2000)), hex(randomblob(2000)),
	    '2025-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z'
	    FROM Tickets WHERE Id > 1;
	INSERT INTO $COSTS SELECT Id, hex(randomblob(20)), 'stop', 1,
	    2, 3, 4, 5, 6, 7, 8 FROM TicketAISessions WHERE TicketId > 1"
	sessions export >"$T/out.ndjson"
	export TMPDIR=$T/elsewhere
	mkdir "$T/elsewhere"
	for c in 'forget --ticket 10' 'search 0*' list 'stats --by model' metrics \
	    export "backup $T/copy" 'check --full' 'delete 1' \
	    "import $T/out.ndjson" 'forget --ticket 11 --verify' \
	    'purge --older-than 90 --force'; do
		strace -f -qq -e trace=openat,open,creat -o "$T/opened" \
		    "$B/bin/sessions" -c "$T/conf" $c >/dev/null 2>"$T/err"
		grep -E 'O_CREAT|O_RDWR|O_WRONLY' "$T/opened" |
		    grep -vE "\"$T/(db|run|copy|log|etilqs)|\"/dev/" \
		    >"$T/outside" || true
		is "$c: $(<"$T/outside")" "$c: "
	done
}

# Takes SQLite's write lock in a shell; unlock gives it back.
lock() {
	[ -p "$T/shell" ] || mkfifo "$T/shell"
	: >"$T/shell.out"
	sqlite3 -batch "$TICKETCHAT_DATABASE" <"$T/shell" >"$T/shell.out" 2>&1 3>&- &
	track $!
	exec {IN[0]}>"$T/shell"
	printf 'BEGIN IMMEDIATE;\nSELECT 1;\n' >&"${IN[0]}"
	within 10 test -s "$T/shell.out"
}
unlock() { hang_up 0; }
ms() { echo $(($(date +%s%N) / 1000000)); }

# bats test_tags=fault,fault:31
@test "a write lock that is held: storage after some 5 s, kept ones at once" {
	replay "$UP/good.ndjson"
	ask 1 "$Q"
	lock
	started=$(ms)
	viewer 2 "$Q"
	ask 1 "$Q"
	kept
	[ $(($(ms) - started)) -lt 4000 ]
	viewed $((N - 1))
	failed_with storage 111
	[ $(($(ms) - started)) -gt 4500 ]
	[ $(($(ms) - started)) -lt 15000 ]
	unlock
	ask 2 "$Q"
	generated
}

# bats test_tags=fault,fault:31
@test "a write lock that is given back in time is waited for" {
	long 10
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	sees 1 w1
	lock
	replay_rest
	viewer 2 "$Q"
	sleep 1
	not has 1 done
	not has 2 stream
	unlock
	viewed 1
	is_text "$LONG"
	viewed 2
	is_text "$LONG"
}

# Takes a lock in one of the ways in which others are in the way; unlock gives
# it back.
in_the_way() {
	case $1 in
	shell) lock ;;
	exclusive)
		lock
		printf 'COMMIT;\nPRAGMA locking_mode = EXCLUSIVE;\n%s\n' \
		    'BEGIN EXCLUSIVE; SELECT 2;' >&"${IN[0]}"
		within 10 grep -q 2 "$T/shell.out"
		;;
	file)
		[ -p "$T/shell" ] || mkfifo "$T/shell"
		/usr/bin/python3 -c 'import fcntl, struct, sys
f = open(sys.argv[1] + "-lock", "r+b")
fcntl.fcntl(f, 38, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 1, 1, 0))
print("locked", flush=True)
sys.stdin.read()' "$TICKETCHAT_DATABASE" <"$T/shell" >"$T/shell.out" 3>&- &
		track $!
		exec {IN[0]}>"$T/shell"
		within 10 grep -q locked "$T/shell.out"
		;;
	esac
}

# bats test_tags=fault,fault:31
@test "an answer that ends while others hold the database is saved later" {
	needs_sqlite "its locks"
	export TICKETCHAT_GENERATIONS=1
	t=0
	for way in shell file exclusive; do
		t=$((t + 2))
		rm -f "$T/go"
		long 30
		replay_part --times 1 --then "$UP/good.ndjson" "$T/long.ndjson"
		viewer $t "$STATUS"
		one=$V
		sees $one w1
		viewer $((t + 1)) "$STATUS"
		two=$V
		sees $two queued
		in_the_way $way
		replay_rest
		sees $one '"state":"saving"'
		# The model's slot is free, and there is nothing to stop.
		sees $two Reinicie
		[ $way = exclusive ] || chat $t <<<'{"type":"stop"}'
		sleep 6		# more than a writer waits
		not has $one '"done"'
		not has $one '"error"'
		# Who comes now gets all of it, and how far it is.
		if [ $way != exclusive ]; then
			viewer $t "$STATUS"
			sees $V w30
			sees $V '"state":"saving"'
		fi
		unlock
		viewed $one
		is_text "$LONG"
		is "$(last)" '{"type":"done"}'
		viewed $two
		is_text "$GOOD"
		[ $way = exclusive ] || viewed $V
		ask $t "$Q"
		kept "$LONG"
		replay_end
	done
}

# bats test_tags=fault,fault:31
@test "SIGTERM while an answer is saved: one last try" {
	needs_sqlite "its locks"
	long 30
	for t in 1 2; do
		rm -f "$T/go"
		replay_part "$T/long.ndjson"
		viewer $t "$STATUS"
		sees $V w1
		lock
		replay_rest
		sees $V saving
		a=$(answers)
		if [ $t = 1 ]; then
			kill -TERM "$a"
			viewed $V
			failed_with shutting_down 2
			within 10 dead "$a"
			unlock
			is "$(sql 'SELECT count(AiResponse) FROM
			    TicketAISessions')" 0
		else
			kill -STOP "$a"
			unlock
			kill -TERM "$a"
			kill -CONT "$a"
			viewed $V
			is_text "$LONG"
			is "$(last)" '{"type":"done"}'
		fi
		replay_end
	done
}

# bats test_tags=fault,fault:31
@test "after ten minutes an answer that cannot be saved is storage" {
	needs_sqlite "its locks"
	needs_preload
	long 30
	replay_part "$T/long.ndjson"
	set_clocks 0 0
	(without_talkers
	printf '%s\n' "$STATUS" >"$T/asked"
	LD_PRELOAD=$T/preload.so CLOCKS=$T/clocks PATH_INFO=/1 exec \
	    "$CHAT_BIN" -c "$T/conf" <"$T/asked" >"$T/frames.9" 2>&1) 3>&- &
	clocked_chat=$!
	track $!
	sees 9 w1
	lock
	replay_rest
	sees 9 saving
	set_clocks 0 590
	sleep 3
	not has 9 '"error"'
	set_clocks 0 602
	sees 9 '"code":"storage"'
	within 10 dead $clocked_chat
	unlock
	ask 1 "$Q"
	is_text "$LONG"
}

@test "the database's log stays short, however many answers" {
	replay "$UP/good.ndjson"
	for i in {1..60}; do ask $i "$Q"; done
	[ "$(stat -c %s "$TICKETCHAT_DATABASE-wal")" -lt 600000 ]
}

# bats test_tags=fault,fault:10
@test "RUN_DIR is made, 0700, and nothing in it is worth keeping" {
	replay "$UP/good.ndjson"
	rm -rf "$TICKETCHAT_RUN_DIR"
	ask 42 "$Q"
	generated
	is "$(stat -c %a "$TICKETCHAT_RUN_DIR")" 700
	is "$(stat -c '%n %a' "$TICKETCHAT_RUN_DIR"/* | sed "s|$TICKETCHAT_RUN_DIR/||" | paste -sd ' ')" \
	    'claims 600 identity 600 queue 600 slots 600'
	rm -rf "$TICKETCHAT_RUN_DIR"
	ask 42 "$Q"
	kept
	ask 43 "$Q"
	generated
}

# bats test_tags=fault,fault:10
@test "a reboot: RUN_DIR left as it was or gone, rows without an answer" {
	needs_preload
	long 1000
	up=$(/usr/bin/python3 -c 'import time; print(int(time.monotonic()))')
	for t in 1 3; do
		replay --times 1 --then "$UP/good.ndjson" --pace 30 \
		    "$T/long.ndjson"
		viewer $t "$Q"
		sees $V w2
		viewer $((t + 1)) "$Q"	# it waits in the queue
		within 10 some_answers 2
		kill -KILL $(answers) $(chats)
		within 10 none_answers
		[ $t = 1 ] || rm -r "$TICKETCHAT_RUN_DIR"
		# The monotonic clock begins anew.
		set_clocks 0 $((5 - up))
		for i in $t $((t + 1)); do
			is "$(rows $i)" '1|0'
			clocked ask $i "$Q"
			generated
			is "$(rows $i)" '1|1'
		done
		replay_end
	done
	is "$(posts)" 6
}
rows() { sql "SELECT count(*), count(AiResponse) FROM TicketAISessions
    WHERE TicketId = $1"; }

@test "a RUN_DIR that cannot be used: kept ones only" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	mkdir -m 755 "$T/open"
	mkdir -m 710 "$T/group"
	echo >"$T/file"
	mkdir -m 700 "$T/theirs"
	[ "$(id -u)" != 0 ] || chown 65534 "$T/theirs"
	l=$T/$(printf 'x%.0s' {1..100})
	for d in "$T/open" "$T/group" "$T/file" "$T/no/where" "${l:0:66}" \
	    "$T/theirs"; do
		[ "$d" != "$T/theirs" ] || [ "$(id -u)" = 0 ] || continue
		export TICKETCHAT_RUN_DIR=$d
		ask 43 "$Q"
		failed_with internal 111
		grep -q 'call=run_dir' <<<"$err"
		ask 42 "$Q"
		kept
	done
	is "$(stat -c %a "$T/open")" 755
	TICKETCHAT_RUN_DIR=${l:0:65}
	ask 43 "$Q"
	generated
	is "$(posts)" 2
}

# Rows that are hard to print.
hard() {
	sql "INSERT INTO Tickets (Id) VALUES (1), (2), (9223372036854775807);
	INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (1, 'one');
	INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse)
	VALUES (2, 'a, \"b\"' || char(13, 10) || 'c;''d' || char(10), char(27) ||
	    '[31mred' || char(7, 155, 8238, 127, 9, 10) || 'é 😀,');
	INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse)
	VALUES (9223372036854775807, '=1+1', '');
	INSERT INTO $COSTS VALUES (2, char(27) || ']0;x' ||
	    char(7), 'stop', 1, 2, 3, 4, 5, 6, 7, 8), (3, 'gemma', 'stop',
	    1, 2, 3, 4, 5, 6, 7, 8)"
	sql "SELECT AiResponse FROM TicketAISessions WHERE Id = 2" |
	    head -c -1 >"$T/kept/red"
	: >"$T/kept/none"
}

@test "sessions list and show: tables, JSON and CSV of the same rows" {
	hard
	run -0 sessions list
	is "${#lines[@]}" 4
	is "$(awk '{ print $1 }' <<<"$output" | paste -sd ' ')" \
	    'ticket 9223372036854775807 2 1'
	run -0 sessions list -n 1
	is "${#lines[@]}" 2
	run -0 sessions list --json -n 2
	is "$(jq -c .session <<<"$output" | paste -sd ' ')" '3 2'
	for t in 1 2 9223372036854775807; do
		sessions show --json $t >"$T/json"
		sessions show --csv $t >"$T/csv"
		sessions list --json >>"$T/json.list"
		sessions list --csv >"$T/csv.list"
		/usr/bin/python3 -c '
import csv, json, sys
def text(v):
    # No formula for a spreadsheet.
    if isinstance(v, str) and v[:1] == "=": return chr(39) + v
    return "" if v is None else str(v)
for kind in "", ".list":
    a = [json.loads(l) for l in open(sys.argv[1] + "/json" + kind, newline="\n")]
    b = list(csv.DictReader(open(sys.argv[1] + "/csv" + kind, newline=""),
        strict=True))
    assert a[:len(b)] and [{k: text(v) for k, v in r.items()}
        for r in a[:len(b)]] == b, (a, b)' "$T"
	done
	is "$(jq -c '[.prompt, .response]' "$T/json")" '["=1+1",""]'
	is "$(sessions show --json 1 | jq -c '[.response, .model, .answered]')" \
	    '[null,null,null]'
	is "$(sessions show --json 2 | jq -r .response)" "$(cat "$T/kept/red")"
	sql 'DELETE FROM Tickets'
}

@test "control characters of a ticket reach no terminal" {
	hard
	for c in list 'show 2' 'list --json' 'show --json 2'; do
		sessions $c >"$T/out"
		not env LC_ALL=C grep -aP \
		    '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]' \
		    "$T/out"
	done
	sessions show 2 | grep -q '\[31mred'
	sql 'DELETE FROM Tickets'
}

@test "a carriage return of a ticket does not overwrite what stands there" {
	sql "INSERT INTO Tickets (Id) VALUES (2);
	INSERT INTO TicketAISessions (TicketId, Prompt)
	VALUES (2, 'seen' || char(13) || 'hidden' || char(13, 10))"
	not grep -q $'\r.' <(sessions show 2)
}

@test "sessions: exit codes and usage" {
	for c in '' nothing 'list 1' 'list -n 0' 'list -n x' 'list --xml' show \
	    'show x' 'show 0' 'show 1 2' delete 'delete x' 'delete 1 2' \
	    'migrate now' 'settings x' token 'token --ticket 0 x' --nothing; do
		run -100 --separate-stderr sessions $c
		is "$output" ''
		is "${#stderr_lines[@]}" 1
	done
	run -1 --separate-stderr sessions show 42
	is "$output" ''
	run -1 --separate-stderr sessions delete 42
	run -0 sessions --help
	run -0 sessions --version
	run -0 sessions settings
	sessions settings >/dev/full 2>"$T/err" || is $? 111
	grep -q 'standard output' "$T/err"
	run -1 --separate-stderr sessions list
	TICKETCHAT_PORT=0 run -102 --separate-stderr sessions settings
	is "$output" ''
	is "${#stderr_lines[@]}" 1
}

@test "sessions settings is read again as it was printed" {
	OLLAMA_OPTIONS='{"stop":["a b","#;"],"num_ctx":1}' TICKETCHAT_LANGUAGE=en \
	    OLLAMA_MODEL="it's" sessions settings >"$T/once"
	env -i "$B/bin/sessions" -c "$T/once" settings >"$T/twice"
	cmp "$T/once" "$T/twice"
}

@test "sessions delete takes everything of a ticket along" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	ask 43 "$Q"
	run -0 sessions delete 42
	is "$(sql 'SELECT (SELECT count(*) FROM Tickets), (SELECT count(*) FROM
	    TicketAISessions), (SELECT count(*) FROM TicketAIGenerations)')" \
	    '1|1|1'
	not grep -qa 'printer jam' <(sql '.dump' | grep -v "43,'printer jam'")
	ask 42 "$Q"
	generated
}

@test "the sqlite3 shell, foreign keys off, leaves no orphans either" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	ask 43 "$Q"
	is "$(sql 'PRAGMA foreign_keys')" 0
	sql 'DELETE FROM Tickets WHERE Id = 42'
	is "$(sql 'SELECT (SELECT count(*) FROM TicketAISessions),
	    (SELECT count(*) FROM TicketAIGenerations)')" '1|1'
	sql 'DELETE FROM TicketAISessions'
	is "$(sql 'SELECT count(*) FROM TicketAIGenerations')" 0
	# An id is never used twice.
	ask 43 "$Q"
	is "$(sql 'SELECT min(Id) > 3 FROM TicketAISessions')" 1
}

@test "an original database's rows are served" {
	sql "INSERT INTO Tickets (Id) VALUES (7);
	INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, CreatedAt)
	VALUES (7, 'printer jam', 'old answer', '2020-01-02T03:04:05Z');
	INSERT INTO $COSTS SELECT Id, '', '', 0, 0, 0, 0, 0, 0, 0, 0
	FROM TicketAISessions"
	printf 'old answer' >"$T/kept/old"
	ask 7 "$Q"
	kept 'old answer'
	is "$(jq -r 'select(.type == "cached").createdAt' <<<"$frames")" \
	    2020-01-02T03:04:05Z
}

@test "twenty migrations at once: one makes it" {
	export TICKETCHAT_DATABASE=$T/new
	for i in {1..20}; do
		sessions migrate >"$T/m.$i" 2>&1 3>&- &
		p[i]=$!
	done
	for i in {1..20}; do wait "${p[i]}"; done
	is "$(cat "$T"/m.* | sed "s|$T/new: schema [0-9]*, ||" | sort | uniq -c |
	    awk '{ print $1, $2 }' | paste -sd ' ')" '19 up 1 was'
	is "$(sql 'PRAGMA journal_mode')" wal
	is "$(stat -c %a "$TICKETCHAT_DATABASE")" 600
}

@test "a migration killed at any of its system calls is made up for" {
	needs_strace
	TICKETCHAT_DATABASE=$T/new.0 points "$B/bin/sessions" -c "$T/conf" migrate |
	    awk '/openat/ { f = 1 } f' | tail -n 100 | awk 'NR % 4 == 0' |
	    nth 4 >"$T/points"
	while read -r call i; do
		export TICKETCHAT_DATABASE=$T/new.$call.$i
		strace -o /dev/null -e inject=$call:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" migrate >/dev/null 2>&1 ||
		    killed=$((killed + 1))
		run -0 sessions migrate
		is "$(sql 'PRAGMA integrity_check; PRAGMA user_version;
		    SELECT count(*) FROM sqlite_schema
		    WHERE type IN ("table", "trigger")' | paste -sd ' ')" \
		    "ok $SCHEMA 9"
	done <"$T/points"
	is "$killed" "$(wc -l <"$T/points")"
}

@test "the programs may write to the directories of their settings only" {
	long 25
	replay_part "$T/long.ndjson"
	mkdir -m 700 "$T/state" "$T/logs"
	export TICKETCHAT_DATABASE=$T/state/db TICKETCHAT_LOG=$T/logs/log
	run -0 sessions migrate
	tab 42
	say $V "$Q"
	sees $V w1
	not grep -q 'no Landlock' "$TICKETCHAT_LOG" || skip "no Landlock here"
	for p in "${VIEWERS[V]}" "$(answers)"; do
		grep -q 'NoNewPrivs:	1' "/proc/$p/status"
		grep -Eq 'Max core file size +0 ' "/proc/$p/limits"
	done
	replay_rest
	within 10 has $V done
	leave $V
	within 10 none_answers
	is "$(grep -c 'outcome=\(kept\|generated\)' "$TICKETCHAT_LOG")" 2
	# A link out of them leads nowhere; but a database may lie elsewhere.
	for f in "$TICKETCHAT_LOG"; do
		mv "$f" "$BATS_FILE_TMPDIR/outside"
		md5sum "$BATS_FILE_TMPDIR/outside" >"$T/sum"
		ln -s "$BATS_FILE_TMPDIR/outside" "$f"
		tab 42
		say $V "$Q"
		sees $V '"type":"\(done\|error\)"'
		leave $V
		md5sum -c --quiet "$T/sum"
		rm "$f"
		mv "$BATS_FILE_TMPDIR/outside" "$f"
	done
}

# How often a question for a kept answer makes the shared memory anew.
anew() {
	strace -o "$T/trace" "$B/bin/chat" -c "$T/conf" >"$T/frames" \
	    2>/dev/null <<<"$Q"
	grep -q '"cached"' "$T/frames"
	grep -c '^ftruncate(' "$T/trace" || :
}

@test "hold: who comes alone finds the database open, for whoever it is" {
	needs_strace
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	export PATH_INFO=/42
	is "$(anew)" 1
	"$B/bin/sessions" -c "$T/conf" hold sleep 600 3>&- &
	track $!
	within 10 pgrep -P $! -x sleep
	is "$(anew)" 0
	# sqlite3 would take the files along when it is the last to close them.
	sql 'PRAGMA wal_checkpoint(TRUNCATE); VACUUM' >/dev/null
	is "$(anew)" 0
	run -0 sessions backup "$T/copy"
	run -0 sessions forget --ticket 42 --verify
	run -0 sessions restore "$T/copy"
	is "$(anew)" 0
	end $!
	is "$(anew)" 1
	# What cannot be held is told, and the program runs.
	TICKETCHAT_DATABASE=$T/none run -3 --separate-stderr sessions hold sh -c 'exit 3'
	[[ $stderr = "sessions: hold: $T/none: "* ]]
}

# Runs a program below `sessions hold', which gets a signal once the program has
# said something; prints how it ended: the exit code, or minus the signal.
held() {
	/usr/bin/python3 - "$B/bin/sessions" -c "$T/conf" hold "$@" <<'END'
import os, signal, subprocess, sys
name, argv = os.environ.get("SIGNAL"), sys.argv[1:]
# A job in the background ignores some, under nohup too, and so would it.
for s in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
    signal.signal(s, signal.SIG_DFL)
p = subprocess.Popen(argv, stdout=subprocess.PIPE)
if name:
    p.stdout.readline()
    p.send_signal(getattr(signal, "SIG" + name))
print(p.wait(60))
END
}

@test "hold: signals and the way it ended are passed on" {
	local s
	is "$(held true)" 0
	is "$(held sh -c 'exit 7')" 7
	is "$(held --listen=1 sh -c 'exit 102')" 102
	is "$(held sh -c 'kill -KILL $$')" -9
	is "$(held sh -c 'kill -SEGV $$')" -11
	for s in TERM INT HUP QUIT USR1 USR2; do
		is "$(SIGNAL=$s held sh -c "trap 'exit 9' $s; echo; while :; do sleep 0.1; done")" 9
		is "$(SIGNAL=$s held --listen=2 /usr/bin/python3 -c 'import time
print(flush=True)
time.sleep(60)' 2>/dev/null)" $((-$(kill -l $s)))
	done
	is "$(held "$T/none" 2>/dev/null)" 111
	# What it is given, and says, goes through.
	is "$(echo in | sessions hold sh -c 'cat; echo err >&2' 2>&1)" $'in\nerr'
	is "$(sessions hold --listen=1 sh -c 'printf "a\nb"; printf "c" >&2' \
	    2>"$T/err")" $'a\nb'
	is "$(cat "$T/err")" c
	for s in --listen= --listen=0 --listen=x --listen=1; do
		run -100 sessions hold $s
	done
}

@test "hold: what ended at once has been heard" {
	needs_strace
	is "$(strace -o "$T/trace" -e trace=wait4 \
	    -e inject=wait4:delay_enter=300000:when=1 "$B/bin/sessions" \
	    -c "$T/conf" hold --listen=1 sh -c 'echo said; echo why >&2' \
	    2>"$T/err")" said
	is "$(cat "$T/err")" why
}

# websocketd's lines have the address that was asked for in them: up to 1 MB,
# of anybody's making.
@test "hold: a line of any length is known by its ends, and stays a line" {
	cat >"$T/lines.py" <<'END'
head = "Sun, 29 Nov 2026 19:42:17 +0000 | ERROR  | process    | url:'"
for n in 10, 4000, 4096, 9000, 16384, 16385, 20000, 40000, 1000000:
    print(head + "B" * n + "' | Closing: file already closed")
    print("short %d" % n)
    print(head + "B" * n + "' | something else")
END
	sessions hold --listen=1 /usr/bin/python3 "$T/lines.py" \
	    >"$T/out" 2>"$T/err"
	is "$(grep -c already "$T/out" || true)" 0
	is "$(grep -c ^short "$T/out")" 9
	is "$(grep -c "^Sun, .*url:'BBBBBBBBBB" "$T/out")" 9
	is "$(wc -l <"$T/out")" 18
	is "$(awk 'length > 4095' "$T/out" | wc -l)" 0
	grep -q 'closed=9 ' "$T/err"
}

@test "hold: when it is killed, so is what it runs, and no lock is left" {
	"$B/bin/sessions" -c "$T/conf" hold sleep 600 3>&- &
	local h=$! s
	track $h
	within 10 pgrep -P $h -x sleep
	s=$(pgrep -P $h -x sleep)
	# The locks are its own: whatever the program leaves behind has none.
	within 10 eval 'not grep -q "/$(basename "$TICKETCHAT_DATABASE")" <(ls -l /proc/$s/fd)'
	grep -q "$(basename "$TICKETCHAT_DATABASE")" <(ls -l "/proc/$h/fd")
	kill -KILL $h
	within 10 dead "$s"
}

@test "hold: as process 1 it reaps what others leave" {
	needs_root
	unshare -pf --mount-proc true 2>/dev/null || skip "no namespaces here"
	cat >"$T/leaves.py" <<'END'
import os, time
for i in range(20):
    if os.fork() == 0:      # whose child outlives it
        if os.fork() == 0:
            time.sleep(0.1)
        os._exit(0)
    os.wait()
time.sleep(1)
states = []
for p in os.listdir("/proc"):
    if p.isdigit():
        with open("/proc/%s/stat" % p) as f:
            states.append(f.read().rpartition(")")[2].split()[0])
print(len(states), states.count("Z"))
END
	is "$(unshare -pf --mount-proc "$B/bin/sessions" -c "$T/conf" hold \
	    /usr/bin/python3 "$T/leaves.py")" '2 0'
	is "$(unshare -pf --mount-proc "$B/bin/sessions" -c "$T/conf" hold \
	    sh -c 'exit 5' || echo $?)" 5
}

# A log that nobody reads: FIFO $1, full to the last byte.
unread() {
	mkfifo "$1"
	exec {UNREAD}<>"$1"
	/usr/bin/python3 - "$1" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
for size in 4096, 1:
    try:
        while True:
            os.write(fd, b"x" * size)
    except BlockingIOError:
        pass
END
}

@test "a log that nobody reads holds back no frame, no stop, no SIGTERM" {
	long 30
	unread "$T/unread"
	export TICKETCHAT_LOG=$T/unread
	replay_part "$T/long.ndjson"
	tab 1
	say $V "$Q"
	sees $V w1
	a=$(answers)
	replay_rest
	sees $V '"done"'
	within 10 dead "$a"
	say $V "$Q"
	sees $V '"cached"'
	leave $V
	is "$(text "$(so_far $V)")" "$LONG"
	replay_end
	for way in stop TERM; do
		rm -f "$T/go"
		replay_part "$T/long.ndjson"
		tab 2
		say $V "$Q"
		sees $V w1
		[ $way = TERM ] || say $V '{"type":"stop"}'
		[ $way = stop ] || kill -TERM "$(answers)"
		sees $V '"error"'
		leave $V
		within 10 none_answers
		replay_end
	done
	exec {UNREAD}<&-
}

@test "what of the log was dropped is told with the next line" {
	replay "$UP/good.ndjson"
	unread "$T/unread"
	export TICKETCHAT_LOG=$T/unread
	tab 1
	for i in 1 2 3; do
		say $V "$Q"
		within 10 eval "[ \$(grep -c '\"done\"' '$T/frames.$V') = $i ]"
	done
	(without_talkers; exec cat <&$UNREAD >"$T/heard") 3>&- &
	track $!
	# Until there is room: the last line would be dropped, too.
	within 10 test -s "$T/heard"
	is "$(tr -d x <"$T/heard")" ''
	exec {UNREAD}<&-
	say $V "$Q"
	within 10 grep -q 'prog=chat .* dropped_lines=3 .* outcome=cached' \
	    "$T/heard"
	say $V "$Q"
	within 10 eval "[ \$(grep -c outcome=cached '$T/heard') = 2 ]"
	is "$(grep -c dropped_lines "$T/heard")" 1
	leave $V
}

@test "whatever a database or a copy is called, it is that file" {
	needs_sqlite 'a file'
	replay "$UP/good.ndjson"
	cd "$T"
	for f in file:a ':memory:' 'file:b?mode=memory' 'file::memory:' \
	    'c?immutable=1' './file:d' "file:$T/e"; do
		mkdir -p "$(dirname "$f")"
		TICKETCHAT_DATABASE=$f sessions migrate >"$T/migrate"
		TICKETCHAT_DATABASE=$f TICKETCHAT_RUN_DIR=$T/run.of ask 42 "$Q"
		generated
		test -f "./$f"
		is "$(sqlite3 "$PWD/$f" 'SELECT count(AiResponse)
		    FROM TicketAISessions')" 1
		run -0 sessions backup "$f.copy"
		test -f "./$f.copy"
		TICKETCHAT_DATABASE=$f run -0 sessions restore "$f.copy"
		rm -rf "$T/run.of"
	done
	not ls a b d "$T/e" 2>/dev/null
}
