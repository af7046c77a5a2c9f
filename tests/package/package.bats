# deploy/README.md as it stands, and the package that it makes, on a real Debian:
# a bare one is made with debootstrap and booted with its own systemd (boot.sh).
# Needs root, some minutes and the network; `make check-package'.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	export HTTPS
	needs debootstrap:debootstrap slirp4netns:slirp4netns lintian:lintian
	make -s build/tests/replay
	bare
	rm -rf "$PACKAGE/booted"
	"$BATS_TEST_DIRNAME/boot.sh" "$BARE" "$PACKAGE/booted" 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/boot"
	within 60 booted
	stand_in_for_ollama
	HTTPS=$(lead_in 443)
	git clone -q --no-local . "$BATS_FILE_TMPDIR/ticketchat"
	cp -r "$BATS_FILE_TMPDIR/ticketchat" "$(root)/root/"
}

teardown_file() {
	# It has gone if it was asked.
	kill "$(cat "$BATS_FILE_TMPDIR/ollama.pid")" 2>/dev/null || true
	kill "$(cat "$BATS_FILE_TMPDIR/boot")"
	while kill -0 "$(cat "$BATS_FILE_TMPDIR/boot")" 2>/dev/null; do
		sleep 0.1
	done
	rm -rf "$PACKAGE/booted"
}

# Whatever a test that fails has left running.
teardown() {
	for p in ${KNOCKS:-} ${OTHER:-}; do
		kill "$p" 2>/dev/null || true
	done
}

# The systemd of ours: the child of boot.sh's child.
init() { pgrep -P "$(pgrep -o -P "$(cat "$BATS_FILE_TMPDIR/boot")")"; }
# Its files, seen from here.
root() { echo "/proc/$(init)/root"; }

