# The functions of sql/postgres/002_identity.sql: leases, slots and turns.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }
prepare() { NO_DATABASE=1; }

# On a slow machine a lease would end between two calls: before each of them those
# that have not been made late are renewed.
LASTING="UPDATE TicketAIRuns SET Until = clock_timestamp() + interval '16 s'
    WHERE Ended IS NULL AND Until > clock_timestamp() - interval '1 min'"
late() { psql -c "UPDATE TicketAIRuns SET Until = clock_timestamp() - interval '2 min'
    WHERE Owner = '$1'"; }
# run_begin of ticket $1 by owner $2, of user $3; with two slots, or $4.
begin() {
	psql -F ' ' -c "$LASTING" -c "SELECT verdict, place, got FROM run_begin($1, '',
	    '$2', 0, false, '$3', 'node', true, ${5:-64}, '{gpu}', '{${4:-2}}')"
}
renew() { # of owner $1, wanting $2, with viewers or not ($3)
	psql -F ' ' -c "$LASTING" -c "SELECT n.verdict, n.stop, n.place, n.got
	    FROM TicketAIRuns AS r,
	    run_renew(r.Run, Owner, '$2', 'gpu', ${3:-true}, '{gpu}', '{${4:-2}}') AS n
	    WHERE Owner = '$1'"
}

@test "one run a ticket; asked again by its owner it is the same" {
	is "$(begin 1 a u)" 'mine 1 gpu'
	is "$(begin 1 b u)" 'busy  '
	is "$(begin 1 a u)" 'mine  gpu'
	late a
	is "$(begin 1 b u)" 'mine 1 gpu'
	is "$(renew a running)" 'over interrupted  '
	is "$(psql -c "SELECT count(*) FROM TicketAIRuns WHERE Ended IS NULL")" 1
}

@test "turns go by user, those that are watched first, then by number" {
	begin 1 a1 a 1
	is "$(begin 2 a2 a 1)" 'mine 1 '
	is "$(begin 3 a3 a 1)" 'mine 2 '
	is "$(begin 4 b1 b 1)" 'mine 1 '
	is "$(renew a2 queued true 1)" 'mine  2 '
	is "$(renew b1 queued false 1)" 'mine  3 '
	is "$(renew a3 queued true 1)" 'mine  2 '
	is "$(renew b1 queued true 1)" 'mine  1 '
	# The first one ends: the next of its user is not the next of all.
	psql -c "SELECT run_end(Run, Owner, 'stopped') FROM TicketAIRuns WHERE Owner = 'a1'"
	is "$(renew a2 queued true 1)" 'mine  2 '
	is "$(renew b1 queued true 1)" 'mine  1 gpu'
}

@test "who is late counts for nothing, and does not get more slots than there are" {
	begin 1 a u 1
	is "$(begin 2 b u 1)" 'mine 1 '
	late a
	is "$(renew b queued true 1)" 'mine  1 gpu'
	is "$(renew a running true 1)" 'mine interrupted  '
	is "$(psql -c "SELECT Owner, State, Server FROM TicketAIRuns ORDER BY Run")" \
	    $'a|saving|\nb|running|gpu'
	# What is whole may still be saved.
	is "$(psql -c "SELECT verdict FROM TicketAIRuns, run_save(Run, Owner, SessionId,
	    'x', 'h', 'y', 'm', 'stop', '{1,1,1,1,1,1,1,1}', '{}') WHERE Owner = 'a'")" done
}

@test "all that wait come again at whole seconds, within their lease" {
	local at place next
	psql -c "SELECT run_begin(g, '', 'o' || g, 0, false, 'u', 'node', true, 64,
	    '{gpu}', '{1}') FROM generate_series(1, 32) AS g" >"$T/begun"
	for at in 1 3 9 12 31; do
		read -r place next <<<"$(psql -F ' ' -c "$LASTING" -c "SELECT n.place, next_ms
		    FROM TicketAIRuns, run_renew(Run, Owner, 'queued', '', true,
		    '{gpu}', '{1}') AS n WHERE Owner = 'o$((at + 1))'")"
		is "$place" $at
		if [ $at -gt 10 ]; then
			[ "$next" -ge 9999 ] && [ "$next" -le 11000 ]
		else
			[ "$next" -ge $((at * 1000 - 501)) ]
			[ "$next" -le $((at * 1000 + 500)) ]
		fi
		is "$(psql -c "SELECT abs(extract(epoch FROM Until) -
		    round(extract(epoch FROM Until))) < 0.001, Until <= high
		    FROM TicketAIRuns, run_clock() WHERE Owner = 'o$((at + 1))'")" 't|t'
	done
}

