#!/usr/bin/env bats
# {"type":"write"}: a person's answer is the ticket's next version.
load helper

@test "WRITE: on, off; auto lets write only whoever has a name" {
	shows() { is "$(env "$@" "$B/bin/sessions" -c "$T/conf" settings | grep '^WRITE=')" "WRITE=$want"; }
	local want=off
	(umask 077 && printf '%032d\n' 7 >"$T/k")
	shows TICKETCHAT_AUTH=off
	shows TICKETCHAT_WRITE=auto TICKETCHAT_ADDRESS=127.0.0.1
	shows TICKETCHAT_WRITE=off TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=hs256:"$T/k"
	want=on
	shows TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=hs256:"$T/k"
	shows TICKETCHAT_WRITE=on
	shows TICKETCHAT_WRITE=on TICKETCHAT_ADDRESS=0.0.0.0 TICKETCHAT_OPEN=off
	local v
	for v in '"on"' On yes 1 answer 'on off'; do
		TICKETCHAT_WRITE=$v run -102 sessions settings
		[[ $output = *WRITE=* ]]
	done
	TICKETCHAT_WRITE=on sessions doctor --quick | grep -q '^warning *WRITE: on with AUTH=off'
	not grep -q WRITE <<<"$(sessions doctor --quick)"
}

# The message; $1 is the text, $2 more fields.  What is written may be kept.
write() {
	printf '%s' "$1" >"$T/kept/w.$(md5sum <<<"$1" | cut -c1-8)"
	jq -nc --arg r "$1" "{type: \"write\", response: \$r${2:+, $2}}"
}
of_done() { jq -c 'select(.type == "done") | [.session, .versions]' <<<"$frames"; }
of_cached() { jq -c --arg f "$1" 'select(.type == "cached")[$f]' <<<"$frames"; }
newest() { sql 'SELECT max(Id) FROM TicketAISessions WHERE TicketId = 42 AND FollowsId IS NULL AND AiResponse IS NOT NULL'; }
versions() { sql 'SELECT count(*) FROM TicketAISessions WHERE TicketId = 42 AND AiResponse IS NOT NULL'; }
answered() {
	export TICKETCHAT_WRITE=on
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
}
with_tokens() {
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
}
# A message with the token of user $1.
by() {
	jq -c --arg t "$("$B/bin/sessions" token --user "$1" "$T/key.secret")" '. + {token: $t}' <<<"$2"
}
MARIA=$'Troque o cartucho.\n\nDepois: "teste" & <b>\\\u2028\U1f600'

@test "a person's answer is the next version, and what everybody gets" {
	answered
	first=$(newest)
	ask 42 "$(write "$MARIA")"
	is "$status $(types)" '0 done'
	[[ $err = *" session=$(newest) outcome=written code=- "* ]]
	is "$(of_done)" "[$(newest),2]"
	[ "$(newest)" -gt "$first" ]
	# The ticket's text is the same, and no model has written it.
	is "$(sql "SELECT count(DISTINCT Prompt), count(DISTINCT TextHash), count(DISTINCT AiResponse)
	    FROM TicketAISessions" | tr '|' ' ')" '1 1 2'
	is "$(sql 'SELECT count(*) FROM TicketAIGenerations')" 1
	is "$(sql "SELECT Author FROM TicketAISessions WHERE Id = $(newest)")" shell
	ask 42 "$Q"
	kept "$MARIA"
	is "$(of_cached author) $(of_cached version) $(of_cached versions)" '"shell" 2 2'
	ask 42 '{"type":"open"}'
	kept "$MARIA"
	is "$(of_cached author) $(of_cached ticketBody) $(of_cached session)" \
	    "\"shell\" \"printer jam\" $(newest)"
	TICKETCHAT_CACHE=body ask 42 "$Q"
	kept "$MARIA"
	# The model's is still there, and has no author.
	ask 42 '{"type":"open","version":1}'
	kept
	is "$(of_cached author)" null
	is "$(posts)" 1
	# A model writes the third version, another person the fourth.
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	generated
	ask 42 "$(write 'A quarta.')"
	is "$(of_done)" "[$(newest),4]"
	run -0 sessions check
}

