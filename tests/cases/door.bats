# The door: HTTP requests through a pipe and through socat, as HTTP_PORT runs it.
load helper

# Sends a request (a format for printf) through a pipe.  Sets status, the status
# of the response; its head is in $T/head, without carriage returns, its body in
# $T/body.
door() {
	rc=0
	printf "$@" | "$B/bin/door" -c "$T/conf" >"$T/response" \
	    2>>"$T/door.err" || rc=$?
	parse
}
parse() {
	sed -n 's/\r$//; /^$/q; p' "$T/response" >"$T/head"
	sed '1,/^\r$/d' "$T/response" >"$T/body"
	read -r _ status _ <"$T/head"
}
# One of HTTP/1.0, so that the body is not in chunks.
get() { door 'GET %s HTTP/1.0\r\n\r\n' "$1"; }
post() { door 'POST %s HTTP/1.0\r\nContent-Type: %s\r\nContent-Length: %d\r\n%b\r\n%s' \
	"$1" "${3:-application/json}" "$(printf %s "$2" | wc -c)" "$4" "$2"; }
body() { echo "$(<"$T/body")"; }
field() { sed -n "s/^$1: //p" "$T/head"; }
# A refusal: its status and code, as one frame of JSON.
refused() {
	is "$status $(jq -r '.type + " " + .code' "$T/body")" "$1 error $2"
	is "$(field Content-Type)" application/json
	is "$(wc -l <"$T/body")" 1
}
untouched() { is "$(posts) $(sql 'SELECT count(*) FROM TicketAISessions')" '0 0'; }

# The same by socat, as run.sh starts it; sets U, its address.
open_door() {
	D=$(free_port)
	socat "TCP-LISTEN:$D,bind=127.0.0.1,reuseaddr,fork" \
	    "EXEC:$B/bin/door -c $T/conf,nofork" 2>>"$T/socat.err" 3>&- &
	track $!
	within 60 listening "$D"
	U=http://127.0.0.1:$D
}
request() {
	rc=0
	status=$(curl -sS -m 60 -D "$T/raw" -o "$T/body" -w '%{http_code}' "$@") || rc=$?
	sed 's/\r$//' "$T/raw" >"$T/head"
}
doors() { processes door; }
no_doors() { [ -z "$(doors)" ]; }
# A door that has sent the beginning of an answer; sets p, curl's pid.
asks_midway() {
	long 25
	replay_part "$T/long.ndjson"
	open_door
	curl -sSN -m 60 --data-raw "$Q" -H 'Content-Type: application/json' \
	    "$@" "$U/api/ask?ticket=42" >"$T/body" 2>"$T/curl.err" 3>&- &
	p=$!
	track $p
	within 60 grep -q w8 "$T/body" ||
	    { cat "$T/body" "$T/curl.err" "$T/socat.err"; tail -n 5 "$TICKETCHAT_LOG"; return 1; }
}

@test "healthz: a few words, without a token, and nothing is written" {
	get /healthz		# the database's other files are there now
	find "$T/run" "$T"/db* -type f ! -name '*-shm' -exec stat -c '%n %y %s' {} + | sort >"$T/before"
	TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$ROOT/tests/cases/keys/none get /healthz
	is "$status $(body) $rc" '200 ok 0'
	is "$(field Content-Length)" 3
	find "$T/run" "$T"/db* -type f ! -name '*-shm' -exec stat -c '%n %y %s' {} + | sort >"$T/after"
	is "$(diff "$T/before" "$T/after")" ''
	door 'HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
	is "$status $(body) $(field Content-Length)" '200  3'
	get '/healthz?model=2'
	refused 400 bad_request
	is "$(head -n 7 "$T/head" | tail -n 6)" 'Connection: close
Cache-Control: no-store
X-Content-Type-Options: nosniff
Cross-Origin-Resource-Policy: same-origin
Vary: Origin
Content-Type: application/json'
}

@test "healthz: 503 while the database or RUN_DIR cannot be used, then 200" {
	needs_sqlite "a file"
	mv "$T/db" "$T/away"
	get /healthz
	is "$status $(body) $rc" '503 the database cannot be used 111'
	mkdir "$T/db"
	get /healthz
	is "$status $(body)" '503 the database cannot be used'
	rmdir "$T/db"
	echo 'no database' >"$T/db"
	get /healthz
	is "$status $(body)" '503 the database cannot be used'
	mv "$T/away" "$T/db"
	get /healthz
	is "$status" 200
	sql 'PRAGMA user_version = 99'
	get /healthz
	is "$status" 503
	sql "PRAGMA user_version = $SCHEMA"
	mv "$T/run" "$T/away"
	: >"$T/run"
	get /healthz
	is "$status $(body)" '503 RUN_DIR cannot be used'
	grep -q 'healthz="RUN_DIR cannot be used"' "$T/door.err"
	rm "$T/run"
	mv "$T/away" "$T/run"
	get /healthz
	is "$status" 200
}

@test "healthz: 503 while the database server is away, then 200" {
	[ "$STORE" = postgres ] || skip "of PostgreSQL"
	get /healthz
	is "$status" 200
	pg_stop immediate
	get /healthz
	is "$status $(body)" '503 the database cannot be used'
	get /metrics
	refused 503 storage
	pg_up "$PG"
	get /healthz
	is "$status $(body)" '200 ok'
}

