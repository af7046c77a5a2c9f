# Several hosts in DATABASE: they are gone through by us, a dead or a silent one
# costs 3 s once, and an old primary that comes back is told from the new one.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

noted() { cut -d' ' -f"$1" "$TICKETCHAT_RUN_DIR/database"; }
seconds() { # of a command
	local began=$(date +%s)
	"$@"
	took=$(($(date +%s) - began))
}

# bats test_tags=fault
@test "a first host that is dead: 3 s once, then the good one comes first" {
	needs_nft
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.12:$PG_PORT,127.0.0.11:$PG_PORT/$PG_DATABASE
	cut_off 2
	replay "$UP/good.ndjson"
	rm -f "$TICKETCHAT_RUN_DIR/database"
	seconds ask 42 "$Q"
	generated
	[ $took -ge 3 ]
	is "$(noted 5)" 127.0.0.11
	lost=$(dropped 2)
	[ "$lost" -ge 1 ]
	for t in 42 43; do ask $t "$Q"; done
	is "$(dropped 2)" "$lost"
	generated
	# The good one dies, the first is back.
	reconnect 2
	cut_off 1
	seconds ask 42 "$Q"
	kept
	is "$(noted 5)" 127.0.0.12
}

# bats test_tags=fault
@test "a host that is silent: pings are answered meanwhile, then it is storage" {
	needs_nft
	cut_off 1
	talker 42 "$Q"
	say $V "$Q"
	say $V '{"type":"ping"}'
	within 2 has $V pong
	not has $V storage
	within 10 has $V storage
	hang_up $V
	reconnect 1
}

# bats test_tags=fault
@test "a host that takes connections and says nothing is passed over" {
	/usr/bin/python3 - "$T/hung" <<-'END' 3>&- &
	import socket, sys, time
	s = socket.create_server(('127.0.0.1', 0))
	open(sys.argv[1] + '.new', 'w').write(str(s.getsockname()[1]))
	import os; os.rename(sys.argv[1] + '.new', sys.argv[1])
	time.sleep(60)
	END
	track $!
	within 10 test -s "$T/hung"
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.1:$(<"$T/hung"),127.0.0.11:$PG_PORT/$PG_DATABASE
	rm -f "$TICKETCHAT_RUN_DIR/database"
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	is "$(noted 3)" "$PG_PORT"
}

# bats test_tags=fault
@test "a name is looked up apart; one that is none is an error that names it" {
	replay "$UP/good.ndjson"
	TICKETCHAT_DATABASE=postgres://ticketchat@localhost:$PG_PORT/$PG_DATABASE
	ask 42 "$Q"
	generated
	is "$(noted 5)" localhost
	TICKETCHAT_DATABASE=postgres://ticketchat@nowhere.invalid,localhost:$PG_PORT/$PG_DATABASE
	rm "$TICKETCHAT_RUN_DIR/database"
	TICKETCHAT_DATABASE=postgres://ticketchat@nowhere.invalid:$PG_PORT/$PG_DATABASE ask 42 "$Q"
	failed_with storage 111
}

