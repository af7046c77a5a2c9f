# The administrator's tool: its reports in every format, on terminals and off
# them, its metrics and its doctor, with hostile texts, and with nothing there.
load helper

# Most of these write the tables themselves, to know what must come out.
prepare() { NO_DATABASE=1; }

# A session of ticket $1: prompt $2, answer $3 (none: unanswered), when $4.
session() {
	/usr/bin/python3 - "$TICKETCHAT_DATABASE" "$@" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
ticket, prompt, answer, when = (sys.argv[2:] + [None] * 3)[:4]
when = when or "2026-11-20T10:00:00.000Z"
db.execute("PRAGMA foreign_keys = ON")
db.execute("INSERT INTO Tickets (Id) VALUES (?) ON CONFLICT DO NOTHING", (ticket,))
id = db.execute("INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse,"
    "CreatedAt, UpdatedAt) VALUES (?, ?, ?, ?, ?)",
    (ticket, prompt, answer, when, answer and when)).lastrowid
if answer is not None:
    db.execute("INSERT INTO TicketAIGenerations VALUES (?, ?, 'stop', 10, 20,"
        "0, 1500, 4000, 1, 2, 3, NULL, NULL, NULL)", (id, "gemma3"))
db.commit()
END
}

# Runs a command on a terminal of $1 columns; prints what it shows.
on_terminal() {
	/usr/bin/python3 - "$@" <<'END'
import fcntl, os, pty, struct, subprocess, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, int(sys.argv[1]), 0, 0))
p = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
os.close(slave)
out = b""
while True:
    try: data = os.read(master, 65536)
    except OSError: break
    if not data: break
    out += data
sys.stdout.buffer.write(out.replace(b"\r\n", b"\n"))
sys.exit(p.wait())
END
}

# The columns of the widest line of standard input.
widest() {
	/usr/bin/python3 -c '
import sys, unicodedata as u
print(max(sum(0 if u.combining(c) else 2 if u.east_asian_width(c) in "WF" else 1
    for c in l.rstrip("\n")) for l in sys.stdin))'
}

# Texts that are hard to print: controls, C1, quotes, line ends, formulas,
# wide and combining characters, bytes that are no UTF-8.
hard() {
	session 1 $'prompt\x1b]0;pwned\x07\x1b[2J' \
	    $'a\x1b[31mred\r\nb\tc "quoted", 100% \xc2\x9b31m\x7f\n=1+1'
	session 1 'no answer yet'
	session 9223372036854775807 '打印机坏了 🖨️ é' '重新启动打印机 🙂🙂🙂 então'
	session 2 "it's" "'; DROP TABLE Tickets; --"
	sql "UPDATE TicketAISessions SET AiResponse = CAST(x'fe41c3' AS TEXT)
	    WHERE TicketId = 2;
	    UPDATE TicketAIGenerations SET Model = 'm\"\\' || char(10) || 'x'
	    WHERE SessionId = 1"
}

REPORTS=('list' 'show 1' 'history 1' 'search quoted' 'search então' 'stats'
    'stats --by model' 'stats --by day')

@test "--help: all commands, each with its own and an example" {
	local c n=0
	sessions --help >"$T/help"
	[ "$(widest <"$T/help")" -le 120 ]
	for c in $(sed -n 's/^  \([a-z]*\) .*/\1/p' "$T/help"); do
		# Also where the settings are bad.
		TICKETCHAT_PORT=0 run -0 --separate-stderr sessions $c --help
		[[ "${lines[0]} " = "usage: sessions $c "* ]]
		grep -q "^  .*sessions $c" <<<"$output"
		[ "$(widest <<<"$output")" -le 100 ]
		run -0 sessions $c -h
		for o in $(grep -oE -e '--?[a-z-]+' <<<"${lines[0]}"); do
			grep -qE "Fl ${o#-}( |\$)" "$ROOT/man/sessions.1" ||
			    { echo "no $o in the manual" >&2; false; }
		done
		n=$((n + 1))
	done
	[ $n -ge 11 ]
	run -100 sessions nothing --help
	# Behind -- it is a word like another.
	run -1 sessions search -- --help
}

@test "JSON and CSV say the same, each row on a line" {
	hard
	for c in "${REPORTS[@]}" 'show 2' 'search 打印机*' 'history 2'; do
		run -0 sessions $c
		sessions $c --json >"$T/json"
		sessions $c --csv >"$T/csv"
		/usr/bin/python3 - "$T" "$c" <<'END'
import csv, json, sys
def text(v): return "" if v is None else str(v)
a = [json.loads(l) for l in open(sys.argv[1] + "/json", newline="\n")]
b = list(csv.DictReader(open(sys.argv[1] + "/csv", newline="",
    errors="replace"), strict=True))
assert a and len(a) == len(b), (a, b)
for r, s in zip(a, b):
    assert list(r) == list(s), (r, s)
    for k in r:
        # Bytes that are no UTF-8 are not JSON; CSV has them as they are.
        # What might be a formula has a ' in front.
        x, y = text(r[k]), s[k]
        if isinstance(r[k], str) and x[:1] in "=+-@\t\r\n＝＋－＠" and x:
            x = "'" + x
        assert x == y or "\ufffd" in x, (k, x, y)
END
		is "$(jq -s length <"$T/json")" "$(wc -l <"$T/json")"
	done
	is "$(sessions list --json | jq -c '[.ticket, .session, .tokens]' | tail -n 1)" \
	    '[1,2,null]'
	# -n is for all of them.
	for c in "${REPORTS[@]}"; do
		is "$(sessions $c --json -n 1 | wc -l)" 1
	done
	is "$(sessions list -n 2 --json | jq .session | paste -sd ' ')" '4 3'
	is "$(sessions show 1 -n 1 --json | jq .prompt)" '"no answer yet"'
	is "$(sessions history --json 1 | jq -c '[.session, .version]' | paste -sd ' ')" \
	    '[2,null] [1,1]'
}

