# The page: what the service serves and how, and the service behind nginx and
# Caddy with the samples in deploy/.

load helper

# The proxies may be unpacked only; see tests/run.sh.
PATH=$PATH:/usr/sbin:$B/tests/debian/usr/sbin:$B/tests/debian/usr/bin

prepare() {
	# run.sh uses the build of its own checkout.
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
}

# The status of a request as it is written here, no path made clean.
status_of() {
	curl -s -o "$T/body" -w '%{http_code}' --path-as-is "$@"
}

# A header of the last `head' by its name.
header() { sed -n "s/^$1: //Ip" "$T/head"; }
head_of() { curl -sI "$@" | tr -d '\r' >"$T/head"; }

# What each answer says but for its type, length and times.
HEADERS="Access-Control-Allow-Origin: *
Cache-Control: no-cache
Content-Security-Policy: default-src 'none'; script-src 'self'; \
style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
form-action 'none'; frame-ancestors 'none'; \
require-trusted-types-for 'script'; trusted-types 'none'
Cross-Origin-Resource-Policy: cross-origin
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff"
headers_are_there() {
	grep -xiFf <(echo "$HEADERS") "$T/head" | sort >"$T/there"
	diff -i <(echo "$HEADERS") "$T/there"
}

# The type that a file must have.
type_of() {
	case $1 in
	*.html) echo 'text/html; charset=utf-8' ;;
	*.css) echo 'text/css; charset=utf-8' ;;
	*.js) echo 'text/javascript; charset=utf-8' ;;
	# As the machine's /etc/mime.types has it; compilers do not look.
	*) header Content-Type ;;
	esac
}

# Every file below a URL, with its headers; $2 and so on are for curl.
whole_page() {
	local f url base=$1 n=0
	shift
	for f in "$ROOT"/web/*.html "$ROOT"/web/*.css "$ROOT"/web/*.js \
	    "$ROOT"/web/*.ts "$ROOT"/web/*.tsx; do
		url=$base/${f##*/}
		url=${url%index.html}
		curl -s "$@" "$url" | cmp - "$f"
		head_of "$@" "$url"
		is "$(sed 1q "$T/head" | cut -d ' ' -f 2)" 200
		is "$(header Content-Type)" "$(type_of "$f")"
		is "$(header Content-Length)" "$(wc -c <"$f")"
		headers_are_there
		n=$((n + 1))
	done
	[ $n -ge 3 ]
}

@test "the page and each module: its type, its headers" {
	service
	grep -qx "  page      http://localhost:$P/" "$T/said"
	whole_page "http://127.0.0.1:$P"
	# What is not there is not sniffed or run either.
	head_of "http://127.0.0.1:$P/none"
	is "$(sed 1q "$T/head")" 'HTTP/1.1 404 Not Found'
	headers_are_there
}

@test "the types are ours on a system that knows none" {
	needs_root
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	P=$(free_port)
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 unshare -m sh -c '
		mount --bind /dev/null /etc/mime.types
		for d in /usr/share/mime /usr/local/share/mime; do
			[ ! -d $d ] || mount -t tmpfs none $d
		done
		exec "$0"' "$ROOT/run.sh" >"$T/said" 2>&1 3>&- &
	track $!
	within 60 listening "$P"
	whole_page "http://127.0.0.1:$P"
}

@test "make puts there what is meant for the world, and nothing else" {
	page() { make -s -C "$ROOT" "B=$T/b" "$@" "$T/b/web"; }
	is "$(cd "$ROOT/build/web" && find . -type f | sort)" \
	    "$(cd "$ROOT/web" && find . -name '*.html' -o -name '*.css' \
	    -o -name '*.js' -o -name '*.ts' -o -name '*.tsx' | sort)"
	page
	is "$(find "$T/b/web" -not -perm 644 -type f -o -not -perm 755 -type d)" ''
	diff -r "$ROOT/build/web" "$T/b/web"
	# Not what somebody left there, nor what web/ has no more.
	touch "$T/b/web/notes.txt"
	page
	diff -r "$ROOT/build/web" "$T/b/web"
	touch "$T/before"
	page PAGE=web/index.html
	is "$(ls "$T/b/web")" index.html
	# A file's time is that of its copy: it never goes back.
	[ "$T/b/web/index.html" -nt "$T/before" ]
	# Nothing changed: not touched.
	stat -c %y "$T/b/web/index.html" >"$T/time"
	page PAGE=web/index.html
	stat -c %y "$T/b/web/index.html" | diff - "$T/time"
}

