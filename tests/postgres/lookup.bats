# How a viewer asks the database: by a small program.  Whatever the server does
# meanwhile, its viewer is heard: pings, stop, the end of input.  Under websocketd
# (a tab, here) the program may stay for whoever asks next.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }
cleanup() { thaw; }

# The server takes connections, and says nothing on new ones.
freeze() { kill -STOP "$(head -n 1 "$PG/postmaster.pid")"; }
thaw() { kill -CONT "$(head -n 1 "$PG/postmaster.pid")"; }

lookups() { processes lookup; }
looks() { [ -n "$(lookups)" ]; }
no_lookups() { [ -z "$(lookups)" ]; }

# The program alone, with a line of JSON.
lookup() {
	status=0
	printf "$1" | "$B/libexec/lookup" -c "$T/conf" \
	    >"$T/looked" 2>"$T/looked.err" || status=$?
	verdict=$(tail -n 1 "$T/looked")
	is "$(jq -r .type <<<"$verdict")" verdict
}
of() { jq -r "$1" <<<"$verdict"; }

# A ping is answered long before the server is given up.
is_heard() {
	say "$1" '{"type":"ping"}'
	within 2 has "$1" pong
	not has "$1" '"error"'
}

@test "lookup alone: a question on stdin, a verdict on stdout" {
	replay "$UP/good.ndjson"
	lookup '{"ticket":42,"ticketBody":"printer jam"}'
	is "$status $(wc -l <"$T/looked")" "0 1"
	is "$(of '[.newest, .session, .code] | map(. // "none") | join(" ")')" "0 none none"
	is "$(of '.identity | length') $(of '.textHash | length')" "32 32"
	ask 42 "$Q"
	generated
	lookup '{"ticket":42,"ticketBody":"printer jam"}'
	is "$status $(wc -l <"$T/looked")" "0 2"
	is "$(of '.session == .newest')" true
	frames=$(head -n 1 "$T/looked"; echo '{"type":"done"}')
	kept
	ask 42 "$Q"
	is "$(head -n 1 <<<"$frames")" "$(head -n 1 "$T/looked" |
	    sed 's/Resposta salva/&/')"
	# Other questions; none of them began anything.
	lookup '{"ticket":42,"ticketBody":"x","version":1,"lang":"en"}'
	is "$(jq -r .bodyChanged <(head -n 1 "$T/looked"))" true
	lookup '{"ticket":42,"ticketBody":"x","version":2}'
	is "$status $(of '.code + " " + .detail')" "1 bad_request version"
	lookup '{"ticket":42,"ticketBody":"printer jam","refresh":true}'
	is "$(of '.session // "none"')" none
	lookup '{"ticket":42,"ticketBody":"printer jam","session":1000}'
	is "$status $(of .code)" "2 interrupted"
	TICKETCHAT_RATE_LIMIT=1/day
	export TICKETCHAT_RATE_LIMIT
	for i in 1 2; do
		lookup '{"ticket":43,"ticketBody":"x","begin":true,"charge":true,"user":"ip:::1"}'
	done
	is "$(of '.code + " " + (.retryAfter > 80000 | tostring)')" "rate_limited true"
	lookup '{"ticket":42,"type":"stop"}'
	is "$status $(of '.heard // false')" "0 false"
	is "$(posts)" 1
	unset TICKETCHAT_RATE_LIMIT
}

@test "lookup alone: what is wrong is told by its code" {
	for line in '' '{' '[]' 'x' '{"ticketBody":"a"}' '{"ticket":0,"ticketBody":"a"}' \
	    '{"ticket":42}' '{"ticket":42,"type":"ping"}' '{"ticket":42,"ticketBody":" "}'; do
		lookup "$line"
		is "$line: $status" "$line: 1"
		[[ $(of .code) = bad_* ]]
	done
	pg_stop fast
	lookup '{"ticket":42,"ticketBody":"a"}'
	is "$status $(of '.code + " " + .call')" "111 storage store"
	[ -n "$(of .error)" ]
	pg_up_again
	status=0
	TICKETCHAT_DATABASE=$T/file.db "$B/libexec/lookup" \
	    -c "$T/conf" </dev/null >"$T/out" 2>&1 || status=$?
	is "$status" 102
}

