# Watching generations while they run, and playing kept answers.
load helper

# sessions tail in the background; its lines are in $T/tail.
watch() {
	(
		without_talkers
		exec "$B/bin/sessions" -c "$T/conf" tail "$@"
	) >"$T/tail" 2>"$T/tail.err" 3>&- &
	TAIL=$!
	track $TAIL
}
told() { grep -q "$1" "$T/tail"; }
# What was told of ticket $1, without times, sessions and bytes.
story() { sed -n "s/.* ticket=$1 session=[0-9]* state=\(.*\) bytes=.*/\1/p" \
    "$T/tail" | uniq | paste -sd ' '; }
# It listens: the watch of its inotify is there.
watching() { grep -qs '^inotify wd' /proc/$TAIL/fdinfo/*; }

@test "tail: a line for each change, of those before and those to come" {
	long 60
	replay_part "$T/long.ndjson"
	viewer 1 "$Q"
	sees 1 w1
	watch
	within 10 told 'ticket=1 .*state=generating'
	viewer 2 "$Q"
	within 10 told 'ticket=2 .*state=queued'
	replay_rest
	viewed 1
	viewed 2
	within 10 told 'ticket=2 .*state=done'
	is "$(story 1)" 'generating done'
	case $(story 2) in
	'queued loading generating done' | 'queued generating done') ;;
	*) story 2; false ;;
	esac
	is "$(grep -c "state=done bytes=${#LONG}$" "$T/tail")" 2
	not grep -qv '^time=[0-9TZ:-]* ticket=[12] session=[12] state=[a-z]* bytes=[0-9]*$' \
	    "$T/tail"
	end $TAIL
	is "$(cat "$T/tail.err")" ''
}

@test "tail: bytes grow while an answer is written" {
	yes '{"response":"abcdefgh ","done":false}' | head -n 40 >"$T/slow.ndjson"
	replay --pace 100 "$T/slow.ndjson"
	watch
	within 10 watching
	viewer 1 "$Q"
	bytes() { sed -n 's/.* state=generating bytes=//p' "$T/tail"; }
	grown() { [ "$(bytes | sort -nu | wc -l)" -ge 3 ]; }
	within 30 grown
	is "$(bytes)" "$(bytes | sort -n)"
	viewed $V
}

# Asks, and lets it end when tail has joined it: one of a few milliseconds
# would be gone before.
joined() {
	rm -f "$T/go"
	viewer $1 "$Q"
	within 10 told "ticket=$1 .*state=generating"
	replay_rest
	viewed $V
}

@test "tail: many in a row, failed ones, killed ones" {
	replay_part "$UP/good.ndjson"
	watch
	within 10 watching
	for t in {1..8}; do joined $t; generated; done
	for t in {1..8}; do within 10 told "ticket=$t .*state=done"; done
	replay_end
	replay_part "$UP/eof-without-done.ndjson"
	joined 20
	within 10 told 'ticket=20 .*state=error code=upstream_truncated'
	replay_end
	long 1000
	replay --pace 50 "$T/long.ndjson"
	viewer 21 "$Q"
	within 10 told 'ticket=21 .*state=generating'
	end "$(answers)" KILL
	within 10 told 'ticket=21 .*state=error code=interrupted'
	viewed $V
	# The same ticket once more.
	viewer 21 "$Q"
	within 10 eval '[ "$(grep -c "ticket=21 .*state=generating" "$T/tail")" = 2 ]'
	end "$(answers)"
	within 10 told 'ticket=21 .*state=error code=shutting_down'
	viewed $V
	end $TAIL
}

@test "tail of a ticket: its text as it comes, from the beginning" {
	long 40
	replay_part "$T/long.ndjson"
	viewer 42 "$Q"
	sees $V w5
	watch 42
	within 10 grep -q w1 "$T/tail"
	not told w40
	replay_rest
	viewed $V
	wait $TAIL
	is "$(cat "$T/tail"; echo .)" "$LONG."
	run -1 --separate-stderr sessions tail 42
	is "$stderr" 'sessions: no generation runs for ticket 42'
	for c in 'tail x' 'tail 1 2' 'tail --x'; do run -100 sessions $c; done
}

@test "tail of a ticket: a question about its answer, if nothing else is written" {
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	ask 7 "$Q"
	replay_end
	long 40
	replay_part "$T/long.ndjson"
	viewer 42 '{"question":"And then?"}'
	sees $V w1 60
	run -1 sessions tail 7
	watch 42
	within 60 grep -q w1 "$T/tail"
	replay_rest
	viewed $V
	wait $TAIL
	is "$(cat "$T/tail"; echo .)" "$LONG."
}

@test "tail of a ticket: how it failed is its exit code" {
	long 1000
	replay --pace 50 "$T/long.ndjson"
	for s in KILL TERM; do
		viewer 42 "$Q"
		# On PostgreSQL the lease of the one that was killed has to end.
		sees $V w2 30
		watch 42
		within 10 told w2
		end "$(answers)" $s
		rc=0
		wait $TAIL || rc=$?
		is $rc 2
		viewed $V
	done
	is "$(cat "$T/tail.err")" 'sessions: ticket 42: shutting_down'
}

@test "tail shows no control characters that a socket may send" {
	/usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c, _ = s.accept()
c.sendall(b"{\"type\":\"stream\",\"content\":\"a\\u001b[31mb\\u0007c\\u009b\"}\n")
' "$TICKETCHAT_RUN_DIR/42.sock" 3>&- &
	track $!
	listens() { run sessions tail 42; [ "$status" != 1 ]; }
	within 10 listens
	is "$status" 2
	is "${lines[0]%sessions*}" $'a\ufffd[31mb\ufffdc\ufffd'
	rm -f "$TICKETCHAT_RUN_DIR/42.sock"
}

@test "tail leaves a stale socket alone, and makes RUN_DIR" {
	/usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])' "$TICKETCHAT_RUN_DIR/7.sock"
	watch
	within 10 watching
	run -1 sessions tail 7
	replay_part "$UP/good.ndjson"
	joined 8
	within 10 told 'ticket=8 .*state=done'
	end $TAIL
	test -S "$TICKETCHAT_RUN_DIR/7.sock"
	rm "$TICKETCHAT_RUN_DIR/7.sock"
	TICKETCHAT_RUN_DIR=$T/new run -1 sessions tail 7
	is "$(stat -c %a "$T/new")" 700
	TICKETCHAT_RUN_DIR=$T/no/where run -102 --separate-stderr sessions tail
}

@test "tail counts as a viewer" {
	long 40
	replay_part "$T/long.ndjson"
	export TICKETCHAT_ON_DISCONNECT=cancel
	tab 42
	say $V "$Q"
	sees $V w2
	watch 42
	within 10 told w2
	leave $V
	replay_rest
	wait $TAIL
	is "$(cat "$T/tail"; echo .)" "$LONG."
}

keep() {
	printf %s "$2" >"$T/kept/$1"
	jq -cn --rawfile a "$T/kept/$1" --arg reason "${3:-stop}" \
	    --argjson id "$1" '"2026-01-02T03:04:05Z" as $t | {ticket: 42,
	    ticket_created: $t, session: $id, created: $t, answered: $t,
	    prompt: "x", response: $a, model: "m", $reason} + ("prompt_tokens
	    answer_tokens queued_ms first_token_ms total_ms load_ms prompt_ms
	    answer_ms" | [splits("\\s+")] | map({(.): 1}) | add)' |
	    sessions import >/dev/null
}

@test "replay: a kept answer as frames" {
	keep 1 'Open the  rear door.

é 😀 "pull" it.
' length
	sessions replay --pace 0 42 >"$T/frames.1"
	check "$T/frames.1" 1
	frames=$(<"$T/frames.1")
	is "$(text; echo .)" "$(cat "$T/kept/1"; echo .)"
	is "$(head -n 1 <<<"$frames")" '{"type":"stream","content":"Open "}'
	is "$(last)" '{"type":"done","reason":"length"}'
	is "$(grep -c stream <<<"$frames")" 8
	# As long as a word can be, and none.
	long=$(printf 'é%.0s' {1..500})
	keep 2 "$long"
	sessions replay --pace 0 42 >"$T/frames.2"
	check "$T/frames.2" 1
	is "$(text "$(<"$T/frames.2")")" "$long"
	is "$(last "$(<"$T/frames.2")")" '{"type":"done","versions":2}'
	sessions replay --pace 0 --version 1 42 | grep -q '"Open "'
	keep 3 ''
	sessions replay --pace 0 42 >"$T/frames.3"
	is "$(cat "$T/frames.3")" '{"type":"done","versions":3}'
}

@test "replay: at its pace, and what is not there" {
	keep 1 'a b c d e f g h i j'
	started=$(date +%s%N)
	sessions replay --pace 300 42 >"$T/out" 3>&- &
	p=$!
	within 10 grep -q '"b "' "$T/out"
	not grep -q done "$T/out"
	wait $p
	[ $(($(date +%s%N) - started)) -ge 3000000000 ]
	run -1 --separate-stderr sessions replay 43
	is "$stderr" 'sessions: ticket 43 has no such answer'
	run -1 --separate-stderr sessions replay --version 2 42
	for c in replay 'replay x' 'replay 1 2' 'replay --pace x 42' \
	    'replay --pace -1 42' 'replay --pace 99999 42' \
	    'replay --version 0 42'; do
		run -100 --separate-stderr sessions $c
	done
	sessions replay --pace 0 42 >/dev/full 2>"$T/err" || is $? 111
	TICKETCHAT_DATABASE=$T/none run -111 --separate-stderr sessions replay 42
}