@test "the author is the token's user, and never an address" {
	answered
	with_tokens
	unset TICKETCHAT_WRITE		# auto
	ask 42 "$(by maria "$(write Primeira)")"
	is "$(of_done)" "[$(newest),2]"
	ask 42 "$(by 'José "x" <b>' "$(write Segunda)")"
	ask 42 "$(by maria '{"type":"open"}')"
	is "$(of_cached author)" '"José \"x\" <b>"'
	ask 42 "$(by maria '{"type":"open","version":2}')"
	is "$(of_cached author)" '"maria"'
	ask 42 "$(write Terceira)"
	failed_with unauthorized 1
	unset TICKETCHAT_AUTH TICKETCHAT_JWT_KEY_FILE
	export TICKETCHAT_WRITE=on
	REMOTE_ADDR=203.0.113.7 tab 42
	say $V "$(write Quarta)"
	sees $V '"done"'
	say $V '{"type":"open"}'
	sees $V '"author":""'
	leave $V
	is "$(sql 'SELECT Author FROM TicketAISessions WHERE Author IS NOT NULL ORDER BY Id')" \
	    $'maria\nJosé "x" <b>'
	is "$(sql 'SELECT count(*) FROM TicketAISessions WHERE Author IS NOT NULL')" 3
}

@test "each message is its own token's user's, also if others follow before it begins" {
	answered
	with_tokens
	# They come together, so that all are read before the first begins.
	ask 42 "$(by ana "$(write Primeira)")" "$(by bob '{"type":"rate","good":true}')" \
	    "$(by eva '{"type":"rate","good":false}')" "$(by bob '{"type":"ping"}')"
	is "$(types)" 'pong done rated rated'
	ask 42 "$(by bob "$(write Segunda)")" "$(by ana '{"type":"stop"}')"
	# Without a token of its own it is the last good one's before it.
	ask 42 "$(by eva "$(write Terceira)")" "$(write Quarta)" "$(by ana '{"type":"ping"}')"
	is "$(sql 'SELECT Author FROM TicketAISessions WHERE Author IS NOT NULL ORDER BY Id' |
	    paste -sd ' ')" 'ana bob eva eva'
	is "$(sql 'SELECT UserName FROM TicketAIRatings ORDER BY UserName' | paste -sd ' ')" 'bob eva'
	# RATE_LIMIT is the user's who asks, too, and the queue's turn.
	export TICKETCHAT_RATE_LIMIT=1/day
	ask 43 "$(by bob "$Q")" "$(by ana '{"type":"ping"}')"
	ask 44 "$(by ana "$Q")" "$(by eva '{"type":"ping"}')"
	is "$(types)" 'pong stream done'
	ask 45 "$(by bob "$Q")" "$(by eva '{"type":"ping"}')"
	is "$(code)" rate_limited
	within 10 none_answers
	is "$(sql 'SELECT UserName FROM TicketAIGenerations WHERE UserName IS NOT NULL
	    ORDER BY SessionId' | paste -sd ' ')" 'shell bob ana'
}