# bats test_tags=fault
@test "a standby is passed over; an old primary that comes back is refused" {
	pg_replica
	replay "$UP/good.ndjson"
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.1:$REPLICA_PORT,127.0.0.11:$PG_PORT/$PG_DATABASE
	ask 42 "$Q"
	generated
	is "$(noted 2) $(noted 3)" "1 $PG_PORT"
	sessions doctor --quick >"$T/doctor" || true
	not grep '^warning *database' "$T/doctor"
	within 20 caught_up
	pg_promote
	pg_stop immediate
	ask 42 "$Q"
	kept
	is "$(noted 2) $(noted 3)" "2 $REPLICA_PORT"
	pg_up_again
	# Both can be written to now.
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.11:$PG_PORT,127.0.0.1:$REPLICA_PORT/$PG_DATABASE
	ask 43 "$Q"
	generated
	is "$(noted 2) $(noted 3)" "2 $REPLICA_PORT"
	sessions doctor --quick >"$T/doctor" || true
	grep -q '^warning *database: 127.0.0.11: .*an old primary' "$T/doctor"
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.11:$PG_PORT/$PG_DATABASE ask 42 "$Q"
	failed_with storage 111
	NO_DATABASE=1	# what is left is on the other server
}
caught_up() { [ "$(psql -c 'SELECT replay_lsn >= pg_current_wal_insert_lsn()
    FROM pg_stat_replication')" = t ]; }

# bats test_tags=fault
@test "whatever the role's defaults are; a lock that lasts too long is storage" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	psql -c "ALTER ROLE ticketchat SET default_transaction_isolation = serializable"
	psql -c "ALTER ROLE ticketchat SET default_transaction_read_only = on"
	ask 42 "$Q"
	kept
	ask 43 "$Q"
	generated
	psql -c "ALTER ROLE ticketchat RESET ALL"
	psql -c BEGIN -c 'LOCK TABLE TicketAISessions' -c 'SELECT 1' \
	    -c 'SELECT pg_sleep(8)' >"$T/lock" &
	track $!
	within 10 grep -q . "$T/lock"
	ask 42 "$Q"
	failed_with storage 111
}

# bats test_tags=fault
@test "however many hosts are silent, they have thirty seconds" {
	needs_nft
	cut_off 1
	hosts=127.0.0.11:$PG_PORT
	TICKETCHAT_DATABASE=postgres://ticketchat@$(printf "$hosts,%.0s" {1..15})$hosts/$PG_DATABASE
	# Sixteen times three would be more.
	run -111 timeout 42 "$B/bin/sessions" -c "$T/conf" list
	[[ $output = *'did not answer in time'* ]]
	TICKETCHAT_DATABASE=$(at 1)
	reconnect 1
}

# Has the viewers' programs look names up in $T/hosts, then at $NAME_SERVER, which
# is to be an address where nobody is, or silent_name_server's.
names_of_ours() {
	needs_root
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	cat >"$T/hosts"
	echo 'hosts: files dns' >"$T/nsswitch.conf"
	printf 'nameserver %s\noptions timeout:30\n' "${NAME_SERVER:-127.0.0.1}" >"$T/resolv.conf"
	cat >"$T/chat" <<-END
	#!/bin/sh
	for f in hosts nsswitch.conf resolv.conf; do
		[ -n "\$OURS" ] || exec env OURS=1 unshare -m "\$0" "\$@"
		mount --bind "$T/\$f" "/etc/\$f" || exit
	done
	exec "$B/bin/chat" "\$@"
	END
	chmod +x "$T/chat"
	CHAT_BIN=$T/chat
}
silent_name_server() {
	NAME_SERVER=127.53.$((PG_PORT / 256)).$((PG_PORT % 256))
	/usr/bin/python3 - "$NAME_SERVER" "$T/queries" <<-'END' 3>&- &
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind((sys.argv[1], 53))
	with open(sys.argv[2], "wb", 0) as f:
	    while True:
	        f.write(s.recv(512)[12:].replace(b"\n", b"") + b"\n")
	END
	track $!
	within 10 test -e "$T/queries"
}

# bats test_tags=fault
@test "each address of a name has its own time, and the good one is first the next time" {
	needs_nft
	replay "$UP/good.ndjson"
	names_of_ours <<-END
	127.0.0.12 one.test
	127.0.0.11 one.test
	127.0.0.12 two.test
	127.0.0.13 two.test
	127.0.0.11 two.test
	127.0.0.12 dead.test
	127.0.0.13 dead.test
	127.0.0.9 refused.test
	127.0.0.11 refused.test
	END
	cut_off 2
	cut_off 3
	t=40
	for hosts in one.test two.test refused.test dead.test:$PG_PORT,127.0.0.11; do
		TICKETCHAT_DATABASE=postgres://ticketchat@$hosts:$PG_PORT/$PG_DATABASE
		rm -f "$TICKETCHAT_RUN_DIR/database"
		ask $((++t)) "$Q"
		generated
		case $hosts in
		*,*) is "$(noted 5) $(noted 6)" "127.0.0.11 -" ;;
		*) is "$(noted 5) $(noted 6)" "$hosts 127.0.0.11" ;;
		esac
		# A dead one is not tried again.
		within 10 none_answers
		lost="$(dropped 2) $(dropped 3)"
		ask $t "$Q"
		kept
		is "$(dropped 2) $(dropped 3)" "$lost"
	done
	# The good address dies, another one is back.
	TICKETCHAT_DATABASE=postgres://ticketchat@two.test:$PG_PORT/$PG_DATABASE
	ask 42 "$Q"
	kept
	reconnect 3
	cut_off 1
	ask 42 "$Q"
	kept
	is "$(noted 5) $(noted 6)" "two.test 127.0.0.13"
	TICKETCHAT_DATABASE=$(at 2)
	reconnect 2
}

