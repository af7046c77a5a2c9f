#!/usr/bin/env bats
# {"question":…}: a conversation about an answer, in rows of its own.
load helper

ask_about() { jq -nc --arg q "$1" '{question: $q}' | jq -c ". + ${2:-{\}}"; }
of_done() { jq -c --arg f "$1" 'select(.type == "done")[$f]' <<<"$frames"; }
from_cached() { jq -c --arg f "$1" 'select(.type == "cached")[$f]' <<<"$frames"; }
turns() { jq -r 'select(.type == "turn") | "\(.session) \(.question)"' <<<"$frames"; }
# The rows that follow an answer: id, root, question, and whether it is answered.
rows() {
	sql "SELECT Id, FollowsId, Prompt, AiResponse IS NOT NULL
	    FROM TicketAISessions WHERE FollowsId IS NOT NULL ORDER BY Id" |
	    tr '|' ' ' | sed 's/ t$/ 1/; s/ f$/ 0/'
}
hashed() { find "$TICKETCHAT_RUN_DIR" -name '*-*.sock' | sed 's|.*/||'; }
# What the model got with the Nth POST: roles and contents.
messages() { jq -c '.messages[] | [.role, .content]' "$T/bodies/$1.json"; }

@test "a question about an answer: frames, rows, and nothing else changes" {
	replay "$UP/good.ndjson"
	ask 42 "$(ask_about why)"
	failed_with no_answer 1
	is "$(jq .retryable <<<"$frames")" false
	ask 42 "$Q"
	ask 42 "$(ask_about 'The light stays red, what now?')"
	generated
	is "$(last)" '{"type":"done","session":1,"version":1,"turn":2}'
	is "$(rows)" '2 1 The light stays red, what now? 1'
	# The same question, blanks folded.
	for q in 'The light stays red, what now?' $' The light\tstays  red,\r\n what now? ' \
	    $'The light stays red,\u00a0what\vnow?' $'\ufeffThe light stays\nred, what now?'; do
		ask 42 "$(ask_about "$q")"
		is "$(types) $(cached_text; echo .)" "cached done $GOOD."
		is "$(from_cached session) $(from_cached version) $(from_cached turn)" '1 1 2'
		is "$(last)" '{"type":"done","session":1,"version":1,"turn":2}'
	done
	is "$(posts)" 2
	ask 42 "$(ask_about 'the light stays red, what now?')"
	generated
	is "$(posts)" 3
	# The ticket's answer is what it was.
	ask 42 "$Q"
	kept
	is "$(from_cached version) $(from_cached session)" 'null null'
	ask 42 '{"type":"open","version":2}'
	failed_with bad_request 1
	run -0 sessions history 42
	is "$(grep -c . <<<"$output")" 2
	# A new version begins an empty thread; the old one is reached by number.
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(of_done versions)" 2
	ask 42 "$(ask_about 'The light stays red, what now?')"
	is "$(types) $(of_done session) $(of_done version)" 'stream done 4 2'
	ask 42 "$(ask_about 'The light stays red, what now?' '{"version":1}')"
	is "$(types) $(from_cached session) $(from_cached turn)" 'cached done 1 2'
	ask 42 "$(ask_about 'The light stays red, what now?' '{"session":4}')"
	is "$(types) $(from_cached session) $(from_cached turn)" 'cached done 4 5'
	is "$(rows)" '2 1 The light stays red, what now? 1
3 1 the light stays red, what now? 1
5 4 The light stays red, what now? 1'
}

