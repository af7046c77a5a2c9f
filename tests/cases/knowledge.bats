# The team's notes: what is learnt of files, folders and JSON lines, what is
# found for a text, and what is gone with a note or a ticket.
load helper

# Two folders' worth of notes.
prepare() {
	mkdir -p "$T/notes/deep" "$T/other"
	printf '# Printers\n\nAll printers are Ricoh.\n\n## Paper jam\n\nOpen the rear cover and pull the sheet.\n\n## Toner\n\nShake the cartridge.\n' \
	    >"$T/notes/printer.md"
	printf 'Passwords\n\nA password expires after ninety days.\n' >"$T/notes/deep/password.txt"
	printf '<html><head><title>VPN</title><style>p{}</style></head><body><h2>Instala&ccedil;&atilde;o</h2><p>Baixe o <b>cliente</b> &amp; conecte.</p><script>evil()</script></body></html>' \
	    >"$T/notes/vpn.html"
}
learn() { sessions learn "$@"; }
learnt() { run -0 --separate-stderr sessions learn "$@"; }
similar() { sessions similar "$@"; }
# The titles that are found for a text.
titles() { printf %s "$1" | sessions similar --json | jq -r .title | paste -sd '|'; }
# JSON lines of notes, name and text each.
lines() {
	while [ $# -gt 0 ]; do
		jq -nc --arg n "$1" --arg t "$2" '{name: $n, title: $n, text: $t}'
		shift 2
	done
}

# So many notes, quickly.
many() {
	awk -v n="$1" 'BEGIN { while (++i <= n) printf "{\"name\":\"n%d\",\"title\":\"n%d\"," \
	    "\"text\":\"word%d word%d number%d \"}\n", i, i, i % 7, i % 11, i }'
}

@test "who has learnt nothing has no tables, and finds nothing" {
	needs_sqlite 'its tables are made by the first learn'
	is "$(sql "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%assage%'")" 0
	run -1 similar <<<'printer jam'
	is "$output" ''
	run -1 sessions knowledge
	[[ $output = *'nothing was learnt yet'* ]]
	run -0 sessions knowledge --sweep
	run -0 sessions check --full
	is "$(sql "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%assage%'")" 0
}

@test "a folder is learnt: each heading is a passage, in Markdown, text and HTML" {
	learnt "$T/notes"
	is "$output" '3 new, 0 changed, 0 unchanged, 0 removed; 5 passages read'
	is "$(sql 'SELECT Title FROM Passages ORDER BY Title' | paste -sd '|')" \
	    'Passwords|Printers|Printers: Paper jam|Printers: Toner|VPN: Instalação'
	is "$(sql "SELECT Text FROM Passages WHERE Title LIKE 'VPN%'")" 'Baixe o cliente & conecte.'
	is "$(sessions knowledge --json | jq -r .name | paste -sd '|')" \
	    'notes/deep/password.txt|notes/printer.md|notes/vpn.html'
	is "$(titles 'there is a paper jam, the cover is closed')" 'Printers: Paper jam'
	is "$(titles 'INSTALACAO do cliente')" 'VPN: Instalação'
	is "$(printf jam | sessions similar --json | jq -c '[.n, .name, .title, .url, .text, (.score | type)]')" \
	    '[1,"notes/printer.md","Printers: Paper jam","","Open the rear cover and pull the sheet.","number"]'
	run -0 similar <<<jam
	[[ ${lines[0]} =~ ^1\ +[0-9.]+\ +Printers:\ Paper\ jam\ +\(notes/printer.md\)$ ]]
	is "${lines[1]}" '   Open the rear cover and pull the sheet.'
	run -1 similar <<<'quantum chromodynamics'
	is "$output" ''
}

@test "a single note is found by a ticket about it, and by no other" {
	lines only 'Open the rear cover of the printer and pull the sheet.' | learn -
	is "$(titles 'the printer cover is hot')" only
	is "$(titles printer)" only
	is "$(titles 'the coffee is cold and nobody cares')" ''
	lines second 'Coffee machines are cleaned on Friday.' | learn -
	is "$(titles 'the coffee machine leaks')" second
}

@test "what has not changed is skipped, what has is replaced, and its words with it" {
	learnt "$T/notes"
	learnt "$T/notes"
	is "$output" '0 new, 0 changed, 3 unchanged, 0 removed; 0 passages read'
	before=$(sql "SELECT Id FROM Passages WHERE Title = 'Printers: Toner'")
	sed -i 's/rear cover/zebra lid/' "$T/notes/printer.md"
	learnt "$T/notes"
	is "$output" '0 new, 1 changed, 2 unchanged, 0 removed; 3 passages read'
	is "$(titles zebra)" 'Printers: Paper jam'
	is "$(titles 'rear')" ''
	# A section that stayed the same is the same passage.
	is "$(sql "SELECT Id FROM Passages WHERE Title = 'Printers: Toner'")" "$before"
	is "$(sql 'SELECT count(*) FROM Passages')" 5
	run -0 sessions check --full
}

@test "--prune removes what a folder does not have any more, and nothing else" {
	lines other 'Elephants are large animals of Africa.' | learn -
	learn "$T/notes"
	cp "$T/notes/printer.md" "$T/other/x.md"
	learn "$T/other"
	rm "$T/notes/printer.md"
	learnt "$T/notes"
	is "$(titles 'paper jam cover')" 'Printers: Paper jam|Printers: Paper jam'
	learnt --prune "$T/notes"
	is "$output" '0 new, 0 changed, 2 unchanged, 1 removed; 0 passages read'
	is "$(sessions knowledge --json | jq -r .name | paste -sd '|')" \
	    'notes/deep/password.txt|notes/vpn.html|other|other/x.md'
	# A file that cannot be read today stays.
	printf '\377\376p\0' >"$T/notes/vpn.html"
	run -1 --separate-stderr sessions learn --prune "$T/notes"
	is "$(sessions knowledge --json | wc -l)" 4
	# Lines of which one is wrong: nobody knows which note it was.
	run -1 --separate-stderr sessions learn --prune - <<<'{"name":1}'
	[[ $stderr = *'nothing was pruned'* ]]
	is "$(sessions knowledge --json | wc -l)" 4
	lines more 'Another thing.' | learn --prune -
	is "$(sessions knowledge --json | jq -r .name | grep -c other$)" 0
	run -0 sessions check --full
}

@test "--prune where no note is found, or where something cannot be read, removes nothing" {
	learn "$T/notes"
	lines other 'Elephants are large.' | learn -
	empty() {
		run -1 --separate-stderr sessions learn --prune "$1"
		[[ $stderr = *'no note was found: nothing was pruned'* ]]
		is "$(sessions knowledge --json | wc -l)" 4
	}
	empty - </dev/null
	empty - <<<$'\n  \n'
	mv "$T/notes" "$T/away"
	mkdir "$T/notes"	# as one that is not mounted
	empty "$T/notes"
	touch "$T/notes/picture.png"
	empty "$T/notes"
	rm -r "$T/notes"
	mv "$T/away" "$T/notes"
	# A folder that is too deep stands for one that cannot be read.
	deep=$T/notes/deep$(printf '/d%.0s' $(seq 40))
	mkdir -p "$deep"
	rm "$T/notes/printer.md"
	run -1 --separate-stderr sessions learn --prune "$T/notes"
	[[ $stderr = *'folders are too deep'*'nothing was pruned'* ]]
	is "$(sessions knowledge --json | wc -l)" 4
	rm -r "$T/notes/deep/d"
	learnt --prune "$T/notes"
	is "$(sessions knowledge --json | wc -l)" 3
}

@test "--prune --purge and --delete --purge: the text leaves what answers were given" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	lines gone 'The secretword is kept here.' stays 'Printers need paper.' | learn -
	for n in gone stays; do
		id=$(sql "SELECT p.Id FROM Passages p JOIN Documents d ON d.Id = p.DocumentId WHERE d.Name = '$n'")
		sql "INSERT INTO TicketAISources VALUES (1, $id + 0, $id, '$n', '$n', '', NULL, 'text of $n', $([ "$STORE" = postgres ] && echo true || echo 1))"
	done
	is "$(sessions knowledge --json | jq -c '[.name, .given, .cited]' | paste -sd ' ')" \
	    '["gone",1,1] ["stays",1,1]'
	# Of other notes, also removed or edited ones, the text stays.
	lines stays 'Printers need paper.' | learn --prune -
	is "$(sql "SELECT Text FROM TicketAISources WHERE Name = 'gone'")" 'text of gone'
	lines stays 'Printers need more paper.' more 'Another thing.' | learn -
	is "$(sessions knowledge --json | jq -c '[.name, .given, .cited]' | paste -sd ' ')" \
	    '["more",0,0] ["stays",1,1]'
	run -0 sessions knowledge --delete more --purge
	is "$(sql "SELECT count(*) FROM TicketAISources WHERE Text <> ''")" 2
	lines stays 'Printers need more paper.' gone 'The secretword is kept here.' | learn --prune --purge -
	is "$(sql "SELECT count(*) FROM TicketAISources WHERE Text <> ''")" 2
	lines stays 'Printers need more paper.' | learn --prune --purge -
	is "$(sql "SELECT Text || '/' || Title FROM TicketAISources WHERE Name = 'gone'")" '/gone'
	is "$(sql "SELECT Text FROM TicketAISources WHERE Name = 'stays'")" 'text of stays'
	run -0 sessions knowledge --delete stays --purge
	is "$(sql "SELECT count(*) FROM TicketAISources WHERE Text <> ''")" 0
	run -1 sessions knowledge --delete stays
	[[ $output = *'there is no document "stays"'* ]]
	not grep -qa 'secretword\|secret' <<<"$(sql "SELECT * FROM Passages")"
	[ "$STORE" = postgres ] || {
		sqlite3 "$TICKETCHAT_DATABASE" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
		not grep -qa 'secret' "$TICKETCHAT_DATABASE"
	}
	run -100 sessions learn --purge "$T/notes"
	run -100 sessions learn
}

