# deploy/Containerfile, built and run as its head says, with what this place
# wants of podman beside it.  No registry can be reached: a bare Debian stands in
# for debian:12-slim.  Needs root; `make check-package'.

bats_require_minimum_version 1.5.0
RELEASE=bookworm
load helper

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	needs podman:podman runc:runc slirp4netns:slirp4netns \
	    catatonit:catatonit debootstrap:debootstrap
	make -s build/tests/replay
	bare
	tar -C "$BARE" -c --exclude='./dev/*' . |
	    podman import - docker.io/library/debian:12-slim
}

INIT='--init '

teardown_file() {
	podman rm -f -a
	rm -rf "$BATS_FILE_TMPDIR/podman"
}

teardown() {
	local f
	for f in "$BATS_TEST_TMPDIR"/*.pid; do
		[ ! -e "$f" ] || kill "$(cat "$f")" 2>/dev/null || true
	done
}

podman() {
	command podman --root "$BATS_FILE_TMPDIR/podman/root" \
	    --runroot "$BATS_FILE_TMPDIR/podman/run" --tmpdir "$BATS_FILE_TMPDIR/podman/tmp" \
	    --volumepath "$BATS_FILE_TMPDIR/podman/volumes" \
	    --storage-driver vfs --cgroup-manager cgroupfs \
	    --events-backend file --runtime runc "$@"
}

# The command `podman $1 ...' at the head of the Containerfile.
head_says() {
	awk -v want="podman $1" 'index($0, want) { on = 1 }
	on { more = sub(/ \\$/, ""); sub(/^#[ \t]*/, ""); printf "%s ", $0 }
	on && !more { exit }' deploy/Containerfile
}

# A free port of the loopback.
free_port() {
	/usr/bin/python3 -c 'import socket
print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}

# Runs it as the head says, on a port of ours, with more options; sets P.
run_it() {
	local line
	P=$(free_port)
	line=$(head_says run)
	[[ $line = "podman run --init "*" ticketchat " ]]
	line=${line/--init /$INIT}
	line=${line/127.0.0.1:5000:/127.0.0.1:$P:}
	line=${line/:11434/:$MODEL}
	eval "${line/run/run $* --network slirp4netns:allow_host_loopback=true \
	    --add-host host.containers.internal:10.0.2.2 \
	    --ulimit nofile=4096:4096 --ulimit nproc=4096:4096}"
}

# Waits until it serves; sets CONTAINER.
start() {
	run_it -d --log-driver k8s-file "$@" >"$BATS_TEST_TMPDIR/id"
	CONTAINER=$(<"$BATS_TEST_TMPDIR/id")
	within 30 curl -sf -o "$BATS_TEST_TMPDIR/page" "http://127.0.0.1:$P/"
}

model() {
	build/tests/replay --port 0 "$UP/good.ndjson" >"$BATS_TEST_TMPDIR/port" 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/replay.pid"
	within 5 test -s "$BATS_TEST_TMPDIR/port"
	MODEL=$(<"$BATS_TEST_TMPDIR/port")
}

# Whether the log has a line of answer's for the ticket.
logged() { podman logs "$CONTAINER" 2>&1 | grep "answer.* ticket=$1 .*outcome=kept"; }

# What has ended has been reaped.
no_zombie() {
	podman exec "$CONTAINER" ps -A -o stat=,comm= >"$BATS_TEST_TMPDIR/ps"
	grep -q websocketd "$BATS_TEST_TMPDIR/ps"
	not grep '^Z' "$BATS_TEST_TMPDIR/ps"
}

ask() {
	/usr/bin/python3 - "$P" "$1" <<'END'
import asyncio, json, sys, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:%s/api/websocket/chat/%s" % tuple(sys.argv[1:])) as ws:
        await ws.send('{"ticketBody":"printer jam"}')
        async for frame in ws:
            print(frame)
            if json.loads(frame)["type"] in ("done", "error"):
                return
asyncio.run(asyncio.wait_for(main(), 60))
END
}

@test "it is built as its head says, of nothing but the sources" {
	cd "$BATS_TEST_DIRNAME/../.."
	line=$(head_says build)
	eval "${line/build/build --isolation chroot --layers=false --pull-never}" \
	    >"$BATS_TEST_TMPDIR/log" 2>&1 || { tail -n 20 "$BATS_TEST_TMPDIR/log"; false; }
	grep -q '^building a small libcurl' "$BATS_TEST_TMPDIR/log"
	not grep '^no small libcurl' "$BATS_TEST_TMPDIR/log"
	printf 'FROM scratch\nCOPY . /\n' >"$BATS_TEST_TMPDIR/all"
	podman build --isolation chroot -q -t all -f "$BATS_TEST_TMPDIR/all" .
	ls -A "$(podman image mount all)" >"$BATS_TEST_TMPDIR/there"
	podman image unmount all
	grep -qx handlers "$BATS_TEST_TMPDIR/there"
	not grep -xE '\.git|build|var|tests' "$BATS_TEST_TMPDIR/there"
}

