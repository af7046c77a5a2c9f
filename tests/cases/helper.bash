# What all cases share.  Each test gets a directory $T of its own with a
# database, RUN_DIR and LOG in it; teardown ends what the test started, by
# pid, and looks whether anything was left behind (the oracle).
#
#	replay [options] FILE	a replayed Ollama; see tests/replay.  SPEAKS=/v1
#				lets it speak OpenAI's dialect
#	replay_part FILE	one that stops in mid-stream, until replay_rest
#	ask 42 MESSAGE...	chat in a pipe; sets frames, status, err
#	viewer 42 MESSAGE...	the same in the background; sets V, a number
#	viewed V		waits for it; sets as ask
#	talker 42, say V MESSAGE...	as viewer, with stdin left open
#	tab 42			a talker as websocketd runs it; leave V
#	service [options]	run.sh; sets P, its port, and SERVICE
#	client URL MESSAGE	asks a service; prints the frames
#	answer			the filter: prompt on stdin; sets as ask
#	tamper PID INJECT...	strace -e inject=INJECT for one that runs
#	certify			makes $T/cert and $T/key, for localhost
#	clocked COMMAND		with the clocks of set_clocks, for answer too
#	is GOT WANTED		compares, and shows both
#	within SECONDS COMMAND	polls until it succeeds
#
# STORE=postgres runs a file's tests on PostgreSQL: each has a database in the
# cluster of postgres.bash, which tells how to break it.
#
# Settings are given in front:
# TICKETCHAT_STALL_TIMEOUT=1 ask 42 '{"ticketBody":"a"}'.

bats_require_minimum_version 1.5.0
export LC_ALL=C.UTF-8	# a bare system has no other, and may set none
unset PYTHONUNBUFFERED	# nor this
export CURL=no	# LD_PRELOAD reaches no answer that is linked statically
shopt -s lastpipe	# printf ... | pipe 42 1 sets our variables

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
B=$(realpath "${B:-$ROOT/build}")
UP=$ROOT/tests/upstream
REC=$ROOT/tests/ollama
SCHEMA=$(ls "$ROOT"/sql/[0-9]*.sql | wc -l)	# the newest one's number
Q='{"ticketBody":"printer jam"}'
GOOD='Reinicie a impressora.
'

# gojq says the same in a tenth of the time, but sorts the keys of objects.  So what
# prints objects (-c) is jq, and `command jq' what looks at the order of keys.
jq() {
	case $1 in
	-*c*) command jq "$@" ;;
	*) gojq "$@" ;;
	esac
}

STORE=${STORE:-sqlite}
[ "$STORE" != postgres ] || . "$ROOT/tests/cases/postgres.bash"

# A file with a setup_file of its own calls these in it.
store_begin() { [ "$STORE" != postgres ] || pg_start; }
store_end() { [ "$STORE" != postgres ] || pg_end; }
setup_file() { store_begin; }
teardown_file() { store_end; }

# What a test needs and may not have here.
needs_sqlite() { [ "$STORE" = sqlite ] || skip "of SQLite: $1"; }
needs_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }
needs_strace() {
	sanitized && skip "no ptrace under a sanitizer"
	strace -o /dev/null true 2>/dev/null || skip "no ptrace here"
}

# Has strace do something to a process that runs, at system calls of it.
tamper() {
	local p=$1
	shift
	rm -f "$T/tamper"	# of the one before
	strace -f -p "$p" -o "$T/tampered" "${@/#/-einject=}" 2>"$T/tamper" 3>&- &
	track $!
	within 10 grep -q attached "$T/tamper"
}
# Whether it stands still, by strace's own word: a signal may still be on its
# way to what /proc tells is stopped.
stopped() { grep -q 'stopped by SIGSTOP' "$1"; }
# Whether a chat has reached a generation's socket, or its backlog.
connected() { ls -l "/proc/$1/fd" | grep -q socket:; }