inside() {
	nsenter -t "$(init)" -a env -i HOME=/root LC_ALL=C.UTF-8 \
	    DEBIAN_FRONTEND=noninteractive \
	    PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

sessions() { inside runuser -u ticketchat -- sessions "$@"; }

# A port of ours that leads to port $1 inside.
lead_in() {
	/usr/bin/python3 - "$PACKAGE/booted/network" "$1" <<-'END'
	import json, socket, sys
	port = socket.create_server(("127.0.0.1", 0)).getsockname()[1]
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	s.sendall(json.dumps({"execute": "add_hostfwd", "arguments": {
	    "proto": "tcp", "host_addr": "127.0.0.1", "host_port": port,
	    "guest_port": int(sys.argv[2])}}).encode())
	assert b"return" in s.recv(1000)
	print(port)
	END
}

# ollama.com cannot be had here, nor a model.  Inside, that name is this machine;
# what it serves installs the replayed Ollama as ollama.service, on its port, and
# a command `ollama' that can but pull.
stand_in_for_ollama() {
	local to=$(root)
	install build/tests/replay "$to/usr/local/bin/replay"
	cp "$UP/good.ndjson" "$to/usr/local/share/good.ndjson"
	echo '127.0.0.1 ollama.com' >>"$to/etc/hosts"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=ollama.com -addext subjectAltName=DNS:ollama.com -days 2 \
	    -keyout "$BATS_FILE_TMPDIR/key" -out "$BATS_FILE_TMPDIR/pem" 2>&1
	# update-ca-certificates takes it in when ca-certificates is installed.
	install -D -m 644 "$BATS_FILE_TMPDIR/pem" \
	    "$to/usr/local/share/ca-certificates/ollama.crt"
	cat >"$BATS_FILE_TMPDIR/install.sh" <<-'END'
	cat >/usr/local/bin/ollama <<-STUB
	#!/bin/sh
	[ "\$1" = pull ] && systemctl -q is-active ollama
	STUB
	chmod +x /usr/local/bin/ollama
	echo REPLAY=/usr/local/share/good.ndjson >/etc/default/ollama
	cat >/etc/systemd/system/ollama.service <<-UNIT
	[Service]
	EnvironmentFile=/etc/default/ollama
	ExecStart=/usr/local/bin/replay -p 11434 \$REPLAY
	UNIT
	systemctl start ollama
	END
}

# Serves that script, once.
ollama_com() {
	nsenter -t "$(init)" -n /usr/bin/python3 - "$BATS_FILE_TMPDIR" 3>&- <<-'END' &
	import http.server, ssl, sys
	class Handler(http.server.SimpleHTTPRequestHandler):
	    def __init__(self, *args):
	        super().__init__(*args, directory=sys.argv[1])
	server = http.server.HTTPServer(("127.0.0.1", 443), Handler)
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(sys.argv[1] + "/pem", sys.argv[1] + "/key")
	server.socket = context.wrap_socket(server.socket, server_side=True)
	open(sys.argv[1] + "/serves", "w").close()
	server.handle_request()
	END
	echo $! >"$BATS_FILE_TMPDIR/ollama.pid"
	within 10 test -e "$BATS_FILE_TMPDIR/serves"
}

# What Ollama answers from now on: a file, then more options of replay.
model() {
	cp "$1" "$(root)/usr/local/share/model.ndjson"
	shift
	echo "REPLAY=$* /usr/local/share/model.ndjson" >"$(root)/etc/default/ollama"
	inside systemctl restart ollama
}

# An answer of 150 pieces, one each $1 ms.
long() {
	seq 1 150 | sed 's/.*/{"response":"w& ","done":false}/' \
	    >"$BATS_TEST_TMPDIR/long.ndjson"
	echo '{"response":"","done":true,"done_reason":"stop"}' \
	    >>"$BATS_TEST_TMPDIR/long.ndjson"
	model "$BATS_TEST_TMPDIR/long.ndjson" --pace "$1"
}

booted() { inside systemctl is-system-running | grep -qx running; }
active() { inside systemctl -q is-active ticketchat; }
# Also tells us Caddy's root certificate.
settle() {
	cp "$(root)/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt" \
	    "$BATS_FILE_TMPDIR/root.crt"
	active && page >/dev/null
}
main_pid() { inside systemctl show -p MainPID --value ticketchat; }

# From outside, as a browser does: the page; the frames of a ticket.
page() {
	curl -sSf --resolve "desk.example:$HTTPS:127.0.0.1" \
	    --cacert "$BATS_FILE_TMPDIR/root.crt" "https://desk.example:$HTTPS/$1"
}
ask() {
	SSL_CERT_FILE=$BATS_FILE_TMPDIR/root.crt /usr/bin/python3 - "$HTTPS" "$@" <<-'END'
	import asyncio, json, sys
	from websockets.legacy.client import connect
	port, ticket, *more = sys.argv[1:]
	origin = more[0] if more else "https://desk.example"
	headers = {"Authorization": "Bearer " + more[1]} if more[1:] else {}
	async def main():
	    async with connect(
	            f"wss://desk.example:{port}/api/websocket/chat/{ticket}",
	            host="127.0.0.1", server_hostname="desk.example",
	            origin=origin, extra_headers=headers) as ws:
	        await ws.send('{"ticketBody":"printer jam"}')
	        async for frame in ws:
	            print(frame, flush=True)
	            if json.loads(frame)["type"] in ("done", "error"):
	                return
	asyncio.run(main())
	END
}

# The commands of deploy/README.md, one a line.
commands() {
	sed '/^## Afterwards/,$d' "$BATS_TEST_DIRNAME/../../deploy/README.md" |
	    sed -n '/^```sh$/,/^```$/{/^```/!p}'
}
# Runs its block ```sh $1 inside, in the checkout there; $2: changes to it.
block() {
	sed -n "/^\`\`\`sh $1\$/,/^\`\`\`\$/{/^\`\`\`/!p}" \
	    "$BATS_TEST_DIRNAME/../../deploy/README.md" | sed "${2:-}" \
	    >"$BATS_TEST_TMPDIR/block"
	[ -s "$BATS_TEST_TMPDIR/block" ]
	inside bash -o pipefail -exc "cd /root/ticketchat; $(<"$BATS_TEST_TMPDIR/block")" \
	    </dev/null
}
installed_version() { inside dpkg-query -W -f '${Version}' ticketchat; }

@test "deploy/README.md: from a bare Debian to TLS in ten commands" {
	local n=0 own
	own=$(sed -n 's/.*`\(sed -i [^`]*\)` before it$/\1/p' deploy/README.md)
	[ -n "$own" ]
	commands >"$BATS_TEST_TMPDIR/commands"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/commands")" = 10 ]
	while IFS= read -r line <&4; do
		echo "\$ $line"
		case $line in
		*ollama.com*) ollama_com ;;
		# Nobody out there knows desk.example.
		*restart*caddy*) inside sh -ec "$own" ;;
		esac
		inside bash -o pipefail -ec "cd /root/ticketchat && $line" \
		    </dev/null 4<&-
		n=$((n + 1))
	done 4<"$BATS_TEST_TMPDIR/commands"
	[ $n = 10 ]
	rm -f "$PACKAGE"/ticketchat*.deb
	cp "$(root)"/root/ticketchat/build/packages/ticketchat_*.deb "$PACKAGE/"
	within 60 settle
	page | cmp - web/index.html
	page ticket-chat.js | cmp - web/ticket-chat.js
	ask 41 >"$BATS_TEST_TMPDIR/frames"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/frames")" = '{"type":"done"}' ]
	grep -q '"type":"stream"' "$BATS_TEST_TMPDIR/frames"
	ask 41 | grep -q '"type":"cached"'
	ask 41 https://evil.example | grep -q '"code":"forbidden_origin"'
	# The client's address, not the proxy's.
	inside journalctl -t chat --no-pager | grep 'ticket=41 ' >"$BATS_TEST_TMPDIR/log"
	grep -q remote= "$BATS_TEST_TMPDIR/log"
	not grep remote=127.0.0.1 "$BATS_TEST_TMPDIR/log"
	inside runuser -u ticketchat -- sessions doctor || [ $? = 1 ]
}