@test "control characters reach no terminal, and no file as a table" {
	hard
	local bad='[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]'
	for c in "${REPORTS[@]}" 'show 2' metrics; do
		for f in '' --json --csv; do
			[ "$c $f" = "metrics --json" ] && continue
			[ "$c $f" = "metrics --csv" ] && continue
			on_terminal 80 "$B/bin/sessions" -c "$T/conf" $c $f \
			    >"$T/out"
			not env LC_ALL=C grep -naP "$bad" "$T/out"
			iconv -f UTF-8 -t UTF-8 "$T/out" >/dev/null
			# To a file CSV is exact.
			[ "$f" = --csv ] && continue
			sessions $c $f >"$T/out"
			not env LC_ALL=C grep -naP "$bad|\r" "$T/out"
		done
	done
	is "$(sessions list | wc -l)" 4
	is "$(sessions history 1 | wc -l)" 3
	sessions show 1 --csv | grep -q $'\x1b\[31mred\r$'
	# A number can be none of the texts' making.
	sessions show 1 | grep -q 'a.\[31mred'
}

@test "a table fits its terminal, and is whole in a file" {
	local w
	hard
	session 77 x "$(printf 'palavra %.0s' {1..60})"
	for w in 200 100 80; do
		on_terminal $w "$B/bin/sessions" -c "$T/conf" list >"$T/out"
		[ "$(widest <"$T/out")" -le $w ]
		is "$(wc -l <"$T/out")" 5
	done
	for w in 200 100 80 70; do
		on_terminal $w "$B/bin/sessions" -c "$T/conf" history 77 \
		    >"$T/out"
		is "$(widest <"$T/out")" $w
		is "$(wc -l <"$T/out")" 2
		grep -q '…$' "$T/out"
		on_terminal $w "$B/bin/sessions" -c "$T/conf" history \
		    9223372036854775807 >"$T/out"
		[ "$(widest <"$T/out")" -le $w ]
	done
	# A time is told to the minute, and nothing else that is as long.
	sql "UPDATE TicketAIGenerations SET Model = '2026-11-20T10:00:00:0000'"
	on_terminal 200 "$B/bin/sessions" -c "$T/conf" list -n 1 >"$T/out"
	grep -q ' 2026-11-20T10:00  .* 2026-11-20T10:00:00:0000 ' "$T/out"
	sessions list -n 1 | grep -q ' 2026-11-20T10:00:00.000Z  '
	# COLUMNS is stronger; nonsense in it is not; no screen is too narrow.
	for w in 70 0 -5 x 99999999999999999999; do
		COLUMNS=$w on_terminal 120 "$B/bin/sessions" -c "$T/conf" \
		    history 77 >"$T/out"
		case $w in
		70) is "$(widest <"$T/out")" 70 ;;
		9*) grep -qv '…' "$T/out" ;;
		*) is "$(widest <"$T/out")" 120 ;;
		esac
	done
	COLUMNS=1 on_terminal 1 "$B/bin/sessions" -c "$T/conf" list | grep -q 922337
	COLUMNS=20 sessions history 77 >"$T/out"
	not grep -q '…' "$T/out"
	grep -q "$(printf 'palavra %.0s' {1..20})palavra" "$T/out"
	# Columns: numbers end below their name, texts begin below it.
	/usr/bin/python3 - <<END
lines = open("$T/out").read().split("\n")
name, row = lines[0], lines[1]
at = name.index("created")
assert row[at:at + 4] == "2026" and row[at - 1] == " ", lines
end = name.index("tokens") + 6
assert row[end - 2:end + 1] == "20 ", lines
END
}

@test "a thousand rows and more: one line of names, and all of them" {
	sql "WITH RECURSIVE N (I) AS (SELECT 1 UNION ALL SELECT I + 1 FROM N
	    WHERE I < 2500)
	INSERT INTO Tickets (Id) SELECT I FROM N;
	INSERT INTO TicketAISessions (TicketId, Prompt) SELECT Id, 'p' FROM Tickets"
	sessions list -n 100000 >"$T/out"
	is "$(wc -l <"$T/out") $(grep -c ticket "$T/out")" '2501 1'
	is "$(sort -u "$T/out" | wc -l)" 2501
	is "$(sessions list | wc -l)" 51
	sql "INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse)
	    VALUES (1, 'huge', replace(hex(zeroblob(4000000)), '00', 'á'))"
	is "$(sessions show 1 --json -n 1 | jq '.response | length')" 4000000
	is "$(sessions history 1 --json -n 1 | jq -c '[.bytes, (.words | length)]')" \
	    '[8000000,200]'
}

@test "search: words, phrases, beginnings; accents and case folded" {
	session 1 'A impressora não imprime' 'Reinicie a impressora; teste o papel.'
	session 2 'Printer jam on floor 2' 'Open the tray. Printer, printer, printer.'
	session 3 'e-mail não abre' ''
	sql "UPDATE TicketAISessions SET AiResponse = NULL, UpdatedAt = NULL
	    WHERE TicketId = 3"
	found() { sessions search --json -- "$@" 2>/dev/null | jq .ticket | sort | paste -sd ' '; }
	is "$(found impressora)" 1
	is "$(found IMPRESSORA NAO)" 1
	is "$(found não)" '1 3'
	is "$(found 'impr*')" 1
	is "$(found 'pri*')" 2
	is "$(found pri)" ''
	is "$(found 'floor 2')" 2
	is "$(found '2 floor')" ''
	is "$(found floor printer)" 2
	is "$(found e-mail)" 3
	is "$(found mail-e)" ''
	# Nothing is syntax.
	for w in 'printer OR papel' 'NOT' 'a"b' '"' "'" '*' '**' 'Prompt:printer' \
	    'NEAR(printer papel)' '^' '-' '(' 'printer AND' '' '--' '\' '%' '?'; do
		run -1 --separate-stderr sessions search -- "$w"
		is "$output ${#stderr_lines[@]}" ' 1'
	done
	is "$(found '(printer' '"jam"')" 2
	# The best first; what stands beside it.
	session 4 'the printer' 'x'
	is "$(sessions search printer --json | jq .ticket | paste -sd ' ')" '2 4'
	is "$(sessions search printer -n 1 --json | jq -c '[.ticket, .version]')" '[2,1]'
	is "$(sessions search abre --json | jq -c '[.version, .date, .snippet]')" \
	    '[null,"2026-11-20T10:00:00.000Z","e-mail não abre"]'
	sql "UPDATE TicketAISessions SET Prompt = hex(zeroblob(5000)) || ' needle ' ||
	    hex(zeroblob(5000)) WHERE TicketId = 4"
	sessions search needle | grep -q needle
	# Nothing is left behind.
	is "$(sql "SELECT count(*) FROM sqlite_schema WHERE name IN ('Words', 'Texts')")" 0
	run -100 sessions search
}