@test "questions that are refused" {
	replay "$UP/good.ndjson"
	ask 43 "$Q"
	ask 42 "$Q"
	ask 42 "$(ask_about why)"
	generated
	refused() {	# CODE DETAIL MESSAGE
		ask 42 "$3"
		failed_with "$1" 1
		is "$(jq -r '.detail // "-"' <<<"$frames")" "$2"
	}
	for m in '{"question":""}' '{"question":" \t\r\n"}' '{"question":"\u3000\u00a0\u200b"}' \
	    '{"question":7}' '{"question":true}' '{"question":["x"]}' '{"question":{"a":"x"}}' \
	    '{"question":"a\u0000b"}' '{"question":"a","question":"a"}'; do
		refused bad_request question "$m"
	done
	refused bad_json - '{"question":"\ud83d"}'
	for m in '{"question":"x","ticketBody":"printer jam"}' '{"question":"x","ticketBody":""}' \
	    '{"question":"x","ticketBody":7}'; do
		refused bad_request ticketBody "$m"
	done
	refused bad_request refresh '{"question":"x","refresh":true}'
	refused bad_request instruction '{"question":"x","instruction":"y"}'
	refused bad_request thread '{"question":"x","thread":1}'
	# A session of another ticket, of nothing, of a question; the same of versions.
	for s in 1 4 999 9223372036854775807 3; do
		refused bad_request session "{\"question\":\"x\",\"session\":$s}"
	done
	for s in 0 -1 1.5 '"2"' 1e999; do
		refused bad_request session "{\"question\":\"x\",\"session\":$s}"
	done
	for s in 2 3 999 0 '"1"'; do
		refused bad_request version "{\"question\":\"x\",\"version\":$s}"
	done
	x=$(head -c 8193 /dev/zero | tr '\0' x)
	refused too_large 8192 "$(ask_about "$x")"
	refused too_large 8192 "$(ask_about "$(printf 'é%.0s' {1..4097})")"
	refused too_large 8192 "$(ask_about "$(head -c 65536 /dev/zero | tr '\0' x)")"
	for l in pt en es; do
		ask 42 "$(ask_about x "{\"session\":99,\"lang\":\"$l\"}")"
		jq -r .message <<<"$frames" >>"$T/words"
	done
	is "$(sort -u "$T/words" | wc -l)" 3
	is "$(posts)" 3
	is "$(rows)" '3 2 why 1'
	# What is just allowed.
	for m in "$(ask_about "${x:1}")" '{"question":"n","ticketBody":null,"session":null,"version":null}' \
	    '{"question":"o","refresh":false,"session":2}'; do
		ask 42 "$m"
		generated
	done
	# Of an ordinary message a field with these names is unknown.
	ask 42 '{"ticketBody":"printer jam","question":null,"session":"x"}'
	kept
	TICKETCHAT_MAX_TICKET_BYTES=1024 ask 42 "$(printf '{"question":"%s"}' \
	    "$(printf '\\u00e1%.0s' {1..4096})")"
	generated
}

@test "a question is charged as a generation, and a saved one is free" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
	t=$(sessions token --user ana "$T/key.secret")
	export TICKETCHAT_RATE_LIMIT=2/day
	token="{\"token\":\"$t\"}"
	ask 42 "$(ask_about one "$token")"
	generated
	ask 42 "$(ask_about two "$token")"
	generated
	ask 42 "$(ask_about three "$token")" "$(ask_about ' two' "$token")"
	is "$(types) $(code)" 'error cached done rate_limited'
	is "$(rows | wc -l)" 2
	# Without a token nobody asks; with one for another ticket neither.
	ask 42 "$(ask_about one)"
	failed_with unauthorized 1
	ask 42 "$(ask_about one "{\"token\":\"$(sessions token --ticket 43 "$T/key.secret")\"}")"
	failed_with unauthorized 1
}

@test "at most 60 no_answer a minute: nobody walks the ids by questions" {
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
	m=$(ask_about x "{\"token\":\"$(sessions token --user ana "$T/key.secret")\"}")
	mapfile -t all < <(for _ in {1..200}; do echo "$m"; done)
	ask 42 "${all[@]}"
	is "$(code | sort -u | paste -sd ' ')" 'no_answer rate_limited'
	is "$(code | head -60 | sort -u)" no_answer
}

@test "two ask the same, others something else, one refreshes: all at once" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 "$(ask_about why '{"status":true}')"
	one=$V
	sees $one stream
	has $one '"state":"generating"'
	hash=$(hashed)
	[[ $hash =~ ^42-[0-9a-f]{16}\.sock$ ]]
	is "$(rows)" '2 1  0'
	# The same question is followed from its first character; another one runs
	# beside it, and so does a refresh.
	viewer 42 "$(ask_about ' why ')"
	two=$V
	sees $two stream
	export TICKETCHAT_GENERATIONS=4
	viewer 42 "$(ask_about how)"
	three=$V
	viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	four=$V
	sees $three stream
	sees $four stream
	is "$(posts)" 4
	is "$(hashed | wc -l)" 2
	replay_rest
	viewed $one
	is "$(last)" '{"type":"done","session":1,"version":1,"turn":2}'
	is_text "$LONG"
	viewed $two
	is_text "$LONG"
	viewed $three
	viewed $four
	is "$(of_done versions)" 2
}