# At length all is tried: tests/run.sh long.  By day a part stands for it.
at_length() { [ -n "$TESTS_LONG" ]; }
long_or() { if at_length; then echo "$1"; else echo "$2"; fi; }
# Of the lines that it reads all, by day each $1th and the last one.
nth() {
	awk -v n="$(long_or 1 "$1")" '(NR - 1) % n == 0 { print; last = NR }
	    { line = $0 } END { if (NR != last) print line }'
}

# The system calls that a command makes, in order, each with how many of its
# name there were until then: what strace's when= counts.
points() {
	strace -o "$T/calls" "$@" >/dev/null 2>&1
	sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' "$T/calls" |
	    awk '{ print $1, ++n[$1] }'
}

# tests/preload.c, where programs without privileges may read it.
needs_preload() {
	sanitized && skip "a sanitizer has its own malloc and clocks"
	cp "$B/tests/preload.so" "$T"
	CHAT_BIN=$B/libexec/chat-jwt	# the one that is not linked statically
}

# How many seconds the clock on the wall and the monotonic one are ahead.
# Never cut: who reads it has it in memory.
set_clocks() { printf '%-12d%-12d' "$1" "$2" 1<>"$T/clocks"; }
clocked() { LD_PRELOAD=$T/preload.so CLOCKS=$T/clocks "$@"; }

# Those that run under AddressSanitizer need more memory, and no ptrace.
sanitized() { grep -q __asan_init "$B/bin/chat"; }

# What each test begins with is made once a file: the names of all settings, and
# a migrated database, which each test gets a copy of.  A file sets MIGRATED= to
# have an empty one (PostgreSQL) or none (SQLite) in its place.
MIGRATED=yes
MADE=$BATS_FILE_TMPDIR/made
make_once() {
	mkdir -p "$MADE"
	env -i "$B/bin/sessions" -c /dev/null settings |
	    sed 's/=.*//' >"$MADE/names"
	if [ "$STORE" = postgres ]; then
		pg_template
	else
		env -i TICKETCHAT_DATABASE="$MADE/db" "$B/bin/sessions" \
		    -c /dev/null migrate >"$MADE/migrate"
	fi
}
migrated() {
	case $STORE in
	postgres) pg_database "t$BATS_TEST_NUMBER" "${MIGRATED:+migrated}" ;;
	*) [ -z "$MIGRATED" ] || cp -p --sparse=never "$MADE"/db* "$T" ;;
	esac
}

# bats notes where it is before each command of ours, by some fifty of its own:
# a third of what the tests cost.  Where it failed is enough.
less_tracing() {
	trap - DEBUG
	trap note_failure ERR
}
note_failure() {
	bats_check_status_from_trap
	bats_capture_stack_trace
	BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=1
}

setup() {
	less_tracing
	[ -e "$MADE" ] || make_once
	unset $(<"$MADE/names") "${!TICKETCHAT_@}" "${!HTTP_@}" "${!OLLAMA_@}" \
	    PATH_INFO GATEWAY_INTERFACE UNIQUE_ID REMOTE_ADDR RUNTIME_DIRECTORY
	T=$BATS_TEST_TMPDIR CHAT_BIN=$B/bin/chat
	N=0 PIDS=() VIEWERS=() IN=()
	mkdir -m 700 "$T/run" "$T/bodies" "$T/kept"
	: >"$T/conf"
	: >"$T/replay.log"
	printf %s "$GOOD" >"$T/kept/good"
	export TICKETCHAT_DATABASE=$T/db TICKETCHAT_RUN_DIR=$T/run TICKETCHAT_LOG=$T/log
	export OLLAMA_MODEL=gemma3:270m OLLAMA_SERVER=http://127.0.0.1:9
	migrated
	if declare -F prepare >/dev/null; then prepare; fi
}

teardown() {
	local rc=0
	each_node clean_node || rc=1
	[ -n "$NO_DATABASE" ] || clean_store || rc=1
	each_node end_all
	each_node end_chats || rc=1
	if declare -F cleanup >/dev/null; then cleanup; fi
	[ "$STORE" != postgres ] || pg_clean || rc=1
	[ $rc = 0 ] || [ -n "$BATS_DEBUG_LAST_STACK_TRACE_IS_VALID" ] ||
	    note_failure
	return $rc
}