# bats test_tags=fault
@test "lookup alone: a call for a run" {
	run_of() { status=0; printf "$1" | "$B/libexec/lookup" -c "$T/conf" >"$T/looked" || status=$?; }
	begin='{"run":"begin","args":[77,"me",0,0,"","here",1,9,"{\\"a\\"}","{1}","",200,""]}'
	run_of "$begin"
	is "$status $(jq -c '.row | [.[0], .[4]]' "$T/looked")" '0 ["mine","a"]'
	number=$(jq -r '.row[1]' "$T/looked")
	# The same owner again: the same run.
	run_of "$begin"
	is "$(jq -r '.row[1]' "$T/looked")" "$number"
	run_of "{\"run\":\"renew\",\"args\":[$number,\"me\",\"running\",\"a\",1,\"{a}\",\"{1}\"]}"
	is "$status $(jq -c '.row | [.[0], .[1], .[3]]' "$T/looked")" '0 ["mine",null,"a"]'
	run_of "{\"run\":\"watch\",\"args\":[$number,1,1]}"
	is "$status $(jq -c .row "$T/looked")" '0 ["running"]'
	for line in '{"run":"end","args":[1,"me","x"]}' '{"run":"","args":[]}' '{"run":7,"args":[]}' \
	    '{"run":"watch","args":[[1],1]}' '{"run":"watch","args":[1,"\\ud800"]}' '{"run":null}'; do
		run_of "$line"
		is "$line: $status $(jq -r '.code + " " + .detail' "$T/looked")" "$line: 1 bad_request run"
	done
	for line in '{"run":"watch","args":[]}' '{"run":"watch"}' \
	    '{"run":"watch","args":["x","y","z"]}' '{"run":"renew","args":[1,"me","queued","",1,"a","b"]}'; do
		run_of "$line"
		is "$line: $status $(jq -r .code "$T/looked")" "$line: 111 storage"
	done
	psql -c "DELETE FROM TicketAIRuns" -c "DELETE FROM Tickets WHERE Id = 77" >"$T/gone"
}

@test "the server hangs in the look: a ping is answered, then it is storage" {
	replay "$UP/good.ndjson"
	talker 42
	freeze
	say $V "$Q"
	within 2 looks
	is_heard $V
	within 12 has $V '"code":"storage"'
	no_lookups
	# The next question is as any.
	thaw
	say $V "$Q"
	within 10 has $V '"done"'
	viewed $V
	is "$(types)" "pong error stream done"
}

# bats test_tags=fault
@test "the look waits for a lock of somebody else's: a ping is answered" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	psql -c BEGIN -c 'LOCK TABLE TicketAISessions' -c 'SELECT 1' \
	    -c 'SELECT pg_sleep(8)' >"$T/lock" &
	lock=$!
	within 10 grep -q . "$T/lock"
	tab 42
	say $V "$Q"
	within 2 looks
	sleep 0.5
	is_heard $V
	within 12 has $V '"code":"storage"'
	leave $V
	within 10 dead $lock
}