@test "only the newest answer is replaced: answer_changed names it" {
	answered
	first=$(newest)
	ask 42 "$(write Segunda "session: $first")"
	second=$(newest)
	is "$(of_done)" "[$second,2]"
	for named in "session: $first" 'version: 1' "session: $first, version: 2"; do
		ask 42 "$(write Terceira "$named")"
		failed_with answer_changed 1
		is "$(jq -c '[.retryable, .session, .version]' <<<"$frames")" "[false,$second,2]"
		is "$(versions)" 2
	done
	ask 42 "$(write Terceira 'version: 2')"
	is "$(of_done)" "[$(newest),3]"
	ask 42 "$(write Quarta "session: $(newest)")"
	is "$(of_done)" "[$(newest),4]"
	# What the ticket does not have.
	for named in 'session: 99999' 'version: 99'; do
		ask 42 "$(write Quinta "$named")"
		failed_with bad_request 1
		is "$(jq -r .detail <<<"$frames")" "${named%%:*}"
	done
	ask 43 "$(write Quinta)"
	failed_with no_answer 1
	is "$(jq .retryable <<<"$frames")" false
	ask 43 "$(write Quinta "session: $first")"
	failed_with no_answer 1
	TICKETCHAT_TICKETS=existing ask 44 "$(write Quinta)"
	failed_with no_answer 1
	is "$(sql 'SELECT count(*) FROM Tickets')" 1
	is "$(versions)" 4
	ask 43 "$Q"
	ask 43 "$(write Quinta "session: $first")"
	failed_with bad_request 1
}

@test "the same text by the same person again is the same answer" {
	answered
	first=$(newest)
	ask 42 "$(write Segunda "session: $first")"
	second=$(newest)
	ask 42 "$(write Segunda "session: $first")" "$(write Segunda)" "$(write Segunda 'version: 1')"
	is "$(of_done | sort -u)" "[$second,2]"
	is "$(versions)" 2
	with_tokens
	ask 42 "$(by maria "$(write Segunda "session: $second")")"
	is "$(of_done)" "[$(newest),3]"
	is "$(versions)" 3
}

@test "what is no answer is refused, and nothing is saved" {
	answered
	local m
	for m in '{"type":"write"}' '{"type":"write","response":null}' '{"type":"write","response":7}' \
	    '{"type":"write","response":["a"]}' '{"type":"write","response":""}' \
	    '{"type":"write","response":" \n\t\u00a0\u2003\ufeff"}' '{"type":"write","response":"a\u0000b"}' \
	    '{"type":"write","response":"a","response":"b"}' '{"type":"write","response":"a","session":0}' \
	    '{"type":"write","response":"a","session":-1}' '{"type":"write","response":"a","session":1.5}' \
	    '{"type":"write","response":"a","session":"1"}' '{"type":"write","response":"a","version":0}' \
	    '{"type":"write","response":"a","session":9223372036854775808}' \
	    '{"type":"write","ticketBody":"a"}' '{"type":"write","response":"a","lang":1}'; do
		ask 42 "$m"
		failed_with bad_request 1
	done
	ask 42 '{"type":"write","response":"half \ud83d"}'
	failed_with bad_json 1
	jq -r .message <<<"$frames" | grep -vqi chamado
	is "$(versions)" 1
	# In other messages it is a field that nobody knows.
	ask 42 '{"ticketBody":"printer jam","response":7}'
	kept
	TICKETCHAT_WRITE=off ask 42 "$(write a)"
	failed_with not_allowed 1
	TICKETCHAT_WRITE=auto ask 42 "$(write a)"
	failed_with not_allowed 1
	is "$(versions)" 1
	ask 42 "$(write b)"
	for lang in pt en es; do
		ask 42 "$(write a "version: 1, lang: \"$lang\"")"
		failed_with answer_changed 1
		jq -r .message <<<"$frames"
	done | sort -u | wc -l | grep -qx 3
}

