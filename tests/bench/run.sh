#!/bin/sh
# Measures ticketchat, as it is installed and with CURL=no, beside a websocketd
# handler made of bash, curl, jq and sqlite3 (./shell, the same frames) and beside
# the floor of the shape (./floor.c), taking turns, and prints one table.  Or what
# PostgreSQL costs instead of SQLite, and three nodes that share it.  Or how long the
# model reads before it writes again (./prefix.py; half a minute).  Times depend
# on the machine, and on who else is using it: compare within one table, never
# between two.
#
#   tests/bench/run.sh [-q] [-w [-g PEERS]]
#   tests/bench/run.sh nodes [-q] [PART...]
#   tests/bench/run.sh prefix
#
#	-q	one round of everything: two minutes in place of ten
#	-w	writes docs/bench.json and docs/bench.svg, and the tables in
#		README.md and docs/sizing.md (draw.py, which works alone too)
#	-g	with the figures of other servers: draw.py tells which
#	PART	costs, crowd, hour, line, faults; all of them by default.  A private
#		server with fsync on, the nodes on this machine
#
# Needs python3, websocketd, sqlite3, jq, curl and a C compiler; for the nodes
# PostgreSQL 14 or later with its contrib, strace and openssl, nftables and root for
# what is cut off.  Everything that it makes is below one directory in TMPDIR, and
# gone afterwards; it listens on 127.0.0.1, on free ports.
set -eu
cd "$(dirname "$0")/../.."
usage() {
	sed -n 's/^#   /usage: /p' tests/bench/run.sh >&2
	exit 100
}
need() {
	missing=
	for p; do command -v "$p" >/dev/null || missing="$missing $p"; done
	[ -z "$missing" ] || { echo "bench: missing:$missing" >&2; exit 111; }
}

# PostgreSQL refuses to run as root.
as_pg() {
	if [ "$(id -u)" = 0 ]; then
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
	(cd / && exec env LC_ALL=C.UTF-8 "$@")
}
finish() {
	for d in "$tmp/pg/standby" "$tmp/pg/main"; do
		[ ! -s "$d/postmaster.pid" ] ||
		    as_pg "$PG_BIN/pg_ctl" -s -D "$d" -m immediate stop
	done
	[ "$what" != nodes ] ||
	    nft delete table inet "ticketchat_bench_$$" 2>/dev/null || :
	rm -rf "$tmp" 2>/dev/null || { sleep 1; rm -rf "$tmp"; }
}

nodes() {
	mkdir "$tmp/pg"
	[ "$(id -u)" != 0 ] || chown 65534:65534 "$tmp/pg"
	port=$("$python" -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	as_pg "$PG_BIN/initdb" -D "$tmp/pg/main" -U postgres -A trust -E UTF8 \
	    --locale=C.UTF-8 >"$tmp/initdb"
	cat >>"$tmp/pg/main/postgresql.conf" <<-END
	listen_addresses = '127.0.0.1,127.0.0.11,127.0.0.12,127.0.0.13'
	unix_socket_directories = '$tmp/pg'
	max_connections = 300
	max_wal_size = 4GB
	checkpoint_timeout = 1h
	shared_preload_libraries = 'pg_stat_statements'
	pg_stat_statements.track_utility = off
	END
	as_pg "$PG_BIN/pg_ctl" -s -w -D "$tmp/pg/main" -l "$tmp/pg/log" \
	    -o "-p $port" start
	"$PG_BIN/createuser" -h "$tmp/pg" -p "$port" -U postgres ticketchat
	"$PG_BIN/createdb" -h "$tmp/pg" -p "$port" -U postgres -O ticketchat bench
	PG_BIN=$PG_BIN PG_PORT=$port NFT_TABLE=ticketchat_bench_$$ \
	    "$python" -B tests/bench/nodes.py "$tmp" "$@"
}

figures() {
	# The same with the system's libcurl, beside it.
	mkdir "$tmp/full"
	tar -c --exclude=./build --exclude=./.git --exclude=./var \
	    --exclude=node_modules . | tar -x -C "$tmp/full"
	make -s -C "$tmp/full" all CURL=no
	"${CC:-cc}" -O2 -static -o "$tmp/floor" tests/bench/floor.c
	cp tests/bench/shell "$tmp/shell"
	"$python" -B tests/bench/bench.py $quick "$tmp" "$tmp/results.json"
	[ -z "$write" ] || "$python" -B tests/bench/draw.py ${peers:+-g "$peers"} \
	    "$tmp/results.json"
}

prefix() {
	"$python" -B tests/bench/prefix.py "$tmp"
}

what=figures quick='' write='' peers='' python=python3 PG_BIN=
case ${1-} in nodes | prefix) what=$1; shift ;; esac
if [ "$what" = nodes ]; then
	case ${1-} in '' | -q | [a-z]*) ;; *) usage ;; esac
	for PG_BIN in /usr/lib/postgresql/*/bin \
	    build/tests/debian/usr/lib/postgresql/*/bin; do
		[ ! -x "$PG_BIN/initdb" ] || break
	done
	need python3 strace openssl "${CC:-cc}" "$PG_BIN/initdb"
	make -s all postgres
elif [ "$what" = prefix ]; then
	[ $# = 0 ] || usage
	need python3
	make -s all build/tests/replay
else
	while getopts qwg: o; do
		case $o in
		q) quick=-q ;;
		w) write=yes ;;
		g) peers=$OPTARG ;;
		*) usage ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# = 0 ] || usage
	need bash python3 websocketd sqlite3 jq curl tar "${CC:-cc}"
	# As it is installed.
	make -s libcurl
	make -s all
fi
# Debian's own starts faster than a version manager's.
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat-bench.XXXXXX")
[ "$what" != nodes ] || chmod 755 "$tmp"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -pthread -o "$tmp/model" \
    tests/bench/model.c
"$what" "$@"
