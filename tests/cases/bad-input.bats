# Messages that are refused, each with one error, and the next one is fine.
load helper

# Collects a message: what it must get, and itself as printf's %b has it.
message() {
	printf '%b\n' "$2" >>"$T/messages"
	echo "$1" >>"$T/wanted"
}

# Sends them all on one connection, a ping behind each.
refused() {
	local n
	n=$(wc -l <"$T/wanted")
	sed 'a {"type":"ping"}' "$T/messages" | pipe 42 "$n"
	diff <(code) "$T/wanted"
	is "$(grep -c pong <<<"$frames")" "$n"
	is "$status" 1
}

# bats test_tags=fault,fault:23
@test "what jsmn lets through" {
	for m in '{"ticketBody":"a" "x":1}' '{"ticketBody" "a"}' \
	    '{"ticketBody":"a",,"x":1}' '{"ticketBody":"a",}' \
	    '{,"ticketBody":"a"}' '{"ticketBody":"a"}{"ticketBody":"b"}' \
	    '{"ticketBody":"a"} {"ticketBody":"b"}' '{"ticketBody":"a"} x' \
	    '{"ticketBody":"a"},' '{"ticketBody":"a","x":01}' \
	    '{"ticketBody":"a","x":-01}' '{"ticketBody":"a","x":1e}' \
	    '{"ticketBody":"a","x":1e+}' '{"ticketBody":"a","x":1.}' \
	    '{"ticketBody":"a","x":.5}' '{"ticketBody":"a","x":+1}' \
	    '{"ticketBody":"a","x":-}' '{"ticketBody":"a","x":0x1}' \
	    '{"ticketBody":"a","x":1 2}' '{"ticketBody":"a","x":tru}' \
	    '{"ticketBody":"a","x":truee}' '{"ticketBody":"a","x":True}' \
	    '{"ticketBody":"a","x":nan}' '{"ticketBody":"a","x":NaN}' \
	    '{"ticketBody":"a","x":Infinity}' '{"ticketBody":"a","x":nul}' \
	    '{"ticketBody":"a","x":}' '{"ticketBody":"a","x"}' '{"x":}' \
	    '{"ticketBody":}' '{ticketBody:"a"}' '{"ticketBody":a}' \
	    "{'ticketBody':'a'}" '{"ticketBody":"a",1:2}' \
	    '{"ticketBody":"a",null:2}' '{"ticketBody":"a","x":"b":"c"}' \
	    '{"ticketBody":"a","x":[1 2]}' '{"ticketBody":"a","x":[1,]}' \
	    '{"ticketBody":"a","x":[,1]}' '{"ticketBody":"a","x":[1}]' \
	    '{"ticketBody":"a","x":{]}' '{"ticketBody":"a","x":[1:2]}' \
	    '{"ticketBody":"a"/*b*/}' '{"ticketBody":"a"}//b' '{"ticketBody"}' \
	    '{{}}' '{[]}' '{"ticketBody":"a"}]' ']' '}' ',' ':' 'x' \
	    'ticketBody' '"' "'" '\\' '{"ticketBody":"\\x"}' \
	    '{"ticketBody":"\\u12"}' '{"ticketBody":"\\u12g4"}' \
	    '{"ticketBody":"\\u-123"}' '{"ticketBody":"\\U0041"}' \
	    '{"ticketBody":"\\'\''"}' '{"ticketBody":"\\0"}' \
	    '{"ticketBody":"a","x":"\\q"}' '{"ticketBody":"a","\\q":1}' \
	    '\xef\xbb\xbf\xef\xbb\xbf{"ticketBody":"a"}' \
	    '\xef\xbb{"ticketBody":"a"}' '\xfe\xff{"ticketBody":"a"}'; do
		message bad_json "$m"
	done
	refused
}

# bats test_tags=fault,fault:22
@test "JSON that is no object" {
	for m in '[]' '[{"ticketBody":"a"}]' '"ticketBody"' 1 -1.5e9 null true \
	    false '""' '[[]]'; do
		message bad_json "$m"
	done
	refused
}