@test "files that cannot be learnt are named, and the others are learnt" {
	local d=$T/notes big
	printf 'a\0b' >"$d/nul.md"
	printf '\377\376a\0' >"$d/utf16.md"
	printf 'impress\343o' >"$d/latin1.txt"
	: >"$d/empty.md"
	printf '# only\n## headings\n' >"$d/headings.md"
	head -c 1048577 /dev/zero | tr '\0' a >"$d/big.md"
	truncate -s 100M "$d/huge.md"
	yes '# a
b' | head -n 2100 >"$d/sections.md"
	mkfifo "$d/fifo.md"
	ln -s printer.md "$d/link.md"
	ln -s /etc "$d/folder"
	ln -s ../notes "$d/deep/round"
	printf '\211PNG' >"$d/picture.png"
	printf 'x' >"$d/.hidden.md"
	run -1 --separate-stderr sessions learn "$d"
	[[ $output = '3 new, 0 changed, 0 unchanged, 0 removed; 5 passages read' ]]
	for m in 'nul.md: it ' 'utf16.md: it is UTF-16' 'latin1.txt: it is ' \
	    'empty.md: there is no text' 'headings.md: there is no text' 'big.md: it is longer than 1 MB' \
	    'huge.md: it is longer than 1 MB' 'sections.md: it has more than 1,000 passages' \
	    'fifo.md: it is not a file' 'link.md: a link in a folder is not followed'; do
		[[ $stderr = *"$m"* ]] || { echo "no: $m" >&2; false; }
	done
	is "$(wc -l <<<"$stderr")" 10
	# As an argument each is refused, too.
	run -1 sessions learn "$d/picture.png"
	run -1 sessions learn "$T/none"
	# A link that is named is what it leads to.
	run -0 sessions learn "$d/link.md"
	is "$(sql 'SELECT count(*) FROM Documents')" 4
	run -0 sessions check --full
}

