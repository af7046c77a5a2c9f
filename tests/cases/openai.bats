# Model servers that speak OpenAI's dialect: an address whose path ends in /v1
# or /v1/chat/completions.  replay plays tests/upstream as events of /v1, and
# the events and recordings of tests/openai as they are.
load helper

OA=$ROOT/tests/openai

prepare() { export SPEAKS=/v1; TICKET=0; }

# The body of the Nth POST, without what a test does not look at.
body() { jq -c "${2:-.}" "$T/bodies/$1.json"; }
# Of a ticket: rows, and rows with an answer.
rows() { sql "SELECT count(*), count(AiResponse) FROM TicketAISessions
    WHERE TicketId = $1"; }

# The frames of a question, the same from both dialects.
@test "an answer through /v1: the same frames, kept, and its cost" {
	replay "$UP/good.ndjson"
	for SPEAKS in /v1 /v1/ /v1/chat/completions /v1/chat/completions/; do
		OLLAMA_SERVER=http://127.0.0.1:$PORT$SPEAKS ask $((++TICKET)) "$Q"
		generated
		is "$(last)" '{"type":"done"}'
		ask $TICKET "$Q"
		kept
	done
	is "$(sed -n 's/ [0-9]*$//; s/^request //p' "$T/replay.log")" \
	    "$(for n in 1 2 3 4; do echo "$n POST /v1/chat/completions"; done)"
	is "$(sql 'SELECT DISTINCT Model, DoneReason, PromptTokens,
	    AnswerTokens, LoadMs FROM TicketAIGenerations')" \
	    'gemma3:270m|stop|18|6|0'
	not grep -q '^get' "$T/replay.log"	# no /api/ps, no list
}

@test "what is posted to /v1/chat/completions" {
	replay "$UP/good.ndjson"
	printf 'a "b"\n\tç' | TICKETCHAT_SYSTEM_PROMPT_FILE=none answer
	generated
	is "$(body 1)" '{"model":"gemma3:270m","messages":[{"role":"user","content":"a \"b\"\n\tç"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":1024}'
	OLLAMA_OPTIONS='{"num_ctx":8192,"temperature":0.2,"seed":7,"stop":["x"],"num_predict":50,"top_p":0.9,"top_k":3}' \
	    OLLAMA_KEEP_ALIVE=30m OLLAMA_THINK=true answer <<<x
	is "$(body 2 'del(.messages)')" '{"model":"gemma3:270m","stream":true,"stream_options":{"include_usage":true},"temperature":0.2,"top_p":0.9,"seed":7,"stop":["x"],"max_tokens":50}'
	is "$(body 2 '[.messages[].role]')" '["system","user"]'
	is "$(jq -j '.messages[0].content' "$T/bodies/2.json")" \
	    "$(cat "$ROOT/lib/ollama/system_prompt.txt")"
	# The ticket stands in its fence.
	jq -j '.messages[1].content' "$T/bodies/2.json" |
	    grep -qzP '^\[\[([0-9a-f]{16})\]\]\nx\n\[\[/\1\]\]\n$'
	# Without a model, the first of the list.
	OLLAMA_MODEL= answer <<<x
	generated
	is "$(body 3 .model)" '"replay:latest"'
	replay_end
	replay --models "$OA/llamacpp-models.response.http" "$UP/good.ndjson"
	OLLAMA_MODEL= answer <<<x
	is "$(body 1 .model)" '"/models/SmolLM2-135M-Instruct.Q4_1.gguf"'
}

@test "a thread through /v1: messages in turns, each prompt begins as the last" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 '{"question":"why?"}'
	generated
	ask 42 '{"question":"and then?"}'
	generated
	is "$(body 3 '[.messages[].role]')" \
	    '["system","user","assistant","user","assistant","user"]'
	for n in 1 2; do
		jq -c ".messages" "$T/bodies/$n.json" | sed 's/]$//' >"$T/head"
		jq -c .messages "$T/bodies/$((n + 1)).json" |
		    head -c "$(($(wc -c <"$T/head") - 1))" | cmp - <(head -c -1 "$T/head")
	done
	TICKETCHAT_WRITE=on ask 42 \
	    '{"ticketBody":"printer jam","refresh":true,"instruction":"in English"}'
	generated
	jq -j '.messages[1].content' "$T/bodies/4.json" | grep -q '^in English$'
}