@test "QUEUE_MAX is counted for new ones alone" {
	begin 1 a u 1
	is "$(begin 2 b u 1 1)" 'mine 1 '
	is "$(begin 3 c u 1 1)" 'full 2 '
	is "$(begin 2 b u 1 0)" 'mine 1 '
	is "$(psql -c "SELECT Ended FROM TicketAIRuns WHERE Owner = 'c'")" queue_full
}

@test "QUEUE_MAX counts those that wait, whatever place the new one would have" {
	local i
	begin 1 a u 1
	for i in 2 3 4; do begin $i "u$i" u 1 3; done
	# Of another user it would be the second.
	is "$(begin 5 v v 1 3)" 'full 1 '
	is "$(begin 6 w w 1 0)" 'full 1 '
	is "$(begin 7 x x 1 4)" 'mine 1 '
	is "$(begin 8 y y 1 4)" 'full 2 '
	# Nobody watches the others: it would be the first.
	psql -c "UPDATE TicketAIRuns SET Viewers = false WHERE State = 'queued'"
	is "$(begin 9 z z 1 4)" 'full 1 '
	# Who is late, or saves, does not wait.
	late u2
	is "$(begin 10 q q 1 4)" 'mine 1 '
	psql -c "UPDATE TicketAIRuns SET State = 'saving' WHERE Owner = 'u3'"
	is "$(begin 11 r r 1 4)" 'mine 2 '
	is "$(begin 12 s s 1 4)" 'full 3 '
	# Nor those that a free slot waits for.
	psql -c "SELECT run_end(Run, Owner, 'stopped') FROM TicketAIRuns WHERE Owner = 'a'"
	is "$(begin 13 t t 1 4)" 'mine 3 '
}

@test "a row that is being saved is its owner's, however old" {
	begin 1 a u
	late a
	psql -c BEGIN -c 'SELECT Run FROM TicketAIRuns FOR UPDATE' \
	    -c 'SELECT pg_sleep(4)' >"$T/lock" &
	track $!
	within 10 grep -q . "$T/lock"
	is "$(begin 1 b u)" 'busy  '
	is "$(renew a saving)" 'mine   gpu'
	is "$(psql -c 'SELECT run_watch(Run, SessionId) FROM TicketAIRuns')" running
	is "$(psql -c 'SELECT run_lives(1)')" 1
}

@test "saved twice it is saved once, another's answer is lost, a deleted one gone" {
	begin 1 a u
	save() { psql -c "SELECT verdict, versions FROM TicketAIRuns, run_save(Run,
	    Owner, SessionId, 'x', 'h', '$1', 'm', 'stop', '{1,1,1,1,1,1,1,1}', '{}')
	    WHERE Owner = 'a'"; }
	is "$(save y)" 'done|1'
	is "$(save y)" 'done|1'
	is "$(save z)" 'lost|'
	is "$(begin 1 b u)" 'answered  '
	psql -c 'DELETE FROM TicketAISessions'
	is "$(save y)" 'gone|'
}

@test "a session that is deleted ends its run; a ticket that must be there is not made" {
	begin 1 a u
	psql -c 'DELETE FROM TicketAISessions'
	is "$(renew a running)" 'over unknown_ticket  '
	is "$(psql -c "SELECT verdict FROM run_begin(9, '', 'x', 0, true, '', 'n', true,
	    1, '{g}', '{1}')")" unknown
}

@test "the gate: begin is refused, owners are told, and it opens by itself" {
	begin 1 a u
	is "$(psql -c "SELECT run_close('restore', 2)")" 1
	is "$(begin 2 b u)" 'closed  '
	is "$(renew a running)" 'mine shutting_down  gpu'
	sleep 2.2
	is "$(begin 2 b u)" 'mine 1 gpu'
}

@test "after an outage whoever lived before lives 6 s more" {
	begin 1 a u
	psql -c "UPDATE TicketAIRuns SET Until = Until - interval '1 h'" \
	    -c "UPDATE TicketAIBeat SET Beat = Beat - interval '1 h', Line = Line - interval '1 h'"
	is "$(begin 1 b u)" 'busy  '
	is "$(renew a running)" 'mine   gpu'
}

@test "torture: kills, freezes, cut connections, terminate storms, jumps of the clock" {
	(cd "$ROOT" && /usr/bin/python3 tests/postgres/sim.py \
	    --seconds "$([ -n "$TESTS_LONG" ] && echo 600 || echo 8)" \
	    --port "$PG_PORT" --direct "$PG_PORT" --db "$PG_DATABASE" --storm 10 \
	    --jump 9 --cut 0.04 --seed $RANDOM) >"$T/sim" 3>&- ||
	    { cat "$T/sim"; false; }
	tail -n 1 "$T/sim"
}
