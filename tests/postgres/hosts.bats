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
	[ $took -ge 3 ] && [ $took -le 9 ]
	is "$(noted 5)" 127.0.0.11
	for t in 42 43; do
		seconds ask $t "$Q"
		[ $took -le 2 ]
	done
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
	grep -q '^warning *database: 127.0.0.11: an old primary' "$T/doctor"
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.11:$PG_PORT/$PG_DATABASE ask 42 "$Q"
	failed_with storage 111
	NO_DATABASE=1	# what is left is on the other server
}
caught_up() { [ "$(psql -c 'SELECT replay_lsn >= pg_current_wal_insert_lsn()
    FROM pg_stat_replication')" = t ]; }

# bats test_tags=fault
@test "a lost connection in a viewer's look is one more try, a lock too long storage" {
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
