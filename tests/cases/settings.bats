# The settings' names in the environment, and what a 0.1 has left there.  Bare
# names are meant here; tests of other things give settings as TICKETCHAT_<KEY>.
load helper

cleanup() {
	[ -z "${OLD:-}" ] || end "$OLD"
}

# Starts websocketd as run.sh of 0.1 did, with these settings, by bare names, in
# its environment, and the programs of today behind it.
old_websocketd() {
	local names
	P=$(free_port)
	names=$(for n in "$@"; do echo "${n%%=*}"; done | paste -sd ,)
	env -i PATH="$PATH" "$@" websocketd --port="$P" --address=127.0.0.1 \
	    --dir="$B/handlers" --loglevel=error --passenv="PATH,$names" \
	    >"$T/websocketd" 2>&1 3>&- &
	OLD=$!
	track $OLD
	within 10 listening "$P"
}

# The code that each of these messages gets, one connection for all.
codes() {
	/usr/bin/python3 - "ws://127.0.0.1:$P/api/websocket/chat/42" "$@" <<'END'
import asyncio, json, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as ws:
        for message in sys.argv[2:]:
            await ws.send(message)
            f = json.loads(await ws.recv())
            print(f["type"], f.get("code"), f.get("retryable"))
asyncio.run(asyncio.wait_for(main(), 30))
END
}

@test "0.1's environment with AUTH=required and today's programs let nobody in" {
	command -v websocketd >/dev/null || skip "no websocketd"
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	(umask 077; head -c 40 /dev/zero | tr '\0' k >"$T/key.secret")
	old_websocketd AUTH=required JWT_KEY_FILE="$T/key.secret" \
	    DATABASE="$TICKETCHAT_DATABASE" RUN_DIR="$TICKETCHAT_RUN_DIR" \
	    LOG="$TICKETCHAT_LOG" OLLAMA_SERVER="$OLLAMA_SERVER" \
	    OLLAMA_MODEL="$OLLAMA_MODEL"
	: >"$TICKETCHAT_LOG"
	run -0 codes "$Q" '{"type":"ping"}' '{"ticketBody":' "$Q"
	is "$(sort -u <<<"$output")" 'error internal True'
	is "$(wc -l <<<"$output")" 4
	# Said once, and the log of then is left alone: its name does not count.
	is "$(grep -c 'restart the service' "$T/websocketd")" 1
	[ ! -s "$TICKETCHAT_LOG" ]
	is "$(posts)" 1
}

@test "so it is without AUTH, with an empty name, and with a bad setting" {
	command -v websocketd >/dev/null || skip "no websocketd"
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	for e in LOG="$TICKETCHAT_LOG" TICKETCHAT_AUTH= PORT=tcp://10.0.0.1:5000; do
		old_websocketd DATABASE="$TICKETCHAT_DATABASE" \
		    RUN_DIR="$TICKETCHAT_RUN_DIR" "$e"
		run -0 codes "$Q"
		is "$output" 'error internal True'
		end "$OLD"
	done
	is "$(posts)" 1
}

@test "a connection to a websocketd of 0.1 ends by itself" {
	replay "$UP/good.ndjson"
	mkfifo "$T/in"
	env -i PATH="$PATH" GATEWAY_INTERFACE=x PATH_INFO=/42 AUTH=off \
	    timeout 60 "$B/bin/chat" <"$T/in" >"$T/out" 2>"$T/err" 3>&- &
	V=$!
	track $V
	exec 7>"$T/in"
	printf '%s\n%s\n' "$Q" "$Q" >&7
	within 30 dead $V
	exec 7>&-
	wait $V && false
	is "$(jq -r .code "$T/out" | paste -sd ' ')" 'internal internal'
	is "$(grep -c 'restart the service' "$T/err")" 1
	is "$(posts)" 0
}

# run.sh as it is installed: the programs, and nothing that builds.
installed() {
	sed -e "s|^bin=.*|bin=$B/bin|" -e "s|^libexec=.*|libexec=$B/libexec|" \
	    -e "s|^handlers=.*|handlers=$B/handlers|" \
	    -e "s|^web=.*|web=$B/web|" -e 's|^checkout=.*|checkout=|' \
	    "$ROOT/run.sh" >"$T/ticketchat"
	chmod +x "$T/ticketchat"
}