@test "lintian finds no errors" {
	lintian --fail-on error "$PACKAGE"/ticketchat_*.deb
}

@test "the units are as closed as they say" {
	for u in ticketchat ticketchat-upkeep ticketchat-door@; do
		dpkg --fsys-tarfile "$PACKAGE"/ticketchat_*.deb |
		    tar -xO "./lib/systemd/system/$u.service" \
		    >"$BATS_TEST_TMPDIR/${u/@/@1}.service"
		systemd-analyze security --offline=true --threshold=15 \
		    --no-pager "$BATS_TEST_TMPDIR/${u/@/@1}.service" | tail -n 1
	done
}

@test "it runs as its own user" {
	[ "$(inside stat -c %U "/proc/$(main_pid)")" = ticketchat ]
	[ "$(inside stat -c '%U %a' /var/lib/ticketchat/ticketchat.db)" = \
	    'ticketchat 600' ]
}

@test "it answers in its sandbox, and logs to the journal" {
	[ "$(ask 42 | tail -n 1)" = '{"type":"done"}' ]
	ask 42 | grep -q '"type":"cached"'
	inside journalctl -t answer --no-pager | grep -q 'outcome=kept'
	# Nothing of what it does without is refused: Landlock, the sockets'
	# timeout.
	inside journalctl --no-pager >"$BATS_TEST_TMPDIR/log"
	not grep -e 'no Landlock' -e 'keep their places' "$BATS_TEST_TMPDIR/log"
	inside journalctl --utc -o short-iso -t chat |
	    sessions stats --log - >"$BATS_TEST_TMPDIR/stats"
	grep -qE "^$(date -u +%F) +10\.0\.2\.2 +[1-9]" "$BATS_TEST_TMPDIR/stats"
}

@test "the door, held by systemd" {
	inside systemctl enable --now ticketchat-door.socket
	inside apt-get install -y --no-install-recommends curl
	[ "$(inside curl -sSf http://127.0.0.1:5001/healthz)" = ok ]
	inside curl -sSf -H 'Content-Type: application/json' -d '{"ticketBody":"printer jam"}' \
	    'http://127.0.0.1:5001/api/ask?ticket=42' | grep -q '"type":"done"'
	# An answer goes on without the unit of its request.
	inside curl -sSf -H 'Prefer: respond-async' -H 'Content-Type: application/json' \
	    -d '{"ticketBody":"no network"}' 'http://127.0.0.1:5001/api/ask?ticket=49'
	saved() { inside curl -sSf 'http://127.0.0.1:5001/api/answer?ticket=49' | grep -q '"type":"cached"'; }
	within 30 saved
	inside curl -sSf http://127.0.0.1:5001/metrics | grep -q '^ticketchat_tickets '
	inside journalctl -t door --no-pager | grep 'ticket=42 ' | grep -q 'remote=127\.0\.0\.1 '
	idle() { [ "$(inside systemctl show -p NConnections --value ticketchat-door.socket)" = 0 ]; }
	within 30 idle
	[ "$(inside systemctl --failed --no-legend 'ticketchat*')" = '' ]
	inside systemctl disable --now ticketchat-door.socket
}

@test "an upgrade: who reads goes on, who comes gets the new program" {
	long 40
	p=$(main_pid)
	ask 43 >"$BATS_TEST_TMPDIR/reader" &
	reader=$!
	within 10 grep -q w3 "$BATS_TEST_TMPDIR/reader"
	# The same once more, as a later version.
	dpkg-deb -R "$PACKAGE"/ticketchat_*.deb "$BATS_TEST_TMPDIR/new"
	sed -i 's/^Version: .*/Version: 0.9/' \
	    "$BATS_TEST_TMPDIR/new/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$BATS_TEST_TMPDIR/new" \
	    "$(root)/root/new.deb"
	chat=/usr/libexec/ticketchat/chat
	inode=$(inside stat -c %i $chat)
	inside dpkg -i /root/new.deb
	[ "$(installed_version)" = 0.9 ]
	[ "$(inside stat -c %i $chat)" != "$inode" ]
	[ "$(main_pid)" = "$p" ]
	ask 42 | grep -q '"type":"cached"'
	wait $reader
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/reader")" = '{"type":"done"}' ]
	grep -q w150 "$BATS_TEST_TMPDIR/reader"
	# The administrator's settings are still there.
	inside grep -qx ALLOWED_ORIGINS=https://desk.example \
	    /etc/ticketchat/websocketd.conf
}

