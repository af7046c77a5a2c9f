#!/bin/sh
# tests/faults.sh - the faults of tests/faults.txt and the tests that bear
# their numbers: "# bats test_tags=fault,fault:7" above a test of tests/cases.
#
#	make fault		runs them; then each number with its tests
#	tests/faults.sh -n	only tells which tests each number has
#
# Prints "ok fault N: ..." or "FAILED fault N: ...", and below it the tests,
# with what is wrong with one: it failed, was skipped or did not run.  Exit
# code 1 if anything is, or a number has no test.
set -u
cd "$(dirname "$0")/.." || exit 111
B=${B:-build}
tap=
if [ "${1:-}" != -n ]; then
	tap=$B/tests/fault.tap
	# POINTS: so many of a sweep; that is all system calls there are.
	TESTS_LONG=yes B=$B POINTS=${POINTS:-300} bats --tap --filter-tags fault tests/cases |
	    tee "$tap"
fi

awk -v tap="$tap" '
function bad(what) {
	print "FAILED " what
	failed = 1
}
BEGIN {
	while (tap != "" && (getline line <tap) > 0) {
		if (line !~ /^(not )?ok [0-9]+ /)
			continue
		result = "passed"
		if (line ~ / # skip/)
			result = "SKIPPED"
		if (line ~ /^not/)
			result = "FAILED"
		sub(/^(not )?ok [0-9]+ /, "", line)
		sub(/ # skip.*/, "", line)
		results[line] = result
	}
}
FILENAME ~ /faults\.txt$/ {
	if ($0 !~ /^#/) {
		order[++n] = $1
		fault[$1] = $2
	}
	next
}
/^# bats test_tags=/ {
	tags = "," substr($0, index($0, "=") + 1) ","
	next
}
/^@test/ && tags != "" {
	name = $0
	gsub(/^@test "|" \{.*$/, "", name)
	if (tags !~ /,fault,/)
		bad(FILENAME ": without the tag fault: " name)
	m = split(tags, t, ",")
	for (i = 1; i <= m; i++) {
		if (t[i] !~ /^fault:/)
			continue
		k = substr(t[i], 7)
		if (!(k in fault))
			bad(FILENAME ": there is no fault " k ": " name)
		result = name in results ? results[name] : "DID NOT RUN"
		if (tap == "")
			result = FILENAME
		else if (result != "passed")
			wrong[k] = 1
		tests[k] = tests[k] "    " result ": " name "\n"
	}
}
{ tags = "" }
END {
	for (i = 1; i <= n; i++) {
		k = order[i]
		line = "fault " k ": " fault[k]
		if (tests[k] == "")
			bad(line "\n    no test")
		else if (k in wrong)
			bad(line)
		else
			print "ok " line
		printf "%s", tests[k]
	}
	exit failed
}' FS='\t' tests/faults.txt FS=' ' tests/cases/*.bats