@test "search: many texts, seen by a terminal, and beside a writer" {
	sql "WITH RECURSIVE N (I) AS (SELECT 1 UNION ALL SELECT I + 1 FROM N
	    WHERE I < 30000)
	INSERT INTO Tickets (Id) SELECT I FROM N;
	INSERT INTO TicketAISessions (TicketId, Prompt)
	SELECT Id, 'ticket number ' || Id || replace(hex(zeroblob(100)), '00', ' ab') FROM Tickets;
	DELETE FROM Tickets WHERE Id BETWEEN 5000 AND 12000"
	sessions search 'number 29999' --json >"$T/out"
	is "$(jq -c .ticket "$T/out")" 29999
	run -1 sessions search 'number 6000'
	is "$(sessions search number -n 99999 --csv | wc -l)" 23000
	# A writer is not kept out meanwhile.
	sessions search number >"$T/out" 3>&- &
	track $!
	for i in 1 2 3; do sessions delete $i; done
	wait $!
	is "$(wc -l <"$T/out")" 21
	on_terminal 80 "$B/bin/sessions" -c "$T/conf" search 'number 29999' \
	    >"$T/seen"
	tr '\r' '\n' <"$T/seen" | tail -n 2 | grep -q '^ *29999  '
}

@test "stats: sums, medians and the 95th of 100, by day and model" {
	/usr/bin/python3 - "$TICKETCHAT_DATABASE" >"$T/wanted" <<'END'
import json, random, sqlite3, sys, math
random.seed(7)
db = sqlite3.connect(sys.argv[1])
rows = []
for i in range(1, 238):
    day, model = f"2026-11-{random.randint(1, 3):02}", random.choice(["a", "b"])
    r = [random.randint(0, 500) for _ in range(4)]
    rows.append((day, model, r))
    db.execute("INSERT INTO Tickets (Id) VALUES (?)", (i,))
    db.execute("INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, UpdatedAt) VALUES (?, 'p', 'a', ?)", (i, day + "T12:00:00.000Z"))
    db.execute("INSERT INTO TicketAIGenerations VALUES (?, ?, 'stop', ?, ?, 0, ?, ?, 0, 0, 0, NULL, NULL, NULL)", (i, model, *r))
    db.executemany("INSERT INTO TicketAIRatings (SessionId, UserName, Good) VALUES (?, ?, ?)", [(i, "a", 1), (i, "b", 1), (i, "c", 0)])
db.commit()
def rank(v, p): return sorted(v)[math.ceil(len(v) * p / 100) - 1]
def sums(key):
    out = []
    for k in sorted({key(r) for r in rows}):
        v = list(zip(*[r[2] for r in rows if key(r) == k]))
        out.append((k, len(v[0]), sum(v[0]), sum(v[1]), rank(v[2], 50), rank(v[2], 95), rank(v[3], 50), rank(v[3], 95), sum(v[3]), 2 * len(v[0]), len(v[0]), 0, 0))
    return out
print(json.dumps([list(sums(lambda r: 1)[0][1:])]))
print(json.dumps([list(x) for x in sorted(sums(lambda r: r[0]), reverse=True)]))
print(json.dumps([list(x) for x in sorted(sums(lambda r: r[1]), key=lambda x: -x[1])]))
END
	for c in '' '--by day' '--by model'; do
		sessions stats $c --json | jq -cs '[.[] | [.[]]]'
	done >"$T/got"
	is "$(cat "$T/got")" "$(jq -c . "$T/wanted")"
	is "$(sessions stats --by day --json -n 1 | jq -r .day)" 2026-11-03
	is "$(sessions stats --by model --csv | sed -n '1s/,.*//p')" model
	sql "UPDATE TicketAISessions SET UpdatedAt = strftime('%Y-%m-%dT%H:%M:%fZ',
	    'now', '-47 hours') WHERE Id <= 5"
	is "$(sessions stats --since 2 --json | jq .answers)" 5
	run -1 sessions stats --since 1
	for c in '--by hour' '--since 0' '--since x' '--since 36501' '--by' \
	    '--log x --by day' 'x'; do
		run -100 --separate-stderr sessions stats $c
		is "${#stderr_lines[@]}" 1
	done
}

@test "stats --log: what the database does not know" {
	replay "$UP/good.ndjson"
	local day n
	for n in 1 2 3; do
		GATEWAY_INTERFACE=x REMOTE_ADDR=10.0.0.9 tab 42
		say $V "$Q"
		sees $V '"type":"done"'
		hang_up $V
		viewed $V
	done
	replay_end
	REMOTE_ADDR=10.0.0.9 tab 43
	say $V "$Q"
	sees $V '"type":"error"'
	hang_up $V
	viewed $V
	day=$(date -u +%F)
	is "$(sessions stats --log "$TICKETCHAT_LOG" --json | jq -c '[.[]]')" \
	    "[\"$day\",\"10.0.0.9\",4,2,1]"
	# A user is who the token says; what is in quotes is no field.
	printf '%s\n' \
	    'time=2026-01-02T03:04:05.678Z level=info prog=chat pid=1 id=1 remote=1.2.3.4 user="ana outcome=error prog=x" ticket=1 session=1 outcome=cached code=- bytes=1' \
	    'Jan  2 03:04:05 host ticketchat[7]: prog=chat pid=1 user="" remote=- outcome=generated code=-' \
	    'time=2026-01-02T03:04:06.678Z prog=answer pid=1 outcome=kept user="bob"' \
	    'time=2026-01-02T03:04:06.678Z prog=chat pid=1 error="no memory"' \
	    'not a line of ours = "' '' 'prog=chat outcome' >"$T/old"
	head -c 5000 /dev/zero | tr '\0' = >>"$T/old"
	is "$(sessions stats --log "$T/old" --json | jq -c '[.[]]')" \
	    '["2026-01-02","ana outcome=error prog=x",1,1,0]
["-","-",1,0,0]'
	# As the journal has it, LOG=syslog.
	printf '%s\n' \
	    '2026-01-03T03:04:05+0000 vm chat[51]: prog=chat pid=51 id=1 remote=10.0.2.2 user="" ticket=41 outcome=cached code=-' \
	    >"$T/journal"
	is "$(sessions stats --log - --json <"$T/journal" |
	    jq -c '[.[]]')" '["2026-01-03","10.0.2.2",1,1,0]'
	run -1 sessions stats --log "$T/old" --since 30
	run -1 sessions stats --log /dev/null
	run -111 sessions stats --log "$T/none"
	run -111 sessions stats --log "$T"
}

