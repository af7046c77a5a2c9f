# Who gets in, with tokens and addresses, and how much of it.
load helper

setup_file() {
	local k=$BATS_FILE_TMPDIR/keys o
	store_begin
	mkdir -m 700 "$k"
	cd "$k" || return
	umask 077
	for o in '' other.; do
		openssl rand -hex 32 >${o}secret.txt
		tr -d '\n' <${o}secret.txt >${o}secret
		openssl genrsa -out ${o}rsa.pem 2048
		openssl rsa -in ${o}rsa.pem -pubout -out ${o}rsa.pub
		openssl ecparam -name prime256v1 -genkey -noout -out ${o}ec.pem
		openssl ec -in ${o}ec.pem -pubout -out ${o}ec.pub
	done 2>err
	cd "$OLDPWD"
}

prepare() {
	K=$BATS_FILE_TMPDIR/keys
	export TICKETCHAT_JWT_ISSUER=idp TICKETCHAT_JWT_AUDIENCE=tickets
}

# With tokens from here on: auth HS256.
auth() {
	export TICKETCHAT_AUTH=required
	case $1 in
	HS256) TICKETCHAT_JWT_KEY_FILE=$K/secret KEY=$K/secret ;;
	RS256) TICKETCHAT_JWT_KEY_FILE=$K/rsa.pub KEY=$K/rsa.pem ;;
	ES256) TICKETCHAT_JWT_KEY_FILE=$K/ec.pub KEY=$K/ec.pem ;;
	esac
	export TICKETCHAT_JWT_KEY_FILE
}

# A good token: token --ticket 42
token() { sessions token "$@" "$KEY"; }

# A question with a token.
with() { jq -cn --arg t "$1" '{ticketBody: "printer jam", token: $t}'; }

# All messages of tokens.py on one connection: each one's end is $1.
each() {
	/usr/bin/python3 "$BATS_TEST_DIRNAME/tokens.py" "$K" "$2" "$3" \
	    >"$T/messages"
	[ "$(wc -l <"$T/messages")" -gt 10 ]
	pipe 42 "$(wc -l <"$T/messages")" <"$T/messages"
	paste -d ' ' <(jq -r 'select(.type != "done") | .code // .type' \
	    <<<"$frames") <(jq -r .case "$T/messages") | grep -v "^$1 " |
	    grep -vx 'bad_request nine kilobytes' >"$T/wrong" || true
	is "$(cat "$T/wrong")" ''
}

@test "good tokens, of each kind of key" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for a in HS256 RS256 ES256; do
		auth $a
		each cached $a good
		is "$status" 0
		# `sessions token' makes good ones too.
		ask 42 "$(with "$(token)")" "$(with "$(token --ticket 42)")" \
		    "$(with "$(token --ticket 43)")"
		is "$(types)" 'cached done cached done error'
		is "$(code)" unauthorized
	done
}

