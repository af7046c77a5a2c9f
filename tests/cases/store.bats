# What is promised of every store, by what the programs print: the same on
# SQLite and, with STORE=postgres, on PostgreSQL.  Nothing here looks into a
# database.
load helper

SAMPLE=$ROOT/tests/cases/store/sessions.ndjson
WANTED=$ROOT/tests/cases/store/reports.txt

exported() { sessions export; }
take_in() { sessions import "$@" >"$T/said"; }
# The sample's answers may be kept.
sample() {
	take_in "$SAMPLE"
	NO_DATABASE=1
}
# The values of a field of the ticket's sessions, oldest first; null is "-".
of() { sessions show --json "$1" | jq -r --arg f "$2" '.[$f] // "-"' |
    paste -sd ' '; }
unanswered() { of "$1" session; }
cached() { jq -r --arg f "$1" 'select(.type == "cached")[$f]' <<<"$frames"; }
# A line for import: ticket, session, when, prompt, answer (none: unanswered).
line() {
	jq -cn --arg t "$1" --arg s "$2" --arg w "$3" --arg p "$4" \
	    --arg a "${5-}" --argjson n "$(($# > 4))" '
	{ticket: ($t | tonumber), ticket_created: $w, session: ($s | tonumber),
	created: $w, answered: (if $n == 1 then $w else null end), prompt: $p,
	response: (if $n == 1 then $a else null end)} +
	(["model", "reason", "prompt_tokens", "answer_tokens", "queued_ms",
	"first_token_ms", "total_ms", "load_ms", "prompt_ms", "answer_ms"] |
	to_entries | map({(.value): (if $n == 1 then
		if .key < 2 then "m" else .key end else null end)}) | add)'
}
days_ago() { date -u -d "$1 days ago" +%FT%T.000Z; }

@test "an answer is kept, and served with when, and which of how many" {
	replay --times 1 --then "$UP/done-with-text.ndjson" "$UP/good.ndjson"
	printf 'Reinicie a impressora!' >"$T/kept/second"
	ask 42 "$Q"
	generated
	ask 42 "$Q"
	kept
	is "$(cached createdAt)" "$(of 42 answered)"
	is "$(cached versions) $(cached bodyChanged)" 'null null'
	ask 42 '{"ticketBody":"printer on fire"}'
	is "$(cached bodyChanged)" true
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(text)" 'Reinicie a impressora!'
	is "$(last | jq .versions)" 2
	ask 42 "$Q"
	kept 'Reinicie a impressora!'
	is "$(cached version) $(cached versions)" '2 2'
	ask 42 '{"ticketBody":"printer jam","version":1}'
	kept
	is "$(cached version) $(cached versions)" '1 2'
	ask 42 '{"ticketBody":"printer jam","version":3}'
	failed_with bad_request 1
	is "$(posts)" 2
	is "$(sessions history --json 42 | jq -c '[.version, .words]')" \
	    '[2,"Reinicie a impressora!"]
[1,"Reinicie a impressora."]'
	is "$(of 42 model)" 'gemma3:270m gemma3:270m'
}

@test "a row without an answer is begun again, with the newer text" {
	ask 42 "$Q"
	failed_with upstream_unreachable
	was=$(of 42 session)
	is "$(of 42 response)" -
	ask 42 '{"ticketBody":"printer on fire"}'
	is "$(of 42 session)" "$was"
	# Its text is saved with an answer only.
	is "$(of 42 prompt)" ''
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	is "$(of 42 session)" "$was"
	is "$(of 42 prompt)" 'printer jam'
	# An answered one is not; nor is another ticket's.
	replay_end
	ask 43 "$Q"
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(of 42 session | wc -w) $(of 43 session | wc -w)" '2 1'
	ask 42 "$Q"
	kept
}

@test "CACHE=body: the answer for the text, or a new one" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	export TICKETCHAT_CACHE=body
	ask 42 "$Q"
	kept
	ask 42 '{"ticketBody":"printer on fire"}'
	generated
	is "$(posts)" 2
}

# An answer for another text of the same ticket counts when that text is asked
# again, whichever version it is.
@test "CACHE=body: an older version's text counts, with or without a hash" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_CACHE=body
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer on fire"}'
	ask 42 '{"ticketBody":"printer drowned"}'
	generated
	is "$(posts)" 3
	for hash in there gone; do
		ask 42 "$Q"
		kept
		is "$(cached version) $(cached versions) $(cached bodyChanged)" \
		    '1 3 null'
		ask 42 '{"ticketBody":"\ufeffprinter on\u00a0fire \r\n"}'
		kept
		is "$(cached version) $(cached versions) $(cached bodyChanged)" \
		    '2 3 null'
		sql 'UPDATE TicketAISessions SET TextHash = NULL'
	done
	# Not for a refresh, which wants a newer one.
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	generated
	is "$(posts)" 4
}

# cases/same-text.messages, and more of the kind.
@test "the same text, typed or sent in another way, is no other text" {
	replay "$UP/good.ndjson"
	local first n=0 m
	first=$(head -n 1 "$ROOT/tests/cases/same-text.messages")
	ask 42 "$first"
	generated
	{
		cat "$ROOT/tests/cases/same-text.messages"
		printf '{"ticketBody":"%s"}\n' 'Impressão parou.\rPiso 2.' \
		    '\ufeffImpressão parou.\nPiso 2.' \
		    'Impressão parou. \t\r\nPiso 2. \u00a0' \
		    '\n\tImpressão parou.\u00a0\nPiso 2.\r\n\r\n' \
		    'Impressa\u0303o\u00a0parou.\rPiso 2.\u000b'
	} >"$T/same"
	for cache in ticket body; do
		while read -r m; do
			TICKETCHAT_CACHE=$cache ask 42 "$m"
			kept
			is "$m $(cached bodyChanged)" "$m null"
			n=$((n + 1))
		done <"$T/same"
	done
	is "$n $(posts)" '20 1'
	# What is kept is what was sent first, and these are other texts.
	is "$(sessions show 42 --json | jq -c .prompt)" \
	    "$(jq -c .ticketBody <<<"$first")"
	for m in 'impressão parou.\nPiso 2.' 'Impressão  parou.\nPiso 2.' \
	    'Impressáo parou.\nPiso 2.' 'Impressao parou.\nPiso 2.' \
	    'Impressão parou. Piso 2.' 'Impressão parou.\n\nPiso 2.'; do
		ask 42 "{\"ticketBody\":\"$m\"}"
		kept
		is "$m $(cached bodyChanged)" "$m true"
	done
}