# bats test_tags=fault
@test "a silent name server stops no stream, and has one question of a process at a time" {
	silent_name_server
	names_of_ours </dev/null
	replay "$UP/good.ndjson"
	ask 41 "$Q"
	replay_end
	long 25
	replay_part "$T/long.ndjson"
	TICKETCHAT_DATABASE=postgres://ticketchat@a.test:$PG_PORT,127.0.0.11:$PG_PORT,b.test:$PG_PORT/$PG_DATABASE
	viewer 42 "$Q"
	A=$V
	sees $A w8
	cut_off 1 reset
	psql -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
	    WHERE usename = 'ticketchat'"
	asked() { [ "$(wc -l <"$T/queries")" -ge 1 ]; }
	within 15 asked
	# Two more rounds through all hosts.
	sleep 13
	is "$(ls "/proc/$(answers)/task" | wc -l)" 2
	# Of one name both kinds of address, once.
	[ "$(wc -l <"$T/queries")" -le 2 ]
	replay_rest
	within 5 has $A w25
	is "$(ls "/proc/$(answers)/task" | wc -l)" 2
	not has $A '"done"'
	reconnect 1
	viewed $A 60
	is "$(types)" "stream done"
	is_text "$LONG"
	# Whoever needs such a name hears of it in time.
	for hosts in a.test "b.test,a.test" "c.test:$PG_PORT,127.0.0.9"; do
		TICKETCHAT_DATABASE=postgres://ticketchat@$hosts:$PG_PORT/$PG_DATABASE ask 42 "$Q"
		failed_with storage 111
	done
	TICKETCHAT_DATABASE=postgres://ticketchat@a.test:$PG_PORT/$PG_DATABASE talker 42 "$Q"
	say $V "$Q"
	say $V '{"type":"ping"}'
	within 2 has $V pong
	not has $V storage
	viewed $V
	failed_with storage
	[[ $err = *'its name was not resolved in time'* ]]
}

# bats test_tags=fault
@test "what a server remarks while a connection is made is not on stderr" {
	replay "$UP/good.ndjson"
	t=40
	for whose in "ROLE ticketchat" "DATABASE $PG_DATABASE" \
	    "ROLE ticketchat IN DATABASE $PG_DATABASE"; do
		psql -c "ALTER $whose SET default_tablespace = nowhere" 2>"$T/altered"
		"$PG_BIN/psql" -XqAt -d "$(at 1)" -c 'SELECT 1' >"$T/one" 2>"$T/remark"
		grep -q nowhere "$T/remark"	# there is one
		ask $((++t)) "$Q"
		generated
		not grep -v '^time=' <<<"$err"
		psql -c "ALTER $whose RESET ALL"
	done
}

# bats test_tags=fault
@test "a slow dial does not take back what a faster one has noted" {
	pg_replica
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	within 20 caught_up
	pg_promote
	old=$(at 1)
	new=postgres://ticketchat@127.0.0.1:$REPLICA_PORT/$PG_DATABASE
	# The old one takes its time with the greeting.
	mkfifo "$T/sql"
	psql -f "$T/sql" >"$T/lock" 3>&- &
	track $!
	exec {sql}>"$T/sql"
	echo 'BEGIN; LOCK TABLE SchemaVersion; SELECT 1;' >&"$sql"
	within 10 grep -q . "$T/lock"
	viewer 42 "$Q"
	A=$V
	greets() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity
	    WHERE usename = 'ticketchat' AND wait_event_type = 'Lock'")" = 1 ]; }
	within 2 greets
	TICKETCHAT_DATABASE=$new ask 42 "$Q"
	kept
	is "$(noted 2) $(noted 3)" "2 $REPLICA_PORT"
	printf '%s\n' 'ROLLBACK;' '\q' >&"$sql"
	exec {sql}>&-
	viewed $A
	failed_with storage 111
	[[ $err = *'an old primary'* ]]
	is "$(noted 2) $(noted 3)" "2 $REPLICA_PORT"
	NO_DATABASE=1
}

