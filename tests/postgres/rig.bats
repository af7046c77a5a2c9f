# What the other files here stand on: the server, its standby, its pooler and
# the links to it do what postgres.bash says.
STORE=postgres
load ../cases/helper

# As programs reach it, from node $1.
client() { PGCONNECT_TIMEOUT=${2:-10} "$PG_BIN/psql" -XqAt -d "$(at "$1")" "${@:3}"; }
now() { date +%s%N; }

# The database is empty.
MIGRATED=
prepare() { NO_DATABASE=1; }

@test "each test has a database of its own, and no superuser's rights" {
	is "$(psql -c "SELECT current_setting('server_encoding'),
	    current_setting('port')")" "UTF8|$PG_PORT"
	is "$(client 1 5 -c 'CREATE TABLE a (b int); SELECT current_user')" \
	    ticketchat
	is "$(client 2 5 -c "SELECT count(*) FROM a,
	    pg_roles WHERE rolname = current_user AND rolsuper")" 0
}

@test "the next one does not see it" {
	is "$(psql -c "SELECT count(*) FROM pg_class WHERE relname = 'a'")" 0
	is "$(psql -c "SELECT count(*) FROM pg_database
	    WHERE datname LIKE 't%' AND NOT datistemplate")" 1
}

@test "stopped, crashed and started: what was kept is there" {
	client 1 5 -c 'CREATE TABLE a (b int); INSERT INTO a VALUES (7)'
	pg_stop immediate
	not client 1 2 -c 'SELECT 1' 2>"$T/err"
	pg_up_again
	is "$(client 1 5 -c 'SELECT b FROM a')" 7
	pg_restart
	is "$(client 1 5 -c 'SELECT b FROM a')" 7
	# The next test has a server, whatever this one does.
	pg_stop
}

@test "a standby follows, is read-only, and takes over" {
	client 1 5 -c 'CREATE TABLE a (b int)'
	pg_replica
	there() { PG_PORT=$REPLICA_PORT client 2 5 "$@"; }
	client 1 5 -c 'INSERT INTO a VALUES (7)'
	arrived() { [ "$(there -c 'SELECT b FROM a')" = 7 ]; }
	within 20 arrived
	run ! there -c 'INSERT INTO a VALUES (8)'
	[[ $output = *read-only* ]]
	pg_stop immediate
	pg_promote
	there -c 'INSERT INTO a VALUES (8)'
	is "$(there -c 'SELECT sum(b) FROM a')" 15
}

# Opens a client on node $1 that stays; asked writes to it.
stay() {
	mkfifo "$T/in"
	client "$1" 5 <"$T/in" >"$T/out" 2>&1 3>&- &
	STAYS=$!
	track $!
	exec {IN[0]}>"$T/in"
}
asked() { echo "$1" >&"${IN[0]}"; }

@test "a pooler in transaction mode: two at once on one of the server's" {
	pg_pooler
	PG_PORT=$POOLER_PORT stay ""
	asked 'SELECT pg_backend_pid();'
	within 10 test -s "$T/out"
	is "$(PG_PORT=$POOLER_PORT client "" 5 -c 'SELECT pg_backend_pid()')" \
	    "$(cat "$T/out")"
	hang_up 0
}

@test "cut off: nobody is told, the other node goes on" {
	needs_nft
	stay 1
	asked 'SELECT 1;'
	within 10 grep -q 1 "$T/out"
	cut_off 1
	asked 'SELECT 2;'
	started=$(now)
	not client 1 2 -c 'SELECT 1' 2>"$T/err"
	[ $(($(now) - started)) -gt 1500000000 ]
	is "$(client 2 5 -c 'SELECT 1')" 1
	is "$(cat "$T/out")" 1
	is "$(psql -c "SELECT count(*) FROM pg_stat_activity
	    WHERE usename = 'ticketchat'")" 1
	reconnect 1
	within 60 grep -q 2 "$T/out"
	is "$(client 1 5 -c 'SELECT 1')" 1
	hang_up 0
}

@test "cut off with a reset: the client hears of it" {
	needs_nft
	stay 2
	asked 'SELECT 1;'
	within 10 grep -q 1 "$T/out"
	cut_off 2 reset
	not client 2 5 -c 'SELECT 1' 2>"$T/err"
	grep -q refused "$T/err"
	asked 'SELECT 2;'
	within 10 dead $STAYS
	reconnect 2
	is "$(client 2 5 -c 'SELECT 1')" 1
}

@test "slow: each way takes its time; cut off while it is slow" {
	needs_nft
	slow 3 300
	started=$(now)
	is "$(client 3 20 -c 'SELECT 1')" 1
	[ $(($(now) - started)) -gt 1200000000 ]	# connect, query: two ways each
	is "$(client 3 20 -c "SELECT length(repeat('é', 3000000))")" 3000000
	started=$(now)
	is "$(client 1 5 -c 'SELECT 1')" 1
	[ $(($(now) - started)) -lt 1200000000 ]
	cut_off 3
	not client 3 2 -c 'SELECT 1' 2>"$T/err"
	reconnect 3
	started=$(now)
	is "$(client 3 5 -c 'SELECT 1')" 1
	[ $(($(now) - started)) -lt 1200000000 ]
}

@test "nodes have directories of their own" {
	show() { echo "$TICKETCHAT_RUN_DIR $TICKETCHAT_LOG $TICKETCHAT_DATABASE"; }
	is "$(on 1 show)" "$T/run $T/log $TICKETCHAT_DATABASE"
	is "$(on 2 show)" "$T/run.2 $T/log.2 ${TICKETCHAT_DATABASE/127.0.0.11/127.0.0.12}"
	is "$(stat -c %a "$T/run.2")" 700
}