@test "healthz: 503 while the disk is full" {
	needs_sqlite "a file"
	needs_root
	mkdir "$T/disk"
	unshare -m mount -t tmpfs none "$T/disk" 2>/dev/null || skip "no mounts here"
	cat >"$T/full.sh" <<'END'
mount -t tmpfs -o size=16m none "$T/disk" && cp -p "$T"/db* "$T/disk" || exit
export TICKETCHAT_DATABASE=$T/disk/db
look() { printf 'GET /healthz HTTP/1.0\r\n\r\n' | "$B/bin/door" -c "$T/conf" 2>>"$T/door.err" | tail -n 1; }
look
head -c 20000000 /dev/zero >"$T/disk/full" 2>/dev/null
look
rm "$T/disk/full"
look
END
	# What is mounted ends with the shell.
	T=$T B=$B unshare -m bash "$T/full.sh" >"$T/said"
	is "$(<"$T/said")" 'ok
the disk of the database is full or read-only
ok'
}

@test "healthz?model=1: from a result of ten seconds at most" {
	replay --tags "$REC/tags.response.http" --ps "$REC/ps.response.http" "$UP/good.ndjson"
	get '/healthz?model=1'
	is "$status $(body)" '200 ok'
	replay_end
	get '/healthz?model=1'
	is "$status" 200
	touch -d '-11 seconds' "$T/run/model"
	get '/healthz?model=1'
	is "$status $(body)" '503 no model server answers'
	get /healthz
	is "$status" 200
	touch -d '+1 hour' "$T/run/model"
	get '/healthz?model=1'
	is "$status" 503
}

@test "ask: the frames as lines, as events, or the text alone" {
	replay "$UP/good.ndjson"
	post '/api/ask?ticket=42' "$Q"
	is "$status $rc $(field Content-Type)" '200 0 application/x-ndjson'
	frames=$(<"$T/body")
	generated
	# The same as through chat.
	ask 42 "$Q"
	post '/api/ask?ticket=42' "$Q"
	is "$(norm "$(body)")" "$(norm)"
	post '/api/ask?ticket=42' 'printer jam' text/plain 'Accept: text/plain\r\n'
	is "$status $(field Content-Type)" '200 text/plain; charset=utf-8'
	is "$(<"$T/body")" "${GOOD%$'\n'}"
	is "$(wc -c <"$T/body")" "${#GOOD}"
	post '/api/ask?ticket=42' "$Q" 'application/json; charset=utf-8' 'Accept: text/event-stream\r\n'
	is "$(field Content-Type)" 'text/event-stream; charset=utf-8'
	is "$(sed -n 's/^data: //p' "$T/body" | jq -r .type | paste -sd ' ')" 'cached done'
	is "$(grep -vc '^data: ' "$T/body") $(posts)" '2 1'
	# What is wanted most, and lines where nothing of it is there.
	post '/api/ask?ticket=42' "$Q" application/json 'Accept: text/html, text/plain;q=0.2, text/event-stream;q=0.3\r\n'
	is "$(field Content-Type)" 'text/event-stream; charset=utf-8'
	post '/api/ask?ticket=42' "$Q" application/json 'Accept: image/png\r\n'
	is "$(field Content-Type)" application/x-ndjson
}

@test "ask: each message of the protocol" {
	replay "$UP/good.ndjson"
	post '/api/ask?ticket=42' '{"type":"ping"}'
	is "$status $(body)" '200 {"type":"pong"}'
	post '/api/ask?ticket=42' '{"type":"stop"}'
	is "$status $(body)" '204 '
	post '/api/ask?ticket=42' "$Q"
	post '/api/ask?ticket=42' '{"type":"rate","good":true}'
	is "$status $(jq -c '[.type,.good]' "$T/body")" '200 ["rated",1]'
	post '/api/ask?ticket=42' '{"question":"And now?"}'
	is "$status $(jq -r .type "$T/body" | paste -sd ' ')" '200 stream done'
	get '/api/answer?ticket=42&thread=1'
	is "$status $(jq -r .type "$T/body" | paste -sd ' ')" '200 cached turn done'
	get '/api/answer?ticket=42&version=1'
	is "$status $(jq -r .type "$T/body" | paste -sd ' ')" '200 cached done'
	for v in 0 01 -1 x ''; do
		get "/api/answer?ticket=42&version=$v"
		refused 400 bad_request
	done
}

