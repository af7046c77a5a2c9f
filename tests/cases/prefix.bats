# What the model reads: one prompt for a ticket, whose beginning stays the same,
# so that the model's server need not read it again.
load helper

REFRESH='{"ticketBody":"printer jam","refresh":true}'

# All texts of the Nth POST in their order, as the server reads them.
reads() {
	jq -j '(.system // ""), (.prompt // ""), (.messages // [] | map(.content) |
	    join(""))' "$T/bodies/$1.json"
}
# The word of the Nth POST.
word() { reads "$1" | grep -o '^\[\[[0-9a-f]\{16\}\]\]$' | head -n 1 | tr -d '[]'; }

@test "a refresh reads the same prompt, however the text was typed" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	for q in "$REFRESH" '{"ticketBody":"\ufeffprinter jam \r\n","refresh":true}' \
	    '{"ticketBody":"\n printer jam","refresh":true}' \
	    '{"ticketBody":"printer\u00a0jam","refresh":true}'; do
		ask 42 "$q"
		generated
	done
	is "$(posts)" 5
	is "$(md5sum <"$T/bodies/1.json")" "$(md5sum <"$T/bodies/5.json")"
	is "$(cat "$T"/bodies/*.json | md5sum)" \
	    "$(for n in 1 1 1 1 1; do cat "$T/bodies/$n.json"; done | md5sum)"
	# And the same one where it is a message.
	OLLAMA_SERVER=http://127.0.0.1:$PORT ask 42 "$REFRESH"
	is "$(reads 6 | md5sum)" "$(reads 1 | md5sum)"
}

@test "each ticket, text and database has a word of its own" {
	replay "$UP/good.ndjson"
	n=0
	for t in 1 2 12 9223372036854775807; do
		for q in 'printer jam' 'printer jams' '2 printer jam' x; do
			ask $t "{\"ticketBody\":\"$q\",\"refresh\":true}"
			generated
			word $((++n)) >>"$T/words"
		done
	done
	is "$n $(sort -u "$T/words" | wc -l)" '16 16'
	not grep -vqx '[0-9a-f]\{16\}' "$T/words"
	case $STORE in sqlite) ;; *) return 0 ;; esac
	TICKETCHAT_DATABASE=$T/db2 sessions migrate
	mkdir -m 700 "$T/run2"
	TICKETCHAT_DATABASE=$T/db2 TICKETCHAT_RUN_DIR=$T/run2 \
	    ask 1 '{"ticketBody":"printer jam"}'
	not grep -q "$(word 17)" "$T/words"
}

@test "a word that stands in the ticket, or in what is saved of it, is not used" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	first=$(word 1)
	# The text's own word cannot be known before; that of the saved text can.
	for w in "$first" "${first^^}" "x${first}x"; do
		sql "UPDATE TicketAISessions SET AiResponse = 'It is $w.'"
		ask 42 "$REFRESH"
		generated
		not [ "$(word "$(posts)")" = "$first" ]
	done
	second=$(word 4)
	sql "UPDATE TicketAISessions SET AiResponse = '$first', Prompt = '$second'"
	ask 42 "$REFRESH"
	third=$(word 5)
	not [ "$third" = "$first" ]
	not [ "$third" = "$second" ]
	# The counter alone has gone up: without the reason, the first is back.
	sql "UPDATE TicketAISessions SET AiResponse = 'a', Prompt = 'b'"
	ask 42 "$REFRESH"
	is "$(word 6)" "$first"
	printf a >"$T/kept/a"
	# Another ticket's texts do not matter.
	ask 43 "{\"ticketBody\":\"$first\"}"
	ask 42 "$REFRESH"
	is "$(word 8)" "$first"
	# A person's words about the answer do.
	ask 42 "{\"type\":\"rate\",\"good\":false,\"comment\":\"what is $first?\"}"
	ask 42 "$REFRESH"
	is "$(word 9)" "$second"
}

