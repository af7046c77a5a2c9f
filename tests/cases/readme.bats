# The documents: every shell example of README.md runs as printed, every JSON
# example is JSON, and README, manual pages, websocketd.conf and the programs
# name the same things.

load helper

# The blocks of a language in README.md, numbered files in $T.
blocks() {
	awk -v lang="$1" -v to="$T/block" '
	$0 == "```" lang { n++; inside = 1; next }
	/^```/ { inside = 0 }
	inside { print > (to "." n) }
	END { print n + 0 }' "$ROOT/README.md"
}

# The commands in README.md that are indented, those that begin with $1.
indented() { sed -n "s/^    \($1[^#]*\).*/\1/p" "$ROOT/README.md"; }

# A checkout with these programs, so that examples find build/bin.
checkout() {
	mkdir -p "$T/checkout"
	ln -s "$B" "$T/checkout/build"
	cd "$T/checkout" || return 1
}

@test "each shell block of the README runs as printed" {
	replay "$UP/good.ndjson"
	checkout
	local n i
	n=$(blocks sh)
	is "$n" 2
	for i in $(seq "$n"); do
		sh -eu "$T/block.$i" >"$T/out.$i" 2>"$T/err.$i"
	done
	is "$(head -n 1 "$T/out.1")" "${GOOD%$'\n'}"
	grep -q '^ *42 ' "$T/out.1"
	is "$(types "$(<"$T/out.2")")" "cached done stream done stream done"
	is "$(posts)" 3
}

@test "each JSON block of the README is JSON, as it would be sent" {
	local n i
	n=$(blocks json)
	is "$n" 2
	for i in $(seq "$n"); do
		jq -e 'type == "object"' "$T/block.$i" >/dev/null
	done
	# The frames are what the programs write but for texts and times.
	check "$T/block.1" 2
}

@test "the programs, the packages and websocket.md have one version" {
	local v
	v=$("$B/bin/sessions" --version | sed 's/.* //')
	is "$(jq -r .version "$ROOT/web/package.json")" "$v"
	grep -qF "ticketchat-$v.tgz" "$ROOT/websocket.md"
	head -1 "$ROOT/deploy/debian/changelog" | grep -qF "ticketchat ($v)"
}

@test "the commands of the README exist" {
	local c
	for c in $(indented '\./run\.sh' | tr -s ' ' '\n' | grep '^--'); do
		"$ROOT/run.sh" --help | grep -q -e "$c"
	done
	[ -x "$ROOT/run.sh" ]
	[ -x "$ROOT/tests/run.sh" ]
	make -n -C "$ROOT" all install DESTDIR="$T" >/dev/null
}

@test "the README has at most 200 lines, and leads to every document" {
	[ "$(wc -l <"$ROOT/README.md")" -le 200 ]
	local p
	for p in $(grep -o '](\([^)#:]*\))' "$ROOT/README.md" | tr -d ']()'); do
		[ -e "$ROOT/$p" ] || { echo "missing: $p" >&2; return 1; }
	done
	for p in websocket.md SECURITY.md websocketd.conf deploy/README.md tests/README.md \
	    $(cd "$ROOT" && echo docs/*.md); do
		grep -qF "]($p)" "$ROOT/README.md" || { echo "no link to $p" >&2; return 1; }
	done
}

@test "every path that the README and SECURITY name is there" {
	local p
	for p in $(grep -ohE '`(lib|handlers|tests|sql|web|deploy|man)/[a-zA-Z0-9_./-]*`' \
	    "$ROOT/README.md" "$ROOT/SECURITY.md" | tr -d '`' | sort -u); do
		[ -e "$ROOT/$p" ] || { echo "missing: $p" >&2; return 1; }
	done
}