# Prometheus' own parser, or promtool where it is.
valid_metrics() {
	/usr/bin/python3 -c '
import sys
from prometheus_client.parser import text_string_to_metric_families as parse
for f in parse(sys.stdin.read()):
    assert f.documentation and f.type != "unknown", f
    for s in f.samples: print(s.name, *[f"{k}={v}" for k, v in s.labels.items()], s.value)' \
	    <"$1" >"$1.values"
	! command -v promtool >/dev/null || promtool check metrics <"$1"
}

@test "metrics: what Prometheus can read" {
	sessions metrics >"$T/m"
	valid_metrics "$T/m"
	grep -qx 'ticketchat_tickets 0.0' "$T/m.values"
	grep -qx 'ticketchat_first_token_seconds_count 0.0' "$T/m.values"
	hard
	session 5 x y 2026-11-21T00:00:00.000Z
	sql "UPDATE TicketAIGenerations SET FirstTokenMs = 700000 WHERE SessionId = 1;
	    DELETE FROM TicketAIGenerations WHERE SessionId = 3;
	    DELETE FROM Tickets WHERE Id = 2"
	sessions metrics >"$T/m"
	valid_metrics "$T/m"
	for l in 'ticketchat_build_info version=0.2.0 1.0' \
	    'ticketchat_sessions_started_total 5.0' \
	    'ticketchat_sessions_unanswered 1.0' \
	    'ticketchat_answers model=gemma3 1.0' 'ticketchat_answers model= 1.0' \
	    'ticketchat_answers model=m"\ x 1.0' \
	    'ticketchat_answer_tokens model=gemma3 20.0' \
	    'ticketchat_first_token_seconds_bucket le=1 0.0' \
	    'ticketchat_first_token_seconds_bucket le=2.5 3.0' \
	    'ticketchat_first_token_seconds_bucket le=600 3.0' \
	    'ticketchat_first_token_seconds_bucket le=+Inf 4.0' \
	    'ticketchat_first_token_seconds_sum 704.5' \
	    "ticketchat_schema_version $SCHEMA.0" 'ticketchat_generations_running 0.0' \
	    "ticketchat_newest_answer_timestamp_seconds 1795219200.0" \
	    "ticketchat_database_bytes $(stat -c %s "$TICKETCHAT_DATABASE").0" \
	    "ticketchat_wal_bytes $(stat -c %s "$TICKETCHAT_DATABASE-wal" 2>/dev/null || echo 0).0"; do
		grep -qxF "$l" "$T/m.values" || { echo "no $l" >&2; cat "$T/m.values" >&2; false; }
	done
	run -100 sessions metrics --json
}

@test "metrics: generations that run and that wait" {
	replay --delay 60000 "$UP/good.ndjson"
	local t
	for t in 1 2 3; do viewer $t "$Q"; done
	posted_one() { posted 1; }
	within 20 posted_one
	now() { sessions metrics | sed -n 's/^ticketchat_\(generations_running\|queue_length\) //p' | paste -sd ' '; }
	busy() { [ "$(now)" = '1 2' ]; }
	within 20 busy
	sessions doctor --quick --json | jq -r 'select(.check == "generations").finding' |
	    grep -qx '1 running, 2 waiting'
	TICKETCHAT_QUEUE_MAX=1 sessions doctor --quick | grep -q '^warning *generations: .*full'
	# To look takes no part: nobody's place is lost.
	busy
	for t in $(answers); do kill $t; done
	for t in 1 2 3; do viewed $t; done
	is "$(now)" '0 0'
	# Nor does it make anything.
	TICKETCHAT_RUN_DIR=$T/none run -0 sessions metrics
	[ ! -e "$T/none" ]
}

# What doctor finds about $1, as "level: finding".
finding() { jq -r --arg c "$1" 'select(.check == $c) | "\(.level): \(.finding)"' "$T/found"; }

# Runs doctor; the exit code goes with the worst finding.
examine() {
	local rc=0 worst
	sessions doctor --json "$@" >"$T/found" || rc=$?
	worst=$(jq -rs 'map({ok: 0, warning: 1, error: 2}[.level]) | max' "$T/found")
	is "$rc" "$worst"
	# Whoever is told of something bad is told what helps.
	jq -es 'all(.level == "ok" or (.remedy | length > 5))' "$T/found" >/dev/null
}

# Something is as it is not to be.
finds() {
	finding "$1" | grep -qE "^$2: .*$3" && return
	printf 'no %s of %s with %s:\n' "$2" "$1" "$3" >&2
	cat "$T/found" >&2
	return 1
}

@test "doctor: all is good" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_MAX_TICKET_BYTES=9000 OLLAMA_MODEL=
	local rc=0
	examine
	is "$(jq -r 'select(.level != "ok") | .check' "$T/found" |
	    grep -vE 'landlock|places')" ''
	for c in settings database disk copies RUN_DIR generations log model context \
	    ALLOWED_ORIGINS AUTH limits page websocketd landlock places clock; do
		[ -n "$(finding $c)" ] || { echo "no $c" >&2; false; }
	done
	finds model ok replay:latest
	finds context ok '4096 tokens$'
	sessions doctor >"$T/out" || rc=$?
	is "$(wc -l <"$T/out")" "$(wc -l <"$T/found")"
	not grep -vE '^(ok     |warning|error  )  [A-Za-z_]+: .*\.$' "$T/out"
	is "$(posts)" 0
	sessions doctor --quick | grep -q '^ok *database: .*contents not checked'
	finds page ok 'web/index.html$'
	TICKETCHAT_WEB=off examine --quick
	finds page ok off
}

