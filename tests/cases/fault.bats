# Faults: every process killed at system calls all over its life, system calls
# that fail, and surroundings that have nothing left.  After each fault the
# same question is asked once more, and works.
load helper

prepare() {
	mkdir "$T/cwd"
	cd "$T/cwd"
	TICKET=0
}

# Nobody writes where he happens to stand.
cleanup() {  is "$(find "$T/cwd" -mindepth 1)" ''; }

# What a program has written may end anywhere only if it was killed (137):
# else its lines are whole frames, with one end, or none and a reason on
# stderr where chat could not even begin.  $1 is its standard output.
judge() {
	local whole ends LC_ALL=C
	case $status in
	1 | 2 | 100 | 102 | 111) ;;
	127) [ ! -s "$1" ]; return ;;	# ld.so
	0) # The write to stdout failed.
		[ -s "$1" ] || ! grep -q '^write(1,.*INJECTED' "$T/trace" ||
		    return 0
		;;
	137) ;;
	*) echo "exit code $status"; return 1 ;;
	esac
	if [ $status = 137 ]; then
		sed -n '/}$/p' "$1" >"$T/whole"
		[ "$(wc -c <"$T/whole")" = "$(wc -c <"$1")" ] || {
			echo "half a line"
			return 1
		}
	else
		cp "$1" "$T/whole"
	fi
	ends=$(grep -cE '^{"type":"(done|error)"' "$T/whole")
	if [ "$ends" = 0 ]; then
		case $status in
		137) return ;;
		111 | 102) [ ! -s "$T/whole" ]; return ;;
		*) echo "no end, and exit code $status"; return 1 ;;
		esac
	fi
	check "$T/whole" 1 || return 1
	frames=$(<"$T/whole")
	if [ $status = 0 ] || grep -q '^{"type":"done"' "$T/whole"; then
		whole_answer
	fi
}

# All of the good answer, streamed or kept, and its end.
whole_answer() {
	# As it is nearly always; jq takes its time.
	case $frames in
	'{"type":"stream","content":"Reinicie a impressora.\n"}'$'\n''{"type":"done"}')
		return ;;
	esac
	case $(types) in
	"stream done") [ "$(text; echo .)" = "$GOOD." ] ;;
	# The generator died when all of it was kept.
	"cached done" | "stream cached done")
		[ "$(jq -j 'select(.type == "cached").response' \
		    <<<"$frames"; echo .)" = "$GOOD." ] ;;
	*) false ;;
	esac || { echo "not the whole answer: $frames"; return 1; }
}

# A question that goes wrong in the way of `strace -e inject=$1', further
# options of strace behind it, on a ticket of its own; then a good one.
hurt() {
	local inject=$1 t=$((++TICKET)) out=$T/hurt
	shift
	status=0
	PATH_INFO=/$t timeout -s KILL 20 strace -o "$T/trace" "$@" -e "inject=$inject" \
	    "$B/bin/chat" -c "$T/conf" <<<"$Q" >"$out" 2>"$out.said" ||
	    status=$?
	after "$inject $*" "$out" "$t"
}

# As hurt, but it is answer that goes wrong, started as chat starts it.
hurt_answer() {
	by_answer "answer $1" strace -o "$T/trace" -e "inject=$1"
}