@test "stop ends what this viewer follows; on an idle connection the answer" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=4
	viewer 42 "$(ask_about why)"
	one=$V
	sees $one stream
	talker 42
	two=$V
	say $two "$(ask_about ' why')"
	viewer 42 "$(ask_about how)"
	three=$V
	for v in $one $two $three; do sees $v stream; done
	viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	four=$V
	sees $four stream
	# An idle connection stops the answer, not the questions.
	ask 42 '{"type":"stop"}'
	viewed $four
	is "$(code)" stopped
	say $two '{"type":"stop"}'
	viewed $one
	is "$(code)" stopped
	within 10 has $two stopped
	hang_up $two
	within 10 gone_question
	is "$(rows | wc -l)" 1
	replay_rest
	viewed $three
	is "$(last)" '{"type":"done","session":1,"version":1,"turn":3}'
	is "$(rows)" '3 1 how 1'
	# What was stopped is asked again, in another row.
	replay_end
	replay "$UP/good.ndjson"
	ask 42 "$(ask_about why)"
	generated
	[ "$(of_done turn)" -gt 3 ]
}
gone_question() { [ "$(hashed | wc -l)" -le 1 ]; }

@test "a question that ends without an answer leaves no row" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	for r in error-mid-stream truncated; do
		[ -e "$UP/$r.ndjson" ] || continue
		replay "$UP/$r.ndjson"
		ask 42 "$(ask_about why)"
		is "$(types | grep -c done)" 0
		is "$(rows)" ''
		replay_end
	done
	# No model server at all.
	ask 42 "$(ask_about why)"
	failed_with upstream_unreachable 2
	is "$(rows)" ''
	# Killed: the row stays until it is purged, and is never begun again.
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 "$(ask_about why)"
	sees $V stream
	is "$(rows | wc -l)" 1
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-01T00:00:00.000Z'
	    WHERE AiResponse IS NULL"
	run -0 sessions purge --older-than 90d --force
	is "$(tail -1 <<<"$output")" '1 with a running generation were not deleted'
	kill -9 "${VIEWERS[V]}"
	kill -9 $(answers)
	within 10 none_answers
	is "$(rows | wc -l)" 1
	replay_end
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	kept
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	generated
	is "$(sql "SELECT count(*) FROM TicketAISessions WHERE FollowsId IS NOT NULL
	    AND AiResponse IS NULL")" 1
	ask 42 "$(ask_about why '{"version":1}')"
	generated
	# On a server, whoever takes over deletes the row.
	is "$(rows | wc -l)" $([ "$STORE" = postgres ] && echo 1 || echo 2)
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-01T00:00:00.000Z'
	    WHERE AiResponse IS NULL"
	run -0 sessions purge --older-than 90d --force
	is "$(rows | wc -l)" 1
}

@test "a ticket that is forgotten while a question runs" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 43 "$Q"
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=4
	viewer 42 "$(ask_about why)"
	one=$V
	viewer 43 "$(ask_about why)"
	two=$V
	sees $one stream
	sees $two stream
	run -0 sessions forget --ticket 42
	viewed $one
	is "$(code)" stopped
	replay_rest
	viewed $two
	is_text "$LONG"
	is "$(sql 'SELECT count(*) FROM TicketAISessions WHERE TicketId = 42')" 0
	ask 42 "$(ask_about why)"
	failed_with no_answer 1
}

@test "thread: each turn after the text and before done" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 "$(ask_about 'why?')"
	ask 42 "$(ask_about $'a "b"\n\u00e9')"
	for m in '{"ticketBody":"printer jam","thread":true}' '{"type":"open","thread":true}' \
	    '{"ticketBody":"printer jam","thread":true,"version":1}'; do
		ask 42 "$m"
		is "$(types)" 'cached turn turn done'
		is "$(turns)" $'2 why?\n3 a "b"\n\u00e9'
		is "$(jq -j 'select(.type == "turn").response' <<<"$frames"; echo .)" "$GOOD$GOOD."
		is "$(from_cached session) $(of_done session)" '1 1'
	done
	ask 42 "$(ask_about 'why?' '{"thread":true}')"
	is "$(types) $(of_done session) $(of_done turn)" 'cached turn turn done 1 2'
	ask 42 "$(ask_about new '{"thread":true}')"
	is "$(types)" 'stream turn turn turn done'
	is "$(of_done turn)" 4
	# A new answer has no thread yet, and neither has another ticket.
	ask 42 '{"ticketBody":"printer jam","refresh":true,"thread":true}'
	is "$(types) $(of_done session)" 'stream done 5'
	ask 43 '{"ticketBody":"printer jam","thread":true}' '{"type":"open","thread":true}'
	is "$(types)" 'stream done cached done'
	# With or without it: who does not ask for the thread gets none.
	ask 42 '{"ticketBody":"printer jam","version":1,"thread":false}' '{"type":"open","version":1}'
	is "$(types)" 'cached done cached done'
}

