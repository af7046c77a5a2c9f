#!/bin/sh
# tests/cost.sh - what chat and answer cost, in counts that do not depend on
# the machine's mood: instructions (callgrind), system calls (strace), page
# faults and loaded objects, beside what tests/cost.txt says of them.
#
#	make cost		compares; exit code 1 if one is over its limit
#	tests/cost.sh --write	writes the counts into tests/cost.txt
#
# Prints "ok cost: NAME VALUE (limit N)" or "not ok cost: ..." for each, and
# tells of one that has become so small that tests/cost.txt should follow.
# The counts hold for one system, compiler and architecture, which the list's
# first line names, with `chat' linked statically.  Elsewhere the comparison is
# skipped, and says so.
set -eu
cd "$(dirname "$0")/.."
B=${B:-build}
list=tests/cost.txt

for p in valgrind strace; do
	command -v $p >/dev/null || { echo "not ok cost: no $p"; exit 111; }
done

# shellcheck source=/dev/null
here=$(. /etc/os-release && echo "# counted on $ID ${VERSION_ID:-}, compiler" \
    "$("${CC:-cc}" -dumpversion), $(uname -m)")
if [ "${1:-}" != --write ] && [ "$here" != "$(sed 1q "$list")" ]; then
	echo "ok cost # skip: here it is $here; tests/cost.sh --write" \
	    "writes the counts of this system"
	exit 0
fi

# Names of the same length each time, and no environment but this.
tmp=$(mktemp -d /tmp/cost.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
mkdir -m 700 "$tmp/run"
clean() {
	env -i PATH="$PATH" TICKETCHAT_DATABASE="$tmp/db" TICKETCHAT_RUN_DIR="$tmp/run" \
	    TICKETCHAT_LOG="$tmp/log" OLLAMA_MODEL=gemma3:270m "$@"
}
clean "$B/bin/sessions" -c /dev/null migrate >/dev/null
# Held, as it is by the service: who opens it alone does more.
clean "$B/bin/sessions" -c /dev/null hold /usr/bin/python3 tests/cost.py "$B" \
    >"$tmp/counts" || { echo "not ok cost"; tail "$tmp/run/err"; exit 111; }

# The list anew, its margins and words kept; or the comparison.
awk -F '\t' -v OFS='\t' -v write="${1:-}" '
FILENAME != list {
	split($0, f, " ")
	counts[f[1]] = f[2]
	next
}
write && FNR == 1 { $0 = here }
write && !/^#/ && $1 in counts { $2 = counts[$1] }
write { print; next }
/^#/ { next }
{
	known[$1] = 1
	# Where deploy/libcurl.sh can build none.
	if ($1 ~ /^small[.]/ && !("small.calls" in counts)) {
		print "ok cost: " $1 " # skip: there is no build/libcurl"
		next
	}
	limit = int($2 * (1 + $3 / 100))
	line = "cost: " $1 " " counts[$1] " (limit " limit ")"
	if (!($1 in counts) || counts[$1] > limit) {
		print "not ok " line ": " $4
		bad = 1
		next
	}
	print "ok " line
	if (counts[$1] < int($2 * (1 - $3 / 100)))
		print "  less than " $2 " by over " $3 \
		    " %: tests/cost.sh --write would keep it so"
}
END {
	for (name in counts)
		if (!write && !(name in known)) {
			print "not ok cost: " name " is not in " list
			bad = 1
		}
	exit bad
}' list="$list" here="$here" "$tmp/counts" "$list" >"$tmp/result" || rc=$?
if [ "${1:-}" = --write ]; then
	cp "$tmp/result" "$list"
else
	cat "$tmp/result"
fi
exit "${rc:-0}"
