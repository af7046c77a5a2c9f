# docs/scaling.md: each of its blocks is run as printed, with stand-ins for what
# this machine is not (apt-get, systemctl, another host's name and port); and what
# it names is there.
STORE=postgres
load ../cases/helper

PAGE=$ROOT/docs/scaling.md
prepare() { NO_DATABASE=1; }	# what is imported here no model has said

# The block ```$1 of the page; where there are several, the one with the text $2.
block() {
	awk -v head="\`\`\`$1" -v text="$2" '/^```/ { if (on && seen) exit
	    on = $0 == head; seen = text == ""; block = ""; next }
	on { block = block $0 "\n"; seen = seen || index($0, text) }
	END { if (seen) printf "%s", block }' "$PAGE" >"$T/block"
	[ -s "$T/block" ]
}

# The one with this text, in a checkout with these programs.
run_block() {
	block sh "$1"
	mkdir -p "$T/checkout"
	ln -sfn "$B" "$T/checkout/build"
	(cd "$T/checkout" && sh -eu "$T/block") >"$T/shown" 2>&1
}

@test "made and examined, as printed, in a fresh checkout" {
	replay --tags "$REC/tags.response.http" "$UP/good.ndjson"
	psql -c 'DROP SCHEMA ticketchat CASCADE' 2>"$T/dropped"
	(
		unset TICKETCHAT_RUN_DIR
		run_block 'doctor --quick' || [ $? -le 1 ]
	)
	cat "$T/shown"
	is "$(psql -c 'SELECT count(*) FROM SchemaVersion')" 1
	is "$(stat -c %a "$T/checkout/var" "$T/checkout/var/run" | paste -sd ' ')" '700 700'
	not grep '^error' "$T/shown"
}

@test "what a viewer asks the database, as printed" {
	replay "$UP/good.ndjson"
	sessions migrate
	run_block lookup
	is "$(jq -r '.type + " \(.newest)"' "$T/shown")" 'verdict 0'
	ask 42 "$Q"
	generated
	run_block lookup
	is "$(jq -r .type "$T/shown" | paste -sd ' ')" 'cached verdict'
	is "$(posts)" 1
}

@test "moved from SQLite to PostgreSQL and back, nothing lost" {
	replay "$UP/good.ndjson"
	new=$TICKETCHAT_DATABASE
	TICKETCHAT_DATABASE=$T/old.db
	sessions migrate
	for t in 7 8; do ask $t "$Q"; generated; done
	sessions export >"$T/before"
	export OLD=$TICKETCHAT_DATABASE NEW=$new TICKETCHAT_RUN_DIR=$T/run
	# A RUN_DIR belongs to one database.
	unset TICKETCHAT_RUN_DIR
	run_block 'sessions export' || { cat "$T/shown"; false; }
	export TICKETCHAT_RUN_DIR=$T/run.new
	TICKETCHAT_DATABASE=$NEW sessions export | diff "$T/before" -
	TICKETCHAT_DATABASE=$NEW sessions migrate
	TICKETCHAT_DATABASE=$NEW ask 7 "$Q"
	kept
	unset TICKETCHAT_RUN_DIR
	rm -r "$T/checkout/var"
	OLD=$new NEW=$T/again.db run_block 'sessions export'
	TICKETCHAT_DATABASE=$T/again.db TICKETCHAT_RUN_DIR=$T/run.again \
	    sessions export | diff "$T/before" -
	export TICKETCHAT_RUN_DIR=$T/run
	TICKETCHAT_DATABASE=$new
}

tied() {
	TICKETCHAT_TICKETS=existing TICKETCHAT_TICKETS_TABLE='helpdesk."Tickets"' sessions migrate \
	    >"$T/shown" 2>&1
}

@test "the GRANTs of the page are enough for somebody else's table, and no more" {
	psql -c 'CREATE SCHEMA helpdesk; CREATE TABLE helpdesk."Tickets"
	    ("Id" bigint PRIMARY KEY); INSERT INTO helpdesk."Tickets" VALUES (42)'
	not tied
	grep -q "permission denied" "$T/shown"
	block sql
	psql -f "$T/block"
	tied
	export TICKETCHAT_TICKETS=existing
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	ask 43 "$Q"
	failed_with unknown_ticket
}

