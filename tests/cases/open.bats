#!/usr/bin/env bats
# {"type":"open"}: the answer that is there, saved or being written.  Nothing is
# ever started or charged for it.
load helper

O='{"type":"open"}'
from_cached() { jq -c --arg f "$1" 'select(.type == "cached")[$f]' <<<"$frames"; }
of_done() { jq -c --arg f "$1" 'select(.type == "done")[$f]' <<<"$frames"; }

@test "without an answer: no_answer, and nothing has happened" {
	replay "$UP/good.ndjson"
	ask 42 "$O"
	failed_with no_answer 1
	is "$(jq .retryable <<<"$frames")" false
	# Also where the ticket would have to be there.
	TICKETCHAT_TICKETS=existing ask 43 "$O"
	failed_with no_answer 1
	is "$(posts)" 0
	is "$(sql 'SELECT count(*) FROM Tickets')" 0
	# The connection goes on, and its next question is a question.
	ask 42 "$O" "$Q" "$O"
	is "$(types)" 'error stream done cached done'
	is "$(posts)" 1
}

@test "the saved answer, with its session and the text that was answered" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	ask 42 "$O"
	is "$(types)" 'cached done'
	is "$(from_cached ticketBody)" '"printer jam"'
	is "$(from_cached session)" "$(of_done session)"
	is "$(from_cached session)" "$(sql 'SELECT Id FROM TicketAISessions')"
	is "$(from_cached bodyChanged)" null
	# A client that does not know it gets what it always got; one that does
	# gets the session with each answer of the connection.
	ask 42 "$Q"
	is "$(from_cached session) $(from_cached ticketBody) $(of_done session)" \
	    'null null null'
	ask 42 "$O" "$Q"
	is "$(jq -c 'select(.type == "done").session' <<<"$frames" | uniq | wc -l)" 1
	not grep -q null <<<"$(of_done session)"
	is "$(posts)" 1
}

@test "the newest version whatever CACHE says, or the one that is named" {
	replay --times 1 --then "$UP/done-with-text.ndjson" "$UP/good.ndjson"
	printf 'Reinicie a impressora!' >"$T/kept/second"
	export TICKETCHAT_CACHE=body
	ask 42 "$Q"
	ask 42 '{"ticketBody":"another text"}'
	ask 42 "$O"
	is "$(from_cached version) $(from_cached ticketBody)" '2 "another text"'
	ask 42 '{"type":"open","version":1}'
	is "$(from_cached version) $(from_cached ticketBody)" '1 "printer jam"'
	for v in 3 0 -1 1.5 '"1"' 9223372036854775808; do
		ask 42 "{\"type\":\"open\",\"version\":$v}"
		failed_with bad_request 1
	done
	# What belongs to a question does nothing here.
	ask 42 '{"type":"open","refresh":true,"ticketBody":"a third text"}'
	is "$(types) $(from_cached version)" 'cached done 2'
	is "$(posts)" 2
}

@test "a running answer is followed from its first character" {
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	first=$V
	sees $first stream
	viewer 42 '{"type":"open","status":true}'
	sees $V stream
	has $V '"viewers":2'
	replay_rest
	viewed $V
	is_text "$LONG"
	not grep -q null <<<"$(of_done session)"
	viewed $first
	is_text "$LONG"
	is "$(of_done session)" null
	is "$(posts)" 1
}

@test "while a refresh runs the saved answer is opened" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 '{"ticketBody":"printer jam","refresh":true}'
	first=$V
	sees $first stream
	ask 42 "$O"
	is "$(types)" 'cached done'
	replay_rest
	viewed $first
}