# What a monitor goes by: 0 on a machine where nobody has set anything.
@test "doctor: a default install has no warning" {
	replay --tags "$REC/tags.response.http" --ps "$REC/ps.response.http" \
	    "$UP/good.ndjson"
	examine --quick
	is "$(jq -r 'select(.level != "ok") | .check' "$T/found" |
	    grep -vE 'landlock|places')" ''
	finds copies ok 'none yet in .*/backup$'
}

# Of the newest copy, $1 days old, beside answers of $2 days.
copies() {
	rm -rf "$T/backup"
	mkdir "$T/backup"
	sql "DELETE FROM Tickets"
	session 5 x y "$(date -u -d "-$2 days" +%FT%T.000Z)"
	[ "$1" = none ] || touch -d "-$1 days" "$T/backup/2026-01-02.db"
	examine --quick
}

@test "doctor and metrics: the age of the newest copy" {
	needs_sqlite "copies beside a file"
	local n
	for n in 0 1; do
		copies none $n
		finds copies ok 'none yet'
		copies $n $n
		finds copies ok 'the newest copy in .*/backup is dated '
	done
	for n in 3 9 400; do
		copies none $n
		finds copies warning "none in .*, and the first answer is $n days old"
		copies $n 0
		finds copies warning "the newest copy in .* is $n days old"
		sessions metrics | grep -qx "ticketchat_newest_backup_timestamp_seconds $(stat \
		    -c %Y "$T/backup/2026-01-02.db")"
		TICKETCHAT_BACKUPS=0 examine --quick
		finds copies ok 'no copies are made'
	done
	# What upkeep has not made is no copy of its.
	touch "$T/backup/mine.db" "$T/backup/2026-01-03.db.tmp"
	examine --quick
	finds copies warning '400 days old'
	touch -d '+5 days' "$T/backup/2026-01-02.db"
	examine --quick
	finds copies warning 'in the future'
	rm -r "$T/backup"
	sessions metrics | grep -qx 'ticketchat_newest_backup_timestamp_seconds 0'
}

@test "doctor and metrics: when the certificate ends" {
	local n
	certificate() {
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		    -nodes -keyout "$T/key" -out "$T/cert" -days "$1" -subj /CN=x \
		    2>"$T/openssl"
	}
	export TICKETCHAT_TLS_CERT=$T/cert TICKETCHAT_TLS_KEY=$T/key
	for n in 1 7 13; do
		certificate $n
		examine --quick
		finds certificate warning "$(date -u -d "+$n days" +%F)T"
	done
	for n in 15 90 4000; do
		certificate $n
		examine --quick
		finds certificate ok "valid until $(date -u -d "+$n days" +%F)T"
		is "$(sessions metrics | sed -n 's/^ticketchat_tls_certificate_end_timestamp_seconds //p')" \
		    "$(date -d "$(openssl x509 -in "$T/cert" -noout -enddate |
		    cut -d = -f 2)" +%s)"
	done
	# OpenSSL 3.5 makes none that has ended already.
	cp "$BATS_TEST_DIRNAME/keys/ended.pem" "$T/cert"
	examine --quick
	finds certificate error 'expired on'
	echo no certificate >"$T/cert"
	examine --quick
	finds certificate error 'contains no certificate'
}

@test "doctor: a clock that is ahead of or behind the answers" {
	session 5 x y "$(date -u -d '+400 days' +%FT%T.000Z)"
	examine --quick
	finds clock error 'newest answer is dated'
	sql 'DELETE FROM Tickets'
	session 5 x y "$(date -u -d '-400 days' +%FT%T.000Z)"
	examine --quick
	finds clock ok 'Z$'
	TICKETCHAT_RETENTION_DAYS=365 examine --quick
	finds clock warning 'deletes nothing'
}

@test "doctor: whether clients that never read give their places back" {
	finds_places() {
		strace -f -o "$T/trace" -e inject="$1" "$B/bin/sessions" \
		    -c "$T/conf" doctor --json --quick >"$T/found" || :
		finds places "$2" "$3"
	}
	needs_strace
	finds_places 'pidfd_getfd:error=EPERM' warning 'not permitted'
	finds_places 'pidfd_open:error=ENOSYS' warning 'not implemented'
	finds_places 'setsockopt:error=ENOPROTOOPT' warning 'not available'
}

@test "doctor: the settings" {
	TICKETCHAT_PORT=0 examine
	finds settings error 'PORT=0: not a whole number'
	[ -n "$(finding websocketd)$(finding clock)" ]
	is "$(finding database)" ''
	echo NONSENSE=1 >"$T/bad"
	run -2 --separate-stderr "$B/bin/sessions" -c "$T/bad" doctor
	[[ ${lines[0]} = 'error    settings:'*NONSENSE* ]]
	run -2 "$B/bin/sessions" -c "$T/none" doctor
	run -100 sessions doctor now
}

@test "doctor: the database and its disk" {
	TICKETCHAT_DATABASE=$T/none examine
	finds database error 'none: No such file'
	[ ! -e "$T/none" ]
	TICKETCHAT_DATABASE=$T/no/where examine
	finds disk error 'No such file'
	sql 'PRAGMA user_version = 99'
	examine
	finds database error 'schema 99'
	sql "PRAGMA user_version = $SCHEMA; PRAGMA application_id = 5"
	examine
	finds database error 'application_id is 5'
	sql 'PRAGMA application_id = 0x7469636b; PRAGMA journal_mode = DELETE'
	examine
	finds database warning 'journal_mode delete'
	sessions migrate
	examine
	finds database ok 'no damage'
	truncate -s 101M "$TICKETCHAT_DATABASE-wal"
	examine --quick
	finds database warning 'wal has grown to 101 MB'
	rm "$TICKETCHAT_DATABASE-wal"
	echo "no database at all, but a text" >"$T/text"
	TICKETCHAT_DATABASE=$T/text examine
	finds database error 'not a database'
	session 1 p "$(head -c 100000 /dev/zero | tr '\0' x)"
	sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	page=$(sql "SELECT rootpage FROM sqlite_schema
	    WHERE name = 'TicketAISessions_TicketId'")
	dd if=/dev/urandom of="$TICKETCHAT_DATABASE" bs="$(sql 'PRAGMA page_size')" count=1 \
	    seek=$((page - 1)) conv=notrunc status=none
	examine
	is "$(finding database | cut -d: -f1)" error
	jq -r 'select(.check == "database").remedy' "$T/found" | grep -q '^`sessions check'
	# Whatever meets it says so in one line.
	for c in list 'show 1' 'history 1' 'search p' stats metrics; do
		run --separate-stderr sessions $c
		case $status in
		0) is "$stderr" '' ;;
		111) is "${#stderr_lines[@]}" 1; grep -q malformed <<<"$stderr" ;;
		*) false ;;
		esac
		rc_of="$rc_of $status"
	done
	grep -q 111 <<<"$rc_of"
}