# Each file of events, one byte at a time, as a viewer gets it and as it is kept.
@test "events in pieces: what was shown is what is kept" {
	for n in good crlf comments nulls null-message whole-again \
	    unknown-fields no-done no-done-no-newline \
	    done-without-finish many-lines reasoning-content think-tags; do
		replay --split 1 "$OA/$n.sse"
		ask $((++TICKET)) "$Q"
		is "$n $(types) $(text; echo .)" "$n stream done $GOOD."
		is "$(rows $TICKET)" '1|1'
		ask $TICKET "$Q"
		kept
		replay_end
	done
	# An answer that was cut at the limit says so, as from Ollama.
	replay "$OA/length.sse"
	ask 90 "$Q"
	SPEAKS=/api/chat
	sed 's/"stop"/"length"/' "$UP/good.ndjson" >"$T/length.ndjson"
	replay "$T/length.ndjson"
	local cut
	cut=$(last)
	ask 91 "$Q"
	is "$(last)" "$cut"
	not is "$cut" '{"type":"done"}' 2>/dev/null
	SPEAKS=/v1
	replay "$OA/content-filter.sse"
	ask 92 "$Q"
	is "$(last)" "$cut"
	ask 92 "$Q"
	is "$(types) $(jq -r 'select(.type == "cached").reason' <<<"$frames")" 'cached done length'
}

@test "recordings of Ollama's /v1 and of llama.cpp" {
	for n in openai-stream openai-single llamacpp-stream; do
		replay --split 7 "$OA/$n.response.http"
		answer <<<x
		is "$(types) $status" 'stream done 0'
		replay_end
	done
	is_text 'Fixing the problem with a printer.'
	replay "$OA/llamacpp-too-long.response.http"
	answer <<<x
	failed_with upstream_truncated 2
	is "$(posts)" 5
	replay_end
	# It got another question, and broke this answer off with [DONE].
	spoilt upstream_truncated 1 "$OA/llamacpp-interrupted.response.http"
	is "$(types)" 'stream error'
}

# spoilt CODE TIMES [replay options] FILE: an error, nothing kept; then answered.
spoilt() {
	local code=$1 times=$2
	shift 2
	: >"$T/replay.log"
	replay --times "$times" --then "$OA/good.sse" "$@"
	ask $((++TICKET)) "$Q"
	failed_with "$code" 2
	is "$(posts)" "$times"
	is "$(rows $TICKET)" '1|0'
	bad=$frames
	ask $TICKET "$Q"
	generated
	is "$(rows $TICKET)" '1|1'
	replay_end
	frames=$bad
}

@test "errors, ends and other programs: nothing of it is kept" {
	spoilt upstream_truncated 1 "$OA/eof.sse"
	is "$(types)" 'stream error'
	spoilt upstream_truncated 2 "$OA/empty.sse"
	# [DONE], but the finish_reason that was null has not come.
	spoilt upstream_truncated 1 "$OA/done-unfinished.sse"
	is "$(types)" 'stream error'
	spoilt upstream_truncated 2 "$OA/done-unfinished-first.sse"
	spoilt upstream_truncated 1 --cut 700 "$OA/good.sse"
	is "$(types)" 'stream error'
	[[ $GOOD = "$(text)"?* ]]
	for n in error abort object; do
		spoilt upstream_truncated 1 "$OA/finish-$n.sse"
	done
	spoilt prompt_too_long 1 "$OA/error-line.sse"
	spoilt upstream_error 1 "$OA/error-in-data.sse"
	is "$(types)" 'stream error'
	not grep -q slot <<<"$frames"
	spoilt upstream_error 1 "$OA/error-object.sse"
	spoilt upstream_invalid 1 "$OA/garbage.sse"
	spoilt upstream_invalid 1 "$OA/html.sse"
	not grep -q '<' <<<"$frames"
	spoilt upstream_invalid 1 "$UP/html-line.ndjson"
	spoilt model_missing 1 "$OA/openai-missing.response.http"
	last | jq -r .message | grep -q gemma3:270m
}