# What run.sh says to an environment of these names alone.  Never to its end:
# ADDRESS has no such address.
start_with() {
	env -i PATH="$PATH" TICKETCHAT_DATABASE="$T/db" \
	    TICKETCHAT_RUN_DIR="$T/run" TICKETCHAT_LOG="$T/log" "$@" \
	    "$T/ticketchat" --check -c "$T/conf"
}

@test "run.sh: a bare name that leads astray ends the start" {
	installed
	(umask 077; head -c 40 /dev/zero | tr '\0' k >"$T/key.secret")
	# A shell's, a container's and a unit's drop-in of 0.1.
	for e in AUTH=required AUTH=on JWT_KEY_FILE="$T/key.secret" JWT_ISSUER=idp \
	    JWT_AUDIENCE=a JWT_COOKIE=sid ALLOWED_ORIGINS=https://a.example \
	    TRUSTED_PROXIES=127.0.0.1 RATE_LIMIT=2/day MAX_VIEWERS=3 \
	    TICKETS=existing ADDRESS=0.0.0.0 DATABASE=/var/lib/x.db \
	    RUN_DIR=/run/ticketchat/run; do
		run -102 --separate-stderr start_with "$e"
		is "$output" ''
		is "$(wc -l <<<"$stderr")" 1
		[[ $stderr = *"TICKETCHAT_${e%%=*}, or unset ${e%%=*}" ]]
	done
	# AUTH=off of a user's shell, against the file's.
	printf '%s\n' AUTH=required "JWT_KEY_FILE=$T/key.secret" >"$T/conf"
	run -102 --separate-stderr start_with AUTH=off
	[[ $stderr = *'TICKETCHAT_AUTH, or unset AUTH' ]]
	# What says the same, or nothing, is no matter: 0.1's EnvironmentFile=.
	for e in AUTH=required AUTH= "JWT_KEY_FILE=$T/key.secret" \
	    RATE_LIMIT=off "DATABASE=$T/db" OLLAMA_MODEL=other; do
		run --separate-stderr start_with "$e"
		[ "$status" != 102 ]
		is "$(grep -c '^AUTH=required$' <<<"$output")" 1
		not grep -q 'without effect' <<<"$stderr"
	done
}

@test "run.sh: what else was bare is named in one warning, and without effect" {
	installed
	run --separate-stderr start_with PORT=6000 LOG=debug WEB=off
	[ "$status" != 102 ]
	is "$(grep -c 'have no effect' <<<"$stderr")" 1
	grep -q 'names in the environment have no effect: PORT WEB LOG;' <<<"$stderr"
	grep -qx PORT=5000 <<<"$output"
	grep -qx "LOG=$T/log" <<<"$output"
	# Others' variables of such names: a desktop's, Kubernetes', a shell's.
	run --separate-stderr start_with LANGUAGE=pt_BR:pt:en LANGUAGE=de \
	    CACHE=/var/cache WEB=firefox PORT=tcp://10.96.0.7:5000
	[ "$status" != 102 ]
	is "$(grep -c 'have no effect' <<<"$stderr")" 0
	grep -qx PORT=5000 <<<"$output"
}

@test "a TICKETCHAT_ name that is no setting's is refused, with a suggestion" {
	installed
	for e in TICKETCHAT_AUHT=required TICKETCHAT_JWT_KEYFILE=x \
	    TICKETCHAT_PROT=1 ticketchat_auth=x TICKETCHAT_Auth=required; do
		if [ "$e" = ticketchat_auth=x ]; then
			# Somebody else's.
			run --separate-stderr start_with "$e"
			[ "$status" != 102 ]
			continue
		fi
		run -102 --separate-stderr start_with "$e"
		[[ $stderr = *"${e%%=*}"*'did you mean TICKETCHAT_'* ]]
		for p in "chat" "answer" "sessions -c $T/conf list"; do
			run -102 --separate-stderr env "$e" PATH_INFO=/42 \
			    "$B"/bin/$p </dev/null
			[[ $stderr = *'did you mean TICKETCHAT_'* ]]
		done
	done
}

