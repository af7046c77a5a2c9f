# Keeping the database in order: check, backup and restore, purge, forget;
# while others write, killed at any moment, on disks that are full.
load helper

cleanup() { if [ -n "$DISK" ]; then umount "$DISK"; fi; }

# Ticket $1 with an answer "kept $1 ..." of $2 days ago, and its cost.
keep() {
	sql "INSERT OR IGNORE INTO Tickets (Id, CreatedAt) VALUES ($1,
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-$2 days'));
	INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, CreatedAt,
	    UpdatedAt) VALUES ($1, 'ticket $1 is about a printer that jams',
	    'kept $1 open the rear door and pull the paper out',
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-$2 days'),
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-$2 days'));
	INSERT INTO $COSTS VALUES (last_insert_rowid(),
	    'm', 'stop', 1, 2, 3, 4, 5, 6, 7, 8)"
	printf 'kept %s open the rear door and pull the paper out' "$1" \
	    >"$T/kept/$1"
}

# Tickets 1 to $1, of $2 days ago; their answers may be kept.
many() {
	sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < $1)
	INSERT INTO Tickets (Id, CreatedAt) SELECT i,
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-$2 days') FROM n;
	INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, CreatedAt,
	    UpdatedAt) SELECT Id, 'printer jam', '$(head -c -1 <<<"$GOOD")' || char(10),
	    CreatedAt, CreatedAt FROM Tickets;
	INSERT INTO $COSTS SELECT Id, 'm', 'stop', 1, 2, 3, 4, 5,
	    6, 7, 8 FROM TicketAISessions"
}

count() { sql "SELECT count(*) FROM $1"; }
# Before the sqlite3 shell removes it.
log_is_cut() { test -e "$TICKETCHAT_DATABASE-wal" && not test -s "$TICKETCHAT_DATABASE-wal"; }
content() { sql '.dump' | grep '^INSERT' | sort; }

# A disk of 1 MB, made the current one.
small_disk() {
	needs_root
	mkdir "$T/disk"
	mount -t tmpfs -o size=${1:-1m},mode=700 none "$T/disk" 2>/dev/null ||
	    skip "no mount here"
	DISK=$T/disk
}

@test "check: a good database, and how much is in it" {
	keep 1 0
	sql "INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (1, 'x')"
	run -0 sessions check
	is "$output" 'no damage: 1 tickets, 2 sessions, 1 of them without an answer'
	run -0 sessions check --full
}