refusal() {	# refusal FILE STATUS BODY
	printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s' \
	    "$2" "$(printf %s "$3" | wc -c)" "$4" "$3" >"$1"
}

@test "a refusal that names a field: once more without it, and remembered" {
	while read -r field message; do
		rm -f "$TICKETCHAT_RUN_DIR/refusals"
		refusal "$T/400.http" '400 Bad Request' "{\"error\":{\"message\":\"$message\"}}"
		: >"$T/replay.log"
		replay --times 1 --then "$OA/good.sse" "$T/400.http"
		ask $((++TICKET)) "$Q"
		generated
		is "$field $(posts)" "$field 2"
		is "$(body 1 "$field")" true
		is "$(body 2 "$field")" false
		replay_end
		# The next question knows.
		replay -p "$PORT" "$OA/good.sse"
		ask $((++TICKET)) "$Q"
		generated
		is "$(posts)" 3
		is "$(body 1 "$field")" false
		replay_end
	done <<-'END'
	has("max_tokens") Unsupported parameter: 'max_tokens' is not supported with this model.
	has("stream_options") Unknown field stream_options
	any(.messages[].role;.=="system") System role not supported
	END
	# What is not named is sent again, and fails again.
	refusal "$T/400.http" '400 Bad Request' '{"error":"no"}'
	replay "$T/400.http"
	ask $((++TICKET)) "$Q"
	failed_with upstream_rejected 2
	is "$(posts)" 4
}

@test "a server that loads its model is waited for, with status loading" {
	refusal "$T/503.http" '503 Service Unavailable' \
	    '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
	replay --times 2 --then "$OA/good.sse" "$T/503.http"
	ask 1 '{"ticketBody":"printer jam","status":true}'
	is "$(text; echo .)" "$GOOD."
	is "$(posts)" 3
	[[ " $(states) " = *" loading generating "* ]]
	replay_end
	replay "$T/503.http"
	TICKETCHAT_FIRST_TOKEN_TIMEOUT=2 ask 2 "$Q"
	failed_with upstream_timeout 2
	is "$(last | jq -r .detail)" FIRST_TOKEN_TIMEOUT
	replay_end
	# Any other 503 is a busy server.
	refusal "$T/503.http" '429 Too Many Requests' '{"error":{"message":"slow"}}' $'Retry-After: 7\r\n'
	replay "$T/503.http"
	ask 3 "$Q"
	failed_with upstream_busy 2
	is "$(last | jq .retryAfter)" 7
}

@test "a server that falls silent, and one that only comments" {
	export TICKETCHAT_STALL_TIMEOUT=1 TICKETCHAT_ANSWER_TIMEOUT=60
	replay --stall 500 "$OA/good.sse"
	ask 1 "$Q"
	failed_with upstream_timeout 2
	is "$(last | jq -r .detail)" STALL_TIMEOUT
	replay_end
	export TICKETCHAT_FIRST_TOKEN_TIMEOUT=1
	replay --stall 200 "$OA/comments.sse"
	ask 1 "$Q"
	is "$(last | jq -r .detail)" FIRST_TOKEN_TIMEOUT
}

# A server that wants a bearer; it logs each.
bearers() {
	/usr/bin/python3 -c 'import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def say(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(sys.argv[2], "a") as f: f.write("%s %s\n" % (self.path, self.headers.get("Authorization")))
        good = self.headers.get("Authorization") == "Bearer " + sys.argv[1]
        body = b"{\"error\":{\"message\":\"no\"}}" if not good else b"{\"data\":[{\"id\":\"m\"}]}" if self.command == "GET" else b"data: {\"choices\":[{\"delta\":{\"content\":\"Reinicie a impressora.\\n\"},\"finish_reason\":\"stop\"}]}\n\n"
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
    do_GET = do_POST = say
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print(s.server_port, flush=True)
s.serve_forever()' "$1" "$T/bearers" >"$T/port" 3>&- &
	track $!
	within 10 test -s "$T/port"
	PORT=$(cat "$T/port")
}

