# A new version on node after node, while thirty people read: each node is told to
# end as systemd tells it, and started again, behind the proxy.  Takes minutes:
# tests/run.sh long.
STORE=postgres
load ../cases/helper
load proxies

setup_file() { store_begin; }
teardown_file() { store_end; }

# Thirty viewers, each of a ticket of its own; one whose connection is cut asks
# again, as the page does.  Each prints one line: its ticket, its text, the codes
# of the errors that it saw.
viewers() {
	/usr/bin/python3 - "$FRONT" >"$T/viewers" 2>"$T/viewers.err" 3>&- <<'END' &
import asyncio, json, sys
from websockets.legacy.client import connect
async def view(ticket):
    errors, cuts = [], 0
    while True:
        text = ""
        try:
            async with connect("wss://desk.example:%s/api/websocket/chat/%d" % (sys.argv[1], ticket),
                    host="127.0.0.1", server_hostname="desk.example",
                    origin="https://desk.example", open_timeout=20) as ws:
                await ws.send(json.dumps({"ticketBody": "printer no. %d" % ticket}))
                async for line in ws:
                    frame = json.loads(line)
                    if frame["type"] == "stream":
                        text += frame["content"]
                    elif frame["type"] == "cached":
                        text = frame["response"]
                    elif frame["type"] == "error":
                        errors.append(frame["code"])
                        break
                    elif frame["type"] == "done":
                        print(json.dumps({"ticket": ticket, "text": text, "errors": errors, "cuts": cuts}), flush=True)
                        return
        except Exception:
            pass
        cuts += 1
        await asyncio.sleep(0.5)
async def main():
    await asyncio.gather(*(view(t) for t in range(1, 31)))
asyncio.run(asyncio.wait_for(main(), 600))
END
	VIEWERS_PID=$!
	track $VIEWERS_PID
}
# As `systemctl restart' does with the unit.
restart_node() {
	kill -TERM "${SERVICES[$1]}"
	within 100 dead "${SERVICES[$1]}"
	start_node "$1"
}

# bats test_tags=fault
@test "restarted node after node under thirty viewers: all whole, none written three times" {
	[ -n "$TESTS_LONG" ] || skip "minutes: tests/run.sh long"
	local t
	PATIENCE=60
	export TICKETCHAT_STOP_WAIT=85 TICKETCHAT_GENERATIONS=4
	long 120
	replay --pace 60 "$T/long.ndjson"
	behind haproxy
	sleep 5		# it has seen all of them
	viewers
	within 30 posted 4
	for t in 1 2 3; do
		restart_node $t
		sleep 6	# it has seen it back
	done
	wait $VIEWERS_PID || { cat "$T/viewers.err"; false; }
	is "$(wc -l <"$T/viewers")" 30
	is "$(jq -r --rawfile whole "$T/kept/long" 'select(.text != $whole) | .ticket' "$T/viewers")" ''
	is "$(jq -r '.errors[]' "$T/viewers" | grep -vx shutting_down || true)" ''
	is "$(psql -c "SELECT count(*) FROM TicketAISessions WHERE AiResponse IS NOT NULL")" 30
	for t in {1..30}; do
		[ "$(grep -lE "printer no\. $t[^0-9]" "$T"/bodies/* | wc -l)" -le 2 ]
	done
	jq -c '[.ticket, .cuts, .errors]' "$T/viewers" >&3 || true
}