@test "failures: the status of each kind, one frame as JSON" {
	get '/api/answer?ticket=42'
	refused 404 no_answer
	for t in '' ticket ticket= ticket=0 ticket=042 ticket=x ticket=4%%32 'ticket=1&ticket=1' \
	    ticket=9223372036854775808 Ticket=42; do
		door "GET /api/answer?$t HTTP/1.0\r\n\r\n"
		refused 400 bad_ticket_id
		is "$(jq -r .message "$T/body")" 'O parâmetro "ticket" não é o número de um chamado, como em ?ticket=42.'
	done
	for m in '' '{' '[]' 'x' $'{"ticketBody":"\xff"}'; do
		post '/api/ask?ticket=42' "$m"
		refused 400 bad_json
	done
	for m in '{}' '{"ticketBody":""}' '{"ticketBody":1}' '{"ticketBody":"a","ticketBody":"b"}'; do
		post '/api/ask?ticket=42' "$m"
		refused 400 bad_request
	done
	for c in application/x-www-form-urlencoded multipart/form-data text/html x '*/*' 'application/*' \
	    'text/html, application/json' 'application/json, text/html' 'application/json;charset=latin1' \
	    'text/html, */*;q=0.1' 'application/json;v=1' application/jsonx; do
		post '/api/ask?ticket=42' "$Q" "$c"
		refused 400 bad_request
	done
	post '/api/ask?ticket=42' ' ' text/plain
	refused 400 bad_request
	TICKETCHAT_TICKETS=existing post '/api/ask?ticket=42' "$Q"
	refused 404 unknown_ticket
	TICKETCHAT_OPEN=off get '/api/answer?ticket=42'
	refused 403 not_allowed
	untouched
	# Of the model, whatever the client accepts.
	post '/api/ask?ticket=42' "$Q" application/json 'Accept: text/plain\r\n'
	refused 502 upstream_unreachable
	is "$rc" 2
	replay "$UP/429-cloud.http"
	post '/api/ask?ticket=43' "$Q"
	refused 503 upstream_busy
	replay_end
	replay --stall 0 "$UP/good.ndjson"
	TICKETCHAT_FIRST_TOKEN_TIMEOUT=1 post '/api/ask?ticket=44' "$Q"
	refused 504 upstream_timeout
}

@test "tokens: 401 without one, and each way to send it" {
	head -c 40 /dev/urandom | base64 >"$T/key.secret"
	chmod 600 "$T/key.secret"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret TICKETCHAT_JWT_COOKIE=desk
	replay "$UP/good.ndjson"
	token=$(sessions token --ticket 42 "$T/key.secret")
	post '/api/ask?ticket=42' "$Q"
	refused 401 unauthorized
	is "$(field WWW-Authenticate)" Bearer
	get '/api/answer?ticket=42'
	refused 401 unauthorized
	post '/api/ask?ticket=43' "$Q" application/json "Authorization: Bearer $token\r\n"
	refused 401 unauthorized
	untouched
	post '/api/ask?ticket=42' "$Q" application/json "Authorization: Bearer $token\r\n"
	is "$status" 200
	post '/api/ask?ticket=42' "$Q" application/json "Cookie: a=b; desk=$token\r\n"
	is "$status" 200
	post '/api/ask?ticket=42' "{\"ticketBody\":\"printer jam\",\"token\":\"$token\"}"
	is "$status" 200
	door 'GET /api/answer?ticket=42 HTTP/1.0\r\nCookie: a=b\r\nCookie: desk=%s\r\n\r\n' "$token"
	is "$status" 200
}

@test "browsers: origins, Sec-Fetch-Site, and Host against DNS rebinding" {
	export TICKETCHAT_ALLOWED_ORIGINS='https://desk.example http://[2001:db8::1]:8080'
	export TICKETCHAT_HTTP_HOSTS='api.example proxy'
	# Before anything is looked up, on every path.
	for f in 'Origin: null' 'Origin: https://evil.example' 'Origin: http://desk.example' \
	    'Origin: https://desk.example:444' 'Origin:' 'Origin: https://desk.example.evil.example' \
	    'Sec-Fetch-Site: cross-site' 'Sec-Fetch-Site: same-site' 'Sec-Fetch-Site:' 'Sec-Fetch-Site: x' \
	    'Host: evil.example' 'Host: desk.example.evil.example' 'Host: localhost.evil.example' \
	    'Host: 127.0.0.1.evil.example' 'Host:' 'Host: :80' 'Host: desk.example:x' 'Host: 1.2.3' \
	    'Host: [::1' 'Host: a@127.0.0.1' 'Host: *'; do
		for path in /healthz /metrics '/api/answer?ticket=42' /none; do
			door 'GET %s HTTP/1.0\r\n%s\r\n\r\n' "$path" "$f"
			refused 403 forbidden_origin
			is "$(field Access-Control-Allow-Origin)" ''
		done
	done
	untouched
	for f in 'Origin: https://desk.example' 'Origin: https://desk.example:443' \
	    'Sec-Fetch-Site: same-origin' 'Sec-Fetch-Site: none' \
	    'Sec-Fetch-Site: cross-site\r\nOrigin: https://desk.example' \
	    'Host: 10.1.2.3' 'Host: 10.1.2.3:5001' 'Host: [::1]' 'Host: [::1]:5001' 'Host: LOCALHOST:1' \
	    'Host: Desk.Example' 'Host: desk.example:8443' 'Host: [2001:db8::1]' 'Host: API.example' 'Host: proxy:80'; do
		door 'GET /healthz HTTP/1.0\r\n%b\r\n\r\n' "$f"
		is "$f $status" "$f 200"
	done
	# The host of a target counts, not the field beside it.
	door 'GET http://desk.example:80/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n'
	is "$status" 200
	door 'GET http://evil.example/healthz HTTP/1.1\r\nHost: desk.example\r\n\r\n'
	refused 403 forbidden_origin
	door 'GET /healthz HTTP/1.0\r\nOrigin: https://desk.example\r\n\r\n'
	is "$(field Access-Control-Allow-Origin) $(field Vary)" 'https://desk.example Origin'
	# The page of that origin may read a refusal, too.
	door 'GET /api/answer?ticket=42 HTTP/1.0\r\nOrigin: https://desk.example\r\n\r\n'
	is "$status $(field Access-Control-Allow-Origin)" '404 https://desk.example'
	# `*' allows every page but one without an origin, and never as `*'.
	export TICKETCHAT_ALLOWED_ORIGINS='*'
	door 'GET /healthz HTTP/1.0\r\nOrigin: https://any.example\r\n\r\n'
	is "$status $(field Access-Control-Allow-Origin)" '200 https://any.example'
	for o in null '*' x 'https://' 'https://any.example/path' 'https://any.example:*' \
	    'https://any.example <b>' 'https://any.example:0' "https://any.example\xff"; do
		door 'GET /healthz HTTP/1.0\r\nOrigin: %b\r\n\r\n' "$o"
		refused 403 forbidden_origin
		is "$(field Access-Control-Allow-Origin)" ''
	done
	door 'GET /healthz HTTP/1.0\r\nHost: any.example\r\n\r\n'
	refused 403 forbidden_origin
}