@test "JSON lines: several with one name are told, and the last one counts" {
	run -0 --separate-stderr sessions learn - <<-'X'
	{"question":"Hello,\nthe door is shut","answer":"Use the badge."}
	{"question":"Hello,\nthe lift is stuck","answer":"Call the porter."}
	{"name":"a","text":"Alpha"}
	X
	is "$stderr" 'sessions: warning: 2 lines have the name Hello,: only the last one counts'
	is "$(titles porter)" 'Hello,'
	# Near each other or not, and changed again.
	for i in 1 2; do
		{ many 30; lines n1 zebra n1 okapi; many 30 | sed 's/"n\([0-9]\)/"m\1/g'; lines n1 "quagga $i"; } |
		    learn - 2>/dev/null
		is "$(titles quagga) $(titles zebra)$(titles okapi)" 'n1 '
		is "$(sql 'SELECT count(*) FROM Passages')" $((2 + 60))
		run -0 sessions check --full
	done
	run -1 --separate-stderr sessions learn - <<<'{"name":"a\u001b[2J","text":"Alpha"}'
	is "$stderr" 'sessions: line 1: its name has control characters'
}

@test "JSON lines: notes and solved tickets; a bad line is named and left out" {
	run -1 --separate-stderr sessions learn - <<-'X'
	{"name":"a","title":"The A","url":"https://wiki.example/a","text":"Alpha text.\n# Second\nBeta text.","lang":"en"}
	{"name":"b","url":"javascript:alert(1)","text":"Gamma text."}
	{"question":"minha tela esta preta\ndesde hoje","answer":"Ligue o cabo HDMI.","url":"https://desk.example/1"}

	{"name":"c"}
	{"name":"d","text":" "}
	{"name":"e","text":"x","answer":"y","question":"z"}
	{"name":"f","text":1}
	{"name":"g","text":"x","text":"y"}
	{"text":"no name"}
	[]
	nothing
	{"question":"x","answer":""}
	X
	is "$output" '3 new, 0 changed, 0 unchanged, 0 removed; 4 passages read'
	is "$(grep -o 'line [0-9]*' <<<"$stderr" | paste -sd ' ')" \
	    'line 5 line 6 line 7 line 8 line 9 line 10 line 11 line 12 line 13'
	is "$(sessions knowledge --json | jq -c '[.name, .title, .url]' | paste -sd ' ')" \
	    '["a","The A","https://wiki.example/a"] ["b","b",""] ["https://desk.example/1","minha tela esta preta","https://desk.example/1"]'
	is "$(titles beta)" 'The A: Second'
	# A solved ticket is found by its question's words.
	is "$(titles 'tela preta')" 'minha tela esta preta'
	is "$(printf 'tela preta' | sessions similar --json | jq -r .text)" 'Ligue o cabo HDMI.'
	# JSON in UTF-8 with NUL in a text, and a line that is too long.
	run -1 --separate-stderr sessions learn - <<<'{"name":"n","text":"a\u0000b"}'
	{ printf '{"name":"x","text":"'; head -c 1100000 /dev/zero | tr '\0' a; printf '"}\n'; } >"$T/long"
	lines behind 'The line behind it.' >>"$T/long"
	run -1 --separate-stderr sessions learn - <"$T/long"
	[[ $stderr = *'line 1: it is longer than 1 MB'* ]]
	is "$output" '1 new, 0 changed, 0 unchanged, 0 removed; 1 passages read'
	# The longest one, and one byte more.
	{ printf '{"name":"y","text":"y","title":"'; head -c 1048541 /dev/zero | tr '\0' a; printf '"}\n'; } >"$T/long"
	is "$(wc -c <"$T/long")" 1048576
	run --separate-stderr sessions learn - <"$T/long"
	[[ $stderr != *longer* ]]
	sed -i 's/^{/{ /' "$T/long"
	run -1 --separate-stderr sessions learn - <"$T/long"
	[[ $stderr = *'line 1: it is longer than 1 MB'* ]]
}

@test "tickets that look like a query, a log or noise find what they should, or nothing" {
	learn "$T/notes"
	export TICKETCHAT_KNOWLEDGE_FLOOR=0
	for t in '"jam' 'jam"' '"""' 'jam AND' 'NEAR(jam' 'jam*' '-jam' '^jam' 'title:jam' 'jam OR' '{jam}' "jam'--" \
	    'jam) OR (rowid > 0' "$(printf 'jam\001')" '+jam' 'jam:jam'; do
		printf %s "$t" >"$T/ticket"
		run --separate-stderr sessions similar <"$T/ticket"
		is "$stderr" ''
		case $t in *jam*) is "$status" 0 ;; *) is "$status" 1 ;; esac
	done
	unset TICKETCHAT_KNOWLEDGE_FLOOR
	{ head -c 60000 /dev/zero | tr '\0' a; printf ' paper jam'; } >"$T/ticket"
	run -1 similar <"$T/ticket"	# what counts is the first 16 KB
	{ printf 'paper jam cover '; head -c 60000 /dev/zero | tr '\0' a; } >"$T/ticket"
	is "$(titles "$(<"$T/ticket")")" 'Printers: Paper jam'
	{
		printf 'paper jam at the rear cover\n'
		seq -f 'f%.0f:%06.0f' 100000 | head -c 50000
	} >"$T/ticket"
	is "$(head -n 1 <<<"$(sessions similar --json <"$T/ticket" | jq -r .title)")" 'Printers: Paper jam'
	# Not text at all.
	printf 'a\0b' | run -1 sessions similar
	printf '\377' | run -1 sessions similar
	printf '  \n' | run -1 sessions similar
	run -100 sessions similar more <<<x
}

