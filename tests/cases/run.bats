# run.sh, the service as a person starts it: its options, what it says, what it
# refuses, and one question through the websocketd that it becomes.

load helper

prepare() {
	# run.sh uses the build of its own checkout.
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
}

@test "--help, and what it refuses" {
	"$ROOT/run.sh" --help | grep -q '^usage: run.sh'
	run -100 "$ROOT/run.sh" --nonsense
	is "${#lines[@]}" 1
	run -100 "$ROOT/run.sh" -c
	TICKETCHAT_PORT=0 run -102 "$ROOT/run.sh" --check
	[[ ${lines[-1]} = *"PORT=0: not a whole number from 1 to 65535" ]]
	echo 'NONSENSE=1' >"$T/bad"
	run -102 "$ROOT/run.sh" --check -c "$T/bad"
	[[ ${lines[-1]} = *'bad:1: unknown setting "NONSENSE"' ]]
	TICKETCHAT_AUTH=required run -102 "$ROOT/run.sh" --check
	TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/none run -102 "$ROOT/run.sh"
	# A file is never run.
	printf 'DATABASE=$(touch %s/pwned)\n' "$T" >"$T/bad"
	(unset TICKETCHAT_DATABASE; "$ROOT/run.sh" --check -c "$T/bad") | grep -qF 'DATABASE=$(touch'
	[ ! -e "$T/pwned" ]
}

@test "--check prints the settings, and examines the rest" {
	replay "$UP/good.ndjson"
	OLLAMA_MODEL='' "$ROOT/run.sh" --check >"$T/said"
	grep -qx "OLLAMA_SERVER=$OLLAMA_SERVER" "$T/said"
	grep -q '^ok *model: replay:latest at' "$T/said"
	replay_end
	run -2 "$ROOT/run.sh" --check
	grep -q '^error *model:' <<<"$output"
}

@test "HTTP_PORT: the door beside websocketd; each ends with the other" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_HTTP_PORT
	TICKETCHAT_HTTP_PORT=$(free_port)
	service
	within 60 listening "$TICKETCHAT_HTTP_PORT"
	grep -qx "  door      http://localhost:$TICKETCHAT_HTTP_PORT/api/ask" "$T/said"
	is "$(curl -s "http://127.0.0.1:$TICKETCHAT_HTTP_PORT/healthz")" ok
	frames=$(curl -s -H 'Content-Type: application/json' -d "$Q" "http://127.0.0.1:$TICKETCHAT_HTTP_PORT/api/ask?ticket=42")
	generated
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	kept
	# Told to end, all of it does.
	kill -TERM "$SERVICE"
	wait "$SERVICE" || status=$?
	is "$status" 143
	within 60 not listening "$TICKETCHAT_HTTP_PORT"
	# If socat ends, so does the service, with an error: it is started again.
	service
	within 60 listening "$TICKETCHAT_HTTP_PORT"
	kill -KILL "$(pgrep -P "$SERVICE" -x socat)"
	wait "$SERVICE" || status=$?
	is "$status" 111
	grep -q '^sessions: hold: a program beside it has ended (signal 9)' "$T/said"
	within 60 not listening "$P"
	within 60 not listening "$TICKETCHAT_HTTP_PORT"
	# If websocketd ends, so does socat.
	service
	within 60 listening "$TICKETCHAT_HTTP_PORT"
	kill -KILL "$(pgrep -P "$SERVICE" -x websocketd)"
	wait "$SERVICE" || status=$?
	is "$status" 137
	within 60 not listening "$TICKETCHAT_HTTP_PORT"
	# A port that somebody has.
	socat "TCP-LISTEN:$TICKETCHAT_HTTP_PORT,bind=127.0.0.1,reuseaddr,fork" PIPE 3>&- &
	track $!
	within 60 listening "$TICKETCHAT_HTTP_PORT"
	P=$(free_port)
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 run -111 "$ROOT/run.sh"
	grep -q 'Address already in use' <<<"$output"
	TICKETCHAT_PORT=$P TICKETCHAT_HTTP_PORT=$P run -102 "$ROOT/run.sh" --check
}