# A text is kept with its answer, and not before.
@test "a question that fails or is stopped leaves no text" {
	local t
	TICKETCHAT_OLLAMA_SERVER=http://127.0.0.1:9 ask 1 \
	    '{"ticketBody":"unreachable mauve"}'
	failed_with upstream_unreachable 2
	replay "$UP/empty.ndjson"
	ask 2 '{"ticketBody":"refused mauve"}'
	not generated
	replay_end
	replay "$UP/good.ndjson"
	ask 3 '{"ticketBody":"kept azure"}'
	generated
	replay_end
	TICKETCHAT_OLLAMA_SERVER=http://127.0.0.1:9 ask 3 \
	    '{"ticketBody":"a refresh of mauve","refresh":true}'
	failed_with upstream_unreachable 2
	long 10
	replay_part "$T/long.ndjson"
	talker 4
	say $V '{"ticketBody":"stopped mauve"}'
	sees $V w1
	say $V '{"type":"stop"}'
	sees $V '"stopped"'
	viewed $V
	all_that_is_kept | grep -aq 'kept azure'
	not grep -aq mauve <(all_that_is_kept)
	exported >"$T/out"
	is "$(jq -c 'select(.response == null and .session).prompt' "$T/out" |
	    sort | uniq -c | awk '{ print $1, $2 }')" '4 ""'
	run -0 sessions check
	# They are answered once they are asked again, in the same row.
	is "$(of 1 session | wc -w)" 1
	replay_rest
	ask 1 "$Q"
	is "$(types)" 'stream done'
	is "$(of 1 session | wc -w)" 1
}

@test "TICKETS=existing: only those that are there" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_TICKETS=existing
	ask 42 "$Q"
	failed_with unknown_ticket 1
	run -1 sessions list
	line 42 1 2020-01-02T03:04:05Z x | take_in
	ask 42 "$Q"
	generated
}

@test "odd texts come back as they went in" {
	/usr/bin/python3 - "$T" <<'END'
import json, sys
texts = ["'; DROP TABLE Tickets; --", "\\x41 \\N \\\\ \\", '"quoted" \'it\'s\'', "tab\tnewline\ncr\r\n",
    "a\x01\x1fb", "é é 😀 🏳️‍🌈", "\u202eright to left\u202c", "$1 $$ ?1 :x %s {}", "NULL", " blanks ",
    "\ufeffbom \ufffd \uffff \U0010ffff", "0", "t", "{1,2}", "E'\\n'", "$tag$x$tag$", "á" * 30000]
for i, t in enumerate(texts, 1):
    open(f"{sys.argv[1]}/q.{i}", "w").write(json.dumps({"ticketBody": t}) + "\n")
    open(f"{sys.argv[1]}/r.{i}", "w").write("".join(
        json.dumps(x) + "\n" for x in ({"response": t, "done": False}, {"response": "", "done": True, "done_reason": "stop"})))
    open(f"{sys.argv[1]}/kept/{i}", "w", newline="").write(t)
END
	local i n=$(ls "$T"/q.* | wc -l)
	is "$n" 17
	for ((i = 1; i <= n; i++)); do
		replay "$T/r.$i"
		pipe $i 1 <"$T/q.$i"
		is "$i $(last | jq -r .type)" "$i done"
		replay_end
		pipe $i 1 <"$T/q.$i"
		cmp <(jq -j 'select(.type == "cached").response' <<<"$frames") \
		    "$T/kept/$i"
		is "$(cached bodyChanged)" null
		cmp <(sessions show --json $i | jq -j .prompt) "$T/kept/$i"
		cmp <(sessions show --json $i | jq -j .response) "$T/kept/$i"
	done
	exported >"$T/out"
	for ((i = 1; i <= n; i++)); do
		cmp <(jq -j "select(.ticket == $i).response" "$T/out") \
		    "$T/kept/$i"
	done
}

@test "texts of a megabyte" {
	export TICKETCHAT_MAX_TICKET_BYTES=1048576 TICKETCHAT_MAX_ANSWER_BYTES=1048576
	/usr/bin/python3 - "$T" <<'END'
import json, sys
big = ("0123456789abcdé\n" * 61681)[:1048576 - 62000]
open(sys.argv[1] + "/q", "w").write(json.dumps({"ticketBody": big}) + "\n")
with open(sys.argv[1] + "/r", "w") as f:
    for i in range(0, len(big), 1000):
        f.write(json.dumps({"response": big[i:i + 1000], "done": False}) + "\n")
    f.write(json.dumps({"response": "", "done": True, "done_reason": "stop"}) + "\n")
open(sys.argv[1] + "/kept/big", "w").write(big)
END
	[ "$(stat -c %s "$T/kept/big")" -gt 1000000 ]
	replay "$T/r"
	pipe 42 1 <"$T/q"
	is "$(last | jq -r .type)" done
	pipe 42 1 <"$T/q"
	cmp <(jq -j 'select(.type == "cached").response' <<<"$frames") \
	    "$T/kept/big"
	cmp <(sessions show --json 42 | jq -j .prompt) "$T/kept/big"
	exported >"$T/out"
	run -0 sessions import "$T/out"
	is "$output" '0 sessions and 0 tickets imported, 1 sessions were here already'
}