@test "nothing else can be reached" {
	service
	local path options
	# The checkout is two directories up; chat is there for WebSockets only.
	[ -e "$ROOT/build/web/../../websocketd.conf" ]
	for path in /../../websocketd.conf /..%2f..%2fwebsocketd.conf \
	    /%2e%2e/%2e%2e/websocketd.conf /..%5c..%5cwebsocketd.conf \
	    //../../websocketd.conf /x/../../../websocketd.conf \
	    "/$ROOT/websocketd.conf" /%00 /index.html%00.js /.git/config \
	    /../bin/chat /handlers/api/websocket/chat /api/websocket/chat \
	    /api/websocket/chat/42 /api/ /web/ /web/index.html \
	    /package.json /ticket-chat-client.ts /page.js/ /INDEX.HTML; do
		for options in '-X GET' -I '-X POST' '-X CONNECT'; do
			case $(status_of $options --request-target "$path" \
			    "http://127.0.0.1:$P/") in
			30? | 400 | 404 | 500) ;;
			405) [[ $options = *CONNECT ]] ;;
			*) echo "$options $path:" >&2; cat "$T/body"; false ;;
			esac
		done
	done
	# No list of what there is.
	not grep -q '<pre>' <(curl -s "http://127.0.0.1:$P/")
}

@test "POST, PUT and DELETE change nothing" {
	service
	local method before
	before=$(ls -l --time-style=full-iso "$ROOT/build/web")
	for method in POST PUT DELETE PATCH; do
		status_of -X $method -d 'x=1' "http://127.0.0.1:$P/ticket-chat.js"
		cmp "$T/body" "$ROOT/web/ticket-chat.js"
		status_of -X $method -d 'x=1' "http://127.0.0.1:$P/new.js"
		not grep -q x=1 "$T/body"
	done
	is "$(ls -l --time-style=full-iso "$ROOT/build/web")" "$before"
	is "$(processes chat)" ''
}

@test "a browser asks each time, and gets what is new" {
	service
	url=http://127.0.0.1:$P/ticket-chat.js
	head_of "$url"
	since="If-Modified-Since: $(header Last-Modified)"
	is "$(status_of -H "$since" "$url")" 304
	head_of -H "$since" "$url"
	headers_are_there
	is "$(status_of -H 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT' \
	    "$url")" 200
}

# The installed program's, with the mark that it gives each file.
installed() {
	P=$(free_port)
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 "$T/usr/bin/ticketchat" >"$T/said" 2>&1 3>&- &
	SERVICE=$!
	track $SERVICE
	within 60 listening "$P"
	url=http://127.0.0.1:$P/ticket-chat.js
}

@test "make install: the page too; a new one is seen though it is older" {
	local make="make -s -j2 -C $ROOT PREFIX=$T/usr SYSCONFDIR=$T/etc
	    CFLAGS=-O0 HARDEN=-fPIE"	# built in half of the time
	$make install
	is "$(stat -c %a "$T"/usr/share/ticketchat/web/* | sort -u)" 644
	diff -r "$ROOT/build/web" "$T/usr/share/ticketchat/web"
	installed
	whole_page "http://127.0.0.1:$P"
	head_of "$url"
	have=(-H "If-None-Match: $(header ETag)"
	    -H "If-Modified-Since: $(header Last-Modified)")
	is "$(status_of "${have[@]}" "$url")" 304
	end $SERVICE
	# The same again: the browser has it.
	installed
	is "$(status_of "${have[@]}" "$url")" 304
	end $SERVICE
	# As a package does it, or an image that goes back.
	echo '// other' >"$T/usr/share/ticketchat/web/ticket-chat.js"
	touch -d 2001-01-01 "$T/usr/share/ticketchat/web/"*
	installed
	is "$(status_of "${have[@]}" "$url")" 200
	is "$(cat "$T/body")" '// other'
	end $SERVICE
	# What the version before had goes.
	touch "$T/usr/share/ticketchat/web/old.js"
	$make install
	diff -r "$ROOT/build/web" "$T/usr/share/ticketchat/web"
	$make uninstall
	[ ! -e "$T/usr/share/ticketchat" ]
}