@test "a quoted mail and a signature do not find notes" {
	learn "$T/notes"
	is "$(titles $'My password expired\n\nOn Mon, 3 May 2027, Ana Lima wrote:\n> paper jam, rear cover, toner cartridge\n-- \nRicoh printers')" Passwords
	is "$(titles $'My password expired\nAtt,\npaper jam')" Passwords
}

@test "KNOWLEDGE, KNOWLEDGE_FLOOR and KNOWLEDGE_SYNONYMS" {
	lines a 'Laptop needs a charger.' b 'Laptop needs a mouse.' c 'Laptop needs a bag.' d 'Windows and doors.' \
	    e 'Chairs.' f 'Tables.' g 'Lamps.' | learn -
	is "$(TICKETCHAT_KNOWLEDGE=2 titles laptop | tr '|' '\n' | wc -l)" 2
	is "$(TICKETCHAT_KNOWLEDGE=0 titles laptop)" ''
	is "$(TICKETCHAT_KNOWLEDGE_FLOOR=0 titles 'laptop charger with zebra, giraffe, much more besides')" 'a|b|c'
	is "$(TICKETCHAT_KNOWLEDGE_FLOOR=100 titles 'laptop charger zebra')" ''
	is "$(titles notebook)" ''
	printf '# people say\nnotebook laptop portátil\ndoor gate\n' >"$T/words"
	export TICKETCHAT_KNOWLEDGE_SYNONYMS=$T/words
	is "$(titles notebook)" 'a|b|c'
	is "$(titles 'portatil charger')" a
	is "$(titles gates)" d
	for w in 'a b c-d' $'notebook laptop\nlaptop desktop' 'one two!three'; do
		printf '%s\n' "$w" >"$T/words"
		run -102 sessions settings --service
		[[ $output = *'KNOWLEDGE_SYNONYMS='*line* ]]
		is "$(titles laptop)" 'a|b|c'
	done
	TICKETCHAT_KNOWLEDGE_SYNONYMS=$T/none run -102 sessions settings --service
	unset TICKETCHAT_KNOWLEDGE_SYNONYMS
	for v in -1 1,3 .5 1. 101 1.2345 x 01.3; do
		TICKETCHAT_KNOWLEDGE_FLOOR=$v run -102 sessions settings
		[[ $output = *KNOWLEDGE_FLOOR=* ]]
	done
	TICKETCHAT_KNOWLEDGE=11 run -102 sessions settings
	for v in 0 1 0.5 1.25 99.999 100; do
		TICKETCHAT_KNOWLEDGE_FLOOR=$v run -0 sessions settings
	done
}

@test "the notes of a prompt have at most 3,000 bytes together" {
	for i in 1 2 3 4 5; do
		lines "$i" "jam $(printf 'word%s ' $(seq $((i * 200)) $((i * 200 + 120))))"
	done | learn -
	is "$(sql 'SELECT count(*) FROM Passages WHERE length(Text) > 1200')" 0
	TICKETCHAT_KNOWLEDGE=10 TICKETCHAT_KNOWLEDGE_FLOOR=0 sessions similar --json <<<jam >"$T/found"
	[ "$(jq -r .text "$T/found" | wc -c)" -le 3010 ]
	[ "$(wc -l <"$T/found")" -ge 2 ]
}

@test "the floor of a short ticket counts its common words, too" {
	needs_sqlite 'the other store always counts all words'
	lines first 'Something else.' | learn -
	# 7,000 of 24,000 passages have all four words: that is more than is
	# walked through for three, and the fourth is not counted at first.
	sql "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 24000)
	INSERT INTO Passages SELECT i, 1, 'title', 'text', i FROM n;
	INSERT INTO PassageIndex (rowid, title, body, asked) SELECT Id, '',
	CASE WHEN Id <= 7001 THEN 'kestre lantan mosaic nectar' WHEN Id <= 7101 THEN 'nectar'
	ELSE 'pebble quartz' END, '' FROM Passages WHERE Id > 1"
	# Three of four are less than 0.8, with what the fourth is worth.
	run -1 similar <<<'kestrel lantana mosaic nectar'
	is "$output" ''
	run -0 similar <<<'kestrel lantana mosaic'
	export TICKETCHAT_KNOWLEDGE_FLOOR=0.2
	run -0 similar <<<'kestrel lantana mosaic nectar'
}

@test "a note of every word is warned of when it is learnt" {
	learnt - <"$ROOT/tests/knowledge/notes.jsonl"
	is "$stderr" ''
	jq -r .title "$ROOT/tests/knowledge/notes.jsonl" | tr -cs '[:alpha:]' ' ' >"$T/words"
	lines spam "$(<"$T/words")" | run -0 --separate-stderr sessions learn -
	[[ $stderr = *'warning: spam fits '*' other notes'* ]]
	is "$(wc -l <<<"$stderr")" 1
}

