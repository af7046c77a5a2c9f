# Three nodes behind nginx and behind haproxy, with their samples as they are: a
# ticket's viewers meet on one node, and when one dies only its tickets move.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

# The proxies are unpacked, not installed.
PATH=$PATH:$B/tests/debian/usr/sbin
prepare() {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	export TICKETCHAT_TRUSTED_PROXIES=127.0.0.1
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

# Three nodes behind nginx or haproxy; FRONT is its port.
behind() {
	local i sample=$ROOT/deploy/nginx-nodes.conf edits=()
	[ "$1" = nginx ] || sample=$ROOT/deploy/haproxy.cfg
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
	sed "${edits[@]}" -e "s|/etc/[a-z]*/desk|$T/desk|; s|/var/log/[a-z]*|$T|" \
	    -e '/listen \(80\|\[\)/d' -e "s/listen 443/listen 127.0.0.1:$FRONT/" \
	    -e "s/bind :443/bind 127.0.0.1:$FRONT/" "$sample" >"$T/sample"
	"run_$1"
	track $!
	within 10 listening "$FRONT" || { cat "$T/proxy.out"; false; }
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
	cat "$T/desk.example.key" >>"$T/desk.example.pem"
	haproxy -db -f "$T/sample" >"$T/proxy.out" 2>&1 3>&- &
}

through() {
	client "wss://desk.example:$FRONT/api/websocket/chat/$1" "$Q" \
	    'host="127.0.0.1", server_hostname="desk.example"'
}
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
settled() { where >"$T/where" && "$@" "$T/where"; }
all_away_from() { not grep -q " $1\$" "$2"; }

meet_and_move() {
	local i pids=()
	long 40
	replay_part "$T/long.ndjson"
	behind "$1"
	for i in {1..20}; do
		through 42 >"$T/seen.$i" 3>&- &
		pids+=($!)
	done
	for i in {1..20}; do within 60 grep -q w8 "$T/seen.$i"; done
	is "$(psql -c 'SELECT count(*) FROM TicketAIFrames')" 0
	replay_rest
	for i in "${pids[@]}"; do wait "$i"; done
	for i in {1..20}; do is "$(text "$(<"$T/seen.$i")")." "$LONG."; done
	is "$(posts)" 1
	[[ $(node_of 42) = [123] ]]
	# A node that dies: its tickets go to others, the rest stays.
	where >"$T/before"
	is "$(cut -d' ' -f2 "$T/before" | sort -u | paste -sd ' ')" '1 2 3'
	stop_node 2
	within 60 settled all_away_from 2
	is "$(wc -l <"$T/where")" 12
	is "$(grep -v ' 2$' "$T/before" | comm -23 - "$T/where")" ''
	start_node 2
	within 90 settled cmp -s "$T/before"
	is "$(posts)" 13
}

@test "nginx" { meet_and_move nginx; }
@test "haproxy" { meet_and_move haproxy; }