@test "WEB=off: no page, and the WebSocket as ever" {
	replay "$UP/good.ndjson"
	TICKETCHAT_WEB=off service
	not grep -q http://localhost "$T/said"
	for path in / /index.html /ticket-chat.js; do
		is "$(status_of "http://127.0.0.1:$P$path")" 404
	done
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	generated
	TICKETCHAT_WEB=perhaps run -102 "$ROOT/run.sh" --check
}

@test "the page may ask by either name of this machine, others' pages may not" {
	replay "$UP/good.ndjson"
	service
	for origin in localhost 127.0.0.1; do
		frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q" \
		    "origin='http://$origin:$P'")
		is "$(last)" '{"type":"done"}'
	done
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q" \
	    "origin='https://evil.example'")
	failed_with forbidden_origin
}

@test "the page is there when all connections are taken" {
	TICKETCHAT_MAX_CONNECTIONS=1 service
	coproc HELD { exec /usr/bin/python3 -c 'import sys, asyncio, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as ws:
        await ws.send("{\"type\":\"ping\"}")
        print(await ws.recv(), flush=True)
        await ws.wait_closed()
asyncio.run(main())' "ws://127.0.0.1:$P/api/websocket/chat/1" 3>&-; }
	track "$HELD_PID"
	read -r -t 30 line <&"${HELD[0]}"
	is "$line" '{"type":"pong"}'
	is "$(status_of -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
	    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==' \
	    "http://127.0.0.1:$P/api/websocket/chat/2")" 429
	whole_page "http://127.0.0.1:$P"
}

# Behind a proxy

# Starts a proxy with one of our samples, in front of the service with the
# settings that the sample asks for.  Sets HTTP and HTTPS, its ports.
behind() {
	local line program=$1 sample
	case $1 in
	nginx) sample=$ROOT/deploy/nginx.conf ;;
	nodes) program=nginx sample=$ROOT/deploy/nginx-nodes.conf ;;
	caddy) sample=$ROOT/deploy/Caddyfile ;;
	caddies) program=caddy sample=$ROOT/deploy/Caddyfile-nodes ;;
	haproxy) sample=$ROOT/deploy/haproxy.cfg ;;
	esac
	command -v "$program" ||
	    { echo "no $program; tests/run.sh gets it" >&2; false; }
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=desk.example -addext subjectAltName=DNS:desk.example \
	    -days 2 -keyout "$T/desk.example.key" -out "$T/desk.example.pem" \
	    2>"$T/openssl"
	export SSL_CERT_FILE=$T/desk.example.pem
	while IFS= read -r line; do
		export "TICKETCHAT_${line?}"
	done < <(sed -n 's/^#	\([A-Z_]*=.*\)/\1/p' "$sample")
	# As it is seen here.
	TICKETCHAT_TRUSTED_PROXIES=127.0.0.1
	D=$(free_port)
	[ -z "$TICKETCHAT_HTTP_PORT" ] || TICKETCHAT_HTTP_PORT=$D
	replay "${ANSWER:-$UP/good.ndjson}"
	service
	HTTP=$(free_port) HTTPS=$(free_port)
	# What is for a certificate that lasts is in use too.
	sed -e "s#/etc/\(ssl\|haproxy\)#$T#g; s|/var/log/[a-z]*|$T|" \
	    -e "s|/var/lib/haproxy|$T/chroot|" -e "s/\(127\.0\.0\.1\|10\.0\.0\.1[1-3]\):5000/127.0.0.1:$P/" \
	    -e "s/\(127\.0\.0\.1\|10\.0\.0\.1[1-3]\):5001/127.0.0.1:$D/" -e "s/port 5000/port $P/; s/port 5001/port $D/" -e "$CHANGE" \
	    -e 's/# \(tls\|header\|add_header\) /\1 /' "$sample" >"$T/sample"
	not grep -E '/etc/|/var/|[: ]500[01]' <(grep -v '^#' "$T/sample")
	"run_$program"
	track $!
	within 60 listening "$HTTPS"
	BASE=https://desk.example:$HTTPS
	to_proxy=(--resolve "desk.example:$HTTPS:127.0.0.1"
	    --cacert "$SSL_CERT_FILE")
}

