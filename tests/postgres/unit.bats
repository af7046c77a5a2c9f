# The unit tests of what a database decides, on PostgreSQL.
STORE=postgres
load ../cases/helper

MIGRATED=
prepare() { NO_DATABASE=1; }

unit() {
	T_SERVER=postgres://postgres@127.0.0.11:$PG_PORT/ \
	    T_CREATEDB="$PG_BIN/createdb -h $PG.socket -p $PG_PORT -U postgres" \
	    run "$B/tests/postgres/$1"
	echo "$output" >&2
	is "${lines[0]%%:*}" "ok $1"
}
@test "lib/store/store.h" { unit t_store; }
@test "lib/viewer/query.h" { unit t_query; }