@test "what Kubernetes and Docker inject for a service of that name is no matter" {
	installed
	run --separate-stderr start_with TICKETCHAT_PORT=tcp://10.96.0.7:5000 \
	    TICKETCHAT_SERVICE_HOST=10.96.0.7 TICKETCHAT_SERVICE_PORT=5000 \
	    TICKETCHAT_SERVICE_PORT_HTTP=5000 \
	    TICKETCHAT_PORT_5000_TCP=tcp://10.96.0.7:5000 \
	    TICKETCHAT_PORT_5000_TCP_ADDR=10.96.0.7 \
	    TICKETCHAT_PORT_5000_TCP_PROTO=tcp \
	    TICKETCHAT_DB_SERVICE_HOST=10.96.0.8 \
	    TICKETCHAT_DB_PORT=udp://10.96.0.8:53 \
	    TICKETCHAT_DB_PORT_53_UDP_PORT=53 TICKETCHAT_NAME=/a/ticketchat \
	    TICKETCHAT_ENV_DEBIAN_FRONTEND=x
	[ "$status" != 102 ]
	grep -qx PORT=5000 <<<"$output"
	run -102 start_with TICKETCHAT_DB_HOST=10.96.0.8
	run -102 start_with TICKETCHAT_PORT=http://10.96.0.7
}

@test "sessions: a bare DATABASE or RUN_DIR is refused, not overlooked" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	cp "$TICKETCHAT_DATABASE" "$T/copy.db"
	for c in list 'show 42' 'history 42' 'search x' stats metrics doctor \
	    'tail 42' 'replay 42' check "backup $T/b" "restore $T/copy.db" \
	    export "import $T/none" 'purge --older-than 0d' \
	    'forget --ticket 42' 'delete 42' migrate 'hold true'; do
		for e in DATABASE="$T/copy.db" RUN_DIR="$T/other"; do
			run -102 --separate-stderr env "$e" \
			    "$B/bin/sessions" -c "$T/conf" $c
			is "$output" ''
			[[ $stderr = *"TICKETCHAT_${e%%=*}, or unset "* ]]
		done
	done
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
	# The same value, or none, and what opens neither.
	DATABASE=$TICKETCHAT_DATABASE run -0 sessions list
	DATABASE= RUN_DIR= run -0 sessions list
	LOG=debug run -0 sessions list
	DATABASE=$T/copy.db run -0 sessions settings
}

@test "chat and answer take no notice of bare names" {
	replay "$UP/good.ndjson"
	AUTH=required DATABASE=$T/none RUN_DIR=$T/none MAX_TICKET_BYTES=1 \
	    LANGUAGE=de PORT=tcp://10.0.0.1:80 ask 42 "$Q"
	generated
	AUTH=on CACHE=/var/cache MAX_ANSWER_BYTES=1 answer <<<x
	generated
	AUTH=off TICKETCHAT_AUTH=required TICKETCHAT_JWT_KEY_FILE=$T/conf \
	    ask 42 "$Q"
	is "$(types)" error
}

@test "TICKETCHAT_OLLAMA_ wins over OLLAMA_, and an empty value is none" {
	printf 'OLLAMA_MODEL=file\n' >"$T/conf"
	model() { sessions settings | sed -n 's/^OLLAMA_MODEL=//p'; }
	is "$(OLLAMA_MODEL=bare model)" bare
	is "$(OLLAMA_MODEL=bare TICKETCHAT_OLLAMA_MODEL=named model)" named
	is "$(OLLAMA_MODEL=bare TICKETCHAT_OLLAMA_MODEL= model)" bare
	is "$(OLLAMA_MODEL= TICKETCHAT_OLLAMA_MODEL= model)" file
	is "$(OLLAMA_MODEL= TICKETCHAT_OLLAMA_MODEL=named model)" named
}

@test "a number has one spelling: octal ones, signs and blanks are refused" {
	for e in PORT=05713 RETENTION_DAYS=00 BACKUPS=08 \
	    MAX_TICKET_BYTES=0065536 GENERATIONS=+1 'QUEUE_MAX= 5' \
	    'MAX_VIEWERS=1 ' RATE_LIMIT=010/min 'OLLAMA_SERVER=http://h:011434' \
	    'OLLAMA_SERVER=http://h weight=02' TRUSTED_PROXIES=10.0.0.0/08 \
	    ALLOWED_ORIGINS=https://a:0443 IDLE_TIMEOUT=-0; do
		run -102 --separate-stderr env "TICKETCHAT_$e" \
		    "$B/bin/sessions" -c "$T/conf" settings
		[[ $stderr = *"${e%%=*}="* ]]
		printf '%s\n' "${e%%=*}='${e#*=}'" >"$T/bad"
		run -102 env -i "$B/bin/sessions" -c "$T/bad" settings
	done
	run -102 --separate-stderr env TICKETCHAT_RETENTION_DAYS=00 \
	    "$B/bin/sessions" -c "$T/conf" settings
	is "$stderr" "sessions: RETENTION_DAYS=00: leading zeros are not \
allowed; write 0"
	for e in 'purge --older-than 090d' 'purge --older-than +90d' \
	    'purge --older-than 00' 'list -n 010' 'list -n +1' \
	    'replay --pace 010 42' 'replay --version 01 42' \
	    'token --ttl 060 key' 'token --ttl +60 key'; do
		run -100 sessions $e
	done
}