# Answers to ticket 42 and 43, of which a person wrote the one and rated the other.
good_answers() {
	printf 'Troque a lampada.' >"$T/kept/1"
	printf 'Chame o eletricista.' >"$T/kept/2"
	replay "$UP/good.ndjson"
	ask 42 '{"ticketBody":"o projetor pisca azul"}'
	ask 43 '{"ticketBody":"a catraca nao abre"}'
	ask 44 '{"ticketBody":"cafeteira fria"}'
	printf 'Troque a lampada.' | sessions write 42 >/dev/null
	ask 43 '{"type":"rate","good":true}'
	ask 44 '{"type":"rate","good":false,"reason":"wrong"}'
}

@test "--answers: what people wrote or rated good is learnt, until that changes" {
	export TICKETCHAT_WRITE=on
	good_answers
	lines note 'Something else entirely.' | learn -
	learnt --answers
	is "$output" '2 new, 0 changed, 0 unchanged, 0 removed; 2 passages read'
	is "$(titles 'projetor azul')" 'Ticket 42'
	is "$(titles catraca)" 'Ticket 43'
	is "$(titles cafeteira)" ''
	learnt --answers
	is "$output" '0 new, 0 changed, 2 unchanged, 0 removed; 0 passages read'
	ask 43 '{"type":"rate","good":false}'
	learnt --answers
	is "$output" '0 new, 0 changed, 1 unchanged, 1 removed; 0 passages read'
	is "$(titles catraca)" ''
	# A new version replaces the old one.
	printf 'Chame o eletricista.' | sessions write 42 >/dev/null
	learnt --answers
	is "$output" '0 new, 1 changed, 0 unchanged, 0 removed; 1 passages read'
	is "$(printf projetor | sessions similar --json | jq -r .text)" 'Chame o eletricista.'
}

@test "--answers: a note that is named as an answer stays, and the newest good answer counts" {
	export TICKETCHAT_WRITE=on
	good_answers
	lines 'Ticket 42' 'The team wrote this about projectors.' | learn -
	before=$(sessions knowledge --json)
	run -0 --separate-stderr sessions learn --answers
	[[ $stderr = *'warning: 1 answers were not learnt'* ]]
	is "$output" '1 new, 0 changed, 0 unchanged, 0 removed; 1 passages read'
	is "$(sessions knowledge --json | grep 'Ticket 42')" "$before"
	lines 'Ticket 42' 'The team wrote this, too.' | run -0 sessions learn - --answers
	is "$(sql "SELECT Source FROM Documents WHERE Name = 'Ticket 42'")" -
	run -0 sessions knowledge --delete 'Ticket 42'
	# A newer answer that nobody finds good replaces none.
	ask 43 '{"ticketBody":"a catraca nao abre","refresh":true}'
	learnt --answers
	is "$(titles catraca)" 'Ticket 43'
	is "$(sql "SELECT SessionId FROM Documents WHERE Name = 'Ticket 43'")" 2
	is "$(titles projetor)" 'Ticket 42'
}

@test "--answers: no citation of a learnt answer stands in another prompt" {
	export TICKETCHAT_WRITE=on
	good_answers
	printf 'Troque a lampada [1], nao `[2]` [3](https://a.example).' >"$T/kept/w"
	sessions write 42 <"$T/kept/w" >/dev/null
	learn --answers
	is "$(printf projetor | sessions similar --json | jq -r .text)" 'Troque a lampada, nao `[2]` [3](https://a.example).'
}

