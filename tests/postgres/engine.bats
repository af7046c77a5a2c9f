# What the database may be: what migrate refuses, where its password and its
# certificate authority are, and the service as a person starts it.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

# A test may put a rule in front of those that trust everybody, and TLS.
FILES=(pg_hba.conf postgresql.conf)
prepare() {
	local f
	for f in "${FILES[@]}"; do cp -p "$PG/$f" "$T/$f"; done
}
loaded() { psql -c 'SELECT pg_conf_load_time()'; }
reloaded() { [ "$(loaded)" != "$1" ]; }
reload() {
	local before=$(loaded)
	as_pg "$PG_BIN/pg_ctl" -s -D "$PG" reload
	within 10 reloaded "$before"
}
rule() {
	printf '%s\n' "$*" "$(cat "$T/pg_hba.conf")" >"$PG/pg_hba.conf"
	reload
}
as_before() {
	local f
	for f in "${FILES[@]}"; do cat "$T/$f" >"$PG/$f"; done
	reload
}
cleanup() {
	as_before
	rm -rf "$ETC"
}

refused() {
	run -102 "$B/bin/sessions" -c "$T/conf" migrate
	is "${#lines[@]}" 1
	[[ $output = "sessions: "*"$1"* ]]
}

@test "migrate: made, then up to date; another encoding is refused" {
	pg_database empty
	is "$(sessions migrate)" "$TICKETCHAT_DATABASE: schema $SCHEMA, was 0"
	is "$(sessions migrate)" "$TICKETCHAT_DATABASE: schema $SCHEMA, up to date"
	"$PG_BIN/createdb" -h "$PG.socket" -p "$PG_PORT" -U postgres -O ticketchat \
	    -E LATIN1 --locale=C -T template0 latin
	TICKETCHAT_DATABASE=${TICKETCHAT_DATABASE%/*}/latin refused 'its encoding is LATIN1'
	"$PG_BIN/dropdb" -h "$PG.socket" -p "$PG_PORT" -U postgres latin
}

@test "a pooler in transaction mode: made, asked, watched, saved, stopped through it" {
	pg_pooler
	psql -c 'DROP SCHEMA ticketchat CASCADE' 2>"$T/dropped"
	TICKETCHAT_DATABASE=postgres://ticketchat@127.0.0.1:$POOLER_PORT/$PG_DATABASE
	at() { echo "$TICKETCHAT_DATABASE"; }
	sessions migrate
	is "$(sessions migrate)" "$TICKETCHAT_DATABASE: schema $SCHEMA, up to date"
	long 25
	replay_part "$T/long.ndjson"
	on 1 viewer 42 "$Q"
	A=$V
	sees $A w8
	on 2 viewer 42 '{"ticketBody":"printer jam","status":true}'
	C=$V
	sees $C generating
	replay_rest
	viewed $A
	is "$(types)" "stream done"
	viewed $C
	is "$(jq -r 'select(.type == "cached").response' <<<"$frames").." "$LONG.."
	replay_end
	rm "$T/go"
	replay_part "$T/long.ndjson"
	on 1 viewer 43 "$Q"
	A=$V
	sees $A w8
	on 2 sessions stop 43
	viewed $A
	failed_with stopped 2
	sessions list | grep -q '^ *42 '
	sessions doctor --quick >"$T/doctor" || true
	not grep '^error *database' "$T/doctor"
	# What was set for one is nothing for whoever has the connection next.
	is "$("$PG_BIN/psql" -XqAt -d "$TICKETCHAT_DATABASE" -c 'SHOW search_path' \
	    -c 'SHOW lock_timeout')" $'"$user", public\n0'
}

@test "a password in DATABASE is refused, in a file it works" {
	psql -c "ALTER ROLE ticketchat PASSWORD 'sésamo:42'"
	rule "host all ticketchat 127.0.0.0/8 scram-sha-256"
	for uri in "postgres://ticketchat:x@127.0.0.11:$PG_PORT/a" \
	    "postgres://127.0.0.11:$PG_PORT/a?user=ticketchat&password=x"; do
		TICKETCHAT_DATABASE=$uri refused 'must not contain a password'
	done
	ETC=$(mktemp -d /etc/ticketchat-test.XXXXXX)
	for dir in "$ETC" "$BATS_FILE_TMPDIR"; do
		printf '*:*:*:ticketchat:sésamo\\:42\n' >"$dir/pgpass"
		chmod 600 "$dir/pgpass"
	done
	replay "$UP/good.ndjson"
	TICKETCHAT_DATABASE="$(at 1)?passfile=$ETC/pgpass" ask 42 "$Q"
	generated
	TICKETCHAT_DATABASE="$(at 1)?passfile=$ETC/pgpass" sessions list | grep -q '^ *42 '
	# Elsewhere the programs may not read it, once they are what Landlock makes.
	TICKETCHAT_DATABASE="$(at 1)?passfile=$BATS_FILE_TMPDIR/pgpass" ask 42 "$Q"
	[[ $err = *'no Landlock'* ]] || failed_with storage
	psql -c 'ALTER ROLE ticketchat PASSWORD NULL'
	as_before
}

@test "sslmode=verify-full with an authority of one's own" {
	ETC=$(mktemp -d /etc/ticketchat-test.XXXXXX)
	chmod 755 "$ETC"
	for ca in ours another; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		    -nodes -subj "/CN=$ca" -days 2 -keyout "$T/$ca.key" \
		    -out "$ETC/$ca.pem" 2>"$T/openssl"
	done
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=db.example -keyout "$PG/server.key" -out "$T/csr" 2>"$T/openssl"
	openssl x509 -req -in "$T/csr" -CA "$ETC/ours.pem" -CAkey "$T/ours.key" \
	    -CAcreateserial -days 2 -out "$PG/server.crt" \
	    -extfile <(echo subjectAltName=IP:127.0.0.11) 2>"$T/openssl"
	chown --reference="$PG/log" "$PG"/server.*
	chmod 600 "$PG/server.key"
	echo 'ssl = on' >>"$PG/postgresql.conf"
	rule "hostnossl all ticketchat 127.0.0.0/8 reject"
	tls() { echo "$(at "$1")?sslmode=verify-full&sslrootcert=$ETC/$2.pem"; }
	replay "$UP/good.ndjson"
	TICKETCHAT_DATABASE=$(tls 1 ours) ask 42 "$Q"
	generated
	TICKETCHAT_DATABASE=$(tls 1 ours) ask 42 "$Q"
	kept
	# Another's signature, and another name.
	TICKETCHAT_DATABASE=$(tls 1 another) ask 42 "$Q"
	failed_with storage
	[[ $err = *'certificate verify failed'* ]]
	TICKETCHAT_DATABASE=$(tls 2 ours) ask 42 "$Q"
	failed_with storage
	[[ $err = *'does not match host name'* ]]
	as_before
}

@test "run.sh does not start where a right is missing, or where no password is read" {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	refused_start() {
		TICKETCHAT_PORT=$(free_port) TICKETCHAT_ADDRESS=127.0.0.1 run -102 "$ROOT/run.sh"
		[[ $output = *"$1"* ]]
	}
	psql -c 'REVOKE UPDATE ON TicketAISessions FROM ticketchat'
	refused_start 'the role ticketchat is not allowed to UPDATE ticketaisessions'
	psql -c 'GRANT UPDATE ON TicketAISessions TO ticketchat'
	echo '*:*:*:ticketchat:x' >"$T/pgpass"
	chmod 600 "$T/pgpass"
	ln -s "$T/pgpass" "$T/link"
	for file in "$T/pgpass" "$T/link" "/etc/../$T/pgpass"; do
		TICKETCHAT_DATABASE="$(at 1)?passfile=$file" refused_start 'put it below /etc'
	done
}

@test "run.sh: builds it, starts, answers, and says which database it is" {
	[ "$B" = "$(realpath "$ROOT/build")" ] || skip "another build"
	replay "$UP/good.ndjson"
	# Not by taking it away: other tests run beside this one.
	make -n -C "$ROOT" "B=$T/none" postgres | grep -q "$T/none/libexec/lookup"
	service
	grep -qx "  database  $TICKETCHAT_DATABASE: schema $SCHEMA, up to date" "$T/said"
	[ ! -e "$ROOT/postgres:" ]
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	generated
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	kept
	is "$(posts)" 1
	is "$(sql 'SELECT count(*) FROM TicketAISessions')" 1
	# It stays when the database goes, and works when it is back.
	pg_stop immediate
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/43" "$Q")
	failed_with storage
	pg_up_again
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/43" "$Q")
	generated
	"$ROOT/run.sh" --check >"$T/check" || [ $? = 2 ]
	grep -qx "DATABASE=$TICKETCHAT_DATABASE" "$T/check"
	grep -q '^ok *database' "$T/check" || { cat "$T/check"; false; }
}

# run.sh while the server is away, as after a power cut; sets STARTS, its pid.
starts() {
	P=$(free_port)
	: >"$T/said"
	TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 TICKETCHAT_WEB=off \
	    env --default-signal=INT "$ROOT/run.sh" >"$T/said" 2>&1 3>&- &
	STARTS=$!
	track $STARTS
	within 60 grep -q 'waiting for the database' "$T/said"
}
migrating() { pgrep -P "$STARTS" '^sessions'; }

@test "a service that starts before its database waits for it, and says so once" {
	replay "$UP/good.ndjson"
	pg_stop
	starts
	sleep 15
	kill -0 "$STARTS"
	not listening "$P"
	is "$(grep -c 'waiting for the database' "$T/said")" 1
	is "$(sort "$T/said" | uniq -d)" ''
	pg_up_again
	within 30 listening "$P"
	frames=$(client "ws://127.0.0.1:$P/api/websocket/chat/42" "$Q")
	generated
	end "$STARTS"
	NO_DATABASE=1
}

@test "what waits for its database ends at once when it is told to" {
	local signal old both
	pg_stop
	for signal in TERM INT HUP KILL; do
		starts
		old=$(migrating)
		both=("$STARTS")
		# A terminal's goes to both.
		[ $signal != INT ] || both+=("$old")
		kill -$signal "${both[@]}"
		within 2 dead "$STARTS"
		within 2 dead "$old"
	done
	# As process 1 of a container, too, which no signal ends by itself.
	if [ "$(id -u)" = 0 ] && unshare --pid --fork true 2>/dev/null; then
		: >"$T/said"
		TICKETCHAT_PORT=$P TICKETCHAT_ADDRESS=127.0.0.1 TICKETCHAT_WEB=off \
		    unshare --pid --fork --kill-child "$ROOT/run.sh" \
		    >"$T/said" 2>&1 3>&- &
		STARTS=$!
		track $STARTS
		within 60 grep -q 'waiting for the database' "$T/said"
		kill -TERM "$(pgrep -P "$STARTS")"
		within 2 dead "$STARTS"
	fi
	pg_up_again
}

@test "a wait for the database ends with what does not pass by itself" {
	local said=$T/said
	pg_stop
	"$B/bin/sessions" -c "$T/conf" migrate --wait >"$T/out" 2>"$said" &
	track $!
	within 20 grep -q 'waiting for the database' "$said"
	# Without --wait, and of a file, nothing is waited for.
	run -111 "$B/bin/sessions" -c "$T/conf" migrate
	TICKETCHAT_DATABASE=$T/none/db run -111 "$B/bin/sessions" -c "$T/conf" migrate --wait
	pg_up_again
	psql -c "UPDATE SchemaVersion SET Version = 99"
	within 30 dead $!
	wait $! || status=$?
	is "${status:-0}" 102
	grep -q 'newer than this program' "$said"
	NO_DATABASE=1
}