run_nginx() {
	sed -i "s/listen \(80\|443\)/listen 127.0.0.1:\1/
	    s/\[::\]/[::1]/; s/:80;/:$HTTP;/; s/:443 /:$HTTPS /" "$T/sample"
	[ -s /proc/net/if_inet6 ] || sed -i '/::1/d' "$T/sample"
	nginx_with
}

run_caddy() {
	sed -i "0,/^{/s|^{|&\nadmin off\nhttp_port $HTTP\nhttps_port $HTTPS\ndefault_bind 127.0.0.1\nstorage file_system $T/caddy|" "$T/sample"
	HOME=$T XDG_CONFIG_HOME=$T XDG_DATA_HOME=$T caddy run \
	    --config "$T/sample" --adapter caddyfile >"$T/proxy.out" 2>&1 3>&- &
}

run_haproxy() {
	cat "$T/desk.example.key" >>"$T/desk.example.pem"
	sed -i -E "s/bind :443/bind 127.0.0.1:$HTTPS/; s/user haproxy/user nobody/
	    s/group haproxy/group nogroup/" "$T/sample"
	# What Debian's unit does: the log's socket is in the chroot too.
	mkdir -p "$T/chroot/dev"
	[ "$(id -u)" = 0 ] || sed -i -E "s|/dev/log|$T/chroot/dev/log|
	    /^\s(user|group|chroot) /d" "$T/sample"
	chmod a+x "$T/.." "$T" "$T/chroot" "$T/chroot/dev"
	socat -u "UNIX-RECV:$T/chroot/dev/log,mode=777" \
	    "CREATE:$T/haproxy.log" 3>&- &
	track $!
	within 10 test -S "$T/chroot/dev/log"
	haproxy -db -f "$T/sample" >"$T/proxy.out" 2>&1 3>&- &
}