@test "HTTP_PORT with TLS_CERT: the door by TLS, and the client's address" {
	certify
	export TICKETCHAT_HTTP_PORT TICKETCHAT_TLS_CERT=$T/cert TICKETCHAT_TLS_KEY=$T/key
	TICKETCHAT_HTTP_PORT=$(free_port)
	replay "$UP/good.ndjson"
	service
	within 60 listening "$TICKETCHAT_HTTP_PORT"
	frames=$(curl -s --cacert "$T/cert" -H 'Content-Type: application/json' -d "$Q" \
	    "https://localhost:$TICKETCHAT_HTTP_PORT/api/ask?ticket=42")
	generated
	grep -q 'prog=door .* remote=127.0.0.1 ' "$TICKETCHAT_LOG"
	# In clear text it says nothing.
	run ! curl -sf "http://127.0.0.1:$TICKETCHAT_HTTP_PORT/healthz"
}

# Clients by TLS that send a byte a second, each in its own way; prints the name of each
# that has been let go.
trickles() {
	/usr/bin/python3 - "$TICKETCHAT_HTTP_PORT" "$T/cert" "$@" <<'END'
import select, socket, ssl, sys, time
port, cert, names = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
context = ssl.create_default_context(cafile=cert)
ask = b"POST /api/ask?ticket=9 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 90000\r\n\r\n"
def greeted():
    # The handshake, and then records as bytes.
    s = socket.create_connection(("127.0.0.1", port))
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            s.sendall(out.read())
            into.write(s.recv(65536))
    s.sendall(out.read())
    return s, tls, out
def record(tls, out, data):
    tls.write(data)
    return out.read()
def begin(name):
    if name == "silence":
        return socket.create_connection(("127.0.0.1", port)), []
    if name == "greeting":
        return socket.create_connection(("127.0.0.1", port)), iter([b"\x16", b"\x03", b"\x01", b"\x02"] + [b"\x00"] * 999)
    s, tls, out = greeted()
    if name == "head":
        return s, (record(tls, out, b"G") for i in range(999))
    if name == "record":
        return s, (b"%c" % b for b in record(tls, out, b"GET /healthz HTTP/1.1" * 99))
    # Answered, with a refusal; then bytes that nobody reads.
    s.sendall(record(tls, out, ask))
    s.sendall(record(tls, out, b"a" * 90000))
    return s, (b"%c" % b for b in record(tls, out, b"a" * 9999))
clients = {name: begin(name) for name in names}
end = time.monotonic() + 100
while clients and time.monotonic() < end:
    time.sleep(1)
    for name, (s, data) in list(clients.items()):
        try:
            piece = next(iter(data), None)
            if piece:
                s.sendall(piece)
            gone = select.select([s], [], [], 0)[0] and s.recv(65536) == b""
        except OSError:
            gone = True
        if gone:
            print(name)
            s.close()
            del clients[name]
END
}

@test "HTTP_PORT with TLS_CERT: whoever sends a byte now and then is let go" {
	certify
	export TICKETCHAT_HTTP_PORT TICKETCHAT_TLS_CERT=$T/cert TICKETCHAT_TLS_KEY=$T/key
	TICKETCHAT_HTTP_PORT=$(free_port)
	long 25
	replay_part "$T/long.ndjson"
	export TICKETCHAT_SEND_TIMEOUT=1
	service
	within 60 listening "$TICKETCHAT_HTTP_PORT"
	# One that is served, meanwhile.
	curl -sN -m 100 --cacert "$T/cert" -H 'Content-Type: application/json' -d "$Q" \
	    "https://localhost:$TICKETCHAT_HTTP_PORT/api/ask?ticket=42" >"$T/body" 3>&- &
	p=$!
	track $p
	within 60 grep -q w8 "$T/body"
	trickles silence greeting head record answered >"$T/gone"
	is "$(sort "$T/gone" | paste -sd ' ')" 'answered greeting head record silence'
	# That has lasted longer than a connection without a door may.
	replay_rest
	wait $p
	is "$(jq -j 'select(.type == "stream").content' "$T/body")" "$LONG"
	# Only the one that listens is left.
	no_connection() { [ -z "$(pgrep -P "$(pgrep -P "$SERVICE" -x socat)")" ]; }
	within 60 no_connection
}