# Runs the nightly script with a `sessions' that tells these settings and notes
# what it is asked for.
night() {
	mkdir -p "$T/bin" "$T/data"
	printf '#!/bin/sh\n[ "$1" = settings ] || echo "$*" >>"%s"\n' \
	    "$T/asked" >"$T/bin/sessions"
	printf '[ "$1" != settings ] || cat "%s"\n' "$T/told" \
	    >>"$T/bin/sessions"
	printf '[ "$1" != backup ] || : >"$3"\n' >>"$T/bin/sessions"
	chmod +x "$T/bin/sessions"
	printf '%s\n' "DATABASE=$T/data/db" "$@" >"$T/told"
	: >"$T/asked"
	PATH=$T/bin:$PATH sh "$ROOT/deploy/upkeep.sh"
}

@test "the nightly script compares numbers, not their spelling" {
	for days in 0 00 000; do
		night BACKUPS=1 RETENTION_DAYS=$days
		not grep -q purge "$T/asked"
	done
	night BACKUPS=0 RETENTION_DAYS=30
	grep -q '^purge --older-than 30d' "$T/asked"
	not grep -q backup "$T/asked"
	touch "$T"/data/backup/2026-01-0{1,2,3}.db
	night BACKUPS=2 RETENTION_DAYS=0
	is "$(ls "$T/data/backup" | wc -l)" 2
}

@test "OLLAMA_KEEP_ALIVE: what Ollama would refuse is refused at start" {
	while IFS= read -r e; do
		run -102 --separate-stderr env "$e" "$B/bin/sessions" \
		    -c "$T/conf" settings
		[[ $stderr = *'OLLAMA_KEEP_ALIVE='*'30m'* ]]
	done <"$ROOT/tests/cases/settings/keep-alive.txt"
	for e in -1 0 300 30m 1h30m 24h; do
		OLLAMA_KEEP_ALIVE=$e run -0 sessions settings
	done
}

@test "a carriage return hides no setting: a file of an old Mac is refused" {
	# Its first line is a comment, and AUTH=required would be a part of it.
	run -102 --separate-stderr env -i "$B/bin/sessions" \
	    -c "$ROOT/tests/cases/settings/settings-cr.conf" settings
	[[ $stderr = *'settings-cr.conf:1: the line contains a carriage return'* ]]
	printf 'PORT=1\n# mine\rAUTH=required\r\n' >"$T/bad"
	run -102 --separate-stderr env -i "$B/bin/sessions" -c "$T/bad" settings
	[[ $stderr = *'bad:2: the line contains a carriage return'* ]]
	printf '\r\n# mine\r\nPORT=6000\r\n' >"$T/good"
	run -0 env -i "$B/bin/sessions" -c "$T/good" settings
	[[ $output = *PORT=6000* ]]
	printf 'PORT=6000\n' | iconv -t UTF-16 >"$T/wide"
	run -102 --separate-stderr env -i "$B/bin/sessions" -c "$T/wide" settings
	[[ $stderr = *UTF-16* ]]
}

@test "a LOG that is a descriptor, a terminal or a link to one is refused" {
	installed
	ln -s /dev/stdout "$T/link"
	ln -s "$T/link" "$T/link2"
	ln -s /proc "$T/proc"
	ln -s /dev "$T/dev"
	mkdir "$T/in"
	ln -s ../link "$T/in/relative"
	for log in /dev/stdout /dev/stderr /dev/fd/1 /dev/fd/2 /proc/self/fd/1 \
	    /proc/self/fd/2 "/proc/$$/fd/1" /proc/thread-self/fd/1 /dev/tty \
	    /dev/ptmx //dev//stdout /dev/../dev/stdout "$T/link" "$T/link2" \
	    //dev/stdin /./dev/fd/9 /dev/././fd//9 ///proc/nothing \
	    "$T/proc/self/fd/1" "$T/dev/stdout" "$T/dev/fd/1" \
	    "$T/in/relative"; do
		run -102 --separate-stderr start_with "TICKETCHAT_LOG=$log"
		[[ $stderr = *"LOG=$log: "*LOG=stderr* ]]
		printf 'LOG=%s\n' "$log" >"$T/bad"
		run -102 env -i PATH_INFO=/42 "$B/bin/chat" -c "$T/bad" </dev/null
	done
	# What is a file, or swallows everything.
	echo >"$T/file"
	ln -s "$T/file" "$T/good"
	mkfifo "$T/fifo"
	for log in /dev/null "$T/file" "$T/good" "$T/fifo" "$T/none" stderr \
	    syslog; do
		run --separate-stderr start_with "TICKETCHAT_LOG=$log"
		[ "$status" != 102 ]
		grep -qx "LOG=$log" <<<"$output"
	done
}