# Two machines with PostgreSQL, each a directory with what Debian has below
# /etc/postgresql and /var/lib/postgresql, and a port of its own; as Debian starts
# it, with both.  machine NAME BLOCK [EDIT] runs a block of the page there.
machine_init() {
	local d=$PG.$1
	MACHINES+=("$1")
	rm -rf "$d" && pg_directory "$d"
	as_pg mkdir -p "$d/etc/conf.d" "$d/bin"
	as_pg sh -c "printf 'local all all trust\n' >'$d/etc/pg_hba.conf'"
	free_port >"$d.port"
	for p in apt-get; do machine_has "$1" $p :; done
	machine_has "$1" systemctl 'case $* in
	"stop postgresql" | "disable --now postgresql") [ ! -s $M/main/postmaster.pid ] || as_pg $PG_BIN/pg_ctl -s -w -D $M/main -m fast stop ;;
	"start postgresql" | "restart postgresql")
		[ ! -s $M/main/postmaster.pid ] || as_pg $PG_BIN/pg_ctl -s -w -D $M/main -m fast stop
		as_pg $PG_BIN/pg_ctl -s -w -D $M/main -l $M/log -o "-p $PORT -c hba_file=$M/etc/pg_hba.conf -c unix_socket_directories=$M -c fsync=off" start ;;
	*) exit 99 ;; esac'
	machine_has "$1" runuser 'shift 3; as_pg env PGHOST=$M PGPORT=$PORT PGUSER=postgres PATH="$PG_BIN:$PATH" "$@"'
}
machine_has() {
	{
		cat <<-END
		#!/bin/bash
		B=$B PG_BIN=$PG_BIN M=$PG.$1 PORT=$(cat "$PG.$1.port")
		END
		declare -f as_pg | sed 's|PATH=/usr/sbin[^ ]*|PATH=$PG_BIN:/usr/sbin:/usr/bin:/sbin:/bin|; s| 3>&-||'
		echo "$3"
	} >"$PG.$1/bin/$2"
	chmod 755 "$PG.$1/bin/$2"
}
machine() {
	local d=$PG.$1
	block "sh $2"
	sed -i -e "s|/etc/postgresql/15/main|$d/etc|g; s|/var/lib/postgresql/15|$d|g" \
	    -e "s|'\*'|'127.0.0.1'|; s|10\.0\.0\.0/24|127.0.0.1/32|; s|max_connections = 200|&\nwal_level = replica|" \
	    -e "s|host=db1|host=127.0.0.1 port=$(cat "$PG.db1.port")|" -e "${3:-}" "$T/block"
	# What Debian's cluster includes.
	chmod a+rx "$d" "$d/etc" "$d/etc/conf.d"
	PATH=$d/bin:$PATH sh -eu "$T/block" >"$T/shown.$1" 2>&1 ||
	    { cat "$T/block" "$T/shown.$1" "$d/log" >&2; return 1; }
}
machine_psql() {
	"$PG_BIN/psql" -XqAt -h "$PG.$1" -p "$(cat "$PG.$1.port")" -U postgres -d "${3:-ticketchat}" -c "$2"
}
cleanup() {
	local m
	[ -z "$PGBOUNCER" ] || kill "$(cat "$PGBOUNCER")" || true
	for m in "${MACHINES[@]}"; do pg_down "$PG.$m/main" immediate || true; done
	for m in "${MACHINES[@]}"; do rm -rf "$PG.$m" "$PG.$m.port"; done
}
to_both() {
	local p1=$(cat "$PG.db1.port") p2=$(cat "$PG.db2.port")
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.1:$p1,127.0.0.1:$p2/ticketchat$1
	ETC=/etc/ticketchat-test.$$
}
followed() { [ "$(machine_psql "$1" 'SELECT count(*) FROM pg_stat_replication WHERE state = $$streaming$$')" = 1 ]; }
equal() { [ "$(machine_psql db1 'SELECT count(AiResponse) FROM ticketchat.TicketAISessions')" = \
    "$(machine_psql db2 'SELECT count(AiResponse) FROM ticketchat.TicketAISessions')" ]; }
asked() { ask "$1" "$Q" && [[ $(types) = "stream done" || $(types) = "cached done" ]]; }

# bats test_tags=fault
@test "a standby, a failover, the way back, a switch: as printed" {
	local m
	MACHINES=()
	for m in db1 db2; do
		machine_init $m
		as_pg "$PG_BIN/initdb" -D "$PG.$m/main" -U postgres -A trust -E UTF8 \
		    --locale=C.UTF-8 --no-sync >"$T/initdb.$m"
		echo "include_dir '$PG.$m/etc/conf.d'" >>"$PG.$m/main/postgresql.conf"
		PATH=$PG.$m/bin:$PATH systemctl start postgresql
	done
	machine db1 primary
	cp "$PG.db1/etc/pg_hba.conf" "$PG.db2/etc/"
	cp "$PG.db1/etc/conf.d/ticketchat.conf" "$PG.db2/etc/conf.d/"
	machine db2 standby
	within 20 followed db1
	machine db1 follows
	grep -q streaming "$T/shown.db1"
	# The password, as the page says where.
	needs_root
	to_both
	mkdir -p $ETC
	echo '*:*:ticketchat:ticketchat:PASSWORD' >$ETC/pgpass
	chmod 600 $ETC/pgpass
	to_both "?passfile=$ETC/pgpass"
	export TICKETCHAT_RUN_DIR=$T/run.both
	sessions migrate
	replay "$UP/good.ndjson"
	asked 1
	within 20 equal
	# The primary dies, is fenced; the standby takes over.
	machine db1 fence
	ask 2 "$Q"
	failed_with storage
	machine db2 promote
	within 30 asked 2
	is "$(machine_psql db2 'SELECT count(AiResponse) FROM ticketchat.TicketAISessions')" 2
	# The old one follows the new one.
	machine db1 standby "s|port=$(cat "$PG.db1.port")|port=$(cat "$PG.db2.port")|"
	within 20 followed db2
	asked 3
	within 20 equal
	# And back, on purpose: nothing is lost.
	machine db2 switch
	machine db1 promote
	within 30 asked 4
	machine db2 standby
	within 20 followed db1
	within 20 equal
	is "$(machine_psql db1 'SELECT count(AiResponse) FROM ticketchat.TicketAISessions')" 4
	rm -r $ETC
}