# A setting of a unit: $1, of the file $2.
of_unit() { sed -n "s/^$1=//p" "$T/units/install/$2"; }

@test "the units of systemd: valid, and what they name is what is installed" {
	local u
	make -s -C "$ROOT" units B="$T/units" PREFIX="$T/usr" SYSCONFDIR=/etc
	not grep -rn '@[A-Z]*@' "$T/units"
	# All units that deploy/ has are installed and uninstalled.
	(cd "$ROOT/deploy" && ls ticketchat*.service ticketchat*.socket ticketchat*.timer) >"$T/all"
	is "$(ls "$T/units/install")" "$(<"$T/all")"
	make -n -C "$ROOT" uninstall DESTDIR=/there >"$T/uninstall"
	while read -r u; do grep -qF "/$u" "$T/uninstall"; done <"$T/all"
	# The door is off in the package, and has the place and user of the service.
	grep -A1 'no-enable --no-start' "$ROOT/deploy/debian/rules" | grep -q 'name=ticketchat-door$'
	for u in ticketchat-door@.service ticketchat.service ticketchat-upkeep.service; do
		is "$u $(of_unit User $u)" "$u $(sed -n 's/^u \([a-z]*\) .*/\1/p' "$ROOT/deploy/ticketchat.sysusers")"
		# The sandbox, whole.
		is "$(comm -23 <(grep -v '^#' "$ROOT/deploy/sandbox.conf" | sort) <(sort "$T/units/install/$u"))" ''
	done
	u=ticketchat-door@.service
	is "$(of_unit ExecStart $u)" "-$T/usr/libexec/ticketchat/door -c /etc/ticketchat/websocketd.conf"
	make -n -C "$ROOT" install CURL=no DESTDIR=/there PREFIX="$T/usr" SYSCONFDIR=/etc >"$T/install"
	grep -q "^install .*/libexec/door .*/there$T/usr/libexec/ticketchat" "$T/install"
	grep -q 'CONF=/etc/ticketchat/websocketd.conf' "$T/install"
	is "$(of_unit ReadWritePaths $u)" "-/var/lib/$(of_unit StateDirectory ticketchat.service) -/run/$(of_unit RuntimeDirectory ticketchat.service)"
	is "$(of_unit Environment $u)" "STATE_DIRECTORY=/var/lib/$(of_unit StateDirectory ticketchat.service)"
	# An answer that a request has started goes on without it.
	is "$(of_unit KillMode $u) $(of_unit Accept ticketchat-door.socket)" 'process yes'
	is "$(of_unit StandardInput $u) $(of_unit StandardOutput $u) $(of_unit StandardError $u)" 'socket socket journal'
	# Nobody from outside, and no more than the service has.
	is "$(of_unit ListenStream ticketchat-door.socket | paste -sd ' ')" '127.0.0.1:5001 [::1]:5001'
	is "$(of_unit MaxConnections ticketchat-door.socket)" "$(sed -n 's/^MAX_CONNECTIONS=//p' "$ROOT/websocketd.conf")"
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	# It looks whether the programs are there.
	mkdir -p "$T/usr/bin" "$T/usr/libexec/ticketchat"
	for u in $(sed -n "s|^Exec[A-Za-z]*=-*\($T/usr/[^ ]*\).*|\1|p" "$T/units/install"/ticketchat*.service); do
		ln -sf /bin/true "$u"
	done
	(cd "$T/units/install" && systemd-analyze verify --man=no ticketchat*.service ticketchat*.socket ticketchat*.timer) \
	    >"$T/verified" 2>&1 || { cat "$T/verified"; false; }
	not grep ticketchat "$T/verified"
}

