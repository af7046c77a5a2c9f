# chat at a shell: questions, kept answers, settings, exit codes.
load helper

pt_again='Este chamado já tem uma resposta.'
en_again='This ticket already has an answer.'

@test "a question is answered, the next one served from what was kept" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	is_text "$GOOD"
	is "$status" 0
	is "$(last)" '{"type":"done"}'
	ask 42 "$Q"
	is "$(norm)" '{"type":"cached","response":"Reinicie a impressora.\n","message":"'"$pt_again"'","createdAt":"T"}
{"type":"done"}'
	is "$status" 0
	is "$(posts)" 1
	is "$(sql 'SELECT TicketId, Prompt FROM TicketAISessions')" \
	    '42|printer jam'
	is "$(sql 'SELECT Id FROM Tickets')" 42
}

@test "each ticket has its own answer" {
	replay "$UP/good.ndjson"
	ask 1 "$Q"
	generated
	ask 2 "$Q"
	generated
	is "$(posts)" 2
}

@test "a changed text is told, and is a miss with CACHE=body" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer on fire"}'
	kept
	is "$(jq -c .bodyChanged <<<"$frames")" 'true
null'
	ask 42 "$Q"
	kept
	is "$(jq -c .bodyChanged <<<"$frames")" 'null
null'
	TICKETCHAT_CACHE=body ask 42 "$Q"
	kept
	is "$(posts)" 1
	TICKETCHAT_CACHE=body ask 42 '{"ticketBody":"printer on fire"}'
	generated
	is "$(posts)" 2
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 2
	# The first text's answer is history now, and still that text's.
	TICKETCHAT_CACHE=body ask 42 "$Q"
	kept
	is "$(posts)" 2
}

@test "refresh makes a new answer and keeps the old one in the history" {
	replay --times 1 --then "$UP/done-with-text.ndjson" "$UP/good.ndjson"
	printf 'Reinicie a impressora!' >"$T/kept/second"
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(text)" 'Reinicie a impressora!'
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 2
	ask 42 '{"ticketBody":"printer jam","refresh":false}'
	kept 'Reinicie a impressora!'
	is "$(posts)" 2
}

@test "older answers by their number" {
	replay --times 1 --then "$UP/done-with-text.ndjson" "$UP/good.ndjson"
	printf 'Reinicie a impressora!' >"$T/kept/second"
	ask 42 "$Q"
	is "$(last)" '{"type":"done"}'
	ask 42 "$Q"
	not grep -q version <<<"$frames"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(last)" '{"type":"done","versions":2}'
	ask 42 "$Q"
	kept 'Reinicie a impressora!'
	is "$(head -n 1 <<<"$frames" | jq -c '[.version, .versions]')" '[2,2]'
	ask 42 '{"ticketBody":"another","version":1}'
	kept
	is "$(head -n 1 <<<"$frames" |
	    jq -c '[.version, .versions, .bodyChanged]')" '[1,2,true]'
	# There is no third: neither an answer nor a generation.
	ask 42 '{"ticketBody":"printer jam","version":3,"refresh":true}'
	failed_with bad_request 1
	is "$(jq -r .detail <<<"$frames")" version
	ask 43 '{"ticketBody":"printer jam","version":1}'
	failed_with bad_request 1
	is "$(posts)" 2
}

@test "refresh without an answer is a plain question" {
	replay "$UP/good.ndjson"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	generated
}

@test "a refresh that fails leaves the old answer" {
	replay --times 1 --then "$UP/error-after-text.ndjson" "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	failed_with upstream_error 2
	ask 42 "$Q"
	kept
	is "$(posts)" 2
}

@test "a plain question during a refresh gets the old answer at once" {
	long 15
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	replay_part "$T/long.ndjson"
	viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	sees $V w1
	ask 42 "$Q"
	kept
	replay_rest
	viewed $V
	is "$(text)" "$LONG"
	ask 42 "$Q"
	kept "$LONG"
}

@test "a double refresh costs one generation" {
	long 10
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	replay_part "$T/long.ndjson"
	viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	a=$V
	viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	sees $a w8
	sees $V w8
	replay_rest
	viewed $a
	is "$(text)" "$LONG"
	viewed $V
	is "$(text)" "$LONG"
	is "$(posts)" 2
	# On one connection as well: both messages came before the answer.
	ask 42 '{"ticketBody":"printer jam","refresh":true}' \
	    '{"ticketBody":"printer jam","refresh":true}'
	is "$(types)" 'stream done cached done'
	is "$(posts)" 3
}

