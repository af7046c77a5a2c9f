# Questions through the real programs of three nodes, while what runs is killed,
# frozen and cut off, for a quarter of a minute; tests/run.sh long asks 20,000.
STORE=postgres
load ../cases/helper

setup_file() { store_begin; }
teardown_file() { store_end; }

# bats test_tags=fault
@test "torture: what was shown as whole is what is saved, each ticket once" {
	local amount=(--questions 800 --seconds 15)
	NO_DATABASE=1	# the model's texts are none that a test may keep
	[ -z "$TESTS_LONG" ] || amount=(--questions 20000)
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -pthread -o "$T/model" \
	    "$ROOT/tests/bench/model.c"
	: >"$T/asked"
	"$T/model" "$T/asked" >"$T/model.port" 3>&- &
	track $!
	pg_pooler
	within 10 test -s "$T/model.port"
	mkdir -m 700 "$T/torture"
	(cd "$ROOT" && /usr/bin/python3 -B tests/postgres/torture.py \
	    "${amount[@]}" --build "$B" \
	    --direct "host=$PG.socket port=$PG_PORT user=postgres dbname=$PG_DATABASE" \
	    --model "http://127.0.0.1:$(cat "$T/model.port")/api/generate" \
	    --uri "$(at 1)" --uri "$(PG_PORT=$POOLER_PORT at "")" \
	    --uri "+$(PG_PORT=$POOLER_PORT at "")" "$T/torture") \
	    >"$T/tortured" 2>"$T/tortured.err" 3>&- || cat "$T/tortured" "$T/tortured.err" >&2
	tail -n 1 "$T/tortured" >&2
	is "$(tail -n 1 "$T/tortured" | jq -r '.wrong == 0 and .count.questions > 100 and
	    .count["answers saved"] > 20')" true
}