@test "browsers: a text needs no preflight, so none of theirs is taken" {
	export TICKETCHAT_ALLOWED_ORIGINS=https://desk.example
	for f in 'Origin: https://desk.example' 'Sec-Fetch-Site: same-origin' 'Sec-Fetch-Mode: no-cors' 'Sec-Fetch-Dest: empty'; do
		post '/api/ask?ticket=42' 'printer jam' text/plain "$f\r\n"
		refused 403 forbidden_origin
	done
	untouched
	door 'OPTIONS /api/ask HTTP/1.1\r\nHost: localhost\r\nOrigin: https://desk.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n'
	is "$status $(field Access-Control-Allow-Origin)" '204 https://desk.example'
	is "$(field Access-Control-Allow-Methods)" 'POST, OPTIONS'
	is "$(field Access-Control-Allow-Headers)" 'authorization, content-type, prefer'
	door 'OPTIONS /api/ask HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n'
	refused 403 forbidden_origin
	is "$(grep -ci access-control "$T/head" || true)" 0
}

@test "methods: HEAD and OPTIONS start nothing, others are 405 with Allow" {
	for path in /api/ask /api/answer /healthz /metrics '*'; do
		door 'OPTIONS %s HTTP/1.1\r\nHost: localhost\r\n\r\n' "$path"
		is "$status $(body)" '204 '
		[ -n "$(field Allow)" ]
		is "$(field Access-Control-Allow-Methods)" ''
	done
	door 'HEAD /api/ask?ticket=42 HTTP/1.1\r\nHost: localhost\r\n\r\n'
	is "$status $(body)" '405 '
	door 'HEAD /api/answer?ticket=42 HTTP/1.1\r\nHost: localhost\r\n\r\n'
	is "$status $(body)" '404 '
	for m in GET PUT DELETE PATCH TRACE get BREW; do
		door '%s /api/ask?ticket=42 HTTP/1.1\r\nHost: localhost\r\n\r\n' $m
		refused 405 bad_request
		is "$(field Allow)" 'POST, OPTIONS'
		[[ $(jq -r .message "$T/body") = 'Este endereço não aceita esse método;'* ]]
	done
	for m in POST PUT DELETE; do
		for path in /api/answer?ticket=42 /healthz /metrics; do
			door '%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n' $m $path
			refused 405 bad_request
			is "$(field Allow)" 'GET, HEAD, OPTIONS'
		done
	done
	for path in / /api /api/ask/ /API/ask //api/ask /api/ask/42 /index.html /%%61pi/ask /api/../healthz; do
		door "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n"
		refused 404 bad_request
		is "$(jq -r .message "$T/body")" 'Não há nada neste endereço.'
	done
	untouched
	replay "$UP/good.ndjson"
	post '/api/ask?ticket=42' "$Q"
	door 'HEAD /api/answer?ticket=42 HTTP/1.1\r\nHost: localhost\r\n\r\n'
	is "$status $(body) $(field Content-Type) $(posts)" '200  application/x-ndjson 1'
}

@test "bodies: with a length or in chunks, up to the limit and not beyond" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_MAX_TICKET_BYTES=100
	head='POST /api/ask?ticket=42 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n'
	long=$(head -c 100 /dev/zero | tr '\0' a)
	door "${head}Content-Length: 101\r\n\r\n${long}b"
	refused 413 too_large
	door "${head}Transfer-Encoding: chunked\r\n\r\n64\r\n$long\r\n1\r\nb\r\n0\r\n\r\n"
	refused 413 too_large
	door "${head}Content-Length: 9223372036854775807\r\n\r\n"
	refused 400 bad_request
	door "${head}Content-Length: 4000000\r\n\r\n"
	refused 413 too_large
	door "${head}Transfer-Encoding: chunked\r\n\r\n3d0900\r\n"
	refused 413 too_large
	for rest in 'Content-Length: 5\r\n\r\nabcd' 'Transfer-Encoding: chunked\r\n\r\n5\r\nabcd' \
	    'Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n' 'Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n' \
	    'Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n' 'Transfer-Encoding: chunked\r\n\r\n1;a\rb\r\na\r\n0\r\n\r\n' \
	    'Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n' "Transfer-Encoding: chunked\r\n\r\n1;$(printf %4096d 0)\r\na\r\n0\r\n\r\n" \
	    'Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n' 'Transfer-Encoding: chunked\r\n\r\nx' \
	    'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'; do
		door "$head$rest"
		refused 400 bad_request
	done
	untouched
	door "${head}Content-Length: 100\r\n\r\n$long"
	is "$status" 200
	is "$(sessions show --json 42 | jq -r .prompt)" "$long"
	door "${head/42/43}Transfer-Encoding: chunked\r\n\r\n32\r\n${long:50}\r\n032;a=b\r\n${long:50}\r\n0\r\nX: y\r\n\r\n"
	is "$status" 200
	is "$(sessions show --json 43 | jq -r .prompt)" "$long"
	# A second request on the connection is not read.
	door "${head/42/44}Content-Length: 1\r\n\r\naGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	is "$(grep -ac '^HTTP/1.1' "$T/response") $(sessions show --json 44 | jq -r .prompt)" '1 a'
}