# The same, whatever the command in front of it does to it; $1 names that.
by_answer() {
	local name=$1 t=$((++TICKET)) out=$T/hurt id ended
	shift
	: >"$T/trace"
	id=$(sql "INSERT INTO Tickets (Id) VALUES ($t);
	    INSERT INTO TicketAISessions (TicketId, Prompt)
	    VALUES ($t, 'printer jam') RETURNING Id")
	printf 'printer jam' | /usr/bin/python3 -I -S -c '
import os, select, socket, sys
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX)
s.setblocking(False)
s.bind(path + ".new")
s.listen(100)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.rename(path + ".new", path)
select.select([s], [], [], 5)	# the viewer is there
os.execvp(sys.argv[2], sys.argv[2:])' "$TICKETCHAT_RUN_DIR/$t.sock" timeout -s KILL 20 \
	    "$@" "$B/libexec/answer" "$t" "$id" >/dev/null 2>&1 3>&- &
	track $!
	within 10 test -S "$TICKETCHAT_RUN_DIR/$t.sock"
	status=0
	PATH_INFO=/$t timeout -s KILL 20 "$B/bin/chat" -c "$T/conf" <<<"$Q" >"$out" \
	    2>"$out.said" || status=$?
	ended=0
	wait $! 2>/dev/null || ended=$?
	if [ $status = 137 ]; then
		echo "chat was killed, not answer"
		return 1
	fi
	if [ $ended -ge 128 ] && [[ $name != *signal=* ]]; then
		echo "$name: answer died of it: $ended"
		return 1
	fi
	after "$name" "$out" "$t"
}

# Who asks for a kept answer does not look at the socket: one of a dead
# generator stays until somebody has to start another.
swept() {
	[ ! -e "$TICKETCHAT_RUN_DIR/$1.sock" ] || [[ $frames != '{"type":"cached"'* ]] ||
	    rm "$TICKETCHAT_RUN_DIR/$1.sock"
}

# How it must be after a fault.
after() {
	echo "$(date +%T) $1: status $status, $(head -c 200 "$2" | tr '\n' ' ')" >>"$T/story"
	judge "$2" &&
	    frames=$(chat "$3" <<<"$Q" 2>"$T/again") && whole_answer &&
	    swept "$3" &&
	    [ "$(sql 'PRAGMA quick_check')" = ok ] && return
	printf '%s:\n' "$1" >&2
	head -c 1000 "$2" "$2.said" "$T/again" >&2
	tail -n 5 "$T/trace" >&2
	return 1
}

# $1 lines of a file, or POINTS, from its first to its last.
spread() { awk -v n="${POINTS:-$1}" '{ line[NR] = $0 } END {
	if (n > NR)
		n = NR
	for (i = 0; i < n; i++)
		print line[1 + int(i * (NR - 1) / (n - 1))] }' "$2"; }

# At least this many of the faults did something.
hits() {
	grep -cv 'status 0' "$T/story" | { read -r n; [ "$n" -ge "$1" ]; } || {
		cat "$T/story"
		return 1
	}
}

# bats test_tags=fault,fault:2
@test "chat killed at system calls from its first to its last" {
	needs_strace
	replay "$UP/good.ndjson"
	TICKET=1
	PATH_INFO=/1 points "$B/bin/chat" -c "$T/conf" <<<"$Q" >"$T/points"
	[ "$(wc -l <"$T/points")" -gt 100 ]
	spread "$(long_or 24 10)" "$T/points" | while read -r call n; do
		hurt "$call:signal=SIGKILL:when=$n" || exit 1
	done
	[ "$(grep -c 'status 137' "$T/story")" -ge "$(long_or 22 8)" ]
}

# bats test_tags=fault,fault:1
@test "answer killed at system calls from its first to its last" {
	needs_strace
	replay "$UP/good.ndjson"
	hurt_answer setsid:signal=SIGCONT
	sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' "$T/trace" |
	    awk '{ print $1, ++n[$1] }' >"$T/points"
	[ "$(wc -l <"$T/points")" -gt 200 ]	# it was with strace that it ran
	spread "$(long_or 24 10)" "$T/points" | while read -r call n; do
		hurt_answer "$call:signal=SIGKILL:when=$n" || exit 1
	done
}

