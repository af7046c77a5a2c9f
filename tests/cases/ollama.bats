# What Ollama does wrong, as a ticket's viewer gets it and as it is kept: an
# error and no answer; then the same question once more, which is answered.
load helper

prepare() { TICKET=0; }

# The first TIMES questions to Ollama get what the options of replay say, the
# later ones the good answer: wrong TIMES CODE [replay options] FILE
wrong() {
	local times=$1 code=$2
	shift 2
	replay --times "$times" --then "$UP/good.ndjson" "$@"
	fails $((++TICKET)) "$code"
	is "$(posts_here)" "$times"
	again $TICKET
	replay_end
	: >"$T/replay.log"
}
posts_here() { grep -c '^request' "$T/replay.log"; }

# A question of this ticket that Ollama spoils; nothing of it is kept.
fails() {
	ask "$1" "$Q"
	failed_with "$2" 2
	is "$(rows "$1")" '1|0'
	none_answers || within 10 none_answers
	[ ! -e "$TICKETCHAT_RUN_DIR/$1.sock" ]
	bad=$frames
}

# It is answered anew, in the same row.
again() {
	ask "$1" "$Q"
	generated
	is "$(rows "$1")" '1|1'
	ask "$1" "$Q"
	kept
	frames=$bad
}

rows() { sql "SELECT count(*), count(AiResponse) FROM TicketAISessions
    WHERE TicketId = $1"; }

# A part of the good answer was shown, not all of it.
partly() {
	is "$(types)" 'stream error'
	[[ $GOOD = "$(text)"?* ]]
}

# bats test_tags=fault,fault:11
@test "nobody listens, or there is no such name: unreachable, in good time" {
	export TICKETCHAT_CONNECT_TIMEOUT=600	# it is not that which ends it
	for server in http://127.0.0.1:9 http://no-such-host.invalid; do
		OLLAMA_SERVER=$server fails $((++TICKET)) upstream_unreachable
		is "$(last | jq .retryable)" true
		replay "$UP/good.ndjson"
		again $TICKET
		replay_end
	done
}

# bats test_tags=fault,fault:12
@test "no such model, a 500, a page: the code, the model's name, no body" {
	wrong 1 model_missing "$REC/missing-model.response.http"
	last | jq -r .message | grep -q gemma3:270m
	is "$(last | jq .retryable)" false
	# These are tried twice.
	wrong 2 upstream_error "$UP/500-runner-terminated.http"
	not grep -qi 'runner\|terminated' <<<"$frames"
	wrong 2 upstream_error "$UP/502-html.http"
	not grep -qi 'html\|nginx\|gateway' <<<"$frames"
	wrong 1 upstream_invalid "$UP/html-line.ndjson"
	not grep -qi '<' <<<"$frames"
}

# bats test_tags=fault,fault:13
@test "Ollama dies in the middle of a line: what was whole is shown, not kept" {
	for options in '' --reset; do
		wrong 1 upstream_truncated $options --cut 500 "$UP/good.ndjson"
		partly
	done
	wrong 1 upstream_invalid "$UP/truncated-line.ndjson"
	wrong 1 upstream_truncated "$REC/server-dies.response.http"
	is "$(types)" 'stream error'
}

# bats test_tags=fault,fault:14
@test "an end without done is none" {
	wrong 1 upstream_truncated "$UP/eof-without-done.ndjson"
	is "$(types)" 'stream error'
}

# bats test_tags=fault,fault:15
@test "an error line behind text, with a done behind it, or first" {
	for f in error-after-text error-object error-then-done; do
		wrong 1 upstream_error "$UP/$f.ndjson"
		is "$(types)" 'stream error'
	done
	wrong 2 upstream_error "$UP/error-first.ndjson"
	wrong 1 upstream_error "$REC/runner-dies.response.http"
}

# bats test_tags=fault,fault:16
@test "Ollama falls silent: a timer ends it, and the connection" {
	export TICKETCHAT_STALL_TIMEOUT=1 TICKETCHAT_ANSWER_TIMEOUT=60
	wrong 1 upstream_timeout --stall 500 "$UP/good.ndjson"
	partly
	is "$(last | jq -r .detail)" STALL_TIMEOUT
	export TICKETCHAT_FIRST_TOKEN_TIMEOUT=1
	wrong 1 upstream_timeout --stall 100 "$UP/good.ndjson"
	is "$(last | jq -r .detail)" FIRST_TOKEN_TIMEOUT
}

# bats test_tags=fault,fault:20
@test "an answer over its cap: not kept, and Ollama is left" {
	long 1000
	replay --pace 30 "$T/long.ndjson"
	export TICKETCHAT_MAX_ANSWER_BYTES=30
	fails 1 answer_too_long
	within 10 logged '^gone 1'
	is "$(last | jq .retryable)" false
	[[ $LONG = "$(text)"?* ]]
	replay_end
	replay "$UP/good.ndjson"
	again 1
}

# bats test_tags=fault,fault:17,fault:18,fault:19
@test "odd bytes, in pieces: what was shown is what is kept" {
	printf %s "$GOOD" >"$T/kept/crlf"
	printf 'antes�depois� fim' >"$T/kept/nul"
	printf 'par 😀 só � alta baixa � troca �� duas �😀 fim �� cortado' \
	    >"$T/kept/surrogates"
	for n in crlf nul surrogates invalid-utf8; do
		replay --split 1 "$UP/$n.ndjson"
		ask $((++TICKET)) "$Q"
		is "$(types) $status" 'stream done 0'
		# How many U+FFFD stand for bytes in a row does not matter.
		[ $n != invalid-utf8 ] || text >"$T/kept/$n"
		text | cmp - "$T/kept/$n"
		ask $TICKET "$Q"
		is "$(types)" 'cached done'
		jq -j 'select(.type == "cached").response' <<<"$frames" |
		    cmp - "$T/kept/$n"
		replay_end
	done
	grep -q '^antes �.*� depois$' "$T/kept/invalid-utf8"
}

# A server that answers with a text, WORD in it being the fence's, in pieces of
# N bytes: says TEXT N
says() {
	: >"$T/port"		# not of the server before
	/usr/bin/python3 - "$@" >"$T/port" 2>"$T/says.err" 3>&- <<'END' &
import http.server, json, re, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        word = re.match(r"\[\[([0-9a-f]{16})\]\]\n", asked["prompt"]).group(1)
        text, n = sys.argv[1].replace("WORD", word), int(sys.argv[2])
        pieces = [text[i:i + n] for i in range(0, len(text), n)]
        lines = [{"response": p, "done": False} for p in pieces]
        lines.append({"response": "", "done": True, "done_reason": "stop"})
        self.send_response(200)
        self.end_headers()
        for line in lines:
            self.wfile.write((json.dumps(line) + "\n").encode())
            self.wfile.flush()
    def log_message(self, *a):
        pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print(s.server_port, flush=True)
s.serve_forever()
END
	SAYS=$!
	track $SAYS
	within 10 test -s "$T/port"
	export OLLAMA_SERVER=http://127.0.0.1:$(cat "$T/port")/api/generate
}

@test "thoughts in the text: neither shown nor kept" {
	printf 'Open the rear cover.' >"$T/kept/open"
	for f in think-tags harmony; do
		replay --split 1 "$UP/$f.ndjson"
		ask $((++TICKET)) '{"ticketBody":"printer jam","status":true}'
		is "$(text)" 'Open the rear cover.'
		grep -q '"state":"thinking"' <<<"$frames"
		not grep -q 'rude\|angry\|think>\||>' <<<"$frames"
		ask $TICKET "$Q"
		is "$(jq -r 'select(.type == "cached").response' <<<"$frames")" \
		    'Open the rear cover.'
		replay_end
	done
	replay "$UP/think-tags-then-length.ndjson"
	ask $((++TICKET)) "$Q"
	failed_with empty_answer 2
	is "$(text)" ''
}

@test "thoughts whose beginning is in the template: the answer comes whole, before done" {
	printf 'Open the rear cover.' >"$T/kept/open"
	replay "$UP/think-close-only.ndjson"
	ask 1 "$Q"
	is "$(types) $status" 'stream cached done 0'
	is "$(jq -r 'select(.type == "cached").response' <<<"$frames")" \
	    'Open the rear cover.'
	ask 1 "$Q"
	is "$(types)" 'cached done'
	sessions doctor --quick | grep -q "^warning *template: $OLLAMA_MODEL writes its thoughts"
	answer <<<x
	is "$(types)" 'stream cached done'
	is "$(jq -r 'select(.type == "cached").response' <<<"$frames")" \
	    'Open the rear cover.'
	replay_end
	replay "$UP/good.ndjson"
	sessions doctor --quick | grep -q '^warning *template: '
	rm "$TICKETCHAT_RUN_DIR/health"
	ask 2 "$Q"
	generated
	not grep template <<<"$(sessions doctor --quick)"
}

@test "an answer that is about thoughts or marks stays whole" {
	text='Remove `<think>` … `</think>` and </s> from the log: <|channel|>analysis<|message|>.'
	printf %s "$text" >"$T/kept/about"
	says "$text" 3
	ask 1 "$Q"
	is "$(types) $status" 'stream done 0'
	is "$(text)" "$text"
}

@test "the fence's word and end marks go, in pieces of any size" {
	printf 'Open it.\nDone.\n' >"$T/kept/it"
	printf 'Open it.\nDone.' >"$T/kept/it2"
	printf 'Open it.' >"$T/kept/it3"
	for n in 1 3 7 1000; do
		says $'[[WORD]]\nOpen it.\nDone.\n[[/WORD]]\n<|im_end|>' $n
		ask $((++TICKET)) "$Q"
		is "$(types) $status" 'stream done 0'
		is "$(text; echo .)" $'Open it.\nDone.\n.'
		ask $TICKET "$Q"
		is "$(jq -j 'select(.type == "cached").response' <<<"$frames"; echo .)" \
		    $'Open it.\nDone.\n.'
		end $SAYS
		says $'Open it.WORD\n  [/WORD] \nDone.</s><|eot_id|>' $n
		ask $((++TICKET)) "$Q"
		is "$(types) $status" 'stream done 0'
		is "$(text)" $'Open it.\nDone.'
		end $SAYS
	done
	says $'Open itWORD.' 3	# within another word
	ask $((++TICKET)) "$Q"
	is "$(types) $status" 'stream done 0'
	is "$(text)" 'Open it.'
	sessions doctor --quick | grep -q "^warning *template: .*marks around the ticket"
}

# Runs a command where the only name server never answers.
silent_names() {
	unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' \
	    sh "$T/resolv.conf" "$@"
}
silent_server() {
	needs_root
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	/usr/bin/python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(1, 250):
    try:
        s.bind(("127.77.0.%d" % i, 53))
        break
    except OSError:
        pass
print("nameserver", s.getsockname()[0], flush=True)
print("options timeout:30 attempts:5", flush=True)
while True: s.recv(2000); print("; asked", flush=True)' >"$T/resolv.conf" 3>&- &
	track $!
	within 10 grep -q attempts "$T/resolv.conf"
}

@test "a name server that is silent: CONNECT_TIMEOUT holds" {
	silent_server
	for server in http://gpu.example:11434/api/generate \
	    http://gpu.example https://gpu.example/x/api/chat; do
		for m in "$OLLAMA_MODEL" ''; do
			export OLLAMA_SERVER=$server
			frames=$(OLLAMA_MODEL=$m TICKETCHAT_CONNECT_TIMEOUT=1 silent_names \
			    timeout 60 "$B/bin/answer" -c "$T/conf" <<<x 2>/dev/null) || true
			is "$(last | jq -r '[.code, .detail] | join(" ")')" \
			    'upstream_timeout CONNECT_TIMEOUT'
		done
	done
	grep -q asked "$T/resolv.conf"
	TICKETCHAT_CONNECT_TIMEOUT=1 silent_names timeout 60 "$B/bin/answer" \
	    -c "$T/conf" check | grep -q 'upstream_timeout.*no name server'
}

@test "a name server that is silent: a signal is heard meanwhile" {
	silent_server
	export OLLAMA_SERVER=http://gpu.example:11434 TICKETCHAT_CONNECT_TIMEOUT=100
	silent_names "$B/bin/answer" -c "$T/conf" <<<x >"$T/out" 2>/dev/null 3>&- &
	p=$!
	track $p
	within 20 grep -q asked "$T/resolv.conf"
	kill $(answers)
	within 20 dead "$p"
	frames=$(cat "$T/out")
	is "$(last | jq -r .code)" shutting_down
}

@test "a name server that is silent: stop is heard meanwhile" {
	silent_server
	export OLLAMA_SERVER=http://gpu.example:11434 TICKETCHAT_CONNECT_TIMEOUT=100
	(printf '%s\n' "$Q"; within 20 grep -q asked "$T/resolv.conf"
	    echo '{"type":"stop"}') | silent_names timeout 60 env PATH_INFO=/1 \
	    "$CHAT_BIN" -c "$T/conf" >"$T/out" 3>&- || true
	frames=$(cat "$T/out")
	is "$(last | jq -r .code)" stopped
}
