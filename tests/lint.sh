#!/bin/sh
# tests/lint.sh - what the compiler does not look at: calls that we do not
# make, SQL and JSON where they do not belong, the form of the files; then
# the tools: shellcheck, cppcheck, gcc and clang -Werror, clang-tidy.
#
#	make lint		exit code 1 if anything was found
#	tests/lint.sh quick	without the analyzers and gcc
#	tests/lint.sh long	with all that the analyzers can do, of the tests too
#	LINT_OPTIONAL=1 make lint	a missing tool is no failure
#
# By day clang's analyzer looks less deep, which takes a tenth of the time, and
# gcc's not at all.
#
# Each check prints "ok lint: NAME", or "FAILED lint: NAME" and what it found.
# An exception is a line in one of the lists below, with its reason.
set -u
cd "$(dirname "$0")/.." || exit 111
depth=${1:-day}
case $depth in
quick | day | long) ;;
*) echo "tests/lint.sh: quick or long, not $depth" >&2; exit 100 ;;
esac
LC_ALL=C
export LC_ALL

tmp=$(mktemp -d) || exit 111
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

ours='lib/*/*.[ch] lib/store/*/*.[ch] handlers/*.[ch] handlers/sessions/*.[ch]'
tests='tests/*.c tests/replay/*.[ch] tests/unit/*.[ch] tests/unit/*/*.c
	tests/fuzz/*.[ch]
	tests/compare/*.c'

# Where SQL words stand in C, outside sql/, and why.
sql_in_c='
lib/store/sqlite/db.c	PRAGMAs of a connection; BEGIN, COMMIT, ROLLBACK
lib/store/sqlite/aspnet.c	PRAGMA user_version
lib/store/sqlite/db_copy.c	PRAGMA user_version
lib/store/sqlite/restore.c	PRAGMAs of a database that may be damaged
lib/store/sqlite/migrate.c	asks a database of which nothing is known yet
lib/store/sqlite/report.c	PRAGMA temp_store
lib/store/sqlite/store.c	PRAGMA user_version
lib/store/postgres/pg.c	BEGIN, COMMIT, ROLLBACK
lib/store/sqlite/rate.c	PRAGMA synchronous, of a database that may be lost
'

# Says what was found (standard input): nothing is good.
report() {
	cat >"$tmp/found"
	if [ -s "$tmp/found" ]; then
		: >"$tmp/failed"
		echo "FAILED lint: $1"
		sed 's/^/    /' "$tmp/found" | head -n 100
	else
		echo "ok lint: $1"
	fi
}

# Runs a tool: its output is what was found if it fails.
tool() {
	name=$1
	shift
	if "$@" >"$tmp/out" 2>&1; then
		: | report "$name"
	else
		# Without what clang-tidy counts.
		grep -vE '^\[[0-9]+/[0-9]+\] Processing|^[0-9]+ warnings? ' \
		    "$tmp/out" | report "$name"
	fi
}

# Whether a tool is there; a missing one is told loudly.
have() {
	command -v "$1" >/dev/null && return 0
	echo "LINT IS INCOMPLETE: there is no $1"
	[ "${LINT_OPTIONAL:-0}" = 1 ] ||
	    echo "no $1 (apt-get install $2; LINT_OPTIONAL=1 goes on without)" |
	    report "$1"
	return 1
}

# C without its comments, as FILE:LINE:CODE; with `blank' the content of
# strings and characters is gone too, with `strings' nothing else is left.
cat >"$tmp/code.awk" <<'AWK'
FNR == 1 { comment = 0 }
{
	line = $0
	out = ""
	quote = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		two = substr(line, i, 2)
		if (comment) {
			if (two == "*/") {
				comment = 0
				i++
			}
		} else if (quote != "") {
			if (mode != "blank" || c == quote)
				out = out c
			if (c == "\\") {
				i++
				if (mode != "blank")
					out = out substr(line, i, 1)
			} else if (c == quote)
				quote = ""
		} else if (two == "/*") {
			comment = 1
			i++
		} else {
			if (c == "\"" || c == "'")
				quote = c
			if (mode != "strings" || c == "\"")
				out = out c
		}
	}
	print FILENAME ":" FNR ":" out
}
AWK
code() {
	mode=$1
	shift
	awk -v mode="$mode" -f "$tmp/code.awk" "$@"
}

# A call of one of these functions, not of one whose name ends like it.
calls() {
	grep -E "(^|[^[:alnum:]_])($1)[[:space:]]*\("
}