@test "a ticket that is forgotten while its answer is given elsewhere leaves nothing there" {
	good_answers
	for w in um dois tres quatro cinco seis; do lines $w "texto $w"; done | learn -
	learn --answers
	end $REPLAY
	long 20
	replay_part "$T/long.ndjson"
	viewer 60 '{"ticketBody":"a catraca nao abre mesmo"}'
	sees $V w1
	sessions forget --ticket 43 --verify
	replay_rest
	viewed $V
	is "$(types)" 'stream done'
	grep -q 'Chame\|Ticket 43' "$T"/bodies/*.json
	is "$(sql 'SELECT count(*) FROM TicketAISources')" 0
	# What another program left is counted, and swept.
	sql "INSERT INTO TicketAISources VALUES (1, 1, NULL, 'Ticket 44', 'x', '', 44, 'x', $([ "$STORE" = postgres ] && echo true || echo 1))"
	sql "INSERT INTO TicketAISources VALUES (1, 2, NULL, 'Ticket 43', 'x', '', 43, 'x', $([ "$STORE" = postgres ] && echo true || echo 1))"
	run -0 sessions knowledge --sweep
	is "$(sql 'SELECT N FROM TicketAISources')" 1
}

@test "a sweep that cannot repair something ends" {
	needs_sqlite 'a trigger keeps the row'
	learn "$T/notes"
	sqlite3 "$TICKETCHAT_DATABASE" "CREATE TRIGGER keep BEFORE DELETE ON Passages BEGIN SELECT RAISE(IGNORE); END;
	    DELETE FROM Documents WHERE Name = 'notes/vpn.html'"
	run -0 timeout 120 "$B/bin/sessions" knowledge --sweep
	is "$(sql 'SELECT count(*) FROM Passages')" 5
}

@test "a deleted or forgotten ticket is found no more, and leaves no word" {
	export TICKETCHAT_WRITE=on
	good_answers
	lines note 'Something else entirely.' | learn -
	learn --answers
	# Deleted behind our back: not found at once, swept at night.
	sql 'DELETE FROM TicketAISessions WHERE TicketId = 43' >/dev/null
	is "$(titles catraca)" ''
	is "$(sql "SELECT count(*) FROM Documents WHERE Name = 'Ticket 43'")" 0 || \
	    is "$(sql "SELECT count(*) FROM Documents WHERE Name = 'Ticket 43'")" 1
	run -0 sessions knowledge --sweep
	is "$(sql "SELECT count(*) FROM Documents WHERE Name = 'Ticket 43'")" 0
	run -0 sessions forget --ticket 42 --verify
	is "$(titles 'projetor azul')" ''
	is "$(sessions knowledge --json | jq -r .name)" note
	not grep -qa 'projet' <<<"$(all_that_is_kept | tr -d '\0')"
	run -0 sessions check --full
}

@test "the words of a ticket find the note that its good answer cited, until it is forgotten" {
	replay "$UP/good.ndjson"
	lines note 'Reset the panel by its red button.' more 'Another thing.' | learn -
	ask 42 '{"ticketBody":"geringonca travada"}'
	id=$(sql "SELECT p.Id FROM Passages p JOIN Documents d ON d.Id = p.DocumentId WHERE d.Name = 'note'")
	sql "INSERT INTO TicketAISources VALUES (1, 1, $id, 'note', 'note', '', NULL, 'x', $([ "$STORE" = postgres ] && echo true || echo 1))"
	is "$(titles geringonca)" ''
	ask 42 '{"type":"rate","good":true}'
	learn --answers
	[[ $(titles geringonca) = *note* ]]
	# Found bad, it lends nothing; found good again, it does.
	ask 42 '{"type":"rate","good":false}'
	learn --answers
	is "$(titles geringonca)" ''
	is "$(sql 'SELECT count(*) FROM Asked')" 0
	ask 42 '{"type":"rate","good":true}'
	learn --answers
	[[ $(titles geringonca) = *note* ]]
	sessions forget --ticket 42
	is "$(titles geringonca)" ''
	is "$(sql 'SELECT count(*) FROM Asked')" 0
	not grep -qa 'gering' <<<"$(all_that_is_kept | tr -d '\0')"
	run -0 sessions check --full
}

@test "what a user's good rating taught goes with the user, and nothing else" {
	replay "$UP/good.ndjson"
	touch "$TICKETCHAT_LOG"
	(umask 077 && printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/key.secret
	as() { ask "$2" "${3%\}},\"token\":\"$(sessions token --user "$1" "$T/key.secret")\"}"; }
	lines note 'Reset the panel by its red button.' more 'Another thing.' | learn -
	as eva 42 '{"ticketBody":"geringonca travada"}'
	as eva 43 '{"ticketBody":"catraca quebrada"}'
	as eva 44 '{"ticketBody":"cafeteira fria"}'
	printf 'Chame a copa.' >"$T/kept/1"
	sessions write 44 <"$T/kept/1" >/dev/null
	id=$(sql "SELECT p.Id FROM Passages p JOIN Documents d ON d.Id = p.DocumentId WHERE d.Name = 'note'")
	t=$([ "$STORE" = postgres ] && echo true || echo 1)
	for n in 1 2 4; do
		sql "INSERT INTO TicketAISources VALUES ($n, 1, $id, 'note', 'note', '', NULL, 'x', $t)"
	done
	for n in 42 43 44; do as ana $n '{"type":"rate","good":true}'; done
	# What others find good, too, or a person wrote, stays.
	as bob 43 '{"type":"rate","good":true}'
	learn --answers
	is "$(sql 'SELECT count(*) FROM Asked')" 3
	[[ $(titles geringonca) = *note* ]]
	# Of somebody else nothing was learnt.
	run -0 sessions forget --user dan --verify
	is "$(sql 'SELECT count(*) FROM Asked')" 3
	run -0 sessions forget --user ana --verify
	is "$(titles geringonca)" ''
	[[ $(titles catraca) = *note* ]]
	[[ $(titles cafeteira) = *note* ]]
	is "$(sessions knowledge --json | jq -r .name | paste -sd '|')" 'Ticket 43|Ticket 44|more|note'
	# The ticket itself is there, its folded words are not.
	not grep -qa 'gering ' <<<"$(all_that_is_kept | tr '\0' ' ')"
	is "$(sql "SELECT count(*) FROM TicketAISessions WHERE Prompt LIKE 'gering%'")" 1
	run -0 sessions check --full
	run -0 sessions forget --user bob
	is "$(titles catraca)" ''
	is "$(sql 'SELECT count(*) FROM Asked')" 1
}

@test "forget --user that is killed where it writes leaves nothing learnt after the next" {
	needs_sqlite 'its file'
	needs_strace
	replay "$UP/good.ndjson"
	touch "$TICKETCHAT_LOG"
	ask 42 '{"ticketBody":"geringonca travada"}'
	local i
	for i in 1 2 3 4 5; do
		lines note "Reset the panel $i." | learn -
		ask 42 '{"type":"rate","good":true}'
		learn --answers
		is "$(titles geringonca)" 'Ticket 42'
		strace -o /dev/null -e inject=fdatasync:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" forget --user shell >/dev/null 2>&1 || true
		run -0 sessions forget --user shell --verify
		is "$(titles geringonca)" ''
		not grep -qa 'gering ' <<<"$(all_that_is_kept | tr '\0' ' ')"
	done
}

@test "check finds an index that does not match its notes, and makes it anew" {
	learn "$T/notes"
	if [ "$STORE" = postgres ]; then
		sql 'UPDATE PassageWords SET Docs = Docs + 1' >/dev/null
	else
		sqlite3 "$TICKETCHAT_DATABASE" 'UPDATE PassageIndex_content SET c1 = '"'zebra'"' WHERE id = 1'
	fi
	run -1 sessions check --full
	[[ $output = *'is made anew'* ]]
	run -0 sessions check --full
	# A note without its words, as after a crash of another program.
	sql "DELETE FROM Documents WHERE Name = 'notes/vpn.html'" >/dev/null
	run -1 sessions check
	[[ $output = *'Passages: row '*' has no Documents'* ]]
	run -0 sessions knowledge --sweep
	run -0 sessions check --full
	is "$(sql 'SELECT count(*) FROM Passages')" 4
}

@test "another version of folding: the next learn indexes all notes anew" {
	learn "$T/notes"
	sql 'UPDATE PassageFold SET Version = 999' >/dev/null
	if [ "$STORE" = postgres ]; then
		sql "UPDATE PassageIndex SET Body = 'x', Terms = 'x'" >/dev/null
	else
		sqlite3 "$TICKETCHAT_DATABASE" "UPDATE PassageIndex SET body = 'x'"
	fi
	is "$(titles 'rear cover')" ''
	: | learn -
	is "$(titles 'rear cover')" 'Printers: Paper jam'
	run -0 sessions check --full
}

@test "a learn that is killed leaves whole notes, and the next one completes it" {
	many 1500 >"$T/many"
	sessions learn - <"$T/many" >/dev/null 3>&- &
	track $!
	some() { [ "$(sql 'SELECT count(*) FROM Passages' 2>/dev/null || echo 0)" -ge 100 ]; }
	within 60 some || true
	kill -9 $! 2>/dev/null || true
	wait $! || true
	run -0 sessions check --full
	is "$(sql 'SELECT count(*) FROM Documents WHERE Id NOT IN (SELECT DocumentId FROM Passages)')" 0
	learn - <"$T/many"
	is "$(sql 'SELECT count(*) FROM Documents')" 1500
	is "$(sql 'SELECT count(*) FROM Passages')" 1500
	run -0 sessions check --full
}

# A note of $1 passages, about $2.
large() {
	local i
	for i in $(seq "$1"); do printf '## Part %s\n\nzyxw %s %s number%s\n\n' "$i" "$2" "$i" "$i"; done
}

# Each one takes longer than what it asks for.
@test "many notes are learnt with few requests to a server" {
	[ "$STORE" = postgres ] || skip 'of PostgreSQL: requests'
	needs_strace
	many 400 >"$T/lines"
	trips() {
		strace -o "$T/trace" -s 2000 -e trace=sendto "$B/libexec/sessions-postgres" \
		    -c "$T/conf" learn - <"$T/lines" >"$T/out"
		grep -c 'FROM json_\|INSERT INTO\|WHERE Name =' "$T/trace"
	}
	[ "$(trips)" -le 60 ]	# each note had four of its own
	grep -q '^400 new' "$T/out"
	run -0 sessions check --full
	[ "$(trips)" -le 30 ]
	grep -q '400 unchanged' "$T/out"
}

@test "a large note is written in several transactions, and found when it is whole" {
	needs_sqlite 'its write lock'
	needs_strace
	mkdir "$T/large"
	large 900 quagga >"$T/large/q.md"
	learn "$T/notes"
	local i parts=0
	for i in 1 2 3 4 5 6 7 8; do
		strace -o /dev/null -e inject=fdatasync:signal=KILL:when=$i \
		    "$B/bin/sessions" -c "$T/conf" learn "$T/large" >/dev/null 2>&1 || true
		run -0 sessions check --full
		[ "$(sql "SELECT count(*) FROM Documents WHERE Name LIKE 'large/%'")" = 0 ] || break
		is "$(titles quagga)" ''
		[ "$(sql 'SELECT count(*) FROM Passages')" -eq 5 ] || parts=$((parts + 1))
	done
	[ $parts -gt 0 ]
	learnt "$T/large"
	[ -n "$(titles 'quagga number77')" ]
	sessions knowledge --sweep
	is "$(sql 'SELECT count(*) FROM Passages')" 905
	# A change leaves nothing behind.
	{ large 4 quagga; large 900 okapi | tail -n +17; } >"$T/large/q.md"
	learnt "$T/large"
	[ -n "$(titles 'okapi number77')" ]
	is "$(sql "SELECT count(*) FROM Passages WHERE Text LIKE '%quagga%'") $(sql 'SELECT count(*) FROM Passages')" '4 905'
	printf '## Part 1\n\nzyxw okapi 1 number1\n' >"$T/large/q.md"
	learnt "$T/large"
	is "$(sql 'SELECT count(*) FROM Passages')" 6
	is "$(sql 'SELECT count(*) FROM PassageIndex_docsize')" 6
	run -0 sessions check --full
	large 900 kudu >"$T/large/q.md"
	learn "$T/large"
	run -0 sessions knowledge --delete large/q.md
	is "$(titles kudu)" ''
	is "$(sql 'SELECT count(*) FROM Passages') $(sql 'SELECT count(*) FROM PassageIndex_docsize')" '5 5'
}

@test "a large note: what has not changed keeps its passage, on both stores" {
	mkdir "$T/large"
	large 450 quagga >"$T/large/q.md"
	learnt "$T/large"
	is "$output" '1 new, 0 changed, 0 unchanged, 0 removed; 450 passages read'
	before=$(sql 'SELECT max(Id) FROM Passages')
	sed -i 's/^zyxw quagga 7 .*/something else/' "$T/large/q.md"
	learnt "$T/large"
	is "$(sql "SELECT count(*) FROM Passages WHERE Id <= $before")" 449
	is "$(sql 'SELECT count(*) FROM Passages')" 450
	is "$(sql 'SELECT count(*) FROM Passages WHERE DocumentId NOT IN (SELECT Id FROM Documents)')" 0
	large 450 okapi >"$T/large/q.md"
	learnt "$T/large"
	is "$(titles quagga)" ''
	is "$(sql 'SELECT count(*) FROM Passages')" 450
	run -0 sessions check --full
}