@test "check: a broken page, a row without its owner, no UTF-8" {
	keep 1 0
	sql "PRAGMA foreign_keys = OFF; DROP TRIGGER Tickets_Deleted;
	DELETE FROM Tickets"
	run -1 sessions check
	grep -q 'TicketAISessions: row 1 has no Tickets' <<<"$output"
	sql "INSERT INTO Tickets (Id) VALUES (1);
	UPDATE TicketAISessions SET Prompt = CAST(x'61ff62' AS TEXT)"
	run -1 sessions check
	is "$output" 'session 1: a text is not UTF-8'
	sql "UPDATE TicketAISessions SET Prompt = 'x'"
	run -0 sessions check --full
	# An index of as many rows, but other ones, is seen by --full only.
	sql '.dbconfig defensive off' "PRAGMA writable_schema = ON;
	UPDATE sqlite_schema SET sql = replace(sql, '(TicketId, FollowsId)',
	    '(UpdatedAt, Id)')
	WHERE name = 'TicketAISessions_TicketId'"
	sql 'REINDEX'
	sql '.dbconfig defensive off' "PRAGMA writable_schema = ON;
	UPDATE sqlite_schema SET sql = replace(sql, '(UpdatedAt, Id)',
	    '(TicketId, FollowsId)')
	WHERE name = 'TicketAISessions_TicketId'"
	run -0 sessions check
	run -1 sessions check --full
	grep -q TicketAISessions_TicketId <<<"$output"
	sql REINDEX
	run -0 sessions check --full
	page=$(sql "SELECT rootpage FROM sqlite_schema
	    WHERE name = 'TicketAISessions'")
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	head -c 4096 /dev/urandom | dd of="$TICKETCHAT_DATABASE" bs=4096 \
	    seek=$((page - 1)) conv=notrunc status=none
	run -1 sessions check
	NO_DATABASE=1
}

@test "upkeep: usage, no database, a newer schema" {
	for c in 'check x' 'purge' 'purge --older-than' 'purge --older-than x' \
	    'purge --older-than -1d' 'purge --older-than 99999d' \
	    'purge --older-than 90h' 'purge --older-than 9d x' 'backup' \
	    'backup a b' 'restore' 'restore a b' 'forget' 'forget 42' \
	    'forget --ticket 0' 'forget --ticket x' \
	    'forget --ticket 1 --user x' 'forget --user -' 'forget --verify'; do
		run -100 --separate-stderr sessions $c
		is "$output" ''
		is "${#stderr_lines[@]}" 1
	done
	cp "$TICKETCHAT_DATABASE" "$T/copy"
	for c in check 'purge --older-than 1d' "backup $T/b" \
	    'forget --ticket 42'; do
		TICKETCHAT_DATABASE=$T/none run -111 --separate-stderr sessions $c
		is "${#stderr_lines[@]}" 1
		sql 'PRAGMA user_version = 99'
		run -102 --separate-stderr sessions $c
		is "${#stderr_lines[@]}" 1
		sql "PRAGMA user_version = $SCHEMA"
	done
	not test -e "$T/none"
	not test -e "$T/b"
}

@test "purge: what is old goes, with tickets that are left empty" {
	keep 1 100
	keep 2 100
	keep 2 10
	keep 3 10
	sql "INSERT INTO Tickets (Id, CreatedAt) VALUES (4, '2020-01-01'), (5,
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
	sql "INSERT INTO TicketAISessions (TicketId, Prompt, CreatedAt)
	VALUES (3, 'unanswered', '2020-01-01T00:00:00.000Z')"
	run -0 sessions purge --older-than 90d --dry-run
	is "$output" '3 sessions would be deleted'
	is "$(count TicketAISessions)" 5
	run -0 sessions purge --older-than 90d
	log_is_cut
	is "$output" '3 sessions and 2 tickets deleted'
	is "$(sql 'SELECT TicketId FROM TicketAISessions' | paste -sd ' ')" \
	    '2 3'
	is "$(sql 'SELECT Id FROM Tickets' | paste -sd ' ')" '2 3 5'
	is "$(count TicketAIGenerations)" 2
	run -0 sessions purge --older-than 90
	is "$output" '0 sessions and 0 tickets deleted'
	TICKETCHAT_TICKETS=existing run -0 sessions purge --older-than 0d
	is "$output" '2 sessions and 0 tickets deleted'
}

@test "purge: a clock that is far ahead deletes nothing" {
	keep 1 400
	keep 2 31
	for d in 0 30d 365; do
		run -1 sessions purge --older-than $d
		grep -q 'nothing is deleted, .* 31 days old.*--force' <<<"$output"
		is "$(count TicketAISessions)" 2
	done
	run -0 sessions purge --older-than 365d --dry-run
	is "$output" '1 sessions would be deleted'
	run -0 sessions purge --older-than 365d --force
	is "$(count TicketAISessions)" 1
	# One answer of these days says that the clock is right.
	keep 3 29
	run -0 sessions purge --older-than 30d
	is "$(sql 'SELECT TicketId FROM TicketAISessions')" 3
	# A question that fails does not: the clock may be ahead for it, too.
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-01T00:00:00.000Z',
	    UpdatedAt = '2020-01-01T00:00:00.000Z'"
	run -1 sessions purge --older-than 30d
	sql "INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (3, '')"
	run -1 sessions purge --older-than 30d
	ask 4 "$Q"
	failed_with upstream_unreachable
	run -1 sessions purge --older-than 30d
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 1
	# Nor does it matter that many of them came behind the last answer.
	keep 5 3
	for i in {1..60}; do
		sql "INSERT INTO Tickets (Id) VALUES ($((i + 100)));
		    INSERT INTO TicketAISessions (TicketId, Prompt)
		    VALUES ($((i + 100)), '')"
	done
	run -0 sessions purge --older-than 30d
	is "$(sql 'SELECT max(TicketId) FROM TicketAISessions
	    WHERE AiResponse IS NOT NULL')" 5
}

# The nightly script, with the date $1 (none: today's).
upkeep() {
	mkdir -p "$T/bin"
	printf '#!/bin/sh\nexec %q -c %q "$@"\n' "$B/bin/sessions" "$T/conf" \
	    >"$T/bin/sessions"
	printf '#!/bin/sh\n[ "$1" != +%%F ] || { echo "%s"; exit; }\nexec /bin/date "$@"\n' \
	    "${1:-$(date +%F)}" >"$T/bin/date"
	chmod +x "$T/bin/sessions" "$T/bin/date"
	PATH=$T/bin:$PATH sh "$ROOT/deploy/upkeep.sh"
}
copies() { ls "$T/backup" | paste -sd ' '; }

@test "upkeep: the newest copies stay, and the one just made in any case" {
	keep 1 1
	export TICKETCHAT_BACKUPS=3
	for d in 26 27 28 29; do upkeep 2026-11-$d; done
	is "$(copies)" '2026-11-27.db 2026-11-28.db 2026-11-29.db'
	# The clock goes back.
	upkeep 2025-10-25
	is "$(copies)" '2025-10-25.db 2026-11-28.db 2026-11-29.db'
	upkeep 2025-10-26
	is "$(copies)" '2025-10-26.db 2026-11-28.db 2026-11-29.db'
	TICKETCHAT_BACKUPS=1 upkeep 2025-10-27
	is "$(copies)" 2025-10-27.db
	TICKETCHAT_BACKUPS=0 upkeep 2025-10-28
	is "$(copies)" 2025-10-27.db
	# RETENTION_DAYS never passes --force.
	sql "UPDATE TicketAISessions SET UpdatedAt = '2020-01-01T00:00:00.000Z',
	    CreatedAt = '2020-01-01T00:00:00.000Z'"
	run -1 env TICKETCHAT_RETENTION_DAYS=365 bash -c "$(declare -f upkeep); \
	    T=$T B=$B ROOT=$ROOT upkeep"
	is "$(count TicketAISessions)" 1
}

@test "purge leaves what a generation works on" {
	long 40
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	sees $V w1
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-01T00:00:00.000Z'"
	run -0 sessions purge --older-than 90d --force
	is "${lines[0]}" '0 sessions and 0 tickets deleted'
	is "${lines[1]}" '1 with a running generation were not deleted'
	replay_rest
	viewed $V
	is_text "$LONG"
	ask 1 "$Q"
	kept "$LONG"
}

@test "purge in chunks, killed at any of its system calls" {
	needs_strace
	many 1400 100
	keep 1500 1
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	cp "$TICKETCHAT_DATABASE" "$T/full"
	points "$B/bin/sessions" -c "$T/conf" purge --older-than 90d |
	    awk '/openat/ { f = 1 } f' | tail -n 160 | awk 'NR % 8 == 0' |
	    nth 4 >"$T/points"
	[ "$(wc -l <"$T/points")" -ge "$(long_or 10 5)" ]
	while read -r call i; do
		rm -f "$TICKETCHAT_DATABASE"*
		cp "$T/full" "$TICKETCHAT_DATABASE"
		strace -o /dev/null -e inject=$call:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" purge --older-than 90d \
		    >/dev/null 2>&1 || killed=$((killed + 1))
		is "$(sql 'PRAGMA integrity_check')" ok
		# The oldest are gone, none is half gone.  A chunk ends by the
		# time, too: how many it has depends on the machine.
		is "$(sql "SELECT count(*) = 1 OR min(Id) + count(*) = 1402 FROM TicketAISessions")" 1
		is "$(sql 'SELECT count(*) FROM TicketAIGenerations WHERE SessionId NOT IN
		    (SELECT Id FROM TicketAISessions)')" 0
		run -0 sessions purge --older-than 90d
		is "$(count TicketAISessions) $(count Tickets)" '1 1'
	done <"$T/points"
	# A run with fewer chunks does not come to the last points.
	[ "$killed" -ge $(($(wc -l <"$T/points") / 2)) ]
}

# The write lock is given back at least once for each PURGE_CHUNK, 500.
@test "purge while questions are asked" {
	needs_strace
	needs_sqlite "its write lock"
	many 3000 100
	export TICKETCHAT_GENERATIONS=8
	long 40
	replay_part --times 1 --then "$UP/good.ndjson" "$T/long.ndjson"
	viewer 4999 "$Q"
	sees 1 w1
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-01T00:00:00.000Z'
	    WHERE TicketId = 4999; UPDATE Tickets SET CreatedAt =
	    '2020-01-01T00:00:00.000Z' WHERE Id = 4999"
	strace -o "$T/locks" -e trace=fcntl "$B/bin/sessions" -c "$T/conf" \
	    purge --older-than 90d --force >"$T/purge" 3>&- &
	p=$!
	track $p
	for i in {2..7}; do viewer $((5000 + i)) "$Q"; done
	for i in {2..7}; do viewed "$i"; generated; done
	wait $p
	is "$(paste -sd '|' "$T/purge")" "3000 sessions and 3000 tickets deleted|1 with a running generation were not deleted"
	[ "$(grep -c 'F_OFD_SETLKW*, {l_type=F_WRLCK, .*l_start=1, .* = 0' \
	    "$T/locks")" -ge 12 ]
	is "$(count TicketAISessions) $(count Tickets)" '7 7'
	replay_rest
	viewed 1
	is_text "$LONG"
	ask 4999 "$Q"
	kept "$LONG"
}

# What is too old is found without the lock that writers need, and by an index.
@test "purge of many young rows is in nobody's way" {
	needs_sqlite "its write lock"
	sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 2000) INSERT INTO Tickets (Id) SELECT i FROM n;
	INSERT INTO TicketAISessions (TicketId, Prompt) SELECT Id, '' FROM Tickets"
	mkfifo "$T/shell"
	sqlite3 -batch "$TICKETCHAT_DATABASE" <"$T/shell" >"$T/shell.out" 2>&1 3>&- &
	track $!
	exec {IN[0]}>"$T/shell"
	printf 'BEGIN IMMEDIATE;\nSELECT 1;\n' >&"${IN[0]}"
	within 10 test -s "$T/shell.out"
	run -0 sessions purge --older-than 30d
	is "$output" '0 sessions and 0 tickets deleted'
	hang_up 0
	# Of old ones each goes, however many, and no young one.
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-02T03:04:05.678Z'
	    WHERE Id % 2 = 0"
	run -0 sessions purge --older-than 30d --force
	is "$(sql 'SELECT count(*), min(Id % 2) FROM TicketAISessions')" '1000|1'
	sqlite3 "$TICKETCHAT_DATABASE" "EXPLAIN QUERY PLAN SELECT Id, TicketId
	    FROM TicketAISessions WHERE 0 = 0 AND AiResponse IS NOT NULL AND
	    coalesce(UpdatedAt, CreatedAt) < 'x' LIMIT 5" |
	    grep -q 'USING INDEX TicketAISessions_Time'
}

