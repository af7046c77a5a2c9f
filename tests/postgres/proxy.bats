# Three nodes behind nginx, haproxy and Caddy, with their samples as they are:
# only ports, paths, users and certificates are changed, and, where a test says
# so, times.  A ticket's viewers meet on one node; when a node dies, hangs or is
# full, only its tickets move.
STORE=postgres
load ../cases/helper
load proxies

setup_file() { store_begin; }
teardown_file() { store_end; }

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
	is "$(wc -l <"$T/where")" "$(wc -l <"$T/before")"
	is "$(grep -v ' 2$' "$T/before" | comm -23 - "$T/where")" ''
	start_node 2
	within 90 settled cmp -s "$T/before"
}

@test "nginx: viewers meet on one node; when it dies only its tickets move" { meet_and_move nginx; }
@test "haproxy: viewers meet on one node; when it dies only its tickets move" { meet_and_move haproxy; }
@test "Caddy: viewers meet on one node; when it dies only its tickets move" { meet_and_move caddy; }

# Takes every place of node 1, until $FULL ends.
fill() {
	/usr/bin/python3 - "ws://127.0.0.1:$NODE_PORT/api/websocket/chat/99" >"$T/full" 3>&- <<'END' &
import asyncio, sys
from websockets.legacy.client import connect
async def main():
    taken = []
    while True:
        try:
            taken.append(await connect(sys.argv[1]))
        except Exception:
            print("full", flush=True)
            await asyncio.sleep(0.2)
        # A client that asks for nothing good would be let go after a while.
        for ws in taken:
            await ws.send('{"type":"ping"}')
            await ws.recv()
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
	# Long enough for a busy machine, since each time that it is exceeded takes a node
	# away for 10 s; and less than the client's 10 s for a handshake.
	CHANGE='s/proxy_read_timeout 60s/proxy_read_timeout 7s/' all_is_well "$1"
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
	# Without its database: where /healthz is asked, its tickets go to others; else an
	# error of its own tickets, which may be tried again.
	cut_off 2 reset
	if [ "$1" = nginx ]; then
		through "$(ticket_of 2)" >"$T/away" || true
		is "$(jq -r 'select(.type == "error") | .code' "$T/away")" storage
		for t in 1 3; do within 60 good "$(ticket_of $t)"; done
	else
		within 60 settled all_away_from 2
		is "$(wc -l <"$T/where")" "$(wc -l <"$T/before")"
	fi
	reconnect 2
	within 30 good "$(ticket_of 2)"
	within 90 settled cmp -s "$T/before"
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
	behind "$1"
	within 30 good 1
	sleep 5		# checks that would fail have failed
	good 1
	good 2
}
@test "haproxy: without a page (WEB=off)" { without_a_page haproxy; }
@test "Caddy: without a page (WEB=off)" { without_a_page caddy; }

# The door, at the root and below a prefix: one generation for all who ask about a
# ticket by it and by a WebSocket, on the same node.
door_of_nodes() {
	local base
	all_is_well "$1"
	base=https://desk.example:$FRONT
	ask_door() {
		curl -sS -m 60 --resolve "desk.example:$FRONT:127.0.0.1" --cacert "$SSL_CERT_FILE" -o "$T/body" \
		    -w '%{http_code}' "$@"
	}
	is "$(ask_door "$base/healthz") $(<"$T/body")" '200 ok'
	is "$(ask_door "$base/ai/healthz")" 200
	is "$(ask_door "$base/metrics") $(ask_door "$base/ai/metrics")" '403 403'
	is "$(ask_door "$base/api/answer?ticket=77")" 404
	forget_logs
	for base in "$base" "$base/ai"; do
		is "$(ask_door -H 'Content-Type: application/json' -d "$Q" "$base/api/ask?ticket=70")" 200
		is "$(ask_door "$base/api/answer?ticket=70")" 200
	done
	[[ $(node_of 70) = [123] ]]
	# A node without its door gets no requests.
	t=$(node_of 70)
	kill_node "$t"
	forget_logs
	base=${base%/ai}
	answered() { [ "$(ask_door "$base/api/answer?ticket=70")" = 200 ]; }
	within 60 answered
	is "$(posts)" $((ASKED + 1))
}
@test "nginx: the door of the nodes" { door_of_nodes nginx; }
@test "haproxy: the door of the nodes" { door_of_nodes haproxy; }
@test "Caddy: the door of the nodes" { door_of_nodes caddy; }

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
