# The Debian package on a real Debian: a bare one is made with debootstrap and
# booted with its own systemd (boot.sh).  Needs root, some minutes and the
# network; `make check-package'.

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.."
	export DEBIAN=$PWD/build/package/debian PORT
	export DEB=$PWD/build/ticketchat_0.1.0_amd64.deb
	make -s build/tests/replay
	# A Debian that has what ours depends on, kept for the next time.
	if [ ! -e "$DEBIAN/ready" ]; then
		rm -rf "$DEBIAN"
		mkdir -p "$DEBIAN"
		debootstrap --variant=minbase --include=ca-certificates,dbus,\
systemd,systemd-sysv,procps,websocketd,libcurl4,libsqlite3-0,libssl3 bookworm \
		    "$DEBIAN" >"$DEBIAN.log"
		# It would hang up the console, which there is none of.
		ln -sf /dev/null "$DEBIAN/etc/systemd/system/console-getty.service"
		: >"$DEBIAN/ready"
	fi
	[ -e "$DEB" ]
	PORT=$(/usr/bin/python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	"$BATS_TEST_DIRNAME/boot.sh" "$DEBIAN" 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/boot"
	within 60 booted
	cp "$DEB" "$DEBIAN/root/"
}

teardown_file() {
	inside dpkg --purge ticketchat >/dev/null 2>&1 || true
	kill "$(cat "$BATS_FILE_TMPDIR/boot")"
	for f in "$BATS_FILE_TMPDIR"/replay.*; do
		kill "$(cat "$f")" 2>/dev/null || true
	done
}

within() {
	local n=$(($1 * 10))
	shift
	until "$@" 2>/dev/null; do
		[ $((n--)) -gt 0 ] || { echo "not in time: $*"; return 1; }
		sleep 0.1
	done
}

# The systemd of ours: the child of boot.sh's child.
init() { pgrep -P "$(pgrep -P "$(cat "$BATS_FILE_TMPDIR/boot")")"; }

