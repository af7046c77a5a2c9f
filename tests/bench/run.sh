#!/bin/sh
# Measures ticketchat beside a websocketd handler made of bash, curl, jq and
# sqlite3 (./shell, the same frames), taking turns, and prints one table.
# Nothing passes or fails here: times depend on the machine, and on who else
# is using it, so compare within one table, never between two.
#
#   tests/bench/run.sh [-q] [B]	-q: 20 s in place of some 80
#
# B is the build directory (build).  Needs python3, websocketd, sqlite3, jq,
# curl and a C compiler with libcurl's header; with valgrind it counts
# instructions too.  Everything it makes is below one directory in TMPDIR, and
# gone afterwards; it listens on 127.0.0.1, on free ports.
set -eu
cd "$(dirname "$0")/../.."

usage() {
	echo "usage: tests/bench/run.sh [-q] [B]" >&2
	exit 100
}

quick=
while getopts q o; do
	case $o in
	q) quick=-q ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || usage
build=${1:-build}

missing=
for p in bash python3 websocketd sqlite3 jq curl "${CC:-cc}"; do
	command -v "$p" >/dev/null || missing="$missing $p"
done
if [ -n "$missing" ]; then
	echo "bench: missing:$missing" >&2
	exit 111
fi
[ -x "$build/bin/chat" ] || make -s all B="$build"

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM	# until bench.py takes over

# What others are held against: a start with libcurl, a start with nothing,
# and a handler that knows its answer.
compile() {
	"${CC:-cc}" -O2 -o "$tmp/$1" -x c - -Wl,--as-needed "${2:--lc}"
}
compile with-libcurl -lcurl 2>/dev/null <<'END' || :
#include <curl/curl.h>
static CURL *(*volatile f)(void) = curl_easy_init;
int main(void) { return f == NULL; }
END
compile with-nothing <<'END'
int main(void) { return 0; }
END
mkdir -p "$tmp/canned/api/websocket" "$tmp/shell/api/websocket"
compile canned/api/websocket/chat <<'END'
#include <unistd.h>
static const char a[] = "{\"type\":\"cached\",\"response\":\"\",\"message\":"
    "\"\"}\n{\"type\":\"done\"}\n";
int main(void)
{
	char b[65536];
	while (read(0, b, sizeof(b)) > 0)
		if (write(1, a, sizeof(a) - 1) == -1)
			return 1;
	return 0;
}
END
cp tests/bench/shell "$tmp/shell/api/websocket/chat"

python=python3	# Debian's own starts faster than a version manager's
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3
exec "$python" tests/bench/bench.py $quick "$build" "$tmp"