@test "heads that are no heads are refused, and too long ones" {
	while IFS= read -r line; do
		door "$line"
		[[ $status = 4?? || $status = 5?? ]] || is "$line: $status" 4xx
		is "$(jq -r .type "$T/body")" error
	done <<'END'
GET / HTTP/1.1\r\n\r\n
GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n
GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n
GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n
GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n
GET /healthz HTTP/3.0\r\nHost: localhost\r\n\r\n
GET http://localhost@evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n
GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n
CONNECT /../../../../bin/sh HTTP/1.1\r\nHost: localhost\r\n\r\n#!/bin/sh\necho hello
CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n
\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n
PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity\r\n\r\n
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: +1\r\n\r\na
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 01\r\n\r\na
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1, 1\r\n\r\na
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 0x1\r\n\r\na
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length:\r\n\r\na
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: \vchunked\r\n\r\n1\r\na\r\n0\r\n\r\n
POST /api/ask?ticket=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding : chunked\r\n\r\n1\r\na\r\n0\r\n\r\n
POST /api/ask?ticket=1 HTTP/1.0\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n
GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\rContent-Length: 5\r\n\r\n
GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\nY: b\r\n\r\n
GET\t/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n
GET /healthz HTTP/1.1 \r\nHost: localhost\r\n\r\n
GET /healthz#x HTTP/1.1\r\nHost: localhost\r\n\r\n
\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n
GET /healthz HTTP/1.1\r\nHost: localhost
GET /healthz HTTP/1.1\nHost: localhost\n\n
END
	# Nobody becomes another protocol, nor a second request.
	for f in 'Connection: Upgrade\r\nUpgrade: websocket\r\n' 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n' \
	    'Content-Length: 40\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n' 'Connection: keep-alive\r\n'; do
		door 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n%b\r\n' "$f"
		is "$status $(grep -ac '^HTTP/1.1' "$T/response") $(field Connection)" '200 1 close'
	done
	door 'HEAD /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n'
	is "$status $(body)" '505 '
	door 'HEAD /healthz HTTP/1.1\r\n\r\n'
	is "$status $(body)" '400 '
	door 'GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n'
	is "$status $(jq -r .message "$T/body")" '505 The field "HTTP version" has a value that is not accepted.'
	untouched
	{ printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: '
	    head -c 20000 /dev/zero | tr '\0' a; printf '\r\n\r\n'; } |
	    "$B/bin/door" -c "$T/conf" >"$T/response" 2>/dev/null || true
	parse
	refused 431 bad_request
	# The longest one.
	{ printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: '
	    head -c $((16384 - 48)) /dev/zero | tr '\0' a; printf '\r\n\r\n'; } |
	    "$B/bin/door" -c "$T/conf" >"$T/response"
	parse
	is "$status" 200
}

@test "curl: words come while the model writes; the connection is closed" {
	asks_midway -D "$T/raw"
	not grep -q w25 "$T/body"
	replay_rest
	wait $p
	is "$(jq -j 'select(.type == "stream").content' "$T/body")" "$LONG"
	is "$(tail -n 1 "$T/body")" '{"type":"done"}'
	grep -qi '^connection: close' "$T/raw"
	request -H 'Expect: 100-continue' -H 'Content-Type: text/plain' -d 'printer jam' "$U/api/ask?ticket=42"
	is "$status" 200
	grep -q '^HTTP/1.1 100 Continue' "$T/head"
	# A body that is refused before it is read: curl still gets the answer.
	head -c 2000000 /dev/zero | tr '\0' a >"$T/large"
	request -H 'Expect:' -H 'Content-Type: text/plain' --data-binary "@$T/large" "$U/api/ask?ticket=42"
	is "$status $rc" '413 0'
	within 60 no_doors
}

@test "HEAD does not wait for words; what follows a request is thrown away" {
	asks_midway
	request -I "$U/api/answer?ticket=42"
	is "$status $(field Content-Type)" '200 application/x-ndjson'
	# Bytes behind the request neither end it nor keep the door busy.
	exec 5<>"/dev/tcp/127.0.0.1/$D"
	printf 'GET /api/answer?ticket=42 HTTP/1.0\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n' >&5
	within 60 eval '[ "$(doors | wc -l)" = 2 ]'
	printf 'and more' >&5
	idle() { local p; for p in $(doors); do grep -q '^State:	S' "/proc/$p/status" || return; done; }
	within 60 idle
	replay_rest
	timeout 60 cat <&5 >"$T/response"
	exec 5>&-
	wait $p
	is "$(grep -ac '^HTTP/1.1' "$T/response")" 1
	is "$(sed '1,/^\r$/d' "$T/response" | jq -r 'select(.type == "stream").content' -j)" "$LONG"
}

