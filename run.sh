#!/bin/sh
# run.sh - starts the service: installs what is missing, builds, migrates the
# database, prints what it found, and becomes the parent of websocketd.
#
#	./run.sh		with the settings in websocketd.conf
#	./run.sh --demo		without Ollama: recorded answers, temporary data
#	./run.sh --check	the effective settings, and what is wrong
#
# Every setting may also come from the environment, as TICKETCHAT_<KEY>.  A key
# that begins with OLLAMA_ may also stand there without the prefix:
#	TICKETCHAT_PORT=8080 OLLAMA_MODEL=gemma3 ./run.sh
set -euf

usage() {
	cat <<'END'
usage: run.sh [--demo | --check | --help] [-c FILE]
  --demo     try it without Ollama: recorded answers are played back, and the
             database is temporary
  --check    check the settings, print the effective ones, and examine data,
             model and machine (sessions doctor); start nothing
  -c FILE    read the settings from FILE instead of websocketd.conf
  --help     print this text
Missing Debian packages are installed with apt-get if root runs this; otherwise
the apt-get command for root is printed.
Exit code: 0 good, 2 --check found errors, 100 wrong arguments, 102 wrong
settings, 111 system error; otherwise that of websocketd.
END
}

# `make install' writes its own paths here.
checkout=yes
bin=build/bin
libexec=build/libexec
web=build/web

# The Debian packages that building and running need; see deploy/packages.sh.
packages='websocketd:websocketd gcc:cc libc6-dev@stdio.h make:make
libcurl4-openssl-dev@curl/curl.h libsqlite3-dev@sqlite3.h
libssl-dev@openssl/evp.h libjsmn-dev@jsmn.h
ca-certificates@/etc/ssl/certs/ca-certificates.crt'
# And those for a DATABASE on a PostgreSQL server.
packages_postgres='libpq-dev pkgconf:pkg-config'
# And for HTTP_PORT.
packages_door='socat:socat'

say() {
	printf '%s\n' "$*"
}

die() {
	code=$1
	shift
	printf 'run.sh: %s\n' "$*" >&2
	exit "$code"
}

# Reads and checks all settings, once, and exports each one as TICKETCHAT_<KEY>:
# the programs that run later read no file.  The last line is websocketd's flag
# --passenv with the names that chat needs.  For names without the prefix, which
# version 0.1 read, `sessions settings' warns or fails.
load_settings() {
	settings=$("$bin/sessions" ${conf:+-c "$conf"} settings --service) ||
	    exit $?
	passenv=--${settings##*--}
	settings=${settings%?--*}
	while IFS= read -r line; do
		export "TICKETCHAT_${line?}"
	done <<END
$settings
END
}

# Succeeds if the database is a server, not a file.
is_server() {
	case $TICKETCHAT_DATABASE in postgres*) ;; *) return 1 ;; esac
}

# Builds the programs for PostgreSQL if the settings name a server.
build_postgres() {
	is_server && [ -n "$checkout" ] || return 0
	# shellcheck disable=SC2086
	install_missing $packages_postgres || exit 111
	make -s postgres || die 111 "the build for PostgreSQL failed"
}

# Succeeds if the service also listens for HTTP.
has_door() {
	[ "$TICKETCHAT_HTTP_PORT" != off ]
}

prepare_door() {
	has_door || return 0
	if [ -n "$checkout" ]; then
		# shellcheck disable=SC2086
		install_missing $packages_door || exit 111
	fi
	command -v socat >/dev/null ||
	    die 102 "HTTP_PORT=$TICKETCHAT_HTTP_PORT needs socat, which is not" \
	    "installed here"
}

