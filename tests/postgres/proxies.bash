# Three nodes behind a proxy, with its sample in deploy/ as it is: only ports, paths,
# users and certificates are changed.  For files of tests that load it beside the
# helper.

# The proxies are unpacked, not installed.
PATH=$PATH:$B/tests/debian/usr/sbin:$B/tests/debian/usr/bin
prepare() {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	export TICKETCHAT_TRUSTED_PROXIES=127.0.0.1
	export TICKETCHAT_ALLOWED_ORIGINS=https://desk.example
}

# Node I is 127.0.0.I; the ports are the same, as in the samples.
start_node() {
	P=$NODE_PORT D=$DOOR_PORT
	on "$1" launch "$1"
	SERVICES[$1]=$SERVICE
}
launch() {
	TICKETCHAT_PORT=$P TICKETCHAT_HTTP_PORT=$D TICKETCHAT_ADDRESS=127.0.0.$1 \
	    "$ROOT/run.sh" >"$T/said" 2>&1 3>&- &
	SERVICE=$!
	track $SERVICE
	within 60 node_listens "$1"
}
node_listens() { (: <"/dev/tcp/127.0.0.$1/$NODE_PORT") 2>/dev/null; }
stop_node() { end "${SERVICES[$1]}"; within 10 not node_listens "$1"; }
websocketd_of() { pgrep -P "${SERVICES[$1]}" -x websocketd; }
# As when its machine loses power.
kill_node() {
	kill -KILL "${SERVICES[$1]}" $(on "$1" answers) $(on "$1" chats)
	within 10 not node_listens "$1"
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
	SERVICES=() NODE_PORT=$(free_port) DOOR_PORT=$(free_port)
	for i in 1 2 3; do
		start_node $i
		edits+=(-e "s/10\.0\.0\.1$i/127.0.0.$i/")
	done
	edits+=(-e "s/\([: ]\)5000/\1$NODE_PORT/; s/\([: ]\)5001/\1$DOOR_PORT/")
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
run_nginx() { nginx_with 'worker_processes 2;'; }
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
# Asks for each of TICKETS, by one process; prints where each one was.
where() {
	local i
	forget_logs
	/usr/bin/python3 - "wss://desk.example:$FRONT/api/websocket/chat" "$Q" $TICKETS <<'END' || return
import asyncio, json, sys
from websockets.legacy.client import connect
async def ask(ticket):
    async with connect("%s/%d" % (sys.argv[1], ticket), host="127.0.0.1",
            server_hostname="desk.example", origin="https://desk.example") as ws:
        await ws.send(sys.argv[2])
        async for line in ws:
            if json.loads(line)["type"] in ("done", "error"):
                return
async def main():
    for ticket in sys.argv[3:]:
        await asyncio.wait_for(ask(int(ticket)), 60)
asyncio.run(main())
END
	for i in 1 2 3; do
		log_of $i | sed -n "s/.*ticket=\([0-9]*\) .*/\1 $i/p" | sort -u
	done | awk -v tickets="$TICKETS" '{ at[$1] = at[$1] " " $2 } END {
		n = split(tickets, t)
		for (i = 1; i <= n; i++)
			print t[i] (at[t[i]] == "" ? " " : at[t[i]])
	}' | sort
}
# Once the proxy has seen that a node is away, or back.
settled() { { where >"$T/where" 2>"$T/where.err" && "$@" "$T/where"; } || { sleep 1; false; }; }
all_away_from() { not grep -q " $1\$" "$2"; }
# The first ticket of node $1.
ticket_of() { sed -n "s/^\([0-9]*\) $1\$/\1/p" "$T/before" | head -n 1; }

# Where tickets live while all is well, up to four of each node.  The proxies hash the
# nodes' addresses and ports, which differ each time: of twelve tickets one node in
# fifty had none.
all_is_well() {
	replay "$UP/good.ndjson"
	behind "$1"
	TICKETS=$(echo {1..36})
	# Health checks have to find all of them first.
	all_nodes() {
		awk '{ n[$2]++ } END { exit !(n[1] > 1 && n[2] > 1 && n[3] > 1) }' "$1"
	}
	within 60 settled all_nodes || { cat "$T/where" "$T/where.err" >&2; false; }
	ASKED=$(wc -w <<<"$TICKETS")
	awk '++n[$2] <= 4' "$T/where" >"$T/before"
	TICKETS=$(cut -d ' ' -f 1 "$T/before" | paste -sd ' ')
}