@test "each server gets its own bearer, and no other one" {
	printf 'one\n' >"$T/one"
	printf 'two\n' >"$T/two"
	chmod 600 "$T/one" "$T/two"
	bearers two
	# In the sandbox of chat, too.
	OLLAMA_SERVER="http://127.0.0.1:$PORT/v1 token=$T/two" ask 1 "$Q"
	generated
	OLLAMA_SERVER="http://127.0.0.1:$PORT/v1" OLLAMA_TOKEN_FILE=$T/one ask 2 "$Q"
	failed_with upstream_rejected 2
	OLLAMA_SERVER="http://127.0.0.1:9 http://127.0.0.1:$PORT/v1 token=$T/two" \
	    OLLAMA_TOKEN_FILE=$T/one ask 3 "$Q"
	generated
	# OLLAMA_TOKEN_FILE is for the first host only.
	: >"$T/bearers"
	OLLAMA_SERVER="http://127.0.0.1:9 http://127.0.0.1:$PORT/v1" \
	    OLLAMA_TOKEN_FILE=$T/two ask 4 "$Q"
	failed_with upstream_rejected 2
	is "$(sort -u "$T/bearers" | sed 's/.* //' | uniq)" None
	OLLAMA_SERVER="http://127.0.0.1:9 http://127.0.0.1:$PORT/v1" \
	    OLLAMA_TOKEN_FILE=$T/two run -0 --separate-stderr sessions settings --service
	[[ $stderr = *"OLLAMA_TOKEN_FILE is for the host of http://127.0.0.1:9 only: http://127.0.0.1:$PORT/v1 gets no token"* ]]
	for list in "http://a/v1 http://a/x/v1" "http://a" "http://a http://b token=$T/two"; do
		OLLAMA_SERVER=$list OLLAMA_TOKEN_FILE=$T/one \
		    run -0 --separate-stderr sessions settings --service
		not grep -q 'OLLAMA_TOKEN_FILE is for' <<<"$stderr"
	done
	# A file that is no token stops the service's start, and is named.
	printf 'a b\n' >"$T/two"
	OLLAMA_SERVER="http://a http://b/v1 token=$T/two" run -102 --separate-stderr sessions settings
	[[ $stderr = *"token=$T/two: "*"more than one word"* ]]
	chmod 644 "$T/two"
	OLLAMA_SERVER="http://b/v1 token=$T/two" run -102 --separate-stderr sessions settings
	[[ $stderr = *"token=$T/two: other users can read it"* ]]
}

@test "a mixed list: each server is asked in its dialect" {
	replay --models "$OA/openai-models.response.http" "$UP/good.ndjson"
	local ai=$PORT
	SPEAKS=/api/chat replay --ps "$REC/tags-empty.response.http" "$UP/good.ndjson"
	# The Ollama has nothing loaded, so that the other one answers.
	export OLLAMA_SERVER="http://127.0.0.1:$PORT http://127.0.0.1:$ai/v1"
	OLLAMA_MODEL=smollm2 ask 1 "$Q"
	generated
	is "$(sed -n 's/^request [0-9]* POST \([^ ]*\).*/\1/p' "$T/replay.log")" /v1/chat/completions
	# It is gone: Ollama answers.
	replay_end
	OLLAMA_SERVER="http://127.0.0.1:9 http://127.0.0.1:$ai/v1" ask 2 "$Q"
	generated
	OLLAMA_SERVER="http://127.0.0.1:9/v1 http://127.0.0.1:$ai" ask 3 "$Q"
	generated
	is "$(sed -n 's/^request [0-9]* POST \([^ ]*\).*/\1/p' "$T/replay.log" | tail -n 1)" /api/chat
	OLLAMA_MODEL=smollm2 run -0 "$B/bin/answer" -c "$T/conf" check
	[[ $output = *"http://127.0.0.1:$ai/v1: model smollm2"* ]]
}

examine() {
	local rc=0
	sessions doctor --json --quick >"$T/found" 2>"$T/found.err" || rc=$?
}
finds() {
	jq -r "select(.check == \"$1\") | .level + \": \" + .finding + \" / \" + (.remedy // \"\")" \
	    "$T/found" | grep -qE "^$2: .*$3" && return
	printf 'no %s of %s with %s:\n' "$2" "$1" "$3" >&2
	cat "$T/found" >&2
	return 1
}

