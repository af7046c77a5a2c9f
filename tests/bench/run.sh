#!/bin/sh
# Measures ticketchat beside a websocketd handler made of bash, curl, jq and
# sqlite3 (./shell, the same frames), taking turns, and prints one table.
# Times depend on the machine, and on who else is using it: compare within one
# table, never between two.
#
#   tests/bench/run.sh [-q] [-w [-g PEERS]]
#
#	-q	one round of everything: two minutes in place of ten
#	-w	writes docs/bench.json and docs/bench.svg, and the tables in
#		README.md and docs/sizing.md (draw.py, which works alone too)
#	-g	with the figures of other servers: draw.py tells which
#
# Needs python3, websocketd, sqlite3, jq, curl and a C compiler.  Everything
# that it makes is below one directory in TMPDIR, and gone afterwards; it
# listens on 127.0.0.1, on free ports.
set -eu
cd "$(dirname "$0")/../.."

quick='' write='' peers=''
while getopts qwg: o; do
	case $o in
	q) quick=-q ;;
	w) write=yes ;;
	g) peers=$OPTARG ;;
	*) sed -n 's/^#   /usage: /p' tests/bench/run.sh >&2; exit 100 ;;
	esac
done

missing=
for p in bash python3 websocketd sqlite3 jq curl "${CC:-cc}"; do
	command -v "$p" >/dev/null || missing="$missing $p"
done
if [ -n "$missing" ]; then
	echo "bench: missing:$missing" >&2
	exit 111
fi
make -s all

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -pthread -o "$tmp/model" \
    tests/bench/model.c
cp tests/bench/shell "$tmp/shell"

python=python3	# Debian's own starts faster than a version manager's
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3
"$python" -B tests/bench/bench.py $quick "$tmp" "$tmp/results.json"
[ -z "$write" ] ||
    "$python" -B tests/bench/draw.py ${peers:+-g "$peers"} "$tmp/results.json"
