# A private PostgreSQL for a file of tests, thrown away with it, and nodes that
# share it: machines with a RUN_DIR, a LOG and services of their own.
#
#	pg_start		a cluster, for setup_file; pg_end, for teardown_file
#	pg_stop [MODE]		stops the server: fast, immediate
#	pg_restart [MODE]	stops and starts it
#	pg_database [NAME [TEMPLATE]]	an empty database, or a copy; sets DATABASE
#	pg_replica		a standby, read-only, at REPLICA_PORT; it lasts
#				as long as the test
#	pg_promote		makes it take over
#	pg_pooler		pgbouncer in transaction mode, at POOLER_PORT
#	psql [options]		as superuser in DATABASE, through the socket
#	pg_dump			all that is in it
#	on N COMMAND		as node N, 1 to 4: `on 2 ask 42 "$Q"'.  What runs
#				without it runs on node 1
#	at N			the database's address, as node N knows it
#	dropped N		how many packets were lost so
#	cut_off N [reset]	loses all packets between node N and the server;
#				with reset, both ends of connections hear of it
#	slow N MS		delays each by MS, on connections made from now
#	reconnect N		as before
#
# The nodes are one machine to the kernel: each reaches the server by an address
# of its own, 127.0.0.1N, so that a rule of nftables loses its packets alone.
# That is what a cable does that was pulled: nobody is told.  Delays are a
# proxy's, as many a kernel has no netem.