@test "however many refreshes come together, they cost one generation" {
	local r='{"ticketBody":"printer jam","refresh":true}' n=1 all batch
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for batch in "$r $r $r" "$r $r $r $r $r" "$r $r $Q $r" \
	    "$r $r {\"x\":1} $r $r" "$Q $r $r $r"; do
		n=$((n + 1))
		batch=${batch//'} {'/$'}\n{'}
		mapfile -t all <<<"$batch"
		ask 42 "${all[@]}"
		is "$(types | grep -o stream | wc -l)" 1
		is "$(posts)" $n
	done
	# What came after the answer is another one.
	ask 42 "$r"
	is "$(types)" 'stream done'
}

@test "ten questions on one pipe are answered in order" {
	replay "$UP/good.ndjson"
	ask 42 "$Q" "$Q" "$Q" '{"ticketBody":"b"}' "$Q" '{"x":1}' "$Q" "$Q" \
	    "$Q" "$Q"
	is "$(types)" 'stream done cached done cached done cached done cached done error cached done cached done cached done cached done'
	is "$(jq -r .bodyChanged <<<"$frames" | grep -n true | cut -d: -f1)" \
	    "$(grep -n bodyChanged <<<"$frames" | cut -d: -f1)"
	is "$status" 1
	is "$(posts)" 1
}

@test "a hundred questions on one pipe" {
	replay "$UP/good.ndjson"
	for i in {1..100}; do echo "$Q"; done | pipe 42 100
	is "$status" 0
	is "$(posts)" 1
}

@test "questions behind a failing one" {
	replay --times 1 --then "$UP/good.ndjson" "$UP/eof-without-done.ndjson"
	ask 42 "$Q" "$Q" "$Q"
	is "$(types)" 'stream error stream done cached done'
	is "$(code)" upstream_truncated
	is "$status" 2
}

# bats test_tags=fault,fault:22
@test "pretty-printed, CR LF, BOM, blank lines, no line end" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	printf '{\n  "ticketBody":\n    "printer jam",\n  "x": [\n {}\n ]\n}\n' |
	    pipe 42 1
	kept
	printf '{"ticketBody":"printer jam"}\r\n\r\n{\r\n"ticketBody":"b"\r\n}\r\n' |
	    pipe 42 2
	is "$(types)" 'cached done cached done'
	printf '\357\273\277{"ticketBody":"printer jam"}\n' | pipe 42 1
	kept
	printf '\n\n \t\n{"ticketBody":"printer jam"}\n\n \n' | pipe 42 1
	kept
	printf '{"ticketBody":"printer jam"}' | pipe 42 1
	kept
	printf '{\n"ticketBody":"printer jam"\n}' | pipe 42 1
	kept
	printf '  {"ticketBody" : "printer jam"}  \n' | pipe 42 1
	kept
	printf '\n' | pipe 42 0
	is "$frames $status" ' 0'
	printf '' | pipe 42 0
	is "$frames $status" ' 0'
}

@test "brackets and quotes in a text end no message" {
	replay "$UP/good.ndjson"
	ask 42 '{"ticketBody":"a } ] \" { [ \\"}' '{"ticketBody":"\\\\\"}"}'
	is "$(types)" 'stream done cached done'
	is "$(sql 'SELECT Prompt FROM TicketAISessions')" 'a } ] " { [ \'
}

@test "the text is unescaped, as it is posted and as it is kept" {
	replay "$UP/good.ndjson"
	TICKETCHAT_SYSTEM_PROMPT_FILE=none ask 42 \
	    '{"ticketBody":"\u00e1 \ud83d\ude00 \"\\\/\b\f\n\r\t\u007f<&>"}'
	generated
	printf 'á 😀 "\\/\b\f\n\r\t\177<&>' >"$T/want"
	# The model gets the same-text form: a line end is a line feed.
	is "$(jq -j .prompt "$T/bodies/1.json" | od -c)" \
	    "$(tr '\r' '\n' <"$T/want" | od -c)"
	is "$(sessions show --json 42 | jq -j .prompt | od -c)" \
	    "$(od -c "$T/want")"
}

