#!/bin/sh
# Measures what PostgreSQL costs instead of SQLite, and three nodes that share
# it: a private server with fsync on, the nodes on this machine, the bench's
# model.  Prints tables in Markdown.  Times depend on the machine and on who else
# uses it: compare within one run; the counts are the same everywhere.
#
#   tests/bench/nodes.sh [-q]
#
#	-q	less of everything: one minute in place of three
#
# Needs PostgreSQL 14 or later with its contrib, strace, python3, and a C
# compiler; nftables and root for what is cut off.  All that it makes is below
# one directory in TMPDIR, and gone afterwards.
set -eu
cd "$(dirname "$0")/../.."
case ${1-} in
'' | -q) ;;
*) sed -n 's/^#   /usage: /p' tests/bench/nodes.sh >&2; exit 100 ;;
esac

for PG_BIN in /usr/lib/postgresql/*/bin \
    build/tests/debian/usr/lib/postgresql/*/bin; do
	[ ! -x "$PG_BIN/initdb" ] || break
done
missing=
for p in python3 strace "${CC:-cc}" "$PG_BIN/initdb"; do
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
PG_BIN=$PG_BIN PG_PORT=$port NFT_TABLE=ticketchat_bench_$$ \
    /usr/bin/python3 -B tests/bench/nodes.py ${1+"$1"} "$tmp"
