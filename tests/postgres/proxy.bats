# Three nodes behind nginx, haproxy and Caddy, with their samples as they are:
# only ports, paths, users and certificates are changed, and, where a test says
# so, times.  A ticket's viewers meet on one node; when a node dies, hangs or is
# full, only its tickets move.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

# The proxies are unpacked, not installed.
PATH=$PATH:$B/tests/debian/usr/sbin:$B/tests/debian/usr/bin
prepare() {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	export TICKETCHAT_TRUSTED_PROXIES=127.0.0.1
	export TICKETCHAT_ALLOWED_ORIGINS=https://desk.example
}

# At the port that it had, if it had one.
start_node() {
	P=${NODE[$1]:-$(free_port)}
	on "$1" launch
	NODE[$1]=$P SERVICES[$1]=$SERVICE
}
launch() {
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 "$ROOT/run.sh" >"$T/said" 2>&1 3>&- &
	SERVICE=$!
	track $SERVICE
	within 60 listening "$P"
}
stop_node() { end "${SERVICES[$1]}"; within 10 not listening "${NODE[$1]}"; }
websocketd_of() { pgrep -P "${SERVICES[$1]}" -x websocketd; }
# As when its machine loses power.
kill_node() {
	kill -KILL "${SERVICES[$1]}" $(on "$1" answers) $(on "$1" chats)
	within 10 not listening "${NODE[$1]}"
	rm -f "$T/run$([ "$1" = 1 ] || echo ".$1")"/*.sock
}

# Three nodes behind $1; FRONT is its port.  CHANGE is one more edit.
behind() {
	local i sample edits=()
	command -v "$1" >/dev/null || { echo "no $1; tests/run.sh gets it" >&2; false; }
	case $1 in
	nginx) sample=$ROOT/deploy/nginx-nodes.conf ;;
	haproxy) sample=$ROOT/deploy/haproxy.cfg ;;
	caddy) sample=$ROOT/deploy/Caddyfile-nodes ;;
	esac
	NODE=() SERVICES=()
	for i in 1 2 3; do
		start_node $i
		edits+=(-e "s/10\.0\.0\.1$i:5000/127.0.0.1:$P/")
	done
	FRONT=$(free_port)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=desk.example -addext subjectAltName=DNS:desk.example \
	    -days 2 -keyout "$T/desk.example.key" -out "$T/desk.example.pem" \
	    2>"$T/openssl"
	export SSL_CERT_FILE=$T/desk.example.pem
	sed "${edits[@]}" -e "s|/etc/[a-z]*/desk|$T/desk|g; s|/var/log/[a-z]*|$T|" \
	    -e '/listen \(80\|\[\)/d' -e "s/listen 443/listen 127.0.0.1:$FRONT/" \
	    -e "s/bind :443/bind 127.0.0.1:$FRONT/" -e 's/# tls /tls /' \
	    -e "$CHANGE" "$sample" >"$T/sample"
	"run_$1"
	PROXY=$!
	track $PROXY
	within 10 listening "$FRONT" || { cat "$T/proxy.out"; false; }
	# Until it has found all of them well.
	[ "$TICKETCHAT_WEB" = off ] || within 30 answers_page
}
answers_page() {
	curl -sf -o "$T/page" --resolve "desk.example:$FRONT:127.0.0.1" \
	    --cacert "$SSL_CERT_FILE" "https://desk.example:$FRONT/${1:-}"
}
run_nginx() {
	cat >"$T/nginx.conf" <<-CONF
	daemon off;
	worker_processes 2;
	pid $T/nginx.pid;
	$([ "$(id -u)" != 0 ] || echo 'user root;')
	events {}
	http {
		client_body_temp_path $T/b;
		proxy_temp_path $T/p;
		fastcgi_temp_path $T/f;
		uwsgi_temp_path $T/u;
		scgi_temp_path $T/s;
		include $T/sample;
	}
	CONF
	nginx -p "$T" -c "$T/nginx.conf" >"$T/proxy.out" 2>&1 3>&- &
}
run_haproxy() {
	local as='-e s/user.haproxy/user nobody/;s/group.haproxy/group nogroup/'
	mkdir "$T/chroot"
	cat "$T/desk.example.key" >>"$T/desk.example.pem"
	[ "$(id -u)" = 0 ] || as='-e /^\s(user|group|chroot)/d'
	sed -i -E "$as" -e "s|/var/lib/haproxy|$T/chroot|" "$T/sample"
	haproxy -W -db -f "$T/sample" >"$T/proxy.out" 2>&1 3>&- &
}
run_caddy() {
	ADMIN=$(free_port)
	sed -i "0,/^{/s|^{|&\nadmin 127.0.0.1:$ADMIN\nhttp_port $(free_port)\nhttps_port $FRONT\ndefault_bind 127.0.0.1\nstorage file_system $T/caddy|" \
	    "$T/sample"
	HOME=$T XDG_CONFIG_HOME=$T XDG_DATA_HOME=$T caddy run --config "$T/sample" \
	    --adapter caddyfile >"$T/proxy.out" 2>&1 3>&- &
}
reload() {
	case $1 in
	nginx) kill -HUP $PROXY ;;
	haproxy) kill -USR2 $PROXY ;;
	caddy) HOME=$T caddy reload --force --config "$T/sample" --adapter caddyfile \
	    --address "127.0.0.1:$ADMIN" >"$T/reload.out" 2>&1 ;;
	esac
}