# bats test_tags=fault,fault:5
@test "answer killed where it keeps the answer" {
	needs_strace
	replay "$UP/good.ndjson"
	hurt_answer setsid:signal=SIGCONT
	grep -oE '^(pwrite64|fdatasync|ftruncate|unlink)\(' "$T/trace" |
	    awk -F'(' '{ print $1, ++n[$1] }' >"$T/points"
	grep -q '^fdatasync 1' "$T/points"
	while read -r call n; do
		hurt_answer "$call:signal=SIGKILL:when=$n"
	done <"$T/points"
	# Before the end of the commit it is lost, behind it kept.
	[ "$(grep -c '"interrupted"' "$T/story")" -ge 2 ]
	grep -q 'unlink.*"cached"' "$T/story"
}

# bats test_tags=fault,fault:1,fault:2
@test "both killed at the same system call" {
	needs_strace
	replay "$UP/good.ndjson"
	for e in openat:10 fcntl:4 fcntl:20 pwrite64:3 pwrite64:12 close:20 \
	    newfstatat:20 mmap:16 read:5 getpid:3; do
		hurt "${e%:*}:signal=SIGKILL:when=${e#*:}" -f
	done
}

# bats test_tags=fault,fault:34
@test "system calls of chat fail" {
	needs_strace
	replay "$UP/good.ndjson"
	printf '%s\n' write:EIO:1 write:ENOSPC:2 write:EINTR:1 write:EAGAIN:2 \
	    pwrite64:ENOSPC:1+ pwrite64:EIO:5 pwrite64:ENOSPC:12 \
	    fdatasync:EIO:1 fdatasync:ENOSPC:2 ftruncate:ENOSPC:1 \
	    openat:EMFILE:4 openat:ENOMEM:8 openat:EMFILE:20 openat:EMFILE:22 \
	    openat:EIO:25 openat:ENOSPC:27 openat:EMFILE:30 \
	    fcntl:ENOLCK:1 fcntl:EINTR:2 fcntl:EIO:12 fcntl:EAGAIN:20 \
	    mmap:ENOMEM:8 mmap:ENOMEM:17 mmap:ENOMEM:18 \
	    socket:EMFILE:1 socket:ENOBUFS:2 socket:ENOMEM:3 \
	    connect:EAGAIN:1 connect:EINTR:2 connect:ENOMEM:3 \
	    bind:ENOSPC:1 listen:EADDRINUSE:1 unlink:EROFS:1 \
	    memfd_create:ENFILE:1 lseek:EIO:1 clone3:EAGAIN:1 \
	    getrandom:ENOSYS:1 mkdir:EACCES:1 getsockopt:ENOMEM:1 \
	    poll:EINTR:1 poll:ENOMEM:2 recvfrom:EINTR:1 recvfrom:ECONNRESET:2 \
	    landlock_create_ruleset:EMFILE:2 landlock_add_rule:EINVAL:1 \
	    prlimit64:EPERM:2 | nth 3 >"$T/list"
	printf '%s\n' landlock_create_ruleset:ENOSYS:1 \
	    landlock_add_rule:ENOMEM:5 landlock_restrict_self:E2BIG:1 \
	    prctl:EINVAL:1 >>"$T/list"
	while IFS=: read -r call error when; do
		hurt "$call:error=$error:when=$when" || bad=1
	done <"$T/list"
	[ -z "$bad" ]
	hits "$(long_or 20 6)"
	# Without its privileges given up it does nothing.
	for e in landlock_add_rule:error=ENOMEM:when=5 \
	    landlock_restrict_self:error=E2BIG:when=1 \
	    prctl:error=EINVAL:when=1; do
		grep -q " $e : status 111, \$" "$T/story"
	done
	# But an old kernel, or one without it, is none of that.
	grep -q ' landlock_create_ruleset:error=ENOSYS:when=1 : status 0' \
	    "$T/story"
}