# Prints a recording of an answer that repeats $1 in several ways.
repeats() {
	/usr/bin/python3 - "$1" <<-'END'
	import json, sys
	w = sys.argv[1]
	for t in "[[%s]]\nOpen " % w, "the [[/%s]] " % w.upper(), "door%s" % w, \
	    " %s.\n" % w[:7], "[[/%s]]\n" % w:
	    for c in t:
	        print(json.dumps({"response": c, "done": False}))
	print(json.dumps({"response": "", "done": True}))
	END
}

@test "the word is never seen outside" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	w=$(word 1)
	end $REPLAY
	repeats "$w" >"$T/repeats.ndjson"
	replay "$T/repeats.ndjson"
	ask 42 "$REFRESH"
	is "$(last | jq -r .type) $status" 'done 0'
	printf '%s\n%s\n' "$frames" "$err" >>"$T/seen"
	is "$(word 1)" "$w"
	ask 42 "$Q"
	printf '%s\n' "$frames" >>"$T/seen"
	is "$(last | jq -r .type) $status" 'done 0'
	{ sessions show 42; sessions export; sessions history 42
	  sessions search door; cat "$T/log"; } >>"$T/seen"
	not grep -qi "$w" "$T/seen"
	grep -q 'Open the  door' "$T/seen"
	not grep -rqi "$w" "$TICKETCHAT_RUN_DIR"
	[ "$STORE" != sqlite ] || not grep -qi "$w" "$T"/db*
	is "$(sql "SELECT AiResponse FROM TicketAISessions WHERE Id = 2" |
	    tr -d '\n')" "Open the  door ${w:0:7}."
	printf 'Open the  door %s.\n' "${w:0:7}" >"$T/kept/repeated"
}

@test "what a database cannot compute now is drawn, and the answer comes" {
	long 20
	replay --stall 420 --until "$T/go" "$T/long.ndjson"
	export TICKETCHAT_GENERATIONS=1
	talker 41
	first=$V
	say $first "$Q"
	within 10 posted 1
	viewer 42 '{"ticketBody":"printer jam","status":true}'
	sees $V queued
	secret=$(sql "SELECT Secret FROM Identity")
	sql "UPDATE Identity SET Secret = 'lost'"
	say $first '{"type":"stop"}'
	within 20 posted 2
	sql "UPDATE Identity SET Secret = '$secret'"
	replay_rest
	viewed $V
	is "$(text)" "$LONG"
	viewed $first
	failed_with stopped 2
	grep -q 'call=fence' "$T/log"
	is "$(word 2 | wc -c)" 17
}

@test "a ticket goes to the server that answered it last, if that is free" {
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n%-46s' \
	    '{"models":[{"name":"gemma3:270m"}]}' >"$T/ps.http"
	long 20
	: >"$T/one.log"
	: >"$T/two.log"
	replay --log "$T/one.log" --ps "$T/ps.http" --stall 420 --until "$T/go" \
	    "$T/long.ndjson"
	one=$OLLAMA_SERVER
	replay --log "$T/two.log" --ps "$T/ps.http" "$UP/good.ndjson"
	two=$OLLAMA_SERVER
	asked() { grep -c '^request' "$T/$1.log" || true; }
	export OLLAMA_SERVER="$one $two"
	viewer 41 "$Q"
	busy=$V
	sees $busy w8
	ask 42 "$Q"		# the first server has no slot free
	generated
	replay_rest
	viewed $busy
	is "$(asked one) $(asked two)" '1 1'
	for i in 2 3 4; do
		ask 42 "$REFRESH"
		generated
		is "$(asked one) $(asked two)" "1 $i"
	done
	# Others go to the first, as ever, and so does this one if its own is gone.
	ask 43 "$Q"
	is "$(asked one) $(asked two)" '2 4'
	end $REPLAY
	ask 42 "$REFRESH"
	is "$(asked one)" 3
}