@test "OLLAMA_SERVER in the environment is enough" {
	replay "$UP/good.ndjson"
	service
	grep -q "ws://localhost:$P/api/websocket/chat/{ticketId}" "$T/said"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	generated
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	kept
	is "$(posts)" 1
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
	# exec: what was started is the parent of websocketd, and passes a signal
	# and the end by it on.
	is "$(cat "/proc/$SERVICE/comm")" sessions
	is "$(cat "/proc/$(pgrep -P "$SERVICE")/comm")" websocketd
	kill -TERM "$SERVICE"
	# Not by `run', whose subshell can only tell the end of what had ended
	# before it began.
	wait "$SERVICE" || status=$?
	is "${status:-0}" 143
	run ! listening "$P"
}

# The command of websocketd: the last of its arguments.
served() { tr '\0' '\n' <"/proc/$(pgrep -P "$SERVICE" -x websocketd)/cmdline" | tail -n 1; }

@test "the service runs the variant that its settings need, and that alone" {
	local chat token
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	replay "$UP/good.ndjson"
	for chat in chat chat-jwt; do
		if [ "$chat" = chat-jwt ]; then
			export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
			token=$("$B/bin/sessions" token --ticket 42 "$T/key.secret")
		fi
		service
		[[ $(served) = */libexec/$chat ]]
		# websocketd starts it, and it stays what it is: one execve.
		strace -f -qq -e trace=execve -o "$T/execs" \
		    -p "$(pgrep -P "$SERVICE" -x websocketd)" 2>/dev/null 3>&- &
		track $!
		within 10 grep -q '^TracerPid:.*[1-9]' "/proc/$(pgrep -P "$SERVICE" -x websocketd)/status"
		frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q" \
		    "extra_headers={'Authorization': 'Bearer ${token:-}'}")
		is "$(code)" ''
		within 10 grep -q "libexec/$chat\"" "$T/execs"
		is "$(grep -c 'libexec/chat' "$T/execs")" 1
		end "$SERVICE"
	done
	# At a shell it becomes the other one where it has to.
	[[ $(printf '%s\n' "$Q" | HTTP_AUTHORIZATION="Bearer $token" PATH_INFO=/42 \
	    "$B/bin/chat") = *'"type":"cached"'* ]]
}