@test "websocketd.conf has every setting with its default, and no other" {
	env -i "$B/bin/sessions" -c /dev/null settings >"$T/defaults"
	env -i "$B/bin/sessions" -c "$ROOT/websocketd.conf" settings >"$T/file"
	diff "$T/defaults" "$T/file"
	is "$(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$ROOT/websocketd.conf" | sort)" \
	    "$(sed 's/=.*//' "$T/defaults" | sort)"
	# Each has words in front of it, or in front of its neighbour.
	is "$(awk '/^#/ { c = 1; next } /^[A-Z]/ { if (!c) print; next }
	    { c = 0 }' "$ROOT/websocketd.conf")" ""
}

@test "systemd would read websocketd.conf as we do" {
	# What EnvironmentFile= and we could read differently is refused;
	# the file itself has nothing of that.
	is "$(grep -n '^[A-Z].*[\\]' "$ROOT/websocketd.conf")" ""
}

@test "the manual pages are clean, and name each option and command" {
	awk -f "$ROOT/man/websocketd.conf.awk" "$ROOT/websocketd.conf" \
	    >"$T/websocketd.conf.5"
	mandoc -Tlint -Wwarning "$ROOT"/man/*.[18] "$T/websocketd.conf.5"
	local k p o
	for k in $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$ROOT/websocketd.conf"); do
		grep -q "^\.It Cm $k\$" "$T/websocketd.conf.5"
	done
	for p in chat answer sessions door; do
		for o in $("$B/bin/$p" --help | grep -oE -e '--[a-z]+' |
		    sort -u); do
			grep -qE "Fl -${o#--}" "$ROOT/man/$p.1"
		done
	done
	for o in $("$B/bin/sessions" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		grep -qE "^\.(It )?Cm $o" "$ROOT/man/sessions.1"
	done
}

# The long options in what is on stdin, written as $1 and a name.
options() { grep -oE -e "$1[a-z][a-z-]*" | sed "s/^$1//" | sort -u; }

@test "an option is in the program, its help and its manual page, or in none" {
	local p
	for p in chat answer door; do
		is "$p $(options 'Fl -' <"$ROOT/man/$p.1")" "$p $("$B/bin/$p" --help | options --)"
	done
	is "$(options 'Fl -' <"$ROOT/man/ticketchat.8")" "$("$ROOT/run.sh" --help | options --)"
	is "$(sed -n 's/^	*\(-h | \)*--\([a-z]*\)) .*/\2/p' "$ROOT/run.sh" | sort)" \
	    "$("$ROOT/run.sh" --help | options --)"
	# Of sessions: the tables of its commands, and what `hold' reads itself.
	{
		grep -hoE '\{ "[a-z-]{2,}", (&|NULL)' "$ROOT"/handlers/sessions/*.c | sed 's/.*{ "\([^"]*\)".*/--\1/'
		echo --listen
	} | options -- >"$T/program"
	for p in $("$B/bin/sessions" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		"$B/bin/sessions" "$p" --help | sed -n '/^usage/p'
	done | options -- >"$T/help"
	diff "$T/program" "$T/help"
	# Those of all programs, and one of websocketd, are in the page besides.
	diff <({ cat "$T/program"; printf '%s\n' config help passenv version; } | sort -u) \
	    <(options 'Fl -' <"$ROOT/man/sessions.1")
}

@test "the error codes of websocket.md are those of the programs" {
	is "$(sed -n 's/^| `\([a-z_]*\)` | \(yes\|no\) .*/\1 \2/p' \
	    "$ROOT/websocket.md" | sort)" \
	    "$(sed -n 's/^	\[FAILURE_.*\] = { "\([a-z_]*\)", \(true\|false\),.*/\1 \2/p' \
	    "$ROOT/lib/frame/failure.c" | grep -v '^none' | sed 's/true/yes/
	    s/false/no/' | sort)"
}

@test "usage: --help and --version good, anything unknown 100" {
	local p
	for p in chat answer sessions door; do
		"$B/bin/$p" --help | grep -q '^usage: '"$p"
		"$B/bin/$p" --version | grep -q '^ticketchat [0-9]'
		run -100 "$B/bin/$p" --nonsense
		is "${#lines[@]}" 1
		run -100 "$B/bin/$p" too many arguments
		is "${#lines[@]}" 1
	done
}