@test "a thread has at most 200 questions" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	fill 199
	ask 42 "$(ask_about last)"
	generated
	ask 42 "$(ask_about 'one more')"
	failed_with thread_full 1
	is "$(jq .retryable <<<"$frames")" false
	is "$(posts)" 2
	for q in q1 ' q199' last; do
		ask 42 "$(ask_about "$q")"
		is "$(types)" 'cached done'
	done
	ask 42 '{"type":"open","thread":true}'
	is "$(grep -c '"turn"' <<<"$frames")" 200
	is "$(turns | sed -n '1p;$p' | paste -sd ' ')" '2 q1 201 last'
	ask 42 '{"ticketBody":"printer jam","refresh":true}' "$(ask_about 'one more')"
	is "$(types)" 'stream done stream done'
}
# Fills the thread of session 1 of ticket 42 with $1 turns, each of $2 bytes.
fill() {
	local more=${2:-1}
	sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	INSERT INTO TicketAISessions (TicketId, FollowsId, Prompt, AiResponse, UpdatedAt)
	SELECT 42, 1, 'q' || i, substr('$(head -c "$more" /dev/zero | tr '\0' y)', 1, $more),
	    '2026-11-20T10:00:00.000Z' FROM n"
	head -c "$more" /dev/zero | tr '\0' y >"$T/kept/turns"
	sql "INSERT INTO $COSTS SELECT Id, 'm', 'stop', 1, 2, 3, 4, 5, 6, 7, 8
	    FROM TicketAISessions WHERE FollowsId = 1 AND Id NOT IN
	    (SELECT SessionId FROM TicketAIGenerations)"
}

@test "a long thread is read as its viewer takes it" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	fill 200 100000
	mkfifo "$T/slow"
	echo '{"type":"open","thread":true}' >"$T/message"
	PATH_INFO=$(path_of 42) "$CHAT_BIN" -c "$T/conf" <"$T/message" >"$T/slow" 3>&- &
	pid=$!
	exec 9<"$T/slow"
	within 10 waits_for_reader
	# 20 MB wait, and the process has a small part of them.
	[ "$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")" -lt 12000 ]
	cat <&9 >"$T/all"
	exec 9<&-
	is "$(grep -c '^{"type":"turn"' "$T/all")" 200
	is "$(tail -1 "$T/all")" '{"type":"done","session":1}'
}
# It has filled the pipe, and sleeps until that is read.
waits_for_reader() { grep -q '^do_\(sys_\)\?poll\|^poll_schedule' "/proc/$pid/wchan" || awk '$3 == "S" { s = 1 } END { exit !s }' "/proc/$pid/stat"; }

@test "what the model reads of a question" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 "$(ask_about 'why?')"
	ask 42 "$(ask_about 'and  now?')"
	w=$(jq -j '.messages[-1].content' "$T/bodies/3.json" | head -c 18 | tail -c 16)
	fenced() { printf '[[%s]]\n%s\n[[/%s]]\n' "$w" "$1" "$w"; }
	is "$(jq -c '[.messages[].role]' "$T/bodies/3.json")" \
	    '["system","user","assistant","user","assistant","user"]'
	is "$(jq -j '.messages[1].content' "$T/bodies/3.json"; echo .)" "$(fenced 'printer jam'; echo .)"
	is "$(jq -j '.messages[2].content' "$T/bodies/3.json"; echo .)" "$GOOD."
	is "$(jq -j '.messages[3].content' "$T/bodies/3.json"; echo .)" "$(fenced 'why?'; echo .)"
	is "$(jq -j '.messages[5].content' "$T/bodies/3.json"; echo .)" "$(fenced 'and  now?'; echo .)"
	# The first question's prompt is the beginning of the second's.
	is "$(jq -c '.messages' "$T/bodies/2.json")" "$(jq -c '.messages[:4]' "$T/bodies/3.json")"
}