@test "without an Ollama it starts, says so, and works when there is one" {
	export OLLAMA_SERVER=http://127.0.0.1:$(free_port)/api/generate
	service
	within 10 grep -q 'NOT READY' "$T/said"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/7" "$Q")
	is "$(code)" upstream_unreachable
	local port=${OLLAMA_SERVER#http://127.0.0.1:}
	replay -p "${port%%/*}" "$UP/good.ndjson"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/7" "$Q")
	generated
}

# Servers that are there and never say a word: so many accept connections, and
# so many do not; until $T/close is there.  Sets OLLAMA_SERVER.
silent() {
	/usr/bin/python3 - "$T" "$@" >"$T/silent" 3>&- <<'END' &
import os, socket, sys, time
held = []
for i in range(int(sys.argv[2]) + int(sys.argv[3])):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(50 if i < int(sys.argv[2]) else 0)
    held.append(s)
    # One more than its queue takes: the next one's SYN is dropped.
    for k in range(0 if i < int(sys.argv[2]) else 3):
        c = socket.socket()
        c.setblocking(False)
        c.connect_ex(s.getsockname())
        held.append(c)
    print("http://127.0.0.1:%d/api/generate" % s.getsockname()[1], flush=True)
while not os.path.exists(sys.argv[1] + "/close"):
    time.sleep(0.05)
END
	track $!
	within 10 eval '[ "$(wc -l <"$T/silent")" = $(('"$1 + $2"')) ]'
	OLLAMA_SERVER=$(paste -sd ' ' "$T/silent")
}

# What the service has started beside websocketd, dead or alive.
beside() { pgrep -P "$SERVICE" | grep -vx "$(pgrep -P "$SERVICE" -x websocketd)"; }
none_beside() { [ -z "$(beside)" ]; }

serves_meanwhile() {
	not grep -q '^  model' "$T/said"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/4x" "$Q")
	failed_with bad_ticket_id
	not grep -q '^  model' "$T/said"
}

@test "it serves before five servers that never answer have been asked" {
	silent 5 0
	service
	serves_meanwhile
	# What is known is said: for each of them, and what follows from it.
	some_answers 5
	: >"$T/close"
	within 20 grep -q 'NOT READY' "$T/said"
	is "$(grep -c '^  model *http.*: upstream_unreachable' "$T/said")" 5
	within 10 none_beside
	is "$(cat "/proc/$SERVICE/comm")" sessions
}

@test "it serves before servers that take no connection, and says which" {
	silent 1 4
	TICKETCHAT_CONNECT_TIMEOUT=3 service
	serves_meanwhile
	within 30 eval '[ "$(grep -c "upstream_timeout" "$T/said")" = 4 ]'
	not grep -q 'NOT READY' "$T/said"	# one may be good yet
	: >"$T/close"
	within 20 grep -q 'NOT READY' "$T/said"
	within 10 none_beside
}

@test "one good server among silent ones: its line, loaded, and not a word more" {
	silent 2 1
	local dead=$OLLAMA_SERVER
	replay "$UP/load.ndjson"
	OLLAMA_SERVER="$dead $OLLAMA_SERVER" OLLAMA_MODEL='' \
	    OLLAMA_KEEP_ALIVE=30m service
	within 10 grep -q "^  model *http://127.0.0.1:$PORT/api/generate: model " \
	    "$T/said"
	# Loaded at once, whatever the others do.
	within 10 posted 1
	is "$(jq -c .prompt "$T/bodies/1.json")" null
	# What still waits ends with the service.
	some_answers 2
	end "$SERVICE"
	within 10 none_answers
	not grep -q 'NOT READY' "$T/said"
}

@test "a websocketd that can bound a message is told MAX_TICKET_BYTES" {
	mkdir "$T/bin"
	cat >"$T/bin/websocketd" <<END
#!/bin/sh
case \$1 in
--help) echo ' --maxframesize=BYTES' ;;
*) printf '%s\\n' "\$@" >$T/flags; exit 7 ;;
esac
END
	chmod +x "$T/bin/websocketd"
	local bytes
	for bytes in '' 16 1048576; do
		rm -f "$T/flags"
		PATH=$T/bin:$PATH TICKETCHAT_MAX_TICKET_BYTES=$bytes \
		    run -7 "$ROOT/run.sh"
		grep -qx -e "--maxframesize=$((${bytes:-65536} * 6 + 32768))" "$T/flags"
	done
	# With a filter 16 times as much, up to 16 MB.
	for bytes in 16 1048576 1048577 16777216; do
		PATH=$T/bin:$PATH TICKETCHAT_MAX_TICKET_BYTES=$bytes TICKETCHAT_TICKET_FILTER=/bin/cat \
		    run -7 "$ROOT/run.sh"
		[ $bytes = 16 ] || bytes=1048576
		grep -qx -e "--maxframesize=$((bytes * 16 * 6 + 32768))" "$T/flags"
	done
}

@test "nothing but the endpoint is served without the page" {
	TICKETCHAT_WEB=off service
	local path
	for path in / /api/websocket/ /websocketd.conf /../websocketd.conf \
	    /api/websocket/chat/42; do
		is "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is \
		    "http://127.0.0.1:$P$path" | grep -cE '^(404|301)$')" 1
	done
}