@test "a LOG that is a word, not a path, is refused" {
	for log in stdout - STDERR Syslog journal off none 1 'std out'; do
		run -102 --separate-stderr env "TICKETCHAT_LOG=$log" \
		    "$B/bin/sessions" -c "$T/conf" settings
		[[ $stderr = *"LOG=$log: neither a file"*"./$log"*LOG=stderr* ]]
		printf 'LOG="%s"\n' "$log" >"$T/bad"
		run -102 env -i PATH_INFO=/42 "$B/bin/chat" -c "$T/bad" </dev/null
	done
	for log in ./stdout app.log "$T/-" //dev/null /dev/./null; do
		TICKETCHAT_LOG=$log run -0 sessions settings
		grep -qx "LOG=$log" <<<"$output"
	done
}

@test "ADDRESS: what websocketd and others would read otherwise is refused" {
	for a in 127.0.0.01 '127.0.0.1 127.0.0.010' 127.1 2130706433 \
	    0x7f000001 256.0.0.1 1.2.3 1.2.3.4. ::1 '[::1' '[127.0.0.1]' \
	    '[::g]' 127.0.0.1:80 '[::1]:80' '*' 127.0.0.1,::1 '"127.0.0.1"' \
	    http://127.0.0.1 ' '; do
		run -102 --separate-stderr env "TICKETCHAT_ADDRESS=$a" \
		    "$B/bin/sessions" -c "$T/conf" settings
		[[ $stderr = *ADDRESS* ]]
		is "$(wc -l <<<"$stderr")" 1
	done
	for a in 127.0.0.1 '127.0.0.1 [::1]' ' 0.0.0.0  [::] ' '[fe80::1%lo]' \
	    localhost desk-1.example '[0:0::1]'; do
		TICKETCHAT_ADDRESS=$a run -0 sessions settings
	done
}

@test "a blank around a number in a file is refused, but not CR LF" {
	for line in 'PORT= 5713' 'PORT=5713 ' $'BACKUPS=\t8' \
	    $'QUEUE_MAX=5 \r' 'RETENTION_DAYS=  30  ' 'PORT= "5713"'; do
		printf 'AUTH=off\n%s\n' "$line" >"$T/bad"
		run -102 --separate-stderr env -i "$B/bin/sessions" -c "$T/bad" settings
		[[ $stderr = *"bad:2: ${line%%=*}="*blank* ]]
	done
	printf 'PORT=5713\r\nBACKUPS=\t \nLOG= log.txt \nQUEUE_MAX="5"' >"$T/good"
	run -0 env -i "$B/bin/sessions" -c "$T/good" settings
	for line in PORT=5713 BACKUPS=14 LOG=log.txt QUEUE_MAX=5; do
		grep -qx "$line" <<<"$output"
	done
}

@test "OLLAMA_SERVER: what is wrong with it is said" {
	said() {
		OLLAMA_SERVER=$1 run -102 --separate-stderr sessions settings
		[[ $stderr = *"OLLAMA_SERVER=$1: "$2 ]]
	}
	said http:/a 'http:// is missing; write http://a'
	said https:/a:1 'https:// is missing; write https://a:1'
	said HTTP:a 'http:// is missing; write http://a'
	said //a/api 'http:// is missing; write http://a/api'
	said 'http://b gpu:1 http://c' 'http:// is missing; write http://gpu:1'
	said 'http://a http://A:80' 'http://A:80 is there twice,*'
	said 'http://a http://b http://b/api/chat weight=2' 'http://b/api/chat is there twice*'
	said 'http://a name=x http://b name=x' 'http://b is there twice*'
	said 'http://a http://a:99999' 'not addresses like *'
}