# Makes the directories above a file, with access for this user only.
make_parent() {
	case $1 in
	*/*) (umask 077 && mkdir -p "${1%/*}") ||
	    die 111 "cannot make the directory of $1" ;;
	esac
}

log_is_file() {
	case $TICKETCHAT_LOG in syslog | stderr) return 1 ;; esac
}

# Checks that the log can be written.  With LOG=stderr each program opens standard
# error again, to append.  A socket (as under systemd) cannot be opened again;
# then the programs write to syslog.
prepare_log() {
	if log_is_file; then
		(umask 077 && : >>"$TICKETCHAT_LOG") ||
		    die 102 "LOG=$TICKETCHAT_LOG cannot be written"
	elif [ "$TICKETCHAT_LOG" = stderr ]; then
		if (: 3>>"/proc/$$/fd/2") 2>/dev/null; then
			exec 2>>"/proc/$$/fd/2"
		elif [ ! -S /dev/log ]; then
			die 102 "LOG=stderr: standard error cannot be opened" \
			    "again here, and there is no syslog; set LOG to a" \
			    "file"
		fi
	fi
}

# After a power cut this machine may start before the database server does:
# --wait waits for the server until a signal ends it, or until nobody reads what
# it prints.  It runs beside us: the first process of a container gets only
# signals that it catches, and a shell catches none while it waits for a program
# in the foreground.
migrate_server() {
	told=$TICKETCHAT_RUN_DIR/migrated.$$ code=0 migrating=
	(umask 077 && mkdir -p "$TICKETCHAT_RUN_DIR" && mkfifo "$told") ||
	    die 111 "cannot make $told"
	trap 'kill "$migrating" 2>/dev/null; exit 143' TERM
	trap 'kill "$migrating" 2>/dev/null; exit 130' INT HUP
	"$bin/sessions" -c /dev/null migrate --wait >"$told" &
	migrating=$!
	exec 4<"$told"
	rm -f "$told"
	wait "$migrating" || code=$?
	trap - TERM INT HUP
	database=$(cat <&4)
	exec 4<&-
	[ "$code" = 0 ] || exit "$code"
}

prepare() {
	is_server || make_parent "$TICKETCHAT_DATABASE"
	make_parent "$TICKETCHAT_RUN_DIR"
	! log_is_file || make_parent "$TICKETCHAT_LOG"
	if is_server; then
		migrate_server
	else
		database=$("$bin/sessions" -c /dev/null migrate) || exit $?
	fi
	prepare_log
}

# Prints the addresses for people, and sets `address' to the one to open.  The
# host is the first of ADDRESS, or localhost where that reaches it.
tell_address() {
	# shellcheck disable=SC2086
	set -- $TICKETCHAT_ADDRESS
	case $1 in
	127.0.0.1 | '[::1]' | 0.0.0.0 | '[::]') host=localhost ;;
	*) host=$1 ;;
	esac
	s=
	[ -z "$TICKETCHAT_TLS_CERT" ] || s=s
	address="ws$s://$host:$TICKETCHAT_PORT/api/websocket/chat/{ticketId}"
	say "  serves    $address"
	[ "$TICKETCHAT_WEB" = off ] || {
		address=http$s://$host:$TICKETCHAT_PORT/
		say "  page      $address"
	}
	! has_door ||
	    say "  door      http$s://$host:$TICKETCHAT_HTTP_PORT/api/ask"
}

# Adds to `flags_hold' the program that holds the door's port on an address: socat
# starts one door for each connection.  With TLS socat stays between the two, and
# `sessions hold' ends it if it has no door for SEND_TIMEOUT, and 10 s at least.
add_door() {
	case $1 in
	\[*) type=6 ;;
	*) type=4 ;;
	esac
	listen=$TICKETCHAT_HTTP_PORT,bind=$1,reuseaddr,fork,max-children=$TICKETCHAT_MAX_CONNECTIONS
	if [ -n "$TICKETCHAT_TLS_CERT" ]; then
		listen=OPENSSL-LISTEN:$listen,pf=ip$type,verify=0
		listen=$listen,openssl-min-proto-version=TLS1.2
		listen=$listen,cert=$TICKETCHAT_TLS_CERT,key=$TICKETCHAT_TLS_KEY
		run="EXEC:$libexec/door -c /dev/null"
	else
		listen=TCP$type-LISTEN:$listen
		run="EXEC:$libexec/door -c /dev/null,nofork"
	fi
	[ "$1" != '[::]' ] || listen=$listen,ipv6only=1
	# A tab separates the words for `sessions hold'.
	flags_hold="$flags_hold
--beside=$(printf 'socat\t%s\t%s' "$listen" "$run")"
}

# Sets `flags' to the flags of websocketd, and `flags_hold' to those of `sessions
# hold', one a line.
make_flags() {
	flags_hold=
	flags="--port=$TICKETCHAT_PORT
--maxforks=$TICKETCHAT_MAX_CONNECTIONS
--loglevel=error"
	listens=0
	for a in $TICKETCHAT_ADDRESS; do
		# websocketd ends if it cannot bind one of its addresses.
		if [ "$a" = '[::1]' ] && [ "$TICKETCHAT_ADDRESS" != "$a" ] &&
		    ! grep -qs '^0*1 ' /proc/net/if_inet6; then
			say "  (no IPv6 here: not listening on $a)"
			continue
		fi
		listens=$((listens + 1))
		! has_door || add_door "$a"
		flags="$flags
--address=$a"
	done
	[ -z "$TICKETCHAT_TLS_CERT" ] || flags="$flags
--ssl
--sslcert=$TICKETCHAT_TLS_CERT
--sslkey=$TICKETCHAT_TLS_KEY"
	# Versions after 0.4.1 can limit a message's size before it reaches us.
	if websocketd --help 2>&1 | grep -q maxframesize; then
		max=$TICKETCHAT_MAX_TICKET_BYTES
		# As settings_ticket_max: a filter may shorten a text.
		if [ -n "$TICKETCHAT_TICKET_FILTER" ]; then
			max=$((max * 16))
			[ $max -le 16777216 ] || max=16777216
		fi
		flags="$flags
--maxframesize=$((max * 6 + 32768))"
	fi
	# See SETTINGS_MALLOC in lib/settings/settings.h.
	export GLIBC_TUNABLES=glibc.malloc.tcache_count=0
	flags="$flags
$passenv,GLIBC_TUNABLES"
}

# Adds to `flags' the page and what a browser may do with it.
web_flags() {
	# Scripts and styles come from this service only, none is inline, and no
	# text becomes markup (Trusted Types).  The page may not be framed: a
	# framing page would bypass ALLOWED_ORIGINS and could misdirect clicks.
	# Other pages use the module instead.
	# shellcheck disable=SC2089
	csp="default-src 'none'; script-src 'self'; style-src 'self'"
	csp="$csp; connect-src 'self'; img-src data:; base-uri 'none'"
	csp="$csp; form-action 'none'; frame-ancestors 'none'"
	csp="$csp; require-trusted-types-for 'script'; trusted-types 'none'"
	# Every page may load the modules.  A browser may cache them, but asks
	# each time whether they have changed.
	flags="$flags
--staticdir=$web
--header-http=Content-Security-Policy: $csp
--header-http=Access-Control-Allow-Origin: *
--header-http=Cross-Origin-Resource-Policy: cross-origin
--header-http=X-Content-Type-Options: nosniff
--header-http=Referrer-Policy: no-referrer
--header-http=Cache-Control: no-cache"
	# websocketd compares file times only, and takes a file that is older
	# than the browser's copy for unchanged.  `make' never writes an older
	# time, but a downgraded package or image may; there an ETag of the
	# contents decides.  They do not change while the service runs.
	[ -n "$checkout" ] || flags="$flags
--header-http=ETag: \"$(find "$web" -type f -exec sha256sum {} + |
	    sort | sha256sum | cut -c -16)\""
}

# Becomes the parent of websocketd, which holds the database open for all
# connections.  No flag contains a newline, because settings.c refuses it.
serve() {
	make_flags
	[ "$TICKETCHAT_WEB" = off ] || web_flags
	# AUTH=required needs the variant of chat that can check JWTs.
	chat=chat
	[ "$TICKETCHAT_AUTH" != required ] || chat="chat-jwt"
	IFS='
'
	# One command, and neither --dir nor --cgidir: with these, websocketd
	# looks for a file at the path before it checks the method, so that
	# `CONNECT /../../etc/shadow' reveals whether it exists, or runs it.
	# shellcheck disable=SC2086,SC2090
	set -- "$bin/sessions" -c /dev/null hold "--listen=$listens" \
	    $flags_hold websocketd $flags "$libexec/$chat"
	unset IFS
	# This prints the state of the model servers when it is known.  The
	# service neither waits for them nor needs them to start.
	"$libexec/answer" -c /dev/null start &
	starter=$!
	if [ -n "$demo" ]; then
		"$@" &
		server=$!
		wait $starter || :
		say "  open      $address"
		wait $server
	else
		exec "$@"
	fi
}

# Starts a model server that plays back tests/demo, and sets the environment so
# that the same programs use it and a temporary directory.
start_demo() {
	demo=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat.XXXXXX")
	server=
	starter=
	model_pid=
	trap end_demo EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	build/tests/replay --demo tests/demo --die-with-parent \
	    >"$demo/port" &
	model_pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s "$demo/port" ] || break
		sleep 0.2
	done
	[ -s "$demo/port" ] || die 111 "the demo's model server does not start"
	export TICKETCHAT_DATABASE="$demo/demo.db" TICKETCHAT_RUN_DIR="$demo/run" \
	    TICKETCHAT_LOG="$demo/log" TICKETCHAT_OLLAMA_MODEL=demo \
	    TICKETCHAT_STOP_WAIT=0
	TICKETCHAT_OLLAMA_SERVER=http://127.0.0.1:$(cat "$demo/port")/api/generate
	export TICKETCHAT_OLLAMA_SERVER
}

end_demo() {
	trap '' INT TERM HUP
	for pid in $server $starter $model_pid; do
		kill "$pid" 2>/dev/null || :
	done
	wait
	rm -rf "$demo"
}

action=serve conf='' demo='' here=$PWD
# Relative paths in the settings are relative to the directory of this script.
[ -z "$checkout" ] || cd "$(dirname "$0")"
while [ $# -gt 0 ]; do
	case $1 in
	--demo) action=demo ;;
	--check) action=check ;;
	-c) [ $# -gt 1 ] || die 100 "-c needs a file name"
	    case $2 in /*) conf=$2 ;; *) conf=$here/$2 ;; esac
	    shift ;;
	-h | --help) usage; exit 0 ;;
	*) die 100 "unknown option $1 (try --help)" ;;
	esac
	shift
done

if [ -n "$checkout" ]; then
	# shellcheck source=deploy/packages.sh
	. deploy/packages.sh
	# shellcheck disable=SC2086
	install_missing $packages || exit 111
	[ -x build/bin/chat ] || say "building"
	target=all
	[ "$action" != demo ] || target='all build/tests/replay'
	# shellcheck disable=SC2086
	make -s -j"$(nproc)" $target || die 111 "the build failed"
elif [ "$action" = demo ]; then
	die 100 "--demo works in a checkout only"
fi
[ "$action" != demo ] || start_demo
load_settings
build_postgres
prepare_door
if [ "$action" = check ]; then
	printf '%s\n' "$settings"
	tell_address
	"$bin/sessions" -c /dev/null doctor || [ $? = 1 ] || exit 2
	exit 0
fi
prepare
say "$("$bin/sessions" --version)"
tell_address
say "  database  $database"
if [ -n "$demo" ]; then
	printf '%s\n' "$settings" >"$demo/conf"
	say "  demo      nothing is saved; end it with Ctrl-C"
	say "  shell     printf '{\"ticketBody\":\"printer jam\"}\\n' |" \
	    "env -i PATH_INFO=/42 build/bin/chat -c $demo/conf"
fi
serve
