#!/usr/bin/env bats
# sessions report: the page's figures.  tests/web/report.test.mjs looks at it.
load helper

# The figures that stand in the page as texts: of the part with this title, the
# rows of its table, cells separated by `|'.
part() {
	/usr/bin/python3 - "$1" "$T/page.html" <<'END'
import html.parser, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.title, self.where, self.row, self.rows, self.texts = "", "", None, [], []
    def handle_starttag(self, tag, attrs):
        if tag == "h2": self.title, self.where = "", "title"
        if tag == "tr": self.row = []
        if tag in ("td", "th") and self.row is not None: self.row.append("")
    def handle_endtag(self, tag):
        if tag == "h2": self.where = ""
        if tag == "tr" and self.title == sys.argv[1]: self.rows.append("|".join(self.row))
        if tag == "tr": self.row = None
    def handle_data(self, data):
        if self.where == "title": self.title += data
        elif self.row: self.row[-1] += data
        elif self.title == sys.argv[1] and data.strip(): self.texts.append(data.strip())
page = Page()
page.feed(open(sys.argv[2], encoding="utf-8").read())
print("\n".join(page.rows[1:] if page.rows else page.texts))
END
}
report() { sessions report --lang en "$@" >"$T/page.html"; }

# The notes of an answer, as the service saves them; on SQLite the first learn
# makes their tables.
notes() {
	if [ "$STORE" = sqlite ]; then
		awk '/^-- name: KNOWLEDGE_CREATE/ { f = 1; next } /^-- name:/ { f = 0 } f' \
		    "$ROOT/sql/knowledge.sql" | sqlite3 "$TICKETCHAT_DATABASE"
	fi
	sql "INSERT INTO Documents (Name, Source, Hash, Title, Url, LearnedAt) VALUES
	    ('jam.md', '', 'h', 'Paper jam', '', '2020-01-01T00:00:00.000Z'),
	    ('vpn.md', '', 'h', 'The VPN', '', '2020-01-01T00:00:00.000Z'),
	    ('old.md', '', 'h', 'Old <b>', '', '2020-01-01T00:00:00.000Z')"
}
source_of() {	# SESSION N NAME TITLE CITED
	local cited=$5
	[ "$STORE" = sqlite ] || { [ "$5" = 1 ] && cited=true || cited=false; }
	sql "INSERT INTO TicketAISources (SessionId, N, Name, Title, Url, Text,
	    Cited) VALUES ($1, $2, '$3', '$4', '', 'x', $cited)"
}

@test "report: an empty database is a page, too" {
	report
	is "$(part 'Answers a day')" 'Nothing in this period.'
	is "$(part 'Notes that no answer has cited')" 'No notes have been learnt (sessions learn).'
	is "$(grep -c '<section' "$T/page.html")" 10
	grep -q '</html>' "$T/page.html"
}

@test "report: answers, waits, ratings, people, notes and cost are what they were" {
	export TICKETCHAT_WRITE=on
	replay "$UP/good.ndjson"
	for t in 1 2 3; do ask $t "$Q"; done
	ask 1 '{"question":"why?"}'
	ask 1 '{"type":"rate","good":true}'
	ask 2 '{"type":"rate","good":false,"reason":"wrong"}'
	printf 'By hand.' >"$T/kept/hand"
	ask 3 '{"type":"write","response":"By hand."}'
	is "$(last | jq -r .type)" done
	notes
	source_of 1 1 jam.md 'Paper jam' 1
	source_of 1 2 vpn.md 'The VPN' 0
	source_of 2 1 jam.md 'A passage' 1
	source_of 2 2 jam.md 'Another passage' 0
	sql "UPDATE TicketAIGenerations SET QueuedMs = 100, FirstTokenMs = SessionId * 1000,
	    TotalMs = 60000, PromptHash = 'abcd1234'"
	report
	local today
	today=$(date -u +%F)
	is "$(part 'Answers a day' | tail -n 1)" "$today|3|1|1"
	is "$(part 'Answers a day' | wc -l)" 30
	is "$(part 'Answers a day' | head -n 29 | sed 's/^[^|]*//' | sort -u)" '|0|0|0'
	# Of four waits, half are no longer than the second one.
	is "$(part 'Wait until the first word, with the queue, in seconds')" "$today|2.1|4.1|4"
	is "$(part 'How many ratings are good, by model')" 'gemma3:270m|4|1|1|50'
	is "$(part 'How many ratings are good, by system prompt')" 'abcd1234|4|1|1|50'
	is "$(part 'Why answers were rated bad, in ratings')" 'wrong|1'
	is "$(part 'Who wrote answers, in answers')" 'shell|1|0|0'
	is "$(part 'The notes that are cited most, in answers that cite them')" 'jam.md|Paper jam|2|2'
	is "$(part 'Notes that no answer has cited')" $'vpn.md|The VPN|1\nold.md|Old <b>|0'
	is "$(part 'Tickets that no note fitted')" "3|$today|printer jam"
	is "$(part 'Cost: how long the models worked, in minutes a day' | tail -n 1)" "$today|4.0|72|24"
	# A deleted ticket is not in the next page.
	sessions delete 2 >/dev/null
	report
	is "$(part 'Answers a day' | tail -n 1)" "$today|2|1|1"
	is "$(part 'Why answers were rated bad, in ratings')" 'Nothing in this period.'
}

