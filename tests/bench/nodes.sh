#!/bin/sh
# Measures what PostgreSQL costs instead of SQLite, and three nodes that share
# it: a private server with fsync on, the nodes on this machine, the bench's
# model.  Prints tables in Markdown.  Times depend on the machine and on who else
# uses it: compare within one run; the counts are the same everywhere.
#
#   tests/bench/nodes.sh [-q] [PART...]
#   tests/bench/nodes.sh -n QUESTIONS [OPTION...]
#
#	-q	less of everything: one minute in place of three
#	-n	asks so many questions through the real programs on three nodes
#		while they are killed, frozen and cut off (tests/postgres/torture.py,
#		whose options may follow); exit code 1: something was wrong
#	PART	costs, crowd, hour, line, faults; all of them by default
#
# Needs PostgreSQL 14 or later with its contrib, strace, python3, openssl and a C
# compiler; nftables and root for what is cut off; for -n psycopg.  All that it makes is below
# one directory in TMPDIR, and gone afterwards.
set -eu
cd "$(dirname "$0")/../.."
case ${1-} in
-n | '' | -q | [a-z]*) ;;
*) sed -n 's/^#   /usage: /p' tests/bench/nodes.sh >&2; exit 100 ;;
esac

for PG_BIN in /usr/lib/postgresql/*/bin \
    build/tests/debian/usr/lib/postgresql/*/bin; do
	[ ! -x "$PG_BIN/initdb" ] || break
done
missing=
for p in python3 strace openssl "${CC:-cc}" "$PG_BIN/initdb"; do
	command -v "$p" >/dev/null || missing="$missing $p"
done
if [ -n "$missing" ]; then
	echo "bench: missing:$missing" >&2
	exit 111
fi
make -s all postgres

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat-nodes.XXXXXX")
chmod 755 "$tmp"
# PostgreSQL refuses to run as root.
as_pg() {
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
	(cd / && exec env LC_ALL=C.UTF-8 "$@")
}
finish() {
	[ ! -s "$tmp/pg/pooler.pid" ] || kill "$(cat "$tmp/pg/pooler.pid")"
	for d in "$tmp/pg/standby" "$tmp/pg/main"; do
		[ ! -s "$d/postmaster.pid" ] ||
		    as_pg "$PG_BIN/pg_ctl" -s -D "$d" -m immediate stop
	done
	nft delete table inet "ticketchat_bench_$$" 2>/dev/null || :
	rm -rf "$tmp" 2>/dev/null || { sleep 1; rm -rf "$tmp"; }
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Node 1 goes to the server, node 2 through pgbouncer, node 3 through both
# pgbouncer and a relay that cuts its connections.
torture() {
	number=$2
	shift 2
	pooler=$port
	for p in /usr/sbin/pgbouncer build/tests/debian/usr/sbin/pgbouncer; do
		if [ -x "$p" ]; then
			cp "$p" "$tmp/pg/pgbouncer"
			pooler=$((port > 65000 ? port - 2 : port + 2))
			break
		fi
	done
	if [ "$pooler" != "$port" ]; then
		echo '"ticketchat" ""' >"$tmp/pg/users"
		cat >"$tmp/pg/ini" <<-END
		[databases]
		* = host=127.0.0.1 port=$port
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = $pooler
		unix_socket_dir =
		auth_type = trust
		auth_file = $tmp/pg/users
		pool_mode = transaction
		max_client_conn = 2000
		default_pool_size = 40
		server_idle_timeout = 10
		pidfile = $tmp/pg/pooler.pid
		logfile = $tmp/pg/pooler.log
		END
		chmod a+r "$tmp/pg/users" "$tmp/pg/ini"
		as_pg "$tmp/pg/pgbouncer" -q -d "$tmp/pg/ini"
	fi
	where=postgres://ticketchat@127.0.0.1
	mkdir -m 700 "$tmp/run"
	TICKETCHAT_RUN_DIR=$tmp/run TICKETCHAT_DATABASE=$where:$port/bench \
	    build/bin/sessions -c /dev/null migrate >/dev/null
	: >"$tmp/asked"
	"$tmp/model" "$tmp/asked" >"$tmp/model.port" &
	model=$!
	until [ -s "$tmp/model.port" ]; do sleep 0.1; done
	restart="$PG_BIN/pg_ctl -s -w -D $tmp/pg/main -l $tmp/pg/log -o '-p $port' -m fast restart"
	[ "$(id -u)" != 0 ] || restart="cd / && LC_ALL=C.UTF-8 setpriv \
	    --reuid=65534 --regid=65534 --clear-groups $restart"
	echo "$(date +%F), load $(cut -d ' ' -f 1-3 /proc/loadavg)"
	rc=0
	/usr/bin/python3 -B tests/postgres/torture.py --questions "$number" \
	    --direct "host=$tmp/pg port=$port user=postgres dbname=bench" \
	    --model "http://127.0.0.1:$(cat "$tmp/model.port")/api/generate" \
	    --restart "$restart" --uri "$where:$port/bench" \
	    --uri "$where:$pooler/bench" --uri "+$where:$pooler/bench" \
	    "$@" "$tmp" || rc=$?
	echo "load $(cut -d ' ' -f 1-3 /proc/loadavg); the model was asked $(stat -c %s "$tmp/asked") times"
	kill "$model"
	return $rc
}

mkdir "$tmp/pg"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$tmp/pg"
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as_pg "$PG_BIN/initdb" -D "$tmp/pg/main" -U postgres -A trust -E UTF8 \
    --locale=C.UTF-8 >"$tmp/initdb"
cat >>"$tmp/pg/main/postgresql.conf" <<-END_CONF
listen_addresses = '127.0.0.1,127.0.0.11,127.0.0.12,127.0.0.13'
unix_socket_directories = '$tmp/pg'
max_connections = 300
max_wal_size = 4GB
checkpoint_timeout = 1h
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track_utility = off
END_CONF
as_pg "$PG_BIN/pg_ctl" -s -w -D "$tmp/pg/main" -l "$tmp/pg/log" -o "-p $port" \
    start
"$PG_BIN/createuser" -h "$tmp/pg" -p "$port" -U postgres ticketchat
"$PG_BIN/createdb" -h "$tmp/pg" -p "$port" -U postgres -O ticketchat bench
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -pthread -o "$tmp/model" \
    tests/bench/model.c
if [ "${1-}" = -n ]; then
	torture "$@"
	exit
fi
PG_BIN=$PG_BIN PG_PORT=$port NFT_TABLE=ticketchat_bench_$$ \
    /usr/bin/python3 -B tests/bench/nodes.py "$tmp" "$@"