# bats test_tags=fault,fault:34
@test "system calls of answer fail" {
	needs_strace
	replay "$UP/good.ndjson"
	printf '%s\n' read:EIO:3 accept4:EMFILE:1 accept4:EINTR:1 \
	    accept4:ECONNABORTED:1 accept4:ENOMEM:1 epoll_create1:EMFILE:1 \
	    epoll_ctl:ENOMEM:1 epoll_ctl:ENOSPC:2 epoll_ctl:ENOMEM:3 \
	    signalfd4:EMFILE:1 epoll_wait:EINTR:1 epoll_wait:EINTR:2+ \
	    socket:EMFILE:1 socketpair:EMFILE:1 connect:ECONNREFUSED:1 \
	    connect:ENETUNREACH:1 poll:EINTR:1 poll:ENOMEM:1 \
	    sendto:EAGAIN:1 sendto:EPIPE:1 sendto:ENOBUFS:2 sendto:EPIPE:3 \
	    sendto:ECONNRESET:4 recvfrom:ECONNRESET:1 recvfrom:EINTR:1 \
	    getsockopt:ENOMEM:1 prlimit64:EPERM:1 fcntl:ENOLCK:1 \
	    fcntl:EINTR:2 fcntl:EIO:3 fcntl:ENOLCK:12 fcntl:EIO:20 \
	    openat:EMFILE:6 openat:EMFILE:9 openat:ENOMEM:12 openat:EMFILE:25 \
	    openat:EMFILE:44 openat:ENOSPC:46 mmap:ENOMEM:20 mmap:ENOMEM:60 \
	    mmap:ENOMEM:130 mmap:ENOMEM:144 pwrite64:ENOSPC:1+ \
	    pwrite64:EIO:4 pwrite64:ENOSPC:12 fdatasync:EIO:1 fdatasync:ENOSPC:2 \
	    getrandom:EAGAIN:2 unlink:EROFS:1 setsockopt:ENOBUFS:1 \
	    write:ENOSPC:1 | nth 3 >"$T/list"
	while IFS=: read -r call error when; do
		hurt_answer "$call:error=$error:when=$when" || bad=1
	done <"$T/list"
	[ -z "$bad" ]
	hits "$(long_or 10 3)"
}

# bats test_tags=fault,fault:34
@test "the child that becomes answer does not get that far" {
	needs_strace
	replay "$UP/good.ndjson"
	for e in setsid:error=EPERM:when=1 close_range:error=ENOSYS:when=1 \
	    dup2:error=EMFILE:when=1 dup2:error=EBADF:when=3 \
	    execve:error=ENOMEM:when=2 vfork:error=ENOMEM:when=1 \
	    clone3,clone,vfork:error=EAGAIN:when=1+; do
		hurt "$e" -f
	done
	hits 3
}

# A chat of which allocations fail, with messages from standard input:
# starved TICKET FAIL_AT=N [more of its environment]
starved() {
	local t=$1 out=$T/hurt
	shift
	status=0
	: >"$T/trace"
	PATH_INFO=/$t timeout -s KILL 20 env LD_PRELOAD="$T/preload.so" "$@" \
	    "$CHAT_BIN" -c "$T/conf" >"$out" 2>"$out.said" || status=$?
	after "$*" "$out" "$t"
}
starved_answer() { by_answer "answer $1" env LD_PRELOAD="$T/preload.so" "$1"; }

# The first and last of so many allocations, and some between them: $2 by day.
some_of() {
	local ends=$(long_or 10 4)
	seq "$(<"$1")" >"$T/points"
	(head -n "$ends" "$T/points"; spread "$(long_or 40 "${2:-10}")" "$T/points"
	    tail -n "$ends" "$T/points") | sort -nu
}

# bats test_tags=fault,fault:48
@test "allocations of chat fail" {
	needs_preload
	replay "$UP/good.ndjson"
	TICKET=1
	starved 1 ALLOCATIONS="$T/n.new" <<<"$Q"
	starved 1 ALLOCATIONS="$T/n.kept" <<<"$Q"
	for n in $(some_of "$T/n.new"); do
		starved $((++TICKET)) FAIL_AT=$n <<<"$Q"
	done
	for n in $(some_of "$T/n.kept"); do starved 1 FAIL_AT=$n <<<"$Q"; done
	hits "$(long_or 80 16)"
}