@test "an answer may be as long as MAX_ANSWER_BYTES, however it is escaped" {
	answered
	export TICKETCHAT_MAX_ANSWER_BYTES=100000 TICKETCHAT_MAX_TICKET_BYTES=1000
	local long
	long=$(printf 'é%.0s' {1..50000})
	printf '%s' "$long" >"$T/kept/long"
	jq -nc --rawfile r "$T/kept/long" '{type: "write", response: $r}' >"$T/plain"
	# All in escapes, six bytes for two.
	/usr/bin/python3 -c 'import json, sys
print(json.dumps({"type": "write", "response": open(sys.argv[1], encoding="utf-8").read(), "session": int(sys.argv[2])}))' \
	    "$T/kept/long" "$(newest)" >"$T/escaped"
	pipe 42 1 <"$T/escaped"
	is "$(of_done)" "[$(newest),2]"
	is "$(sql "SELECT length(AiResponse) FROM TicketAISessions WHERE Id = $(newest)")" 50000
	sed 's/é"/éa"/' "$T/plain" | pipe 42 1
	failed_with too_large 1
	is "$(jq -r .detail <<<"$frames")" 100000
	is "$(versions)" 2
	# Every byte may take six: \u0061.
	/usr/bin/python3 -c 'print("{\"type\":\"write\",\"response\":\"" + "\\u0061" * 100000 + "\"}")' >"$T/letters"
	printf 'a%.0s' {1..100000} >"$T/kept/letters"
	pipe 42 1 <"$T/letters"
	is "$(of_done)" "[$(newest),3]"
	# A ticket's text may not be longer because of that.
	jq -nc --rawfile r "$T/kept/letters" '{ticketBody: $r}' | pipe 42 1
	failed_with too_large 1
	is "$(jq -r .detail <<<"$frames")" 1000
	# Where nobody writes a message is as short as it was.
	TICKETCHAT_WRITE=off pipe 42 1 <"$T/letters"
	failed_with too_large 1
	is "$(versions)" 3
}

@test "while an answer is generated nobody writes one, and its viewers see it all" {
	answered
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	local first=$V
	sees $first stream
	ask 42 "$(write Segunda)"
	failed_with answer_running 1
	is "$(jq .retryable <<<"$frames")" true
	run -1 sessions write 42 <<<'Segunda'
	[[ $output = *'is being generated'* ]]
	is "$(versions)" 1
	replay_rest
	viewed $first
	is_text "$LONG"
	# Whoever wrote meanwhile is told what came.
	ask 42 "$(write Segunda 'version: 1')"
	failed_with answer_changed 1
	is "$(jq -c '[.session, .version]' <<<"$frames")" "[$(newest),2]"
	ask 42 "$(write Segunda)"
	is "$(of_done)" "[$(newest),3]"
	# The first answer of a ticket is one, too.
	rm "$T/go"
	replay_part "$T/long.ndjson"
	viewer 43 "$Q"
	sees $V stream
	ask 43 "$(write Segunda)"
	failed_with answer_running 1
	replay_rest
	viewed $V
}

@test "a question is about the person's answer, which the model reads as its own" {
	answered
	first=$(newest)
	ask 42 "$(write "$MARIA" "session: $first")"
	mine=$(newest)
	ask 42 '{"question":"And then?"}'
	is "$(types)" 'stream done'
	is "$(jq -c 'select(.type == "done") | [.session, .version]' <<<"$frames")" "[$mine,2]"
	jq -e --arg r "$MARIA" '[.messages[] | select(.role == "assistant")] | .[0].content == $r' \
	    "$T/bodies/2.json" >/dev/null
	# A question is not an answer that could be replaced.
	asked=$(sql 'SELECT max(Id) FROM TicketAISessions WHERE FollowsId IS NOT NULL')
	ask 42 "$(write Segunda "session: $asked")"
	failed_with bad_request 1
	is "$(jq -r .detail <<<"$frames")" session
	run -1 sessions write --session "$asked" 42 <<<Segunda
	[[ $output = *"session $asked is no answer of ticket 42"* ]]
	# The newest answer is still the one that it was.
	ask 42 "$(write Segunda "session: $mine")"
	is "$(of_done)" "[$(newest),3]"
	ask 42 "$(write Terceira "session: $mine")"
	failed_with answer_changed 1
	is "$(jq -c '[.session, .version]' <<<"$frames")" "[$(newest),3]"
	run -0 sessions check
}

