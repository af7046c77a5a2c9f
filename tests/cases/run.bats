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
	# exec: what was started is websocketd itself, and a signal ends it.
	is "$(cat "/proc/$SERVICE/comm")" websocketd
	end "$SERVICE"
	run ! listening "$P"
}

@test "without an Ollama it starts, says so, and works when there is one" {
	export OLLAMA_SERVER=http://127.0.0.1:$(free_port)/api/generate
	service
	grep -q 'NOT READY' "$T/said"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/7" "$Q")
	is "$(code)" upstream_unreachable
	local port=${OLLAMA_SERVER#http://127.0.0.1:}
	replay -p "${port%%/*}" "$UP/good.ndjson"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/7" "$Q")
	generated
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