NODES=4
for PG_BIN in /usr/lib/postgresql/*/bin "$BATS_RUN_TMPDIR"/usr/lib/postgresql/*/bin \
    "$B"/tests/debian/usr/lib/postgresql/*/bin; do
	[ ! -x "$PG_BIN/initdb" ] || break
done

# PostgreSQL and pgbouncer refuse to run as root.
as_pg() {
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
	(cd / && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	    LC_ALL=C.UTF-8 "$@" 3>&-)
}

# A directory of that user's, below ours, which others may not enter yet.
pg_directory() {
	local d
	for d in "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/file" "$BATS_FILE_TMPDIR"; do
		chmod a+x "$d"
	done
	mkdir -m 700 "$1"
	[ "$(id -u)" != 0 ] || chown 65534:65534 "$1"
}

# Starts the cluster in $1, at a free port, told in $1.port.
pg_up() {
	local i
	for i in 1 2 3; do
		[ -s "$1.port" ] || free_port >"$1.port"
		as_pg "$PG_BIN/pg_ctl" -s -w -t 120 -D "$1" -l "$1/log" \
		    -o "-p $(cat "$1.port")" start && return
		[ ! -s "$1/postmaster.pid" ] || return 1
		: >"$1.port"	# somebody else has it by now
	done
	tail -n 20 "$1/log" >&2
	return 1
}
pg_down() {
	[ ! -s "$1/postmaster.pid" ] ||
	    as_pg "$PG_BIN/pg_ctl" -s -w -t 120 -D "$1" -m "${2:-fast}" stop
}

pg_start() {
	local i addresses=127.0.0.1
	export PG=$BATS_FILE_TMPDIR/pg PG_PORT
	if [ ! -x "$PG_BIN/initdb" ]; then
		echo "no PostgreSQL: tests/run.sh postgres gets it" >&2
		return 1
	fi
	# A checkout that only root may enter is none for that user.
	chmod a+x "$BATS_RUN_TMPDIR"
	if ! as_pg test -x "$PG_BIN/initdb"; then
		(cd "$B/tests/debian" && cp -r --parents usr/lib/postgresql \
		    usr/share/postgresql "$BATS_RUN_TMPDIR")
		PG_BIN=$BATS_RUN_TMPDIR/${PG_BIN#"$B/tests/debian/"}
	fi
	for ((i = 1; i <= NODES; i++)); do addresses+=,127.0.0.1$i; done
	pg_directory "$PG"
	pg_directory "$PG.socket"
	chmod 755 "$PG.socket"
	as_pg "$PG_BIN/initdb" -D "$PG" -U postgres -A trust -E UTF8 \
	    --locale=C.UTF-8 --no-sync >"$PG.initdb"
	# Times must not depend on the server's zone.
	cat >>"$PG/postgresql.conf" <<-END
	listen_addresses = '$addresses'
	unix_socket_directories = '$PG.socket'
	max_connections = 200
	fsync = off
	jit = off
	timezone = 'America/Sao_Paulo'
	log_line_prefix = '%m %d %p '
	END
	pg_up "$PG"
	PG_PORT=$(cat "$PG.port")
	"$PG_BIN/createuser" -h "$PG.socket" -p "$PG_PORT" -U postgres ticketchat
}

pg_stop() { pg_down "$PG" "$1"; }
pg_restart() {
	pg_stop "$1"
	pg_up "$PG"
}
pg_end() {
	pg_down "$PG" immediate
	rm -rf "$PG"*
}

# For each test, by the helper: a copy of the template.
pg_database() {
	local name=${1:-t$BATS_TEST_NUMBER}
	"$PG_BIN/createdb" -h "$PG.socket" -p "$PG_PORT" -U postgres -O ticketchat \
	    ${2:+-T "$2"} "$name"
	PG_DATABASE=$name
	TICKETCHAT_DATABASE=$(at 1)
}
pg_template() {
	pg_database migrated
	env -i TICKETCHAT_DATABASE="$TICKETCHAT_DATABASE" "$B/bin/sessions" \
	    -c /dev/null migrate >"$MADE/migrate"
}

# Ends what the test has made of all this; what still runs is cut off.
pg_clean() {
	local rc=0
	nft delete table inet "$(pg_table)" 2>/dev/null || true
	if [ -n "$POOLER" ]; then kill "$(cat "$POOLER")" || rc=1; fi
	if [ -n "$REPLICA" ]; then pg_down "$REPLICA" immediate || rc=1; fi
	pg_up_again || rc=1
	"$PG_BIN/dropdb" -h "$PG.socket" -p "$PG_PORT" -U postgres --if-exists \
	    --force "$PG_DATABASE" || rc=1
	return $rc
}
# For the tests behind one that left the server down.
pg_up_again() { [ -s "$PG/postmaster.pid" ] || pg_up "$PG"; }

at() { echo "postgres://ticketchat@127.0.0.1$1:$PG_PORT/$PG_DATABASE"; }

psql() {
	PGOPTIONS='-c search_path=ticketchat,public' "$PG_BIN/psql" -XqAt \
	    -v ON_ERROR_STOP=1 -h "$PG.socket" -p "$PG_PORT" -U postgres \
	    -d "$PG_DATABASE" "$@"
}

pg_dump() {
	"$PG_BIN/pg_dump" -h "$PG.socket" -p "$PG_PORT" -U postgres "$@" \
	    "$PG_DATABASE"
}

pg_replica() {
	REPLICA=$PG.replica.$BATS_TEST_NUMBER
	pg_directory "$REPLICA"
	as_pg "$PG_BIN/pg_basebackup" -h "$PG.socket" -p "$PG_PORT" -U postgres \
	    -D "$REPLICA" -R -c fast --no-sync
	pg_up "$REPLICA"
	REPLICA_PORT=$(cat "$REPLICA.port")
}
pg_promote() { as_pg "$PG_BIN/pg_ctl" -s -w -t 120 -D "$REPLICA" promote; }

pg_pooler() {
	local d=$PG.pooler.$BATS_TEST_NUMBER
	POOLER_PORT=$(free_port)
	pg_directory "$d"
	echo '"ticketchat" ""' >"$d/users"
	sed -e "s|@SERVER@|$PG_PORT|; s|@PORT@|$POOLER_PORT|; s|@DIRECTORY@|$d|" \
	    -e 's|@ADDRESSES@|127.0.0.1|; s|@AUTH@|trust|' \
	    "$ROOT/tests/postgres/pgbouncer.ini" >"$d/ini"
	echo "pidfile = $d/pid" >>"$d/ini"
	chmod a+r "$d/users" "$d/ini"
	POOLER=$d/pid
	cp "$(PATH=$PATH:/usr/sbin:$B/tests/debian/usr/sbin \
	    command -v pgbouncer)" "$d/pgbouncer"
	as_pg "$d/pgbouncer" -q -d "$d/ini"
	within 10 listening "$POOLER_PORT"
}

# Nodes

on() {
	local node=$1 n=
	shift
	[ "$node" = 1 ] || n=.$node
	mkdir -p -m 700 "$T/run$n"
	TICKETCHAT_DATABASE=$(at "$node") TICKETCHAT_RUN_DIR=$T/run$n TICKETCHAT_LOG=$T/log$n "$@"
}

needs_nft() {
	needs_root
	nft list tables >/dev/null 2>&1 || skip "no nftables here"
}

pg_table() { echo "ticketchat_test_$PG_PORT"; }

# A chain of rules of node $1, anew; the rules are standard input.
rules() {
	local chain=$1 hook=$2
	nft -f - <<-END
	table inet $(pg_table) {
		chain $chain { type $hook; }
	}
	flush chain inet $(pg_table) $chain
	table inet $(pg_table) {
		chain $chain {
			$(cat)
		}
	}
	END
}

cut_off() {
	local a=127.0.0.1$1 ports="{ $PG_PORT${REPLICA_PORT:+, $REPLICA_PORT} }"
	local verdict='counter drop'
	needs_nft
	[ "$2" != reset ] || verdict='tcp flags & rst == 0 reject with tcp reset'
	rules "cut$1" 'filter hook input priority 0' <<-END
	ip daddr $a tcp dport $ports $verdict
	ip saddr $a tcp sport $ports $verdict
	END
}

dropped() {
	nft list chain inet "$(pg_table)" "cut$1" |
	    sed -n 's/.*counter packets \([0-9]*\).*/\1/p' |
	    awk '{ n += $1 } END { print n + 0 }'
}

slow() {
	local port=$(free_port)
	needs_nft
	/usr/bin/python3 "$ROOT/tests/postgres/slow.py" "$port" 127.0.0.1 \
	    "$PG_PORT" "$2" 3>&- &
	track $!
	within 10 listening "$port"
	rules "slow$1" 'nat hook output priority -100' <<-END
	ip daddr 127.0.0.1$1 tcp dport $PG_PORT dnat ip to 127.0.0.1:$port
	END
}

reconnect() {
	local chain
	for chain in "cut$1" "slow$1"; do
		nft flush chain inet "$(pg_table)" "$chain" 2>/dev/null || true
	done
}