@test "counts of 2^63-1 end neither stats nor metrics" {
	keep 1 0
	keep 2 0
	sql 'UPDATE TicketAIGenerations SET PromptTokens = 9223372036854775807,
	    AnswerTokens = 9223372036854775807, TotalMs = 9223372036854775807,
	    FirstTokenMs = 9223372036854775807'
	for c in stats 'stats --by day' 'stats --by model' metrics; do
		run -0 sessions $c
		[ -n "$output" ]
	done
}

@test "backup: whole, private, not over another file" {
	keep 1 0
	run -0 sessions backup "$T/b"
	is "$(stat -c %a "$T/b")" 600
	is "$(TICKETCHAT_DATABASE=$T/b content)" "$(content)"
	is "$(sqlite3 "$T/b" 'PRAGMA integrity_check; PRAGMA user_version;
	    PRAGMA journal_mode' | paste -sd ' ')" "ok $SCHEMA delete"
	not compgen -G "$T/b.*"
	md5sum "$T/b" >"$T/sum"
	keep 2 0
	run -1 --separate-stderr sessions backup "$T/b"
	md5sum -c --quiet "$T/sum"
	run -0 sessions backup --force "$T/b"
	is "$(TICKETCHAT_DATABASE=$T/b content)" "$(content)"
	for f in '' -wal -shm -lock; do
		run -1 --separate-stderr sessions backup --force "$TICKETCHAT_DATABASE$f"
	done
	ln -s "$TICKETCHAT_DATABASE" "$T/link"
	run -1 --separate-stderr sessions backup --force "$T/link"
	run -111 --separate-stderr sessions backup "$T/no/where"
	mkdir "$T/dir"
	run -1 --separate-stderr sessions backup --force "$T/dir"
	run -1 --separate-stderr sessions backup \
	    "$T/$(printf 'x%.0s' {1..600})"
	not compgen -G "$T/*.tmp"
	is "$(sql 'PRAGMA integrity_check')" ok
}

@test "backup and restore replace regular files only" {
	needs_root
	keep 1 0
	mknod -m 666 "$T/null" c 1 3
	mkfifo "$T/fifo"
	mkdir "$T/folder"
	echo text >"$T/file"
	ln -s "$T/file" "$T/link"
	ln -s nowhere "$T/dangling"
	local f
	for f in null fifo folder link dangling; do
		run -1 sessions backup --force "$T/$f"
		grep -q 'not a regular file' <<<"$output"
		# Nor is what it would have been made of on the way.
		mv "$T/$f" "$T/x.tmp"
		run ! sessions backup --force "$T/x"
		test -e "$T/x.tmp" -o -L "$T/x.tmp"
		not test -e "$T/x"
		mv "$T/x.tmp" "$T/$f"
	done
	test -c "$T/null" -a -p "$T/fifo" -a -d "$T/folder" -a -L "$T/link" -a \
	    -L "$T/dangling"
	is "$(<"$T/file")" text
	sessions backup "$T/good"
	mv "$T/null" "$TICKETCHAT_DATABASE.before-restore"
	run -1 sessions restore --force "$T/good"
	grep -q 'not a regular file' <<<"$output"
	test -c "$TICKETCHAT_DATABASE.before-restore"
}

@test "backup of a damaged database is none" {
	many 200 0
	sql 'DROP INDEX TicketAISessions_TicketId'
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	page=$(sql "SELECT rootpage FROM sqlite_schema
	    WHERE name = 'TicketAIGenerations'")
	head -c 4096 /dev/urandom | dd of="$TICKETCHAT_DATABASE" bs=4096 \
	    seek=$((page - 1)) conv=notrunc status=none
	run ! --separate-stderr sessions backup "$T/b"
	not compgen -G "$T/b"
	not compgen -G "$T/b.*"
	NO_DATABASE=1
}

@test "backup while others write: as of one moment" {
	sql 'PRAGMA wal_autocheckpoint' >/dev/null
	# Each transaction adds one to both.
	for i in {1..4}; do
		for j in {1..40}; do
			echo "BEGIN IMMEDIATE; INSERT INTO Tickets (Id)
			VALUES ($i$j); INSERT INTO TicketAISessions (TicketId,
			Prompt) VALUES ($i$j, 'x'); COMMIT;"
		done | sqlite3 -batch -cmd '.timeout 20000' "$TICKETCHAT_DATABASE" 3>&- &
		w[i]=$!
	done
	for k in {1..5}; do
		run -0 sessions backup "$T/b.$k"
		is "$(sqlite3 "$T/b.$k" 'SELECT (SELECT count(*) FROM Tickets) =
		    (SELECT count(*) FROM TicketAISessions)')" 1
	done
	for i in {1..4}; do wait "${w[i]}"; done
	is "$(count Tickets)" 160
}

@test "one backup at a time; a part of one that was killed is taken away" {
	keep 1 0
	echo partial >"$T/b.tmp"
	run -0 sessions backup "$T/b"
	not test -e "$T/b.tmp"
	# The byte of backups, held by another.
	/usr/bin/python3 -c '
import fcntl, struct, sys, time
f = open(sys.argv[1], "r+b")
fcntl.fcntl(f, 37, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 2, 1, 0))
print("held", flush=True)
time.sleep(60)' "$TICKETCHAT_DATABASE-lock" >"$T/held" 3>&- &
	track $!
	within 10 test -s "$T/held"
	run -1 --separate-stderr sessions backup "$T/c"
	run -1 --separate-stderr sessions restore "$T/b"
	not compgen -G "$T/c"
	not compgen -G "$T/c.*"
}

@test "backup onto a full disk, and one that takes no more: nothing there" {
	many 2000 0
	small_disk 200k
	run -111 --separate-stderr sessions backup "$DISK/b"
	is "$(ls -A "$DISK")" ''
	run -111 --separate-stderr bash -c "ulimit -f 64; exec '$B/bin/sessions' \
	    -c '$T/conf' backup '$T/b'"
	not compgen -G "$T/b"
	not compgen -G "$T/b.*"
	is "$(sessions check)" \
	    'no damage: 2000 tickets, 2000 sessions, 0 of them without an answer'
}