@test "it answers as its own user, may write where it must, and keeps answers" {
	cd "$BATS_TEST_DIRNAME/../.."
	model
	start
	cmp "$BATS_TEST_TMPDIR/page" web/index.html
	ask 42 | tee "$BATS_TEST_TMPDIR/frames"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/frames")" = '{"type":"done"}' ]
	ask 42 | grep -q '"type":"cached"'
	[ "$(podman exec "$CONTAINER" id -un)" = ticketchat ]
	podman exec "$CONTAINER" sessions list | grep -q '^ *42 '
	podman exec "$CONTAINER" sessions doctor --quick || [ $? = 1 ]
	for f in /x /usr/x /etc/x; do
		run -1 podman exec -u 0 "$CONTAINER" touch $f
		[[ $output = *'Read-only file system' ]]
	done
	within 5 logged 42
	# The generation was nobody's child.
	within 10 no_zombie
	podman stop -t 20 "$CONTAINER"
	# Another container, the same volume.
	start
	ask 42 | grep -q '"type":"cached"'
	podman stop -t 20 "$CONTAINER"
}

@test "HEALTHCHECK: healthy, unhealthy without its database, healthy again" {
	cd "$BATS_TEST_DIRNAME/../.."
	model
	start
	health() {
		podman healthcheck run "$CONTAINER" || true
		podman inspect --format '{{.State.Health.Status}}' "$CONTAINER"
	}
	healthy() { [ "$(health | tail -n 1)" = healthy ]; }
	unhealthy() { [ "$(health | tail -n 1)" = unhealthy ]; }
	within 30 healthy
	podman exec "$CONTAINER" mv /var/lib/ticketchat/ticketchat.db /var/lib/ticketchat/away
	within 30 unhealthy
	podman exec "$CONTAINER" mv /var/lib/ticketchat/away /var/lib/ticketchat/ticketchat.db
	within 30 healthy
	podman stop -t 20 "$CONTAINER"
}

@test "without an init it reaps what has ended itself" {
	cd "$BATS_TEST_DIRNAME/../.."
	model
	INIT=
	start
	for t in 51 52 53; do
		[ "$(ask $t | tail -n 1)" = '{"type":"done"}' ]
		within 5 logged $t
	done
	# Each one of another connection, which has gone as well.
	within 10 no_zombie
	[ "$(podman exec "$CONTAINER" ps -o comm= -p 1)" != catatonit ]
	podman stop -t 20 "$CONTAINER"
}

@test "stopped while it writes: the answer ends first, and is kept" {
	cd "$BATS_TEST_DIRNAME/../.."
	seq 1 60 | sed 's/.*/{"response":"w& ","done":false}/' \
	    >"$BATS_TEST_TMPDIR/long"
	echo '{"response":"","done":true}' >>"$BATS_TEST_TMPDIR/long"
	for INIT in '--init ' ''; do
		build/tests/replay --port 0 --pace 50 "$BATS_TEST_TMPDIR/long" \
		    >"$BATS_TEST_TMPDIR/port" 3>&- &
		echo $! >"$BATS_TEST_TMPDIR/replay${#INIT}.pid"
		within 5 test -s "$BATS_TEST_TMPDIR/port"
		MODEL=$(<"$BATS_TEST_TMPDIR/port")
		start
		ask 61 >"$BATS_TEST_TMPDIR/reader" 2>&1 &
		within 10 grep -q w3 "$BATS_TEST_TMPDIR/reader"
		podman stop "$CONTAINER"
		wait $! || true
		not grep -q done "$BATS_TEST_TMPDIR/reader"
		# Its log is gone with it, the answer is not.
		start
		ask 61 | grep -q '"type":"cached".*w60'
		podman stop -t 20 "$CONTAINER"
		: >"$BATS_TEST_TMPDIR/port"
		podman volume rm -f ticketchat
	done
}

@test "a name of 0.1 in its environment ends it, and says which one is meant" {
	cd "$BATS_TEST_DIRNAME/../.."
	MODEL=9
	for e in AUTH=required DATABASE=/var/lib/ticketchat/other.db; do
		run -102 run_it -e $e
		[[ $output = *"TICKETCHAT_${e%%=*}"* ]]
	done
	run -102 run_it -e TICKETCHAT_AUTHH=required
	[[ $output = *TICKETCHAT_AUTH* ]]
	# By its new name it counts: there is no key.
	run -102 run_it -e TICKETCHAT_AUTH=required
	[[ $output = *JWT_KEY_FILE* ]]
}