# bats test_tags=fault,fault:24
@test "surrogates, control bytes, bytes that are no UTF-8" {
	for s in '\\ud800' '\\udbff' '\\udc00' '\\udfff' '\\ud83d' \
	    '\\ude00\\ud83d' '\\ud83d\\ud83d' '\\ud83d\\u0041' \
	    '\\ud83dx' '\\ud83d\\\\ude00'; do
		message bad_json "{\"ticketBody\":\"$s\"}"
	done
	for s in '\0' '\x01' '\x09' '\x0b' '\x1b(B' '\x1f' '\x80' '\xff' \
	    '\xc3' '\xc3(' '\xc0\xaf' '\xc1\xbf' '\xe0\x80\xaf' '\xed\xa0\x80' \
	    '\xed\xbf\xbf' '\xe2\x82' '\xf0\x80\x80\x80' '\xf4\x90\x80\x80' \
	    '\xf5\x80\x80\x80' '\xf0\x9f\x98' '\xfe' '\xf8\x88\x80\x80\x80'; do
		message bad_json "{\"ticketBody\":\"a${s}b\"}"
		message bad_json "{\"ticketBody\":\"a\",\"x\":\"$s\"}"
		message bad_json "{\"ticketBody\":\"a\",\"$s\":1}"
		message bad_json "{\"ticketBody\":\"a\"$s}"
	done
	# White space by JSON, and only outside of strings.
	sed -i '/^{"ticketBody":"a"\t}$/d' "$T/messages"
	sed -i '$d' "$T/wanted"
	refused
}

# bats test_tags=fault,fault:22,fault:24
@test "fields of the wrong type, repeated, blank or missing" {
	for f in ticketBody refresh status token lang version type; do
		body='"ticketBody":"a",'
		[ $f != ticketBody ] || body=
		for v in null 1 true '"x"' '{}' '[]' '["a"]' '{"a":1}'; do
			case $f$v in
			[!t]*null | t[!i]*null) continue ;;	# is absent
			refreshtrue | statustrue | version1) continue ;;
			ticketBody\"* | token\"* | lang\"*) continue ;;
			esac
			message "bad_request $f" "{$body\"$f\":$v}"
		done
	done
	message 'bad_request ticketBody' '{"ticketBody":"a","ticketBody":"a"}'
	message 'bad_request ticketBody' \
	    '{"ticketBody":"a","ticket\\u0042ody":"b"}'
	message 'bad_request refresh' \
	    '{"ticketBody":"a","refresh":true,"refresh":true}'
	message 'bad_request lang' '{"lang":"en","ticketBody":"a","lang":"en"}'
	message 'bad_request type' '{"type":"ping","type":"ping"}'
	message 'bad_request type' '{"type":"ask","ticketBody":"a"}'
	message 'bad_request type' '{"type":"","ticketBody":"a"}'
	message 'bad_request type' '{"type":"PING"}'
	message 'bad_request type' '{"type":"stop "}'
	message 'bad_request ticketBody' '{"type":"stop","ticketBody":1}'
	message 'bad_request status' '{"type":"ping","status":0}'
	for m in '{}' '{"x":1}' '{"ticketbody":"a"}' '{"TicketBody":"a"}' \
	    '{" ticketBody":"a"}' '{"ticketBody\\u0000":"a"}' \
	    '{"ticketBody":""}' '{"ticketBody":" \\t\\n\\r"}' \
	    '{"ticketBody":"\\u00a0\\u2003\\u3000\\u200b\\ufeff"}' \
	    '{"ticketBody":"\\u0000"}' '{"ticketBody":"a\\u0000b"}' \
	    '{"x":{"ticketBody":"a"}}'; do
		message 'bad_request ticketBody' "$m"
	done
	# `code' is the field too, here.
	code() { jq -r 'select(.type == "error") | "\(.code) \(.detail)"' \
		<<<"$frames"; }
	refused
}

@test "what is odd and good" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 42 '{"ticketBody":"printer jam","x":"\ud800"}' \
	    '{"ticketBody":"printer jam","x":-0.0e-0,"y":[1E+9,{}],"":""}' \
	    '{"ticketBody":"printer jam","lang":""}' \
	    '{"ticketBody":"printer jam","lang":"\u0000"}' \
	    '{"ticketBody":"printer jam","token":""}' \
	    '{"ticketBody":"printer jam","token":"not looked at"}' \
	    '{"ticketBody":"printer jam","ticketBody\u0000":1}'
	is "$status $(grep -c cached <<<"$frames")" '0 7'
}

@test "brackets that stay open: one error at the end" {
	for m in '{' '[' '{"ticketBody":"a"' '{"ticketBody":["a"' \
	    '{"ticketBody":"a",\n\n"x":{"ticketBody":"b"}\n'; do
		printf "$m" | pipe 42 1
		failed_with bad_json 1
	done
}

@test "a message without its end: an error, and the next one is answered" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for m in '{"ticketBody":"lost"' '{"ticketBody":"lost","x":[1' \
	    '{"ticketBody":"lost",' '{"ticketBody":' '{' '{"x":{"y":2}' \
	    '{\n\t"ticketBody": "lost"\n' '[{"ticketBody":"lost"}'; do
		printf "$m\n%s\n" "$Q" | pipe 42 2
		is "$(types) $(code)" 'error cached done bad_json'
		# The same at once, and in pieces, where input goes on.
		tab 42
		say $V "$(printf "$m")"
		say $V "$Q"
		say $V '{"type":"ping"}'
		sees $V '"done"'
		leave $V
		is "$(types "$(so_far $V | grep -v pong)")" 'error cached done'
	done
	is "$(posts)" 1
}