@test "answers use a small libcurl, built from this machine's apt sources" {
	inside grep -q '^[0-9.]*$' /usr/libexec/ticketchat/libcurl
	inside runuser -u ticketchat -- sessions doctor --quick |
	    grep '^ok *libcurl: a small one, [0-9.]*, linked into answer\.$'
}

@test "the timer's work: a good copy of the database, and an end of old answers" {
	inside sed -i 's/^RETENTION_DAYS=.*/RETENTION_DAYS=30/' \
	    /etc/ticketchat/websocketd.conf
	sessions export | jq -c 'select(.ticket == 42) | .ticket = 7 |
	    .session = 9007 | .ticket_created = "2020-01-02T03:04:05Z" |
	    .created = .ticket_created | .answered = .created' |
	    sessions import
	sessions list | grep -q '^ *7 '
	inside systemctl start ticketchat-upkeep.service
	inside find /var/lib/ticketchat/backup -name '*.db' -size +0 | grep -q .
	inside systemctl -q is-active ticketchat-upkeep.timer
	sessions list >"$BATS_TEST_TMPDIR/list"
	not grep '^ *7 ' "$BATS_TEST_TMPDIR/list"
	grep -q '^ *42 ' "$BATS_TEST_TMPDIR/list"
	# It has seen the service's own locks, and left them there.
	[ "$(inside stat -c '%U %a' /run/ticketchat)" = 'ticketchat 700' ]
	inside test -e /run/ticketchat/slots
	not inside test -e /run/ticketchat-upkeep
	# The service is not needed for it.
	inside systemctl stop ticketchat
	inside systemctl start ticketchat-upkeep.service
	inside systemctl start ticketchat
	within 20 settle
	model "$UP/good.ndjson"
	ask 45 | grep -qx '{"type":"done"}'
}

@test "a rollback: a newer database is refused, a copy from before is not" {
	# What a newer package would have made of it.
	inside apt-get install -y sqlite3
	inside runuser -u ticketchat -- sqlite3 \
	    /var/lib/ticketchat/ticketchat.db 'PRAGMA user_version = 99'
	cp "$PACKAGE"/ticketchat_*.deb "$(root)/root/old.deb"
	inside dpkg -i /root/old.deb >"$BATS_TEST_TMPDIR/said" 2>&1
	grep -q 'schema 99, newer than .* `sessions restore' "$BATS_TEST_TMPDIR/said"
	[[ $(inside dpkg-query -W -f '${Status} ${Version}' ticketchat) = \
	    'install ok installed 0.2.0+'* ]]
	ask 42 | grep -q '"code":"schema"'
	sessions restore "$(inside find /var/lib/ticketchat/backup -name '*.db')"
	ask 42 | grep -q '"type":"cached"'
	ask 48 | grep -qx '{"type":"done"}'
}

@test "the service stopped: its folder stays, and the way back is open" {
	inside systemctl stop ticketchat
	[ "$(inside stat -c '%U %a' /run/ticketchat)" = 'ticketchat 700' ]
	sessions migrate
	sessions purge --older-than 3650d
	sessions backup --force /var/lib/ticketchat/now.db
	sessions restore --force /var/lib/ticketchat/now.db
	sessions forget --ticket 4711 || [ $? = 1 ]
	# After a boot /run is empty.
	inside rm -rf /run/ticketchat
	inside systemd-tmpfiles --create ticketchat.conf
	[ "$(inside stat -c '%U %a' /run/ticketchat)" = 'ticketchat 700' ]
	sessions restore --force /var/lib/ticketchat/now.db
	inside systemctl start ticketchat
	within 20 settle
	ask 42 | grep -q '"type":"cached"'
}

failed() { [ "$(inside systemctl is-active ticketchat)" = failed ]; }
@test "a wrong setting fails the unit, and the system says so" {
	inside systemctl reset-failed ticketchat
	for line in TICKETCHAT_PORT=abc TICKETCHAT_AUTH=required NONSENSE=1; do
		inside cp -p /etc/ticketchat/websocketd.conf /root/good.conf
		inside sed -i "/^${line%%=*}=/d; \$a$line" \
		    /etc/ticketchat/websocketd.conf
		inside systemctl restart ticketchat || true
		within 20 failed
		[ "$(inside systemctl show -p ExecMainStatus --value ticketchat)" = 102 ]
		[ "$(inside systemctl is-system-running)" = degraded ]
		# It stays so: nothing starts it again and again.
		[ "$(inside systemctl show -p NRestarts --value ticketchat)" = 0 ]
		inside cp -p /root/good.conf /etc/ticketchat/websocketd.conf
		inside systemctl reset-failed ticketchat
		inside systemctl start ticketchat
		within 20 settle
	done
}