@test "doctor: a full disk, and one that cannot be written" {
	needs_root
	mkdir "$T/disk"
	mount -t tmpfs -o size=1m,mode=700 none "$T/disk" 2>/dev/null ||
	    skip "no mount here"
	DISK=$T/disk
	TICKETCHAT_DATABASE=$DISK/db sessions migrate
	TICKETCHAT_DATABASE=$DISK/db examine
	finds disk error '[01] MB free'
	mount -o remount,size=300m "$DISK"
	TICKETCHAT_DATABASE=$DISK/db examine
	finds disk warning '[23][0-9]* MB free'
}
cleanup() { if [ -n "$DISK" ]; then umount "$DISK"; fi; }

@test "doctor: RUN_DIR, sockets, log" {
	TICKETCHAT_RUN_DIR=$T/none examine
	finds RUN_DIR error 'No such file'
	[ ! -e "$T/none" ]
	mkdir -m 755 "$T/open"
	TICKETCHAT_RUN_DIR=$T/open examine
	finds RUN_DIR error 'other users can access'
	: >"$T/file"
	TICKETCHAT_RUN_DIR=$T/file examine
	finds RUN_DIR error 'not a directory'
	TICKETCHAT_RUN_DIR=$T/$(printf 'x%.0s' {1..90}) examine
	finds RUN_DIR error 'too long'
	# A socket that nobody listens on, and one of somebody.
	examine
	is "$(finding sockets)" ''
	/usr/bin/python3 -c 'import socket, sys
for n in "1", "2":
    s = socket.socket(socket.AF_UNIX); s.bind(f"{sys.argv[1]}/{n}.sock"); s.close()' "$TICKETCHAT_RUN_DIR"
	socat UNIX-LISTEN:"$TICKETCHAT_RUN_DIR/3.sock" - </dev/null >/dev/null 3>&- &
	track $!
	within 10 test -S "$TICKETCHAT_RUN_DIR/3.sock"
	examine
	finds sockets ok '2 belong to'
	# It is left alone: to connect would count as a viewer.
	kill -0 $!
	rm "$TICKETCHAT_RUN_DIR"/[123].sock
	TICKETCHAT_LOG=syslog examine
	finds log ok syslog
	TICKETCHAT_LOG=$T/new examine
	finds log ok "$T/new"
	[ ! -e "$T/new" ]
	TICKETCHAT_LOG=$T/no/where examine
	finds log error 'No such file'
	if [ "$(id -u)" = 0 ]; then
		mkdir -m 700 "$T/others"
		chown 12345 "$T/others"
		TICKETCHAT_RUN_DIR=$T/others examine
		finds RUN_DIR warning 'belongs to uid 12345'
	fi
}

@test "doctor: the model and its context" {
	OLLAMA_SERVER=http://127.0.0.1:9 examine --quick
	finds model error upstream_unreachable
	is "$(finding context)" ''
	replay --tags "$REC/tags.response.http" --ps "$REC/ps.response.http" \
	    "$UP/good.ndjson"
	OLLAMA_MODEL=none:1b examine --quick
	finds model error 'model_missing, none:1b$'
	# Loaded with 4,096; asked for more; not loaded, but too small anyway;
	# large enough; not told by an old server.
	OLLAMA_MODEL=gemma3:270m examine --quick
	finds context ok '4096 tokens: .* 12288 bytes .*prompt_too_long'
	OLLAMA_MODEL=gemma3:270m TICKETCHAT_MAX_TICKET_BYTES=65535 examine --quick
	finds context warning '4096 tokens, .*21845'
	jq -r 'select(.check == "context").remedy' "$T/found" | grep -q 'num_ctx in OLLAMA_OPTIONS to 23552,'
	OLLAMA_MODEL=gemma3:270m OLLAMA_OPTIONS='{"num_ctx":32768}' examine --quick
	finds context ok '32768'
	OLLAMA_MODEL=smollm2:135m TICKETCHAT_MAX_TICKET_BYTES=70000 examine --quick
	finds context warning '8192'
	# Too small for most tickets, whatever was set.
	OLLAMA_MODEL=gemma3:270m OLLAMA_OPTIONS='{"num_ctx":1024}' examine --quick
	finds context warning '1024 tokens, '
	OLLAMA_MODEL=smollm2:135m TICKETCHAT_MAX_TICKET_BYTES=6000 examine --quick
	finds context ok 'not known until smollm2:135m .*8192'
	replay_end
	sed 's/"context_length":[0-9]*/"x":1/g; s/"completion"/"embedding"/g' \
	    "$REC/tags.response.http" | awk 'NR > 1 && /^Content-Length/ { next } { print }' >"$T/tags.http"
	replay --tags "$T/tags.http" --ps "$REC/tags-empty.response.http" "$UP/good.ndjson"
	OLLAMA_MODEL=gemma3:270m examine --quick
	finds model error 'upstream_rejected.*writes no text'
	replay_end
	sed -i 's/"embedding"/"completion"/g' "$T/tags.http"
	replay --tags "$T/tags.http" --ps "$REC/tags-empty.response.http" "$UP/good.ndjson"
	OLLAMA_MODEL=gemma3:270m examine --quick
	finds context ok 'does not report'
}