# A disk of size $1 that is full to the last byte, with $2 old tickets; with $3
# `cold' nobody has left the files that SQLite shares.
full_disk() {
	[ -z "$DISK" ] || { umount "$DISK" && rmdir "$DISK"; }
	small_disk "$1"
	TICKETCHAT_DATABASE=$DISK/db
	sessions migrate >"$T/out"
	many "$2" 400
	sql 'UPDATE TicketAISessions SET Prompt = hex(randomblob(500))'
	[ "$3" = cold ] || sessions list >"$T/out"
	[ "$3" != cold ] || rm -f "$DISK/db-shm" "$DISK/db-wal"
	head -c 100000000 /dev/zero >"$DISK/filler" 2>/dev/null || true
	is "$(stat -f -c %a "$DISK")" 0
}
# One line, without a word of ours to SQLite.
plain() {
	is "${#stderr_lines[@]}" 1
	not grep -qE 'VACUUM|SELECT|INSERT|DELETE|UPDATE|PRAGMA|BEGIN|COMMIT|[?][0-9]' \
	    <<<"$stderr"
}

# bats test_tags=fault,fault:29
@test "the disk is full: what tells and what deletes works, the rest is whole" {
	local c d n
	for d in '1m 60' '1m 60 cold' '3m 500' '40m 9000 cold' '60m 12000'; do
		full_disk $d
		n=$(($(cut -d ' ' -f 2 <<<"$d") - 1))
		for c in metrics stats 'stats --by model' list 'show 7'; do
			run -0 --separate-stderr sessions $c
			is "$c $stderr" "$c "
		done
		sessions metrics | tail -n 1 | grep -q '^ticketchat_queue_length 0$'
		run -111 --separate-stderr sessions backup "$DISK/b"
		plain
		grep -qE "^sessions: $DISK/b[^ ]*: .* [0-9]+ kB .*nothing is changed" \
		    <<<"$stderr"
		run -0 sessions delete 5
		is "$(sessions purge --older-than 365 --force)" \
		    "$n sessions and $n tickets deleted"
		is "$(sessions check)" \
		    'no damage: 0 tickets, 0 sessions, 0 of them without an answer'
		is "$(ls "$DISK" | paste -sd ' ')" \
		    'db db-lock db-reserve db-shm db-wal filler'
		# The next time there is still some.
		keep 8 0
		cat /dev/zero >"$DISK/filler2" 2>/dev/null || true
		run -0 sessions delete 8
	done
	TICKETCHAT_DATABASE=$T/db
}

@test "the disk is full: forget is done, or refused before anything is changed" {
	full_disk '1m' 40
	run -0 sessions forget --ticket 7 --verify
	is "$(count TicketAISessions)" 39
	local d
	for d in '40m 9000' '40m 9000 cold' '60m 14000'; do
		full_disk $d
		run -111 --separate-stderr sessions forget --ticket 7
		plain
		grep -qE "^sessions: $DISK/db: .* [0-9]+ kB .*nothing is changed" \
		    <<<"$stderr"
		is "$(sessions show --json 7 | jq -r .ticket)" 7
		is "$(ls "$DISK" | grep -c -e reserve -e etilqs)" 1
		rm "$DISK/filler"
		run -0 sessions backup --force "$T/b"
		cat /dev/zero >"$DISK/filler" 2>/dev/null || true
		run -111 --separate-stderr sessions restore "$T/b"
		plain
		grep -q 'nothing is changed' <<<"$stderr"
		not compgen -G "$DISK/*restore*"
	done
	TICKETCHAT_DATABASE=$T/db
}

@test "what has failed says what and where, in no word of SQL" {
	needs_root
	many 3000 1
	sessions backup "$T/b"
	sessions export >"$T/out.ndjson"
	local c
	for c in "64 backup $T/c" "64 restore $T/b" '64 forget --ticket 3' \
	    '1 delete 4' '9 purge --older-than 0'; do
		run -111 --separate-stderr bash -c "ulimit -f ${c%% *}; exec '$B/bin/sessions' \
		    -c '$T/conf' ${c#* }"
		plain
		[[ $stderr = *"$T/"*': '* ]]
		not compgen -G "$T/*-journal"
		not compgen -G "$T/*.tmp*"
		not compgen -G "$T/db.*"
	done
	sql 'DROP TABLE TicketAIGenerations'
	for c in metrics stats list export 'show 2' check; do
		run ! --separate-stderr sessions $c
		plain
	done
	NO_DATABASE=1
}

@test "restore: the content is the backup's, the old one is kept" {
	keep 1 0
	run -0 sessions backup "$T/b"
	md5sum "$T/b" >"$T/sum"
	was=$(content)
	keep 2 0
	now=$(content)
	run -0 sessions restore "$T/b"
	log_is_cut
	md5sum -c --quiet "$T/sum"
	is "$(content | grep -v sqlite_sequence)" \
	    "$(grep -v sqlite_sequence <<<"$was")"
	is "$(TICKETCHAT_DATABASE=$TICKETCHAT_DATABASE.before-restore content)" "$now"
	is "$(stat -c %a "$TICKETCHAT_DATABASE.before-restore")" 600
	is "$(sql 'PRAGMA journal_mode')" wal
	is "$(ls "$T" | grep '^db' | grep -v -e -wal -e -shm | paste -sd ' ')" \
	    'db db-lock db-reserve db.before-restore'
	# An id is never used twice.
	sql "INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (1, 'x')"
	is "$(sql 'SELECT max(Id) FROM TicketAISessions')" 3
	# Once more: the first old one is not lost unasked.
	run -1 --separate-stderr sessions restore "$T/b"
	grep -q before-restore <<<"$stderr"
	run -0 sessions restore --force "$T/b"
	run -0 sessions restore --force "$TICKETCHAT_DATABASE.before-restore"
	is "$(count TicketAISessions)" 2
}

