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

# The libcurl that `make' would link into answer.
small_curl() {
	make -s -C "$ROOT" "B=$T/b" "$@" \
	    --eval 'print: ; @echo "$(SMALL_CURL)"' print
}
noted() { make -s -C "$ROOT" "B=$T/b" "$@" "$T/b/flags"; }

@test "make goes on with the libcurl that it was given last" {
	mkdir -p "$T/one/lib" "$T/two/lib" "$T/b"
	: >"$T/one/lib/libcurl.a"
	: >"$T/two/lib/libcurl.a"
	local here=
	[ ! -e "$ROOT/build/libcurl/lib/libcurl.a" ] || here=build/libcurl
	is "$(small_curl)" "$here"
	noted "CURL=$T/one"
	is "$(small_curl)" "$T/one"
	is "$(small_curl "CURL=$T/two")" "$T/two"
	noted "CURL=$T/two"
	is "$(small_curl)" "$T/two"
	noted CURL=no
	is "$(small_curl)" ''
	noted "CURL=$T/one"
	rm "$T/one/lib/libcurl.a"
	is "$(small_curl)" "$here"
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
