#!/usr/bin/env bats
# {"type":"rate"}: what people think of an answer.
load helper

rate() { echo "{\"type\":\"rate\",\"good\":$1${2:+,$2}}"; }
rated() { jq -c 'select(.type == "rated") | [.version, .good, .bad]' <<<"$frames"; }
rows() { sql 'SELECT count(*) FROM TicketAIRatings'; }
answered() {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
}
# A user's message, with a token.
as() {
	local user=$1 t=$2
	shift 2
	ask "$t" "${1%\}},\"token\":\"$(sessions token --user "$user" "$T/key.secret")\"}"
}
with_tokens() {
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
}

@test "a rating is saved, and the last one of a user counts" {
	answered
	ask 42 "$(rate true)"
	is "$status $(types) $(rated)" '0 rated [1,1,0]'
	is "$(jq .session <<<"$frames")" "$(sql 'SELECT Id FROM TicketAISessions')"
	ask 42 "$(rate false '"reason":"wrong","comment":"Não é \"isso\".\nVeja o manual."')"
	is "$(rated)" '[1,0,1]'
	is "$(rows)" 1
	is "$(sql 'SELECT UserName || Reason || Comment FROM TicketAIRatings')" \
	    $'shellwrongNão é "isso".\nVeja o manual.'
	# The same once more changes nothing, not even when.
	when=$(sql 'SELECT RatedAt FROM TicketAIRatings')
	sleep 0.01
	ask 42 "$(rate false '"reason":"wrong","comment":"Não é \"isso\".\nVeja o manual."')"
	is "$(rated) $(sql 'SELECT RatedAt FROM TicketAIRatings')" "[1,0,1] $when"
	ask 42 "$(rate false)"
	is "$(sql 'SELECT count(Reason) + count(Comment) FROM TicketAIRatings')" 0
	is "$(posts)" 1
}

@test "each user has one word; an address without a token is a hash" {
	answered
	with_tokens
	as ana 42 "$(rate true)"
	as bob 42 "$(rate true)"
	is "$(rated)" '[1,2,0]'
	as ana 42 "$(rate false '"reason":"other"')"
	is "$(rated)" '[1,1,1]'
	ask 42 "$(rate true)"
	failed_with unauthorized 1
	unset TICKETCHAT_AUTH TICKETCHAT_JWT_KEY_FILE
	REMOTE_ADDR=203.0.113.7 tab 42
	say $V "$(rate true)"
	sees $V rated
	viewed $V
	is "$(rated)" '[1,2,1]'
	not grep -q '203.0.113' <<<"$(sql 'SELECT UserName FROM TicketAIRatings')"
	is "$(sql "SELECT count(*) FROM TicketAIRatings WHERE length(UserName) = 32")" 1
}

@test "the answer that is meant: by session, by version, or the newest" {
	replay --times 1 --then "$UP/done-with-text.ndjson" "$UP/good.ndjson"
	printf 'Reinicie a impressora!' >"$T/kept/second"
	ask 42 "$(rate true)"
	failed_with no_answer 1
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	ask 42 "$(rate true)"
	is "$(rated)" '[2,1,0]'
	ask 42 "$(rate false '"version":1')"
	is "$(rated)" '[1,0,1]'
	first=$(jq .session <<<"$frames")
	ask 42 "$(rate true "\"session\":$first")"
	is "$(rated)" '[1,1,0]'
	for f in version session; do
		ask 42 "$(rate true "\"$f\":99")"
		failed_with bad_request 1
		is "$(jq -r .detail <<<"$frames")" $f
	done
	# A session of another ticket is not this ticket's.
	ask 43 "$(rate true "\"session\":$first")"
	failed_with bad_request 1
	is "$(rows)" 2
}

@test "what is no rating is refused, and nothing is saved" {
	answered
	long=$(printf 'é%.0s' {1..1001})
	for m in '{"type":"rate"}' '{"type":"rate","good":null}' '{"type":"rate","good":1}' \
	    "$(rate true '"reason":"bad"')" "$(rate true '"reason":""')" "$(rate true '"reason":7')" \
	    "$(rate true '"session":0')" "$(rate true '"session":"1"')" "$(rate true '"session":1.5')" \
	    "$(rate true '"comment":7')" "$(rate true '"comment":"a\u0000b"')" \
	    "$(rate true '"good":false')"; do
		ask 42 "$m"
		failed_with bad_request 1
	done
	ask 42 "$(rate true "\"comment\":\"$long\"")"
	failed_with too_large 1
	is "$(jq -r .detail <<<"$frames")" 2000
	ask 42 "$(rate true "\"comment\":\"${long:1}\"")"
	is "$(rated)" '[1,1,0]'
	is "$(rows)" 1
	TICKETCHAT_RATINGS=off ask 42 "$(rate true)"
	failed_with not_allowed 1
	# In other messages these are fields that nobody knows.
	ask 42 '{"ticketBody":"printer jam","good":"x","session":"y","comment":1}'
	kept
}

@test "thirty ratings a minute, and the thirty-first waits" {
	answered
	with_tokens
	# In one connection: a slow machine takes a minute for thirty.
	local m all
	m=$(rate true)
	m="${m%\}},\"token\":\"$(sessions token --user ana "$T/key.secret")\"}"
	mapfile -t all < <(for _ in {1..60}; do echo "$m"; done)
	ask 42 "${all[@]}"
	is "$(code | sort -u)" rate_limited
	[ "$(grep -c '"rated"' <<<"$frames")" -ge 30 ]
	as bob 42 "$(rate true)"
	is "$(types)" rated
}

@test "a rating goes with its ticket, and with its user" {
	answered
	with_tokens
	as ana 42 "$(rate false '"comment":"the zebra comment"')"
	as bob 42 "$(rate true '"comment":"the okapi comment"')"
	all_that_is_kept | grep -qa zebra
	touch "$TICKETCHAT_LOG"
	run -0 sessions forget --user ana --verify
	[[ $output = *'0 rows are left'* ]]
	not grep -qa zebra <<<"$(all_that_is_kept | tr -d '\0')"
	is "$(sql 'SELECT UserName FROM TicketAIRatings')" bob
	run -0 sessions forget --ticket 42 --verify
	is "$(rows)" 0
	not grep -qa okapi <<<"$(all_that_is_kept | tr -d '\0')"
}

@test "a rating whose session is gone is found by check" {
	answered
	run -0 sessions check
	sql "INSERT INTO TicketAIRatings VALUES (99, 'ana', $([ "$STORE" = postgres ] && echo true || echo 1), NULL, NULL, '2026-11-23T12:18:14Z')"
	run ! sessions check
	[[ $output = *'TicketAIRatings: row 99 has no TicketAISessions'* ]]
	NO_DATABASE=1
}

@test "forget --user that is killed at any fdatasync is made up for by the next" {
	needs_sqlite "its file"
	needs_strace
	answered
	with_tokens
	touch "$TICKETCHAT_LOG"
	local i left=0
	for i in {1..9}; do
		as ana 42 "$(rate false '"comment":"the zebra comment"')"
		strace -o /dev/null -e inject=fdatasync:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" forget --user ana >/dev/null 2>&1 || true
		! all_that_is_kept | tr -d '\0' | grep -qa zebra || left=$((left + 1))
		run -0 sessions forget --user ana --verify
		[[ $output = *'0 rows are left'* ]]
		not grep -qa zebra <<<"$(all_that_is_kept | tr -d '\0')"
	done
	[ $left -gt 0 ]
	is "$(rows)" 0
}
