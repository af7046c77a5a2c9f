# The unit tests of lib/store/store.h on PostgreSQL.
STORE=postgres
load ../cases/helper

migrate() { :; }
prepare() { NO_DATABASE=1; }

@test "lib/store/store.h" {
	T_SERVER=postgres://postgres@127.0.0.11:$PG_PORT/ \
	    T_CREATEDB="$PG_BIN/createdb -h $PG.socket -p $PG_PORT -U postgres" \
	    run "$B/tests/postgres/t_store"
	echo "$output" >&2
	is "${lines[0]%%:*}" "ok t_store"
}