@test "what is wrong with a text is told, in both languages" {
	local m
	for m in '\u0000' 'a\u0000b' ' \u0000'; do
		ask 42 "{\"ticketBody\":\"$m\",\"lang\":\"en\"}"
		failed_with bad_request 1
		jq -r .message <<<"$frames" | grep -q 'invalid character (U+0000)'
		ask 42 "{\"ticketBody\":\"$m\",\"lang\":\"pt\"}"
		jq -r .message <<<"$frames" | grep -q 'caractere inválido (U+0000)'
	done
	for m in '\ud800' 'x\udfff' '\ude00\ud83d' '\ud83d\ud83d\ude00'; do
		ask 42 "{\"ticketBody\":\"$m\",\"lang\":\"en\"}"
		failed_with bad_json 1
		jq -r .message <<<"$frames" | grep -q 'half of an emoji'
		ask 42 "{\"ticketBody\":\"$m\",\"lang\":\"pt\"}"
		jq -r .message <<<"$frames" | grep -q 'metade de um emoji'
	done
	m=$(seq -s , 1100)
	ask 42 "{\"ticketBody\":\"a\",\"x\":[$m]}"
	failed_with bad_json 1
	jq -r .message <<<"$frames" | grep -q 'mais de 1024 valores'
	# Any other one has its usual words.
	ask 42 '{"ticketBody":"a",}' '{"ticketBody":""}'
	not grep -qE 'U\+0000|1024|emoji' <<<"$frames"
}

# message_says WORDS MESSAGE [LANGUAGE]: the words for people.
message_says() {
	ask 42 "${2%\}},\"lang\":\"${3:-en}\"}"
	failed_with bad_request 1
	is "$(jq -r .message <<<"$frames")" "$1"
}

@test "the words say which fault a field has: missing, blank, repeated, type, value" {
	message_says 'The field "ticketBody" is missing.' '{"status":true}'
	message_says 'The field "ticketBody" is missing.' '{"ticketBody":null}'
	message_says 'The field "ticketBody" is blank.' '{"ticketBody":" \n\u00a0"}'
	message_says 'O campo "ticketBody" está vazio.' '{"ticketBody":""}' pt-BR
	message_says 'The field "ticketBody" appears more than once.' '{"ticketBody":"a","ticketBody":"a"}'
	message_says 'O campo "refresh" aparece mais de uma vez.' \
	    '{"ticketBody":"a","refresh":true,"refresh":false}' pt-BR
	message_says 'The field "status" has a value of the wrong type.' '{"ticketBody":"a","status":1}'
	message_says 'El campo "ticketBody" tiene un valor de tipo incorrecto.' '{"ticketBody":[]}' es
	message_says 'The field "type" has a value that is not accepted.' '{"type":"ask"}'
	message_says 'O campo "type" tem um valor que não é aceito.' '{"type":""}' pt-BR
	message_says 'This ticket has no answer with that number.' '{"ticketBody":"a","version":7}'
	message_says 'Este chamado não tem uma resposta com esse número.' '{"ticketBody":"a","version":0}' pt-BR
}

@test "null is a field that is not there" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	while IFS= read -r m; do
		ask 42 "$m"
		is "$(types)" 'cached done'
	done <"$BATS_TEST_DIRNAME/nulls.messages"
	ask 42 '{"type":null,"ticketBody":"printer jam","lang":null}'
	kept
	ask 42 '{"ticketBody":null}'
	failed_with bad_request 1
}

@test "a line end within a string: an error, and the rest is a new message" {
	replay "$UP/good.ndjson"
	printf '{"ticketBody":"a\nb"}\n%s\n' "$Q" | pipe 42 3
	is "$(types)" 'error error stream done'
	is "$(code | paste -sd ' ')" 'bad_json bad_json'
}

# brackets N: N opening ones.
brackets() { head -c "$1" /dev/zero | tr '\0' '['; }

@test "brackets 64 deep are read, one more is refused" {
	replay "$UP/good.ndjson"
	close() { tr '[' ']'; }
	{ printf '{"ticketBody":"printer jam","x":'
	  brackets 63; brackets 63 | close; echo '}'; } | pipe 42 1
	generated
	for n in 64 1000 100000; do
		{ printf '{"ticketBody":"a","x":'
		  brackets $n; brackets $n | close; printf '}\n%s\n' "$Q"; } |
		    pipe 42 2
		is "$(types) $(code)" 'error cached done bad_json'
		# Not closed at all.
		{ brackets $((n + 1)); printf '\n%s\n' "$Q"; } | pipe 42 2
		is "$(types) $(code)" 'error cached done bad_json'
	done
	# Within a string they are text.
	{ printf '{"ticketBody":"'; brackets 60000; echo '"}'; } | pipe 42 1
	kept
}