# Starts the service with its stderr where $1 says: file, pipe.
logging_service() {
	local n
	P=$(free_port)
	case $1 in
	file) exec 8>"$T/stderr" ;;
	pipe)
		mkfifo "$T/pipe"
		cat "$T/pipe" >"$T/stderr" 3>&- &
		track $!
		exec 8>"$T/pipe" ;;
	esac
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 TICKETCHAT_LOG=stderr \
	    "$T/ticketchat" -c "$T/conf" >"$T/said" 2>&8 3>&- &
	SERVICE=$!
	track $SERVICE
	exec 8>&-
	within 30 listening "$P"
}

@test "LOG=stderr: the service's standard error has chat's lines and answer's" {
	command -v websocketd >/dev/null || skip "no websocketd"
	installed
	replay "$UP/good.ndjson"
	for kind in file pipe; do
		logging_service $kind
		client "ws://127.0.0.1:$P/api/websocket/chat/$((++i))" "$Q" \
		    >"$T/frames.out"
		is "$(tail -n 1 "$T/frames.out")" '{"type":"done"}'
		within 10 grep -q "prog=answer .*ticket=$i .*outcome=kept" \
		    "$T/stderr"
		within 10 grep -q "prog=chat .*ticket=$i .*outcome=generated" \
		    "$T/stderr"
		# Not by way of websocketd, and nothing of it to the client.
		not grep -q 'ERROR' "$T/stderr"
		not grep -q prog= "$T/frames.out" "$T/said"
		[ ! -e "$T/stderr.1" ] && [ ! -e stderr ]
		end $SERVICE
		rm -f "$T/stderr"
	done
}

@test "LOG=stderr: an answer that nobody watches any more still tells its end" {
	command -v websocketd >/dev/null || skip "no websocketd"
	installed
	long 30
	replay_part "$T/long.ndjson"
	logging_service pipe
	/usr/bin/python3 - "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q" <<'END'
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as ws:
        await ws.send(sys.argv[2])
        await ws.recv()
asyncio.run(asyncio.wait_for(main(), 30))
END
	within 10 no_chats
	some_answers
	replay_rest
	within 10 grep -q 'prog=answer .*ticket=42 .*outcome=kept' "$T/stderr"
}

@test "LOG=stderr at a shell, and for the commands that read a log" {
	replay "$UP/good.ndjson"
	TICKETCHAT_LOG=stderr ask 42 "$Q"
	generated
	within 10 grep -q 'prog=answer .*outcome=kept' "$T"/frames.*.err
	TICKETCHAT_LOG=stderr run -1 --separate-stderr sessions forget --user ana
	grep -q LOG=stderr <<<"$stderr"
	TICKETCHAT_LOG=stderr sessions doctor --quick >"$T/found" || true
	grep -q '^ok *log: stderr\.$' "$T/found"
}

@test "doctor names a log that cannot be written, also where it is there" {
	mkdir "$T/d"
	for log in "$T/d" "$T/d/." "$T/none/log"; do
		TICKETCHAT_LOG=$log sessions doctor --quick >"$T/found" || true
		grep -q "^error *log: $log: " "$T/found"
	done
}

@test "a system prompt that is no text in UTF-8 is refused at start" {
	local d=$ROOT/tests/cases/settings
	installed
	iconv -f UTF-8 -t UTF-16 "$d/system-prompt.bom" >"$T/utf-16"
	iconv -f UTF-8 -t UTF-16LE "$d/system-prompt.bom" | tail -c +3 >"$T/le"
	printf 'Seja breve.\0' >"$T/nul"
	printf ' \n\r\n\t' >"$T/blank"
	printf '\xef\xbb\xbf\r\n' >"$T/mark"
	for f in "$d/system-prompt.cp1252 Windows-1252" \
	    "$d/system-prompt.empty empty" "$T/utf-16 UTF-16" "$T/le UTF-16" \
	    "$T/nul NUL" "$T/blank blank" "$T/mark blank" "$T/none such"; do
		run -102 --separate-stderr start_with \
		    "TICKETCHAT_SYSTEM_PROMPT_FILE=${f% *}"
		is "$(wc -l <<<"$stderr")" 1
		[[ $stderr = *"SYSTEM_PROMPT_FILE=${f% *}: "*"${f##* }"* ]]
		TICKETCHAT_SYSTEM_PROMPT_FILE=${f% *} run sessions doctor --quick
		is "$status" 2
		grep -q '^error *SYSTEM_PROMPT_FILE: ' <<<"$output"
	done
	for key in SYSTEM_PROMPT_FILE OLLAMA_TOKEN_FILE; do
		run -102 --separate-stderr env "TICKETCHAT_$key=$T/none" \
		    "$B/bin/sessions" -c "$T/conf" settings
		is "$stderr" "sessions: $key=$T/none: No such file or directory"
	done
	TICKETCHAT_SYSTEM_PROMPT_FILE=$T/blank run -102 --separate-stderr \
	    sessions settings
	[[ $stderr = *": it is "* ]]
	# The mark of UTF-8 is not the model's to read.
	replay "$UP/good.ndjson"
	TICKETCHAT_SYSTEM_PROMPT_FILE=$d/system-prompt.bom run -0 \
	    sessions settings
	TICKETCHAT_SYSTEM_PROMPT_FILE=$d/system-prompt.bom answer <<<x
	generated
	is "$(jq -r '.system | @base64' "$T/bodies/1.json")" \
	    "$(tail -c +4 "$d/system-prompt.bom" | base64 -w 0)"
}

