# An instruction: a hint for a new answer, from the message to the saved row.
load helper

# A message with an instruction; $2: another text.
hint() {
	jq -nc --arg i "$1" --arg t "${2-printer jam}" \
	    '{ticketBody: $t, refresh: true, instruction: $i}'
}
with_tokens() {
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
}
prepare() { export TICKETCHAT_WRITE=on; }

# The last user's message of the Nth POST.
reads() { jq -j '.prompt // .messages[-1].content' "$T/bodies/$1.json"; }

@test "an instruction ends what the model reads, is saved, and is shown" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 "$(hint $' answer in\r\nEnglish ')"
	generated
	w=$(reads 1 | head -c 18 | tail -c 16)
	is "$(reads 2)" "$(printf '[[%s]]\nprinter jam\n[[/%s]]\n[[%s]]\nanswer in\nEnglish\n[[/%s]]\n' \
	    $w $w $w $w)"
	is "$(jq -c 'keys_unsorted' "$T"/bodies/*.json | uniq | wc -l)" 1
	is "$(jq -j .system "$T/bodies/1.json" | md5sum)" \
	    "$(jq -j .system "$T/bodies/2.json" | md5sum)"
	# Who uses a new field learns the session.
	is "$(last)" '{"type":"done","versions":2,"session":2}'
	ask 42 "$Q"
	is "$(jq -c 'select(.type == "cached").instruction' <<<"$frames")" \
	    '" answer in\r\nEnglish "'
	ask 42 '{"ticketBody":"printer jam","version":1}'
	is "$(jq -c 'select(.type == "cached") | has("instruction")' <<<"$frames")" false
	ask 42 '{"type":"open","version":2}'
	is "$(jq -c 'select(.type == "cached").instruction' <<<"$frames")" \
	    '" answer in\r\nEnglish "'
	# An answer without one has none, in whatever row.
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(sql "SELECT coalesce(Instruction, '-') FROM TicketAISessions
	    WHERE Id <> 2" | paste -sd ' ')" '- -'
	is "$(reads 3)" "$(reads 1)"
}

@test "instructions that are refused: words, sizes, types, places" {
	replay "$UP/good.ndjson"
	refused() {	# CODE DETAIL MESSAGE
		ask 42 "$3"
		failed_with "$1" 1
		is "$(jq -r '.detail // "-"' <<<"$frames")" "$2"
	}
	for m in '{"ticketBody":"a","instruction":"x"}' \
	    '{"ticketBody":"a","instruction":"x","refresh":false}' \
	    '{"ticketBody":"a","instruction":"x","refresh":null}' \
	    '{"ticketBody":"a","instruction":"","refresh":true}' \
	    '{"ticketBody":"a","instruction":" \t\r\n","refresh":true}' \
	    '{"ticketBody":"a","instruction":"\u3000\u00a0\u200b","refresh":true}' \
	    '{"ticketBody":"a","instruction":"x\u0000y","refresh":true}' \
	    '{"ticketBody":"a","instruction":"\u0000","refresh":true}' \
	    '{"ticketBody":"a","instruction":7,"refresh":true}' \
	    '{"ticketBody":"a","instruction":["x"],"refresh":true}' \
	    '{"ticketBody":"a","instruction":true,"refresh":true}' \
	    '{"ticketBody":"a","instruction":{"a":"x"},"refresh":true}' \
	    '{"ticketBody":"a","instruction":"x","refresh":true,"instruction":"x"}'; do
		refused bad_request instruction "$m"
	done
	refused bad_json - '{"ticketBody":"a","instruction":"\ud83d","refresh":true}'
	refused too_large 2000 "$(hint "$(head -c 2001 /dev/zero | tr '\0' x)")"
	# 2,000 bytes, not characters.
	refused too_large 2000 "$(hint "$(printf 'é%.0s' {1..1001})")"
	is "$(posts)" 0
	for l in pt en es; do
		refused bad_request instruction \
		    "{\"ticketBody\":\"a\",\"instruction\":\"x\",\"lang\":\"$l\"}"
		jq -r .message <<<"$frames" >>"$T/words"
	done
	is "$(grep -c 'refresh' "$T/words") $(sort -u "$T/words" | wc -l)" '3 3'
	ask 42 '{"ticketBody":"a","instruction":null}'
	generated
	ask 42 "$(hint "$(printf 'é%.0s' {1..1000})")"
	generated
	is "$(reads 2 | grep -o é | wc -l)" 1000
}