@test "who asks the same with other blanks hears of no other text" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	# What is saved is another text than what was streamed.
	printf %s 'Open the rear cover.' >"$T/kept/open"
	replay --stall 100 --until "$T/go" "$UP/think-close-only.ndjson"
	viewer 42 "$(ask_about 'why  not')"
	one=$V
	within 10 posted 1
	for q in 'why not' $'why\tnot' $'why\n not' ' why not '; do
		viewer 42 "$(ask_about "$q")"
		others+=($V)
	done
	for v in "${others[@]}"; do within 10 connected "${VIEWERS[v]}"; done
	replay_rest
	for v in $one "${others[@]}"; do
		viewed $v
		is "$(from_cached bodyChanged) $(from_cached session) $(from_cached turn)" 'null 1 2'
		is "$(last)" '{"type":"done","session":1,"version":1,"turn":2}'
	done
}

@test "a question that cannot be started leaves neither row nor socket" {
	needs_sqlite "chat makes the row"
	needs_strace
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	# The third connects to the socket that chat itself listens on.
	for e in EMFILE ENOMEM EAGAIN; do
		printf '%s\n' "$(ask_about "$e")" | PATH_INFO=/42 strace -f \
		    -o "$T/trace" -e trace=connect \
		    -e inject=connect:error=$e:when=3 "$CHAT_BIN" -c "$T/conf" \
		    >"$T/out" 2>&1 || true
		grep -q INJECTED "$T/trace"
		within 10 none_answers
		case $e in
		EAGAIN) grep -q '"done"' "$T/out"; is "$(rows | cut -d' ' -f2-)" '1 EAGAIN 1' ;;
		*) grep -q internal "$T/out"; is "$(rows)" '' ;;
		esac
		is "$(hashed)" ''
	done
	# The answer's own socket neither.
	printf '%s\n' "$Q" | PATH_INFO=/43 strace -f -o "$T/trace" -e trace=connect \
	    -e inject=connect:error=ENOMEM:when=3 "$CHAT_BIN" -c "$T/conf" >"$T/out" 2>&1 || true
	grep -q internal "$T/out"
	is "$(find "$TICKETCHAT_RUN_DIR" -name '*.sock')" ''
}

@test "answer killed anywhere: the row is whole or gone, and there is one end" {
	needs_sqlite "its file"
	needs_strace
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	local n=0 point out died=0
	for point in sendto:signal=KILL:when={2..5} epoll_wait:signal=KILL:when={2..6..2} \
	    fdatasync:signal=KILL:when={1..3} unlink:signal=KILL:when=1 flock:signal=KILL:when=1; do
		n=$((n + 1))
		out=$T/killed.$n
		status=0
		PATH_INFO=/42 timeout -s KILL 30 strace -f -o "$T/trace" -e inject="$point" \
		    "$B/bin/chat" -c "$T/conf" <<<"$(ask_about "why $n")" >"$out" 2>/dev/null 3>&- || status=$?
		within 10 none_answers
		# Unless chat itself was hit, it says one end.
		grep -q 'killed by SIGKILL' "$T/trace" && died=$((died + 1))
		[ $status = 137 ] ||
		    is "$(jq -r 'select(.type | IN("done", "error")).type' "$out" | wc -l)" 1
		is "$(sql "SELECT count(*) FROM TicketAISessions WHERE FollowsId IS NOT NULL
		    AND AiResponse IS NOT NULL AND (Prompt = '' OR AiResponse NOT IN
		    (SELECT AiResponse FROM TicketAISessions WHERE Id = 1))")" 0
		# Whatever is left, the same question is answered now.
		ask 42 "$(ask_about "why $n")"
		[[ $(types) =~ ^(cached|stream)\ done$ ]]
	done
	[ $died -gt 3 ]
	sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-01T00:00:00.000Z'
	    WHERE AiResponse IS NULL"
	run -0 sessions purge --older-than 90d --force
	is "$(sql "SELECT count(*), count(AiResponse) FROM TicketAISessions
	    WHERE FollowsId IS NOT NULL")" "$n|$n"
	# Sockets of killed processes go with the ticket.
	run -0 sessions forget --ticket 42
	is "$(hashed)" ''
}

@test "sessions stop ends the questions of a ticket, too, and tail shows them" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=4
	viewer 42 "$(ask_about why)"
	one=$V
	viewer 42 "$(ask_about how)"
	two=$V
	viewer 43 "$Q"
	three=$V
	for v in $one $two $three; do sees $v stream; done
	"$B/bin/sessions" -c "$T/conf" tail >"$T/tail" 2>&1 3>&- &
	tail=$!
	track $tail
	tails() { [ "$(grep -c 'ticket=42' "$T/tail")" -ge 2 ]; }
	within 10 tails
	run -0 sessions stop 42
	is "$output" $'ticket 42: stopped\nticket 42: stopped'
	viewed $one
	is "$(code)" stopped
	viewed $two
	is "$(code)" stopped
	run -1 sessions stop 42
	replay_rest
	viewed $three
	is_text "$LONG"
	end $tail
	is "$(rows)" ''
}