@test "names with escapes are names; unknown members are ignored" {
	replay "$UP/good.ndjson"
	ask 42 '{"ticket\u0042ody":"printer jam","TicketBody":5,"x":{"ticketBody":7},"":null,"x":1}'
	generated
}

@test "status frames come to who asks for them, and only to him" {
	replay --ps "$REC/tags-empty.response.http" --delay 2500 \
	    "$UP/think-then-text.ndjson"
	printf 'Reinicie a impressora.' >"$T/kept/think"
	viewer 42 "$Q"
	a=$V
	viewer 42 '{"ticketBody":"printer jam","status":true}'
	viewed $a
	is "$(grep -c status <<<"$frames" || true)" 0
	viewed $V
	is "$(jq -r 'select(.type == "status").state' <<<"$frames" | tail -n 1)" \
	    generating
	grep -q '"state":"loading"' <<<"$frames"
	is "$(text)" 'Reinicie a impressora.'
	# Nothing to tell about a kept answer.
	ask 42 '{"ticketBody":"printer jam","status":true}'
	is "$(types)" 'cached done'
}

@test "ping is answered, also while an answer streams" {
	ask 42 '{"type":"ping"}' '{"type":"ping"}'
	is "$frames" '{"type":"pong"}
{"type":"pong"}'
	is "$status" 0
	long 15
	replay_part "$T/long.ndjson"
	talker 42
	say $V "$Q"
	sees $V w1
	say $V '{"type":"ping"}'
	sees $V pong
	not has $V '"done"'
	replay_rest
	viewed $V
	is "$(text)" "$LONG"
	is "$(types | tr ' ' '\n' | grep -c pong)" 1
}

@test "stop ends the generation, nothing is kept, Ollama is left alone" {
	long 1000
	replay --pace 50 "$T/long.ndjson"
	talker 42
	say $V "$Q"
	sees $V w1
	say $V '{"type":"stop"}'
	sees $V '"code":"stopped"'
	within 10 logged '^gone 1'
	viewed $V
	failed_with stopped 2
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
	is "$(jq -c 'select(.type == "error").retryable' <<<"$frames")" true
}

@test "stop by somebody who has not asked" {
	long 1000
	replay --pace 50 "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=8
	for i in 1 2 3 4 5 6 7 8; do viewer $i "$Q"; done
	for i in 1 2 3 4 5 6 7 8; do
		sees $i w1
		# Its process may be gone before the generator looks.
		printf '{"type":"stop"}\n' | PATH_INFO=/$i "$B/bin/chat" \
		    -c "$T/conf"
		viewed $i
		failed_with stopped 2
	done
}

@test "stop right behind its question ends it" {
	long 50
	replay_part "$T/long.ndjson"
	ask 42 "$Q" '{"type":"stop"}'
	failed_with stopped 2
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
}

@test "stop where nothing runs does nothing" {
	replay "$UP/good.ndjson"
	ask 42 '{"type":"stop"}' "$Q"
	generated
	ask 42 '{"type":"stop"}' "$Q"
	kept
}

@test "stop of another ticket does nothing" {
	long 20
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w1
	ask 43 '{"type":"stop"}'
	replay_rest
	viewed $V
	is "$(text)" "$LONG"
}

@test "who asks again after a stop starts anew" {
	long 1000
	replay --times 1 --then "$UP/good.ndjson" --pace 50 "$T/long.ndjson"
	talker 42
	say $V "$Q" 
	sees $V w1
	say $V '{"type":"stop"}' "$Q"
	viewed $V
	is "$(types)" \
	    'stream error stream done'
	is "$status" 2
}