@test "doctor: a model that runs elsewhere, and what is no Ollama" {
	helps() { jq -r 'select(.check == "model").remedy' "$T/found" | grep -q -- "$1"; }
	replay --tags "$UP/other/cloud-first.tags.http" "$UP/good.ndjson"
	for m in gpt-oss:120b-cloud other:cloud; do
		OLLAMA_MODEL=$m examine --quick
		finds model warning "$m .*tickets leave this machine"
	done
	OLLAMA_MODEL=library/llama3.2 examine --quick
	finds model ok library/llama3.2
	OLLAMA_SERVER=http://127.0.0.1:$PORT/api/chats examine --quick
	finds model error 'upstream_rejected.*HTTP 404'
	helps 'must end in /api/generate or /api/chat'
	replay_end
	replay --tags "$UP/other/llama-server.tags.http" "$UP/good.ndjson"
	examine --quick
	finds model error 'llama-server'
	replay_end
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n<html><form>Sign in</form></ht' >"$T/tags.http"
	replay --tags "$T/tags.http" "$UP/good.ndjson"
	examine --quick
	finds model error "upstream_invalid.*not Ollama's"
	helps 'a proxy that requires a login'
	replay_end
	printf 'HTTP/1.1 301 Moved\r\nLocation: https://ai.example/api/tags\r\nContent-Length: 0\r\n\r\n' >"$T/tags.http"
	replay --tags "$T/tags.http" "$UP/good.ndjson"
	examine --quick
	finds model error 'redirected to https://ai.example/api/tags'
	helps 'OLLAMA_SERVER=https://ai.example$'
	replay_end
	for a in 127.0.0.1:11434 localhost gpu:11434/api/chat; do
		OLLAMA_SERVER=$a run -102 --separate-stderr sessions settings
		grep -qF "http:// is missing; write http://$a" <<<"$stderr"
	done
}

@test "doctor: a certificate that nobody here trusts" {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
	    -keyout "$T/key" -out "$T/cert" 2>"$T/openssl"
	: >"$T/port"		# not of the server before
	/usr/bin/python3 - "$T/cert" "$T/key" >"$T/port" 2>"$T/tls" 3>&- <<'END' &
import http.server, ssl, sys
s = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain(sys.argv[1], sys.argv[2])
s.socket = c.wrap_socket(s.socket, server_side=True)
print(s.server_port, flush=True)
s.serve_forever()
END
	track $!
	within 10 test -s "$T/port"
	export OLLAMA_SERVER=https://localhost:$(cat "$T/port")
	examine --quick
	finds model error 'upstream_unreachable.*certificate'
	jq -r 'select(.check == "model").remedy' "$T/found" | grep -q update-ca-certificates
	ask 1 "$Q"
	failed_with upstream_unreachable 2
	last | jq -r .message | grep -qi certific
}

@test "doctor: who may come in" {
	examine --quick
	finds AUTH ok off
	finds ALLOWED_ORIGINS ok localhost
	TICKETCHAT_ADDRESS='127.0.0.1 192.0.2.1' examine --quick
	finds AUTH warning 'other machines'
	finds ALLOWED_ORIGINS warning 'only pages of this'
	TICKETCHAT_ADDRESS=0.0.0.0 TICKETCHAT_ALLOWED_ORIGINS='https://help.example http://localhost:*' examine --quick
	finds ALLOWED_ORIGINS ok help.example
	TICKETCHAT_ADDRESS='[::1] localhost 127.0.0.2' examine --quick
	finds AUTH ok off
	TICKETCHAT_ALLOWED_ORIGINS='*' examine --quick
	finds ALLOWED_ORIGINS warning 'any web page'
	head -c 40 /dev/zero | tr '\0' k >"$T/key"
	chmod 600 "$T/key"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key
	TICKETCHAT_ALLOWED_ORIGINS='*' examine --quick
	finds AUTH ok 'required, 1 key$'
	finds ALLOWED_ORIGINS ok '[*]'
	TICKETCHAT_ADDRESS=0.0.0.0 examine --quick
	finds AUTH warning unencrypted
	chmod 644 "$T/key"
	examine --quick
	finds AUTH error JWT_KEY_FILE
	TICKETCHAT_JWT_KEY_FILE=$T/none examine --quick
	finds AUTH error JWT_KEY_FILE
	TICKETCHAT_AUTH=off OLLAMA_TOKEN_FILE=$T/key TICKETCHAT_SYSTEM_PROMPT_FILE=$T/none \
	    TICKETCHAT_TLS_CERT=$T/key TICKETCHAT_TLS_KEY=$T/key examine --quick
	finds OLLAMA_TOKEN_FILE error 'other users can read'
	finds SYSTEM_PROMPT_FILE error 'No such file'
	finds TLS_KEY error 'other users can read'
	finds TLS_CERT ok key
	chmod 600 "$T/key"
	TICKETCHAT_AUTH=off TICKETCHAT_SYSTEM_PROMPT_FILE=none OLLAMA_TOKEN_FILE=$T/key examine --quick
	finds OLLAMA_TOKEN_FILE ok key
	is "$(finding SYSTEM_PROMPT_FILE)" ''
}

@test "doctor: limits, websocketd, and text that is not ours" {
	(ulimit -n 200; examine --quick; finds limits warning 'ulimit -Hn of this shell is 200; .*1088')
	(ulimit -n 200; TICKETCHAT_MAX_CONNECTIONS=34 examine --quick; finds limits ok enough)
	mkdir "$T/bin"
	(PATH=$T/bin:/nowhere; unset -f sessions
	    "$B/bin/sessions" -c "$T/conf" doctor --json --quick) >"$T/found" || true
	finds websocketd error 'No such file'
	cat >"$T/bin/websocketd" <<'END'
#!/bin/sh
case $1 in
--version) printf 'websocketd \033]0;pwned\007 9.9\nmore\n' ;;
*) echo ' --maxframesize'; exit 2 ;;
esac
END
	chmod +x "$T/bin/websocketd"
	PATH=$T/bin:$PATH examine --quick
	finds websocketd ok '9.9$'
	PATH=$T/bin:$PATH sessions doctor --quick >"$T/out" || true
	not env LC_ALL=C grep -aP '[\x00-\x08\x0e-\x1f]' "$T/out"
	printf '#!/bin/sh\nkill -9 $$\n' >"$T/bin/websocketd"
	PATH=$T/bin:$PATH examine --quick
	is "$(finding websocketd | cut -d: -f1)" error
}