# shellcheck disable=SC2086
source_checks() {
	code blank $ours $tests | calls 'strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|atol|gets|localtime|gmtime|ctime|asctime|system|popen|alloca|tmpnam|mktemp|rand' |
	    report 'banned calls'

	# lib/ tells its caller; it does not print, and it does not end.
	{
		code blank lib/*/*.[ch] lib/store/*/*.[ch] | calls 'printf|puts|putchar|vprintf|perror|err|errx|warn|warnx|exit|_exit|abort|assert' |
		    grep -vE '^lib/(hook/(hook|examine)|base/child)\.c:.*_exit'	# a child's
		code blank lib/*/*.[ch] lib/store/*/*.[ch] |
		    grep -E '[^[:alnum:]_](stdout|stderr|STDOUT_FILENO)([^[:alnum:]_]|$)' |
		    grep -v '^lib/base/child\.c:'	# a child's, which go to us
		code blank lib/*/*.[ch] lib/store/*/*.[ch] | grep 'STDERR_FILENO' |
		    grep -v '^lib/base/log\.c:' | grep -v '^lib/base/child\.c:'
	} | report 'lib/ prints or exits'

	code strings $ours |
	    grep -E '"[^"-]*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA|ATTACH|BEGIN|COMMIT|ROLLBACK|VACUUM)([ ;"]|$)' |
	    while IFS= read -r line; do
		echo "$sql_in_c" | grep -q "^${line%%:*}	" || echo "$line"
	done | report 'SQL outside sql/'

	# {"key":"%s" and the like; ours are made by lib/json/jsonw.c.
	code strings $ours |
	    grep -E '\\" *: *(\\")?%|[[{] *\\"%' | report 'JSON by printf'

	grep -n '//' $ours $tests /dev/null | grep -vE '(https?|postgres|file|app|ftp|[a-z]*):/+|"[^"]*//|^[^:]*:[0-9]*: \*|/\*' |
	    report 'comments as in C++'

	grep -nE '(TODO|FIXME|XXX)' $ours $tests /dev/null | grep -v 'XXXXXX' |
	    report 'unfinished'

	# With these websocketd 0.4.1 looks for a file by the path of any
	# CONNECT, and with --cgidir it runs whichever is named.
	grep -rnE -- '--(cgi)?dir([= "`,]|$)' run.sh Makefile deploy tests man \
	    docs ./*.md handlers web websocketd.conf |
	    grep -v 'node_modules/' | grep -v '^tests/lint\.sh:' |
	    grep -vE '^run\.sh:[0-9]*:[[:space:]]*#' |
	    grep -vE '^tests/cases/settings\.bats:[0-9]*:	    --dir=' |
	    grep -vE '^\./SECURITY\.md:.*neither .--dir. nor' |
	    report 'a directory for websocketd'

	grep -nE '[[:space:]]+$' $ours $tests sql/*.* sql/*/*.* Makefile ./*.md \
	    websocketd.conf run.sh tests/*.sh /dev/null |
	    report 'white space at the end of a line'
}

# One header, one place.
includes() {
	{
		grep -n 'jsmn\.h' "$@" | grep -v '^lib/json/json\.c:'
		grep -n 'curl/' "$@" | grep -v '^lib/ollama/http\.c:'
		grep -n 'openssl/' "$@" | grep -v '^lib/auth/signature\.c:'
		grep -n 'sqlite3\.h' "$@" | grep -v '^lib/store/sqlite/db\.[ch]:'
		code blank "$@" | grep 'sqlite3_' |
		    grep -v '^lib/store/sqlite/'
		grep -n 'libpq-fe' "$@" | grep -v '^lib/store/postgres/pg\.[ch]:'
		code blank "$@" | grep -E '[^[:alnum:]_]PQ[a-z]' |
		    grep -v '^lib/store/postgres/'
	} | grep -v '^[^:]*:[0-9]*: \*' | report 'libraries where they belong'
}

# Which rooms of lib/ a room may include, beside itself and base, and what those
# may include.  handlers/ may include all.  A room that is not here is a mistake.
arrows='
base
text
json
frame	json text
settings json
request	frame settings
sandbox	settings
hook	sandbox
store	frame settings text
auth	request store
ollama	frame settings
knowledge store
generation ollama knowledge hook
viewer	generation auth
door	viewer
'

# Includes that go against an arrow, or do not name their room.
rooms() {
	awk -v arrows="$arrows" '
	function allow(room, from,   to, n, i) {
		if ((room, from) in may)
			return
		may[room, from] = 1
		n = split(direct[from], to, " ")
		for (i = 1; i <= n; i++)
			allow(room, to[i])
	}
	BEGIN {
		n = split(arrows, line, "\n")
		for (i = 1; i <= n; i++) {
			split(line[i], word, "[ \t]+")
			direct[word[1]] = substr(line[i], length(word[1]) + 1)
		}
		for (room in direct) {
			allow(room, "base")
			allow(room, room)
		}
	}
	/^#include "/ {
		split(FILENAME, path, "/")
		split($2, part, "[\"/]")
		if ($2 ~ /"(sql|sql_postgres|statements|system_prompt)\.h"/)
			next
		if (!((path[2], part[2]) in may))
			print FILENAME ":" FNR ": " path[2] \
			    " may not include " $2
	}' "$@" | report 'includes that go one way'
}

# A character is as wide as its first byte; a tab goes to the next eighth.
columns() {
	for f; do
		tr -d '\200-\277' <"$f" | expand | awk -v f="$f" \
		    'length > 80 { print f ":" NR ": " length " columns" }'
	done | report 'lines over 80 columns'
}

functions() {
	awk '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR; name = before }
	/^\}/ {
		if (start && FNR - start + 2 > 80)
			print FILENAME ":" start ": " FNR - start + 2 \
			    " lines: " name
		start = 0
	}
	{ before = $0 }' "$@" | report 'functions over 80 lines'
}

# A function's name says where it is, for grep and for debuggers.  What is an
# interface has its name in each of its implementations; so has main.
names() {
	awk '
	/^[a-z_][a-z0-9_]*\(/ && before ~ /^[a-z]/ {
		name = $0
		sub(/\(.*/, "", name)
		static = before ~ /^static/
		at = FILENAME ":" FNR
	}
	/^\{/ && name != "" && name != "main" {
		if (name in first && (static || was[name]))
			print at ": " name " is also in " first[name]
		if (!(name in first))
			was[name] = static
		first[name] = at
		name = ""
	}
	/;$/ { name = "" }
	{ before = $0 }' "$@" | report 'function names that are unique'
}

