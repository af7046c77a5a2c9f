#!/bin/sh
# tests/run.sh - all tests.  Installs what they need, builds, runs the suites
# and ends with the line "N passed, N failed".
#
#	tests/run.sh			all of them
#	tests/run.sh unit cases		some of them
#	tests/run.sh long [SUITE...]	all or some of them, at length
#
# The suites: unit (tests/unit), cases (tests/cases: pipes, faults, the real
# websocketd), postgres (tests/postgres, and those of tests/cases that are about
# every store, on a PostgreSQL of their own), web (tests/web: the documentation's examples, foreign clients,
# the component in Chromium), san (unit, and those cases that are about odd input,
# under AddressSanitizer and UndefinedBehaviorSanitizer), lint, soak (200 viewers for
# a minute; `make soak' takes an hour), fuzz (each fuzzer for ten seconds; `make
# fuzz' a minute), cost (counts of instructions, system calls and the like beside
# tests/cost.txt), compare (what the programs read, read by other people's
# parsers too; tests/compare).  What each printed is kept in build/tests/out.
#
# At length san has all cases, the soak takes half an hour, each fuzzer five minutes, each
# comparison two, and one more under the sanitizers; postgres also has what takes
# minutes (two minutes of silence behind each proxy, a restart node after node).
# Together that is some two hours.
set -u
cd "$(dirname "$0")/.." || exit 111
# With it, a test that forgets to flush would pass here and hang elsewhere.
unset PYTHONUNBUFFERED

soak='-m 1 -n 200' fuzz=10 compare='-s 1' san_compare=''
# Those that feed the programs with what is odd: there sanitizers find most.
san_cases='tests/cases/answer.bats tests/cases/auth.bats
tests/cases/bad-input.bats tests/cases/chat.bats tests/cases/ollama.bats
tests/cases/settings.bats tests/cases/transfer.bats'
if [ "${1:-}" = long ]; then
	soak='-m 30 -n 200' fuzz=300 compare='-t 120' san_compare='-t 60'
	san_cases='tests/cases/*.bats'
	# For what a day's tests have no time for.
	export TESTS_LONG=yes
	shift
fi
suites=${*:-unit cases postgres web san lint soak fuzz cost compare}
out=build/tests/out
passed=0 failed=0

# shellcheck source=deploy/packages.sh
. deploy/packages.sh

# What it takes to build and run; as in run.sh.
needs='websocketd:websocketd gcc:cc libc6-dev@stdio.h make:make
libcurl4-openssl-dev@curl/curl.h libsqlite3-dev@sqlite3.h
libssl-dev@openssl/evp.h libjsmn-dev@jsmn.h
ca-certificates@/etc/ssl/certs/ca-certificates.crt'
cases_need='bats jq socat sqlite3 strace curl procps psmisc openssl python3
python3-prometheus-client python3-websockets time mandoc'
# On top of those for cases.
postgres_need='libpq-dev pkgconf:pkg-config nftables:nft python3-psycopg'
# Only unpacked, too: installed, there would be a server for all.
servers='pgbouncer:pgbouncer nginx:nginx haproxy:haproxy caddy:caddy'
# For cases too, but only unpacked: installed, they would serve port 80 of this
# machine from then on, or rotate its logs.
unpacked='nginx:nginx caddy:caddy haproxy:haproxy logrotate:logrotate'
web_need='nodejs:node npm:npm chromium python3-websockets'
lint_need='shellcheck cppcheck clang clang-tidy libpq-dev pkgconf:pkg-config'
fuzz_need='clang'
soak_need='python3 python3-websockets'
cost_need='valgrind strace python3'
compare_need='python3 python3-jwt python3-cryptography libsystemd-shared'

want() {
	case " $suites " in *" $1 "*) return 0 ;; esac
	return 1
}

# Adds the results in a log to the sum, and shows the bad ones.  What was
# skipped has not passed.
count() {
	good=$(grep -E '^ *ok ' "$2" | grep -vc ' # skip')
	bad=$(grep -cE '^ *(not ok|FAILED) ' "$2")
	if [ "$3" != 0 ] && [ "$bad" = 0 ]; then
		bad=1
		tail -n 30 "$2"
	fi
	[ "$bad" = 0 ] || grep -E -A 15 '^ *(not ok|FAILED) ' "$2" | head -200
	passed=$((passed + good))
	failed=$((failed + bad))
	echo "$1: $good passed, $bad failed"
}

# Runs a suite: its name, then the command.
suite() {
	name=$1
	shift
	"$@" >"$out/$name.log" 2>&1
	count "$name" "$out/$name.log" $?
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

# Files of cases, two at a time, for they mostly wait.  Each has its own
# directory, ports and processes; their order is that of their names.
two_at_a_time() {
	rm -rf "${out:?}/$name"
	mkdir -p "$out/$name"
	# shellcheck disable=SC2016
	printf '%s\n' "$@" | xargs -P 2 -I FILE sh -c \
	    'bats --tap "$1" >"$2/${1##*/}.tap" 2>&1' sh FILE "$out/$name"
	rc=$?
	cat "$out/$name"/*.tap
	return $rc
}

# Those of tests/cases look at no file of SQLite's, or skip what does.  Those of
# tests/postgres cut the nodes' addresses off, which all of them have.
on_postgres() {
	pg=0
	bats --tap tests/postgres || pg=1
	export STORE=postgres
	two_at_a_time tests/cases/store.bats tests/cases/chat.bats \
	    tests/cases/follow.bats tests/cases/watch.bats \
	    tests/cases/auth.bats tests/cases/bad-input.bats \
	    tests/cases/websocketd.bats tests/cases/ending.bats \
	    tests/cases/open.bats tests/cases/rate.bats || pg=1
	unset STORE
	return $pg
}

for s in $suites; do
	case $s in
	unit | cases | postgres | web | san | lint | soak | fuzz | cost | compare) ;;
	*) echo "tests/run.sh: there is no suite $s" >&2; exit 100 ;;
	esac
done
if want cases || want postgres || want san; then needs="$needs $cases_need"; fi
if want postgres; then needs="$needs $postgres_need"; fi
if want web; then needs="$needs $web_need"; fi
if want lint; then needs="$needs $lint_need"; fi
if want fuzz; then needs="$needs $fuzz_need"; fi
if want soak; then needs="$needs $soak_need"; fi
if want cost; then needs="$needs $cost_need"; fi
if want compare || { want san && [ -n "$san_compare" ]; }; then
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
! want unit || suite unit units build
! want cases || suite cases two_at_a_time tests/cases/*.bats
! want postgres || suite postgres on_postgres
! want web || suite web sh tests/web/run.sh
if want san; then
	if make -s -j2 san >"$out/san-build.log" 2>&1; then
		suite san-unit units build/san
		export B=build/san
		# shellcheck disable=SC2086
		suite san-cases two_at_a_time $san_cases
		unset B
		[ -z "$san_compare" ] || suite san-compare \
		    make -s compare JUDGED=build/san COMPARE="$san_compare"
	else
		cat "$out/san-build.log"
		failed=$((failed + 1))
	fi
fi
! want lint || suite lint sh tests/lint.sh
! want soak || suite soak make -s soak SOAK="$soak"
! want fuzz || suite fuzz make -s fuzz FUZZ_SECONDS="$fuzz"
! want cost || suite cost make -s cost
! want compare || suite compare make -s compare COMPARE="$compare"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
