#!/bin/sh
# The tests of web/ and of websocket.md: a real Chromium and foreign WebSocket
# clients in front of the real service.
#
#	tests/web/run.sh [FILE.test.mjs ...]
#
# Most of them are in the shell of Chromium, which has what is in a page, and nothing
# around it; CHROMIUM is another browser for all.
# Screenshots of what a person sees go to $SCREENSHOTS (default:
# /tmp/ticketchat-screenshots).
# Exit code: 0 all passed; 1 not; 102 a program is missing.
set -eu
cd "$(dirname "$0")"

missing=
need() {
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need node nodejs
need npm npm
need websocketd websocketd
need script bsdutils
need "${CHROMIUM:-chromium}" chromium
need "${CHROMIUM:-chromium-headless-shell}" chromium-headless-shell
/usr/bin/python3 -c 'import websockets' 2>/dev/null ||
	missing="$missing python3-websockets"
if [ -n "$missing" ]; then
	echo "tests/web: missing; as root: apt-get install$missing" >&2
	exit 102
fi

# Once for all that tests/run.sh starts side by side.
exec 9>>package-lock.json
flock 9
# The marker that npm leaves is as new as the lock file it installed from.
if [ ! -e node_modules/.package-lock.json ] ||
    [ -n "$(find package-lock.json -newer \
    node_modules/.package-lock.json)" ]; then
	npm ci --loglevel=error --no-audit --no-fund
fi
[ -n "${CHAT:-}" ] || CURL=no make -s -C ../.. all build/tests/replay
exec 9>&-

[ $# -gt 0 ] || set -- *.test.mjs
# Two files at a time also where there are two processors, as they wait a lot.
if node --help | grep -q -e --test-concurrency; then
	set -- --test-concurrency=2 "$@"
fi
exec node --test "$@"