@test "deleting an answer by any hand deletes its thread, costs and ratings" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 "$(ask_about why)" '{"type":"rate","session":2,"good":true}'
	is "$(jq -c 'select(.type == "rated") | [.session, .version, .good]' <<<"$frames")" '[2,1,1]'
	ask 42 '{"ticketBody":"printer jam","refresh":true}' "$(ask_about why)"
	ask 42 '{"type":"rate","good":false,"version":1}'
	counts() { sql "SELECT (SELECT count(*) FROM TicketAISessions),
	    (SELECT count(*) FROM TicketAIGenerations),
	    (SELECT count(*) FROM TicketAIRatings)"; }
	is "$(counts)" '4|4|2'
	sql 'DELETE FROM TicketAISessions WHERE Id = 1'
	is "$(counts)" '2|2|0'
	ask 42 "$(ask_about why)"
	is "$(from_cached turn)" 4
	sql 'DELETE FROM Tickets WHERE Id = 42'
	is "$(counts)" '0|0|0'
}

@test "questions through the real websocketd" {
	command -v websocketd >/dev/null || skip "no websocketd"
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	service
	local url=ws://127.0.0.1:$P/api/websocket/chat/42
	client "$url" "$(ask_about why '{"status":true}')" >"$T/got"
	is "$(jq -r .type "$T/got" | uniq | sed -n '$p')" done
	is "$(jq -c 'select(.type == "done") | [.session, .version, .turn]' "$T/got")" '[1,1,2]'
	client "$url" "$(ask_about ' why' '{"thread":true}')" >"$T/got"
	is "$(jq -r .type "$T/got" | paste -sd ' ')" 'cached turn done'
	is "$(client "$url" "$(ask_about "$(head -c 65536 /dev/zero | tr '\0' x)")" | jq -r .code)" too_large
	is "$(client "$url" "$(ask_about x '{"session":2}')" | jq -r .code)" bad_request
}

@test "a viewer whose question was killed removes its row: none counts for thread_full" {
	needs_sqlite "on a server, whoever takes over deletes it"
	needs_strace
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	fill 198
	# Each try begins, and is killed before its first line.
	for call in epoll_create1 signalfd4; do
		PATH_INFO=/42 strace -f -o "$T/trace" -e trace=$call -e inject=$call:signal=KILL:when=1 \
		    "$CHAT_BIN" -c "$T/conf" <<<"$(ask_about "$call")" >"$T/out" 2>/dev/null 3>&- || true
		grep -q 'killed by SIGKILL' "$T/trace"
		within 10 none_answers
		is "$(rows | grep -c ' 0$')" 0
		rm -f "$TICKETCHAT_RUN_DIR"/*.sock	# the next one to ask would
	done
	# Killed in its text.
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 "$(ask_about why)"
	sees $V stream
	is "$(rows | grep -c ' 0$')" 1
	kill -9 $(answers)
	viewed $V
	is "$(code)" interrupted
	is "$(rows | grep -c ' 0$')" 0
	replay_end
	replay "$UP/good.ndjson"
	ask 42 "$(ask_about why)"
	generated
	ask 42 "$(ask_about how)"
	generated
	ask 42 "$(ask_about who)"
	failed_with thread_full 1
}

@test "of a thread that no model can read the older half leaves at once" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	fill 60 100000
	ask 42 "$(ask_about why)"
	generated
	[ "$(jq '.messages | length' "$T/bodies/2.json")" -lt 100 ]
	[ "$(jq '.messages | length' "$T/bodies/2.json")" -gt 40 ]
	[ "$(stat -c %s "$T/bodies/2.json")" -lt 4500000 ]
	is "$(messages 2 | sed -n '2p;$p' | jq -r '.[1]' | sed '/^\[\[/d; /^$/d' | paste -sd ' ')" 'printer jam why'
	messages 2 | grep -q q60
	not grep -q 'q1\\n' "$T/bodies/2.json"
	grep -q 'thread=shortened turns_left_out=' "$TICKETCHAT_LOG"
}