@test "OPEN: on, answer, off; auto tells whether everybody is on this machine" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	TICKETCHAT_OPEN=answer ask 42 "$O"
	is "$(types) $(from_cached ticketBody)" 'cached done null'
	TICKETCHAT_OPEN=off ask 42 "$O" "$Q"
	is "$(code) $(types)" 'not_allowed error cached done'
	shows() { is "$(env "$@" "$B/bin/sessions" -c "$T/conf" settings | grep '^OPEN=')" "OPEN=$want"; }
	local want=on
	(umask 077 && printf '%032d\n' 7 >"$T/k")
	shows TICKETCHAT_ADDRESS=127.0.0.1
	shows TICKETCHAT_ADDRESS='[::1] 127.0.0.3 localhost'
	shows TICKETCHAT_ADDRESS=0.0.0.0 TICKETCHAT_OPEN=on
	shows TICKETCHAT_ADDRESS=0.0.0.0 TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=hs256:"$T/k"
	want=answer
	shows TICKETCHAT_ADDRESS=0.0.0.0
	shows TICKETCHAT_ADDRESS='127.0.0.1 desk.example'
	shows TICKETCHAT_ADDRESS=127.desk.example
	shows TICKETCHAT_ADDRESS='[::]'
	shows TICKETCHAT_TRUSTED_PROXIES=127.0.0.1
	want=off
	shows TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=hs256:"$T/k" TICKETCHAT_OPEN=off
	# Under websocketd chat has no ADDRESS: what it is not told is not on.
	mkfifo "$T/in"
	GATEWAY_INTERFACE=x TICKETCHAT_AUTH=off PATH_INFO=/api/websocket/chat/42 "$B/bin/chat" \
	    <"$T/in" >"$T/out" 3>&- &
	track $!
	exec {fd}>"$T/in"
	printf '%s\n' "$O" >&$fd
	within 10 grep -q done "$T/out"
	exec {fd}>&-
	grep -q cached "$T/out"
	not grep -q ticketBody "$T/out"
}

# Somebody at address $1 says $2 again and again: $3 each time, until it is too
# much.  One more may each second, so it takes more than sixty.
walks() {
	local n
	export REMOTE_ADDR=$1
	tab 100
	for ((n = 1; n < 600; n++)); do
		say $V "$2"
		within 10 eval '[ "$(so_far $V | wc -l)" = $n ]'
		! has $V rate_limited || break
	done
	[ $n -gt 60 ]
	is "$(so_far $V | jq -r .code | sort | uniq -c | tr -s ' ' | paste -sd,)" \
	    " $((n - 1)) $3, 1 rate_limited"
	has $V retryAfter
	leave $V
}

@test "nobody walks the tickets: sixty that are empty a minute, then a pause" {
	export GATEWAY_INTERFACE=x
	walks 203.0.113.7 "$O" no_answer
	# Somebody else may, and a question is not charged for it.
	export REMOTE_ADDR=203.0.113.8
	tab 200
	say $V "$O"
	sees $V no_answer
	leave $V
	export REMOTE_ADDR=203.0.113.7
	replay "$UP/good.ndjson"
	TICKETCHAT_RATE_LIMIT=1/min tab 42
	say $V "$Q"
	sees $V '"done"'
	say $V "$O"		# what is there is no walk
	sees $V cached
	leave $V
}

@test "who heard that there is nothing is forgotten with the user" {
	needs_sqlite rate.db
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
	ask 42 "{\"type\":\"open\",\"token\":\"$(sessions token --user ana "$T/key.secret")\"}"
	failed_with no_answer 1
	cat "$TICKETCHAT_RUN_DIR"/rate.db* | grep -qa 'open:user:ana'
	touch "$TICKETCHAT_LOG"
	run -0 sessions forget --user ana
	not grep -qa ana "$TICKETCHAT_RUN_DIR"/rate.db*
	# Without a good token nothing is opened, nor counted.
	ask 42 "$O"
	failed_with unauthorized 1
}

@test "nobody walks the tickets by versions and sessions" {
	local m n=10
	export GATEWAY_INTERFACE=x
	for m in '{"type":"open","version":1}' '{"ticketBody":"x","version":1}' \
	    '{"question":"x","version":1}' '{"question":"x","session":7}' \
	    '{"ticketBody":"x","version":7,"refresh":true}'; do
		walks 203.0.113.$((++n)) "$m" bad_request
	done
	# What is there is no walk.
	replay "$UP/good.ndjson"
	tab 42
	say $V "$Q"
	sees $V '"done"'
	say $V '{"ticketBody":"x","version":1}'
	sees $V cached
	leave $V
}