@test "messages are in Portuguese; lang, Accept-Language, LANGUAGE" {
	bad='{"x":1}'
	language() { jq -r 'select(.type == "error").message' <<<"$frames" |
	    sed 's/^O campo.*/pt/; s/^The field.*/en/'; }
	ask 42 "$bad"
	is "$(language)" pt
	ask 42 '{"lang":"en"}'
	is "$(language)" en
	ask 42 '{"lang":"en-GB"}'
	is "$(language)" en
	ask 42 '{"lang":"PT"}'
	is "$(language)" pt
	ask 42 '{"lang":"de"}'
	is "$(language)" pt
	HTTP_ACCEPT_LANGUAGE='de, en;q=0.8, pt;q=0.5' ask 42 "$bad"
	is "$(language)" en
	HTTP_ACCEPT_LANGUAGE='en;q=0.1, pt-BR;q=0.2' ask 42 "$bad"
	is "$(language)" pt
	HTTP_ACCEPT_LANGUAGE='en;q=0' ask 42 "$bad"
	is "$(language)" pt
	HTTP_ACCEPT_LANGUAGE='*' ask 42 "$bad"
	is "$(language)" pt
	HTTP_ACCEPT_LANGUAGE='en' ask 42 '{"lang":"pt-BR"}'
	is "$(language)" pt
	TICKETCHAT_LANGUAGE=en ask 42 "$bad"
	is "$(language)" en
	TICKETCHAT_LANGUAGE=pt-BR HTTP_ACCEPT_LANGUAGE=en ask 42 "$bad"
	is "$(language)" pt
	TICKETCHAT_LANGUAGE=en ask 42 '{"lang":"pt"}'
	is "$(language)" pt
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer jam","lang":"en"}'
	is "$(jq -r 'select(.type == "cached").message' <<<"$frames")" "$en_again"
}

@test "a failed generation is worded in each viewer's language" {
	long 1000
	replay --pace 50 "$T/long.ndjson"
	viewer 42 '{"ticketBody":"printer jam","lang":"en"}'
	en=$V
	viewer 42 "$Q"
	pt=$V
	sees $en w1
	sees $pt w1
	replay_end
	viewed $en
	failed_with upstream_truncated
	grep -q 'was cut off and not saved' <<<"$frames"
	viewed $pt
	failed_with upstream_truncated
	grep -q 'chegou incompleta e não foi salva' <<<"$frames"
}

@test "a desktop's LANGUAGE, which is gettext's, stops nobody" {
	replay "$UP/good.ndjson"
	LANGUAGE=pt_BR:pt:en ask 42 "$Q"
	generated
}