@test "while a question is answered people write, and its answer is saved" {
	answered
	first=$(newest)
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 '{"question":"And then?"}'
	local asked=$V
	sees $asked stream
	ask 42 "$(write Segunda)"
	is "$(of_done)" "[$(sql "SELECT Id FROM TicketAISessions WHERE Author IS NOT NULL"),2]"
	printf 'Terceira' >"$T/kept/third"
	sessions write 42 <"$T/kept/third" >"$T/said"
	grep -q 'version 3$' "$T/said"
	replay_rest
	viewed $asked
	is_text "$LONG"
	is "$(jq -c 'select(.type == "done") | [.session, .version]' <<<"$frames")" "[$first,1]"
	# The new version begins with no questions.
	is "$(sessions history --json 42 | jq -c '[.version, .asked]')" $'[3,0]\n[2,0]\n[1,1]'
	run -0 sessions check
}

@test "of two who write at once both are saved, or one is told" {
	answered
	local i first done=0
	first=$(newest)
	for i in {1..8}; do viewer 42 "$(write "Versão $i")"; done
	for i in "${!VIEWERS[@]}"; do
		viewed $i
		is "$(types)" done
	done
	is "$(versions)" 9
	VIEWERS=()
	first=$(newest)
	for i in {1..8}; do viewer 42 "$(write "Outra $i" "session: $first")"; done
	for i in "${!VIEWERS[@]}"; do
		viewed $i
		case $(types) in
		done) done=$((done + 1)) ;;
		*) failed_with answer_changed 1
		   is "$(jq -c '[.session, .version]' <<<"$frames")" "[$(newest),10]" ;;
		esac
	done
	is "$done $(versions)" '1 10'
}

@test "a refresh that began before waits, and one that follows is a version more" {
	answered
	viewer 42 "$(write Segunda)"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	viewed $V
	[ "$(versions)" -ge 2 ]
	run -0 sessions check
}

@test "a writer that is killed has saved all or nothing" {
	needs_sqlite "its file"
	needs_strace
	answered
	local call n before text i=0
	text=$(write x)
	printf '%s\n' "$text" >"$T/text"
	while read -r call n; do
		before=$(versions)
		i=$((i + 1))
		write "Morta $i" >"$T/text"
		PATH_INFO=/42 strace -f -o /dev/null -e inject="$call:signal=KILL:when=$n" \
		    "$B/bin/chat" -c "$T/conf" <"$T/text" >"$T/killed" 2>/dev/null || true
		case $(versions)/$(grep -c '"done"' "$T/killed") in
		$before/0 | $((before + 1))/[01]) ;;
		*) echo "$call $n: $before, then $(versions)" >&2; false ;;
		esac
		# Nobody is kept from writing.
		ask 42 "$(write "Viva $i")"
		is "$(types)" done
	done < <(PATH_INFO=/42 points "$B/bin/chat" -c "$T/conf" <"$T/text" |
	    grep -E '^(pwrite64|fdatasync|fcntl|write|openat|connect|ftruncate) ' | nth 4)
	[ $i -gt 10 ]
	run -0 sessions check --full
}

@test "a ticket that is forgotten meanwhile stays forgotten" {
	answered
	local i
	first=$(newest)
	for i in {1..6}; do viewer 42 "$(write "okapi $i")"; done
	run -0 sessions forget --ticket 42
	for i in "${!VIEWERS[@]}"; do
		viewed $i
		case $(types) in done) ;; *) failed_with no_answer 1 ;; esac
	done
	ask 42 "$(write 'okapi 7' "session: $first")"
	failed_with no_answer 1
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 0
	not grep -qa okapi <<<"$(all_that_is_kept | tr -d '\0')"
	# A new answer to the ticket is not what was to be replaced.
	ask 42 "$Q"
	ask 42 "$(write 'okapi 8' "session: $first")"
	failed_with bad_request 1
	is "$(versions)" 1
}