# bats test_tags=fault,fault:49
@test "allocations of answer fail" {
	needs_preload
	replay "$UP/good.ndjson"
	starved_answer ALLOCATIONS="$T/n"
	for n in $(some_of "$T/n" 25); do starved_answer FAIL_AT=$n; done
	hits "$(long_or 10 3)"	# most of Debian 13's allocations may fail
	not grep too_large "$T/story"
}

# bats test_tags=fault,fault:49
@test "allocations of answer fail while it writes many frames" {
	needs_preload
	long 1500
	GOOD=$LONG
	replay "$T/long.ndjson"
	starved_answer ALLOCATIONS="$T/n"
	for n in $(some_of "$T/n" | awk 'NR % 3 == 0'); do
		starved_answer FAIL_AT=$n
	done
	hits "$(long_or 4 1)"
}

# In surroundings $1 (code for a shell) no question is answered wrongly.
poor() {
	local t=$((++TICKET)) out=$T/hurt
	status=0
	: >"$T/trace"
	(eval "$1" && PATH_INFO=/$t exec timeout -s KILL 20 "$B/bin/chat" \
	    -c "$T/conf") <<<"$Q" >"$out" 2>"$out.said" || status=$?
	after "$1" "$out" "$t"
}

# bats test_tags=fault,fault:34
@test "hardly any descriptors, memory, stack or file size" {
	sanitized && skip "a sanitizer needs more"
	replay "$UP/good.ndjson"
	for n in 3 4 5 6 7 8 9 10 12 16 24; do poor "ulimit -n $n"; done
	grep -q 'ulimit -n 24: status 0' "$T/story"
	# With less the kernel cannot even map the program.
	for n in 4500 6000 8000 12000 20000 30000; do
		poor "ulimit -v $n"
	done
	# chat does not care for SIGXFSZ, and dies of it; EFBIG it can tell.
	for n in 0 1 8 64; do poor "trap '' XFSZ; ulimit -f $n"; done
	poor "ulimit -s 64"
	hits 8
}

# bats test_tags=fault,fault:34
@test "a user who may have no more processes" {
	needs_root
	sanitized && skip "a sanitizer needs more"
	command -v setpriv >/dev/null || skip "no setpriv"
	replay "$UP/good.ndjson"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" || true
	chown 54321:54321 "$T" "$T"/db* "$TICKETCHAT_RUN_DIR" "$T/conf"
	as() { setpriv --reuid 54321 --regid 54321 --clear-groups "$@"; }
	as test -x "$B/bin/chat" || skip "nobody else may enter $B"
	status=0
	PATH_INFO=/1 as prlimit --nproc=0 "$B/bin/chat" -c "$T/conf" <<<"$Q" \
	    >"$T/hurt" 2>"$T/hurt.said" || status=$?
	check "$T/hurt" 1
	frames=$(<"$T/hurt")
	failed_with internal 111
	status=0
	PATH_INFO=/1 as "$B/bin/chat" -c "$T/conf" <<<"$Q" >"$T/hurt" \
	    2>"$T/hurt.said" || status=$?
	frames=$(<"$T/hurt")
	is "$status" 0
	whole_answer
}

# bats test_tags=fault,fault:28
@test "standard input or output closed, full or left" {
	replay "$UP/good.ndjson"
	chat 1 <&- >"$T/out" 2>"$T/err"
	[ ! -s "$T/out" ]
	chat 2 <<<"$Q" >&- 2>"$T/err"
	within 10 none_answers
	chat 3 <<<"$Q" 2>&- >"$T/out"
	check "$T/out" 1
	chat 4 <<<"$Q" 2>"$T/err" >/dev/full || true
	chat 5 <<<"$Q" 2>"$T/err" | true
	chat 6 <<<"$Q" 2>/dev/full >"$T/out"
	check "$T/out" 1
	chat 7 <"$T/cwd" >"$T/out" 2>"$T/err" || true	# a directory
	within 10 none_answers
	is "$(sql 'SELECT group_concat(TicketId) FROM (SELECT DISTINCT TicketId
	    FROM TicketAISessions ORDER BY 1)')" 2,3,4,5,6
	for i in 2 3 4 5 6; do
		ask $i "$Q"
		whole_answer
	done
}