attacks() {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	auth $1
	each unauthorized $1 bad
	is "$status" 1
	not grep -q Reinicie <<<"$frames"
	is "$(posts)" 1
	# Neither whole nor in part in the log.
	cat "$TICKETCHAT_LOG" "$T"/*.err >"$T/all"
	jq -r .token "$T/messages" | tr '. ' '\n\n' | awk 'length > 20' |
	    sort -u >"$T/parts"
	[ "$(wc -l <"$T/parts")" -gt 50 ]
	not grep -qFf "$T/parts" "$T/all"
	not grep -qF "$(cat "$K/secret")" "$T/all"
	# But why, in one word.
	grep -q 'token=signature' "$T/all"
	grep -q 'token=expired' "$T/all"
	grep -q 'token=ticket' "$T/all"
}

# bats test_tags=fault,fault:38
@test "attacks on a secret" { attacks HS256; }
# bats test_tags=fault,fault:38
@test "attacks on an RSA key" { attacks RS256; }
# bats test_tags=fault,fault:38
@test "attacks on an EC key" { attacks ES256; }

@test "in the message, the Authorization header, a cookie; in this order" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	auth ES256
	export TICKETCHAT_JWT_COOKIE=sid
	good=$(token)
	bad=${good%????}AAAA
	ask 42 "$Q"
	failed_with unauthorized 1
	for h in "Bearer $good" "bearer $good" "BEARER   $good"; do
		HTTP_AUTHORIZATION=$h ask 42 "$Q"
		kept
	done
	old=$(token --ttl -600)
	# Each is tried; so are the twins of a browser, and quoted ones.
	for c in "sid=$good" "a=b; sid=$good; c=d" "a=b;sid=$good;c" \
	    "xsid=1; sid=$good" "sid=$old; sid=$good" "sid=$good; sid=$old" \
	    "sid=\"$good\"" "sid=\"$old\"; a=1; sid=\"$good\"" \
	    "sid=; sid=x; sid=\"; sid=$bad; sid=$good" "a=1, sid=$old, sid=$good"; do
		HTTP_COOKIE=$c ask 42 "$Q"
		kept
	done
	for h in "$good" "Basic $good" "Bearer" "Bearer " "Bearer $bad" \
	    "Bearer $good, Bearer $good" "Bearer $good x" ''; do
		HTTP_AUTHORIZATION=$h ask 42 "$Q"
		failed_with unauthorized 1
	done
	for c in "sid=$bad" "sid=" "sid" "xsid=$good" "SID=$good" "sid =$good" \
	    "a=sid=$good" "sid=\"$good" "sid=$old; sid=$bad" "sid=\"\"" \
	    "sid='$good'" ''; do
		HTTP_COOKIE=$c ask 42 "$Q"
		failed_with unauthorized 1
	done
	HTTP_AUTHORIZATION="Bearer $bad" ask 42 "$(with "$good")"
	kept
	HTTP_AUTHORIZATION="Bearer $good" HTTP_COOKIE="sid=$good" \
	    ask 42 "$(with "$bad")"
	failed_with unauthorized 1
	HTTP_AUTHORIZATION="Bearer $bad" HTTP_COOKIE="sid=$good" ask 42 "$Q"
	kept
	HTTP_AUTHORIZATION="Bearer $old" HTTP_COOKIE="sid=$old; sid=$good" \
	    ask 42 "$Q"
	kept
	HTTP_AUTHORIZATION="Bearer $bad" HTTP_COOKIE="sid=$bad; sid=$old" \
	    ask 42 "$Q"
	failed_with unauthorized 1
	# One line for a message, however many were tried.
	is "$(grep -o 'token=.*' <<<"$err")" token=expired
	TICKETCHAT_JWT_COOKIE='' HTTP_COOKIE="sid=$good" ask 42 "$Q"
	failed_with unauthorized 1
	# Never from the address: that is logged.
	QUERY_STRING="token=$good" ask 42 "$Q"
	failed_with unauthorized 1
}

@test "JWT_TICKET_CLAIM: which claim is a ticket's number, or none" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	auth HS256
	export TICKETCHAT_JWT_TICKET_CLAIM=ticket
	ask 42 "$(with "$(token --ticket 42)")"
	kept
	ask 42 "$(with "$(token --ticket 43)")"
	failed_with unauthorized 1
	export TICKETCHAT_JWT_TICKET_CLAIM=tid
	t=$(token --ticket 43)		# as Entra's tenant: not this ticket
	ask 42 "$(with "$t")"
	failed_with unauthorized 1
	export TICKETCHAT_JWT_TICKET_CLAIM=none
	ask 42 "$(with "$t")"
	kept
	run -100 sessions token --ticket 42 "$KEY"
	run -0 sessions token "$KEY"
}

@test "one token is enough for a connection, until it expires" {
	long 60
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	replay_end
	replay_part "$T/long.ndjson"
	auth HS256
	talker 42
	say $V "$(with "$(token --ttl -54)")"	# good for six seconds
	sees $V cached
	say $V '{"ticketBody":"printer jam","refresh":true}'
	sees $V w1	# what runs goes on
	sleep 6
	say $V "$Q" '{"type":"stop"}'
	replay_rest
	echo 4 >"$T/frames.$V.questions"
	sees $V '"code":"unauthorized"'
	say $V "$(with "$(token)")"
	viewed $V
	is "$(types)" 'cached done stream done error error cached done'
	is "$(code | sort -u)" unauthorized
	is_text "$LONG"
}

# bats test_tags=fault,fault:38
@test "without a token nobody stops, starts or sees anything" {
	long 25
	replay_part "$T/long.ndjson"
	auth HS256
	viewer 42 "$(with "$(token --ticket 42)")"
	sees $V w1
	printf '%s\n' '{"type":"stop"}' "$Q" \
	    "$(jq -c '.type = "stop"' <<<"$(with "$(token --ticket 43)")")" |
	    pipe 42 3
	failed_with "$(printf 'unauthorized\n%.0s' 1 2 3)" 1
	is "$(grep -c w1 <<<"$frames" || true)" 0
	replay_rest
	viewed $V
	is_text "$LONG"
	rm "$T/go"
	viewer 43 "$(with "$(token)")"
	sees $V w1
	jq -c '.type = "stop"' <<<"$(with "$(token --ticket 43)")" | pipe 43 0
	viewed $V
	failed_with stopped 2
}

# bats test_tags=fault,fault:38
@test "no token reaches a log, an argument or what runs detached" {
	long 25
	replay_part "$T/long.ndjson"
	auth RS256
	t=$(token --ticket 42)
	export HTTP_AUTHORIZATION="Bearer $t" HTTP_COOKIE="sid=$t"
	export QUERY_STRING="token=$t" REQUEST_URI="/42?token=$t"
	viewer 42 "$(with "$t")"
	sees $V w1
	cat /proc/"$(answers)"/{environ,cmdline} >"$T/answer"
	replay_rest
	viewed $V
	is_text "$LONG"
	for p in ${t//./ }; do
		not grep -qaF "$p" "$TICKETCHAT_LOG" "$T"/*.err "$T/answer" "$T/bodies/1.json"
		not grep -rqaF "$p" "$TICKETCHAT_RUN_DIR"
		not grep -qaF "$p" <(all_that_is_kept)
	done
	grep -q 'user="test"' "$T/frames.$V.err"
}

@test "keys that are too weak, unreadable or not keys: no start" {
	umask 077
	head -c 31 "$K/secret" >"$T/short"
	head -c 31 "$K/secret" | sed 's/$/\n\n/' >"$T/padded"
	cp "$K/secret" "$T/readable"
	chmod 604 "$T/readable"
	cp "$K/rsa.pub" "$T/group"
	chmod 640 "$T/group"
	openssl genrsa -out "$T/1024.pem" 1024 2>/dev/null
	openssl rsa -in "$T/1024.pem" -pubout -out "$T/1024" 2>/dev/null
	openssl ecparam -name secp384r1 -genkey -noout -out "$T/384.pem"
	openssl ec -in "$T/384.pem" -pubout -out "$T/384" 2>/dev/null
	openssl genpkey -algorithm ed25519 -out "$T/ed.pem"
	openssl pkey -in "$T/ed.pem" -pubout -out "$T/ed"
	openssl req -x509 -key "$K/rsa.pem" -subj /CN=x -out "$T/certificate"
	sed 's/M/N/g' "$K/rsa.pub" >"$T/garbage"
	: >"$T/empty"
	mkdir "$T/directory"
	mkfifo "$T/fifo"
	head -c 20000 /dev/zero | tr '\0' x >"$T/huge"
	good=$(with "$(KEY=$K/secret token)")
	export TICKETCHAT_AUTH=required
	for f in short padded readable 1024 384 ed certificate garbage \
	    empty directory fifo huge none; do
		TICKETCHAT_JWT_KEY_FILE=$T/$f run -102 --separate-stderr timeout 5 \
		    "$B/bin/sessions" -c "$T/conf" settings
		is "$output ${#stderr_lines[@]}" ' 1'
		grep -q "$T/$f" <<<"$stderr"
		TICKETCHAT_JWT_KEY_FILE="$K/secret $T/$f" ask 42 "$good"
		failed_with internal 111
	done
	for f in rsa ec; do	# a private one has no business there
		TICKETCHAT_JWT_KEY_FILE=$K/$f.pem run -102 sessions settings
	done
	TICKETCHAT_JWT_KEY_FILE= run -102 sessions settings
	TICKETCHAT_JWT_KEY_FILE=' ' run -102 sessions settings
	TICKETCHAT_JWT_KEY_FILE=$(printf "$K/secret %.0s" {1..9}) run -102 sessions settings
	TICKETCHAT_JWT_KEY_FILE="$K/secret  $K/rsa.pub $K/ec.pub" run -0 sessions settings
	head -c 32 "$K/secret" >"$T/enough"
	TICKETCHAT_JWT_KEY_FILE=$T/enough run -0 sessions settings
	# The service's group may read it.
	TICKETCHAT_JWT_KEY_FILE=$T/group run -0 sessions settings
	# Without AUTH nobody looks.
	TICKETCHAT_AUTH=off TICKETCHAT_JWT_KEY_FILE=$T/none run -0 sessions settings
	# And no token is made with such a key.
	for f in short 1024.pem 384.pem ed.pem readable none; do
		run ! sessions token "$T/$f"
		not grep -q '^ey' <<<"$output"
	done
}

# Tries a key file: fate FILE used|refused.
fate() {
	TICKETCHAT_JWT_KEY_FILE=$1 run --separate-stderr timeout 5 "$B/bin/sessions" -c "$T/conf" settings
	if [ "$2" = used ]; then
		is "$1 $status ${#stderr_lines[@]}" "$1 0 0"
	else
		is "$1 $status $output ${#stderr_lines[@]}" "$1 102  1"
		grep -qF "${1#hs256:}: " <<<"$stderr"
	fi
}

@test "no public key, in no disguise, and nothing private becomes a secret" {
	unset TICKETCHAT_JWT_ISSUER TICKETCHAT_JWT_AUDIENCE
	export TICKETCHAT_AUTH=required
	mkdir -m 700 "$T/d"
	/usr/bin/python3 "$BATS_TEST_DIRNAME/disguises.py" "$K" \
	    "$BATS_TEST_DIRNAME/keys" "$T/d" >"$T/list"
	[ "$(wc -l <"$T/list")" -gt 150 ]
	[ "$(grep -c ' used$' "$T/list")" -gt 15 ]
	while read -r name wanted; do
		fate "$T/d/$name" "${wanted/undeclared/refused}"
		[ "$wanted" != undeclared ] || continue
		# A declaration makes no secret of it either.
		fate "hs256:$T/d/$name" refused
		cp -p "$T/d/$name" "$T/d/$name.secret"
		fate "$T/d/$name.secret" refused
	done <"$T/list"
}

@test "a public key that is used as one is no secret: whoever has the file" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	unset TICKETCHAT_JWT_ISSUER TICKETCHAT_JWT_AUDIENCE
	export TICKETCHAT_AUTH=required
	mkdir -m 700 "$T/d"
	/usr/bin/python3 "$BATS_TEST_DIRNAME/disguises.py" "$K" \
	    "$BATS_TEST_DIRNAME/keys" "$T/d" >"$T/list"
	sed -n 's/ used$//p' "$T/list" | grep -v '^case' >"$T/used"
	while read -r name; do
		export TICKETCHAT_JWT_KEY_FILE=$T/d/$name
		key=$K/rsa.pem
		case $name in *-ec | *-ec.json) key=$K/ec.pem ;; esac
		ask 42 "$(with "$(forged "$T/d/$name")")" \
		    "$(with "$(sessions token "$key")")"
		is "$name $(jq -r '.code // .type' <<<"$frames" | paste -sd ' ')" \
		    "$name unauthorized cached done"
	done <"$T/used"
}

# A token that is signed with HS256 and a file's bytes, line end or not.
forged() {
	/usr/bin/python3 - "$1" <<'END'
import base64, hashlib, hmac, sys, time
def b64(b): return base64.urlsafe_b64encode(b).rstrip(b"=")
t = b64(b'{"alg":"HS256"}') + b"." + b64(b'{"exp":%d}' % (time.time() + 60))
key = open(sys.argv[1], "rb").read().rstrip(b"\r\n")
print((t + b"." + b64(hmac.new(key, t, hashlib.sha256).digest())).decode())
END
}

@test "secrets: declared, or proven to be nothing else" {
	unset TICKETCHAT_JWT_ISSUER TICKETCHAT_JWT_AUDIENCE
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	export TICKETCHAT_AUTH=required
	umask 077
	openssl rand -hex 32 >"$T/hex"
	openssl rand -base64 48 >"$T/base64"
	printf 'correct horse battery staple, again and again\r\n' >"$T/words"
	(printf r; openssl rand 47) >"$T/binary"
	cp "$T/hex" "$T/x.secret"
	cp "$T/hex" "$T/x.pem"
	for f in "$T"/{hex,base64,words,binary,x.secret} hs256:"$T"/{hex,x.pem}; do
		fate "$f" used
		export TICKETCHAT_JWT_KEY_FILE=$f
		ask 42 "$(with "$(sessions token "$f")")"
		kept
	done
	# Named like a public key, and none in it.
	fate "$T/x.pem" refused
	# Landlock lets chat read a file that is declared, wherever it is.
	export TICKETCHAT_JWT_KEY_FILE="hs256:$T/x.pem $K/rsa.pub"
	run sessions doctor --quick --json
	is "$(jq -r 'select(.check == "JWT_KEY_FILE") | .finding' <<<"$output" |
	    sed "s|$T|T|; s|$K|K|" | paste -sd ';')" \
	    "T/x.pem: HS256, secret of 512 bits, kid x;K/rsa.pub: RS256, RSA of 2048 bits, kid rsa"
	TICKETCHAT_JWT_KEY_FILE=$T/hex run sessions doctor --quick
	grep -q 'HS256, secret of 512 bits, kid hex (taken for a secret because of its form' <<<"$output"
}

@test "a set of keys: what is not for signatures is told, and not used" {
	export TICKETCHAT_AUTH=required
	mkdir -m 700 "$T/d"
	/usr/bin/python3 "$BATS_TEST_DIRNAME/disguises.py" "$K" \
	    "$BATS_TEST_DIRNAME/keys" "$T/d" >"$T/list"
	TICKETCHAT_JWT_KEY_FILE=$T/d/jwks-ec run sessions doctor --quick
	grep -q 'AUTH: required, 1 key[.]$' <<<"$output"
	grep -q 'jwks-ec: ES256, EC P-256 of 256 bits, kid jwks-ec[.]$' <<<"$output"
	grep -q 'jwks-ec: one key of the set is not used: its use is not sig[.]$' <<<"$output"
}

@test "several keys: kid names the file, and that key only" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	export TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE="$K/rsa.pub $K/other.rsa.pub $K/ec.pub"
	signed() {	# KEY KID
		/usr/bin/python3 - "$K/$1" "$2" <<'END'
import base64, json, subprocess, sys, time
def b64(b): return base64.urlsafe_b64encode(b).rstrip(b"=")
h = {"alg": "RS256"}
if sys.argv[2]: h["kid"] = sys.argv[2]
t = b64(json.dumps(h).encode()) + b"." + b64(json.dumps({"exp": int(
    time.time()) + 60, "iss": "idp", "aud": "tickets"}).encode())
s = subprocess.run(["openssl", "dgst", "-sha256", "-sign", sys.argv[1]],
    input=t, check=True, capture_output=True).stdout
print((t + b"." + b64(s)).decode())
END
	}
	for k in 'rsa.pem ' 'other.rsa.pem ' 'rsa.pem rsa' \
	    'other.rsa.pem other.rsa' 'rsa.pem unknown'; do
		ask 42 "$(with "$(signed "${k% *}" "${k#* }")")"
		kept
	done
	for k in 'rsa.pem other.rsa' 'other.rsa.pem rsa' 'rsa.pem ec'; do
		ask 42 "$(with "$(signed "${k% *}" "${k#* }")")"
		failed_with unauthorized 1
	done
	# A key that has been taken away.
	TICKETCHAT_JWT_KEY_FILE="$K/other.rsa.pub" ask 42 "$(with "$(signed rsa.pem rsa)")"
	failed_with unauthorized 1
}

@test "a limit for tokens that is no limit: settings" {
	for v in 0/min -1/min 10 /min 10/ 10/week 10/MIN ' 10/min' 10min \
	    1.5/min 10000000/sec 10/min/min; do
		TICKETCHAT_RATE_LIMIT=$v run -102 sessions settings
	done
	for v in off 1/sec 10/min 100/hour 1000000/day; do
		TICKETCHAT_RATE_LIMIT=$v run -0 sessions settings
	done
	for v in x 10.0.0.0/33 1.2.3 ::/129 10.0.0.1/ 10.0.0.1,10.0.0.2 \
	    localhost; do
		TICKETCHAT_TRUSTED_PROXIES=$v run -102 sessions settings
	done
}

# A question under websocketd from an address, to its end: from ADDRESS TICKET
# MESSAGE; sets as ask.
from() {
	REMOTE_ADDR=$1 tab "$2"
	say $V "$3"
	sees $V '"type":"\(done\|error\)"'
	leave $V
	check "$T/frames.$V" 1
	frames=$(<"$T/frames.$V")
}
limited() {
	is "$(code)" rate_limited
	is "$(last | jq -c .retryable)" true
	after=$(last | jq .retryAfter)
}

@test "RATE_LIMIT is exact over thirty processes" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=7/hour TICKETCHAT_GENERATIONS=30
	local since=$SECONDS
	for i in {1..30}; do
		REMOTE_ADDR=10.0.0.1 tab $i
		say $V "$Q"
	done
	for i in {1..30}; do sees $i '"type":"\(done\|error\)"'; leave $i; done
	for i in {1..30}; do cat "$T/frames.$i"; done >"$T/all"
	check "$T/all" 30
	is "$(jq -r 'select(.type == "error" or .type == "done") |
	    .code // .type' "$T/all" | sort | uniq -c | awk '{ print $1, $2 }' |
	    paste -sd ' ')" '7 done 23 rate_limited'
	# A seventh of an hour after the first, which is so long ago at most.
	is "$(jq --argjson ago $((SECONDS - since + 1)) 'select(.retryAfter) |
	    .retryAfter >= 514 - $ago and .retryAfter <= 515' "$T/all" |
	    sort -u)" true
	is "$(posts)" 7
	from 10.0.0.2 99 "$Q"
	generated
}

@test "RATE_LIMIT: what is kept is free, what is refused too" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=2/day
	for i in 1 2; do
		from 10.0.0.1 $i "$Q"
		generated
	done
	for i in 1 2 1; do
		from 10.0.0.1 $i "$Q"
		kept
	done
	from 10.0.0.1 3 "$Q"
	limited
	[ "$after" -gt 42900 ]
	[ "$after" -le 43200 ]
	# What is refused is not charged.
	from 10.0.0.1 4 "$Q"
	limited
	[ "$after" -le 43200 ]
	# A refresh is a generation.
	from 10.0.0.1 1 '{"ticketBody":"printer jam","refresh":true}'
	limited
	is "$(posts)" 2
	# At a shell, without a token, nobody counts.
	TICKETCHAT_RATE_LIMIT=1/day
	for i in 7 8; do ask $i "$Q"; generated; done
}

# bats test_tags=fault,fault:37
@test "a clock that is set moves no rate limit, one that begins anew ends it" {
	needs_preload
	needs_sqlite "a server goes by its own clock"
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=2/day
	set_clocks 0 0
	for i in 1 2; do
		clocked from 10.0.0.1 $i "$Q"
		generated
	done
	for day in 0 86400 -86400; do
		set_clocks $day 0
		clocked from 10.0.0.1 3 "$Q"
		limited
		[ "$after" -gt 42900 ]
		[ "$after" -le 43200 ]
	done
	is "$(posts)" 2
	# retryAfter tells the truth, of the monotonic clock.
	set_clocks 0 $((after - 300))
	clocked from 10.0.0.1 3 "$Q"
	limited
	[ "$after" -le 300 ]
	set_clocks 0 43200
	clocked from 10.0.0.1 3 "$Q"
	generated
	# A reboot that has left RUN_DIR: five seconds after it, and a day.
	up=$(/usr/bin/python3 -c 'import time; print(int(time.monotonic()))')
	n=3
	for since in 5 86405; do
		set_clocks 0 $((since - up))
		for i in 1 2; do
			clocked from 10.0.0.1 $((++n)) "$Q"
			generated
		done
		clocked from 10.0.0.1 9 "$Q"
		limited
	done
	is "$(posts)" 7
}

# bats test_tags=fault,fault:37
@test "a clock that is set: a token is good as its claims say, by a minute" {
	needs_preload
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	auth HS256
	t=$(with "$(token --ttl 600)")
	soon=$(/usr/bin/python3 "$BATS_TEST_DIRNAME/tokens.py" "$K" HS256 good |
	    jq -c 'select(.case == "soon valid")')	# in half a minute
	while read -r wanted ahead token; do
		set_clocks "$ahead" 0
		clocked ask 42 "$token"
		is "$wanted $ahead" "$(jq -r '.code // .type' <<<"$frames" |
		    head -n 1) $ahead"
	done <<END
cached 0 $t
cached 630 $t
unauthorized 690 $t
unauthorized 86400 $t
cached -86400 $t
cached -20 $soon
unauthorized -120 $soon
unauthorized -86400 $soon
unauthorized 86400 $soon
END
	# On one connection as well.
	set_clocks 0 0
	clocked talker 42
	say $V "$t"
	sees $V cached
	set_clocks 86400 0
	say $V "$Q"
	sees $V unauthorized
	set_clocks 0 0
	say $V "$Q"
	viewed $V
	is "$(types)" 'cached done error cached done'
	is "$(posts)" 1
}

@test "who is refused does not pay" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=1/hour TICKETCHAT_TICKETS=existing
	sql 'INSERT INTO Tickets (Id) VALUES (1)'
	from 10.0.0.1 2 "$Q"
	is "$(code)" unknown_ticket
	from 10.0.0.1 1 "$Q"
	generated
}

@test "who follows a generation does not pay for it" {
	long 15
	replay_part "$T/long.ndjson"
	export TICKETCHAT_RATE_LIMIT=1/hour
	for a in 10.0.0.1 10.0.0.2; do
		REMOTE_ADDR=$a tab 1
		say $V "$Q"
		sees $V w1
	done
	replay_rest
	sees $V '"done"'
	leave 1
	leave 2
	frames=$(so_far 2)
	is_text "$LONG"
	from 10.0.0.2 2 "$Q"
	is_text "$LONG"
	from 10.0.0.1 3 "$Q"
	limited
}

@test "RATE_LIMIT by the token's user, from wherever he comes" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=1/hour
	auth HS256
	from 10.0.0.1 1 "$(with "$(token --user ana)")"
	generated
	from 10.0.0.2 2 "$(with "$(token --user ana)")"
	limited
	from 10.0.0.1 2 "$(with "$(token --user bob)")"
	generated
	# At a shell too; and a user cannot pass for an address.
	ask 3 "$(with "$(token --user ana)")"
	limited
	ask 3 "$(with "$(token --user "ip:10.0.0.7")")"
	generated
	TICKETCHAT_AUTH=off from 10.0.0.7 4 "$Q"
	generated
}

@test "an IPv6 address stands for its /64" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_RATE_LIMIT=1/hour
	n=0
	for a in 2001:db8::1 '!2001:db8::2' '![2001:db8::ffff:1:2:3]' \
	    '!2001:DB8:0:0:9::' 2001:db8:0:1::1 ::ffff:10.0.0.1 '!10.0.0.1' \
	    ::1 10.0.0.2; do
		from "${a#!}" $((++n)) "$Q"
		case $a in !*) limited ;; *) generated ;; esac
	done
}

@test "behind a proxy that writes ports each client has a limit of its own" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_TRUSTED_PROXIES=127.0.0.1 TICKETCHAT_RATE_LIMIT=1/day
	n=0
	for f in 203.0.113.7:51234 '!203.0.113.7:51235' '[2001:db8::7]:51234' \
	    '!"[2001:db8::9]:1"' 198.51.100.20:40001 '!"198.51.100.20"' \
	    '!198.51.100.20'; do
		HTTP_X_FORWARDED_FOR=${f#!} from 127.0.0.1 $((++n)) "$Q"
		case $f in !*) limited ;; *) generated ;; esac
	done
}

@test "MAX_VIEWERS: so many of one address, and one that leaves makes room" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_MAX_VIEWERS=2
	ask 42 "$Q"
	for i in 1 2 3; do
		REMOTE_ADDR=10.0.0.1 tab 42
		say $V "$Q"
		sees $V '"type":"\(done\|error\)"'
	done
	is "$(last "$(so_far $V)" | jq -c '[.code, .retryAfter]')" \
	    '["rate_limited",10]'
	has 2 cached
	has 3 cached
	say $V '{"type":"ping"}'
	sees $V pong
	from 10.0.0.2 42 "$Q"
	kept
	end "${VIEWERS[2]}" KILL
	say 4 "$Q"
	sees 4 cached
	from 10.0.0.1 42 "$Q"
	limited
	# No shell is a viewer.
	ask 42 "$Q"
	kept
	for v in 3 4; do leave $v; done
}

@test "MAX_VIEWERS is exact over thirty processes" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	export TICKETCHAT_MAX_VIEWERS=7
	for i in {1..30}; do
		REMOTE_ADDR=2001:db8::$i tab 42
		say $V "$Q"
	done
	for i in {2..31}; do sees $i '"type":"\(done\|error\)"'; done
	is "$(cat "$T"/frames.{2..31} | jq -r '.code // .type' | sort | uniq -c |
	    awk '{ print $1, $2 }' | paste -sd ' ')" \
	    '7 cached 7 done 23 rate_limited'
	for i in {2..31}; do hang_up $i; done
}

@test "who may not ask keeps no connection open by pings" {
	export TICKETCHAT_IDLE_TIMEOUT=3
	HTTP_ORIGIN=http://evil.example REMOTE_ADDR=10.0.0.1 tab 42
	REMOTE_ADDR=10.0.0.1 tab 42
	for i in {1..12}; do
		for v in 1 2; do
			(say $v '{"type":"ping"}') 2>/dev/null || true
		done
		sleep 0.5
	done
	within 10 dead "${VIEWERS[1]}"
	not dead "${VIEWERS[2]}"
	within 10 eval '[ "$(grep -c pong "$T/frames.2")" = 12 ]'
	leave 2
}

@test "a place too many is closed after 15 silent seconds" {
	export TICKETCHAT_MAX_VIEWERS=1
	REMOTE_ADDR=10.0.0.1 tab 42
	within 10 test -e "$TICKETCHAT_RUN_DIR/viewers"
	within 10 sh -c "ls -l /proc/${VIEWERS[1]}/fd | grep -q viewers"
	REMOTE_ADDR=10.0.0.1 tab 42
	sleep 9
	say 2 '{"type":"ping"}'
	not dead "${VIEWERS[2]}"
	within 30 dead "${VIEWERS[2]}"
	not dead "${VIEWERS[1]}"
	leave 1
}

@test "X-Forwarded-For counts only from TRUSTED_PROXIES" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	remote() {	# PEER FORWARDED WANTED
		: >"$TICKETCHAT_LOG"
		HTTP_X_FORWARDED_FOR=$2 from "$1" 42 "$Q"
		is "$(sed -n 's/.* remote=\([^ ]*\) .*/\1/p' "$TICKETCHAT_LOG")" "$3"
	}
	remote 10.0.0.9 1.2.3.4 10.0.0.9
	export TICKETCHAT_TRUSTED_PROXIES='10.0.0.0/24 2001:db8::/32 127.0.0.1'
	remote 10.0.0.9 1.2.3.4 1.2.3.4
	remote 10.0.1.9 1.2.3.4 10.0.1.9
	remote ::ffff:10.0.0.9 1.2.3.4 1.2.3.4
	remote 2001:db8::5 2001:db9::1 2001:db9::1
	remote 127.0.0.1 '6.6.6.6, 1.2.3.4' 1.2.3.4
	remote 127.0.0.1 '6.6.6.6,1.2.3.4,10.0.0.7' 1.2.3.4
	remote 127.0.0.1 '6.6.6.6 , 1.2.3.4 ,10.0.0.7 ' 1.2.3.4
	remote 127.0.0.1 '1.2.3.4, 6.6.6.6, 10.0.0.7, 10.0.0.8' 6.6.6.6
	remote 127.0.0.1 '10.0.0.7, 10.0.0.8' 10.0.0.7
	remote 127.0.0.1 '' 127.0.0.1
	remote 127.0.0.1 'nonsense' 127.0.0.1
	remote 127.0.0.1 '1.2.3.4, nonsense' 127.0.0.1
	remote 127.0.0.1 '1.2.3.4, ' 127.0.0.1
	# Some proxies write the port, and quotes.
	remote 127.0.0.1 '1.2.3.4:5678' 1.2.3.4
	remote 127.0.0.1 '203.0.113.7:51234' 203.0.113.7
	remote 127.0.0.1 '"203.0.113.7:51234"' 203.0.113.7
	remote 127.0.0.1 '6.6.6.6:1, "[2001:db9::7]:443", 10.0.0.7:80' '[2001:db9::7]'
	remote 127.0.0.1 '[2001:db9::7]' '[2001:db9::7]'
	remote 127.0.0.1 '1.2.3.4:port' 127.0.0.1
	remote 127.0.0.1 '"1.2.3.4' 127.0.0.1
	remote 127.0.0.1 "1.2.3.4 outcome=cached" 127.0.0.1
	remote 127.0.0.1 $'1.2.3.4\033[31m' 127.0.0.1
}