given_up() {
	inside journalctl -u ticketchat --no-pager |
	    grep -q 'Start request repeated too quickly'
}
@test "another fault is tried five times a minute, then fails the unit" {
	# Somebody else has the port.
	inside systemctl stop ticketchat
	nsenter -t "$(init)" -n /usr/bin/python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 5000)); time.sleep(300)' 3>&- &
	OTHER=$!
	taken() { inside sh -c 'grep -q " 0100007F:1388 .* 0A " /proc/net/tcp'; }
	within 10 taken
	inside systemctl start ticketchat || true
	# It looks failed for a moment before each further try.
	within 90 given_up
	failed
	[ "$(inside systemctl show -p ExecMainStatus --value ticketchat)" != 102 ]
	inside journalctl -u ticketchat --no-pager | grep -q 'address already in use'
	kill $OTHER
	inside systemctl reset-failed ticketchat
	inside systemctl start ticketchat
	within 20 settle
	ask 42 | grep -q '"type":"cached"'
}

@test "a month of nights: as many copies as BACKUPS, the newest ones, all good" {
	inside rm -rf /var/lib/ticketchat/backup
	inside sed -i -e 's/^BACKUPS=.*/BACKUPS=14/' /etc/ticketchat/websocketd.conf
	inside mkdir -p /opt/nights
	printf '%s\n' '#!/bin/sh' '[ "$1" != +%F ] || exec cat /opt/nights/today' \
	    'exec /bin/date "$@"' >"$(root)/opt/nights/date"
	inside chmod 755 /opt/nights/date
	inside mkdir -p /run/systemd/system/ticketchat-upkeep.service.d
	printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nEnvironment=PATH=%s\n' \
	    /opt/nights:/usr/bin:/bin \
	    >"$(root)/run/systemd/system/ticketchat-upkeep.service.d/nights.conf"
	inside systemctl daemon-reload
	: >"$BATS_TEST_TMPDIR/days"
	for d in {30..1}; do
		date -u -d "-$d days" +%F | tee -a "$BATS_TEST_TMPDIR/days" \
		    >"$(root)/opt/nights/today"
		inside systemctl start ticketchat-upkeep.service
		inside ls /var/lib/ticketchat/backup | sed 's/\.db$//' |
		    diff <(tail -n 14 "$BATS_TEST_TMPDIR/days") -
	done
	for d in $(tail -n 14 "$BATS_TEST_TMPDIR/days"); do
		# shellcheck disable=SC2016
		inside runuser -u ticketchat -- env \
		    TICKETCHAT_DATABASE=/var/lib/ticketchat/backup/"$d".db \
		    TICKETCHAT_RUN_DIR=/tmp/copy sessions check
	done
	inside rm -r /run/systemd/system/ticketchat-upkeep.service.d /opt/nights
	inside systemctl daemon-reload
	sessions list | grep -q '^ *42 '
	# The next one is this night, within half an hour of its time.
	inside systemctl list-timers --no-pager ticketchat-upkeep.timer |
	    grep -qE ' (03:[345][0-9]|04:00):'
}

@test "an upgrade and the way back, as deploy/README.md says" {
	first=$(installed_version)
	# Uncommitted edits do not go into a package unseen.
	inside sh -c 'cd /root/ticketchat && echo >>LICENSE'
	run inside make -C /root/ticketchat deb
	[ "$status" = 2 ]
	grep -qx LICENSE <<<"$output"
	inside git -C /root/ticketchat checkout -q LICENSE
	# There is nothing to pull.
	block upgrade '/^git pull$/d'
	second=$(installed_version)
	[[ $first = 0.2.0+* && $second = 0.2.0+* ]]
	dpkg --compare-versions "$second" gt "$first"
	[ "$(inside sessions --version)" = "ticketchat $second" ]
	ask 42 | grep -q '"type":"cached"'
	# No copy of an earlier test is in its way.
	inside rm -f /var/lib/ticketchat/ticketchat.db.before-restore
	block downgrade "s/ticketchat_OLD/ticketchat_${first}_*/"
	[ "$(installed_version)" = "$first" ]
	within 20 settle
	ask 42 | grep -q '"type":"cached"'
}

@test "copies on another machine, as deploy/README.md says" {
	# The other machine is this one.
	inside mkdir -p /root/away
	block away 's|rsync -a \(.*\) backup.example:.*|cp -a \1 /root/away|'
	within 20 inside sh -c 'ls /root/away/*/*.db'
}

@test "a key for tokens, as deploy/README.md says" {
	inside cp -p /etc/ticketchat/websocketd.conf /root/good.conf
	block key >"$BATS_TEST_TMPDIR/said"
	within 20 settle
	ask 42 | grep -q '"code":"unauthorized"'
	ask 42 https://desk.example "$(tail -n 1 "$BATS_TEST_TMPDIR/said")" |
	    grep -q '"type":"cached"'
	inside cp -p /root/good.conf /etc/ticketchat/websocketd.conf
	inside systemctl restart ticketchat
	within 20 settle
}

