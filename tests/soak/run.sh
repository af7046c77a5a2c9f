#!/bin/sh
# Many viewers of every kind at the real service for a long time: whoever stays
# gets what is promised, and nothing of ours grows.
#
#   tests/soak/run.sh [-m MINUTES] [-n VIEWERS] [-s SEED] [-k] [B]
#
#   -m	60 unless given; it takes some 40 s longer, to end and to look
#   -n	200 unless given
#   -s	repeats what the viewers of an earlier run chose to do
#   -k	keeps the directory with the database, the logs and the recordings
#   B	the build directory (build)
#
# It prints a table, first quarter beside last, and as its last line
# "ok soak: ..." or "FAILED soak: ..." (exit code 1).  Needs python3 and
# websocketd.  Everything it makes is below one directory in TMPDIR, and gone
# afterwards; it listens on 127.0.0.1, on free ports, and ends only what it
# started.
set -eu
cd "$(dirname "$0")/../.."

usage() {
	echo "usage: tests/soak/run.sh [-m MINUTES] [-n VIEWERS] [-s SEED]" \
	    "[-k] [B]" >&2
	exit 100
}

minutes=60 viewers=200 keep=no
seed=$(od -An -N 3 -t u4 /dev/urandom | tr -d ' ')
while getopts m:n:s:k o; do
	case $o in
	m) minutes=$OPTARG ;;
	n) viewers=$OPTARG ;;
	s) seed=$OPTARG ;;
	k) keep=yes ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || usage
case $minutes in '' | . | *[!0-9.]* | *.*.*) usage ;; esac
case $viewers in '' | *[!0-9]* | 0*) usage ;; esac
build=${1:-build}

python=python3	# Debian's own rather than a version manager's
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3
for p in "$python" websocketd; do
	command -v "$p" >/dev/null || {
		echo "soak: missing: $p" >&2
		exit 111
	}
done
if [ ! -x "$build/bin/chat" ] || [ ! -x "$build/tests/replay" ]; then
	make -s all "$build/tests/replay" B="$build"
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat-soak.XXXXXX")
exec "$python" tests/soak/soak.py "$minutes" "$viewers" "$seed" "$keep" \
    "$build" "$tmp"