# What a file is for stands in its first lines.
heads() {
	for f; do
		case $f in
		*.[ch]) want='^/\*$' ;;
		*.sql) want='^-- ..........' ;;
		*.[0-9]) want='^\.\\" ..........|^\.Dd' ;;
		*) want='^# ..........' ;;
		esac
		sed '/^#!/d' "$f" | head -n 1 | grep -qE "$want" ||
		    echo "$f:1: does not begin by saying what it is for"
		case $f in
		*.[ch])
			sed -n 2p "$f" | grep -qE '^ \* ..........' ||
			    echo "$f:2: does not say what it is for" ;;
		esac
	done | report 'files that say what they are for'
}

# In a header a comment is above each function, or above a group of them.
# What ends in _free frees.
headers() {
	awk '
	FNR == 1 || /^$/ { told = 0 }
	/\*\/$/ { told = 1 }
	/^[a-z].*\(/ && !/^typedef/ && !told && !/_free\(/ {
		print FILENAME ":" FNR ": " $0
	}' "$@" | report 'functions without a comment in their header'
}

# The shell scripts that there are.
scripts() {
	find . -name node_modules -prune -o -name build -prune -o \
	    -name .git -prune -o -type f \
	    -exec grep -lE '^#! ?/bin/(ba|da)?sh' {} + | sort |
	    while read -r f; do
		sed -n 1p "$f" | grep -q '^#!' && echo "$f"
	done
}

rooms lib/*/*.[ch] lib/store/*/*.[ch]
sh tests/faults.sh -n | grep -A 1 '^FAILED' |
    report 'faults that have their tests'
source_checks
# shellcheck disable=SC2086
{
	includes $ours
	columns $ours $tests
	functions $ours $tests
	# shellcheck disable=SC2046
	names $(printf '%s\n' $ours | grep '\.c$')
	headers lib/*/*.h lib/store/*/*.h handlers/*.h handlers/sessions/*.h
}
# shellcheck disable=SC2086,SC2046
heads $ours $tests sql/*.sql sql/*/*.sql sql/*.awk lib/ollama/*.awk Makefile websocketd.conf \
    $(scripts) $(find tests/cases -name '*.bats') man/*.[0-9] man/*.awk

if have shellcheck shellcheck; then
	# shellcheck disable=SC2046
	tool shellcheck shellcheck -x $(scripts)
fi

if have cppcheck cppcheck; then
	# In sqlite3.h and jsmn.h it has nothing to find for us.
	tool cppcheck cppcheck -j 2 --quiet --std=c11 --error-exitcode=1 \
	    --enable=warning,performance,portability --inline-suppr \
	    --suppress=missingIncludeSystem \
	    --suppress=normalCheckLevelMaxBranches -D_GNU_SOURCE \
	    -DVERSION='""' -DLIBEXECDIR='""' -DWEBDIR='""' \
	    -DCONF_FILE='""' \
	    -I lib -I handlers lib/*/*.c lib/store/*/*.c handlers/*.c \
	    handlers/sessions/*.c tests/replay/*.c
fi

# The checks of clang-tidy 14 to 19, and why some are not asked.
tidy='-*,clang-analyzer-*,bugprone-*,cert-*,misc-redundant-expression'
# It wants memcpy_s and the like, which glibc does not have.
tidy=$tidy,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
# It does not see that va_start is called, in each function that does.
tidy=$tidy,-clang-analyzer-valist.Uninitialized
# Two neighbouring parameters of one type are a matter of taste.
tidy=$tidy,-bugprone-easily-swappable-parameters
# _GNU_SOURCE is there to be defined.
tidy=$tidy,-bugprone-reserved-identifier,-cert-dcl37-c,-cert-dcl51-cpp
# "if ((p = f()) == NULL)" is the style of the house.
tidy=$tidy,-bugprone-assignment-in-if-condition
# -Wconversion says the same and knows constants.
tidy=$tidy,-bugprone-narrowing-conversions,-cert-str34-c
# Products of the constants in limit.h, which fit.
tidy=$tidy,-bugprone-implicit-widening-of-multiplication-result
# A memcpy of a part of a text; an array of pointers; two branches that are
# alike in a table made of code: each is meant.
tidy=$tidy,-bugprone-not-null-terminated-result,-bugprone-sizeof-expression
tidy=$tidy,-bugprone-branch-clone,-bugprone-macro-parentheses
# (void) in front of snprintf says that a cut is meant.
tidy=$tidy,-cert-err33-c
# A pointer to pointers becomes void * in free and realloc; a private struct is
# cast by way of void *; "a || b[i++]" is meant.
tidy=$tidy,-bugprone-multi-level-implicit-pointer-conversion
tidy=$tidy,-bugprone-casting-through-void,-bugprone-inc-dec-in-conditions
# It takes dirfd(3) of an open directory for -1.
tidy=$tidy,-clang-analyzer-unix.StdCLibraryFunctions
# child_spawn does behind vfork what posix_spawn does there.
tidy=$tidy,-clang-analyzer-unix.Vfork,-clang-analyzer-security.insecureAPI.vfork

case $depth in
quick) tidy="$tidy,-clang-analyzer-*" shallow='' ;;
day) shallow='-Xclang -analyzer-config -Xclang mode=shallow' ;;
long) shallow='' ;;
esac

# Of a descriptor that dup2 gives to a program that is about to be run gcc 14
# says that it leaks; 12 does not know the option, nor minds it.
analyzer=''
[ "$depth" != long ] || analyzer=' -fanalyzer -Wno-analyzer-fd-leak'
if [ "$depth" != quick ] && have gcc gcc; then
	tool "gcc -Werror$analyzer" make -s -j2 everything CC=gcc \
	    "B=$tmp/gcc" CFLAGS="-O2 -g -Werror$analyzer"
fi
# Its warnings are the same at every level; at the lowest _FORTIFY_SOURCE is none.
if have clang clang; then
	tool 'clang -Werror' make -s -j2 everything CC=clang "B=$tmp/clang" \
	    CFLAGS='-O0 -Werror' HARDEN=-fPIE
fi
# Two processes, for it takes longest.
tidy() {
	# shellcheck disable=SC2046,SC2016
	printf '%s\n' lib/*/*.c lib/store/*/*.c handlers/*.c \
	    handlers/sessions/*.c | xargs -P 2 -n 6 sh -c 'checks=$1 tmp=$2
	shallow=$3
	shift 3
	clang-tidy --quiet --warnings-as-errors="*" --checks="$checks" "$@" -- \
	    -std=c11 -D_GNU_SOURCE -iquote lib -iquote handlers \
	    -iquote "$tmp" $(pkg-config --cflags libpq) -DVERSION="\"\"" \
	    -DLIBEXECDIR="\"/\"" -DWEBDIR="\"/\"" -DCONF_FILE="\"/\"" $shallow' sh \
	    "$tidy" "$tmp/tidy" "$shallow"
}
if have clang-tidy clang-tidy; then
	make -s "$tmp/tidy/sql.h" "$tmp/tidy/sql_postgres.h" \
	    "$tmp/tidy/statements.h" \
	    "$tmp/tidy/system_prompt.h" "B=$tmp/tidy"
	tool clang-tidy tidy
fi

[ ! -e "$tmp/failed" ]