@test "report: the days that count, bars of more days, languages, wrong options" {
	replay "$UP/good.ndjson"
	for t in 1 2 3; do ask $t "$Q"; done
	at() { date -u -d "$1 days ago" +%FT%T.000Z; }
	sql "UPDATE TicketAISessions SET CreatedAt = '$(at 6)', UpdatedAt = '$(at 6)' WHERE Id = 1"
	sql "UPDATE TicketAISessions SET CreatedAt = '$(at 7)', UpdatedAt = '$(at 7)' WHERE Id = 2"
	report --days 7
	is "$(part 'Answers a day' | wc -l)" 7
	is "$(part 'Answers a day' | awk -F '|' '{ n += $2 } END { print n }')" 2
	report --days 8
	is "$(part 'Answers a day' | sed -n '1p;2p' | cut -d '|' -f 2 | paste -sd ' ')" '1 1'
	report --days 63
	grep -qF "From $(at 62 | cut -c 1-10) to" "$T/page.html"
	report --days 1
	is "$(part 'Answers a day' | cut -d '|' -f 2)" 1
	report --days 3660
	[ "$(part 'Answers a day' | wc -l)" -le 62 ]
	is "$(part 'Answers a day' | tail -n 1 | cut -d '|' -f 2)" 3
	grep -q 'each point is about 60 days' "$T/page.html"
	sessions report >"$T/page.html"
	grep -q '<html lang="pt-BR">' "$T/page.html"
	TICKETCHAT_LANGUAGE=es sessions report >"$T/page.html"
	grep -q '<html lang="es">' "$T/page.html"
	for o in '--days 3661' '--days 0' '--days x' '--lang fr' 'x'; do
		run -100 sessions report $o
	done
	for o in '--days 0' '--days abc'; do
		run -100 sessions report $o
		[[ $output = *"the value of --days, ${o#* }, is not a number"* ]]
	done
	# A ticket counts once, with its newest answer.
	notes
	sql "UPDATE TicketAISessions SET TicketId = 1"
	report
	is "$(part 'Tickets that no note fitted' | wc -l)" 1
	run -111 bash -c '"$0" -c /dev/null report >/dev/full' "$B/bin/sessions"
}

@test "report: hostile texts are escaped, and nothing is loaded from elsewhere" {
	replay "$UP/good.ndjson"
	local bad='"><script>x</script>&amp;'
	OLLAMA_MODEL=$bad ask 1 "$Q"
	notes
	ask 2 "{\"ticketBody\":$(jq -n --arg t "$bad" '$t + "\u202e\u0007 end"')}"
	source_of 1 1 "$bad" "$bad" 1
	source_of 1 2 "$(printf '%0500d' 7)" '' 1
	for lang in pt-BR en es; do
		sessions report --lang $lang >"$T/page.html"
		not grep -qiE '<script|http:|https:|src=|href=|@import|url\(' "$T/page.html"
		not grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\x{202e}' "$T/page.html"
	done
	report
	is "$(part 'How many ratings are good, by model' | head -n 1)" "$bad|1|0|0|–"
	part 'The notes that are cited most, in answers that cite them' | grep -qF "$bad|$bad|1|1"
	part 'Tickets that no note fitted' | grep -qF "$bad   end"
}

# 200,000 tickets in 3 s and 20 MB, on a machine that does nothing else; so many
# more tickets are no more memory.
@test "report: many tickets take little memory" {
	needs_sqlite 'it reads row by row'
	local n few
	n=$(long_or 200000 20000)
	notes
	sql 'DELETE FROM Documents'
	/usr/bin/python3 "$ROOT/tests/cases/report_data.py" "$n" 30 |
	    sqlite3 "$TICKETCHAT_DATABASE"
	printf 'Open it.' >"$T/kept/open"
	NO_DATABASE=1	# the oracle would read all of it once more
	sanitized || ulimit -v 120000
	cost() {
		/usr/bin/time -f '%e s, %M KB' -o "$T/cost" "$B/bin/sessions" \
		    -c "$T/conf" report --lang en "$@" >"$T/page.html"
	}
	kb() { sed 's/.* \([0-9]*\) KB/\1/' "$T/cost"; }
	cost --days 1
	few=$(kb)
	cost
	echo "# $n tickets: $(<"$T/cost"); those of a day: $few KB" >&3
	is "$(part 'Answers a day' | awk -F '|' '{ gsub(/,/, ""); n += $2 + $3 + $4 } END { print n }')" "$n"
	sanitized || [ "$(kb)" -le 20480 ]
	sanitized || [ "$(kb)" -le $((few + 1500)) ]
}

# A wait counts in a step of its own length, and is shown as it was.
@test "report: waits are shown to a tenth of a second, from 100 s on to a second" {
	replay "$UP/good.ndjson"
	local ms
	ask 1 "$Q"
	while read -r ms half; do
		sql "UPDATE TicketAIGenerations SET QueuedMs = 0, FirstTokenMs = $ms"
		report
		is "$ms $(part 'Wait until the first word, with the queue, in seconds' | cut -d '|' -f 2,3)" \
		    "$ms $half|$half"
	done <<-'X'
	0 0.0
	49 0.0
	50 0.1
	9949 9.9
	9950 10.0
	9999 10.0
	10049 10.0
	10050 10.1
	99949 99.9
	99999 100.0
	100499 100
	100500 101
	3599499 3,599
	3599500 3,600
	3600000 3,600
	3699999 3,600
	3700000 3,700
	999999999 999,900
	1000000000 1,000,000
	2000000000 1,000,000
	X
}