# There is one, but for tests of several; see postgres.bash.
each_node() {
	local d rc=0
	for d in "$TICKETCHAT_RUN_DIR" "$T"/run.[0-9]; do
		[ ! -d "$d" ] || TICKETCHAT_RUN_DIR=$d "$@" || rc=1
	done
	return $rc
}

end_chats() {
	within 10 no_chats && return
	kill -KILL $(chats)
	return 1
}

# Waiting

# On a machine that is busy with other things it waits on, up to six times as
# long, until it has looked as often as an idle one looks in that time.
within() {
	local at=${EPOCHREALTIME/[.,]/} looks=$(($1 * 10)) end later
	end=$((at + $1 * 1000000)) later=$((at + $1 * 6000000))
	shift
	until "$@"; do
		at=${EPOCHREALTIME/[.,]/} looks=$((looks - 1))
		if ((at > end && (looks < 0 || at > later))); then
			echo "not in time: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

not() { ! "$@"; }
dead() { ! kill -0 "$1" 2>/dev/null; }

# Processes

track() { PIDS+=("$1"); }

# Whether a process is of this test: its number may be another's by now.
ours() {
	grep -qsx "PPid:	$BASHPID" "/proc/$1/status" ||
	    grep -qszxF "TICKETCHAT_RUN_DIR=$TICKETCHAT_RUN_DIR" "/proc/$1/environ"
}

# Ends one that was started here, and waits for it.
end() {
	! ours "$1" || kill "-${2:-TERM}" "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

end_all() {
	local p
	# Most often there is none, which is one look.
	if [ -n "$(processes 'answer|lookup|door|chat')" ]; then
		p=$(processes 'answer|lookup|door')
		[ -z "$p" ] || kill -KILL $p 2>/dev/null || true
		p=$(chats)
		[ -z "$p" ] || kill -CONT $p 2>/dev/null || true
	fi
	for p in "${PIDS[@]}"; do
		! ours "$p" || kill -CONT "$p" 2>/dev/null || true
		end "$p"
	done
	PIDS=()
}

# The pids of the processes of this program, whichever variant, that have our
# RUN_DIR.
processes() {
	local f p name
	for f in $(grep -slzxF "TICKETCHAT_RUN_DIR=$TICKETCHAT_RUN_DIR" /proc/[0-9]*/environ); do
		p=${f%/environ} name=
		{ read -r name <"$p/comm"; } 2>/dev/null || continue
		[[ ${name%%-*} =~ ^($1)$ ]] || continue
		echo "${p#/proc/}"
	done
}
chats() { processes chat; }
no_chats() { [ -z "$(chats)" ]; }
answers() { processes answer; }
none_answers() { [ -z "$(answers)" ]; }
# The one of ticket $1.
answer_of() {
	local p
	for p in $(answers); do
		[ "$(tr '\0' ' ' <"/proc/$p/cmdline" | cut -d' ' -f2)" != "$1" ] ||
		    echo "$p"
	done
}
some_answers() { [ "$(answers | wc -l)" -ge "${1:-1}" ]; }

# Starts nginx with $T/sample, a file of deploy/, and with lines of its own.
nginx_with() {
	cat >"$T/nginx.conf" <<-CONF
	daemon off;
	${1:-}
	pid $T/nginx.pid;
	$([ "$(id -u)" != 0 ] || echo 'user root;')
	events {}
	http {
		client_body_temp_path $T/b;
		proxy_temp_path $T/p;
		fastcgi_temp_path $T/f;
		uwsgi_temp_path $T/u;
		scgi_temp_path $T/s;
		include $T/sample;
	}
	CONF
	nginx -p "$T" -c "$T/nginx.conf" >"$T/proxy.out" 2>&1 3>&- &
}

# The replayed Ollama

replay() {
	: >"$T/port"
	"$B/tests/replay" --log "$T/replay.log" --bodies "$T/bodies" "$@" \
	    >"$T/port" 2>"$T/replay.err" 3>&- &
	REPLAY=$!
	track $REPLAY
	within 10 test -s "$T/port"
	PORT=$(cat "$T/port")
	export OLLAMA_SERVER=http://127.0.0.1:$PORT${SPEAKS:-/api/generate}
}

# One that stops in its answer, so that what a test does meanwhile takes the
# time it takes.  Of a long stream it has sent w1 to w8 by then.
replay_part() { replay --stall 420 --until "$T/go" "$@"; }
replay_rest() { : >"$T/go"; }

replay_end() { end "$REPLAY"; }

# How many questions Ollama has got.
posts() { grep -c '^request' "$T/replay.log" || true; }
posted() { [ "$(posts)" -ge "$1" ]; }
logged() { grep -q "$1" "$T/replay.log"; }

# A stream of $1 pieces ("w1 " "w2 " ...), in $T/long.ndjson; it may be kept.
long() {
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++)
			print "{\"response\":\"w" i " \",\"done\":false}"
		print "{\"response\":\"\",\"done\":true}"
	}' >"$T/long.ndjson"
	jq -j .response "$T/long.ndjson" >"$T/kept/long"
	LONG=$(cat "$T/kept/long")
}