@test "the largest ids; new ones come behind all that were taken in" {
	grep '"ticket":9223372036854775807,' "$SAMPLE" >"$T/line"
	take_in "$T/line"
	jq -j .response "$T/line" >"$T/kept/sample"
	replay "$UP/good.ndjson"
	ask 9223372036854775807 "$Q"
	kept "$(cat "$T/kept/sample")"
	ask 42 "$Q"
	generated
	sessions show --json 42 | grep -q '"session":4611686018427387903,'
}

@test "an id is never used twice" {
	replay "$UP/good.ndjson"
	ask 1 "$Q"
	ask 2 "$Q"
	was=$(of 2 session)
	run -0 sessions delete 2
	ask 2 "$Q"
	[ "$(of 2 session)" -gt "$was" ]
}

# The sample

# Every report in every format, as it was wanted.
reports() {
	local c f
	for c in list 'show 1' 'show 2' 'show 8' 'history 1' 'history 2' stats \
	    'stats --by day' 'stats --by model' 'list -n 3' 'show 1 -n 1' \
	    'stats --by day -n 2' 'history 1 -n 2' 'show 9223372036854775807'; do
		for f in '' --json --csv; do
			echo "% sessions $c $f"
			sessions $c $f
		done
	done
	# A database has a size, whatever it is; some have no log.
	echo '% sessions metrics'
	sessions metrics | grep -v '^# HELP\|_bytes\|_info{'
	echo '% sessions check --full'
	sessions check --full
}

@test "export and import: byte for byte" {
	sample
	is "$(cat "$T/said")" '8 sessions and 7 tickets imported, 0 sessions were here already'
	exported | cmp - "$SAMPLE"
	run -0 sessions import "$SAMPLE"
	is "$output" '0 sessions and 0 tickets imported, 8 sessions were here already'
	exported | cmp - "$SAMPLE"
	for t in 1 8; do run -0 sessions delete $t; done
	run -0 sessions import <"$SAMPLE"
	is "$output" '4 sessions and 2 tickets imported, 4 sessions were here already'
	exported | cmp - "$SAMPLE"
	run -0 sessions check --full
	is "$output" 'no damage: 7 tickets, 8 sessions, 1 of them without an answer'
}

@test "reports: tables, JSON and CSV to the byte; metrics" {
	sample
	reports >"$T/reports"
	diff "$WANTED" "$T/reports"
	sessions metrics | grep -q '^ticketchat_database_bytes [1-9]'
	sessions metrics | grep -q '^ticketchat_build_info{version='
}

# Threads: answers, questions about them, and what people wrote

THREADS=$ROOT/tests/cases/store/threads.ndjson
threads() {
	take_in "$THREADS"
	NO_DATABASE=1
}
# The lines of a file, or of the database, each in the same form.
formed() { jq -c . "$@"; }

@test "threads: exported and imported, nothing is lost, and in any order" {
	threads
	is "$(cat "$T/said")" '7 sessions and 2 tickets imported, 0 sessions were here already'
	is "$(exported | formed)" "$(formed "$THREADS")"
	# What all lines have is as it was: version 0.1 reads a plain one.
	is "$(exported | head -n 1 | jq -c 'keys | length')" 20
	run -0 sessions import "$THREADS"
	is "$output" '0 sessions and 0 tickets imported, 7 sessions were here already'
	run -0 sessions check --full
	is "$output" 'no damage: 2 tickets, 7 sessions, 0 of them without an answer'
	# The questions before what they are about.
	run -0 sessions delete 50
	tac "$THREADS" | run -0 sessions import
	is "$output" '6 sessions and 1 tickets imported, 1 sessions were here already'
	is "$(exported | formed)" "$(formed "$THREADS")"
	# With the text's hash, and not with that of a question.
	TICKETCHAT_CACHE=body ask 50 '{"ticketBody":" printer jam"}'
	is "$(cached session) $(cached version) $(cached versions)" 'null 3 3'
	TICKETCHAT_CACHE=body ask 50 '{"ticketBody":"And the okapi?"}'
	failed_with upstream_unreachable
	ask 50 '{"type":"open"}' '{"type":"open","version":2}'
	is "$(cached author)" $'maria\nnull'
	is "$(cached instruction)" $'null\nin Portuguese,\n=1+1'
}

@test "threads: --since has the answers that its questions are about" {
	threads
	local now
	now=$(days_ago 0)
	jq -c --arg now "$now" 'if .session == 104 then .created = $now | .answered = $now else . end' \
	    "$THREADS" >"$T/in"
	run -0 sessions delete 50
	run -0 sessions delete 51
	take_in "$T/in"
	is "$(sessions export --since 1 | jq -r .session | paste -sd ' ')" '100 104'
	sessions export --since 1 >"$T/part"
	run -0 sessions delete 50
	run -0 sessions import "$T/part"
	is "$output" '2 sessions and 1 tickets imported, 0 sessions were here already'
}