@test "to another machine, as deploy/README.md says" {
	block old
	inside mkdir -p /root/ticketchat.conf.d
	# The other machine is this one, emptied.
	inside sh -ec 'cp -a /etc/ticketchat /root/moved
	    mv /var/lib/ticketchat/move.db /root/
	    find /var/lib/ticketchat -type f -delete'
	block new 's|/root/ticketchat/|/root/moved/|'
	inside systemctl enable --now ticketchat-upkeep.timer ticketchat
	within 20 settle
	ask 42 | grep -q '"type":"cached"'
}

@test "websocketd killed: it comes back, and nothing is lost" {
	p=$(main_pid)
	[ "$p" -gt 1 ]
	inside kill -KILL "$p"
	other() { settle && [ "$(main_pid)" != "$p" ]; }
	within 20 other
	ask 43 | grep -q '"type":"cached"'
}

@test "restarted while it writes: the answer ends first, viewers leave at once" {
	inside sed -i 's/^STOP_WAIT=.*/STOP_WAIT=60/' /etc/ticketchat/websocketd.conf
	inside systemctl restart ticketchat
	within 20 settle
	long 40
	p=$(main_pid)
	# Starts that failed before had their `answer load' killed.
	since=$(date +%s)
	ask 60 >"$BATS_TEST_TMPDIR/reader" 2>&1 &
	reader=$!
	within 20 grep -q w3 "$BATS_TEST_TMPDIR/reader"
	inside systemctl restart ticketchat
	wait $reader || true
	not grep -q -e w150 -e done "$BATS_TEST_TMPDIR/reader"
	within 20 settle
	[ "$(main_pid)" != "$p" ]
	ask 60 | grep -q '"type":"cached".*w150'
	inside journalctl -u ticketchat --no-pager --since "@$since" \
	    >"$BATS_TEST_TMPDIR/log"
	[ -s "$BATS_TEST_TMPDIR/log" ]
	not grep SIGKILL "$BATS_TEST_TMPDIR/log"
	inside sed -i 's/^STOP_WAIT=.*/STOP_WAIT=5/' /etc/ticketchat/websocketd.conf
	inside systemctl restart ticketchat
	within 20 settle
}

# What of it needs an installed system; the rest is in tests/cases/trouble.bats.
@test "docs/trouble.md: its commands for an installed system" {
	sed -n '/^```sh installed$/,/^```$/{/^```/!p}' docs/trouble.md \
	    >"$BATS_TEST_TMPDIR/commands"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/commands")" = 7 ]
	# Somebody was root there.
	inside touch /var/lib/ticketchat/mine
	inside sh -c 'echo 127.0.0.1 desk.example >>/etc/hosts'
	{
		echo 'set -ex; shopt -s expand_aliases'
		cat "$BATS_TEST_TMPDIR/commands"
		echo 'sessions list'
	} | inside bash >"$BATS_TEST_TMPDIR/shown" 2>&1 ||
	    { cat "$BATS_TEST_TMPDIR/shown"; false; }
	for line in 'Active: active' 'answer.* outcome=kept' \
	    'chat.* outcome=cached' 'certificate problem' \
	    '^/var/lib/ticketchat/mine$' '^MemoryCurrent=' \
	    '^MemoryMax=536870912$' '^NRestarts=[0-9]' '^ *42 '; do
		grep -qe "$line" "$BATS_TEST_TMPDIR/shown" ||
		    { echo "no $line"; cat "$BATS_TEST_TMPDIR/shown"; false; }
	done
	[ "$(inside stat -c %U /var/lib/ticketchat/mine)" = ticketchat ]
}

# 0.1, from this repository's history; its package is built once.
OLD=bfbfc0f40c3ca87961d4af4fc490ae65f4509893
package_0_1() {
	[ ! -e "$PACKAGE/0.1/ticketchat.deb" ] || return 0
	git cat-file -e $OLD 2>/dev/null || skip "no 0.1 in this history"
	inside git clone -q --no-checkout /root/ticketchat /root/0.1
	inside git -C /root/0.1 checkout -q $OLD
	inside make -C /root/0.1 deb
	install -D "$(root)"/root/0.1/build/ticketchat_0.1.0_*.deb \
	    "$PACKAGE/0.1/ticketchat.deb"
}