@test "restore where there is no database, or a damaged one" {
	keep 1 0
	run -0 sessions backup "$T/b"
	was=$(content)
	rm "$TICKETCHAT_DATABASE"
	run -0 sessions restore "$T/b"
	is "$(content)" "$was"
	is "$(stat -c %a "$TICKETCHAT_DATABASE")" 600
	not test -e "$TICKETCHAT_DATABASE.before-restore"
	page=$(sql "SELECT rootpage FROM sqlite_schema
	    WHERE name = 'TicketAISessions'")
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	head -c 4096 /dev/urandom | dd of="$TICKETCHAT_DATABASE" bs=4096 \
	    seek=$((page - 1)) conv=notrunc status=none
	run -1 sessions check
	cp "$TICKETCHAT_DATABASE" "$T/damaged"
	run -0 sessions restore "$T/b"
	is "$(content)" "$was"
	is "$(cmp "$T/damaged" "$TICKETCHAT_DATABASE.before-restore" | wc -l)" 1
	cmp -s -i 4096 "$T/damaged" "$TICKETCHAT_DATABASE.before-restore"
	# Beyond opening.
	rm "$TICKETCHAT_DATABASE.before-restore"
	echo "no database any more, and longer than a header has to be: it has \
	a hundred bytes" >"$TICKETCHAT_DATABASE"
	beyond
}

# What is in the place of the database cannot be opened.
beyond() {
	cp "$TICKETCHAT_DATABASE" "$T/damaged"
	run -102 --separate-stderr sessions migrate
	[[ $stderr = *"$TICKETCHAT_DATABASE: "*'sessions restore'* ]]
	cmp "$T/damaged" "$TICKETCHAT_DATABASE"
	run -0 sessions restore --force "$T/b"
	is "$(content)" "$was"
	cmp "$T/damaged" "$TICKETCHAT_DATABASE.before-restore"
	run -0 sessions migrate
}

@test "restore where the header is damaged, and the service does not begin anew" {
	keep 1 0
	run -0 sessions backup "$T/b"
	was=$(content)
	local at
	for at in 0:16 0:100 16:2 18:2 44:4; do
		sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
		head -c "${at#*:}" /dev/zero | tr '\0' '\377' |
		    dd of="$TICKETCHAT_DATABASE" bs=1 seek="${at%:*}" conv=notrunc status=none
		echo "$at"
		beyond
	done
	# One that cannot be exchanged after all stays where it was.
	echo "a text that is no database at all" >"$TICKETCHAT_DATABASE"
	cp "$TICKETCHAT_DATABASE" "$T/damaged"
	run -111 --separate-stderr bash -c "ulimit -f 30; exec '$B/bin/sessions' \
	    -c '$T/conf' restore --force '$T/b'"
	cmp "$T/damaged" "$TICKETCHAT_DATABASE"
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	run -102 --separate-stderr "$ROOT/run.sh"
	[[ $stderr = *'sessions restore'* ]]
	run -0 sessions restore --force "$T/b"
}

@test "restore refuses what is none of ours, newer, damaged or not there" {
	keep 1 0
	was=$(content)
	sessions backup "$T/b"
	cp "$T/b" "$T/newer"
	sqlite3 "$T/newer" 'PRAGMA user_version = 99'
	cp "$T/b" "$T/foreign"
	sqlite3 "$T/foreign" 'PRAGMA application_id = 1'
	cp "$T/b" "$T/orphan"
	sqlite3 "$T/orphan" 'DROP TRIGGER Tickets_Deleted; DELETE FROM Tickets'
	cp "$T/b" "$T/damaged"
	head -c 4096 /dev/urandom | dd of="$T/damaged" bs=4096 seek=3 \
	    conv=notrunc status=none
	head -c 9000 "$T/b" >"$T/cut"
	echo "a text that is no database at all" >"$T/text"
	: >"$T/empty"
	for f in newer:102 foreign:102 empty:102 orphan:1 damaged: cut: text:111 \
	    none:111 "$(printf 'x%.0s' {1..600})":1; do
		run ! --separate-stderr sessions restore "$T/${f%:*}"
		[ -z "${f#*:}" ] || is "$f $status" "$f ${f#*:}"
		is "${#stderr_lines[@]}" 1
		is "$(content)" "$was"
		not compgen -G "$TICKETCHAT_DATABASE.*"
	done
	# Nor is somebody else's database overwritten.
	TICKETCHAT_DATABASE=$T/other
	sqlite3 "$TICKETCHAT_DATABASE" 'CREATE TABLE a (b); PRAGMA user_version = 1'
	run -1 --separate-stderr sessions restore "$T/b"
	is "$(sql '.tables')" a
	NO_DATABASE=1
}

@test "restore of another page size and mode, from a copy of the file" {
	keep 1 0
	was=$(content)
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	cp "$TICKETCHAT_DATABASE" "$T/wal"
	cp "$TICKETCHAT_DATABASE" "$T/small"
	sqlite3 "$T/small" 'PRAGMA journal_mode = DELETE; PRAGMA page_size = 512;
	VACUUM' >/dev/null
	for f in wal small; do
		keep 9 0
		run -0 sessions restore --force "$T/$f"
		is "$(content | grep -v sqlite_seq)" \
		    "$(grep -v sqlite_seq <<<"$was")"
		is "$(sql 'PRAGMA page_size; PRAGMA journal_mode' |
		    paste -sd ' ')" '4096 wal'
	done
}

@test "restore is refused while a generation runs, and holds up a new one" {
	keep 9 0
	sessions backup "$T/b"
	long 30
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	sees $V w1
	run -1 --separate-stderr sessions restore "$T/b"
	grep -q 'generation runs' <<<"$stderr"
	not test -e "$TICKETCHAT_DATABASE.before-restore"
	replay_rest
	viewed $V
	is_text "$LONG"
	# Questions come all the time.
	for i in {2..9}; do viewer $((10 + i)) "$Q"; done
	for i in {2..9}; do viewed "$i" 60; is_text "$LONG"; done
	run -0 sessions restore "$T/b"
	is "$(sql 'SELECT TicketId FROM TicketAISessions')" 9
}

@test "restore under those who have the database open" {
	keep 1 0
	sessions backup "$T/b"
	sql "UPDATE TicketAISessions SET AiResponse = 'new'"
	printf new >"$T/kept/new"
	mkfifo "$T/shell"
	sqlite3 -batch "$TICKETCHAT_DATABASE" <"$T/shell" >"$T/shell.out" 2>&1 3>&- &
	track $!
	exec {IN[0]}>"$T/shell"
	echo 'BEGIN; SELECT AiResponse FROM TicketAISessions;' >&"${IN[0]}"
	within 10 grep -q new "$T/shell.out"
	# The reader is in the way of cutting the log only.
	{ hang_up 0; sessions restore "$T/b"; } 2>"$T/err" 3>&- &
	p=$!
	within 20 test -e "$TICKETCHAT_DATABASE.before-restore"
	restored() { sql 'SELECT AiResponse FROM TicketAISessions' |
	    grep -q kept; }
	within 20 restored
	echo 'SELECT AiResponse FROM TicketAISessions; COMMIT;
	SELECT AiResponse FROM TicketAISessions;' >&"${IN[0]}"
	within 10 grep -q kept "$T/shell.out"
	is "$(paste -sd ' ' "$T/shell.out")" \
	    'new new kept 1 open the rear door and pull the paper out'
	hang_up 0
	wait $p
}