# Ticket $1; $2: what stands before the path, as /ai.
through() {
	client "wss://desk.example:$FRONT$2/api/websocket/chat/$1" "$Q" \
	    'host="127.0.0.1", server_hostname="desk.example", origin="https://desk.example"'
}
# Whether one answer comes, whole and good.
good() { through "$@" >"$T/good.$1" 2>"$T/good.err" && grep -q '"done"' "$T/good.$1"; }

# The node whose log has ticket $1 last; a `cached' counts too.
node_of() {
	local i
	for i in 1 2 3; do
		! log_of $i | grep -q "ticket=$1 " || echo $i
	done | paste -sd ' '
}
log_of() { cat "$T/log$([ "$1" = 1 ] || echo ".$1")"; }
forget_logs() { for l in "$T"/log "$T"/log.[23]; do : >"$l"; done; }
# Asks for tickets 1 to 12; prints where each one was.
where() {
	local t
	forget_logs
	for t in {1..12}; do through $t >"$T/through.$t" || return; done
	for t in {1..12}; do echo "$t $(node_of $t)"; done | sort
}
# Once the proxy has seen that a node is away, or back.
settled() { where >"$T/where" 2>"$T/where.err" && "$@" "$T/where"; }
all_away_from() { not grep -q " $1\$" "$2"; }
# The first ticket of node $1.
ticket_of() { sed -n "s/^\([0-9]*\) $1\$/\1/p" "$T/before" | head -n 1; }

# Where tickets live while all is well, and that each node has some.
all_is_well() {
	replay "$UP/good.ndjson"
	behind "$1"
	# Health checks have to find all of them first.
	all_nodes() { [ "$(cut -d' ' -f2 "$1" | sort -u | paste -sd ' ')" = '1 2 3' ]; }
	within 30 settled all_nodes
	mv "$T/where" "$T/before"
}

meet_and_move() {
	local i pids=()
	all_is_well "$1"
	replay_end
	long 40
	replay_part --port "$PORT" "$T/long.ndjson"
	for i in {1..20}; do
		# At the root and below a prefix: the same node.
		through 42 "$([ $((i % 2)) = 0 ] || echo /ai)" >"$T/seen.$i" 3>&- &
		pids+=($!)
	done
	for i in {1..20}; do within 60 grep -q w8 "$T/seen.$i"; done
	[[ $(node_of 42) = '' ]]
	is "$(each_node answers | wc -l)" 1
	replay_rest
	for i in "${pids[@]}"; do wait "$i"; done
	for i in {1..20}; do is "$(text "$(<"$T/seen.$i")")." "$LONG."; done
	[[ $(node_of 42) = [123] ]]
	answers_page ai/ticket-chat.js
	cmp "$T/page" "$ROOT/web/ticket-chat.js"
	# A node that dies: its tickets go to others, the rest stays.
	kill_node 2
	within 60 settled all_away_from 2
	is "$(wc -l <"$T/where")" 12
	is "$(grep -v ' 2$' "$T/before" | comm -23 - "$T/where")" ''
	start_node 2
	within 90 settled cmp -s "$T/before"
}

@test "nginx: viewers meet on one node; when it dies only its tickets move" { meet_and_move nginx; }
@test "haproxy: viewers meet on one node; when it dies only its tickets move" { meet_and_move haproxy; }
@test "Caddy: viewers meet on one node; when it dies only its tickets move" { meet_and_move caddy; }

# Takes every place of node 1, until $FULL ends.
fill() {
	/usr/bin/python3 - "ws://127.0.0.1:${NODE[1]}/api/websocket/chat/99" >"$T/full" 3>&- <<'END' &
import asyncio, sys
from websockets.legacy.client import connect
async def main():
    taken = []
    while len(taken) < 40:
        try:
            taken.append(await connect(sys.argv[1]))
        except Exception:
            print("full", flush=True)
            await asyncio.sleep(0.05)
        for ws in taken:
            await ws.send('{"type":"ping"}')
        await asyncio.sleep(0)
asyncio.run(main())
END
	FULL=$!
	track $FULL
	within 20 grep -q full "$T/full"
}
# Ticket $1 through proxy $2; haproxy needs a moment to see that a node is full.
is_answered() {
	if [ "$2" = haproxy ]; then within 20 good "$1"; else good "$1"; fi
}