# Installs it in the place of what is there, with AUTH=$1 and a key in the
# administrator's settings; sets TOKEN.
install_0_1() {
	package_0_1
	cp "$PACKAGE/0.1/ticketchat.deb" "$(root)/root/old.deb"
	cp "$PACKAGE"/ticketchat_*.deb "$(root)/root/new.deb"
	inside dpkg --purge ticketchat
	inside sh -c 'rm -rf /var/lib/ticketchat /etc/systemd/system/ticketchat*'
	inside systemctl daemon-reload
	inside apt-get install -y /root/old.deb sqlite3
	inside sh -c '(umask 077; openssl rand -hex 32 >/etc/ticketchat/key)
	    chown ticketchat: /etc/ticketchat/key'
	inside sed -i -e "s|^AUTH=.*|AUTH=$1|" \
	    -e 's|^JWT_KEY_FILE=.*|JWT_KEY_FILE=/etc/ticketchat/key|' \
	    -e 's|^ALLOWED_ORIGINS=.*|ALLOWED_ORIGINS=https://desk.example|' \
	    -e 's|^TRUSTED_PROXIES=.*|TRUSTED_PROXIES=127.0.0.1|' \
	    /etc/ticketchat/websocketd.conf
	TOKEN=$(inside sessions token /etc/ticketchat/key)
}

drop_in() {
	inside mkdir -p /etc/systemd/system/ticketchat.service.d
	echo "[Service]
Environment=$1" >"$(root)/etc/systemd/system/ticketchat.service.d/own.conf"
	inside systemctl daemon-reload
}

# Asks again and again without a token, until it is killed; one line each time:
# what it got, `nobody' where nobody listened.
knock() {
	nsenter -t "$(init)" -n /usr/bin/python3 - 3>&- <<-'END' &
	import asyncio, json
	from websockets.legacy.client import connect
	async def knock():
	    try:
	        async with connect("ws://127.0.0.1:5000/api/websocket/chat/42",
	                origin="https://desk.example") as ws:
	            await ws.send('{"ticketBody":"printer jam"}')
	            frame = json.loads(await ws.recv())
	            return frame.get("code", frame["type"])
	    except Exception:
	        return "nobody"
	async def main():
	    while True:
	        print(await asyncio.wait_for(knock(), 20), flush=True)
	        await asyncio.sleep(0.02)
	asyncio.run(main())
	END
	KNOCKS=$!
}

schema() { inside sqlite3 /var/lib/ticketchat/ticketchat.db 'PRAGMA user_version'; }

@test "from 0.1: the service begins anew, nobody gets in, nothing is lost" {
	install_0_1 required
	model "$UP/good.ndjson"
	inside systemctl restart ticketchat
	within 20 settle
	ask 42 | grep -q '"code":"unauthorized"'
	ask 42 https://desk.example "$TOKEN" | grep -qx '{"type":"done"}'
	[ "$(schema)" = 1 ]
	inside sha256sum /etc/ticketchat/websocketd.conf >"$BATS_TEST_TMPDIR/sum"
	p=$(main_pid)
	long 1000
	knock >"$BATS_TEST_TMPDIR/knocks"
	ask 43 https://desk.example "$TOKEN" >"$BATS_TEST_TMPDIR/reader" 2>&1 &
	reader=$!
	within 20 grep -q w3 "$BATS_TEST_TMPDIR/reader"
	block upgrade '/sessions backup/!d'
	# apt does both; in between the old websocketd starts the new programs.
	inside dpkg --unpack /root/new.deb
	ask 42 https://desk.example "$TOKEN" | grep -q '"code":"internal"'
	inside journalctl -u ticketchat --no-pager | grep -q 'restart the service'
	[ "$(main_pid)" = "$p" ]
	block upgrade '/apt-get/!d; s|\./build/ticketchat.deb|/root/new.deb|'
	within 20 settle
	[ "$(main_pid)" != "$p" ]
	[ "$(schema)" = 2 ]
	inside sha256sum -c - <"$BATS_TEST_TMPDIR/sum"
	ask 42 | grep -q '"code":"unauthorized"'
	ask 42 https://desk.example "$TOKEN" | grep -q '"type":"cached"'
	# The reader was cut off, and finds an answer.
	wait $reader || true
	not grep -q '"type":"done"' "$BATS_TEST_TMPDIR/reader"
	model "$UP/good.ndjson"
	ask 43 https://desk.example "$TOKEN" | grep -qx '{"type":"done"}'
	kill $KNOCKS
	sort "$BATS_TEST_TMPDIR/knocks" | uniq -c
	for code in unauthorized internal; do
		grep -qx $code "$BATS_TEST_TMPDIR/knocks"
	done
	not grep -vxE 'unauthorized|internal|nobody' "$BATS_TEST_TMPDIR/knocks"
	# What 0.1 did to another database would now be done to this one.
	for c in 'purge --older-than 1d' list 'forget --ticket 42' migrate; do
		# shellcheck disable=SC2086
		run -102 inside runuser -u ticketchat -- \
		    env DATABASE=/tmp/copy.db sessions $c
		[[ $output = *TICKETCHAT_DATABASE* ]]
	done
	ask 42 https://desk.example "$TOKEN" | grep -q '"type":"cached"'
}