# What doctor says of a setting, with these in the environment.
warned() {
	local what=$1 words=$2
	shift 2
	env "$@" "$B/bin/sessions" -c "$T/conf" doctor >"$T/found" || true
	grep -q "^warning *$what: .*$words" "$T/found" ||
	    { cat "$T/found"; false; }
	run env "$@" "$B/bin/sessions" -c "$T/conf" settings
	is "$status" 0
}

@test "doctor questions settings that are good and hardly meant" {
	replay "$UP/good.ndjson"
	(umask 077; head -c 40 /dev/zero | tr '\0' k >"$T/key.secret")
	warned OLLAMA_OPTIONS '"num_ctxt" is no option' \
	    OLLAMA_OPTIONS='{"num_ctxt":4096}'
	warned OLLAMA_OPTIONS '"temprature"' \
	    OLLAMA_OPTIONS='{"num_ctx":4096,"temprature":1,"stop":["a"]}'
	warned OLLAMA_OPTIONS 'num_ctx must be a number' \
	    OLLAMA_OPTIONS='{"num_ctx":"4096"}'
	warned OLLAMA_OPTIONS 'stop must be a list' \
	    OLLAMA_OPTIONS='{"stop":"a"}'
	warned GENERATIONS 'more than an Ollama usually writes' TICKETCHAT_GENERATIONS=64
	warned GENERATIONS 'more than an Ollama usually writes' TICKETCHAT_GENERATIONS=9
	warned IDLE_TIMEOUT ping TICKETCHAT_IDLE_TIMEOUT=10
	warned IDLE_TIMEOUT ping TICKETCHAT_IDLE_TIMEOUT=25
	warned ANSWER_TIMEOUT FIRST_TOKEN_TIMEOUT TICKETCHAT_ANSWER_TIMEOUT=60
	warned ANSWER_TIMEOUT FIRST_TOKEN_TIMEOUT \
	    TICKETCHAT_FIRST_TOKEN_TIMEOUT=2000
	warned AUTH 'JWT_KEY_FILE is set' TICKETCHAT_JWT_KEY_FILE="$T/key.secret"
	warned AUTH 'JWT_ISSUER is set' TICKETCHAT_JWT_ISSUER=idp
	warned ALLOWED_ORIGINS http://desk.example \
	    TICKETCHAT_ALLOWED_ORIGINS=http://desk.example
	warned ALLOWED_ORIGINS http://localhost \
	    TICKETCHAT_TLS_CERT="$T/conf" TICKETCHAT_TLS_KEY="$T/key.secret"
	warned ALLOWED_ORIGINS http://desk.example TICKETCHAT_ADDRESS=0.0.0.0 \
	    TICKETCHAT_ALLOWED_ORIGINS=http://desk.example \
	    TICKETCHAT_TRUSTED_PROXIES=10.0.0.1
	warned QUEUE_MAX 'no question waits' TICKETCHAT_QUEUE_MAX=0
	warned TICKETS unknown_ticket TICKETCHAT_TICKETS=existing
	warned ADDRESS '192.0.2.1 is not an address' \
	    TICKETCHAT_ADDRESS='127.0.0.1 192.0.2.1'
}