@test "whoever leaves ends its door, and not the generation" {
	asks_midway
	end $p
	within 60 no_doors
	is "$(answers | wc -l)" 1
	replay_rest
	within 60 eval '[ "$(sessions show --json 42 | jq -r .response)" = "${LONG%$'"'\n'"'}" ]'
}

@test "ON_DISCONNECT=cancel: the door is a viewer as any other" {
	export TICKETCHAT_ON_DISCONNECT=cancel
	asks_midway
	end $p
	within 60 no_doors
	within 60 none_answers
	is "$(sql "SELECT count(*) FROM TicketAISessions WHERE AiResponse IS NOT NULL")" 0
}

@test "an answer that ends in an error in its midst says so" {
	long 25
	replay --cut 420 "$T/long.ndjson"
	open_door
	request -H 'Content-Type: application/json' -d "$Q" "$U/api/ask?ticket=42"
	is "$status $rc" '200 0'
	is "$(jq -r .type "$T/body" | paste -sd ' ')" 'stream error'
	# The text alone has no place for it: the body does not end.
	request -H 'Content-Type: text/plain' -H 'Accept: text/plain' -d "printer jam" "$U/api/ask?ticket=43"
	is "$status $rc" '200 18'
	# Without chunks nobody would see that, so nothing is sent before the end.
	request -0 -H 'Content-Type: text/plain' -H 'Accept: text/plain' -d "printer jam" "$U/api/ask?ticket=44"
	is "$status $rc $(jq -r .type "$T/body")" '502 0 error'
}

@test "respond-async: 202, and a viewer to the end" {
	export TICKETCHAT_ON_DISCONNECT=cancel TICKETCHAT_MAX_VIEWERS=1
	long 25
	replay_part "$T/long.ndjson"
	open_door
	request -H 'Prefer: wait=1, respond-async' -H 'Content-Type: text/plain' -d 'printer jam' "$U/api/ask?ticket=42"
	is "$status $rc $(field Preference-Applied) $(field Location)" '202 0 respond-async answer?ticket=42'
	within 60 posted 1
	is "$(doors | wc -l) $(answers | wc -l)" '1 1'
	# It has the place of this address.
	request "$U/api/answer?ticket=42"
	is "$status $(field Retry-After) $(jq -r .code "$T/body")" '429 10 rate_limited'
	replay_rest
	within 60 no_doors
	request "$U/api/answer?ticket=42"
	is "$status $(jq -r 'select(.type == "cached").response' "$T/body")" "200 ${LONG%$'\n'}"
	# What fails at once is told at once.
	request -H 'Prefer: respond-async' -H 'Content-Type: text/plain' -d ' ' "$U/api/ask?ticket=43"
	is "$status" 400
}

# Sends what is printed, and no more; what comes back is parsed.
only() {
	exec 5<>"/dev/tcp/127.0.0.1/$D"
	printf "$@" >&5
	timeout 60 cat <&5 >"$T/response"
	exec 5>&-
	parse
}

@test "whoever is refused anyway is told before the body" {
	export TICKETCHAT_MAX_VIEWERS=1
	head='POST /api/ask?ticket=%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%b\r\n'
	asks_midway
	for f in 'Content-Length: 50\r\n' 'Transfer-Encoding: chunked\r\n' 'Content-Length: 50\r\nExpect: 100-continue\r\n'; do
		for t in application/json text/plain; do
			only "$head" 42 "$t" "$f"
			is "$(head -n 1 "$T/head")" 'HTTP/1.1 429 Too Many Requests'
			refused 429 rate_limited
			is "$(field Retry-After)" 10
		done
	done
	# Part of the body, and all of it.
	only "$head%s" 42 text/plain 'Content-Length: 50\r\n' 'printer'
	refused 429 rate_limited
	request -H 'Content-Type: text/plain' -d 'printer jam' "$U/api/ask?ticket=42"
	is "$status $rc $(jq -r .code "$T/body")" '429 0 rate_limited'
	head -c 300000 /dev/zero | tr '\0' a >"$T/large"
	request -H 'Expect:' -H 'Content-Type: text/plain' --data-binary "@$T/large" "$U/api/ask?ticket=42"
	is "$status $rc" '429 0'
	only "$head" 0 text/plain 'Content-Length: 50\r\n'
	refused 400 bad_ticket_id
	replay_rest
	wait $p
	within 60 no_doors
	# The place is taken while the body comes.
	exec 6<>"/dev/tcp/127.0.0.1/$D"
	printf "$head" 43 text/plain 'Content-Length: 50\r\nExpect: 100-continue\r\n' >&6
	read -r -t 60 line <&6
	is "$line" $'HTTP/1.1 100 Continue\r'
	request "$U/api/answer?ticket=42"
	is "$status $(jq -r .code "$T/body")" '429 rate_limited'
	exec 6>&-
	within 60 no_doors
	request "$U/api/answer?ticket=42"
	is "$status" 200
}