# The files that a run opened for writing, made or changed.
written() {
	sed -nE '/ENOENT|EEXIST|EACCES/d
	    /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND/s/.*openat\([^"]*"([^"]*)".*/\1/p
	    s/^[0-9 ]*(unlink|rename|mkdir|chmod|chown|truncate|mknod|symlink|link)(at)?\([^"]*"([^"]*)".*/\3/p' \
	    "$1" | sort -u
}

@test "nothing is written but the database, RUN_DIR and LOG" {
	needs_strace
	replay "$UP/good.ndjson"
	mkdir "$T/home"
	HOME=$T/home TMPDIR=$T/home PATH_INFO=/api/websocket/chat/1 GATEWAY_INTERFACE=x strace -f \
	    -e trace=%file -o "$T/trace" "$B/bin/chat" -c "$T/conf" \
	    < <(echo "$Q"; within 20 grep -q '"done"' "$T/out") >"$T/out"
	check "$T/out" 1
	within 10 none_answers
	written "$T/trace" >"$T/written"
	grep -qx "$TICKETCHAT_DATABASE" "$T/written"
	grep -qx "$TICKETCHAT_LOG" "$T/written"
	grep -q "^$TICKETCHAT_RUN_DIR/" "$T/written"
	not grep -vE "^($TICKETCHAT_DATABASE(-wal|-shm|-lock|-journal)?|$TICKETCHAT_LOG|$TICKETCHAT_RUN_DIR(/.*)?|/dev/null)\$" \
	    "$T/written"
	is "$(find "$T/home" -mindepth 1)" ''
}

@test "Landlock: what lies elsewhere cannot be written, by chat or answer" {
	sanitized && skip "a sanitizer writes its own files"
	replay "$UP/good.ndjson"
	mkdir "$T/logs" "$T/elsewhere"
	: >"$T/elsewhere/log"
	ln -s "$T/elsewhere/log" "$T/logs/log"
	mkdir "$T/data"
	sqlite3 "$TICKETCHAT_DATABASE" "VACUUM INTO '$T/data/db'"
	export TICKETCHAT_DATABASE=$T/data/db TICKETCHAT_LOG=$T/logs/log
	chmod 600 "$TICKETCHAT_DATABASE"
	sqlite3 "$TICKETCHAT_DATABASE" 'PRAGMA journal_mode = WAL' >/dev/null
	printf '%s\n' "$Q" | GATEWAY_INTERFACE=x chat 1 >"$T/out" 2>"$T/err" ||
	    true
	if grep -q 'this kernel has no Landlock' "$T/elsewhere/log" "$T/err"; then
		skip "no Landlock here"
	fi
	ask 2 "$Q"
	whole_answer
	is "$(cat "$T/elsewhere/log")" ''
	# The same, were it allowed.
	mv "$T/elsewhere/log" "$T/logs/real"
	ln -sf real "$T/logs/log"
	ask 3 "$Q"
	within 10 none_answers
	grep -q 'prog=answer' "$T/logs/real"
}

# How many seconds a time is ahead of the clock.
ahead() { echo $(($(date -ud "$1" +%s) - $(date +%s))); }
near() { [ "$(($1 - $2))" -gt -60 ] && [ "$(($1 - $2))" -lt 60 ]; }

# bats test_tags=fault,fault:37
@test "a clock that is set in mid-stream ends no wait, early or late" {
	needs_preload
	long 60
	replay_part "$T/long.ndjson"
	# No timer is set to as much as a day: those of answer, and IDLE_TIMEOUT.
	for day in 86400 -86400; do
		rm -f "$T/go"
		set_clocks 0 0
		clocked tab $((++TICKET))
		say $V "$Q"
		sees $V w2
		set_clocks $day 0
		replay_rest
		sees $V done
		frames=$(so_far $V)
		is_text "$LONG"
		say $V '{"type":"ping"}'
		sees $V pong
		leave $V
		within 10 none_answers
		near "$(ahead "$(sed -n 's/^time=\([^ ]*\).*prog=answer.*/\1/p' \
		    "$TICKETCHAT_LOG" | tail -n 1)")" $day
	done
	replay_end
	replay --stall 500 "$UP/good.ndjson"
	set_clocks 0 0
	TICKETCHAT_STALL_TIMEOUT=1 clocked viewer 5 "$Q"
	sees $V Reinicie
	set_clocks -86400 0
	viewed $V
	failed_with upstream_timeout 2
	set_clocks 0 0
	TICKETCHAT_IDLE_TIMEOUT=1 clocked tab 6
	sleep 0.3
	set_clocks -86400 0
	within 10 dead "${VIEWERS[V]}"
}

# bats test_tags=fault,fault:37
@test "a clock that was set back: what was answered last is the newest" {
	needs_preload
	replay --times 1 --then "$UP/done-with-text.ndjson" "$UP/good.ndjson"
	printf 'Reinicie a impressora!' >"$T/kept/second"
	set_clocks 0 0
	clocked ask 42 "$Q"
	generated
	set_clocks -86400 0
	clocked ask 42 '{"ticketBody":"printer jam","refresh":true}'
	is "$(text)" 'Reinicie a impressora!'
	for day in 86400 -86400 0; do
		set_clocks $day 0
		clocked ask 42 "$Q"
		kept 'Reinicie a impressora!'
		near "$(ahead "$(jq -r '.createdAt // empty' <<<"$frames")")" \
		    -86400
	done
}

@test "no new privileges, no cores, few descriptors; for answer too" {
	long 40
	replay_part "$T/long.ndjson"
	talker 42
	say $V "$Q"
	sees $V w1
	for p in "${VIEWERS[V]}" "$(answers)"; do
		grep -qx $'NoNewPrivs:\t1' "/proc/$p/status"
		grep -qE '^Max core file size +0 ' "/proc/$p/limits"
	done
	grep -qE '^Max open files +64 ' "/proc/${VIEWERS[V]}/limits"
	sanitized || grep -qE '^Max address space +[0-9]' \
	    "/proc/$(answers)/limits"
	replay_rest
	viewed $V
	is_text "$LONG"
}

@test "the binaries are built hardened" {
	sanitized && skip "not that one"
	command -v readelf >/dev/null || skip "no readelf"
	for f in "$B"/bin/* "$B"/libexec/*; do
		[ "${f##*/}" != libcurl ] || continue	# a version
		readelf -Wh -l -d --dyn-syms "$f" >"$T/elf"
		grep -q 'Type: *DYN' "$T/elf"
		grep -q 'GNU_RELRO' "$T/elf"
		grep -qE 'BIND_NOW|FLAGS_1.*NOW' "$T/elf"
		grep -qE 'GNU_STACK .* RW ' "$T/elf"
		not grep -qE 'LOAD .* RWE ' "$T/elf"
		not grep -q TEXTREL "$T/elf"
		not grep -qE 'R(UN)?PATH' "$T/elf"
		readelf -Ws "$f" >"$T/symbols"
		grep -q __stack_chk_fail "$T/symbols"
		grep -qE '__[a-z]+_chk' "$T/symbols"
		not grep -qE ' (gets|strcpy|strcat|sprintf|system|popen)@' "$T/elf"
	done
}