@test "from 0.1 with AUTH=required in a drop-in: the start ends, and says why" {
	install_0_1 off
	# There the file won over a drop-in.
	inside sed -i '/^AUTH=/d' /etc/ticketchat/websocketd.conf
	drop_in AUTH=required
	model "$UP/good.ndjson"
	inside systemctl restart ticketchat
	within 20 settle
	ask 42 | grep -q '"code":"unauthorized"'
	ask 42 https://desk.example "$TOKEN" | grep -qx '{"type":"done"}'
	knock >"$BATS_TEST_TMPDIR/knocks"
	block upgrade '/^git /d; /^make /d; s|\./build/ticketchat.deb|/root/new.deb|' \
	    >"$BATS_TEST_TMPDIR/said" 2>&1
	grep -q 'does not start again' "$BATS_TEST_TMPDIR/said"
	within 20 failed
	[ "$(inside systemctl show -p ExecMainStatus --value ticketchat)" = 102 ]
	inside journalctl -u ticketchat --no-pager | grep 'TICKETCHAT_AUTH, or unset'
	kill $KNOCKS
	grep -qx unauthorized "$BATS_TEST_TMPDIR/knocks"
	not grep -vxE 'unauthorized|internal|nobody' "$BATS_TEST_TMPDIR/knocks"
	drop_in TICKETCHAT_AUTH=required
	inside systemctl reset-failed ticketchat
	inside systemctl start ticketchat
	within 20 settle
	ask 42 | grep -q '"code":"unauthorized"'
	ask 42 https://desk.example "$TOKEN" | grep -q '"type":"cached"'
	# And back: the old name counts again.
	drop_in AUTH=required
	block downgrade 's|\./build/packages/ticketchat_OLD|/root/old|'
	[ "$(installed_version)" = 0.1.0 ]
	within 20 settle
	ask 42 | grep -q '"code":"unauthorized"'
	ask 42 https://desk.example "$TOKEN" | grep -q '"type":"cached"'
	# For what comes after this.
	inside rm -r /etc/systemd/system/ticketchat.service.d
	inside apt-get install -y -o Dpkg::Options::=--force-confold /root/new.deb
	inside systemctl daemon-reload
	inside systemctl restart ticketchat
}

@test "nginx in place of Caddy, with its sample as it is" {
	inside systemctl stop caddy
	inside apt-get install -y --no-install-recommends nginx-light
	inside cp /usr/share/doc/ticketchat/nginx.conf \
	    /etc/nginx/conf.d/ticketchat.conf
	inside openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
	    -nodes -subj /CN=desk.example -addext subjectAltName=DNS:desk.example \
	    -days 2 -keyout /etc/ssl/desk.example.key -out /etc/ssl/desk.example.pem
	inside systemctl restart nginx
	cp "$(root)/etc/ssl/desk.example.pem" "$BATS_FILE_TMPDIR/root.crt"
	page | cmp - web/index.html
	page ai/ticket-chat.js | cmp - web/ticket-chat.js
	ask 46 >"$BATS_TEST_TMPDIR/frames"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/frames")" = '{"type":"done"}' ]
	inside journalctl -t chat --no-pager | grep 'ticket=46 ' |
	    grep -q 'remote=10\.0\.2\.2 '
	inside grep -qF '"GET /api/websocket/chat/46" 101' \
	    /var/log/nginx/ticketchat.log
	for v in 1 1_1; do
		not openssl s_client -connect "127.0.0.1:$HTTPS" -tls$v \
		    -cipher 'ALL:@SECLEVEL=0' </dev/null
	done
	openssl s_client -connect "127.0.0.1:$HTTPS" -tls1_2 </dev/null
}

@test "removed and purged, nothing is left but the copies" {
	inside rm -rf /etc/systemd/system/ticketchat-away.service \
	    /etc/systemd/system/ticketchat-upkeep.service.d
	inside systemctl daemon-reload
	inside systemctl start ticketchat-upkeep.service
	# What an administrator put there stays.
	inside rm -f /etc/ticketchat/key /etc/ticketchat/desk.secret
	inside dpkg --purge ticketchat >"$BATS_TEST_TMPDIR/said" 2>&1
	grep -q 'left in /var/lib/ticketchat/backup' "$BATS_TEST_TMPDIR/said"
	[ "$(inside ls -A /var/lib/ticketchat)" = backup ]
	inside rm -r /var/lib/ticketchat
	inside find / -xdev -name '*ticketchat*' -not -path '/root/*' \
	    -not -path '/proc/*' -not -path '/etc/nginx/*' \
	    -not -path '/var/log/*' -not -name 'stamp-*' \
	    | tee "$BATS_TEST_TMPDIR/left"
	[ ! -s "$BATS_TEST_TMPDIR/left" ]
	[ "$(inside ps -u ticketchat -o args=)" = '' ]
}