@test "two folders or files of one name are refused, before anything is learnt" {
	mkdir -p "$T/a/notes/notes" "$T/b/notes" "$T/c"
	printf 'The Ricoh is red.' >"$T/a/notes/p.md"
	printf 'The Canon is blue.' >"$T/b/notes/p.md"
	printf 'The Xerox is green.' >"$T/b/notes/new.md"
	printf 'The Epson is grey.' >"$T/a/notes/notes/deep.md"
	printf 'One.' >"$T/a/x.txt"
	printf 'Two.' >"$T/c/x.txt"
	learnt "$T/a/notes" "$T/a/x.txt"
	refused() {
		run -1 --separate-stderr sessions learn "${@:3}"
		is "$output" ''
		is "$stderr" "sessions: $1 and $2 have one name, ${2##*/}, so that notes of the one would replace notes of the other: rename one of them"
	}
	refused "$T/a/notes" "$T/b/notes" "$T/b/notes"
	refused "$T/a/notes" "$T/b/notes" --prune "$T/other" "$T/b/notes/"
	refused "$T/a/notes" "$T/a/notes/notes" "$T/a/notes/notes"
	refused "$T/a/x.txt" "$T/c/x.txt" "$T/c/x.txt"
	is "$(sessions knowledge --json | jq -r .name | paste -sd '|')" 'notes/notes/deep.md|notes/p.md|x.txt'
	is "$(titles 'the Ricoh') $(titles 'the Canon')" 'p '
	# The same ones again, by other spellings, are not refused.
	ln -s "$T/a/notes" "$T/link"
	(cd "$T/a" && learnt notes ./notes "$T/link" x.txt)
	# Two of one command, of which nothing is known yet.
	mkdir "$T/d" "$T/e"
	cp -r "$T/c" "$T/d/more" && cp -r "$T/c" "$T/e/more"
	refused "$T/d/more" "$T/e/more" "$T/d/more" "$T/e/more"
	is "$(sql "SELECT count(*) FROM Documents WHERE Name LIKE 'more/%'")" 0
	# A folder that was moved takes its notes along, and --prune knows them.
	mv "$T/a/notes" "$T/c/notes"
	rm "$T/c/notes/p.md"
	run -0 --separate-stderr sessions learn --prune "$T/c/notes"
	is "$stderr" "sessions: $T/a/notes is gone: its notes are those of $T/c/notes now"
	is "$output" '0 new, 0 changed, 1 unchanged, 1 removed; 0 passages read'
	is "$(titles 'the Ricoh')" ''
}

