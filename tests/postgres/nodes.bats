# Several nodes, one database: what a viewer of any of them sees.
STORE=postgres
load ../cases/helper

# The text of viewer $1 is whole.
whole() {
	viewed "$1" 60
	is "$(types)" 'stream done'
	is_text "$LONG"
}

@test "answered on one node, served on the other" {
	replay "$UP/good.ndjson"
	on 1 ask 42 "$Q"
	generated
	on 2 ask 42 "$Q"
	kept
	is "$(posts)" 1
}

@test "asked on three nodes at once: one question to the model, all see it" {
	long 60
	replay_part "$T/long.ndjson"
	local i
	for i in {1..30}; do on $((i % 3 + 1)) viewer 42 "$Q"; done
	for i in {1..30}; do sees "$i" w1 30; done
	replay_rest
	for i in {1..30}; do whole "$i"; done
	is "$(posts)" 1
	is "$(sql 'SELECT count(*), count(AiResponse) FROM TicketAISessions')" \
	    '1|1'
}

@test "who comes late on another node sees it from its first character" {
	long 60
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees 1 w8
	on 2 viewer 42 "$Q"
	sees 2 w1 30
	replay_rest
	whole 1
	whole 2
}

@test "stop on one node ends it for all" {
	long 60
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees 1 w1
	on 2 talker 42
	say 2 "$Q"
	sees 2 w1 30
	say 2 '{"type":"stop"}'
	for i in 1 2; do
		viewed $i 30
		is "$(code)" stopped
	done
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 0
	rm -f "$T/go"
	replay_rest
	on 2 ask 42 "$Q"
	is "$(types)" 'stream done'
}

@test "the generating node dies: nobody sees parts of two answers" {
	long 60
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees 1 w1
	on 2 viewer 42 "$Q"
	sees 2 w1 30
	kill -KILL $(RUN_DIR=$T/run answers)
	viewed 1 30
	is "$(code)" interrupted
	viewed 2 60
	is "$(code)" interrupted
	replay_rest
	on 2 ask 42 "$Q"
	is "$(types)" 'stream done'
	is "$(sql 'SELECT count(*), count(AiResponse) FROM TicketAISessions')" \
	    '1|1'
}

@test "the generating node is cut off: the other one answers, once" {
	needs_nft
	long 60
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees 1 w1
	cut_off 1
	replay_rest
	# The server finds out that node 1 is gone in its own time.
	answered() {
		on 2 ask 42 "$Q"
		[ "$(last | jq -r .type)" = done ]
	}
	within 120 answered
	reconnect 1
	viewed 1 90
	# Its own viewer got one end, whichever; what is kept is whole.
	is "$(sql 'SELECT count(AiResponse) FROM TicketAISessions')" 1
	on 1 ask 42 "$Q"
	kept "$LONG"
}

@test "a slow link: slower, and the same" {
	needs_nft
	slow 2 150
	long 60
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees 1 w1
	on 2 viewer 42 "$Q"
	sees 2 w1 60
	replay_rest
	whole 1
	whole 2
	is "$(posts)" 1
	on 2 ask 42 "$Q"
	kept "$LONG"
}

@test "RATE_LIMIT is of all nodes together" {
	replay "$UP/good.ndjson"
	export RATE_LIMIT=4/hour GENERATIONS=20 GATEWAY_INTERFACE=x
	local i
	for i in {1..12}; do
		REMOTE_ADDR=10.0.0.1 on $((i % 3 + 1)) talker $i
		say $V "$Q"
	done
	for i in {1..12}; do sees $i '"type":"\(done\|error\)"' 60; done
	is "$(posts)" 4
	for i in {1..12}; do
		so_far $i
		leave $i
	done >"$T/all"
	is "$(jq -r 'select(.type == "error").code' "$T/all" | sort | uniq -c |
	    awk '{ print $1, $2 }')" '8 rate_limited'
}

@test "the server is restarted: what is kept is served again, on all nodes" {
	replay "$UP/good.ndjson"
	on 1 ask 42 "$Q"
	pg_stop immediate
	on 2 ask 42 "$Q"
	failed_with storage 111
	pg_up_again
	on 2 ask 42 "$Q"
	kept
	on 3 ask 43 "$Q"
	generated
}

@test "the server is restarted in mid-stream: the answer is kept all the same" {
	long 60
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	sees 1 w1
	pg_restart fast
	replay_rest
	whole 1
	on 2 ask 42 "$Q"
	kept "$LONG"
}

@test "the standby takes over: kept answers are there, new ones are kept" {
	pg_replica
	replay "$UP/good.ndjson"
	both() {
		DATABASE="postgres://ticketchat@127.0.0.11:$PG_PORT,127.0.0.11:$REPLICA_PORT/$PG_DATABASE" "$@"
	}
	both ask 42 "$Q"
	generated
	behind() { [ "$(psql -c "SELECT count(*) FROM pg_stat_replication
	    WHERE replay_lsn = pg_current_wal_lsn()")" = 1 ]; }
	within 20 behind
	pg_stop immediate
	pg_promote
	both ask 42 "$Q"
	kept
	both ask 43 "$Q"
	generated
	is "$(both sessions list --json | jq .ticket | paste -sd ' ')" '43 42'
	NO_DATABASE=1	# of the server that was stopped
}

@test "a pooler in transaction mode is refused by name, where locks are needed" {
	pg_pooler
	DATABASE=postgres://ticketchat@127.0.0.1:$POOLER_PORT/$PG_DATABASE \
	    run ! --separate-stderr sessions doctor --json
	jq -r 'select(.level == "error").finding' <<<"$output" |
	    grep -q 'pooler in transaction mode'
}

@test "two services: websocketd on each node" {
	replay "$UP/good.ndjson"
	export WEB=off
	on 1 service
	local one=$P
	on 2 service
	frames=$(client "ws://127.0.0.1:$one/api/websocket/chat/42" "$Q")
	generated
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	kept
	is "$(posts)" 1
}