@test "thirty answers a minute, and the thirty-first waits" {
	answered
	with_tokens
	# In one connection: a slow machine takes a minute for thirty.  Every two
	# seconds one more is due, which may be the last of them.
	local n messages=()
	for ((n = 1; n <= 60; n++)); do
		messages+=("$(by ana "$(write "Versão $n")")")
	done
	ask 42 "${messages[@]}"
	n=$(grep -c '"done"' <<<"$frames")
	is "$(code | sort -u)" rate_limited
	jq -se 'map(select(.type == "error").retryAfter) | all(. > 0)' <<<"$frames"
	[ "$n" -ge 30 ]
	is "$(versions)" $((n + 1))
	ask 42 "$(by bob "$(write Outra)")"
	is "$(types)" done
	# Ratings have a limit of their own.
	ask 42 "$(by ana '{"type":"rate","good":true}')"
	is "$(types)" rated
	touch "$TICKETCHAT_LOG"
	run -0 sessions forget --user ana --verify
	[[ $output = *'0 rows are left'* ]]
	[ "$STORE" = postgres ] || not grep -qa ana "$TICKETCHAT_RUN_DIR"/rate.db*
}

@test "through the service: whoever has a token writes under its name" {
	replay "$UP/good.ndjson"
	with_tokens
	command -v websocketd >/dev/null || skip "no websocketd"
	service
	local url=ws://127.0.0.1:$P/api/websocket/chat/42
	is "$(client "$url" "$(by ana "$Q")" | tail -n 1 | jq -r .type)" done
	client "$url" "$(by maria "$(write Segunda 'version: 1')")" >"$T/got"
	is "$(jq -r '[.type, .versions] | @csv' "$T/got")" '"done",2'
	client "$url" "$(by ana '{"type":"open"}')" >"$T/got"
	is "$(jq -r 'select(.type == "cached") | [.author, .response] | @csv' "$T/got")" '"maria","Segunda"'
	is "$(client "$url" "$(write Terceira)" | jq -r .code)" unauthorized
	is "$(client "$url" "$(by ana "$(write Terceira 'version: 1')")" | jq -r .code)" answer_changed
	grep -q 'user="maria".* outcome=written code=- ' "$TICKETCHAT_LOG"
}

@test "sessions write: the same from a file" {
	answered
	unset TICKETCHAT_WRITE
	printf 'Da linha de comando.\r\n\n' >"$T/file"
	printf 'Da linha de comando.' >"$T/kept/file"
	first=$(newest)
	sessions write 42 <"$T/file" >"$T/out"
	is "$(<"$T/out")" "ticket 42: session $(newest), version 2"
	ask 42 '{"type":"open"}'
	kept 'Da linha de comando.'
	is "$(of_cached author)" '"shell"'
	printf 'x' >"$T/kept/x"
	run -1 sessions write --session "$first" 42 <"$T/kept/x"
	[[ $output = *"session $first is not the newest answer of ticket 42 any more: that is $(newest)"* ]]
	run -1 sessions write --session 999 42 <"$T/kept/x"
	[[ $output = *'session 999 is no answer of ticket 42'* ]]
	run -1 sessions write 43 <"$T/kept/x"
	[[ $output = *'ticket 43 has no answer'* ]]
	run -1 sessions write 42 </dev/null
	[[ $output = *blank* ]]
	run -1 sessions write 42 <<<$' \t '
	printf 'a\0b' >"$T/nul"
	run -1 sessions write 42 <"$T/nul"
	[[ $output = *UTF-8* ]]
	printf 'a\xff' >"$T/nul"
	run -1 sessions write 42 <"$T/nul"
	[[ $output = *UTF-8* ]]
	printf '12345' >"$T/kept/five"
	TICKETCHAT_MAX_ANSWER_BYTES=4 run -1 sessions write 42 <"$T/kept/five"
	[[ $output = *'longer than MAX_ANSWER_BYTES (4)'* ]]
	is "$(versions)" 2
	printf '12345\n' | TICKETCHAT_MAX_ANSWER_BYTES=5 sessions write --session "$(newest)" 42
	is "$(versions)" 3
	run -100 sessions write
	run -100 sessions write x <"$T/file"
	run -100 sessions write 42 43 <"$T/file"
}