@test "--demo answers without an Ollama, in both languages, and ends cleanly" {
	unset OLLAMA_SERVER OLLAMA_MODEL TICKETCHAT_DATABASE
	export TMPDIR=$T/tmp
	mkdir "$TMPDIR"
	service --demo
	# The last line is the address to open; another one is for a shell.
	opened() { [ "$(tail -n 1 "$T/said")" = "  open      http://localhost:$P/" ]; }
	within 10 opened
	curl -sSf "http://localhost:$P/" | grep -q '<ticket-chat'
	sed -n 's/^  shell     //p' "$T/said" >"$T/line"
	frames=$(cd "$ROOT" && sh "$T/line")
	is "$(types)" "stream done"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/1" \
	    '{"ticketBody":"A impressora do financeiro não imprime"}')
	is "$(types)" "stream done"
	text | grep -qi 'demonstração'
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/2" \
	    '{"ticketBody":"I forgot my password and cannot log in"}')
	is "$(types)" "stream done"
	text | grep -qi 'demo'
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/2" \
	    '{"ticketBody":"I forgot my password and cannot log in"}')
	is "$(types)" "cached done"
	# A word at the beginning of a line counts, and a question is answered.
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/2" \
	    '{"question":"The new one fails too. What now?"}')
	is "$(types)" "stream done"
	text | grep -q 'Demonstration answer'
	demo=$(pgrep -P "$SERVICE" -x replay)
	end "$SERVICE"
	run ! listening "$P"
	within 10 dead "$demo"
	is "$(ls -A "$TMPDIR")" ""
	export TICKETCHAT_DATABASE=$T/db
}

@test "a RUN_DIR that cannot be used is refused at start" {
	mkdir -m 755 "$T/open"
	echo >"$T/file"
	for d in "$T/open" "$T/file" "$T/$(printf 'x%.0s' {1..90})"; do
		P=$(free_port)
		TICKETCHAT_RUN_DIR=$d TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 run ! timeout 60 \
		    "$ROOT/run.sh"
		case $status in 102 | 111) ;; *) false ;; esac
		grep -q RUN_DIR <<<"${lines[-1]}"
	done
}

# What is said to be missing, of $1, by those who may not install it.
missing() {
	(. "$ROOT/deploy/packages.sh"
	apt-get() { :; }
	id() { echo 1000; }
	dpkg-query() { echo not-installed; }
	install_missing "$1") 2>&1 || true
}

@test "what is there is not missing, from wherever it came" {
	mkdir "$T/bin" "$T/include"
	is "$(missing none:none-such)" \
	    'packages are missing; as root run: apt-get install -y --no-install-recommends none'
	printf '#!/bin/sh\n' >"$T/bin/none-such"
	chmod +x "$T/bin/none-such"
	PATH=$T/bin:$PATH
	is "$(missing none:none-such)" ''
	[[ $(missing none@none/such.h) = *' none' ]]
	mkdir "$T/include/none"
	: >"$T/include/none/such.h"
	is "$(CPATH=$T/include missing none@none/such.h)" ''
	[[ $(missing "none@$T/file") = *' none' ]]
	: >"$T/file"
	is "$(missing "none@$T/file")" ''
	[[ $(missing none) = *' none' ]]
	# Without a compiler each header is missing, not there.
	[[ $(CC=$T/none missing libc6-dev@stdio.h) = *' libc6-dev' ]]
}

# The libcurl that `make' would link into answer.  The tests themselves want none.
small_curl() {
	env -u CURL make -s -C "$ROOT" "B=$T/b" "$@" \
	    --eval 'print: ; @echo "$(SMALL_CURL)"' print
}
noted() {
	env -u CURL make -s -C "$ROOT" "B=$T/b" "$@" "$T/b/libexec/libcurl"
	cat "$T/b/libexec/libcurl"
}
libcurl_in() {
	mkdir -p "$1/lib" "$1/include/curl"
	: >"$1/lib/libcurl.a"
	printf '#define LIBCURL_VERSION_NUM 1\n#define LIBCURL_VERSION "%s"\n' \
	    "$2" >"$1/include/curl/curlver.h"
}