@test "the note belongs to whoever RUN_DIR belongs to" {
	needs_root
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for who in 65534:65534 1:65534 0:0; do
		chown $who "$TICKETCHAT_RUN_DIR"
		rm -f "$TICKETCHAT_RUN_DIR/database"
		: >"$TICKETCHAT_RUN_DIR/database.new"	# of one that was killed
		sessions list >"$T/list"
		is "$(stat -c %u:%g:%a "$TICKETCHAT_RUN_DIR/database")" "$who:600"
	done
	not compgen -G "$TICKETCHAT_RUN_DIR/database.*"
}

@test "a note that is none holds up nobody" {
	local note=$TICKETCHAT_RUN_DIR/database
	replay "$UP/good.ndjson"
	t=40
	for made in ': >' 'echo x >' 'mkfifo' 'mkdir' 'ln -s /dev/zero' \
	    'echo 18446744073709551616 ffffffffffffffffff 1 2 3 >' \
	    'head -c 100000 /dev/zero >'; do
		rm -rf "$note"
		eval "$made \"\$note\""
		seconds ask $((++t)) "$Q"
		generated
		[ $took -le 60 ]
		[ "$made" = mkdir ] || is "$(noted 3)" "$PG_PORT"
	done
	rm -rf "$note"
}

# bats test_tags=fault
@test "doctor: two servers that can be written to are an error, two names of one are not" {
	doctor_of() {
		TICKETCHAT_DATABASE=postgres://ticketchat@$1/$PG_DATABASE sessions doctor --quick \
		    >"$T/doctor" || true
	}
	both() { grep -q "^error *database: $1 and $2 are two servers that both accept writes" "$T/doctor"; }
	for one in 127.0.0.11:$PG_PORT,127.0.0.12:$PG_PORT 127.0.0.11:$PG_PORT,127.0.0.11:$PG_PORT \
	    127.0.0.11:$PG_PORT,127.0.0.13:$PG_PORT,127.0.0.12:$PG_PORT; do
		doctor_of "$one"
		not grep '^[ew].* database:' "$T/doctor"
	done
	rm "$TICKETCHAT_RUN_DIR/database"
	pg_replica
	doctor_of "127.0.0.11:$PG_PORT,127.0.0.1:$REPLICA_PORT"
	not grep '^[ew].* database:' "$T/doctor"
	# A copy that was started as it is: no timeline tells it.
	pg_down "$REPLICA"
	rm "$REPLICA/standby.signal"
	pg_up "$REPLICA"
	doctor_of "127.0.0.11:$PG_PORT,127.0.0.1:$REPLICA_PORT"
	both "127.0.0.11:$PG_PORT" "127.0.0.1:$REPLICA_PORT"
	# A server that has nothing of ours.
	"$PG_BIN/psql" -XqAt -h 127.0.0.1 -p "$REPLICA_PORT" -U postgres -d "$PG_DATABASE" \
	    -c 'DROP SCHEMA ticketchat CASCADE' 2>"$T/dropped"
	for hosts in 127.0.0.11:$PG_PORT,127.0.0.1:$REPLICA_PORT \
	    127.0.0.1:$REPLICA_PORT,127.0.0.11:$PG_PORT; do
		rm -f "$TICKETCHAT_RUN_DIR/database"
		doctor_of "$hosts"
		both "${hosts%,*}" "${hosts#*,}"
	done
}