@test "threads: a question about what is no answer is not taken in" {
	local f
	line 60 200 2020-01-02T03:04:05Z p a >"$T/root"
	for f in '.follows = 199' '.follows = 201' '.ticket = 61 | .follows = 200' '.follows = 202' \
	    '.follows = 203'; do
		{
			cat "$T/root"
			line 60 202 2020-01-02T03:04:05Z unanswered
			line 60 203 2020-01-02T03:04:05Z q a | jq -c '.follows = 200'
			line 60 204 2020-01-02T03:04:05Z q a | jq -c "$f"
		} >"$T/in"
		run -1 sessions import "$T/in"
		[[ $output = *'line 4: session 204 follows what is no answer of its ticket; nothing was imported'* ]]
		run -1 sessions show 60
	done
	for f in '.follows = 204' '.follows = 205' '.follows = 0' '.follows = "200"' '.author = 7'; do
		line 60 204 2020-01-02T03:04:05Z q a | jq -c "$f" >"$T/in"
		run -1 sessions import "$T/in"
		[[ $output = *'is invalid'* ]]
	done
	# A session that is here as an answer does not become a question.
	take_in "$T/root"
	line 60 199 2020-01-02T03:04:05Z p a | sessions import
	jq -c '.follows = 199' "$T/root" | run -1 sessions import
	[[ $output = *'session 200 is a different one here'* ]]
	NO_DATABASE=1
}

@test "threads: show has the questions under their answer; history counts them" {
	threads
	is "$(of 50 session)" '100 101 104 102 103 105'
	is "$(of 50 follows)" '- 100 100 - 102 -'
	is "$(of 50 author)" '- - - - - maria'
	is "$(of 51 author)" ''
	is "$(sessions show --json -n 2 50 | jq -r .session | paste -sd ' ')" '102 103 105'
	is "$(sessions show --json 50 | jq -c 'select(.session == 102) | [.instruction, .model_text, .good]')" \
	    '["in Portuguese,\n=1+1","printer jam (masked)",1]'
	is "$(sessions history --json 50 | jq -c '[.version, .session, .author, .asked]')" \
	    $'[3,105,"maria",0]\n[2,102,null,1]\n[1,100,null,2]'
	sessions show 50 >"$T/shown"
	grep -qx 'author: maria' "$T/shown"
	grep -qx 'follows: 100' "$T/shown"
	sed -n '/^instruction:/,/^=1+1/p' "$T/shown" | is "$(cat)" $'instruction:\nin Portuguese,\n=1+1'
	# People's text neither acts on a terminal nor on a spreadsheet.
	not grep -q $'[\033\u202e]' "$T/shown"
	sessions show --csv 50 >"$T/csv"
	grep -qF "\"'+fórmula" "$T/csv"
	is "$(sessions list --json | jq -c '[.ticket, .session]')" $'[51,106]\n[50,105]'
}

@test "threads: search finds questions, and says that they are" {
	threads
	is "$(sessions search --json zebra | jq -c '[.ticket, .version, .kind]')" '[50,1,"question"]'
	is "$(sessions search --json okapi | jq -c '[.ticket, .version, .kind]')" '[50,1,"question"]'
	is "$(sessions search --json cartucho | jq -c '[.ticket, .version, .kind]')" '[50,3,"answer"]'
	is "$(sessions search --json fórmula | jq -c '[.version, .kind]')" '[2,"question"]'
	sessions search zebra | head -n 1 | grep -qE '^ticket +version +kind '
	run -1 sessions search masked
}

@test "threads: stats counts questions, by system prompt too; not what people wrote" {
	threads
	is "$(sessions stats --json | jq -c '[.answers, .prompt_tokens, .good, .bad]')" '[5,150,1,1]'
	is "$(sessions stats --json --by prompt | jq -c '[.prompt, .answers, .good, .bad]')" \
	    $'[null,2,0,0]\n["0a1b2c3d",2,0,1]\n["ffff0000",1,1,0]'
	is "$(sessions stats --json --by model | jq -c '[.model, .answers, .good, .bad]')" \
	    $'["gemma3",4,0,1]\n["llama3:8b",1,1,0]'
	sessions stats --by prompt | head -n 1 | grep -q '^prompt .*good  *bad  *noted  *citing$'
	run -100 sessions stats --by prompts
}

@test "threads: purge takes an answer only when no question about it is left" {
	threads
	local now
	now=$(days_ago 1)
	jq -c --arg now "$now" 'if .session == 104 or .session == 106 then .created = $now | .answered = $now
	    else . end' "$THREADS" >"$T/in"
	run -0 sessions delete 50
	run -0 sessions delete 51
	take_in "$T/in"
	run -0 sessions purge --older-than 90d --dry-run
	[[ $output = *4* ]]
	run -0 sessions purge --older-than 90d
	is "$(of 50 session)" '100 104'
	is "$(of 51 session)" 106
	run -0 sessions check --full
	# When the question goes, so does its answer, and the ticket.
	jq -c 'select(.session == 100 or .session == 101 or .session == 102 or .session == 103)' "$THREADS" |
	    sessions import >"$T/said"
	run -0 sessions delete 50
	jq -c 'select(.ticket == 50)' "$THREADS" | sessions import >"$T/said"
	run -0 sessions purge --older-than 90d
	run -1 sessions show 50
	run -0 sessions check --full
	[[ $output = *'1 tickets, 1 sessions'* ]]
}