# bats test_tags=fault
@test "through pgbouncer, configured as printed" {
	local d=$PG.bouncer port=$(free_port)
	needs_root
	MACHINES=(bouncer)
	rm -rf "$d" && pg_directory "$d"
	psql -c "SET password_encryption = 'scram-sha-256'" -c "ALTER ROLE ticketchat PASSWORD 'PASSWORD'"
	block ini
	sed -e "s/port = 6432/port = $port/; s/port=5432/port=$PG_PORT/; s/= \*/= 127.0.0.1/" \
	    -e "s|^ticketchat = |$PG_DATABASE = |; s|/etc/pgbouncer|$d|" "$T/block" >"$d/ini"
	printf 'pidfile = %s/pid\nlogfile = %s/log\nunix_socket_dir =\n' "$d" "$d" >>"$d/ini"
	block 'sh userlist'
	sed "s|/etc/pgbouncer|$d|; s|runuser -u postgres -- psql|$PG_BIN/psql -X -h $PG.socket -p $PG_PORT -U postgres|" \
	    "$T/block" | sh -eu
	chmod -R a+rX "$d"
	PGBOUNCER=$d/pid
	cp "$(PATH=$PATH:/usr/sbin:$B/tests/debian/usr/sbin command -v pgbouncer)" "$d/pgbouncer"
	as_pg "$d/pgbouncer" -q -d "$d/ini"
	within 10 listening "$port"
	ETC=/etc/ticketchat-test.$$
	mkdir -p $ETC
	echo '*:*:*:ticketchat:PASSWORD' >$ETC/pgpass
	chmod 600 $ETC/pgpass
	TICKETCHAT_DATABASE="postgres://ticketchat@127.0.0.1:$port/$PG_DATABASE?passfile=$ETC/pgpass"
	sessions migrate
	replay "$UP/good.ndjson"
	ask 42 "$Q"
	generated
	ask 42 "$Q"
	kept
	rm -r $ETC
	psql -c "ALTER ROLE ticketchat PASSWORD NULL"
}

@test "what the database's administrator may set for the role changes nothing" {
	psql -c "ALTER ROLE ticketchat SET idle_session_timeout = '300ms'" \
	    -c "ALTER ROLE ticketchat SET default_transaction_isolation = 'serializable'" \
	    -c "ALTER ROLE ticketchat SET statement_timeout = '100ms'" \
	    -c "ALTER ROLE ticketchat SET lock_timeout = '50ms'" 2>"$T/set"
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 1 "$Q"
	A=$V
	sees $A w8
	on 2 viewer 1 '{"ticketBody":"printer jam","status":true}'
	C=$V
	sees $C generating
	sleep 1
	replay_rest
	for v in $A $C; do
		viewed $v 60
		[[ $(last) = '{"type":"done"'* ]]
	done
	is "$(psql -c 'SELECT count(AiResponse) FROM TicketAISessions')" 1
	psql -c "ALTER ROLE ticketchat RESET ALL"
}

@test "every setting that the page names is one; its lines of the file are good" {
	local s
	for s in $(grep -oE '`[A-Z]+(_[A-Z]+)+[=`]' "$PAGE" | tr -d '`=' | sort -u); do
		grep -q "^${s#TICKETCHAT_}=" "$ROOT/websocketd.conf"
	done
	block conf
	env -i "$B/bin/sessions" -c "$T/block" settings | grep -qxF "$(grep ^DATABASE "$T/block")"
	# Each block is of a kind that a test here runs.
	is "$(grep '^```.' "$PAGE" | sort -u | paste -sd ' ')" '```conf ```ini ```sh ```sh fence ```sh follows ```sh primary ```sh promote ```sh standby ```sh switch ```sh userlist ```sql'
	# And each file that it leads to is there.
	for s in $(grep -oE '\]\([^)#]+' "$PAGE" | sed 's/](//' | sort -u); do
		[ -e "$ROOT/docs/$s" ]
	done
}