# bats test_tags=fault
@test "a lock on the version table is storage, and leaves nobody waiting at the server" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for table in SchemaVersion SchemaVersion,TicketAISessions; do
		psql -c BEGIN -c "LOCK TABLE $table" -c 'SELECT 1' \
		    -c 'SELECT pg_sleep(12)' >"$T/lock" &
		lock=$!
		track $lock
		within 10 grep -q . "$T/lock"
		ask 42 "$Q"
		failed_with storage 111
		nobody_waits() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity
		    WHERE usename = 'ticketchat'")" = 0 ]; }
		within 3 nobody_waits
		run -111 "$B/bin/sessions" -c "$T/conf" list
		not grep -q migrate <<<"$output"
		run -111 "$B/bin/sessions" -c "$T/conf" migrate
		kill -0 $lock
		psql -c "SELECT pg_terminate_backend(pid) FROM pg_locks
		    WHERE relation = 'ticketchat.schemaversion'::regclass" >"$T/ended"
		wait $lock || true
		ask 42 "$Q"
		kept
	done
	# What is not there is another matter.
	psql -c 'DROP TABLE SchemaVersion'
	ask 42 "$Q"
	failed_with schema 102
	NO_DATABASE=1
}

# bats test_tags=fault
@test "no connection left is 111, which passes by itself, not 102" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for whose in 'ROLE ticketchat' "DATABASE $PG_DATABASE"; do
		psql -c "ALTER $whose CONNECTION LIMIT 0"
		ask 42 "$Q"
		failed_with storage 111
		for command in migrate list 'settings --service' doctor; do
			case $command in
			settings*) code=0 ;;
			doctor) code=2 ;;
			*) code=111 ;;
			esac
			run -$code "$B/bin/sessions" -c "$T/conf" $command
		done
		psql -c "ALTER $whose CONNECTION LIMIT -1"
		ask 42 "$Q"
		kept
		sessions migrate
	done
}

# Has what looks at answers call $1 the first time.
on_look() {
	psql <<-SQL
	CREATE SEQUENCE looked_n;
	GRANT ALL ON SEQUENCE looked_n TO ticketchat;
	CREATE FUNCTION looked() RETURNS bool LANGUAGE plpgsql AS \$\$ BEGIN
		IF nextval('ticketchat.looked_n') = 1 THEN $1; END IF;
		RETURN true; END \$\$;
	ALTER TABLE TicketAISessions ENABLE ROW LEVEL SECURITY;
	ALTER TABLE TicketAISessions FORCE ROW LEVEL SECURITY;
	CREATE POLICY p ON TicketAISessions USING (looked());
	SQL
}

# bats test_tags=fault
@test "a connection that is lost in a viewer's look is one more try" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for what in 'PERFORM pg_terminate_backend(pg_backend_pid())' 'PERFORM pg_sleep(7)' \
	    "RAISE 'x' USING ERRCODE = '40001'" "RAISE 'x' USING ERRCODE = '55P03'"; do
		on_look "$what"
		ask 42 "$Q"
		kept
		[ "$(psql -c 'SELECT last_value FROM looked_n')" -ge 2 ]
		psql -c 'DROP POLICY p ON TicketAISessions' -c 'DROP FUNCTION looked' \
		    -c 'DROP SEQUENCE looked_n' \
		    -c 'ALTER TABLE TicketAISessions NO FORCE ROW LEVEL SECURITY'
	done
}

# Has the first COMMIT of a change of table $1 ($2) wait so long that its client
# has gone: done, and not acknowledged.
unacknowledged() {
	psql <<-SQL
	CREATE SEQUENCE slept_n;
	GRANT ALL ON SEQUENCE slept_n TO ticketchat;
	CREATE FUNCTION sleep_once() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		IF nextval('ticketchat.slept_n') = 1 THEN PERFORM pg_sleep(${3:-7}); END IF;
		RETURN NULL; END \$\$;
	CREATE CONSTRAINT TRIGGER slow AFTER $2 ON $1 DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION sleep_once();
	SQL
}
slept() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity
    WHERE usename = 'ticketchat' AND state <> 'idle'")" = 0 ]; }