inside() {
	nsenter -t "$(init)" -a env -i HOME=/root LC_ALL=C.UTF-8 \
	    DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

booted() { inside systemctl is-system-running | grep -qx running; }
active() { inside systemctl -q is-active ticketchat; }
settle() { active && (: <"/dev/tcp/127.0.0.1/$PORT"); }

# Ollama, played back; its port is on standard output.
replay() {
	build/tests/replay --port 0 "$@" >"$BATS_FILE_TMPDIR/port" 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/replay.$!"
	within 5 test -s "$BATS_FILE_TMPDIR/port"
}

# Asks ticket $1; the frames.
ask() {
	/usr/bin/python3 - "$1" <<-END
	import asyncio, json, sys, websockets
	async def main():
	    async with websockets.connect("ws://127.0.0.1:$PORT/api/websocket/chat/" + sys.argv[1]) as ws:
	        await ws.send('{"ticketBody":"printer jam"}')
	        async for frame in ws:
	            print(frame, flush=True)
	            if json.loads(frame)["type"] in ("done", "error"):
	                return
	asyncio.run(main())
	END
}

@test "lintian finds no errors" {
	lintian --fail-on error "$DEB"
}

@test "the units are as closed as they say" {
	for u in ticketchat ticketchat-upkeep; do
		dpkg --fsys-tarfile "$DEB" |
		    tar -xO "./lib/systemd/system/$u.service" \
		    >"$BATS_TEST_TMPDIR/$u.service"
		systemd-analyze security --offline=true --threshold=15 \
		    --no-pager "$BATS_TEST_TMPDIR/$u.service" | tail -n 1
	done
}

@test "it installs, and runs as its own user" {
	inside dpkg -i "/root/${DEB##*/}"
	within 20 active
	inside sed -i "s/^PORT=.*/PORT=$PORT/" /etc/ticketchat/websocketd.conf
	replay "$BATS_TEST_DIRNAME/../upstream/good.ndjson"
	inside sed -i "s|^OLLAMA_SERVER=.*|OLLAMA_SERVER=http://127.0.0.1:$(cat \
	    "$BATS_FILE_TMPDIR/port")|" /etc/ticketchat/websocketd.conf
	inside systemctl restart ticketchat
	within 20 settle
	p=$(inside systemctl show -p MainPID --value ticketchat)
	[ "$(inside stat -c %U "/proc/$p")" = ticketchat ]
	[ "$(inside stat -c '%U %a' /var/lib/ticketchat/ticketchat.db)" = \
	    'ticketchat 600' ]
}

@test "it answers in its sandbox, and logs to the journal" {
	[ "$(ask 42 | tail -n 1)" = '{"type":"done"}' ]
	ask 42 | grep -q '"type":"cached"'
	inside journalctl -t answer --no-pager | grep -q 'outcome=kept'
	not_there=$(inside journalctl --no-pager | grep -c 'no Landlock' || true)
	[ "$not_there" = 0 ]
}

@test "an upgrade: who reads goes on, who comes gets the new program" {
	seq 1 150 | sed 's/.*/{"response":"w& ","done":false}/' \
	    >"$BATS_TEST_TMPDIR/long.ndjson"
	echo '{"response":"","done":true,"done_reason":"stop"}' \
	    >>"$BATS_TEST_TMPDIR/long.ndjson"
	replay --pace 40 "$BATS_TEST_TMPDIR/long.ndjson"
	inside sed -i "s|^OLLAMA_SERVER=.*|OLLAMA_SERVER=http://127.0.0.1:$(cat \
	    "$BATS_FILE_TMPDIR/port")|" /etc/ticketchat/websocketd.conf
	inside systemctl restart ticketchat
	within 20 settle
	p=$(inside systemctl show -p MainPID --value ticketchat)
	ask 43 >"$BATS_TEST_TMPDIR/reader" &
	reader=$!
	within 10 grep -q w3 "$BATS_TEST_TMPDIR/reader"
	# The same once more, as version 0.1.1.
	dpkg-deb -R "$DEB" "$BATS_TEST_TMPDIR/new"
	sed -i 's/^Version: .*/Version: 0.1.1/' \
	    "$BATS_TEST_TMPDIR/new/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$BATS_TEST_TMPDIR/new" \
	    "$DEBIAN/root/new.deb"
	inode=$(inside stat -c %i \
	    /usr/libexec/ticketchat/handlers/api/websocket/chat)
	inside dpkg -i /root/new.deb
	[ "$(inside dpkg-query -W -f '${Version}' ticketchat)" = 0.1.1 ]
	[ "$(inside stat -c %i \
	    /usr/libexec/ticketchat/handlers/api/websocket/chat)" != "$inode" ]
	[ "$(inside systemctl show -p MainPID --value ticketchat)" = "$p" ]
	ask 42 | grep -q '"type":"cached"'
	wait $reader
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/reader")" = '{"type":"done"}' ]
	grep -q w150 "$BATS_TEST_TMPDIR/reader"
	# The administrator's settings are still there.
	inside grep -qx "PORT=$PORT" /etc/ticketchat/websocketd.conf
}

@test "the timer's work: a good copy of the database" {
	inside systemctl start ticketchat-upkeep.service
	inside find /var/lib/ticketchat/backup -name '*.db' -size +0 | grep -q .
	inside systemctl -q is-active ticketchat-upkeep.timer
	settle
}

@test "websocketd killed: it comes back, and nothing is lost" {
	p=$(inside systemctl show -p MainPID --value ticketchat)
	inside kill -KILL "$p"
	other() {
		settle && [ "$(inside systemctl show -p MainPID --value \
		    ticketchat)" != "$p" ]
	}
	within 20 other
	ask 43 | grep -q '"type":"cached"'
}

@test "removed and purged, nothing is left" {
	inside dpkg --purge ticketchat
	[ "$(inside find / -xdev -name '*ticketchat*' -not -path '/root/*' \
	    -not -path '/proc/*' -not -name 'stamp-*')" = '' ]
	[ "$(inside ps -u ticketchat -o args=)" = '' ]
}