@test "restore killed at any of its system calls: the old or the new one" {
	needs_strace
	many 300 0
	sessions backup "$T/b"
	old=$(sql "UPDATE TicketAISessions SET Prompt = 'old';
	    PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null; content | md5sum)
	cp "$TICKETCHAT_DATABASE" "$T/old"
	TICKETCHAT_DATABASE=$T/try
	cp "$T/old" "$TICKETCHAT_DATABASE"
	points "$B/bin/sessions" -c "$T/conf" restore "$T/b" |
	    awk '/openat/ { f = 1 } f' >"$T/all"
	new=$(content | md5sum)
	not [ "$new" = "$old" ]
	awk -v n="$(($(wc -l <"$T/all") / 40 + 1))" 'NR % n == 0' "$T/all" |
	    nth 4 >"$T/points"
	while read -r call i; do
		rm -f "$TICKETCHAT_DATABASE"*
		cp "$T/old" "$TICKETCHAT_DATABASE"
		strace -o /dev/null -e inject=$call:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" restore "$T/b" \
		    >/dev/null 2>&1 || killed=$((killed + 1))
		is "$(sql 'PRAGMA integrity_check')" ok
		now=$(content | md5sum)
		if [ "$now" = "$old" ]; then olds=1; else is "$now" "$new"; news=1; fi
		run -0 sessions restore --force "$T/b"
		is "$(content | md5sum)" "$new"
		is "$(ls "$T" | grep '^try' | grep -v -e -wal -e -shm |
		    paste -sd ' ')" 'try try-lock try.before-restore'
	done <"$T/points"
	is "$killed" "$(wc -l <"$T/points")"
	is "$olds$news" 11
	TICKETCHAT_DATABASE=$T/db
}

@test "restore on a full disk: the old one" {
	many 3000 0
	sessions backup "$T/b"
	small_disk 1m
	TICKETCHAT_DATABASE=$DISK/db
	sessions migrate
	keep 7 0
	was=$(content)
	run -111 --separate-stderr sessions restore "$T/b"
	is "$(content)" "$was"
	not compgen -G "$DISK/db.*"
	run -0 sessions check --full
	TICKETCHAT_DATABASE=$T/db2
	sessions migrate
	keep 8 0
	was=$(content)
	run ! --separate-stderr bash -c "ulimit -f 200; exec '$B/bin/sessions' \
	    -c '$T/conf' restore '$T/b'"
	is "$status" 111
	is "$(content)" "$was"
	TICKETCHAT_DATABASE=$T/db
}

@test "upkeep without permission" {
	needs_root
	keep 1 0
	sessions backup "$T/b"
	D=$(mktemp -d)
	chmod 755 "$D"
	cp "$TICKETCHAT_DATABASE" "$D/db"
	mkdir -m 700 "$D/run"
	chown 65534 "$D/run"
	as_nobody() { TICKETCHAT_DATABASE=$D/db TICKETCHAT_RUN_DIR=$D/run setpriv --reuid 65534 \
	    --clear-groups -- "$B/bin/sessions" -c /dev/null "$@"; }
	for c in check 'purge --older-than 1d' "backup $D/run/c" \
	    "restore $D/db" 'forget --ticket 1'; do
		run -111 --separate-stderr as_nobody $c
		is "${#stderr_lines[@]}" 1
	done
	cmp "$TICKETCHAT_DATABASE" "$D/db"
	rm -r "$D"
}