@test "doctor has no such warning for settings as they should be" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	OLLAMA_OPTIONS='{"num_ctx":8192,"stop":["a"],"use_mmap":true}' \
	    TICKETCHAT_GENERATIONS=4 TICKETCHAT_IDLE_TIMEOUT=60 \
	    TICKETCHAT_TICKETS=existing TICKETCHAT_ADDRESS='localhost [::1]' \
	    TICKETCHAT_ALLOWED_ORIGINS='https://desk.example http://localhost:*' \
	    sessions doctor >"$T/found" || true
	not grep -E '^(warning|error) .*(OLLAMA_OPTIONS|GENERATIONS|IDLE_TIMEOUT|ANSWER_TIMEOUT|AUTH|ALLOWED_ORIGINS|QUEUE_MAX|TICKETS|ADDRESS|PORT):' \
	    "$T/found"
}

@test "a file that DATABASE names is read before the start, and where the programs read" {
	local uri=postgres://ticketchat@127.0.0.1:9/x e="$T/elsewhere"
	printf 'x:1:x:x:secret\n' >"$e"
	chmod 600 "$e"
	ln -s "$e" "$T/link"
	refused() {
		TICKETCHAT_DATABASE="$uri?$1" run -102 --separate-stderr sessions settings --service
		grep -qF "$2" <<<"$stderr"
	}
	refused "passfile=$e" "put it below /etc"
	refused "passfile=$T/link&sslmode=require" "put it below /etc"
	refused "sslmode=require&passfile=$e" "put it below /etc"
	refused "sslrootcert=$e" "put it below /etc"
	refused "passfile=/etc/none" "No such file"
	refused "passfile=/etc/../$e" "put it below /etc"
	refused "passfile=/etc/hostname" "other users can read it"
	refused "passfile=/etc/ssl" "it is not a file"
	refused "passfile=" "No such file"
	refused "sslcert=/etc/hostname&sslkey=/none" "sslkey=/none"
	for o in sslrootcert=system sslrootcert=/etc/hostname sslmode=require \
	    application_name=passfile; do
		TICKETCHAT_DATABASE="$uri?$o" sessions settings --service >"$T/shown"
	done
	# It is of the start only: others pass on what run.sh has examined.
	TICKETCHAT_DATABASE="$uri?passfile=$e" sessions settings >"$T/shown"
}

@test "run.sh: the file is read once, and its values reach every program" {
	command -v websocketd >/dev/null || skip "no websocketd"
	installed
	replay "$UP/good.ndjson"
	P=$(free_port)
	mkdir "$T/elsewhere"
	printf '%s\n' "DATABASE=$T/elsewhere/db" "RUN_DIR=$T/elsewhere/run" \
	    "LOG=$T/elsewhere/log" "PORT=$P" ADDRESS=127.0.0.1 WEB=off \
	    "OLLAMA_SERVER=$OLLAMA_SERVER" OLLAMA_MODEL=test STOP_WAIT=1 \
	    >"$T/conf"
	# It is gone once it has been read: whoever reads it again fails.
	mkdir "$T/bin"
	printf '%s\n' '#!/bin/sh' "case \$* in" \
	    "*' settings '*) \"$B/bin/sessions\" \"\$@\" && rm \"$T/conf\" ;;" \
	    "*) exec \"$B/bin/sessions\" \"\$@\" ;;" esac >"$T/bin/sessions"
	chmod +x "$T/bin/sessions"
	sed -i "s|^bin=.*|bin=$T/bin|" "$T/ticketchat"
	env -i PATH="$PATH" "$T/ticketchat" -c "$T/conf" >"$T/said" 2>&1 3>&- &
	SERVICE=$!
	track $SERVICE
	within 30 listening "$P"
	client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q" >"$T/frames.out"
	is "$(tail -n 1 "$T/frames.out")" '{"type":"done"}'
	[ -s "$T/elsewhere/db" ]
	within 10 grep -q 'prog=answer .*outcome=kept' "$T/elsewhere/log"
	[ ! -e "$T/conf" ]
	end $SERVICE
}

@test "run.sh passes websocketd what sessions settings --service says" {
	printf 'PORT=6000\n' >"$T/conf"
	sessions settings >"$T/plain"
	sessions settings --service >"$T/service"
	is "$(head -n -1 "$T/service")" "$(cat "$T/plain")"
	tail -n 1 "$T/service" | grep -qE '^--passenv=TICKETCHAT_[A-Z_]+(,TICKETCHAT_[A-Z_]+)*$'
	tail -n 1 "$T/service" | grep -q ',TICKETCHAT_AUTH,'
	not grep -qE 'passenv.*TICKETCHAT_(PORT|BACKUPS|STOP_WAIT)\>' "$T/service"
}