# Asks through the proxy: the path, then more arguments for connect.
through() {
	local path=$1
	shift
	frames=$(client "wss://desk.example:$HTTPS$path" "$Q" 'host="127.0.0.1",
	    server_hostname="desk.example",' "$@")
}
CHAT=api/websocket/chat

# What both do.
pages_behind() {
	CHANGE='s/10s/1s/' behind "$1"
	local base
	for base in "$BASE" "$BASE/ai"; do
		whole_page "$base" "${to_proxy[@]}"
		is "$(header Strict-Transport-Security)" max-age=31536000
		head_of "${to_proxy[@]}" "$base/ticket-chat.js"
		is "$(status_of "${to_proxy[@]}" -H \
		    "If-Modified-Since: $(header Last-Modified)" \
		    "$base/ticket-chat.js")" 304
		is "$(status_of "${to_proxy[@]}" "$base/none.js")" 404
	done
	head_of "${to_proxy[@]}" "$BASE/ai"
	[[ $(header Location) = */ai/ ]]
	head_of --resolve "desk.example:$HTTP:127.0.0.1" \
	    "http://desk.example:$HTTP/ai/?ticket=42"
	is "$(header Location)" 'https://desk.example/ai/?ticket=42'
	# A token of 8 kB, but no more; no body worth the name; no half request.
	is "$(status_of "${to_proxy[@]}" -H "Cookie: t=$(printf 'x%.0s' \
	    {1..8192})" "$BASE/ai/")" 200
	run ! curl -sf "${to_proxy[@]}" -H "Cookie: t=$(printf 'x%.0s' \
	    {1..40000})" "$BASE/ai/"
	run ! curl -sf "${to_proxy[@]}" -d "$(printf 'x%.0s' {1..2000})" \
	    "$BASE/ai/"
	/usr/bin/python3 - "$HTTPS" <<'END'
import socket, ssl, sys
s = ssl.create_default_context().wrap_socket(
    socket.create_connection(("127.0.0.1", sys.argv[1]), 20),
    server_hostname="desk.example")
s.send(b"GET / HTTP/1.1\r\nHost: desk.example\r\n")
while s.recv(1000):	# times out with an exception
    pass
END
}

sockets_behind() {
	CHANGE='s/[13]0s/1s/' behind "$1"
	local path i
	for path in /$CHAT/42 /ai/$CHAT/43; do
		through "$path" 'origin="https://desk.example"'
		generated
		through "$path" 'origin="https://evil.example"'
		failed_with forbidden_origin
		through "$path" 'origin="https://desk.example:8443"'
		failed_with forbidden_origin
	done
	# The client's address, whatever it says about itself.
	: >"$TICKETCHAT_LOG"
	for i in {1..10}; do
		through "/ai/$CHAT/42?token=secret-token" \
		    'local_addr=("127.0.0.2", 0),' \
		    'extra_headers=[("X-Forwarded-For", "6.6.6.6"),
		    ("X_Forwarded_For", "6.6.6.6"), ("X-FORWARDED_FOR", "6.6.6.6"),
		    ("Forwarded", "for=6.6.6.6"), ("X-Real-IP", "6.6.6.6"),
		    ("Authorization", "Bearer secret-token"),
		    ("Cookie", "t=secret-token"),
		    ("Referer", "https://desk.example/?t=secret-token")]'
		kept
	done
	is "$(grep -o ' remote=[^ ]*' "$TICKETCHAT_LOG" | sort | uniq -c | tr -s ' ')" \
	    ' 10 remote=127.0.0.2'
	# Fifty connections of one address; others notice nothing.
	held_and_one_more >"$T/one-more"
	# No token in any log, not when the service is gone either.
	is "$(status_of --resolve "desk.example:$HTTP:127.0.0.1" \
	    "http://desk.example:$HTTP/?token=secret-token" | cut -c 1)" 3
	end $SERVICE
	is "$(status_of "${to_proxy[@]}" "$BASE/ai/?token=secret-token" \
	    -H 'Referer: https://desk.example/?t=secret-token')" 502
	grep -qF "/ai/$CHAT/42" "$T/ticketchat.log"
	grep -q 502 "$T/ticketchat.log"
	not grep -rF secret-token "$T"/*.log "$T/proxy.out" "$TICKETCHAT_LOG"
}

# Fifty connections of 127.0.0.2; prints what one more gets, then one of another
# address, and what the page's module gets from 127.0.0.2.
held_and_one_more() {
	/usr/bin/python3 - "$HTTPS" "$Q" <<'END'
import asyncio, subprocess, sys, json, websockets
# Debian 12 and Debian 13 both have this one.
from websockets.legacy.client import connect as begin
port, question = sys.argv[1:]
def connect(address):
    return begin(
        "wss://desk.example:%s/ai/api/websocket/chat/42" % port,
        host="127.0.0.1", server_hostname="desk.example",
        local_addr=(address, 0), max_size=None, open_timeout=60)
async def ask(ws):
    await ws.send(question)
    while True:
        frame = json.loads(await ws.recv())
        if frame["type"] in ("done", "error"):
            return frame.get("code", "done")
async def one_more(address):
    try:
        async with connect(address) as ws:
            print(await ask(ws))
    except websockets.InvalidStatusCode as e:
        print(e.status_code)
async def main():
    held = []
    for i in range(50):
        ws = await connect("127.0.0.2")
        held.append(ws)
        assert await ask(ws) == "done", i
    await one_more("127.0.0.2")
    await one_more("127.0.0.3")
    page = subprocess.run(["curl", "-sk", "--interface", "127.0.0.2", "-o",
        "/dev/null", "-w", "%{http_code}", "--resolve",
        "desk.example:%s:127.0.0.1" % port,
        "https://desk.example:%s/ticket-chat.js" % port],
        capture_output=True, text=True)
    print("page", page.stdout)
    # Longer there than any time for writing, and unharmed.
    for ws in held:
        await ws.send('{"type":"ping"}')
        assert json.loads(await ws.recv())["type"] == "pong"
        await ws.close()
asyncio.run(asyncio.wait_for(main(), 200))
END
}

@test "nginx: the page at the root and below a prefix" { pages_behind nginx; }
@test "Caddy: the page at the root and below a prefix" { pages_behind caddy; }

@test "nginx: WebSockets, the client's address, no token in a log" {
	sockets_behind nginx
	is "$(<"$T/one-more")" $'429\ndone\npage 200'
	# Silence that is shorter than a client's is no reason.
	[ "$(sed -n 's/.*proxy_read_timeout \([0-9]*\)s;/\1/p' \
	    "$ROOT/deploy/nginx.conf" | sort -n | head -n 1)" -ge 60 ]
}

@test "Caddy: WebSockets, the client's address, no token in a log" {
	sockets_behind caddy
	is "$(<"$T/one-more")" $'rate_limited\ndone\npage 200'
}

# Whatever a client says about its address, in each spelling of which websocketd
# makes HTTP_X_FORWARDED_FOR.
tells_the_address() {
	behind "$1"
	local name
	for name in X-Forwarded-For X_Forwarded_For X-Forwarded_For \
	    X_Forwarded-For x_forwarded_for X_FORWARDED_FOR; do
		through "/$CHAT/42" 'origin="https://desk.example",' \
		    'local_addr=("127.0.0.2", 0),' "extra_headers=[
		    ('$name', '6.6.6.6'), ('$name', '6.6.6.7')]"
		is "$(last | jq -r .type)" done
	done
	is "$(grep -o ' remote=[^ ]*' "$TICKETCHAT_LOG" | sort | uniq -c | tr -s ' ')" \
	    ' 6 remote=127.0.0.2'
	# Here it would matter: without the proxy one of them is believed.
	: >"$TICKETCHAT_LOG"
	frames=$(client "ws://127.0.0.1:$P/$CHAT/42" "$Q" \
	    'extra_headers=[("X_Forwarded_For", "6.6.6.6")]')
	grep -q ' remote=6.6.6.6 ' "$TICKETCHAT_LOG"
}

@test "nginx: no look-alike of X-Forwarded-For" { tells_the_address nginx; }
@test "nginx for nodes: no look-alike of it" { tells_the_address nodes; }
@test "Caddy: no look-alike of X-Forwarded-For" { tells_the_address caddy; }
@test "Caddy for nodes: no look-alike of it" { tells_the_address caddies; }
@test "haproxy: no look-alike of X-Forwarded-For" { tells_the_address haproxy; }

# The door, at the root and below a prefix.
door_behind() {
	export TICKETCHAT_HTTP_PORT=5001 TICKETCHAT_METRICS_FROM=0.0.0.0/0
	behind "$1"
	local base
	for base in "$BASE" "$BASE/ai"; do
		within 60 eval '[ "$(status_of "${to_proxy[@]}" "$base/healthz")" = 200 ]'
		is "$(<"$T/body")" ok
		is "$(status_of "${to_proxy[@]}" "$base/metrics")" 403
		is "$(status_of "${to_proxy[@]}" "$base/api/answer?ticket=7")" 404
		is "$(jq -r .code "$T/body")" no_answer
		is "$(status_of "${to_proxy[@]}" -H 'Content-Type: application/json' -d "$Q" "$base/api/ask?ticket=42")" 200
		is "$(jq -r 'select(.type == "stream").content // select(.type == "cached").response' "$T/body" |
		    head -c -1)" "${GOOD%$'\n'}"
		# As large as a ticket may be.
		head -c 65536 /dev/zero | tr '\0' '\1' | jq -Rsc '{ticketBody: ("a" + .[1:])}' >"$T/large"
		[ "$(wc -c <"$T/large")" -gt 390000 ]
		is "$(status_of "${to_proxy[@]}" -H 'Content-Type: application/json' -d "@$T/large" "$base/api/ask?ticket=43")" 200
		is "$(status_of "${to_proxy[@]}" -H 'Origin: https://evil.example' "$base/healthz")" 403
		is "$(status_of "${to_proxy[@]}" -H 'Origin: https://desk.example' "$base/healthz")" 200
		# The name that the client has asked for reaches the door.
		is "$(status_of --resolve "evil.example:$HTTPS:127.0.0.1" -k "https://evil.example:$HTTPS${base#"$BASE"}/healthz")" "${2:-403}"
	done
	# The client's address is what the proxy says, not the client.
	: >"$TICKETCHAT_LOG"
	is "$(status_of "${to_proxy[@]}" --interface 127.0.0.2 -H 'X-Forwarded-For: 6.6.6.6' "$BASE/ai/api/answer?ticket=42")" 200
	is "$(grep -o 'prog=door.* remote=[^ ]*' "$TICKETCHAT_LOG" | sed 's/.* //')" remote=127.0.0.2
	is "$(posts)" 2
}
@test "nginx: the door at the root and below a prefix" { door_behind nginx; }
# Caddy serves the names of its sample only, with an empty page.
@test "Caddy: the door at the root and below a prefix" { door_behind caddy 000; }
@test "haproxy: the door at the root and below a prefix" { door_behind haproxy; }
@test "nginx for nodes: the door at the root and below a prefix" { door_behind nodes; }
@test "Caddy for nodes: the door at the root and below a prefix" { door_behind caddies 000; }

@test "haproxy: a line a connection, in its log too no token" {
	behind haproxy
	through "/ai/$CHAT/42?token=secret-token" 'origin="https://desk.example",' \
	    'extra_headers=[("Cookie", "t=secret-token")]'
	is "$(last)" '{"type":"done"}'
	within 10 grep -q "GET /ai/$CHAT/42 101 .* sockets/node" "$T/haproxy.log"
	is "$(status_of "${to_proxy[@]}" "$BASE/ai/none.js?token=secret-token")" 404
	within 10 grep -q 'GET /ai/none.js 404 .* pages/node' "$T/haproxy.log"
	not grep -F secret-token "$T/haproxy.log" "$T/proxy.out" "$TICKETCHAT_LOG"
}

# As clients behind the proxy that ask for much and read nothing: as many as
# MAX_CONNECTIONS allows; then waits until there are places again.  Prints how
# long that took.
deaf_behind() {
	/usr/bin/python3 - "$1" "$HTTPS" "$P" "$TICKETCHAT_MAX_CONNECTIONS" "$Q" <<'END'
import os, socket, ssl, sys, time
wait, port, direct, places, question = sys.argv[1:]
def head(path, host):
    return ("GET %s HTTP/1.1\r\nHost: %s\r\nOrigin: https://desk.example\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n"
        % (path, host)).encode()
def message(text):              # masked with zeros, as a client has to
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text
def status(s):
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(1)
        if not more:
            break
        data += more
    return data[9:12].decode()
def direct_one():
    """One more, beside the proxy."""
    s = socket.create_connection(("127.0.0.1", int(direct)), 20)
    s.sendall(head("/api/websocket/chat/42", "desk.example"))
    return s
def all_free():
    taken = [direct_one() for i in range(int(places))]
    got = [status(s) for s in taken]
    for s in taken:
        s.close()
    return got.count("101"), got.count("429")
deaf, tls = [], ssl.create_default_context()
for i in range(int(places)):
    s = socket.socket()
    if i % 2:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(20)
    s.connect(("127.0.0.1", int(port)))
    s = tls.wrap_socket(s, server_hostname="desk.example")
    s.sendall(head("/api/websocket/chat/42", "desk.example"))
    got = status(s)
    assert got == "101", got
    s.sendall(message(question.encode()) * 16)
    deaf.append(s)
begun = time.monotonic()
got = all_free()
assert got == (0, len(deaf)), got       # they do hold all places
while got != (len(deaf), 0) and time.monotonic() < begun + int(wait):
    time.sleep(1)
    got = all_free()
    print(got, int(time.monotonic() - begun), file=sys.stderr)
print("free" if got == (len(deaf), 0) else got)
END
}

# A service whose kept answer is 4 MB, with few places, behind the proxy.
much_behind() {
	/usr/bin/python3 -c 'import json
for i in range(4000):
    print(json.dumps({"response": "x" * 1000 + " ", "done": False}))
print(json.dumps({"response": "", "done": True}))' >"$T/long.ndjson"
	jq -j .response "$T/long.ndjson" >"$T/kept/long"
	export TICKETCHAT_MAX_CONNECTIONS=4 TICKETCHAT_MAX_ANSWER_BYTES=5000000
	ANSWER=$T/long.ndjson behind "$1"
	through "/$CHAT/42" 'origin="https://desk.example"' >"$T/through"
	within 10 no_chats
}
# The kernel would end them after ten minutes, and chat too: these proxies do so
# on their own.
ends_the_deaf() {
	export TICKETCHAT_SEND_TIMEOUT=600
	much_behind "$1"
	is "$(deaf_behind 90)" free
}

@test "nginx: who never reads gives the place back" { ends_the_deaf nginx; }
@test "nginx for nodes: who never reads gives the place back" {
	ends_the_deaf nodes
}
@test "haproxy: who never reads gives the place back" {
	ends_the_deaf haproxy
}

# It cannot, as its sample says.  Neither does it read on, and so the service
# and the kernel see whoever never reads behind it.
@test "Caddy: who never reads gives the place back, by SEND_TIMEOUT" {
	export TICKETCHAT_SEND_TIMEOUT=5
	much_behind caddy
	is "$(deaf_behind 35)" free
}