# The service

# A free port of the loopback.
# A port below those that the kernel gives to whoever connects: nobody else takes it
# before it is listened on.
free_port() {
	local p
	while p=$((10000 + SRANDOM % 22000)); listening "$p"; do :; done
	echo "$p"
}

listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Starts run.sh with these arguments, and waits for its port.
service() {
	P=$(free_port)
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 "$ROOT/run.sh" "$@" >"$T/said" 2>&1 3>&- &
	SERVICE=$!
	track $SERVICE
	within 60 listening "$P"
}

# A certificate for localhost: $T/cert and $T/key.
certify() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
	    -addext subjectAltName=DNS:localhost -days 2 -keyout "$T/key" -out "$T/cert" 2>"$T/openssl"
}

# Asks a running service; prints the frames, each as it comes.  $3: more
# arguments for connect.
client() {
	/usr/bin/python3 -u - "$@" <<'END'
import asyncio, sys, json
# Debian 12 and Debian 13 both have this one.
from websockets.legacy.client import connect
more = eval("dict(%s)" % "".join(sys.argv[3:]))
async def main():
    async with connect(sys.argv[1], max_size=None, **more) as ws:
        await ws.send(sys.argv[2])
        async for line in ws:
            print(line)
            if json.loads(line)["type"] in ("done", "error"):
                return
asyncio.run(asyncio.wait_for(main(), 60))
END
}

# Programs

# Where a ticket is for chat: under websocketd the whole path.
path_of() { echo "${GATEWAY_INTERFACE:+/api/websocket/chat}/$1"; }

chat() {
	local t=$1
	shift
	PATH_INFO=$(path_of "$t") "$CHAT_BIN" -c "$T/conf" "$@"
}

# The columns that a row of costs cannot do without, for an INSERT.
COSTS='TicketAIGenerations (SessionId, Model, DoneReason, PromptTokens, AnswerTokens,
QueuedMs, FirstTokenMs, TotalMs, LoadMs, PromptMs, AnswerMs)'

sessions() { "$B/bin/sessions" -c "$T/conf" "$@"; }
# What both databases understand, and print alike.
sql() {
	case $STORE in
	postgres) psql -c "$1" ;;
	*) sqlite3 -batch -cmd '.timeout 5000' "$TICKETCHAT_DATABASE" "$@" ;;
	esac
}

# Every byte of the database.
all_that_is_kept() {
	case $STORE in
	postgres) pg_dump ;;
	*) cat "$TICKETCHAT_DATABASE" "$TICKETCHAT_DATABASE-wal" ;;
	esac
}