@test "who may give an instruction" {
	replay "$UP/good.ndjson"
	allowed() {	# CODE, with the settings in front
		ask 42 "$(hint brief)"
		case $1 in
		-) generated ;;
		*) failed_with "$1" 1 ;;
		esac
	}
	TICKETCHAT_WRITE=auto allowed not_allowed
	TICKETCHAT_WRITE=off allowed not_allowed
	TICKETCHAT_SYSTEM_PROMPT_FILE=none allowed not_allowed
	is "$(posts)" 0
	TICKETCHAT_WRITE=on allowed -
	# A mistake is told as such, whoever makes it.
	TICKETCHAT_WRITE=off ask 42 '{"ticketBody":"a","instruction":""}'
	failed_with bad_request 1
	# With a token everybody may, unless there is no system prompt.
	with_tokens
	export TICKETCHAT_WRITE=off
	t=$(sessions token --user maria "$T/key.secret")
	with() { hint brief | jq -c --arg t "$t" '.token = $t'; }
	ask 42 "$(with)"
	generated
	TICKETCHAT_SYSTEM_PROMPT_FILE=none ask 42 "$(with)"
	failed_with not_allowed 1
}

@test "a saved answer serves a refresh only if its instruction is the same" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	# Each comes twice at once: the second is served by the first's answer.
	n=1
	for h in 'in English' ' in  English' $'in\nEnglish' 'in french' 'In French'; do
		ask 42 "$(hint "$h")" "$(hint "$h ")"
		is "$(types)" 'stream done cached done'
		is "$(posts)" $((++n))
	done
	# Of two that came at once and differ, each has its own.
	ask 42 "$(hint a)" "$(hint b)" "$(hint b)" \
	    '{"ticketBody":"printer jam","refresh":true}'
	is "$(types)" 'stream done stream done cached done stream done'
	is "$(sql "SELECT coalesce(Instruction, '-') FROM TicketAISessions
	    ORDER BY Id DESC LIMIT 3" | paste -sd ' ')" '- b a'
	# Who asks without refresh gets what there is, whatever its instruction.
	ask 42 "$(hint c)"
	ask 42 "$Q"
	is "$(jq -r 'select(.type == "cached").instruction' <<<"$frames")" c
}

# Starts the refresh $1 of ticket 42 and waits until it has text; V is it.
running() {
	long 20
	replay_part "$T/long.ndjson"
	viewer 42 "$1"
	sees $V w8
}

@test "whoever needs another answer waits: no frames, no viewer, no stop" {
	export TICKETCHAT_GENERATIONS=2
	running "$(hint a | jq -c '.status = true')"
	first=$V
	talker 42
	other=$V
	say $other "$(hint b | jq -c '.status = true')"
	sees $other queued
	viewer 42 "$(hint ' a' | jq -c '.status = true')"
	same=$V
	sees $same w8
	sees $same '"viewers":2'
	# It is another's: a stop ends the question, not the generation.
	talker 42
	third=$V
	say $third '{"ticketBody":"printer jam","refresh":true}'
	sleep 0.3
	say $third '{"type":"stop"}'
	sees $third stopped
	is "$(so_far $other)" '{"type":"status","state":"queued","position":1}'
	replay_rest
	viewed $first
	is "$(last | jq -r .type)" done
	viewed $same
	is "$(last | jq -r .type)" done
	not grep -q '"viewers":[34]' "$T/frames.$first" "$T/frames.$same"
	viewed $third
	failed_with stopped 2
	viewed $other
	is "$(last | jq -r .type) $(text)" "done $LONG"
	is "$(posts)" 2
	is "$(sql 'SELECT Instruction FROM TicketAISessions ORDER BY Id' |
	    paste -sd ' ')" 'a b'
}