@test "make links the libcurl in build/, or the one that it was given last" {
	sanitized && skip "it links nothing statically"
	mkdir -p "$T/b"
	libcurl_in "$T/one" 8.1.0
	libcurl_in "$T/two" 8.2.0-DEV
	local here=
	[ ! -e "$ROOT/build/libcurl/lib/libcurl.a" ] || here=build/libcurl
	is "$(small_curl)" "$here"
	is "$(noted "CURL=$T/one")" 8.1.0
	is "$(small_curl)" "$T/one"
	is "$(small_curl "CURL=$T/two")" "$T/two"
	is "$(noted "CURL=$T/two")" 8.2.0-DEV
	is "$(small_curl)" "$T/two"
	# As an option or in the environment, for this one time.
	is "$(noted CURL=no)" ''
	is "$(small_curl CURL=no)" ''
	is "$(CURL=no make -s -C "$ROOT" "B=$T/b" \
	    --eval 'print: ; @echo "$(SMALL_CURL)"' print)" ''
	is "$(small_curl)" "$T/two"
	is "$(small_curl "CURL=$T/none")" ''
	rm "$T/two/lib/libcurl.a"
	is "$(small_curl)" "$here"
}

@test "what is installed or packed has a small libcurl, unless CURL=no" {
	sanitized && skip "it links nothing statically"
	libcurl_in "$T/one" 8.1.0
	local t
	for t in install deb; do
		make -n -C "$ROOT" "B=$T/b" "CURL=$T/none" $t |
		    grep -q "deploy/libcurl.sh $T/none"
		not eval "make -n -C '$ROOT' 'B=$T/b' CURL=no $t |
		    grep -q deploy/libcurl.sh"
		not eval "make -n -C '$ROOT' 'B=$T/b' 'CURL=$T/one' $t |
		    grep -q deploy/libcurl.sh"
	done
	make -n -C "$ROOT" "B=$T/b" CURL=no install | grep -q 'CURL=no LIBEXEC='
}

@test "where no small libcurl can be built there is one line, and no failure" {
	sanitized && skip "it links nothing statically"
	mkdir "$T/bin"
	printf '#!/bin/sh\necho E: nothing here\nexit 100\n' >"$T/bin/apt-get"
	chmod +x "$T/bin/apt-get"
	run -0 env "PATH=$T/bin:$PATH" make -s -C "$ROOT" "B=$T/b" "CURL=$T/none" libcurl
	is "${lines[0]}" 'building a small libcurl, for a minute (CURL=no: none)'
	# Either dpkg-dev is missing, or the source.
	[[ ${lines[1]} = 'no small libcurl, and answers cost more (docs/sizing.md): libcurl.sh: '* ]]
	is "${#lines[@]}" 2
	[ ! -e "$T/none/lib/libcurl.a" ]
	grep -q '^E: nothing here' "$T/b/libcurl.log"
	is "$(make -s -C "$ROOT" "B=$T/b" CURL=no libcurl)" ''
}

@test "make install has its small libcurl built to where it looks for it" {
	sanitized && skip "it links nothing statically"
	mkdir "$T/bin"
	# A source package that only installs.
	cat >"$T/bin/apt-get" <<-'END'
	#!/bin/sh
	case " $* " in *" source "*) ;; *) exit 0 ;; esac
	mkdir -p curl-1/lib curl-1/include
	cat >curl-1/configure <<-'SCRIPT'
	#!/bin/sh
	for a; do case $a in --prefix=*) to=${a#*=} ;; esac; done
	printf 'install:\n\tmkdir -p $(DESTDIR)%s/lib; touch $(DESTDIR)%s/lib/libcurl.a\n' "$to" "$to" >lib/Makefile
	printf 'install:\n\ttrue\n' >include/Makefile
	SCRIPT
	chmod +x curl-1/configure
	END
	chmod +x "$T/bin/apt-get"
	run -0 env "PATH=$T/bin:$PATH" LDFLAGS=-none make -s -C "$ROOT" "B=$T/b" \
	    "CURL=$T/made" "DESTDIR=$T/out" libcurl
	is "$output" 'building a small libcurl, for a minute (CURL=no: none)'
	[ -e "$T/made/lib/libcurl.a" ]
	[ ! -e "$T/out" ]
}