@test "threads: purge takes a question that was killed, and none that is answered" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	long 1000
	replay_part "$T/long.ndjson"
	viewer 42 '{"question":"And then?"}'
	sees $V stream
	old() { sql "UPDATE TicketAISessions SET CreatedAt = '2020-01-02T03:04:05.000Z',
	    UpdatedAt = CASE WHEN AiResponse IS NOT NULL THEN '2020-01-02T03:04:05.000Z' END"; }
	questions_left() { sql 'SELECT count(*) FROM TicketAISessions WHERE FollowsId IS NOT NULL'; }
	old
	# It runs: neither it nor what it is about goes.
	run -0 sessions purge --older-than 90d --force
	is "$(of 42 session | wc -w) $(questions_left)" '2 1'
	# Whoever asked would remove the row of its question, if it lived.
	kill -KILL $(chats) $(answers)
	within 60 no_chats
	within 60 none_answers
	is "$(questions_left)" 1
	purged() { sessions purge --older-than 90d --force && [ "$(questions_left)" = 0 ]; }
	old
	within 40 purged >"$T/purges" 2>&1
	run -1 sessions show 42
	run -0 sessions check --full
	rm -f "$TICKETCHAT_RUN_DIR"/*.sock
}

@test "threads: forget takes a ticket with all of it, and a user's name from what stays" {
	threads
	touch "$TICKETCHAT_LOG"
	all_that_is_kept | tr -d '\0' | grep -qa gnu
	run -0 sessions forget --user maria --verify
	[[ $output = *'0 rows are left'* ]]
	not grep -qa 'maria' <<<"$(all_that_is_kept | tr -d '\0')"
	not grep -qa 'gnu comment' <<<"$(all_that_is_kept | tr -d '\0')"
	# The answer stays, and is still a person's.
	is "$(exported | jq -c 'select(.session == 105) | [.author, .response]')" '["","Troque o cartucho.\n"]'
	is "$(exported | jq -c 'select(.session == 101 or .session == 104) | .asked_by')" $'null\nnull'
	is "$(exported | jq -c 'select(.session == 100).asked_by')" '"ana"'
	is "$(exported | jq -c 'select(.rates != null) | [.rates, .user]')" '[102,"ana"]'
	# What was exported before is no other content now.
	run -0 sessions import "$THREADS"
	is "$(exported | jq -c 'select(.session == 105).author')" '""'
	run -0 sessions forget --user maria
	all_that_is_kept | tr -d '\0' | grep -qa 'masked'
	run -0 sessions forget --ticket 50 --verify
	not grep -qaE 'zebra|okapi|masked|Portuguese|cartucho' <<<"$(all_that_is_kept | tr -d '\0')"
	is "$(exported | jq -r .session)" 106
	run -0 sessions check --full
}

@test "threads: a question without its answer is found by check" {
	threads
	sql 'UPDATE TicketAISessions SET FollowsId = 106 WHERE Id = 101'
	run ! sessions check
	[[ $output = *'TicketAISessions: row 101 follows 106, which is no answer of its ticket'* ]]
	sql 'UPDATE TicketAISessions SET FollowsId = 101 WHERE Id = 104'
	sql 'UPDATE TicketAISessions SET FollowsId = 100 WHERE Id = 101'
	run ! sessions check
	[[ $output = *'row 104 follows 101, which is no answer of its ticket'* ]]
}

@test "reports of nothing" {
	for c in list 'show 1' 'history 1' 'search x' stats 'stats --by day' \
	    'stats --since 3' 'delete 1' 'forget --ticket 1'; do
		run -1 --separate-stderr sessions $c
		is "$output ${#stderr_lines[@]}" ' 1'
	done
	is "$(sessions export)" ''
	is "$(sessions check)" \
	    'no damage: 0 tickets, 0 sessions, 0 of them without an answer'
	sessions metrics | grep -qx 'ticketchat_tickets 0'
	sessions metrics | grep -qx 'ticketchat_sessions_started_total 0'
}

@test "stats and export of the last days" {
	{ line 1 1 "$(days_ago 1)" x y; line 2 2 "$(days_ago 5)" x y
	line 3 3 "$(days_ago 9)" x; } | take_in
	printf y >"$T/kept/y"
	is "$(sessions stats --since 2 --json | jq .answers)" 1
	is "$(sessions stats --since 6 --json | jq .answers)" 2
	is "$(sessions stats --by day --since 6 --json | jq -r .day)" \
	    "$(days_ago 1 | cut -c1-10)
$(days_ago 5 | cut -c1-10)"
	is "$(sessions export --since 2 | jq .ticket)" 1
	is "$(sessions export --since 6 | jq .ticket | paste -sd ' ')" '1 2'
	is "$(sessions export --since 10 | jq .ticket | paste -sd ' ')" '1 2 3'
}

@test "stats --log: sums of this run, nothing is left of them" {
	printf '%s\n' \
	    'time=2026-01-02T03:04:05.678Z prog=chat pid=1 remote=1.2.3.4 user=ana outcome=cached code=-' \
	    'time=2026-01-02T04:04:05.678Z prog=chat pid=1 remote=1.2.3.4 user=ana outcome=error code=storage' \
	    'time=2026-01-03T03:04:05.678Z prog=chat pid=1 remote=1.2.3.4 user=ana outcome=generated code=-' \
	    "time=2026-01-03T03:04:05.678Z prog=chat pid=1 remote=1.2.3.4 user=\"d'arc\" outcome=generated code=-" \
	    >"$T/old"
	for i in 1 2; do
		is "$(sessions stats --log "$T/old" --json | jq -c '[.[]]')" \
		    '["2026-01-03","ana",1,0,0]
["2026-01-03","d'"'"'arc",1,0,0]
["2026-01-02","ana",2,1,1]'
	done
	is "$(sessions stats --log "$T/old" --json -n 1 | jq -r .user)" ana
	run -1 sessions stats --log "$T/old" --since 1
}

@test "search: words, phrases, beginnings; accents and case folded" {
	{ line 1 1 2020-01-02T03:04:05Z 'A impressora não imprime' \
	    'Reinicie a impressora; teste o papel.'
	line 2 2 2020-01-02T03:04:05Z 'Printer jam on floor 2' \
	    'Open the tray. Printer, printer, printer.'
	line 3 3 2020-01-02T03:04:05Z 'e-mail não abre' qqq
	line 4 4 2020-01-02T03:04:05Z 'the printer of a room that is far away' \
	    'nobody knows where, but it is said to be somewhere'
	line 5 5 2020-01-02T03:04:05Z 'ÜBER straße' 'Ação'
	line 6 6 2020-01-02T03:04:05Z 'VPN連不上，請重新啟動' 'ﾌﾟﾘﾝﾀの紙詰まり'
	line 7 7 2020-01-02T03:04:05Z 'ขอสลิปเงินเดือนด้วย' $'Ｒｏｕｔｅｒ ﬁxed, cora\xc3\xa7\xc3\xa3o, e\xcc\x81clair'
	line 8 8 2020-01-02T03:04:05Z '프린터가 고장' 'の'; } | take_in
	NO_DATABASE=1
	found() { sessions search --json -- "$@" 2>/dev/null | jq .ticket |
	    sort -n | paste -sd ' '; }
	while IFS='|' read -r want a b; do
		is "$a,$b: $(found "$a" ${b:+"$b"})" "$a,$b: $want"
	done <<-'X'
	1|impressora|
	1|IMPRESSORA|nao
	1 3|não|
	1 3|NÃO|
	1|impr*|
	2 4|pri*|
	|pri|
	2|floor 2|
	|2 floor|
	2|floor|printer
	|floor|impressora
	3|e-mail|
	|mail-e|
	5|uber|
	5|acao|
	5|AÇÃO|
	5|strasse|
	6|連不上|
	6|不上|
	6|上|
	6|VPN連|
	6|vpn|重新
	6|ｖｐｎ|
	|不連|
	|連上|
	6|重新*|
	6|プリンタ|
	6|ﾘﾝﾀ|
	6|紙詰|プリンタ
	6 8|の|
	7|เงินเดือน|
	7|สลิป|
	|เดือนเงิน|
	7|router|
	7|FIXED|
	7|ﬁx*|
	7|coracao|
	7|éclair|
	7|eclair|
	8|프린터|
	8|고장|
	|터프|
	2|(printer|"jam"
	2|open the*|
	|printer OR papel|
	|NOT|
	|a"b|
	|"|
	|'|
	|*|
	|**|
	|Prompt:printer|
	|NEAR(printer papel)|
	|^|
	|-|
	|(|
	|)|
	|printer AND|
	2|printer & jam|
	2|printer <-> jam|
	2 4|!printer|
	|:*|
	|--|
	|\|
	|%|
	|?|
	X
	is "$(sessions search --json printer | jq .ticket | head -n 1)" 2
	is "$(sessions search printer -n 1 --json | jq -c '[.ticket, .version]')" \
	    '[2,1]'
	is "$(sessions search abre --json | jq -c '[.version, .date]')" \
	    '[1,"2020-01-02T03:04:05Z"]'
	for w in 連不上 เงินเดือน; do
		[[ $(sessions search $w --json | jq -r .snippet) = *$w* ]]
	done
	for w in jam impressora acao; do
		sessions search $w --json | jq -r .snippet |
		    iconv -f UTF-8 -t ASCII//TRANSLIT | grep -qi "$w"
	done
	run -1 --separate-stderr sessions search nothing
	is "$output ${#stderr_lines[@]}" ' 1'
	is "$(sessions search printer --csv | sed -n '1p' | tr -d '\r')" \
	    ticket,version,kind,date,snippet
}

@test "import: what is not right is named, and nothing is taken in" {
	local good=$(head -n 1 "$SAMPLE") e want
	take_in <(grep '"ticket":9223372036854775807,' "$SAMPLE")
	was=$(exported)
	bad() {
		{ sed -n 2p "$SAMPLE"; echo "$1"; } >"$T/in"
		run -1 --separate-stderr sessions import "$T/in"
		# The file's name is in front where the line was refused as it
		# was read; a server looks at all of them at the end.
		is "${stderr/"$T/in: "/}" "sessions: line 2: $2"
		is "$(exported)" "$was"
	}
	bad 'x' 'not a JSON object with the fields of a session'
	bad "$(sed -n 2p "$SAMPLE")" 'session 2 is there twice'
	while read -r e want; do bad "$(jq -c "$e" <<<"$good")" "$want"; done <<-'X'
	del(.ticket) ticket is missing
	.ticket=0 ticket is invalid
	.ticket="1" ticket is invalid
	.session=0 session is invalid
	.session=4611686018427387904 session is invalid
	.created=null created is invalid
	.created="2020-01-02" created is invalid
	.created="2026-13-01T00:00:00Z" created is invalid
	.created="9999-99-99T99:99:99Z" created is invalid
	.ticket_created="2026-00-10T00:00:00Z" ticket_created is invalid
	.answered="2026-02-29T00:00:00.000Z" answered is invalid
	.answered="1900-02-29T00:00:00.000Z" answered is invalid
	.created="2026-04-31T00:00:00Z" created is invalid
	.created="2026-04-00T00:00:00Z" created is invalid
	.created="2026-04-30T24:00:00Z" created is invalid
	.created="2026-04-30T23:60:00Z" created is invalid
	.created="2026-04-30T23:59:60.5Z" created is invalid
	.prompt=null prompt is invalid
	.model=null reason is invalid
	.total_ms=-1 total_ms is invalid
	.queued=1 it has an unknown field
	X
	# The last day of a leap year's February is one.
	jq -c '.created = "2024-02-29T23:59:59.999Z" | .answered = .created' \
	    <<<"$good" >"$T/in"
	run -0 sessions import "$T/in"
	NO_DATABASE=1
}

@test "import: a session that is another one here is told, and nothing is taken in" {
	sample
	for e in '.prompt = "other"' '.created = "2021-01-02T03:04:05.678Z"' \
	    '.answered = "2021-01-02T03:04:05.678Z"' '.response = "other"' \
	    '.ticket = 3' '.model = "other"' '.reason = "other"' \
	    '.answer_ms = 1' '.prompt_tokens = 99'; do
		{ line 77 77 2020-01-02T03:04:05Z x
		jq -c "select(.session == 2) | $e" "$SAMPLE"; } >"$T/in"
		run -1 --separate-stderr sessions import "$T/in"
		is "$output" ''
		is "${stderr_lines[0]}" \
		    "$T/in: line 2: session 2 is a different one here"
		exported | cmp - "$SAMPLE"
	done
	# What is unanswered here and answered there, or the reverse.
	jq -c 'select(.session == 7) | .response = "x" |
	    .answered = .created' "$SAMPLE" >"$T/in"
	run -1 --separate-stderr sessions import "$T/in"
	exported | cmp - "$SAMPLE"
}

@test "import holds nobody up while it reads" {
	replay "$UP/good.ndjson"
	mkfifo "$T/in"
	sessions import "$T/in" >"$T/said" 3>&- &
	p=$!
	track $p
	exec {IN[0]}>"$T/in"
	line 1 100 2020-01-02T03:04:05Z x >&"${IN[0]}"
	ask 50 "$Q"
	generated
	line 2 101 2020-01-02T03:04:05Z x >&"${IN[0]}"
	hang_up 0
	wait $p
	is "$(cat "$T/said")" '2 sessions and 2 tickets imported, 0 sessions were here already'
	is "$(sessions list --json | jq .ticket | sort -n | paste -sd ' ')" '1 2 50'
}

@test "delete takes everything of a ticket along, and nothing else" {
	sample
	run -0 sessions delete 1
	is "$output" ''
	exported | cmp - <(grep -v '^{"ticket":1,' "$SAMPLE")
	run -1 sessions delete 1
	run -0 sessions check --full
	is "$output" 'no damage: 6 tickets, 5 sessions, 0 of them without an answer'
}

@test "a ticket deleted while its answer is written: nothing is kept" {
	long 40
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w1
	run -0 sessions delete 42
	replay_rest
	viewed $V
	is "$(types)" 'stream error'
	run -1 sessions list
}

@test "forget: a ticket and all that belongs to it, a running generation first" {
	sample
	run -0 sessions forget --ticket 1
	exported | cmp - <(grep -v '^{"ticket":1,' "$SAMPLE")
	run -1 --separate-stderr sessions forget --ticket 1
	is "$stderr" 'sessions: there is no ticket 1'
	replay --delay 60000 "$UP/good.ndjson"
	viewer 50 "$Q"
	within 10 posted 1
	run -0 sessions forget --ticket 50
	viewed $V
	is "$(code)" stopped
	exported | cmp - <(grep -v '^{"ticket":1,' "$SAMPLE")
}

@test "purge: what is old goes, many at a time, with tickets left empty" {
	local i
	for i in {1..1200}; do echo "$i"; done | jq -c --arg w "$(days_ago 100)" '
	    {ticket: ., ticket_created: $w, session: ., created: $w,
	    answered: null, prompt: "p", response: null, model: null,
	    reason: null, prompt_tokens: null, answer_tokens: null,
	    queued_ms: null, first_token_ms: null, total_ms: null,
	    load_ms: null, prompt_ms: null, answer_ms: null}' >"$T/in"
	{ line 1200 1201 "$(days_ago 10)" x y; line 1300 1202 "$(days_ago 10)" x y
	line 1300 1203 "$(days_ago 100)" x; } >>"$T/in"
	printf y >"$T/kept/y"
	take_in "$T/in"
	was=$(exported | md5sum)
	run -0 sessions purge --older-than 90d --dry-run
	is "$output" '1201 sessions would be deleted'
	is "$(exported | md5sum)" "$was"
	run -0 sessions purge --older-than 90d
	is "$output" '1201 sessions and 1199 tickets deleted'
	is "$(exported | jq -c '[.ticket, .session]' | paste -sd ' ')" \
	    '[1200,1201] [1300,1202]'
	run -0 sessions purge --older-than 90d
	is "$output" '0 sessions and 0 tickets deleted'
	TICKETCHAT_TICKETS=existing run -0 sessions purge --older-than 0d
	is "$output" '2 sessions and 0 tickets deleted'
	is "$(exported | jq -c '[.ticket, .session]' | paste -sd ' ')" \
	    '[1200,null] [1300,null]'
	run -0 sessions check --full
}

@test "purge leaves what a generation works on" {
	long 40
	replay_part "$T/long.ndjson"
	line 1 1 "$(days_ago 100)" 'printer jam' | take_in
	viewer 1 "$Q"
	sees $V w1
	run -0 sessions purge --older-than 90d --force
	is "$output" '0 sessions and 0 tickets deleted
1 with a running generation were not deleted'
	replay_rest
	viewed $V
	is_text "$LONG"
	ask 1 "$Q"
	kept "$LONG"
}

@test "migrate: again is nothing, twenty at once are one" {
	run -0 sessions migrate
	[[ $output = *": schema $SCHEMA, up to date" ]] || is "$output" 'up to date'
	fresh_store
	local i p=()
	for i in {1..20}; do
		sessions migrate >"$T/m.$i" 2>&1 3>&- &
		p[i]=$!
	done
	for i in {1..20}; do wait "${p[i]}"; done
	is "$(sed 's|.*: schema [0-9]*, ||' "$T"/m.* | sort | uniq -c |
	    awk '{ print $1, $2 }' | paste -sd ' ')" '19 up 1 was'
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
}

@test "a database that nobody has migrated: schema" {
	fresh_store
	NO_DATABASE=1
	for c in list 'show 1' 'history 1' 'search x' stats metrics check export \
	    'delete 1' 'purge --older-than 1d' 'forget --ticket 1' 'replay 1'; do
		run ! --separate-stderr sessions $c
		case $STORE,$status in
		*,102) ;;
		sqlite,111) ;;	# no such file
		*) is "$c $status" "$c 102" ;;
		esac
		is "$output ${#stderr_lines[@]}" ' 1'
	done
	ask 42 "$Q"
	case $STORE in
	sqlite) failed_with storage 111 ;;
	*) failed_with schema 102 ;;
	esac
}

# Another database, which nobody has migrated.
fresh_store() {
	case $STORE in
	postgres) pg_database "t${BATS_TEST_NUMBER}new" ;;
	*) TICKETCHAT_DATABASE=$T/new ;;
	esac
}

@test "replay and tail" {
	sample
	sessions replay --pace 0 --version 1 1 >"$T/frames"
	is "$(text "$(<"$T/frames")")" 'Open the rear door.'
	is "$(last "$(<"$T/frames")")" '{"type":"done","versions":2}'
	sessions replay --pace 0 6 >"$T/frames"
	is "$(cat "$T/frames")" '{"type":"done","reason":"length"}'
	run -1 --separate-stderr sessions replay --version 3 1
	is "$stderr" 'sessions: ticket 1 has no such answer'
	long 40
	replay_part "$T/long.ndjson"
	viewer 50 "$Q"
	sees $V w1
	sessions tail 50 >"$T/tail" 2>&1 3>&- &
	p=$!
	track $p
	within 10 grep -q w1 "$T/tail"
	replay_rest
	viewed $V
	wait $p
	grep -q w40 "$T/tail"
}

@test "doctor: the database is sound" {
	replay "$UP/good.ndjson"
	export OLLAMA_MODEL=
	sample
	sessions doctor --json >"$T/found" || is $? 1
	is "$(jq -r 'select(.check == "database").level' "$T/found" | sort -u)" \
	    ok
	is "$(jq -rs 'map(select(.level == "error")) | length' "$T/found")" 0
}

# Many at once

@test "fifty viewers at once: one question to the model" {
	long 60
	replay_part "$T/long.ndjson"
	local i
	for i in {1..50}; do viewer 42 "$Q"; done
	sees 1 w1 60
	replay_rest
	for i in {1..50}; do
		viewed $i 60
		case $(types) in
		'stream done') is_text "$LONG" ;;
		'cached done') kept "$LONG" ;;
		*) is "$i: $(types)" 'stream done' ;;
		esac
	done
	is "$(posts)" 1
	is "$(of 42 session | wc -w)" 1
}

@test "thirty tickets at once: each has its answer" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_GENERATIONS=30
	local i
	for i in {1..30}; do viewer $i "$Q"; done
	for i in {1..30}; do
		viewed $i 60
		generated
	done
	is "$(posts)" 30
	is "$(exported | jq -c .response | sort -u | wc -l)" 1
	is "$(sessions check)" \
	    'no damage: 30 tickets, 30 sessions, 0 of them without an answer'
}

@test "a double click is one new answer" {
	replay --times 1 --then "$UP/done-with-text.ndjson" "$UP/good.ndjson"
	printf 'Reinicie a impressora!' >"$T/kept/second"
	ask 42 "$Q"
	local i
	for i in {1..5}; do viewer 42 '{"ticketBody":"printer jam","refresh":true}'; done
	for i in {1..5}; do viewed $((i + 1)) 60; done
	# They may have come one behind the other: as many rows as questions.
	is "$(of 42 session | wc -w)" "$(posts)"
	is "$(of 42 response | grep -c -e '^-\| -')" 0
	run -0 sessions check
}

@test "stop ends it for all, and nothing is kept" {
	long 40
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	local a=$V
	sees $a w1
	talker 42
	say $V "$Q"
	sees $V w1
	say $V '{"type":"stop"}'
	viewed $a
	is "$(code)" stopped
	viewed $V
	is "$(code)" stopped
	is "$(of 42 response)" -
}

@test "ON_DISCONNECT=cancel: the last one's leaving ends it" {
	long 40
	replay_part "$T/long.ndjson"
	export TICKETCHAT_ON_DISCONNECT=cancel
	tab 42
	say $V "$Q"
	sees $V w1
	leave $V
	within 10 none_answers
	is "$(of 42 response)" -
}

@test "RATE_LIMIT: so many, exactly, however many ask at once" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=5/hour TICKETCHAT_GENERATIONS=20 GATEWAY_INTERFACE=x
	local i
	for i in {1..20}; do
		REMOTE_ADDR=10.0.0.1 talker $i
		say $V "$Q"
	done
	for i in {1..20}; do sees $i '"type":"\(done\|error\)"' 60; done
	for i in {1..20}; do
		so_far $i
		leave $i
	done >"$T/all"
	is "$(posts)" 5
	is "$(jq -r 'select(.type == "error").code' "$T/all" | sort | uniq -c |
	    awk '{ print $1, $2 }')" '15 rate_limited'
	# The next one is due after an hour's fifth.
	is "$(jq 'select(.type == "error") | .retryAfter > 600 and
	    .retryAfter <= 720' "$T/all" | sort -u)" true
	# Somebody else has a limit of their own; what is kept is free.
	REMOTE_ADDR=10.0.0.2 talker 100
	say $V "$Q"
	sees $V '"done"'
	leave $V
	REMOTE_ADDR=10.0.0.1 talker 100
	say $V "$Q"
	sees $V cached
	leave $V
}

@test "RATE_LIMIT of a user: who is forgotten begins anew" {
	replay "$UP/good.ndjson"
	head -c 40 /dev/zero | tr '\0' k >"$T/key"
	chmod 600 "$T/key"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key TICKETCHAT_RATE_LIMIT=1/hour
	as_ana() {
		ask "$1" "{\"ticketBody\":\"x\",\"token\":\"$(sessions token \
		    --user ana "$T/key")\"}"
	}
	as_ana 1
	generated
	as_ana 2
	is "$(code)" rate_limited
	run -0 sessions forget --user ana
	as_ana 2
	generated
	as_ana 3
	is "$(code)" rate_limited
}

@test "websocketd: asked, cached, and shown by sessions" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_WEB=off
	service
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	generated
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	kept
	is "$(posts)" 1
	is "$(of 42 prompt)" 'printer jam'
	end $SERVICE
}