@test "a stop that comes before the first line does not end another's answer" {
	running "$(hint a)"
	first=$V
	a=$(answers)
	kill -STOP $a
	talker 42
	other=$V
	say $other "$(hint b)"
	within 10 connected ${VIEWERS[other]}
	say $other '{"type":"stop"}'
	sleep 0.3
	not has $other .
	kill -CONT $a
	viewed $other
	failed_with stopped 2
	replay_rest
	viewed $first
	is "$(last | jq -r .type) $(text)" "done $LONG"
}

@test "what waits is served by what it waited for, if that is the same" {
	running '{"ticketBody":"printer jam","refresh":true}'
	first=$V
	viewer 42 "$(hint b)"
	one=$V
	viewer 42 "$(hint b)"
	two=$V
	viewer 42 "$Q"
	plain=$V
	sees $plain w8
	sleep 0.3
	not has $one .
	not has $two .
	replay_rest
	for v in $first $one $two $plain; do
		viewed $v
		is "$(last | jq -r .type)" done
		is "$(text)$(cached_text)" "$LONG"
	done
	is "$(posts)" 2
}

@test "a generation that nobody else watches does not live for those who wait" {
	export TICKETCHAT_ON_DISCONNECT=cancel
	running "$(hint a)"
	first=$V
	viewer 42 "$(hint b)"
	other=$V
	sleep 0.3
	kill -KILL ${VIEWERS[first]}
	within 10 logged '^gone 1'
	replay_rest
	viewed $other
	is "$(last | jq -r .type) $(text)" "done $LONG"
	is "$(sql 'SELECT Instruction FROM TicketAISessions
	    WHERE AiResponse IS NOT NULL')" b
}

@test "a generation that is killed leaves those who wait their own" {
	running "$(hint a)"
	first=$V
	viewer 42 "$(hint b)"
	other=$V
	sleep 0.3
	kill -KILL $(answers)
	replay_rest
	viewed $other
	is "$(last | jq -r .type) $(text)" "done $LONG"
	viewed $first
	failed_with interrupted 2
	# The row that was begun for one hint was used for the other.
	is "$(sql 'SELECT Instruction FROM TicketAISessions')" b
}

@test "with CACHE=body another text waits in the same way" {
	export TICKETCHAT_CACHE=body
	running '{"ticketBody":"printer jam","status":true}'
	first=$V
	viewer 42 '{"ticketBody":"other text","status":true}'
	other=$V
	sees $other queued
	sleep 1.5	# changes of that number alone come once a second
	is "$(so_far $other | jq -r .type)" status
	replay_rest
	viewed $first
	not grep -q '"viewers":2' "$T/frames.$first"
	viewed $other
	is "$(last | jq -r .type) $(text)" "done $LONG"
	is "$(posts)" 2
}

@test "what is kept of a generation" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	TICKETCHAT_SYSTEM_PROMPT_FILE=none ask 43 "$Q"
	printf 'Be brief.' >"$T/prompt"
	TICKETCHAT_SYSTEM_PROMPT_FILE=$T/prompt ask 44 "$Q"
	is "$(sql 'SELECT DISTINCT UserName FROM TicketAIGenerations')" shell
	is "$(sql 'SELECT PromptHash FROM TicketAIGenerations' | grep -cx '[0-9a-f]\{8\}')" 3
	is "$(sql 'SELECT count(DISTINCT PromptHash) FROM TicketAIGenerations')" 3
	is "$(sql 'SELECT DISTINCT Server FROM TicketAIGenerations')" \
	    "$(hostname)/http://localhost:$PORT"
	REMOTE_ADDR=198.51.100.7 tab 45
	say $V "$Q"
	sees $V done
	leave $V
	is "$(sql 'SELECT UserName FROM TicketAIGenerations ORDER BY SessionId
	    DESC LIMIT 1' | grep -cx '[0-9a-f]\{32\}')" 1
	with_tokens
	t=$(sessions token --user 'Maria "M" Silva' "$T/key.secret")
	ask 46 "$(jq -nc --arg t "$t" '{ticketBody: "printer jam", token: $t}')"
	is "$(sql 'SELECT UserName FROM TicketAIGenerations ORDER BY SessionId
	    DESC LIMIT 1')" 'Maria "M" Silva'
}