# How many terminal frames these messages ask for.
questions() {
	local m n=0
	for m; do
		case $m in
		*'"type":"ping"'*|*'"type":"stop"'*|'') ;;
		*) n=$((n + 1)) ;;
		esac
	done
	echo $n
}

ask() {
	local t=$1 f=$T/frames.$((++N))
	shift
	status=0
	printf '%s\n' "$@" | chat "$t" >"$f" 2>"$f.err" || status=$?
	frames=$(<"$f")
	err=$(<"$f.err")
	check "$f" "$(questions "$@")"
}

# As ask, but stdin is ours and the number of questions is said.
pipe() {
	local f=$T/frames.$((++N))
	status=0
	chat "$1" >"$f" 2>"$f.err" || status=$?
	frames=$(<"$f")
	err=$(<"$f.err")
	check "$f" "$2"
}

# In a child: lets go of what others hear us by.
without_talkers() {
	local fd
	for fd in "${IN[@]}"; do [ -z "$fd" ] || exec {fd}>&-; done
}

# Becomes chat.
background() {
	without_talkers
	PATH_INFO=$(path_of "$1") exec "$CHAT_BIN" -c "$T/conf"
}

viewer() {
	local t=$1 f
	shift
	V=$((++N))
	f=$T/frames.$V
	printf '%s\n' "$@" >"$f.in"
	background "$t" <"$f.in" >"$f" 2>"$f.err" 3>&- &
	VIEWERS[V]=$!
	track $!
	questions "$@" >"$f.questions"
}

# As viewer, but its stdin stays open: say writes a message to it.
talker() {
	V=$((++N))
	mkfifo "$T/frames.$V.in"
	background "$1" <"$T/frames.$V.in" >"$T/frames.$V" \
	    2>"$T/frames.$V.err" 3>&- &
	VIEWERS[V]=$!
	track $!
	exec {IN[V]}>"$T/frames.$V.in"
	echo 0 >"$T/frames.$V.questions"
}

say() {
	local v=$1
	shift
	printf '%s\n' "$@" >&"${IN[v]}"
	echo $(($(cat "$T/frames.$v.questions") + $(questions "$@"))) \
	    >"$T/frames.$v.questions"
}

hang_up() { exec {IN[$1]}>&-; IN[$1]=; }

# As talker, but as websocketd runs it: who hangs up has left.
tab() { GATEWAY_INTERFACE=x talker "$@"; }

# Hangs up before the end.
leave() {
	hang_up "$1"
	within 10 dead "${VIEWERS[$1]}"
}

viewed() {
	local f=$T/frames.$1
	if [ -n "${IN[$1]}" ]; then hang_up "$1"; fi
	within "${2:-20}" dead "${VIEWERS[$1]}"
	status=0
	wait "${VIEWERS[$1]}" || status=$?
	frames=$(<"$f")
	err=$(<"$f.err")
	check "$f" "$(cat "$f.questions")"
}

# What a viewer has got until now.
so_far() { cat "$T/frames.$1"; }
has() { grep -q "$2" "$T/frames.$1"; }
sees() { within "${3:-10}" has "$1" "$2"; }

answer() {
	local f=$T/frames.$((++N))
	status=0
	"$B/bin/answer" -c "$T/conf" "$@" >"$f" 2>"$f.err" || status=$?
	frames=$(<"$f")
	err=$(<"$f.err")
	check "$f" 1
}

# Frames

