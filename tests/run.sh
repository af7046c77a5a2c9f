#!/bin/sh
# tests/run.sh - all tests.  Installs what they need, builds, runs the suites
# and ends with the line "N passed, N failed".
#
#	tests/run.sh			all of them: half an hour on two processors
#	tests/run.sh unit cases		some of them
#	tests/run.sh quick [SUITE...]	some of the first: two minutes
#	tests/run.sh long [SUITE...]	all or some of them, at length: hours
#
# tests/README.md has a list of the suites and of what is done at length only.
# What each suite printed is build/tests/out/SUITE.log.
#
# A suite consists of parts, which share no port, file or process with another
# one: most often a part is a file of tests.  The parts run side by side, in
# three queues.  While they run, there is a line for each that has ended, with the
# seconds that it took, and those of a processor; then there is a line for each
# suite.
set -u
cd "$(dirname "$0")/.." || exit 111
# The clock of the tests (tests/preload.c) reaches no answer that is linked
# statically.
export CURL=no
# With it, a test that forgets to flush would pass here and hang elsewhere.
unset PYTHONUNBUFFERED

length=day only=
case ${1:-} in
quick | long)
	length=$1
	shift ;;
part)	# Ourselves, from a queue.
	length=$TESTS_LENGTH only=$2
	shift 2 ;;
