#!/usr/bin/env bats
# TICKET_FILTER, KNOWLEDGE_COMMAND and DONE_COMMAND: other people's programs.
load helper

# Makes a program $T/$1 of what is on stdin, behind #!/bin/sh.
program() {
	{ echo '#!/bin/sh'; cat; } >"$T/$1"
	chmod 755 "$T/$1"
}
filter() {
	program filter
	export TICKETCHAT_TICKET_FILTER=$T/filter
}
prepare() { export TICKETCHAT_WRITE=on; }
ask_about() { jq -nc --arg q "$1" '{question: $q}'; }
hint() {
	jq -nc --arg i "$1" '{ticketBody: "printer jam", refresh: true, instruction: $i}'
}
# The texts in the fences of the last user's message of the Nth POST.
reads() {
	jq -j '.prompt // .messages[-1].content' "$T/bodies/$1.json" |
	    sed -E '/^\[\[\/?[0-9a-f]{16}\]\]$/d'
}
# What the model got with the Nth POST, without fences.
messages() {
	jq -r '.messages[].content' "$T/bodies/$1.json" | sed -E '/^\[\[\/?[0-9a-f]{16}\]\]$/d'
}
model_texts() {
	sql "SELECT Id, coalesce(ModelText, '-') FROM TicketAISessions ORDER BY Id" | tr '|' ' '
}
# The service's log of what a hook did.
told() { grep -o "hook=$1 .*" "$TICKETCHAT_LOG"; }
# A question that ended with filter_failed, because of $1.
fails() {
	failed_with filter_failed 2
	is "$(jq .retryable <<<"$frames")" true
	is "$(told TICKET_FILTER | tail -n 1 | sed 's/.*error="\([^"]*\)".*/\1/')" "$1"
	# Nothing of the answer is there, and nothing was asked of the model.
	is "$(posts) $(sql 'SELECT count(*) FROM TicketAISessions WHERE AiResponse IS NOT NULL')" '0 0'
}
no_places() { [ -z "$(find "$TICKETCHAT_RUN_DIR" -name 'tmp-*')" ]; }

@test "a filter: what the model reads, what is saved, what is compared" {
	replay "$UP/good.ndjson"
	filter <<<'sed s/printer/PRINTER/'
	ask 42 "$Q"
	generated
	is "$(reads 1)" 'PRINTER jam'
	is "$(sql 'SELECT Prompt, ModelText FROM TicketAISessions')" 'printer jam|PRINTER jam'
	ask 42 "$Q"
	kept
	# The word of the fences is that of the original: it stays without the filter.
	w=$(jq -j .prompt "$T/bodies/1.json" | head -c 18)
	export TICKETCHAT_CACHE=body
	ask 42 "$Q"
	kept
	TICKETCHAT_TICKET_FILTER='' ask 42 '{"ticketBody":"printer jam","refresh":true}'
	generated
	is "$(reads 2)" 'printer jam'
	is "$(jq -j .prompt "$T/bodies/2.json" | head -c 18)" "$w"
	# What differs only as the same text does, is not kept.
	filter <<'END'
printf '\357\273\277'; sed 's/$/  \r/'; echo
END
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	generated
	is "$(reads 3)" 'printer jam'
	filter <<<'cat'
	ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(model_texts)" '1 PRINTER jam
2 -
3 -
4 -'
}

@test "a filter: questions, instructions and the thread, each part by its name" {
	replay "$UP/good.ndjson"
	filter <<'END'
printf '%s %s %s: ' "$HOOK_PART" "$HOOK_TICKET" "$HOOK_LANGUAGE"
cat
END
	ask 42 '{"ticketBody":"printer jam","lang":"en"}'
	generated
	is "$(reads 1)" 'ticket 42 en: printer jam'
	ask 42 "$(jq -c '.lang = "es"' <<<"$(hint 'be brief')")"
	generated
	is "$(reads 2)" 'ticket 42 es: printer jam
instruction 42 es: be brief'
	ask 42 "$(ask_about 'and now?')"
	generated
	is "$(messages 3 | grep ' 42 ')" "$(printf '%s\n' \
	    'ticket 42 es: printer jam' 'instruction 42 pt-BR: be brief' \
	    'question 42 pt-BR: and now?')"
	is "$(model_texts)" '1 ticket 42 en: printer jam
2 ticket 42 es: printer jam
3 question 42 pt-BR: and now?'
	# The thread uses again what was kept, and says to the viewer what was asked.
	ask 42 "$(ask_about 'and then?' | jq -c '.thread = true')"
	is "$(types)" 'stream turn turn done'
	is "$(jq -r 'select(.type == "turn").question' <<<"$frames" | paste -sd ' ')" 'and now? and then?'
	is "$(messages 4 | grep -c 'question 42 pt-BR: and now?')" 1
	is "$(messages 4 | grep -c 'question 42 pt-BR: and then?')" 1
	ask 42 "$(ask_about 'and now?')"
	is "$(types) $(posts)" 'cached done 4'
	# A ticket that was answered before there was a filter is filtered, too.
	TICKETCHAT_TICKET_FILTER='' ask 43 "$Q"
	ask 43 "$(ask_about 'why?')"
	generated
	is "$(messages 6 | grep -c 'ticket 43 pt-BR: printer jam')" 1
	is "$(sql 'SELECT count(ModelText) FROM TicketAISessions WHERE TicketId = 43
	    AND FollowsId IS NULL')" 0
}

@test "a filter gets the text as it was typed, and its environment alone" {
	replay "$UP/good.ndjson"
	export SECRET=x TICKETCHAT_LANGUAGE=es
	filter <<'END'
od -An -c; echo "$0"; env | grep -v '^_='; ls -l /proc/self/fd | sed 's/.* -> //'; pwd
END
	ask 42 '{"ticketBody":" \ufeffa\r\nb\u00a0 \n"}'
	generated
	is "$(reads 1 | head -n 1 | tr -s ' ')" '357 273 277 a \r \n b 302 240 \n'
	is "$(reads 1 | sed -n 2p)" "$T/filter"
	# A server gives the session only with a slot.
	[ "$STORE" = postgres ] || reads 1 | grep -qx HOOK_SESSION=1
	is "$(reads 1 | grep = | grep -v SESSION | sed 's/tmp-[0-9]*/tmp-N/' | sort)" "HOOK_LANGUAGE=es
HOOK_PART=ticket
HOOK_TICKET=42
LANG=C.UTF-8
PATH=/usr/local/bin:/usr/bin:/bin
PWD=$(realpath "$TICKETCHAT_RUN_DIR")/tmp-N
TMPDIR=$(realpath "$TICKETCHAT_RUN_DIR")/tmp-N"
	# Standard input, output and error, and the directory that ls lists.
	is "$(reads 1 | grep -c '^pipe:\|^/memfd:\|^/proc/')" 4
	within 10 no_places
}

@test "every way in which a filter can fail ends the question" {
	replay "$UP/good.ndjson"
	local what
	declare -A bad=(
		['cat >/dev/null; exit 1']='exit code 1'
		['exit 3']='exit code 3'
		['cat; exit 3']='exit code 3'
		['cat; kill -KILL $$']='signal 9 ended it'
		['kill -SEGV $$']='signal 11 ended it'
		['true']='it printed nothing'
		['printf " \n\t\342\200\213\n"']='it printed only white space'
		['printf "a\000b"']='it printed a NUL'
		['printf "caf\351"']='what it printed is not UTF-8'
		['printf "\355\240\200"']='what it printed is not UTF-8'
		['yes']='it printed more than 320 bytes'
		['head -c 321 /dev/zero | tr "\000" x']='it printed more than 320 bytes'
	)
	export TICKETCHAT_MAX_TICKET_BYTES=20
	for what in "${!bad[@]}"; do
		filter <<<"$what"
		ask 42 "$Q"
		fails "${bad[$what]}"
	done
	rm "$T/filter"
	ask 42 "$Q"
	fails 'exit code 127, as of a program that cannot be executed'
	told TICKET_FILTER | tail -n 1 | grep -q 'stderr="No such file or directory"'
	filter <<<cat
	chmod 644 "$T/filter"
	ask 42 "$Q"
	fails 'exit code 127, as of a program that cannot be executed'
	rm "$T/filter"; mkdir "$T/filter"
	ask 42 "$Q"
	fails 'exit code 127, as of a program that cannot be executed'
	rmdir "$T/filter"; printf 'no program\n' >"$T/filter"; chmod 755 "$T/filter"
	ask 42 "$Q"
	fails 'exit code 127, as of a program that cannot be executed'
	printf '#!/no/such/interpreter\n' >"$T/filter"
	ask 42 "$Q"
	fails 'exit code 127, as of a program that cannot be executed'
	# What it says is in the log, one line of it.
	filter <<<'printf "\n\033[31mno \"words\"\nmore\n" >&2; exit 1'
	ask 42 "$Q"
	fails 'exit code 1'
	told TICKET_FILTER | tail -n 1 | grep -qF "stderr=\"?[31mno 'words'\""
	# Asked again when it works: answered.
	filter <<<'cat; echo hm >&2'
	ask 42 "$Q"
	generated
	told TICKET_FILTER | tail -n 1 | grep -q 'error="" stderr="hm"'
	# The messages for people.
	filter <<<false
	for what in pt-BR:preparar en:prepared es:preparar; do
		ask 43 "{\"ticketBody\":\"x\",\"lang\":\"${what%:*}\"}"
		[[ $(jq -r .message <<<"$frames") == *"${what#*:}"* ]]
	done
}

@test "a filter fails for a question and an instruction as for a ticket" {
	replay "$UP/good.ndjson"
	TICKETCHAT_TICKET_FILTER='' ask 42 "$Q"
	filter <<<'[ "$HOOK_PART" = ticket ] && cat'
	ask 42 "$(ask_about 'why?')"
	failed_with filter_failed 2
	ask 42 "$(hint 'be brief')"
	failed_with filter_failed 2
	is "$(sql 'SELECT count(*) FROM TicketAISessions WHERE AiResponse IS NOT NULL') $(posts)" '1 1'
	is "$(sql 'SELECT count(*) FROM TicketAISessions WHERE FollowsId IS NOT NULL')" 0
}

@test "a filter that hangs is ended with all that it has started" {
	replay "$UP/good.ndjson"
	filter <<'END'
trap '' TERM INT HUP
sleep 3000 &
(setsid sleep 3001 &)
(setsid sh -c 'setsid sleep 3002 & sleep 3003' &)
cat >/dev/null
sleep 3004
END
	local began=$SECONDS
	ask 42 "$Q"
	fails 'it did not end within 5 s'
	[ $((SECONDS - began)) -ge 4 ]
	is "$(pgrep -f '^sleep 300[0-4]$' || true)" ''
	within 10 no_places
	# Nor what stays behind after a good end: its output is complete, and it
	# is not waited for.
	filter <<'END'
(setsid sleep 3005 &)
sleep 3006 &
exec cat
END
	began=$SECONDS
	ask 42 "$Q"
	generated
	within 10 none_answers
	is "$(pgrep -f '^sleep 300[56]$' || true)" ''
}

@test "a stop and the leaving of all viewers end a filter" {
	replay "$UP/good.ndjson"
	filter <<'END'
echo $$ >"$TMPDIR/pid"; sleep 3007
END
	talker 42
	say $V "$Q"
	within 30 some_answers
	within 30 sh -c "ls '$TICKETCHAT_RUN_DIR'/tmp-*/pid >/dev/null 2>&1"
	say $V '{"type":"stop"}'
	viewed $V
	failed_with stopped 2
	within 10 none_answers
	no_places
	is "$(pgrep -f '^sleep 3007$' || true)" ''
}

# Holds bytes $1 to $2 of the turns, until $HOLDER is ended.
hold_turns() {
	/usr/bin/python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "r+b")
fcntl.lockf(f, fcntl.LOCK_EX, int(sys.argv[3]) - int(sys.argv[2]) + 1, int(sys.argv[2]))
open(sys.argv[4], "w").close()
time.sleep(600)' "$TICKETCHAT_RUN_DIR/hooks" "$1" "$2" "$T/held" 3>&- &
	HOLDER=$!
	track $HOLDER
	within 60 [ -e "$T/held" ]
	rm "$T/held"
}

@test "of filters eight run at a time; others wait for a turn" {
	replay "$UP/good.ndjson"
	filter <<<'date +%s%N >&2; exec cat'
	(umask 077 && : >"$TICKETCHAT_RUN_DIR/hooks")
	ran() { told TICKET_FILTER | tail -n 1 | sed 's/.*stderr="\([0-9]*\)".*/\1/'; }
	# With one turn left, or those of DONE_COMMAND taken, nobody waits.
	hold_turns 0 14
	ask 41 "$Q"
	generated
	end $HOLDER
	hold_turns 8 15
	viewer 42 "$Q"
	within 60 some_answers
	sleep 0.3
	freed=$(date +%s%N)
	end $HOLDER
	viewed $V
	generated
	[ "$(ran)" -ge "$freed" ]
	# A stop ends the waiting.
	hold_turns 8 15
	talker 43
	say $V "$Q"
	within 60 some_answers
	say $V '{"type":"stop"}'
	viewed $V
	failed_with stopped 2
	within 60 none_answers
	is "$(told TICKET_FILTER | wc -l)" 2
}

@test "whoever asks meanwhile waits for the same filter and answer" {
	replay "$UP/good.ndjson"
	filter <<END
echo x >&2
while ! [ -e /usr/share/none ] && [ "\$(date +%s)" -lt "$(($(date +%s) + 3))" ]; do sleep 0.1; done
cat
END
	viewer 42 "$Q"
	one=$V
	within 30 some_answers
	viewer 42 "$Q"
	viewed $one
	generated
	viewed $V
	generated
	is "$(posts) $(told TICKET_FILTER | wc -l)" '1 1'
}

@test "sizes: what is admitted, and what the filter may leave" {
	replay "$UP/good.ndjson"
	export TICKETCHAT_MAX_TICKET_BYTES=20
	local long
	long=$(printf '%0321d' 0)
	TICKETCHAT_TICKET_FILTER='' ask 42 "{\"ticketBody\":\"${long:0:21}\"}"
	failed_with too_large 1
	filter <<<'head -c 20'
	ask 42 "{\"ticketBody\":\"${long:0:21}\"}"
	generated
	ask 43 "{\"ticketBody\":\"${long:0:320}\"}"
	generated
	is "$(reads 2)" "${long:0:20}"
	is "$(sql 'SELECT length(Prompt) FROM TicketAISessions WHERE TicketId = 43')" 320
	ask 44 "{\"ticketBody\":\"$long\"}"
	failed_with too_large 1
	filter <<<'head -c 21'
	ask 44 "{\"ticketBody\":\"${long:0:21}\"}"
	failed_with too_large 1
	is "$(jq -r .detail <<<"$frames")" 20
	# Those of other texts.
	filter <<<'if [ "$HOOK_PART" = ticket ]; then cat; else head -c 300 /dev/zero | tr "\000" x; fi'
	ask 43 "$(ask_about 'why?')"
	generated
	export TICKETCHAT_MAX_TICKET_BYTES=1000
	filter <<<'if [ "$HOOK_PART" = ticket ]; then cat; else head -c 8193 /dev/zero | tr "\000" x; fi'
	ask 43 "$(ask_about 'why not?')"
	failed_with too_large 1
	is "$(jq -r .detail <<<"$frames")" 8192
	ask 42 "$(hint 'be brief')"
	failed_with too_large 1
	is "$(jq -r .detail <<<"$frames")" 2000
}

@test "a filter at a shell: answer, sessions ask" {
	replay "$UP/good.ndjson"
	filter <<<'sed s/printer/PRINTER/'
	answer <<<'printer jam'
	generated
	is "$(reads 1)" 'PRINTER jam'
	TICKETCHAT_RUN_DIR=$T/new answer <<<'printer jam'
	generated
	rmdir "$T/new"
	filter <<<false
	answer <<<'printer jam'
	failed_with filter_failed 2
	filter <<<'sed s/printer/Printer/'
	run -0 sessions ask 42 'printer jam'
	is "$(reads 3)" 'Printer jam'
	filter <<<false
	run -2 sessions ask 43 'printer jam'
}

@test "the sandbox of a filter: TMPDIR can be written, nothing else" {
	replay "$UP/good.ndjson"
	ask 41 "$Q"
	mkdir "$T/outside"
	(umask 077; echo secret >"$T/outside/key"
	 cp "$T/outside/key" "$T/other-hook"; chmod 755 "$T/other-hook"
	 printf '%032d\n' 7 >"$T/key.secret")
	export TICKETCHAT_AUTH=off TICKETCHAT_JWT_KEY_FILE=$T/key.secret \
	    TICKETCHAT_OLLAMA_TOKEN_FILE=$T/outside/key
	filter <<END
can() { if "\$@" >/dev/null 2>&1; then echo "can \$*"; fi; }
reads() { if [ -n "\$(tr -d '\\000' <"\$1")" ] 2>/dev/null; then echo "reads \$1"; fi; }
into() { if (echo x >"\$1") 2>/dev/null; then echo "writes \$1"; fi; }
echo begin
mkdir "\$TMPDIR/a" && echo x >"\$TMPDIR/a/b" && mv "\$TMPDIR/a/b" "\$TMPDIR/a/c" && cat "\$TMPDIR/a/c"
into here
into /dev/null
for f in "$TICKETCHAT_DATABASE" "$TICKETCHAT_DATABASE-wal" "$T/outside/key" "$T/key.secret" "$T/other-hook" \
    "$TICKETCHAT_LOG" "$TICKETCHAT_RUN_DIR/claims" "$T/conf" /etc/shadow /proc/\$PPID/environ \
    /proc/\$PPID/mem; do
	reads "\$f" 2>/dev/null
done
reads "$T/filter"
for f in "$TICKETCHAT_RUN_DIR/x" "$TICKETCHAT_RUN_DIR/claims" "$TICKETCHAT_DATABASE" "$T/x" \
    /tmp/ticketchat-hook-test /var/tmp/ticketchat-hook-test /dev/shm/ticketchat-hook-test; do
	into "\$f"
done
can ls "$TICKETCHAT_RUN_DIR"
can ls "$T"
can rm "$TICKETCHAT_LOG"
can mkdir "$T/made"
can ln "$T/filter" "\$TMPDIR/again"
can kill -0 \$PPID
can "$B/bin/sessions" --version
END
	ask 42 "$Q"
	generated
	# An old kernel does not know how to keep signals in.
	is "$(reads 2 | grep -v '^can kill')" "begin
x
writes here
writes /dev/null
reads $T/filter"
	within 10 no_places
}

@test "a hook reaches no socket in RUN_DIR; names, sh, perl and curl work" {
	replay "$UP/good.ndjson"
	{ echo '#!/usr/bin/python3'; cat <<END; } >"$T/filter"
import ctypes, errno, os, socket, stat, subprocess
def tell(what, do):
    try:
        do()
        print(what)
    except OSError as e:
        print(what, errno.errorcode[e.errno])
def call(number, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *args) == -1:
        raise OSError(ctypes.get_errno(), "")
there = any(stat.S_ISSOCK(os.stat(p).st_mode) for p in [
    "$TICKETCHAT_RUN_DIR/42.sock"])
print("there", there)
def reach(kind):
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.connect("$TICKETCHAT_RUN_DIR/42.sock")
        s.send(b"{}\n")
for kind in ("STREAM", "DGRAM", "SEQPACKET", "RAW"):
    tell(kind, lambda: reach(getattr(socket, "SOCK_" + kind)))
tell("flags", lambda: socket.socket(socket.AF_UNIX,
    socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
tell("high", lambda: call(41 if os.uname().machine == "x86_64" else 198,
    ctypes.c_long(1 << 32 | 1), 1, 0))
def pair():
    a, b = socket.socketpair()
    a.send(b"x")
    if b.recv(1) != b"x":
        raise OSError(errno.EIO, "")
tell("pair", pair)
tell("datagrams", lambda: socket.socketpair(socket.AF_UNIX,
    socket.SOCK_DGRAM))
tell("uring", lambda: call(425, 1, ctypes.create_string_buffer(120)))
tell("names", lambda: socket.getaddrinfo("localhost", 80))
tell("tcp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
for argv in (["sh", "-c", "echo sh"], ["perl", "-e", 'print "perl\n"']):
    print(subprocess.run(argv, stdout=subprocess.PIPE).stdout.decode().strip())
# 7: it has no server there, but it has found the name.
print("curl", subprocess.run(["curl", "-s", "http://localhost:1/"]).returncode)
END
	chmod 755 "$T/filter"
	export TICKETCHAT_TICKET_FILTER=$T/filter
	ask 42 "$Q"
	generated
	is "$(reads 1)" 'there True
STREAM EACCES
DGRAM EACCES
SEQPACKET EACCES
RAW EACCES
flags EACCES
high EACCES
pair
datagrams EACCES
uring ENOSYS
names
tcp
sh
perl
curl 7'
}

@test "what a filter leaves in TMPDIR is removed, however deep, and after a kill" {
	replay "$UP/good.ndjson"
	filter <<'END'
i=0
while [ $i -lt 150 ]; do mkdir deeper; cd deeper; echo x >file; i=$((i + 1)); done
cd "$TMPDIR"
mkdir -p closed/in/it && echo x >closed/in/it/y && chmod 0 closed/in closed
ln -s / root
mkfifo fifo
cat
END
	ask 42 "$Q"
	generated
	within 10 none_answers
	no_places
	[ -d / ] && [ -d "$T" ]
	# Of an answer that was killed the next one's end removes it.
	filter <<<'echo x >"$TMPDIR/x"; exec sleep 3008'
	viewer 43 "$Q"
	within 30 sh -c "ls '$TICKETCHAT_RUN_DIR'/tmp-*/x >/dev/null 2>&1"
	kill -KILL $(answer_of 43)
	viewed $V
	# On a server another one may have begun, whose program takes too long.
	[[ $(code) = interrupted || $(code) = filter_failed ]]
	# That one's end has removed it.
	[ "$(code)" = filter_failed ] || not no_places
	within 10 sh -c '! pgrep -f "^sleep 3008$" >/dev/null'
	filter <<<cat
	ask 43 "$Q"
	generated
	within 10 no_places
}

@test "forget, purge, export and import know what the model got" {
	replay "$UP/good.ndjson"
	filter <<<'sed s/printer/xylophone/'
	ask 42 "$Q"
	ask 42 "$(ask_about 'which printer?')"
	run -0 sessions export
	is "$(jq -r '.model_text // empty' <<<"$output")" 'xylophone jam
which xylophone?'
	printf '%s\n' "$output" >"$T/all"
	run -0 sessions forget --ticket 42 --verify
	is "$(all_that_is_kept | grep -ac xylophone)" 0
	run -0 sessions import "$T/all"
	is "$(model_texts)" '1 xylophone jam
2 which xylophone?'
	run -0 sessions show --json 42
	is "$(jq -r .model_text <<<"$output" | head -n 1)" 'xylophone jam'
	ask 42 "$(ask_about 'and then?')"
	generated
	is "$(messages 3 | grep -c xylophone)" 2
}

@test "no descriptor and no child is left after many filters" {
	replay_part "$UP/good.ndjson"
	filter <<<cat
	viewer 42 "$Q"
	within 30 posted 1
	local p
	p=$(answer_of 42)
	# Its own standard input is a memfd.
	is "$(ls -l /proc/$p/fd | grep -c 'pipe:\|memfd\|\[pidfd\]')" 1
	is "$(cat /proc/$p/task/$p/children)" ''
	replay_rest
	viewed $V
	generated
}

@test "run.sh and sessions settings examine the programs: 102 with the reason" {
	refused() {
		TICKETCHAT_TICKET_FILTER=$1 run -102 sessions settings
		is "$output" "sessions: TICKET_FILTER=$1: $2"
	}
	filter <<<cat
	run -0 sessions settings
	grep -qx "TICKET_FILTER=$T/filter" <<<"$output"
	refused "$T/none" 'No such file or directory'
	refused "$T" 'it is not a file'
	for p in filter ./filter '~/filter' cat; do
		refused "$p" 'not an absolute path, which begins with /' 2>/dev/null ||
		    is "$output" "sessions: TICKET_FILTER=$p: not an absolute path, which begins with /"
	done
	cp "$T/filter" "$T/plain"; chmod 644 "$T/plain"
	refused "$T/plain" 'it is not executable (chmod +x)'
	printf 'cat\n' >"$T/text"; chmod 755 "$T/text"
	refused "$T/text" 'it is neither a program nor a script whose first line begins with #!'
	printf '#!/bin/sh\r\ncat\r\n' >"$T/crlf"; chmod 755 "$T/crlf"
	refused "$T/crlf" 'its lines end with CR and LF, as on Windows; they must end with LF'
	printf '#!/no/interpreter\n' >"$T/lost"; chmod 755 "$T/lost"
	refused "$T/lost" 'its interpreter /no/interpreter: No such file or directory'
	printf '#!sh\n' >"$T/bare"; chmod 755 "$T/bare"
	refused "$T/bare" 'its interpreter sh: not an absolute path'
	# A script as an interpreter, whose own interpreter is not in the domain.
	mkdir "$T/opt"; cp /bin/cat "$T/opt/own"
	printf '#!%s\n' "$T/opt/own" >"$T/outer"; chmod 755 "$T/outer"
	TICKETCHAT_TICKET_FILTER=$T/outer run -0 sessions settings
	printf '#!%s\n' "$T/outer" >"$T/nested"; chmod 755 "$T/nested"
	refused "$T/nested" "its interpreter $T/opt/own: Permission denied"
	# The other two, and run.sh.
	TICKETCHAT_DONE_COMMAND=$T/none run -102 sessions settings
	TICKETCHAT_KNOWLEDGE_COMMAND=$T/none run -102 sessions settings
	TICKETCHAT_DONE_COMMAND=$T/none run -102 "$ROOT/run.sh" --check
	is "$output" "sessions: DONE_COMMAND=$T/none: No such file or directory"
	# Through a link, with a blank in its name.
	ln -s "$T/filter" "$T/a link"
	TICKETCHAT_TICKET_FILTER="$T/a link" run -0 sessions settings
}

@test "doctor runs the filter with a sample" {
	replay "$UP/good.ndjson"
	doctor() { run sessions doctor --quick; grep 'TICKET_FILTER' <<<"$output"; }
	TICKETCHAT_TICKET_FILTER='' run sessions doctor --quick
	not grep -q TICKET_FILTER <<<"$output"
	filter <<<'sed s/printer/p/'
	is "$(doctor)" "ok       TICKET_FILTER: $T/filter made a sample's 52 bytes to 46."
	filter <<<'echo no words >&2; exit 4'
	[[ $(doctor) == "error    TICKET_FILTER: $T/filter: exit code 4; it says \"no words\". "* ]]
	filter <<<true
	[[ $(doctor) == *"error    TICKET_FILTER: $T/filter: of a sample it printed nothing,"* ]]
	filter <<<'sleep 3009'
	[[ $(doctor) == *"it did not end within 5 s"* ]]
	no_places
	is "$(pgrep -f '^sleep 3009$' || true)" ''
}

# A block of docs/hooks.md.
block() {
	awk -v f="\`\`\`$1" '$0 == f { on = 1; next } /^```/ { on = 0 } on' "$ROOT/docs/hooks.md"
}

@test "docs/hooks.md: the filter works as printed" {
	block 'sh filter' >"$T/mask"
	chmod 755 "$T/mask"
	is "$(PATH=$B/libexec:$PATH; eval "$(block 'sh mail')")" 'Still red.'
	block 'sh try' >"$T/try"
	is "$(cd "$T" && sh try)" 'Ask [e-mail] about the printer.'
	replay "$UP/good.ndjson"
	TICKETCHAT_TICKET_FILTER=$T/mask ask 42 '{"ticketBody":"Ask maria@example.com now"}'
	generated
	is "$(reads 1)" 'Ask [e-mail] now'
	TICKETCHAT_TICKET_FILTER=$T/mask run -0 sessions settings
}

knows() {
	program knows
	export TICKETCHAT_KNOWLEDGE_COMMAND=$T/knows
}
sources() { jq -c 'select(.type == "sources").sources' <<<"$frames"; }
with_sources() { jq -nc --arg t "${1-printer jam}" '{ticketBody: $t, sources: true}'; }

@test "KNOWLEDGE_COMMAND: what it prints are the notes of the answer" {
	replay "$UP/good.ndjson"
	filter <<<'sed s/printer/PRINTER/\;s/sesame/xxxxxx/'
	knows <<'END'
read -r text
printf '{"n":1,"name":"a.md","title":"Jams of a %s","url":"https://kb.example/a","text":"Open it, sesame.","score":2.5}\n\n' "$text"
printf '{"name":"b.md","text":"Second."}\n{"text":"Third","url":"ftp://x/","title":null}\n{"text":"a fourth one"}\n'
END
	ask 42 "$(with_sources)"
	is "$(types) $(posts)" 'stream sources done 1'
	is "$(sources)" '[{"n":1,"title":"Jams of a PRINTER jam","url":"https://kb.example/a","cited":false},{"n":2,"title":"b.md","cited":false},{"n":3,"title":"Third","cited":false}]'
	# The ticket and each note went through the filter.
	is "$(reads 1 | grep -c 'Open it, xxxxxx\.\|^Second\.$\|^Third$')" 3
	is "$(reads 1 | grep -c 'fourth')" 0
	# Not for a question, which uses them again.
	knows <<<'echo "{\"text\":\"another-note\"}"'
	ask 42 "$(ask_about 'why?')"
	is "$(messages 2 | grep -c 'Open it, xxxxxx') $(messages 2 | grep -c another-note)" '1 0'
	# As many as KNOWLEDGE; none with 0 or without a system prompt.
	knows <<<'for i in 1 2 3; do echo "{\"text\":\"note $i\"}"; done'
	TICKETCHAT_KNOWLEDGE=1 ask 43 "$(with_sources)"
	is "$(sources | jq length)" 1
	TICKETCHAT_KNOWLEDGE=0 ask 44 "$(with_sources)"
	is "$(sources | jq length)" 0
	TICKETCHAT_SYSTEM_PROMPT_FILE=none ask 45 "$(with_sources)"
	is "$(sources | jq length)" 0
	# 3,000 bytes in all; what does not fit is left out.
	knows <<'END'
printf '{"text":"%01500d"}\n{"text":"%01501d"}\n{"text":"%01500d"}\n' 1 2 3
END
	TICKETCHAT_TICKET_FILTER='' ask 46 "$(with_sources)"
	is "$(reads 6 | grep -c '^0*[13]$') $(reads 6 | grep -c '^0*2$')" '2 0'
}

@test "the team's own notes are found by the filtered ticket, and filtered" {
	replay "$UP/good.ndjson"
	mkdir "$T/notes"
	printf '# Fax of sesame street\n\nThe telefax needs a zanzibar cartridge of sesame.\n' >"$T/notes/fax.md"
	printf '# Tea\n\nWater boils.\n' >"$T/notes/tea.md"
	run -0 sessions learn "$T/notes"
	filter <<<'sed "s/printer jam/zanzibar cartridge of the telefax/;s/sesame/xxxxxx/g"'
	ask 42 "$(with_sources)"
	is "$(sources)" '[{"n":1,"title":"Fax of xxxxxx street","cited":false}]'
	is "$(reads 1 | grep -c 'zanzibar cartridge of xxxxxx') $(reads 1 | grep -c sesame)" '1 0'
	TICKETCHAT_TICKET_FILTER='' ask 43 "$(with_sources)"
	is "$(sources)" '[]'
	# In place of them where the command is set, also if it finds nothing.
	knows <<<true
	ask 44 "$(with_sources)"
	is "$(sources)" '[]'
}

@test "notes that a filter leaves without a title, or makes too long" {
	replay "$UP/good.ndjson"
	knows <<'END'
printf '{"name":"sesame.md","title":"Sesame","text":"alpha text"}\n{"name":"sesame.md","text":"beta text"}\n'
printf '{"title":"Sesame","text":"gamma text"}\n'
END
	filter <<'END'
[ "$HOOK_PART" = note ] || exec cat
text=$(cat)
case $text in
*alpha*) printf '%s\n' "$text" | tail -n 1;;
*beta*) printf ' \n%s\n' "$text" | sed 2d;;
*) printf 'x\n%02984d\n' 3;;
esac
END
	ask 42 "$(with_sources)"
	is "$(sources)" '[{"n":1,"title":"Note","cited":false},{"n":2,"title":"Note","cited":false}]'
	is "$(reads 1 | grep -c '^Note [12]: Note$') $(reads 1 | grep -c 'alpha text\|beta text')" '2 2'
	is "$(reads 1 | grep -ci 'sesame') $(reads 1 | grep -c '^0*3$')" '0 0'
}

@test "KNOWLEDGE_COMMAND that fails: the answer is written without, and the log says why" {
	replay "$UP/good.ndjson"
	local what n=50
	declare -A bad=(
		['exit 3']='exit code 3'
		['echo "{\"text\":\"x\"}"; kill -KILL $$']='signal 9 ended it'
		['yes']='it printed more than 262144 bytes'
		['echo no words']='line 1 of what it printed: not a JSON object in UTF-8'
		['printf "\n[1]\n"']='line 2 of what it printed: not a JSON object in UTF-8'
		['echo "{\"title\":\"x\"}"']='line 1 of what it printed: text is missing'
		['echo "{\"text\":7}"']='line 1 of what it printed: text is no text'
		['echo "{\"text\":\"x\",\"url\":[]}"']='line 1 of what it printed: url is no text'
		['echo "{\"text\":\"x\",\"text\":\"y\"}"']='line 1 of what it printed: text is there twice'
		['echo "{\"text\":\"  \"}"']='line 1 of what it printed: text is blank'
		['printf "{\"text\":\"a\\\\u0000b\"}\n"']='line 1 of what it printed: text has a NUL'
		['printf "{\"text\":\"caf\\351\"}\n"']='line 1 of what it printed: not a JSON object in UTF-8'
		['echo "{\"text\":\"x\"}"; sleep 3010']='it did not end within 5 s'
	)
	for what in "${!bad[@]}"; do
		knows <<<"$what"
		n=$((n + 1))
		ask $n "$(with_sources)"
		is "$(types) $(sources)" 'stream sources done []'
		is "$(told KNOWLEDGE_COMMAND | tail -n 1 | sed 's/.*error="\([^"]*\)".*/\1/')" "${bad[$what]}"
	done
	rm "$T/knows"
	ask 42 "$(with_sources)"
	is "$(types) $(sources)" 'stream sources done []'
	# It finds nothing: that is no failure.
	n=$(told KNOWLEDGE_COMMAND | wc -l)
	knows <<<true
	ask 43 "$(with_sources)"
	is "$(types) $(sources) $(told KNOWLEDGE_COMMAND | wc -l)" "stream sources done [] $n"
	# A note that the filter refuses ends the question.
	knows <<<'echo "{\"text\":\"x\"}"'
	filter <<<'[ "$HOOK_PART" = ticket ] && cat'
	ask 44 "$(with_sources)"
	failed_with filter_failed 2
}

@test "doctor runs KNOWLEDGE_COMMAND with a sample, and never DONE_COMMAND" {
	replay "$UP/good.ndjson"
	program done <<<"echo x >&2; exit 3"
	export TICKETCHAT_DONE_COMMAND=$T/done
	doctor() { run sessions doctor --quick; grep 'KNOWLEDGE_COMMAND' <<<"$output"; }
	knows <<<'echo "{\"text\":\"x\"}"'
	is "$(doctor)" "ok       KNOWLEDGE_COMMAND: $T/knows found 1 notes for a sample."
	knows <<<'echo x'
	[[ $(doctor) == "error    KNOWLEDGE_COMMAND: $T/knows: line 1 of what it printed: not a JSON"* ]]
	knows <<<'exit 7'
	[[ $(doctor) == "error    KNOWLEDGE_COMMAND: $T/knows: exit code 7."* ]]
	run sessions doctor --quick
	grep -qx "ok       DONE_COMMAND: .* can be executed\." <<<"$output"
	TICKETCHAT_DONE_COMMAND=$T/absent run sessions doctor --quick
	grep -q "^error    DONE_COMMAND: $T/absent: No such file" <<<"$output"
	TICKETCHAT_KNOWLEDGE_SYNONYMS=$T/absent run sessions doctor --quick
	grep -q "^error    KNOWLEDGE_SYNONYMS: $T/absent: No such file" <<<"$output"
}

done_with() {
	program done
	export TICKETCHAT_DONE_COMMAND=$T/done
}
# DONE_COMMAND may write nowhere but in its TMPDIR: what it says on its standard
# error is in the log.
events() { told DONE_COMMAND | sed -n 's/.*stderr="\(.*\)"$/\1/p'; }
evented() { [ "$(events | wc -l)" -ge "$1" ]; }

@test "DONE_COMMAND: one line of JSON for each saved answer, and for a written one" {
	replay "$UP/good.ndjson"
	done_with <<'END'
jq -c '[keys_unsorted, .ticketId, .sessionId, .version, .prompt, .response, .author] | tostring' |
    tr -d '"\\' >&2
[ "$HOOK_TICKET" = 42 ] && [ -n "$HOOK_SESSION" ] && [ -z "$HOOK_PART" ]
END
	ask 42 '{"ticketBody":"printer \u00e7\n\"jam\""}'
	generated
	within 30 evented 1
	keys='[ticketId,sessionId,version,prompt,response,model,author]'
	is "$(events)" "[$keys,42,1,1,printer çnjam,Reinicie a impressora.n,null]"
	# A saved answer and a question are told to nobody.
	ask 42 "$Q"
	kept
	ask 42 "$(ask_about 'why?')"
	generated
	ask 42 '{"ticketBody":"again","refresh":true}'
	generated
	within 30 evented 2
	is "$(events | tail -n 1)" "[$keys,42,3,2,again,Reinicie a impressora.n,null]"
	# A person's, by a message and by the command; the same again is none.
	ask 42 '{"type":"write","response":"Open the door."}'
	within 30 evented 3
	is "$(events | tail -n 1)" "[$keys,42,4,3,again,Open the door.,shell]"
	ask 42 '{"type":"write","response":"Open the door."}'
	run -0 sessions write 42 <<<'Close it.'
	within 30 evented 4
	is "$(events | tail -n 1)" "[$keys,42,5,4,again,Close it.,shell]"
	run -0 sessions write 42 <<<'Close it.'
	within 10 none_answers
	is "$(events | wc -l) $(told DONE_COMMAND | grep -vc 'error=""')" '4 0'
	printf 'Open the door.' >"$T/kept/a"
	printf 'Close it.' >"$T/kept/b"
}

@test "answers that are not saved are told to nobody" {
	done_with <<<'echo x >&2'
	replay "$UP/error-after-text.ndjson"
	ask 42 "$Q"
	[ -n "$(code)" ]
	ask 43 '{"type":"open"}'
	within 10 none_answers
	is "$(told DONE_COMMAND | wc -l)" 0
	answer <<<'printer jam' || true
	is "$(told DONE_COMMAND | wc -l)" 0
}

@test "DONE_COMMAND that fails or hangs: nobody waits, and the log says why" {
	replay "$UP/good.ndjson"
	done_with <<<'echo no >&2; exit 3'
	ask 42 "$Q"
	generated
	within 30 evented 1
	is "$(told DONE_COMMAND)" 'hook=DONE_COMMAND error="exit code 3" stderr="no"'
	rm "$T/done"
	ask 43 "$Q"
	generated
	within 30 evented 2
	told DONE_COMMAND | grep -q 'error="exit code 127'
	# A flood is thrown away.
	done_with <<<'yes | head -c 9999999; echo flood >&2'
	ask 44 "$Q"
	generated
	within 30 evented 3
	is "$(told DONE_COMMAND | tail -n 1)" 'hook=DONE_COMMAND error="" stderr="flood"'
	# One that hangs holds neither the socket nor the slot; SIGTERM ends it.
	done_with <<<'echo $$ >"$TMPDIR/pid"; trap "" TERM; sleep 3011 & (setsid sleep 3012 &); sleep 3013'
	ask 45 "$Q"
	generated
	within 30 sh -c "ls '$TICKETCHAT_RUN_DIR'/tmp-*/pid >/dev/null 2>&1"
	is "$(find "$TICKETCHAT_RUN_DIR" -name '*.sock')" ''
	ask 45 "$Q"
	kept
	ask 46 "$Q"
	generated
	kill -TERM $(answers)
	within 20 none_answers
	no_places
	is "$(pgrep -f '^sleep 301[123]$' || true)" ''
	told DONE_COMMAND | grep -q 'error="the service ended'
}

@test "of DONE_COMMAND eight run at a time; others wait" {
	replay "$UP/good.ndjson"
	done_with <<END
echo x >"\$TMPDIR/begun"
while [ ! -e /proc/self/fd/9 ] && [ -e "\$TMPDIR/begun" ]; do sleep 0.1; done
echo over >&2
END
	export TICKETCHAT_GENERATIONS=9
	local i
	for i in 1 2 3 4 5 6 7 8 9; do
		ask $i "$Q"
		generated
	done
	begun() { [ "$(ls "$TICKETCHAT_RUN_DIR"/tmp-*/begun 2>/dev/null | wc -l)" = "$1" ]; }
	within 30 begun 8
	is "$(answers | wc -l) $(find "$TICKETCHAT_RUN_DIR" -name 'tmp-*' | wc -l)" '9 8'
	rm "$(ls "$TICKETCHAT_RUN_DIR"/tmp-*/begun | head -n 1)"
	within 30 evented 1
	within 30 begun 8
	rm "$TICKETCHAT_RUN_DIR"/tmp-*/begun
	within 30 evented 9
	within 20 none_answers
}

@test "answer hook SESSION at a shell; what it does not know" {
	replay "$UP/good.ndjson"
	done_with <<<'jq -r .sessionId >&2'
	ask 42 "$Q"
	within 30 evented 1
	"$B/bin/answer" -c "$T/conf" hook 1
	is "$(events)" '1
1'
	for s in 2 9223372036854775807; do run -1 "$B/bin/answer" -c "$T/conf" hook $s; done
	for s in 0 x -1 ''; do run -100 "$B/bin/answer" -c "$T/conf" hook "$s"; done
	is "$(events | wc -l)" 2
	done_with <<<'exit 3'
	run -2 "$B/bin/answer" -c "$T/conf" hook 1
}

@test "docs/hooks.md: the notes, the event and how to catch up" {
	replay "$UP/good.ndjson"
	block 'sh knows' | knows
	ask 42 "$(with_sources)"
	is "$(sources)" '[{"n":1,"title":"Printer jams","url":"https://kb.example/7","cited":false}]'
	done_with <<<'jq -r "keys_unsorted | tostring" | tr -d \" >&2'
	ask 43 "$Q"
	within 30 evented 1
	is "$(events)" "$(block json | command jq -r 'keys_unsorted | tostring' | tr -d '"')"
	ask 43 "$(ask_about 'why?')"
	done_with <<<'jq -c "[.ticketId, .sessionId, .prompt, .author]" >&2'
	{ declare -f sessions; echo 'answer() { "$B/bin/answer" -c "$T/conf" "$@"; }'
	    block 'sh catch-up'; } >"$T/catch"
	B=$B T=$T bash "$T/catch"
	# The log has no double quotes in a value.
	is "$(events | tail -n 2 | tr "'" '"')" '[42,1,"printer jam",null]
[43,2,"printer jam",null]'
}

# What a mail program sent, and what is left of it; white space at the end aside.
@test "mail-text: each mail of tests/mail gives its text" {
	local f bad=0
	for f in "$ROOT"/tests/mail/*.in; do
		"$B/libexec/mail-text" <"$f" >"$T/left"
		diff <(echo "$(<"${f%.in}.out")") <(echo "$(<"$T/left")") ||
		    { echo "$f" >&2; bad=1; }
		# As sent by most: CR and LF.
		sed 's/$/\r/' "$f" | "$B/libexec/mail-text" | tr -d '\r' >"$T/crlf"
		diff <(echo "$(<"$T/left")") <(echo "$(<"$T/crlf")") ||
		    { echo "$f with CR and LF" >&2; bad=1; }
	done
	is $bad 0
	[ "$(ls "$ROOT"/tests/mail/*.in | wc -l)" -ge 30 ]
}

@test "mail-text: bad input, large input, options; as a filter" {
	local p=$B/libexec/mail-text
	run -1 "$p" <<<$'caf\xe9'
	run -0 "$p" </dev/null
	is "$output" ''
	"$p" --help | grep -q '^usage: mail-text'
	"$p" --version | grep -q '^ticketchat [0-9]'
	run -100 "$p" x
	# A note of the team is no mail.
	is "$(printf 'T\n<b>x</b>\n> y\n-- \nz' | HOOK_PART=note "$p")" $'T\n<b>x</b>\n> y\n-- \nz'
	is "$(printf 'T\n> y\n-- \nz' | HOOK_PART=question "$p")" T
	# Unclosed and nested without end, in little time and memory.
	(ulimit -v 1000000
	for s in '<div>' '<blockquote type="cite">' '<' '&' '>' '-- ' '<!--' 'On a@b' \
	    $'From: \n' $'On 3 a@b\n' $'__________\n' 'data:' 'data:a/b,' '<p a="'; do
		head -c 2000000 < <(yes "$s" | tr -d '\n') | timeout 60 "$p" >/dev/null
		head -c 2000000 < <(yes "$s") | timeout 60 "$p" >/dev/null
	done
	for s in '' ' ' '>'; do
		{ printf -- '-- Forwarded message --\nFrom: a\n'
		    head -c 2000000 < <(yes "$s"); printf '\nTo: b\n\nc\n'; } | timeout 60 "$p" >/dev/null
	done)
	replay "$UP/good.ndjson"
	TICKETCHAT_TICKET_FILTER=$p ask 42 "$(jq -Rsc '{ticketBody: .}' "$ROOT/tests/mail/gmail-html-en.in")"
	generated
	is "$(reads 1)" "$(<"$ROOT/tests/mail/gmail-html-en.out")"
}

# Starts the server that notes what the examples of deploy/hooks send.
receiver() {
	mkdir -p "$T/got"
	rm -f "$T/got"/*
	: >"$T/receiver"
	/usr/bin/python3 "$ROOT/tests/hook_server.py" "$T/got" "$@" >"$T/receiver" 3>&- &
	RECEIVER=$!
	track $RECEIVER
	within 30 test -s "$T/receiver"
}
# An example with its values set, as a person would.
example() {
	sed "s|^url=.*|url=http://127.0.0.1:$(<"$T/receiver")|; s|CHANGE-ME|s3cret \$x|
	    s|^token=\\(.*\\)|token='\\1'|; s|^key=\\(.*\\)|key='\\1'|" "$ROOT/deploy/hooks/$1" >"$T/done"
	chmod 700 "$T/done"
	export TICKETCHAT_DONE_COMMAND=$T/done
}
got() { [ -e "$T/got/$1.json" ]; }

@test "deploy/hooks: what arrives at Zammad, FreeScout and a webhook" {
	replay "$UP/good.ndjson"
	receiver
	example webhook
	ask 42 '{"ticketBody":"printer \u00e7 <b>\n\"jam\""}'
	generated
	within 30 got 1
	is "$(jq -cS '[.path, .headers.authorization, .headers["idempotency-key"], .headers["content-type"], .body]' "$T/got/1.json")" \
	    '["/","Bearer s3cret $x","ticketchat-1","application/json",{"author":null,"model":"gemma3:270m","prompt":"printer ç <b>\n\"jam\"","response":"Reinicie a impressora.\n","sessionId":1,"ticketId":42,"version":1}]'
	ask 42 '{"type":"write","response":"Open <the> door."}'
	within 30 got 2
	is "$(jq -c '[.body.author, .body.model, .body.response]' "$T/got/2.json")" '["shell",null,"Open <the> door."]'
	example zammad
	ask 43 "$Q"
	generated
	within 30 got 3
	is "$(jq -cS '[.path, .headers.authorization, .body]' "$T/got/3.json")" \
	    '["/api/v1/ticket_articles","Token token=s3cret $x",{"body":"Reinicie a impressora.\n","content_type":"text/plain","internal":true,"subject":"Answer 1 by gemma3:270m","ticket_id":43,"type":"note"}]'
	example freescout
	ask 44 "$Q"
	generated
	within 30 got 4
	is "$(jq -cS '[.path, .headers["x-freescout-api-key"], .body]' "$T/got/4.json")" \
	    '["/api/conversations/44/threads","s3cret $x",{"text":"Reinicie a impressora.<br>","type":"note","user":1}]'
	# What a person wrote goes to neither of the two.
	ask 44 '{"type":"write","response":"Open <the> door."}'
	example zammad
	ask 43 '{"type":"write","response":"Open <the> door."}'
	within 20 none_answers
	is "$(ls "$T/got" | wc -l) $(told DONE_COMMAND | wc -l)" '4 0'
	printf 'Open <the> door.' >"$T/kept/written"
}

@test "deploy/hooks: a server that refuses or is away is in the log" {
	replay "$UP/good.ndjson"
	receiver 403
	local n=42 e
	for e in webhook zammad freescout; do
		example $e
		n=$((n + 1))
		ask $n "$Q"
		generated
		within 30 evented $((n - 42))
		told DONE_COMMAND | tail -n 1 | grep -q 'error="exit code 22" stderr="curl: (22).*403'
	done
	end $RECEIVER
	ask 50 "$Q"
	generated
	within 60 evented 4
	told DONE_COMMAND | tail -n 1 | grep -q 'error="exit code 7" stderr="curl: (7)'
}

@test "through websocketd: a filter, notes and the event, each in the service's domain" {
	replay "$UP/good.ndjson"
	filter <<<'sed s/printer/PRINTER/; cat "$TICKETCHAT_DATABASE" '"$TICKETCHAT_DATABASE"' 2>/dev/null || true'
	knows <<<'echo "{\"title\":\"Jams\",\"text\":\"Open the rear door.\"}"'
	done_with <<<'jq -r .prompt >&2'
	service
	client "ws://127.0.0.1:$P/api/websocket/chat/42" "$(with_sources)" >"$T/through"
	frames=$(<"$T/through")
	is "$(types)" 'stream sources done'
	is "$(sources)" '[{"n":1,"title":"Jams","cited":false}]'
	is "$(reads 1 | grep -c 'PRINTER jam') $(reads 1 | grep -c 'Open the rear door')" '1 1'
	within 30 evented 1
	is "$(events)" 'printer jam'
	# And one that fails says so to the client.
	filter <<<'exit 9'
	client "ws://127.0.0.1:$P/api/websocket/chat/43" "$Q" >"$T/through"
	is "$(code "$(<"$T/through")")" filter_failed
}