# bats test_tags=fault
@test "a ticket is not deleted twice: what is not acknowledged is not known" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	unacknowledged Tickets DELETE
	run -111 "$B/bin/sessions" -c "$T/conf" delete 42
	[[ $output = *'it is not known whether it was done'* ]]
	within 10 slept
	is "$(sql 'SELECT count(*) FROM Tickets')" 0
	run -1 "$B/bin/sessions" -c "$T/conf" delete 42
	# What the server refuses is not done, and done once more.
	ask 43 "$Q"
	psql <<-'SQL'
	DROP TRIGGER slow ON Tickets;
	ALTER SEQUENCE slept_n RESTART;
	CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF nextval('ticketchat.slept_n') = 1 THEN
			RAISE 'x' USING ERRCODE = '40001'; END IF;
		RETURN NULL; END $$;
	CREATE CONSTRAINT TRIGGER slow AFTER DELETE ON Tickets DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION refuse_once();
	SQL
	sessions delete 43
	is "$(sql 'SELECT count(*) FROM Tickets')" 0
	is "$(psql -c 'SELECT last_value FROM slept_n')" 2
}

# bats test_tags=fault
@test "a question is charged once, and answered, though nobody acknowledged it" {
	replay "$UP/good.ndjson"
	unacknowledged RateLimits INSERT 4
	TICKETCHAT_RATE_LIMIT=10/hour REMOTE_ADDR=192.0.2.1 GATEWAY_INTERFACE=x talker 42 "$Q"
	say $V "$Q"
	within 20 has $V '"done"'
	is "$(psql -c 'SELECT last_value FROM slept_n')" 1
	hang_up $V
	within 10 slept
	# One step of 6 minutes, not two.
	is "$(psql -c "SELECT (max(Tat) / 1000000 - extract(epoch FROM now()))::bigint / 360
	    FROM RateLimits")" 0
}

# Stops all of the server's processes, or has them go on.
signal_pg() {
	local top=$(head -n 1 "$PG/postmaster.pid")
	kill "-$1" "$top" $(pgrep -P "$top")
}
# bats test_tags=fault
@test "a long statement is waited for as long as its server is there" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	psql -c "CREATE FUNCTION slow() RETURNS bool LANGUAGE plpgsql AS \$\$ BEGIN
	    PERFORM pg_sleep(14); RETURN true; END \$\$" \
	    -c 'ALTER TABLE TicketAISessions ENABLE ROW LEVEL SECURITY' \
	    -c 'ALTER TABLE TicketAISessions FORCE ROW LEVEL SECURITY' \
	    -c 'CREATE POLICY p ON TicketAISessions USING (slow())'
	sessions list >"$T/list"
	grep -q '^ *42 ' "$T/list"
	sessions list >"$T/list" 2>"$T/list.err" &
	list=$!
	track $list
	sleeps() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity
	    WHERE wait_event = 'PgSleep'")" = 1 ]; }
	within 10 sleeps
	signal_pg STOP
	within 40 dead $list || { signal_pg CONT; false; }
	signal_pg CONT
	status=0
	wait $list || status=$?
	is "$status" 111
	grep -q 'the database does not answer' "$T/list.err"
	psql -c 'DROP POLICY p ON TicketAISessions'
}

# bats test_tags=fault
@test "a full disk and a transaction that may not write are storage at once" {
	replay "$UP/good.ndjson"
	t=40
	for what in "RAISE 'full' USING ERRCODE = '53100'" \
	    "SET transaction_read_only = on; UPDATE ticketchat.TicketAIBeat SET Beat = Beat"; do
		for when in '' 'DEFERRABLE INITIALLY DEFERRED'; do
			psql <<-SQL
			CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
			\$\$ BEGIN $what; RETURN NULL; END \$\$;
			CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON TicketAISessions $when
			FOR EACH ROW EXECUTE FUNCTION refuse();
			SQL
			viewer $((++t)) "$Q"
			viewed $V 20
			failed_with storage 111
			psql -c 'DROP FUNCTION refuse CASCADE' 2>"$T/dropped"
		done
	done
	ask 41 "$Q"
	generated
}