# Whether a text stands in any file of the database, the log or RUN_DIR.
stands() { cat "$TICKETCHAT_DATABASE"* "$TICKETCHAT_LOG"* "$TICKETCHAT_RUN_DIR"/* 2>/dev/null | grep -qaF "$1"; }

@test "forget --ticket: no byte is left, all else is" {
	for i in {1..40}; do keep $i 0; done
	content | grep -v 'ticket 17 \|(17,' >"$T/want"
	stands 'ticket 17 is about'
	run -0 sessions forget --ticket 17
	log_is_cut
	is "$output" ''
	not stands 'ticket 17 is about'
	not stands 'kept 17 open'
	content | cmp - "$T/want"
	run -1 --separate-stderr sessions forget --ticket 17
	is "$stderr" 'sessions: there is no ticket 17'
}

@test "forget leaves nothing of what moved within the file before" {
	# Short and long rows, changed and deleted, until old bytes stand where
	# secure deletion does not look: 1 of 1000 deletions, without VACUUM.
	/usr/bin/python3 - "$TICKETCHAT_DATABASE" <<'P'
import random, sqlite3, sys
random.seed(3)
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA foreign_keys = ON")
c.execute("PRAGMA synchronous = OFF")
live, n = [], 0
text = lambda t, k: "TICKET%06dQ" % t * k
while len(live) < 250 or n < 900:
    r = random.random()
    if r < .6 or len(live) < 5:
        n += 1
        live.append(n)
        c.execute("INSERT INTO Tickets (Id) VALUES (?)", (n,))
        c.execute("INSERT INTO TicketAISessions (TicketId, Prompt) VALUES (?, ?)",
            (n, text(n, random.choice([1, 3, 10, 50, 200, 700]))))
    elif r < .8:
        t = random.choice(live)
        c.execute("UPDATE TicketAISessions SET Prompt = ? WHERE TicketId = ?",
            (text(t, random.choice([2, 20, 90])), t))
    else:
        t = live.pop(random.randrange(len(live)))
        c.execute("DELETE FROM Tickets WHERE Id = ?", (t,))
P
	sql 'SELECT Id FROM Tickets ORDER BY Id' >"$T/live"
	[ "$(wc -l <"$T/live")" -ge 250 ]
	for t in $(awk 'NR % 50 == 0' "$T/live"); do
		run -0 sessions forget --ticket $t --verify
		not stands "$(printf 'TICKET%06dQ' "$t")"
	done
	# Nor of those that were only deleted, long before.
	strings -n 13 "$TICKETCHAT_DATABASE" | grep -o 'TICKET[0-9]*Q' | sort -u >"$T/there"
	sql "SELECT printf('TICKET%06dQ', Id) FROM Tickets" | sort >"$T/may"
	is "$(comm -23 "$T/there" "$T/may")" ''
}

@test "forget --verify names the file where something is left" {
	keep 1 0
	keep 2 0
	sessions backup "$T/b"
	sessions restore "$T/b"
	run -1 sessions forget --ticket 1 --verify
	grep -q "^$TICKETCHAT_DATABASE.before-restore: [0-9]* pieces are left" <<<"$output"
	is "${#lines[@]}" 1
	rm "$TICKETCHAT_DATABASE.before-restore"
	run -0 sessions forget --ticket 2 --verify
	grep -q 'nothing is left' <<<"$output"
	# In the log, or in the run directory.
	for f in "$TICKETCHAT_LOG.1" "$TICKETCHAT_RUN_DIR/x"; do
		keep 3 0
		echo "time=x kept 3 open the rear door and pull the paper out" >"$f"
		run -1 sessions forget --ticket 3 --verify
		grep -q "^$f: 1 pieces" <<<"$output" ||
		    grep -q "^$f: [0-9]* pieces" <<<"$output"
		rm "$f"
	done
	# What somebody else has said too is his.
	keep 4 0
	sql "INSERT INTO TicketAISessions (TicketId, Prompt)
	SELECT 40, Prompt FROM TicketAISessions WHERE 0;
	INSERT INTO Tickets (Id) VALUES (5);
	INSERT INTO TicketAISessions (TicketId, Prompt)
	SELECT 5, Prompt || AiResponse FROM TicketAISessions WHERE TicketId = 4"
	run -0 sessions forget --ticket 4 --verify
}

@test "forget --verify names the copies, and says what to do" {
	keep 1 0
	keep 2 0
	mkdir "$T/backup"
	sessions backup "$T/backup/2026-11-23.db"
	cp "$T/backup/2026-11-23.db" "$T/backup/2026-11-24.db.tmp"
	run -1 sessions forget --ticket 1 --verify
	for f in 2026-11-23.db 2026-11-24.db.tmp; do
		grep -q "^$T/backup/$f: [0-9]* pieces are left" <<<"$output"
	done
	grep -q 'Delete the copy' <<<"$output"
	not grep -q 'nothing is left' <<<"$output"
	# What it says works.
	rm "$T/backup/2026-11-24.db.tmp"
	keep 1 0
	run -0 env "TICKETCHAT_DATABASE=$T/backup/2026-11-23.db" \
	    "$B/bin/sessions" -c "$T/conf" forget --ticket 1
	run -0 sessions forget --ticket 1 --verify
	grep -q 'nothing is left' <<<"$output"
	# Of a ticket that never was, nothing is said to be left or gone.
	run -1 sessions forget --ticket 4711 --verify
	is "$output" 'sessions: there is no ticket 4711'
}

@test "forget --verify names a copy whose text tells no ticket apart" {
	local n=0 body
	keep 1 0
	# Too short, a run of one byte, nothing, and another ticket's text too.
	for body in vpn aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa '' 'same'; do
		n=$((n + 1))
		sql "INSERT INTO Tickets (Id) VALUES ($((n + 10)));
		    INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse)
		    VALUES ($((n + 10)), '$body', 'ok')"
	done
	for n in 21 22; do
		sql "INSERT INTO Tickets (Id) VALUES ($n);
		    INSERT INTO TicketAISessions (TicketId, Prompt)
		    VALUES ($n, 'the text that two tickets have in common')"
	done
	mkdir "$T/backup"
	sessions backup "$T/backup/2026-11-23.db"
	for n in 11 12 13 14 21 11 12; do
		run -1 sessions forget --ticket $n --verify
		grep -qx "$T/backup/2026-11-23.db: contains ticket $n" <<<"$output"
		grep -q 'Delete the copy' <<<"$output"
		not grep -q -e 'nothing is left' -e 'there is no' <<<"$output"
	done
	rm "$T/backup/2026-11-23.db"
	run -1 sessions forget --ticket 11 --verify
	is "$output" 'sessions: there is no ticket 11'
	run -0 sessions forget --ticket 22 --verify
}

@test "forget --verify names the copies a second time too" {
	keep 1 0
	keep 2 0
	keep 3 0
	keep 4 0
	mkdir "$T/backup"
	sessions backup "$T/backup/2026-11-23.db"
	sqlite3 "$T/backup/old.db" <"$ROOT/tests/schema/001.sql"
	sqlite3 "$T/backup/old.db" "UPDATE TicketAISessions SET TicketId = 3,
	    AiResponse = 'what only the oldest copy of all still knows'"
	echo 'no copy, whatever its name' >"$T/backup/notes.db"
	mkdir "$T/backup/2026.db"
	mkfifo "$T/backup/pipe.db"
	run -1 sessions forget --ticket 1 --verify
	# By then the database does not know the text any more.
	for _ in again 'and again'; do
		run -1 sessions forget --ticket 1 --verify
		grep -q "^$T/backup/2026-11-23.db: [0-9]* pieces are left" <<<"$output"
		grep -q 'Delete the copy' <<<"$output"
		not grep -q -e 'nothing is left' -e 'there is no' <<<"$output"
	done
	# Nor after a delete, nor of a text that only an older copy has.
	run -0 sessions delete 2
	run -1 sessions forget --ticket 2 --verify
	grep -q "^$T/backup/2026-11-23.db: " <<<"$output"
	run -1 sessions forget --ticket 3 --verify
	grep -q "^$T/backup/old.db: " <<<"$output"
	rm "$T/backup/2026-11-23.db" "$T/backup/old.db"
	for t in 1 2 3; do
		run -1 sessions forget --ticket $t --verify
		is "$output" "sessions: there is no ticket $t"
	done
	run -0 sessions forget --ticket 4 --verify
	grep -q 'nothing is left' <<<"$output"
}

@test "forget --ticket ends its generation first, and nobody begins one" {
	long 1000
	replay --pace 50 "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=2
	viewer 1 "$Q"
	sees 1 w1
	viewer 2 "$Q"
	sees 2 w1
	run -0 sessions forget --ticket 1 --verify
	viewed 1
	is "$(code)" stopped
	is "$(sql 'SELECT Id FROM Tickets')" 2
	within 10 logged '^gone'
	end "$(answer_of 2)"
	viewed 2
}

@test "forget --ticket does not wait for ever for a claim" {
	[ -z "$CI_FAST" ] || skip
	keep 7 0
	: >"$TICKETCHAT_RUN_DIR/claims"
	/usr/bin/python3 -c '
import fcntl, os, struct, sys, time
f = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(f, 37, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 7, 1, 0))	# F_OFD_SETLK
print("held", flush=True)
time.sleep(60)' "$TICKETCHAT_RUN_DIR/claims" >"$T/held" 3>&- &
	track $!
	within 10 test -s "$T/held"
	started=$SECONDS
	run -111 --separate-stderr sessions forget --ticket 7
	[ $((SECONDS - started)) -ge 9 ]
	is "$(count Tickets)" 1
}

@test "forget --ticket of a generation that does not end says so" {
	[ -z "$CI_FAST" ] || skip
	long 1000
	replay --pace 50 "$T/long.ndjson"
	viewer 1 "$Q"
	sees 1 w1
	kill -STOP "$(answers)"
	track "$(answers)"
	run -111 --separate-stderr sessions forget --ticket 1
	grep -q 'does not end' <<<"$stderr"
	is "$(count Tickets)" 1
	kill -CONT "$(answers)"
	end "$(answers)"
	viewed 1
}

@test "forget --ticket waits for a reader that is in the way" {
	keep 1 0
	mkfifo "$T/shell"
	sqlite3 -batch "$TICKETCHAT_DATABASE" <"$T/shell" >"$T/shell.out" 2>&1 3>&- &
	track $!
	exec {IN[0]}>"$T/shell"
	echo 'BEGIN; SELECT AiResponse FROM TicketAISessions;' >&"${IN[0]}"
	within 10 grep -q kept "$T/shell.out"
	{ hang_up 0; sessions forget --ticket 1; } 2>"$T/err" 3>&- &
	p=$!
	sleep 1
	not dead $p
	stands 'kept 1 open'
	hang_up 0
	wait $p || { cat "$T/err"; false; }
	not stands 'kept 1 open'
}

@test "forget killed at any of its system calls, and once more" {
	needs_strace
	for i in {1..5}; do keep $i 0; done
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	cp "$TICKETCHAT_DATABASE" "$T/full"
	points "$B/bin/sessions" -c "$T/conf" forget --ticket 3 |
	    awk '/openat/ { f = 1 } f' >"$T/all"
	awk -v n="$(($(wc -l <"$T/all") / 30 + 1))" 'NR % n == 0' "$T/all" |
	    nth 4 >"$T/points"
	while read -r call i; do
		rm -f "$TICKETCHAT_DATABASE"*
		cp "$T/full" "$TICKETCHAT_DATABASE"
		strace -o /dev/null -e inject=$call:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" forget --ticket 3 \
		    >/dev/null 2>&1 || killed=$((killed + 1))
		is "$(sql 'PRAGMA integrity_check')" ok
		sessions forget --ticket 3 2>"$T/err" || is $? 1
		not stands 'kept 3 open'
		is "$(count Tickets)" 4
	done <"$T/points"
	is "$killed" "$(wc -l <"$T/points")"
}

line() { echo "time=2026-01-01T00:00:00.000Z level=info prog=chat pid=1 id=- remote=- user=\"$1\" ticket=42 outcome=kept"; }

@test "forget --user: the name goes from LOG, and nothing else moves" {
	for u in ana anabel an '' 'ana b' ana; do line "$u"; done >"$TICKETCHAT_LOG"
	sed 's/user="ana" /user="-"   /' "$TICKETCHAT_LOG" >"$T/want"
	inode=$(stat -c %i "$TICKETCHAT_LOG")
	run -0 sessions forget --user ana --verify
	is "$output" "searched the tables: 0 rows are left
$TICKETCHAT_LOG: 2 lines changed"
	cmp "$TICKETCHAT_LOG" "$T/want"
	is "$(stat -c %i "$TICKETCHAT_LOG")" "$inode"
	run -0 sessions forget --user 'ana b'
	run -0 sessions forget --user ana
	is "$output" "$TICKETCHAT_LOG: 0 lines changed"
	# As the log has it: quotes, controls, a long name.
	long=$(printf 'é%.0s' {1..63})
	line "a'b'c" >"$TICKETCHAT_LOG"
	line 'a?b' >>"$TICKETCHAT_LOG"
	line "$long" >>"$TICKETCHAT_LOG"
	run -0 sessions forget --user 'a"b\c'
	run -0 sessions forget --user $'a\001b'
	run -0 sessions forget --user "$long"
	is "$(grep -c 'user="-"' "$TICKETCHAT_LOG")" 3
	# Across a buffer's end, at each place of it.
	for n in {16300..16420..3}; do
		{ head -c $n /dev/zero | tr '\0' x; echo; line bob; line eve; } \
		    >"$TICKETCHAT_LOG"
		run -0 sessions forget --user bob
		is "$output" "$TICKETCHAT_LOG: 1 lines changed"
		not grep -q bob "$TICKETCHAT_LOG"
	done
}

@test "forget --user: older logs, no log, syslog" {
	line ana >"$TICKETCHAT_LOG.1"
	run -1 sessions forget --user ana --verify
	grep -q "^$TICKETCHAT_LOG.1: 1 pieces are left" <<<"$output"
	rm "$TICKETCHAT_LOG.1"
	run -0 sessions forget --user ana --verify
	TICKETCHAT_LOG=syslog run -1 --separate-stderr sessions forget --user ana
	grep -q 'LOG=syslog' <<<"$stderr"
	TICKETCHAT_LOG=$T run -111 --separate-stderr sessions forget --user ana
}

@test "forget --user while others write to the log" {
	for i in {1..300}; do line ana; line bob; done >"$TICKETCHAT_LOG"
	for i in {1..4}; do
		for j in {1..200}; do line bob >>"$TICKETCHAT_LOG"; done 3>&- &
		w[i]=$!
	done
	run -0 sessions forget --user ana
	for i in {1..4}; do wait "${w[i]}"; done
	is "$(wc -l <"$TICKETCHAT_LOG")" 1400
	is "$(grep -c 'user="bob"' "$TICKETCHAT_LOG")" 1100
	is "$(grep -c 'user="-"  ' "$TICKETCHAT_LOG")" 300
}

rotate() {
	logrotate --force --state "$T/rotate.state" "$T/rotate"
}

@test "logrotate with our file: no line of the log is lost, nobody is told" {
	PATH=$PATH:/usr/sbin:$ROOT/build/tests/debian/usr/sbin
	command -v logrotate ||
	    { echo "no logrotate; tests/run.sh gets it" >&2; false; }
	# Only the names are changed.
	sed -e "s|^/var/lib/ticketchat/log |$TICKETCHAT_LOG |" \
	    -e "s/ticketchat ticketchat/$(id -un) $(id -gn)/" \
	    "$ROOT/deploy/ticketchat.logrotate" >"$T/rotate"
	replay "$UP/good.ndjson"
	# One that is connected all the time, and may write in few places only.
	tab 42
	local tab=$V i loop
	for i in 1 2 3; do
		say "$tab" "$Q"
		within 10 grep -q 'chat.* ticket=42 ' "$TICKETCHAT_LOG"
		within 10 none_answers
		is "$(stat -c %a "$TICKETCHAT_LOG")" 600
		rotate
		[ ! -e "$TICKETCHAT_LOG" ]
	done
	leave "$tab"
	# Lines meanwhile; and in all as many logs as are kept.
	tab 43
	(for i in 1 2 3 4 5; do rotate || exit; sleep 0.2; done) 3>&- &
	loop=$!
	for i in {1..100}; do
		say "$V" "$Q"
		within 10 eval '[ "$(grep -c done "$T/frames.$V")" = $i ]'
	done
	wait $loop
	leave "$V"
	# Whoever had opened it before writes to a file that is not compressed.
	is "$(zcat -f "$TICKETCHAT_LOG"* |
	    grep -c 'chat.* ticket=43 ')" 100
}

@test "forget --user: the rate limit too" {
	sqlite3 "$TICKETCHAT_RUN_DIR/rate.db" "CREATE TABLE RateLimits (Key TEXT PRIMARY KEY,
	Tat INTEGER NOT NULL) STRICT, WITHOUT ROWID;
	INSERT INTO RateLimits VALUES ('user:ana', 1), ('user:bob', 1)"
	run -0 sessions forget --user ana
	is "$(sqlite3 "$TICKETCHAT_RUN_DIR/rate.db" 'SELECT Key FROM RateLimits')" user:bob
	not grep -qa user:ana "$TICKETCHAT_RUN_DIR"/rate.db*
}

@test "forget --user: a damaged rate limit, or a directory, is in no way" {
	needs_sqlite "a file in RUN_DIR"
	for how in 'mkdir rate.db' 'mkdir -p rate.db/sub' 'mkfifo rate.db' \
	    'head -c 5000 /dev/urandom >rate.db' 'mkdir rate.db-wal' \
	    'echo nothing that anybody knows >rate.db'; do
		rm -rf "$TICKETCHAT_RUN_DIR"/rate.db*
		(cd "$TICKETCHAT_RUN_DIR" && eval "$how")
		: >"$TICKETCHAT_LOG"
		run -0 --separate-stderr sessions forget --user ana --verify
		is "$output" "searched the tables: 0 rows are left
$TICKETCHAT_LOG: 0 lines changed"
		grep -q 'rate.db="created again"' <<<"$stderr"
		run -0 --separate-stderr sessions forget --user ana
		is "$stderr" ''
	done
}