# bats test_tags=fault,fault:40
@test "ticket ids" {
	replay "$UP/good.ndjson"
	for id in 1 42 9223372036854775807 1000000000000000000; do
		ask $id "$Q"
		generated
	done
	is "$(sql 'SELECT Id FROM Tickets ORDER BY Id' | paste -sd ,)" \
	    1,42,1000000000000000000,9223372036854775807
	for id in '' 0 00 042 -1 +1 1.0 1e3 0x10 9223372036854775808 \
	    18446744073709551616 99999999999999999999 a 42a '42 ' ' 42' \
	    42/ 42/1 ../42 '42;ls' '%34' $'4\n2' $'\377\376' \
	    ٤٢ "$(printf '1%.0s' {1..5000})"; do
		ask "$id" "$Q"
		failed_with bad_ticket_id 1
	done
	is "$(posts)" 4
	is "$(compgen -G "$TICKETCHAT_RUN_DIR/*.sock")" ''
}

@test "without PATH_INFO there is no ticket" {
	printf '%s\n' "$Q" >"$T/in"
	status=0
	"$B/bin/chat" -c "$T/conf" <"$T/in" >"$T/frames.0" 2>/dev/null || status=$?
	check "$T/frames.0" 1
	is "$(code "$(cat "$T/frames.0")") $status" 'bad_ticket_id 1'
	PATH_INFO=42 "$B/bin/chat" -c "$T/conf" <"$T/in" >"$T/frames.0" || true
	is "$(code "$(cat "$T/frames.0")")" bad_ticket_id
}

# bats test_tags=fault,fault:33
@test "TICKETS=existing" {
	replay "$UP/good.ndjson"
	TICKETCHAT_TICKETS=existing ask 42 '{"ticketBody":"printer jam","lang":"en"}'
	failed_with unknown_ticket 1
	is "$(jq -r .message <<<"$frames")" 'There is no ticket 42.'
	is "$(posts)" 0
	is "$(sql 'SELECT count(*) FROM Tickets')" 0
	sql 'INSERT INTO Tickets (Id) VALUES (42)'
	TICKETCHAT_TICKETS=existing ask 42 "$Q"
	generated
}

# bats test_tags=fault,fault:39
@test "origins" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for o in '' http://localhost http://localhost:3000 http://LOCALHOST:1 \
	    HTTP://127.0.0.1:8080; do
		HTTP_ORIGIN=$o ask 42 "$Q"
		kept
	done
	for o in https://localhost http://localhost.evil.example null file:// \
	    http://evil.example http://127.0.0.1.evil http://localhost:x \
	    'http://localhost:3000, http://evil' http://localhost@evil:80 \
	    'http://localhost:*' http:// http://localhost:3000/ \
	    http://[::1]:3000 localhost; do
		HTTP_ORIGIN=$o ask 42 "$Q"
		failed_with forbidden_origin 1
	done
	export TICKETCHAT_ALLOWED_ORIGINS='https://help.example http://a.example:8080 http://[::1]:*'
	for o in https://help.example https://help.example:443 \
	    http://a.example:8080 http://[::1]:3000; do
		HTTP_ORIGIN=$o ask 42 "$Q"
		kept
	done
	for o in http://help.example https://help.example:8443 \
	    http://a.example http://localhost:3000 https://xhelp.example; do
		HTTP_ORIGIN=$o ask 42 "$Q"
		failed_with forbidden_origin 1
	done
	TICKETCHAT_ALLOWED_ORIGINS='*' HTTP_ORIGIN=null ask 42 "$Q"
	kept
}

# bats test_tags=fault,fault:39
@test "a forbidden origin cannot stop or start anything" {
	long 20
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w1
	# Each gets an error of its own.
	printf '%s\n' '{"type":"stop"}' "$Q" |
	    HTTP_ORIGIN=http://evil.example pipe 42 2
	failed_with "$(printf '%s\n' forbidden_origin forbidden_origin)" 1
	replay_rest
	viewed $V
	is "$(text)" "$LONG"
	is "$(posts)" 1
}

@test "exit codes: the worst of all questions" {
	replay --times 1 --then "$UP/good.ndjson" "$UP/500-runner-terminated.http"
	ask 42 '{}'
	is $status 1
	replay_end
	ask 42 '{}' "$Q" '{}'
	failed_with "$(printf '%s\n' bad_request upstream_unreachable bad_request)" 2
	TICKETCHAT_DATABASE=$T/nowhere ask 42 "$Q"
	failed_with storage 111
	for a in --nothing -x 42 '-c'; do
		run -100 --separate-stderr chat 42 $a </dev/null
		is "$output" ''
		is "${#stderr_lines[@]}" 1
	done
	run -0 chat 42 --help
	run -0 chat 42 --version
	TICKETCHAT_GENERATIONS=0 run -102 --separate-stderr chat 42 </dev/null
	is "$output" ''
	is "${#stderr_lines[@]}" 1
	run -102 --separate-stderr "$B/bin/chat" -c "$T/none" </dev/null
	echo NONSENSE=1 >"$T/conf"
	run -102 --separate-stderr chat 42 </dev/null
}

@test "settings come from the file, and before it from the environment" {
	replay "$UP/good.ndjson"
	printf '%s\n' '# a comment' '' 'LANGUAGE = en' ' ; another' \
	    'MAX_TICKET_BYTES="20"' >"$T/conf"
	sed -i 's/ = /=/' "$T/conf"
	ask 42 '{"ticketBody":"123456789012345678901"}'
	failed_with too_large 1
	is "$(jq -r .message <<<"$frames")" \
	    "The ticket's text is too long (limit: 20 bytes). Delete old quotations."
	TICKETCHAT_MAX_TICKET_BYTES=21 ask 42 '{"ticketBody":"123456789012345678901"}'
	generated
	# An empty value is none.
	TICKETCHAT_MAX_TICKET_BYTES= ask 42 '{"ticketBody":"123456789012345678901"}'
	failed_with too_large 1
	# Under websocketd the environment alone counts.
	printf '%s\n' "$Q" | GATEWAY_INTERFACE=x TICKETCHAT_AUTH=off \
	    PATH_INFO=/api/websocket/chat/42 "$B/bin/chat" >/dev/null
}

@test "chat needs few libraries, answer libcurl only when it is due" {
	sanitized || is "$(ldd "$B/bin/chat")" $'\tstatically linked'
	run -0 ldd "$B/libexec/chat-jwt"
	not grep -Eq 'curl|ssl|crypto' <<<"$output"
	grep -q sqlite3 <<<"$output"
	sanitized || [ "${#lines[@]}" -le 7 ]
	run -0 ldd "$B/libexec/answer"
	not grep -Eq 'curl|ssl|crypto' <<<"$output"
	run -0 ldd "$B/libexec/http.so"
	grep -q curl <<<"$output"
}

@test "what runs detached holds nothing of the shell's" {
	long 1000
	replay --pace 50 "$T/long.ndjson"
	export HTTP_COOKIE=secret HTTP_AUTHORIZATION=secret SOMETHING=secret
	viewer 42 "$Q"
	sees $V w1
	p=$(answers)
	not grep -qa secret "/proc/$p/environ"
	is "$(readlink "/proc/$p/fd/1")" /dev/null
	is "$(readlink "/proc/$p/fd/2")" /dev/null
	# A process group and a session of its own: Ctrl-C is not for it.
	is "$(awk '{ print $5, $6 }' "/proc/$p/stat")" "$p $p"
	kill -TERM $p
	viewed $V
	failed_with shutting_down 2
}

@test "descriptors of the shell do not leak into what runs detached" {
	long 1000
	replay --pace 50 "$T/long.ndjson"
	: >"$T/lock"
	exec 9>"$T/lock"
	viewer 42 "$Q"
	exec 9>&-
	sees $V w1
	p=$(answers)
	ls -l "/proc/$p/fd" >"$T/fds"
	kill -TERM $p
	viewed $V
	not grep "$T/lock" "$T/fds"
}

@test "a log line a question, with neither its text nor control bytes" {
	replay "$UP/good.ndjson"
	ask 42 '{"ticketBody":"my secret is hunter2"}'
	is "$(grep -c 'outcome=generated' <<<"$err")" 1
	not grep -q hunter2 <<<"$err"
	not grep -q hunter2 "$TICKETCHAT_LOG"
	is "$(grep -c 'prog=answer.*ticket=42.*outcome=kept' "$TICKETCHAT_LOG")" 1
	printf '%s\n' "$Q" | UNIQUE_ID=$'a\033[31m\nb' REMOTE_ADDR=1.2.3.4 \
	    GATEWAY_INTERFACE=x chat 42 >/dev/null 2>&1
	not grep -q $'\033' "$TICKETCHAT_LOG"
}

@test "the log line tells the tokens, where Ollama did" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	grep -q ' outcome=generated code=- bytes=[0-9]* tokens=6 ' <<<"$err"
	ask 42 "$Q"
	grep -q ' outcome=cached code=- bytes=[0-9]* tokens=0 ' <<<"$err"
	replay_end
	replay "$UP/done-blank-text.ndjson"
	ask 43 "$Q"
	grep -q ' code=empty_answer bytes=[0-9]* tokens=3 ' <<<"$err"
	replay_end
	replay "$UP/eof-without-done.ndjson"
	ask 43 "$Q"
	grep -q ' code=upstream_truncated bytes=[0-9]* tokens=0 ' <<<"$err"
}

@test "the log line tells when the first text came, not the first status" {
	replay --pace 100 "$UP/think-then-text.ndjson"
	ask 42 '{"ticketBody":"a","status":true}'
	is "$(states)" "thinking generating"
	text >"$T/kept/thought"
	[[ $err =~ first_ms=([0-9]+)\ total_ms=([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -ge 600 ]
	[ "${BASH_REMATCH[1]}" -le "${BASH_REMATCH[2]}" ]
	replay_end
	ask 43 "$Q"
	grep -q ' code=upstream_unreachable .* first_ms=0 ' <<<"$err"
}

# bats test_tags=fault,fault:28
@test "nobody reads: the generation goes on, and is kept" {
	long 10
	replay --pace 20 "$T/long.ndjson"
	printf '%s\n' "$Q" | chat 42 2>"$T/err" | head -n 1 >/dev/null
	is "${PIPESTATUS[1]}$(cat "$T/err")" 0
	within 10 none_answers
	ask 42 "$Q"
	kept "$LONG"
}

# bats test_tags=fault,fault:21
@test "who connects and says nothing is let go, without a frame" {
	TICKETCHAT_IDLE_TIMEOUT=1 tab 42
	within 10 dead "${VIEWERS[V]}"
	status=0
	wait "${VIEWERS[V]}" || status=$?
	is "$(so_far $V)$status" 1
}

@test "stdout that is a file, a full pipe, /dev/full" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	# A pipe that somebody else has filled: wait, do not give up.
	{ head -c 65536 /dev/zero; printf '%s\n' "$Q" | chat 42; } 2>/dev/null |
	    { sleep 0.2; tr -d '\0'; } >"$T/frames.9"
	check "$T/frames.9" 1
	status=0
	printf '%s\n' "$Q" | chat 42 >/dev/full 2>/dev/null || status=$?
	is $status 111
}