esac
[ "$length" != quick ] || [ $# -gt 0 ] || set -- unit cases lint
day='unit cases postgres web san lint soak fuzz cost compare'
[ "$length" != long ] || day="$day mutate"
suites=${*:-$day}
out=build/tests/out
passed=0 failed=0

# The parts of each suite that take longest begin first, so that
# none is left over at the end.
slow_cases='web fault storage upkeep follow websocketd auth'
slow_postgres='proxy nodes hosts'
slow_web='element page client people'
# Cases that touch every room of lib/ in little time.
quick_cases='chat answer bad-input settings servers'
# Those that feed the programs with what is odd: there sanitizers find most.
san_cases='answer bad-input chat ollama settings transfer'
# Of tests/cases, those for each store.  They look at no file of SQLite's, or
# skip what does.
store_cases='store chat follow websocketd ending open rate question write
instruction threads sources knowledge door report'

# At length there is more of everything, and what takes minutes by itself.
soak='-m 1 -n 200' fuzz=5 compare='-s 1'
case $length in
quick) cases=$quick_cases ;;
day) cases=$(basename -s .bats -a tests/cases/*.bats) ;;
long)
	cases=$(basename -s .bats -a tests/cases/*.bats)
	san_cases=$cases store_cases="$store_cases watch auth bad-input"
	soak='-m 30 -n 200' fuzz=300 compare='-t 120'
	export TESTS_LONG=yes ;;
esac

want() {
	case " $suites " in *" $1 "*) return 0 ;; esac
	return 1
}

# Every unit test of a build directory, whatever the others say.
units() {
	rc=0
	for t in "$1"/tests/t_*; do
		case $t in *.*) continue ;; esac
		"$t" || rc=1
	done
	return $rc
}

# Runs a part of a suite: SUITE/NAME.
part() {
	name=${1#*/}
	case $1 in
	unit/*) units build ;;
	cases/*) bats --tap --timing "tests/cases/$name.bats" ;;
	postgres/*)
		if [ -e "tests/postgres/$name.bats" ]; then
			bats --tap --timing "tests/postgres/$name.bats"
		else
			STORE=postgres bats --tap --timing \
			    "tests/cases/$name.bats"
		fi ;;
	web/*) sh tests/web/run.sh "$name.test.mjs" ;;
	san/unit) make -s san && units build/san ;;
	san/compare) make -s compare JUDGED=build/san COMPARE='-t 60' ;;
	san/*) B=build/san bats --tap --timing "tests/cases/$name.bats" ;;
	lint/*) sh tests/lint.sh "$length" ;;
	soak/*) make -s soak SOAK="$soak" ;;
	fuzz/*) make -s fuzz FUZZ_SECONDS="$fuzz" ;;
	cost/*) make -s cost ;;
	compare/*) make -s compare COMPARE="$compare" ;;
	mutate/*) /usr/bin/python3 tests/mutate.py -n 100 ;;
	esac
}

# A part as a queue has it.
if [ -n "$only" ]; then
	began=$(date +%s)
	mkdir -p "$out/${only%/*}"
	part "$only" >"$out/$only.log" 2>&1
	rc=$?
	if [ $rc != 0 ] && ! grep -aqE '^ *(not ok|FAILED) ' "$out/$only.log"; then
		bad=$(tail -n 30 "$out/$only.log")
		printf 'FAILED %s: exit code %s\n%s\n' "$only" $rc "$bad" \
		    >>"$out/$only.log"
	fi
	times >"$out/$only.ended"
	awk -F '[ms ]+' -v s=$(($(date +%s) - began)) -v part="$only" '
	    NR == 2 { printf "%6d s %6d s  %s\n", s,
		60 * ($1 + $3) + $2 + $4, part }' "$out/$only.ended"
	exit 0
fi

# shellcheck source=deploy/packages.sh
. deploy/packages.sh

# What it takes to build and run; as in run.sh.
needs='websocketd:websocketd gcc:cc libc6-dev@stdio.h make:make
libcurl4-openssl-dev@curl/curl.h libsqlite3-dev@sqlite3.h
libssl-dev@openssl/evp.h libjsmn-dev@jsmn.h
ca-certificates@/etc/ssl/certs/ca-certificates.crt'
cases_need='bats jq gojq:gojq socat sqlite3 strace curl procps psmisc openssl
python3 python3-prometheus-client python3-websockets time mandoc'
# On top of those for cases.
postgres_need='libpq-dev pkgconf:pkg-config nftables:nft python3-psycopg'
# Only unpacked, too: installed, there would be a server for all.
servers='pgbouncer:pgbouncer nginx:nginx haproxy:haproxy caddy:caddy'
# For cases too, but only unpacked: installed, they would serve port 80 of this
# machine from then on, or rotate its logs.
unpacked='nginx:nginx caddy:caddy haproxy:haproxy logrotate:logrotate'
web_need='nodejs:node npm:npm chromium chromium-headless-shell:chromium-headless-shell
python3-websockets'
lint_need='shellcheck cppcheck clang clang-tidy libpq-dev pkgconf:pkg-config'
fuzz_need='clang'
soak_need='python3 python3-websockets'
cost_need='valgrind strace python3 dpkg-dev'
compare_need='python3 python3-jwt python3-cryptography libsystemd-shared'

for s in $suites; do
	case $s in
	unit | cases | postgres | web | san | lint | soak | fuzz | cost | compare) ;;
	mutate) ;;
	*) echo "tests/run.sh: there is no suite $s" >&2; exit 100 ;;
	esac
done
if want cases || want postgres || want san || want mutate; then needs="$needs $cases_need"; fi
if want postgres; then needs="$needs $postgres_need"; fi
if want web; then needs="$needs $web_need"; fi
if want lint; then needs="$needs $lint_need"; fi
if want fuzz; then needs="$needs $fuzz_need"; fi
if want soak; then needs="$needs $soak_need"; fi
if want cost; then needs="$needs $cost_need"; fi
if want compare || { want san && [ "$length" = long ]; }; then
	needs="$needs $compare_need"
fi
# shellcheck disable=SC2086
install_missing $needs || exit 111
if want fuzz; then
	install_missing "libclang-rt-$(version_of clang)-dev" || exit 111
fi
mkdir -p "$out"
# shellcheck disable=SC2086
! want cases || unpack_missing build/tests/debian $unpacked || exit 111
if want postgres; then
	postgres=$(version_of postgresql)
	# shellcheck disable=SC2086
	PATH=$PATH:/usr/lib/postgresql/$postgres/bin unpack_missing \
	    build/tests/debian "postgresql-$postgres:initdb" \
	    "postgresql-client-$postgres:pg_basebackup" $servers || exit 111
fi

if ! make -s -j2 everything >"$out/build.log" 2>&1; then
	cat "$out/build.log"
	echo "0 passed, 1 failed"
	exit 1
fi
# Adds parts of a suite to the ones that are asked for, each once.
add() {
	suite=$1
	shift
	! want "$suite" || for p; do
		case " $parts " in
		*" $suite/$p "*) ;;
		*) parts="$parts $suite/$p" ;;
		esac
	done
}

# Runs what add has collected, so many side by side, at a nice value.  A queue
# is a group of processes, which ends as a whole when we are ended.
queue() {
	echo "$parts" | setsid xargs -r -n 1 -P "$1" nice -n "$2" \
	    env TESTS_LENGTH="$length" sh tests/run.sh part &
	queues="$queues -$!"
	all="$all $parts"
	parts=''
}

# Adds up what a suite has printed, and shows the bad ones.  What was skipped
# has not passed.
count() {
	log=$out/$1.log
	: >"$log"
	for p in $all; do
		[ "${p%/*}" = "$1" ] || continue
		[ -e "$out/$p.ended" ] ||
		    echo "FAILED $p: did not end" >>"$out/$p.log"
		cat "$out/$p.log" >>"$log"
	done
	good=$(grep -aE '^ *ok ' "$log" | grep -avc ' # skip')
	bad=$(grep -acE '^ *(not ok|FAILED) ' "$log")
	[ "$bad" = 0 ] || grep -aE -A 15 '^ *(not ok|FAILED) ' "$log" | head -200
	passed=$((passed + good))
	failed=$((failed + bad))
	echo "$1: $good passed, $bad failed"
}

for s in $suites; do rm -rf "${out:?}/$s"; done
queues=''
# shellcheck disable=SC2086
trap 'trap "" TERM; kill -TERM $queues; exit 130' INT TERM HUP
processors=$(nproc)
parts='' all=''
# What mostly waits has several at work for each processor.
# shellcheck disable=SC2086,SC2046
{
	add web $slow_web $(basename -s .test.mjs -a tests/web/*.test.mjs)
	add postgres $slow_postgres $store_cases \
	    $(basename -s .bats -a tests/postgres/*.bats)
	add cases $slow_cases
	add unit unit
	add soak soak
	add cases $cases
	queue $((2 * processors)) 0
}
# What keeps a processor busy takes what time the others leave.
# shellcheck disable=SC2086
add san unit $san_cases
[ "$length" != long ] || add san compare
queue 1 10
add lint lint
add fuzz fuzz
add cost cost
add compare compare
add mutate mutate
queue 1 10
wait
# While all of them run, the machine has several times as many processes at work
# as processors, and a test that waits for another program may wait too long.  So a
# part that failed runs again, by itself, and that counts; what failed at first
# is said.  More than three such parts are no accident, and the tools that look at
# files do not depend on time.
again=''
for p in $all; do
	case $p in cases/* | postgres/* | web/* | san/* | soak/*) ;; *) continue ;; esac
	! grep -aqE '^ *(not ok|FAILED) ' "$out/$p.log" || again="$again $p"
done
# shellcheck disable=SC2086
set -- $again
[ $# -le 3 ] || set --
for p; do
	rm -f "$out/$p.ended"
	echo "failed among the others, runs again by itself: $p"
	grep -aE -A 15 '^ *(not ok|FAILED) ' "$out/$p.log" | head -50
	TESTS_LENGTH=$length setsid sh tests/run.sh part "$p" &
	queues=-$!
	wait
done
for s in $suites; do count "$s"; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