@test "two learn at once, and neither loses or doubles a note" {
	many 300 >"$T/many"
	sessions learn - <"$T/many" >"$T/one" 3>&- &
	track $!
	sessions learn - <"$T/many" >"$T/two"
	wait $!
	is "$(sql 'SELECT count(*) FROM Documents')" 300
	is "$(sql 'SELECT count(*) FROM Passages')" 300
	run -0 sessions check --full
}

@test "a copy of the database has the notes, with and without them it can be restored" {
	needs_sqlite 'pg_dump copies all tables'
	sessions backup "$T/without"
	learn "$T/notes"
	sessions backup "$T/with"
	sessions restore "$T/without"
	run -1 similar <<<jam
	run -0 sessions check --full
	sessions restore --force "$T/with"
	is "$(titles jam)" 'Printers: Paper jam'
	run -0 sessions check --full
}

@test "quality: the right note is found as often as was measured" {
	learn - <"$ROOT/tests/knowledge/notes.jsonl"
	/usr/bin/python3 "$ROOT/tests/knowledge/quality.py" notes "$B/bin/sessions" "$T/conf" >"$T/quality" ||
	    { cat "$T/quality" >&2; false; }
	cat "$T/quality" >&3
}

@test "quality: the words of earlier tickets find more notes" {
	needs_sqlite 'the score is the same'
	/usr/bin/python3 "$ROOT/tests/knowledge/quality.py" history "$B/bin/sessions" "$T/conf" >"$T/quality" ||
	    { cat "$T/quality" >&2; false; }
	cat "$T/quality" >&3
}

@test "docs/knowledge.md: each command runs as printed, up to a cited answer" {
	local n i
	printf '%s\n' '{"response":"Open the rear cover [1].","done":false}' '{"response":"","done":true}' >"$T/cites.ndjson"
	replay "$T/cites.ndjson"
	printf 'Open the rear cover [1].' >"$T/kept/cites"
	mkdir "$T/doc" "$T/bin"
	printf '#!/bin/sh\nexec "%s" -c "%s" "$@"\n' "$B/bin/sessions" "$T/conf" >"$T/bin/sessions"
	chmod +x "$T/bin/sessions"
	awk -v to="$T/block" '$0 == "```sh" { n++; inside = 1; next } /^```/ { inside = 0 }
	    inside { print > (to "." n) } END { print n }' "$ROOT/docs/knowledge.md" >"$T/count"
	n=$(<"$T/count")
	is "$n" 7
	cd "$T/doc"
	for i in $(seq "$n"); do
		PATH=$T/bin:$PATH sh -eu "$T/block.$i" >"$T/out.$i" 2>"$T/err.$i" || {
			echo "block $i:" >&2
			cat "$T/out.$i" "$T/err.$i" >&2
			false
		}
	done
	is "$(<"$T/out.1")" '1 new, 0 changed, 0 unchanged, 0 removed; 2 passages read'
	grep -q 'notes/printers.md' "$T/out.2"
	grep -q '^1 .*Printers: Paper jam on the second floor' "$T/out.2"
	grep -q 'Open the rear cover \[1\]' "$T/out.3"
	grep -q 'wiki.example/printers' "$T/out.3"
	grep -q '^cited: 1' "$T/out.3"
	is "$(sql 'SELECT count(*) FROM TicketAISources')" 1
}
