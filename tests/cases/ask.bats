# `sessions ask': a question from a shell of the server.  The words go to the
# terminal as they come; all else is chat's.
load helper

# Runs it; what it prints is in $T/out and $T/err.
ask_shell() { status=0; sessions ask "$@" >"$T/out" 2>"$T/err" || status=$?; }
printed() { is "$status$(<"$T/err")" "${2:-0}"; is "$(<"$T/out")" "$1"; }

# One that has printed the beginning, in the background; sets p, its pid.
asks_midway() {
	long 25
	replay_part "$T/long.ndjson"
	sessions ask 42 'printer jam' >"$T/out" 2>"$T/err" &
	track $!
	p=$!
	within 10 grep -q w8 "$T/out"
}

@test "the answer is printed and saved, and then printed from the database" {
	replay "$UP/good.ndjson"
	ask_shell 42 'printer jam'
	printed "${GOOD%$'\n'}"
	ask_shell 42 'printer jam'
	printed "${GOOD%$'\n'}"
	is "$(posts)" 1
	# The viewers' page finds it, too.
	ask 42 "$Q"
	kept
	ask_shell --refresh 42 'printer jam'
	printed "${GOOD%$'\n'}"
	is "$(posts)" 2
}

@test "the text comes from standard input; one line end at the end, always" {
	replay "$UP/good.ndjson"
	printf 'printer\njam\n' | ask_shell 42 -
	is "$(sessions show --json 42 | jq -r .prompt)" $'printer\njam'
	is "$(wc -l <"$T/out") $(tail -c 1 "$T/out" | od -An -tx1)" "1  0a"
	sql "INSERT INTO Tickets (Id) VALUES (43)" "INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, Author)
	    VALUES (43, 'a', 'no line end', 'ana')"
	printf 'no line end' >"$T/kept/ana"
	ask_shell 43 a
	is "$(od -c "$T/out" | sed -n '1s/.* \(d *\\n\)$/\1/p')" 'd  \n'
}

@test "--json prints the frames as they are" {
	replay "$UP/good.ndjson"
	ask_shell --json 42 'printer jam'
	is "$status$(<"$T/err")" 0
	is "$(types "$(<"$T/out")")" "stream done"
	ask_shell --json 42 'printer jam'
	is "$(types "$(<"$T/out")")" "cached done"
}

@test "words appear while the model writes" {
	asks_midway
	not grep -q w25 "$T/out"
	replay_rest
	within 10 dead $p
	is "$(<"$T/out")" "${LONG%$'\n'}"
}

@test "whoever leaves ends nothing: the answer is saved" {
	asks_midway
	kill -KILL $p
	within 10 dead $p
	replay_rest
	within 10 eval '[ -n "$(sessions show --json 42 | jq -r .response)" ]'
	within 10 eval '[ "$(sessions show --json 42 | jq -r .response)" = "${LONG%$'"'\n'"'}" ]'
}

@test "another text of the ticket: the answer, and a word about it" {
	replay "$UP/good.ndjson"
	ask_shell 42 'printer jam'
	ask_shell 42 'printer on fire'
	is "$status" 0
	is "$(<"$T/out")" "${GOOD%$'\n'}"
	is "$(<"$T/err")" "sessions: this answers a different text of the ticket; --refresh asks for a new answer"
}

@test "what fails is said in a line, with chat's exit code" {
	TICKETCHAT_FIRST_TOKEN_TIMEOUT=2 OLLAMA_SERVER=http://127.0.0.1:9/api/generate ask_shell 42 'printer jam'
	is "$status $(wc -l <"$T/err") $(wc -c <"$T/out")" "2 1 0"
	[[ $(<"$T/err") = sessions:\ * ]]
	for text in '' ' ' $'\n\n' $'\xff' $'\xc3'; do
		ask_shell 42 "$text"
		is "$status $(wc -l <"$T/err")" "1 1"
	done
	TICKETCHAT_MAX_TICKET_BYTES=10 ask_shell 42 12345678901
	is "$status $(<"$T/err")" "1 sessions: the ticket's text is longer than MAX_TICKET_BYTES (10)"
	printf 'a\0b' | ask_shell 42 -
	is "$status" 1
	for t in 0 -1 x 1x '' 9223372036854775808; do
		ask_shell "$t" a
		is "$t: $status" "$t: 100"
	done
	ask_shell 42
	is "$status" 100
	ask_shell 42 a b
	is "$status" 100
	TICKETCHAT_TICKETS=existing ask_shell 77 a
	is "$status" 1
}

@test "what fails is told by its code and its words, and why chat failed" {
	local code
	# Each row: the exit code, the code, and settings.
	while read -r code name ticket settings; do
		env $settings "$B/bin/sessions" -c "$T/conf" ask $ticket 'printer jam' >"$T/out" 2>"$T/err" &&
		    status=0 || status=$?
		is "$name $status $(wc -c <"$T/out")" "$name $code 0"
		grep -q "^sessions: $name: [A-Z].*\.\$" "$T/err"
	done <<-END
	2 upstream_unreachable 42 OLLAMA_SERVER=http://127.0.0.1:9
	2 upstream_unreachable 43 OLLAMA_SERVER=http://127.0.0.1:9/v1
	1 unknown_ticket 77 TICKETCHAT_TICKETS=existing
	111 storage 42 TICKETCHAT_DATABASE=$T/none
	END
	# The log says what viewers are not told.
	TICKETCHAT_DATABASE=$T/none ask_shell 42 'printer jam'
	is "$status" 111
	grep -q 'level=error .*error=.*none' "$T/err"
	not grep -q level=info "$T/err"
	TICKETCHAT_DATABASE=$T/none ask_shell --json 42 'printer jam'
	is "$status $(jq -r .code "$T/out")" '111 storage'
	grep -q 'level=error .*error=.*none' "$T/err"
	replay "$UP/good.ndjson"
	ask_shell 42 'printer jam'
	printed "${GOOD%$'\n'}"
}

@test "AUTH=required: no token is needed at the server's own shell" {
	(umask 077 && printf '%032d\n' 7 >"$T/key")
	replay "$UP/good.ndjson"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=hs256:$T/key
	ask_shell 42 'printer jam'
	printed "${GOOD%$'\n'}"
	ask 42 "$Q"
	failed_with unauthorized 1
}

@test "what the model writes controls no terminal" {
	sql "INSERT INTO Tickets (Id) VALUES (43)" "INSERT INTO TicketAISessions (TicketId, Prompt, AiResponse, Author)
	    VALUES (43, 'a', 'a' || char(27) || '[2Jb' || char(155) || '31mc' || char(13, 9) || 'd' || char(10) || 'e', 'ana')"
	printf %s "$(sql 'SELECT AiResponse FROM TicketAISessions')" >"$T/kept/ana"
	ask_shell 43 a
	is "$status" 0
	not grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$T/out"
	is "$(tail -n 1 "$T/out")" e
}