@test "respond-async by TLS: a viewer to the end, too" {
	certify
	export TICKETCHAT_ON_DISCONNECT=cancel
	long 25
	replay_part "$T/long.ndjson"
	D=$(free_port)
	socat "OPENSSL-LISTEN:$D,bind=127.0.0.1,reuseaddr,fork,verify=0,cert=$T/cert,key=$T/key" \
	    "EXEC:$B/bin/door -c $T/conf" 2>>"$T/socat.err" 3>&- &
	track $!
	within 60 listening "$D"
	request --cacert "$T/cert" -H 'Prefer: respond-async' -H 'Content-Type: text/plain' -d 'printer jam' \
	    "https://localhost:$D/api/ask?ticket=42"
	is "$status $rc" '202 0'
	within 60 posted 1
	# The socat of this connection has ended, and its door has not.
	one_socat() { [ "$(pgrep -cf "OPENSSL-LISTEN:$D,")" = 1 ]; }
	within 60 one_socat
	is "$(doors | wc -l) $(answers | wc -l)" '1 1'
	replay_rest
	within 60 no_doors
	is "$(sessions show --json 42 | jq -r .response)" "${LONG%$'\n'}"
}

@test "metrics: the end of the certificate, wherever it is" {
	certify
	[ "$STORE" = postgres ] || {
		mkdir "$T/data"
		mv "$T"/db* "$T/data"
		export TICKETCHAT_DATABASE=$T/data/db
	}
	export TICKETCHAT_LOG=stderr TICKETCHAT_TLS_CERT=$T/cert TICKETCHAT_TLS_KEY=$T/key
	ends() { sed -n 's/^ticketchat_tls_certificate_end_timestamp_seconds //p' "$T/body"; }
	end=$(date -d "$(openssl x509 -in "$T/cert" -noout -enddate | sed 's/.*=//')" +%s)
	get /metrics
	is "$status $(ends)" "200 $end"
	# A file with the key in it stays closed.
	cat "$T/key" >>"$T/cert"
	export TICKETCHAT_TLS_KEY=$TICKETCHAT_TLS_CERT
	get /metrics
	is "$status $(ends)" '200 '
}

@test "metrics: the newest of the nightly copies, of a file and of a server" {
	newest() { sed -n 's/^ticketchat_newest_backup_timestamp_seconds //p' "$T/body"; }
	if [ "$STORE" = postgres ]; then
		export STATE_DIRECTORY=$T/state TICKETCHAT_LOG=stderr
		copies=$T/state/backup end=dump
	else
		copies=$T/backup end=db
	fi
	mkdir -p "$copies"
	get /metrics
	is "$status $(newest)" '200 0'
	: >"$copies/2026-01-02.$end"
	touch -d @1767312000 "$copies/2026-01-02.$end"
	: >"$copies/2026-01-01.$end"
	touch -d @1767225600 "$copies/2026-01-01.$end"
	# None of these is a copy.
	: >"$copies/2026-01-03.$end.tmp"
	: >"$copies/before-upgrade.$end"
	get /metrics
	is "$status $(newest)" '200 1767312000'
	rm -r "$copies"
	get /metrics
	is "$status $(newest)" '200 0'
}

@test "slow heads and bodies: 408" {
	needs_preload
	set_clocks 0 0
	D=$(free_port)
	LD_PRELOAD=$T/preload.so CLOCKS=$T/clocks socat "TCP-LISTEN:$D,bind=127.0.0.1,reuseaddr,fork" \
	    "EXEC:$B/bin/door -c $T/conf,nofork" 2>>"$T/socat.err" 3>&- &
	track $!
	within 60 listening "$D"
	# Each byte comes in time, and the whole does not.
	for part in 'GET /healthz HTTP/1.1\r\nHos' \
	    'POST /api/ask?ticket=42 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 50\r\n\r\na'; do
		exec 5<>"/dev/tcp/127.0.0.1/$D"
		printf "$part" >&5
		within 60 eval '[ -n "$(doors)" ]'
		sleep 0.3
		set_clocks 0 31
		printf b >&5
		timeout 60 cat <&5 >"$T/response"
		exec 5>&-
		set_clocks 0 0
		parse
		refused 408 bad_request
		within 60 no_doors
	done
	untouched
}

@test "metrics: Prometheus' own parser reads them; by address" {
	get /metrics
	is "$status $(field Content-Type)" '200 text/plain; version=0.0.4; charset=utf-8'
	/usr/bin/python3 -c '
import sys
from prometheus_client.parser import text_string_to_metric_families as parse
assert len(list(parse(sys.stdin.read()))) > 10' <"$T/body"
	sessions metrics >"$T/same"
	is "$(grep -v _bytes "$T/body")" "$(grep -v _bytes "$T/same")"
	open_door
	request "$U/metrics"
	is "$status" 200
	export TICKETCHAT_METRICS_FROM='10.0.0.0/8 2001:db8::/32' TICKETCHAT_TRUSTED_PROXIES=127.0.0.1
	end "${PIDS[-1]}"
	open_door
	request "$U/metrics"
	is "$status $(jq -r .code "$T/body")" '403 not_allowed'
	request -H 'X-Forwarded-For: 10.1.2.3' "$U/metrics"
	is "$status" 200
	request -H 'X-Forwarded-For: 10.1.2.3, 192.0.2.1' "$U/metrics"
	is "$status" 403
	request -H 'X-Forwarded-For: 192.0.2.1' -H 'X-Forwarded-For: 2001:db8::5' "$U/metrics"
	is "$status" 200
	# The rest is for everybody.
	request "$U/healthz"
	is "$status" 200
}