@test "run.sh and doctor say which libcurl answers use, and what it costs" {
	local costs="the system's, which takes 5 ms of CPU and 1.2 MB for each answer"
	[ -z "$(cat "$B/libexec/libcurl")" ] || skip "this build is not one of CURL=no"
	told() { sessions doctor --quick | sed -n 's/^ok *libcurl: //p'; }
	is "$(told)" "$costs. To build a small one, run deploy/libcurl.sh, and then make as before."
	is "$(OLLAMA_SERVER=https://localhost:1 told)" "$costs (OLLAMA_SERVER needs TLS or a name)."
	is "$(OLLAMA_SERVER="http://127.0.0.1:1 http://a.test:1" told)" "$costs (OLLAMA_SERVER needs TLS or a name)."
	run -2 "$B/libexec/answer" start
	is "${lines[0]}" "  libcurl   $costs;"
	is "${lines[1]}" "            deploy/libcurl.sh builds a small one"
	# Not where / is no mount of its own, as in a chroot.
	unshare -m true 2>/dev/null || return 0
	# As with one in answer-http.
	echo 8.1.0 >"$T/libcurl"
	small() {
		unshare -m sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' \
		    sh "$T/libcurl" "$B/libexec/libcurl" "$@"
	}
	is "$(small "$B/bin/sessions" -c /dev/null doctor --quick | sed -n 's/^ok *libcurl: //p')" \
	    'a small one, 8.1.0, linked into answer.'
	is "$(small "$B/libexec/answer" start | sed -n 1p)" \
	    '  libcurl   a small one, 8.1.0, linked into answer'
	is "$(OLLAMA_SERVER=https://localhost:1 small "$B/libexec/answer" start |
	    sed -n 1p)" "  libcurl   $costs (OLLAMA_SERVER needs TLS or a name)"
	for v in '' ' ' '
8.1.0'; do
		printf %s "$v" >"$T/libcurl"
		is "$(small "$B/libexec/answer" start | sed -n 1p)" "  libcurl   $costs;"
	done
}

# What deploy/libcurl.sh makes of this machine's lists.
sources() {
	sed -n '/^mkdir sources/,/sources\/here.sources/p' \
	    "$ROOT/deploy/libcurl.sh" | sed "s|/etc/apt|$T/apt|" >"$T/script"
	(cd "$T" && rm -rf sources && VERSION_CODENAME=trixie sh -eu "$T/script")
	cat "$T"/sources/*
}

@test "the small libcurl is made from the machine's own apt sources" {
	mkdir -p "$T/apt/sources.list.d"
	cat >"$T/apt/sources.list" <<-'END'
	# deb http://mirror.example/debian trixie main
	deb http://mirror.example/debian trixie main contrib
	deb [signed-by=/k.gpg] http://mirror.example/debian-security trixie-security main
	deb-src http://mirror.example/debian trixie main
	deb http://mirror.example/debian trixie-backports main
	deb http://else.example/apt stable main
	END
	cat >"$T/apt/sources.list.d/d.sources" <<-'END'
	Types: deb
	# a comment
	URIs: http://mirror.example/debian
	Suites: trixie trixie-updates
	Components: main
	Signed-By: /k.gpg

	Types: deb
	URIs: http://else.example/node
	Suites: nodistro
	Components: main
	END
	is "$(sources)" 'deb-src http://mirror.example/debian trixie main contrib
deb-src [signed-by=/k.gpg] http://mirror.example/debian-security trixie-security main
Types: deb-src
# a comment
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /k.gpg'
	rm -r "$T/apt"
	is "$(sources)" ''
}