bad_nodes() {
	local t w
	export TICKETCHAT_MAX_CONNECTIONS=10
	CHANGE='s/proxy_read_timeout 60s/proxy_read_timeout 3s/' all_is_well "$1"
	# Full: others have room.
	t=$(ticket_of 1)
	fill
	is_answered "$t" "$1"
	answers_page
	end $FULL
	within 60 settled cmp -s "$T/before"
	# Hung: its kernel still accepts.
	t=$(ticket_of 3)
	w=$(websocketd_of 3)
	kill -STOP "$w"
	good "$t"
	kill -CONT "$w"
	within 60 settled cmp -s "$T/before"
	# Without its database: an error of its own tickets, which may be tried again.
	cut_off 2 reset
	through "$(ticket_of 2)" >"$T/away" || true
	is "$(jq -r 'select(.type == "error") | .code' "$T/away")" storage
	for t in 1 3; do good "$(ticket_of $t)"; done
	reconnect 2
	within 30 good "$(ticket_of 2)"
}

# bats test_tags=fault
@test "nginx: a node that is full, hangs, or has lost its database" { bad_nodes nginx; }
# bats test_tags=fault
@test "haproxy: a node that is full, hangs, or has lost its database" { bad_nodes haproxy; }
# bats test_tags=fault
@test "Caddy: a node that is full, hangs, or has lost its database" { bad_nodes caddy; }

without_a_page() {
	replay "$UP/good.ndjson"
	export TICKETCHAT_WEB=off
	CHANGE='s|health_uri /|&\nhealth_status 404|' behind "$1"
	within 30 good 1
	sleep 5		# checks that would fail have failed
	good 1
	good 2
}
@test "haproxy: without a page (WEB=off)" { without_a_page haproxy; }
@test "Caddy: without a page (WEB=off)" { without_a_page caddy; }

# Stays connected $1 s, pings each $2 s ($2 = 0: never), then asks for ticket 70;
# prints how it went.
patient() {
	/usr/bin/python3 - "wss://desk.example:$FRONT/api/websocket/chat/70" "$@" <<'END'
import asyncio, json, sys, time
from websockets.legacy.client import connect
async def main():
    stay, pause = float(sys.argv[2]), float(sys.argv[3])
    async with connect(sys.argv[1], host="127.0.0.1", server_hostname="desk.example",
            origin="https://desk.example", ping_interval=None) as ws:
        end = time.monotonic() + stay
        while time.monotonic() < end:
            if pause:
                await ws.send('{"type":"ping"}')
                assert json.loads(await ws.recv())["type"] == "pong"
            await asyncio.sleep(min(pause or stay, max(0, end - time.monotonic())))
        await ws.send('{"ticketBody":"printer jam"}')
        async for line in ws:
            if json.loads(line)["type"] in ("done", "error"):
                print(json.loads(line)["type"])
                return
try:
    asyncio.run(main())
except Exception as e:
    print("cut")
END
}

# With the silence that the sample allows made 4 s; at length (tests/run.sh long)
# as it is, with the ping of the page.
silence() {
	replay "$UP/good.ndjson"
	CHANGE='s/\(proxy_read_timeout\|timeout tunnel\) [0-9]*s/\1 4s/' behind "$1"
	is "$(patient 9 1)" done
	# Caddy has no limit.
	is "$(patient 9 0)" "$([ "$1" = caddy ] && echo done || echo cut)"
}
@test "nginx: silence ends a connection, pings keep it" { silence nginx; }
@test "haproxy: silence ends a connection, pings keep it" { silence haproxy; }
@test "Caddy: silence ends no connection" { silence caddy; }

silence_at_length() {
	[ -n "$TESTS_LONG" ] || skip "two minutes: tests/run.sh long"
	replay "$UP/good.ndjson"
	behind "$1"
	is "$(patient 135 25)" done
}
@test "nginx: 135 s with the pings of the page" { silence_at_length nginx; }
@test "haproxy: 135 s with the pings of the page" { silence_at_length haproxy; }
@test "Caddy: 135 s with the pings of the page" { silence_at_length caddy; }

# Ten who read while the proxy begins anew.
reload_under_load() {
	local t pids=()
	long 40
	replay_part "$T/long.ndjson"
	TICKETCHAT_GENERATIONS=10 behind "$1"
	for t in {1..10}; do
		through $t >"$T/seen.$t" 2>"$T/seen.$t.err" 3>&- &
		pids+=($!)
	done
	for t in {1..10}; do within 60 grep -q w8 "$T/seen.$t"; done
	reload "$1"
	if [ "$1" = caddy ]; then
		# It cuts every one of them, and is there again for all.
		for t in "${pids[@]}"; do wait "$t" 2>/dev/null || true; done
		is "$(grep -l '"done"' "$T"/seen.? "$T/seen.10")" ''
		pids=()
		for t in {1..10}; do
			through $t >"$T/seen.$t" 2>"$T/seen.$t.err" 3>&- &
			pids+=($!)
		done
		for t in {1..10}; do within 60 grep -q w8 "$T/seen.$t"; done
	fi
	# Who comes meanwhile is let in.
	within 20 answers_page
	replay_rest
	for t in "${pids[@]}"; do wait "$t"; done
	for t in {1..10}; do is "$(text "$(<"$T/seen.$t")")." "$LONG."; done
	is "$(posts)" 10
	good 11
}
@test "nginx: a reload cuts nobody" { reload_under_load nginx; }
@test "haproxy: a reload cuts nobody" { reload_under_load haproxy; }
@test "Caddy: a reload cuts everybody, who then find what is being written" { reload_under_load caddy; }