# Of the frames that were checked last jq has said all of this already; the
# start of another jq takes as long as ten other programs.
checked() { [ $# = 0 ] && [ "$frames" = "$CHECKED" ]; }
text() {
	if checked "$@"; then base64 -d <<<"$CHECKED_TEXT"; return; fi
	jq -j 'select(.type == "stream").content' <<<"${1:-$frames}"
}
cached_text() {
	if checked; then base64 -d <<<"$CHECKED_CACHED"; return; fi
	jq -j 'select(.type == "cached").response' <<<"$frames"
}
# With a dot behind, as $(...) drops line ends.
is_text() { is "$(text; echo .)" "$1."; }
code() {
	if checked "$@"; then printf '%s' "${CHECKED_CODES// /$'\n'}"; return; fi
	jq -r 'select(.type == "error").code' <<<"${1:-$frames}"
}
# The types in order; stream frames in a row are one.
types() {
	if checked "$@"; then printf '%s\n' "$CHECKED_TYPES"; return; fi
	jq -r .type <<<"${1:-$frames}" |
	    awk '$0 != "stream" || p != $0 { print } { p = $0 }' | paste -sd ' '
}
last() { local f=${1:-$frames}; echo "${f##*$'\n'}"; }
# Times are not compared.
norm() { jq -c 'if has("createdAt") then .createdAt = "T" else . end' \
	<<<"${1:-$frames}"; }

is() {
	[ "$1" = "$2" ] && return
	printf 'got:\n%s\nwanted:\n%s\n' "$1" "$2" >&2
	return 1
}

# The states that status frames told, with positions.
states() { jq -r 'select(.type == "status") | "\(.state)\(.position // "")"' \
	<<<"${1:-$frames}" | uniq | paste -sd ' '; }

# All that each status frame told, as "STATEPOSITION/VIEWERS" a line.
statuses() { jq -r 'select(.type == "status") |
    "\(.state)\(.position // "")/\(.viewers)"' <<<"${1:-$frames}"; }
# No status frame told what the one before had told.
news_only() { is "$(statuses | uniq -d)" ''; }

# A question that failed with a code, and the program's exit code.
failed_with() {
	is "$(code)" "$1"
	[[ ${frames##*$'\n'} = '{"type":"error",'* ]]
	[ -z "$2" ] || is "$status" "$2"
}

# The good answer of tests/upstream, freshly generated or kept.
generated() { is "$(types) $(text; echo .)" "stream done $GOOD."; }
kept() {
	is "$(types)" "cached done"
	is "$(cached_text; echo .)" "${1-$GOOD}."
}

# Every line is a frame, and each question has one end: cached and done, or
# stream frames and done, or an error; a generation that was lost may be
# followed by the whole answer.
FRAMES='
def ended: .type | IN("done", "error", "rated");
def frame: type == "object" and (.type |
    IN("stream", "cached", "done", "error", "status", "pong", "rated", "turn",
	"sources")) and
    (if .type == "stream" then (.content | type == "string" and . != "")
    elif .type == "cached" then (.response | type) == "string" and
	(.message | type) == "string" and
	(.createdAt | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$"))
    elif .type == "turn" then keys == ["createdAt", "question", "response",
	"session", "type"] and (.session | type) == "number" and
	(.question | type == "string" and . != "") and
	(.response | type == "string" and . != "") and
	(.createdAt | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$"))
    elif .type == "sources" then keys == ["sources", "type"] and
	(.sources | type == "array" and length <= 10 and all(.[];
	((keys - ["ticket", "url"]) == ["cited", "n", "title"]) and
	(.n | type) == "number" and (.cited | type) == "boolean" and
	(.title | type == "string" and . != "") and
	((.url // "http://") | test("^https?://")) and
	((.ticket // 1) | type) == "number"))
    elif .type == "error" then (.message | type == "string" and . != "" and
	(test("[{][}]") | not)) and (.code | type) == "string" and
	(.retryable | type) == "boolean"
    elif .type == "rated" then ([.session, .version, .good, .bad] |
	map(type) | unique) == ["number"]
    else true end);
[inputs] | . as $frames |
    if all(frame) | not then "a frame of a wrong shape" else
    map(select(.type | IN("status", "pong") | not)) as $all |
    ([$all[] | select(ended)] | length) as $ends |
    if $ends != $wanted then "\($ends) ends of \($wanted) questions"
    elif ($all | length > 0) and ($all[-1] | ended | not) then
	"frames behind the last end"
    elif [range($all | length) | select($all[.].type == "cached" and
	($all[. + 1].type | IN("done", "turn", "sources", "error") |
	not))] != []
	then "cached without done"
    else "good", ([range($frames | length) | select($frames[.].type != "stream"
	or . == 0 or $frames[. - 1].type != "stream") | $frames[.].type] |
	join(" ")),
	([$frames[] | select(.type == "error").code + " "] | add // ""),
	([$frames[] | select(.type == "stream").content] | add // "" | @base64),
	([$frames[] | select(.type == "cached").response] | add // "" | @base64)
    end end'

check() {
	local problem whole= said LC_ALL=C
	problem=$(jq -rn --argjson wanted "$2" "$FRAMES" <"$1" 2>&1) || true
	if [[ $problem = good* ]]; then
		mapfile -t said <<<"$problem"
		CHECKED=$(<"$1")
		CHECKED_TYPES=${said[1]} CHECKED_CODES=${said[2]}
		CHECKED_TEXT=${said[3]} CHECKED_CACHED=${said[4]}
		problem=
	fi
	if [ -z "$problem" ] && [ -s "$1" ]; then
		IFS= read -r -d '' whole <"$1" && problem="a NUL"
		[[ $whole = *$'\n' ]] || problem="no line end"
		[[ $whole != *[$'\200'-$'\377']* ]] ||
		    problem=$(iconv -f UTF-8 -t UTF-8 "$1" 2>&1 >/dev/null) ||
		    problem="no UTF-8: $problem (iconv: $?)"
		[[ $whole != *[$'\001'-$'\011'$'\013'-$'\037'$'\177']* ]] ||
		    problem="a raw control byte"
		# gojq reads half of a character, too.
		[[ $whole != *'\u'[dD][89a-fA-F]* ||
		    ${whole//'\\'} != *'\u'[dD][89a-fA-F]* ]] ||
		    problem="an escaped surrogate"
		[ ${#whole} -lt 4000 ] || awk 'length > 3999 &&
		    !/^{"type":"(cached|turn|sources)"/ { exit 1 }' "$1" ||
		    problem="a long frame"
	fi
	[ -z "$problem" ] && return
	printf '%s: %s:\n%s\n' "$1" "$problem" "$(head -c 3000 "$1")" >&2
	return 1
}

# What must hold whatever a test has done: of each node, and of the database.
clean_node() {
	local bad=0
	if ! within "${PATIENCE:-10}" none_answers; then
		echo "answer still runs: $(answers)" >&2
		bad=1
	fi
	if [ -d "$TICKETCHAT_RUN_DIR" ] && ls -A "$TICKETCHAT_RUN_DIR" | grep -vE \
	    '^(claims|health|database|hooks|identity|lookup|model|questions|queue|refusals|slots|viewers|rate\.db(-wal|-shm|-lock)?)$' >&2; then
		echo "a file is left" >&2
		bad=1
	fi
	if grep -ls 'Sanitizer' "$T"/*.err >&2; then
		cat "$T"/*.err >&2
		bad=1
	fi
	return $bad
}

# What is exported, beside what a test may have saved: all of $T/kept.
EXPORTED='[$ARGS.named[]] as $may | [inputs] |
    if all((.response == null) == (.model == null and .author == null))
    then empty
    else "an answer without its cost or its author, or the reverse" end,
    (.[].response // empty | select(IN($may[]) | not) |
	"a partial answer was saved: " + .[0:1000])'
clean_store() {
	local bad=0 f may=() problem
	if [ "$STORE" = sqlite ]; then
		is "$(sql 'PRAGMA integrity_check; PRAGMA foreign_key_check')" \
		    ok || bad=1
	fi
	env -i TICKETCHAT_DATABASE="$TICKETCHAT_DATABASE" "$B/bin/sessions" -c /dev/null export \
	    >"$T/exported" || bad=1
	[ -s "$T/exported" ] || return $bad
	for f in "$T"/kept/*; do may+=(--rawfile "f${#may[@]}" "$f"); done
	problem=$(jq -rn "${may[@]}" "$EXPORTED" "$T/exported" 2>&1) || bad=1
	[ -z "$problem" ] || bad=1
	[ -z "$problem" ] || echo "$problem" >&2
	return $bad
}