@test "nothing there: no session, no database, another schema" {
	local c
	for c in list 'show 1' 'history 1' 'search x' stats 'stats --by day' \
	    'delete 1'; do
		run -1 --separate-stderr sessions $c
		is "$output ${#stderr_lines[@]}" ' 1'
	done
	for c in list 'show 1' 'history 1' 'search x' stats "stats --log $TICKETCHAT_LOG" \
	    metrics; do
		TICKETCHAT_DATABASE=$T/none run -111 --separate-stderr sessions $c
		is "$output ${#stderr_lines[@]}" ' 1'
		sql "PRAGMA user_version = $((SCHEMA + 1))"
		run -102 --separate-stderr sessions $c
		is "$output ${#stderr_lines[@]}" ' 1'
		sql "PRAGMA user_version = $SCHEMA"
	done
	[ ! -e "$T/none" ]
	for c in history 'history x' 'history 1 2' 'history --by 1' 'show' \
	    'metrics x' 'doctor --csv' 'search -n' 'search -n 0 x' 'list -n 1x'; do
		run -100 --separate-stderr sessions $c
		is "$output ${#stderr_lines[@]}" ' 1'
	done
}

@test "output that cannot be written, and nobody reading on" {
	hard
	sql "WITH RECURSIVE N (I) AS (SELECT 100 UNION ALL SELECT I + 1 FROM N
	    WHERE I < 9000)
	INSERT INTO Tickets (Id) SELECT I FROM N;
	INSERT INTO TicketAISessions (TicketId, Prompt)
	SELECT Id, 'red ' || Id FROM Tickets WHERE Id BETWEEN 100 AND 9000"
	local c rc
	for c in 'list -n 9999' 'list -n 9999 --csv' 'list -n 9999 --json' 'show 1' \
	    'history 1' 'search red -n 9999' stats metrics settings doctor \
	    --help 'list --help'; do
		rc=0
		sessions $c >/dev/full 2>"$T/said" || rc=$?
		case $c in
		--help) [ $rc = 111 ] || [ $rc = 0 ] ;;
		*) is "$rc" 111; grep -q 'standard output' "$T/said"
		    is "$(wc -l <"$T/said")" 1 ;;
		esac
		# Closed: nothing goes where it does not belong.
		sessions $c >&- 2>"$T/said" || [ "$c" = doctor ]
		not grep -q Sanitizer "$T/said"
	done
	for c in 'list -n 9999' 'list -n 9999 --csv' 'search red -n 9999 --json'; do
		(set +o pipefail; sessions $c 2>"$T/said" | head -n 1) | grep -q .
		is "$(cat "$T/said")" ''
	done
	sql 'PRAGMA integrity_check' | grep -qx ok
}

@test "CSV: no text is a formula for a spreadsheet" {
	local n=0 t
	for t in '=1+1' '+1' '-1' '@SUM(A1)' $'\t=1' $'\r=1' $'\n=1' '＝1' '＋1' \
	    '－1' '＠x' '=HYPERLINK("http://x","y")'; do
		n=$((n + 1))
		/usr/bin/python3 -c 'import json, sys
print(json.dumps({"ticketBody": sys.argv[1]}))' "$t" >"$T/q"
		replay "$UP/good.ndjson"
		ask $n "$(<"$T/q")"
		generated
		replay_end
		sessions show $n --csv >"$T/csv"
		/usr/bin/python3 -c 'import csv, sys
row = list(csv.DictReader(open(sys.argv[1], newline="")))[0]
assert row["prompt"] == "\x27" + sys.argv[2], row
assert row["ticket"] == sys.argv[3] and not row["tokens" if "tokens" in row else "answer_tokens"].startswith("\x27")' \
		    "$T/csv" "$t" $n
	done
	# A text that is none is as it was.
	is "$(sessions show 1 --csv | tail -n 2 | grep -c "'Reinicie")" 0
}

@test "show and list: nothing turns what is shown around" {
	local c all=''
	for c in 202a 202b 202c 202d 202e 2066 2067 2068 2069 2028 2029; do
		all+=$(printf "a\\u$c")
	done
	replay "$UP/good.ndjson"
	ask 42 "$(jq -cn --arg t "$all"$'\u05d0' '{ticketBody: $t}')"
	generated
	sessions show 42 >"$T/shown"
	is "$(grep -cP '[\x{202a}-\x{202e}\x{2066}-\x{2069}\x{2028}\x{2029}]' "$T/shown")" 0
	is "$(grep -o $'a\ufffd' "$T/shown" | wc -l)" 11
	grep -q $'\u05d0' "$T/shown"
	sessions show 42 --json | jq -e --arg t "$all"$'\u05d0' '.prompt == $t'
	# As JSON it is the same text, but a terminal gets it escaped.
	for c in 'show 42 --json' export; do
		/usr/bin/python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' \
		    "$B/bin/sessions" -c "$T/conf" $c </dev/null |
		    tr -d '\r' >"$T/shown"
		is "$(grep -cP '[\x{202a}-\x{202e}\x{2066}-\x{2069}\x{2028}\x{2029}]' "$T/shown")" 0
		jq -e --arg t "$all"$'\u05d0' '.prompt == $t' "$T/shown"
	done
}

@test "migrate makes var/ in a fresh checkout, for us alone" {
	mkdir "$T/fresh"
	(
		cd "$T/fresh"
		unset TICKETCHAT_DATABASE TICKETCHAT_RUN_DIR
		"$B/bin/sessions" -c /dev/null migrate
	)
	is "$(stat -c '%a %F' "$T"/fresh/var "$T"/fresh/var/run)" '700 directory
700 directory'
	[ -s "$T/fresh/var/ticketchat.db" ]
	# No more than that one.
	TICKETCHAT_RUN_DIR=$T/a/b/run run -102 --separate-stderr sessions migrate
	grep -q 'RUN_DIR=.*No such file' <<<"$stderr"
	[ ! -e "$T/a" ]
}