@test "doctor and answer check: the dialect, the model, and what is not known" {
	replay --models "$OA/openai-models.response.http" "$UP/good.ndjson"
	export OLLAMA_MODEL=smollm2
	examine
	finds model ok "smollm2 at http://127.0.0.1:$PORT/v1; OpenAI's dialect: the server does not tell whether the model is loaded, how long a prompt may be, nor on whose machine"
	finds context ok 'not known'
	run -0 "$B/bin/answer" -c "$T/conf" check
	[[ $output = "http://127.0.0.1:$PORT/v1: model smollm2; OpenAI's dialect: "* ]]
	run -0 "$B/bin/answer" -c "$T/conf" load
	is "$(posts)" 0
	OLLAMA_OPTIONS='{"num_ctx":8192,"seed":1,"top_k":5}' examine
	finds OLLAMA_OPTIONS ok 'not sent .*: num_ctx, top_k / '
	is "$(jq -r 'select(.check == "OLLAMA_OPTIONS").finding' "$T/found" | wc -l)" 1
	OLLAMA_MODEL=none examine
	finds model error "model_missing, none.*set OLLAMA_MODEL to a name of http://127.0.0.1:$PORT/v1/models"
	OLLAMA_MODEL=none run -2 "$B/bin/answer" -c "$T/conf" check
	[[ $output = *"model_missing (model none). "* ]]
	not grep -q 'ollama pull' <<<"$output"
	replay_end
	# A llama.cpp has one model, whatever it is called here.
	replay --models "$OA/llamacpp-models.response.http" "$UP/good.ndjson"
	examine
	finds model ok 'smollm2 at .*it is a llama.cpp'
	OLLAMA_MODEL= examine
	finds model ok '/models/SmolLM2-135M-Instruct.Q4_1.gguf at '
	OLLAMA_SERVER=http://127.0.0.1:$PORT/x/v1 examine
	finds model error 'upstream_rejected.*HTTP 404.*must end in /v1 or /v1/chat/completions'
	replay_end
	OLLAMA_SERVER=http://127.0.0.1:9/v1 examine
	finds model error 'upstream_unreachable.*Start the model server'
}

@test "doctor: no Ollama behind Ollama's list, and the address to use" {
	SPEAKS=/api/generate replay --no-version "$UP/good.ndjson"
	OLLAMA_MODEL= examine
	finds model error "upstream_invalid.*answers /api/tags but not /api/version.*Set OLLAMA_SERVER=http://127.0.0.1:$PORT/v1$"
	OLLAMA_MODEL= run -2 "$B/bin/answer" -c "$T/conf" check
	[[ $output = *"OLLAMA_SERVER=http://127.0.0.1:$PORT/v1" ]]
	replay_end
	SPEAKS= replay --tags "$UP/other/llama-server.tags.http" "$UP/good.ndjson"
	examine
	finds model error "llama-server.*Set OLLAMA_SERVER=http://127.0.0.1:$PORT/v1$"
	replay_end
	SPEAKS=/api/generate replay "$UP/good.ndjson"
	OLLAMA_MODEL= examine
	finds model ok 'replay:latest at '
}

@test "doctor: a token over plain http, and files with tokens" {
	printf 'one\n' >"$T/one"
	chmod 600 "$T/one"
	OLLAMA_SERVER="http://gpu2.invalid/v1 token=$T/one" examine
	finds token ok "$T/one"
	finds token warning "the token of $T/one goes to http://gpu2.invalid/v1 without encryption"
	OLLAMA_SERVER="https://gpu2.invalid/v1 token=$T/one" examine
	not finds token warning .
	OLLAMA_SERVER=http://gpu2.invalid OLLAMA_TOKEN_FILE=$T/one examine
	finds token warning 'OLLAMA_TOKEN_FILE goes to http://gpu2.invalid '
	OLLAMA_SERVER="http://a.invalid/v1 token=$T/none" examine
	finds token error "$T/none: No such file"
}