# bats test_tags=fault
@test "the server hangs when a lost generation's answer is looked up" {
	long 20
	replay_part "$T/long.ndjson"
	talker 42
	say $V "$Q"
	sees $V w8
	freeze
	kill -KILL "$(answer_of 42)"
	within 2 looks
	is_heard $V
	within 12 has $V '"code":"storage"'
	thaw
	viewed $V
	rm -f "$TICKETCHAT_RUN_DIR"/*.sock
}

# bats test_tags=fault
@test "the server hangs in a stop: a ping is answered, and the stop gets through" {
	long 20
	replay_part "$T/long.ndjson"
	on 2 viewer 42 "$Q"
	C=$V
	sees $C w8
	talker 42
	freeze
	say $V '{"type":"stop"}'
	within 2 looks
	is_heard $V
	thaw
	sees $C '"code":"stopped"' 15
	within 5 no_lookups
	viewed $V
	is "$(types)" pong
}

# bats test_tags=fault
@test "the charge waits for a lock: a ping is answered meanwhile" {
	export TICKETCHAT_RATE_LIMIT=5/min
	psql -c BEGIN -c 'LOCK TABLE RateLimits' -c 'SELECT 1' \
	    -c 'SELECT pg_sleep(30)' >"$T/lock" &
	track $!
	within 10 grep -q . "$T/lock"
	tab 42
	say $V "$Q"
	within 2 looks
	sleep 0.5	# it is the second one by now, of the charge
	is_heard $V
	within 12 has $V '"code":"storage"'
	leave $V
	unset TICKETCHAT_RATE_LIMIT
}

# bats test_tags=fault
@test "a look that is killed is storage, and the next question is fine" {
	replay "$UP/good.ndjson"
	talker 42
	freeze
	say $V "$Q"
	within 2 looks
	kill -KILL $(lookups)
	within 2 has $V '"code":"storage","retryable":true'
	thaw
	say $V "$Q"
	within 10 has $V '"done"'
	viewed $V
	is "$(types)" "error stream done"
	grep -q 'call=query error="lookup ended without a verdict"' "$T/log" "$T/frames.$V.err"
}

# bats test_tags=fault
@test "a viewer who leaves or stops while the server hangs leaves no process" {
	replay "$UP/good.ndjson"
	freeze
	tab 42
	say $V "$Q"
	within 2 looks
	hang_up $V
	within 2 dead "${VIEWERS[V]}"
	within 2 no_lookups
	# Killed, it can end nobody: the kernel does.
	tab 42
	say $V "$Q"
	within 2 looks
	kill -KILL "${VIEWERS[V]}"
	within 2 no_lookups
	hang_up $V
	# Who stops is told at once, and may ask again.
	talker 42
	say $V "$Q"
	within 2 looks
	say $V '{"type":"stop"}'
	within 2 has $V '"code":"stopped"'
	thaw
	say $V "$Q"
	within 10 has $V '"done"'
	viewed $V
	is "$(types)" "error stream done"
	is "$(posts)" 1
}

# bats test_tags=fault
@test "a stop in a look that hangs ends what runs for the ticket already" {
	long 20
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	local first=$V
	sees $first w8
	freeze
	tab 42
	say $V "$Q"
	within 2 looks
	say $V '{"type":"stop"}'
	within 2 has $V '"code":"stopped"'
	within 4 has $first '"code":"stopped"'
	leave $V
	thaw
	viewed $first
	is "$(types)" "stream error"
	replay_end
}

@test "who says stop and leaves at once is heard on the other node" {
	long 20
	replay_part "$T/long.ndjson"
	on 2 viewer 42 "$Q"
	C=$V
	sees $C w8
	tab 42
	say $V '{"type":"stop"}'
	leave $V
	sees $C '"code":"stopped"' 10
	viewed $C
}

# Kilobytes that no other process shares.
private() { awk '/^Private/ { n += $2 } END { print n }' "/proc/$1/smaps"; }

@test "an idle viewer has neither libpq nor TLS in it, and 300 KB at most" {
	sanitized && skip "a sanitizer has its own memory"
	replay "$UP/good.ndjson"
	tab 42
	A=$V
	tab 42
	for V in $A $V; do
		say $V "$Q"
		within 10 has $V '"done"'
		say $V "$Q"
		within 10 has $V '"cached"'
	done
	not grep -E 'libpq|libssl|libcrypto|krb5' "/proc/${VIEWERS[A]}/maps"
	echo "private: $(private "${VIEWERS[A]}") KB" >&2
	[ "$(private "${VIEWERS[A]}")" -le 300 ]
	leave $A
	leave $V
}

# A saved answer, and a tab that is shown it; it stays open.
shown() {
	tab 42
	say $V "$Q"
	within 10 has $V '"done"'
	has $V '"cached"'
}
saved() {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	no_lookups
}

@test "at a shell no program stays; under websocketd one does, for all who come" {
	saved
	ask 42 "$Q"
	no_lookups
	shown
	leave $V
	first=$(lookups)
	[ -n "$first" ]
	for i in 1 2 3; do
		shown
		say $V "$Q"
		within 10 eval '[ "$(grep -c done "$T/frames.$V")" = 2 ]'
		leave $V
		is "$(lookups)" "$first"
	done
	# A shell asks it too.
	ask 42 "$Q"
	is "$(lookups)" "$first"
	# Nobody's terminal, nobody's pipe, no viewer's death ends it.
	is "$(readlink "/proc/$first/fd/0") $(readlink "/proc/$first/fd/1") $(readlink "/proc/$first/fd/2")" \
	    '/dev/null /dev/null /dev/null'
	is "$(cut -d ' ' -f 6 "/proc/$first/stat")" "$first"
	# It goes with its place.
	rm "$TICKETCHAT_RUN_DIR/lookup"
	within 5 no_lookups
}

@test "what stays lets its connection go when nobody asks" {
	saved
	shown
	leave $V
	connections() { psql -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ticketchat'"; }
	is "$(connections)" 1
	none() { [ "$(connections)" = 0 ]; }
	within 20 none
	[ -n "$(lookups)" ]
	shown
	leave $V
}

# bats test_tags=fault
@test "one that stays is killed, frozen, or cut off: the next question is fine" {
	saved
	shown
	leave $V
	for i in kill restart storm freeze; do
		old=$(lookups)
		[ "$(wc -w <<<"$old")" = 1 ]
		case $i in
		kill) kill -KILL "$old" ;;
		restart) pg_restart immediate ;;
		storm) psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		    WHERE usename = 'ticketchat'" >"$T/ended" ;;
		freeze) kill -STOP "$old" ;;
		esac
		shown
		leave $V
	done
	# A new one has the place.
	shown
	leave $V
	is "$(lookups | grep -vxc "$old")" 1
	kill -CONT "$old"
	within 5 dead "$old"
	is "$(lookups | wc -w)" 1
}

# bats test_tags=fault
@test "thirty come at once: each is answered, one program stays" {
	saved
	tabs=
	for i in $(seq 30); do
		tab 42
		tabs+=" $V"
	done
	for V in $tabs; do say $V "$Q"; done
	for V in $tabs; do
		within 20 has $V '"cached"'
		within 5 has $V '"done"'
		leave $V
	done
	one() { [ "$(lookups | wc -w)" = 1 ]; }
	within 5 one
}

# bats test_tags=fault
@test "one that stays and hangs is not waited for by others" {
	saved
	shown
	leave $V
	psql -c BEGIN -c 'LOCK TABLE TicketAISessions' -c 'SELECT 1' \
	    -c 'SELECT pg_sleep(3)' >"$T/lock" &
	lock=$!
	within 10 grep -q . "$T/lock"
	tab 42
	first=$V
	say $V "$Q"
	sleep 0.5
	tab 42
	say $V "$Q"
	two() { [ "$(lookups | wc -w)" = 2 ]; }
	within 2 two
	within 10 dead $lock
	for V in $first $V; do
		within 10 has $V '"done"'
		has $V '"cached"'
		leave $V
	done
}

@test "what stays is asked only with the settings that it has" {
	saved
	tab 42
	say $V '{"ticketBody":"another text"}'
	within 10 has $V '"bodyChanged":true'
	leave $V
	export TICKETCHAT_CACHE=body
	replay "$UP/good.ndjson"
	tab 42
	say $V '{"ticketBody":"another text"}'
	within 10 has $V '"done"'
	leave $V
	viewed_types=$(jq -r .type "$T/frames.$V" | sort -u | paste -sd ' ')
	is "$viewed_types" "done stream"
	unset TICKETCHAT_CACHE
}