# bats test_tags=fault,fault:25
@test "a text of the limit is good, one over it is too_large" {
	replay "$UP/good.ndjson"
	x=$(head -c 65536 /dev/zero | tr '\0' x)
	ask 42 "{\"ticketBody\":\"$x\"}"
	generated
	e=$(printf '\\u00e1%.0s' {1..32768})
	printf '%s\n' "{\"ticketBody\":\"${x}x\"}" "{\"ticketBody\":\"$e\"}" \
	    "{\"ticketBody\":\"${e}x\"}" "{\"ticketBody\":\"x$e\"}" "$Q" |
	    pipe 42 5
	is "$(types)" 'error cached done error error cached done'
	is "$(code | sort | uniq -c | tr -s ' ')" ' 3 too_large'
	is "$(jq -r 'select(.detail).detail' <<<"$frames" | sort -u)" 65536
	is "$status" 1
}

# bats test_tags=fault,fault:25
@test "a message of the limit is good, one over it is too_large" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_MAX_TICKET_BYTES=10000	# 6 * 10000 + 32768 bytes of JSON
	padded() { printf '{"ticketBody":"printer jam",%*s"x":1}\n' \
		$(($1 - 34)) ''; }
	is "$(padded 100 | wc -c)" 101
	padded 92768 | pipe 42 1
	generated
	{ padded 92769; echo "$Q"; } | pipe 42 2
	is "$(types) $(code)" 'error cached done too_large'
	# However it is cut, and whatever it is.
	{ padded 100000 | tr , '\n'; echo "$Q"; } | pipe 42 2
	is "$(types) $(code)" 'error cached done too_large'
	{ head -c 10000000 /dev/zero; printf '\n%s\n' "$Q"; } | pipe 42 2
	is "$(types) $(code)" 'error cached done too_large'
	{ head -c 1000000 /dev/zero | tr '\0' '"'; printf '\n%s\n' "$Q"; } |
	    pipe 42 2
	is "$(types) $(code)" 'error cached done too_large'
}

# bats test_tags=fault,fault:25
@test "fifty megabytes cost no memory" {
	sanitized && skip "memory is a sanitizer's"
	flood() { head -c ${2:-10000000} /dev/zero | tr '\0' "$1"; echo; }
	most() {	# COUNT OF ENDS [WHERE THEY GO]
		PATH_INFO=/42 /usr/bin/time -f %M -o "$T/kb" "$B/bin/chat" \
		    -c "$T/conf" >"${2:-$T/frames.0}" 2>/dev/null || true
		check "$T/frames.0" "$1"
		# Some 5 MB are what the libraries take.
		[ "$(tail -n 1 "$T/kb")" -lt 9000 ] || is "$(<"$T/kb")" less
	}
	flood x 50000000 | most 1
	{ printf '{"ticketBody":"'; flood x; } | most 1
	flood '[' | most 1
	flood ' ' | most 1
	flood '\n' | most 0
	# Much is said to somebody who does not listen.
	mkfifo "$T/deaf"
	exec 7<>"$T/deaf"
	: >"$T/frames.0"
	yes '{"type":"ping"}' | head -n 300000 |
	    GATEWAY_INTERFACE=x most 0 "$T/deaf"
	yes '{"x":1}' | head -n 100000 | GATEWAY_INTERFACE=x most 0 "$T/deaf"
	exec 7>&-
	# And no disk: each is ten bytes, and would be a hundred in the log.
	[ "$(wc -c <"$TICKETCHAT_LOG")" -lt 1000000 ]
}

# bats test_tags=fault,fault:21
@test "under websocketd the end of a message must come within 2 s" {
	replay "$UP/good.ndjson"
	n=0
	for m in '{"ticketBody":' '{\n' 'x' '"'; do
		tab 42
		begun[V]=$(date +%s%N)
		printf "$m" >&"${IN[$V]}"
	done
	talker 42	# at a shell people type slowly
	printf '{"ticketBody":' >&"${IN[5]}"
	for i in 1 2 3 4; do
		sees $i '"code":"bad_json"'
		[ $(($(date +%s%N) - begun[i])) -ge 2000000000 ]
		printf '\n%s\n' "$Q" >&"${IN[$i]}"
		sees $i '"done"'
		leave $i
		check "$T/frames.$i" 2
	done
	printf '"printer jam"}\n' >&"${IN[5]}"
	echo 1 >"$T/frames.5.questions"
	viewed 5
	kept
}