# The blocks of a kind in a document, as one script; port 5001 is that of the test.
examples() {
	sed -n "/^\`\`\`sh $2\$/,/^\`\`\`\$/{/^\`\`\`/!p}" "$ROOT/$1" |
	    sed "s/localhost:5001/127.0.0.1:$D/g; s/^curl/curl -sS -m 60/" >"$T/examples"
	[ -s "$T/examples" ]
}

@test "the examples of README, deploy/README.md and docs/http.md run as printed" {
	replay --tags "$REC/tags.response.http" --ps "$REC/ps.response.http" "$UP/good.ndjson"
	open_door
	examples README.md http
	sh -eu "$T/examples" >"$T/out"
	is "$(head -n 4 "$T/out" | jq -r .type | paste -sd ' ')" 'stream done cached done'
	is "$(sed -n '5,$p' "$T/out")" ok
	examples deploy/README.md http
	sh -eu "$T/examples" >"$T/out"
	grep -qx ok "$T/out"
	grep -q '^ticketchat_tickets 1$' "$T/out"
	examples docs/http.md http
	sh -eu "$T/examples" >"$T/out"
	is "$(grep -c '"type":"cached"' "$T/out")" 2
	grep -qF "${GOOD%$'\n'}" "$T/out"
	is "$(grep -c '^data: {"type":"done"' "$T/out") $(grep -cx '{}' "$T/out") $(grep -cx ok "$T/out")" '1 1 2'
	within 60 eval '[ -n "$(sessions show --json 43 | jq -r .response)" ]'
	within 60 no_doors
	mkdir "$T/checkout"
	ln -s "$B" "$T/checkout/build"
	examples docs/http.md pipe
	(cd "$T/checkout" && sh -eu "$T/examples") | tail -n 1 | grep -qx ok
}

# What must not fall: counters and histograms.
counters_of() {
	awk '/^# TYPE/ { counts = $4 == "counter" || $4 == "histogram" } /^[a-z]/ && counts' "$T/body" | sort >"$1"
	[ -s "$1" ]
}
# No counter of $1 is greater than in $2.
none_falls() {
	join "$1" "$2" | awk '$3 < $2 { print; bad = 1 } END { exit bad }'
	is "$(join "$1" "$2" | wc -l)" "$(wc -l <"$1")"
}

@test "metrics: no counter falls when tickets are deleted" {
	# Also if no door is asked.
	watched() { sessions metrics >"$T/body"; counters_of "$1"; }
	watched "$T/m0"
	sql "INSERT INTO Tickets (Id) VALUES (1), (2), (3), (4)"
	for i in 1 2 3 4; do
		sql "INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse) VALUES ($i, 'a', 'b')"
		sql "INSERT INTO $COSTS VALUES ($i, 'm', 'stop', 1, 1, 0, $((i * i * i * 300)), 0, 0, 0, 0)"
	done
	watched "$T/m1"
	none_falls "$T/m0" "$T/m1"
	grep -qx 'ticketchat_first_token_seconds_count 4' "$T/m1"
	sessions delete 4 >/dev/null
	watched "$T/m2"
	is "$(diff "$T/m1" "$T/m2")" ''
	sql "DELETE FROM Tickets WHERE Id = 1"
	sessions forget --ticket 2 >/dev/null
	watched "$T/m3"
	is "$(diff "$T/m1" "$T/m3")" ''
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-01 00:00:00.000' WHERE TicketId = 3"
	sessions purge --force --older-than 1000d >/dev/null
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 0
	watched "$T/m4"
	is "$(diff "$T/m1" "$T/m4")" ''
	sql "DELETE FROM Tickets"
	watched "$T/m4"
	is "$(diff "$T/m1" "$T/m4")" ''
	grep -qx 'ticketchat_answers{model=""} 0' "$T/body"
	# The door says the same.
	get /metrics
	grep -qx 'ticketchat_first_token_seconds_sum 30.0' "$T/body"
	sessions check >/dev/null
	# A copy has counted what was deleted before it.  What came after it is in the
	# histogram no more, which begins anew at the copy's; numbers are never used twice.
	sessions backup "$T/copy" >/dev/null
	sql "INSERT INTO Tickets (Id) VALUES (9)"
	sql "INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse) VALUES (9, 'a', 'b')"
	sql "INSERT INTO $COSTS SELECT max(Id), 'm', 'stop', 1, 1, 0, 300, 0, 0, 0, 0 FROM TicketAISessions"
	watched "$T/m5"
	none_falls "$T/m1" "$T/m5"
	grep -qx 'ticketchat_first_token_seconds_count 5' "$T/m5"
	sessions restore --force "$T/copy" >/dev/null
	watched "$T/m6"
	is "$(diff "$T/m1" "$T/m6" | grep '^[<>]')" '< ticketchat_sessions_started_total 4
> ticketchat_sessions_started_total 5'
}
