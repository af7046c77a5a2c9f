#!/bin/sh
# run.sh - the service.  Installs what is missing, builds, brings the database
# up to date, tells what it found, and becomes the parent of websocketd.
#
#	./run.sh		with websocketd.conf beside it
#	./run.sh --demo		without an Ollama: recorded answers, own database
#	./run.sh --check	the settings as they take effect, and the rest
#
# Every setting may also come from the environment, as TICKETCHAT_<KEY>; those
# of OLLAMA_<X> also by that name alone:
#	TICKETCHAT_PORT=8080 OLLAMA_MODEL=gemma3 ./run.sh
set -euf

usage() {
	cat <<'END'
usage: run.sh [--demo | --check | --help] [-c FILE]
  --demo     try it without an Ollama: answers are played back, and the
             database is a temporary one
  --check    check the settings, print them as they take effect, and examine
             data, model and machine (sessions doctor); start nothing
  -c FILE    settings from FILE, not from websocketd.conf
  --help     this text
Exit code: 0 good, 2 --check found errors, 100 usage, 102 settings, 111 system;
else websocketd's.
END
}

# `make install' writes its own places here.
checkout=yes
bin=build/bin
libexec=build/libexec
web=build/web

# What it takes to build and run on Debian.
packages='websocketd:websocketd gcc:cc libc6-dev@stdio.h make:make
libcurl4-openssl-dev@curl/curl.h libsqlite3-dev@sqlite3.h
libssl-dev@openssl/evp.h libjsmn-dev@jsmn.h
ca-certificates@/etc/ssl/certs/ca-certificates.crt'
# And for a DATABASE that is a server.
packages_postgres='libpq-dev pkgconf:pkg-config'

say() {
	printf '%s\n' "$*"
}

die() {
	code=$1
	shift
	printf 'run.sh: %s\n' "$*" >&2
	exit "$code"
}

# Reads and checks every setting, once, and puts the values into the environment
# as TICKETCHAT_<KEY>: the programs that follow read no file.  The last line is
# websocketd's flag --passenv with the names that chat needs.  Bare names in the
# environment, which counted in 0.1, are refused or warned of.
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

# Whether the database is a server, not a file.
is_server() {
	case $TICKETCHAT_DATABASE in postgres*) ;; *) return 1 ;; esac
}

# Builds what a server takes, once the settings tell that there is one.
build_postgres() {
	is_server && [ -n "$checkout" ] || return 0
	# shellcheck disable=SC2086
	install_missing $packages_postgres || exit 111
	make -s postgres || die 111 "the build for PostgreSQL failed"
}

# Makes the directories of a file, for us alone.
make_parent() {
	case $1 in
	*/*) (umask 077 && mkdir -p "${1%/*}") ||
	    die 111 "cannot make the directory of $1" ;;
	esac
}

log_is_file() {
	case $TICKETCHAT_LOG in syslog | stderr) return 1 ;; esac
}

# Sees that the log can be written.  LOG=stderr is opened anew by each program,
# to append; a socket cannot be (systemd's), and then they take syslog's.
prepare_log() {
	if log_is_file; then
		(umask 077 && : >>"$TICKETCHAT_LOG") ||
		    die 102 "LOG=$TICKETCHAT_LOG cannot be written"
	elif [ "$TICKETCHAT_LOG" = stderr ]; then
		if (: 3>>"/proc/$$/fd/2") 2>/dev/null; then
			exec 2>>"/proc/$$/fd/2"
		elif [ ! -S /dev/log ]; then
			die 102 "LOG=stderr: standard error cannot be opened" \
			    "anew here, and there is no syslog; set LOG to a" \
			    "file"
		fi
	fi
}

prepare() {
	is_server || make_parent "$TICKETCHAT_DATABASE"
	make_parent "$TICKETCHAT_RUN_DIR"
	! log_is_file || make_parent "$TICKETCHAT_LOG"
	# After a power cut this machine may be up before the database's: that
	# is waited for, until somebody ends us.
	database=$("$bin/sessions" -c /dev/null migrate --wait) ||
	    exit $?
	prepare_log
}

# The address to show: the first one, by its usual name.
tell_address() {
	# shellcheck disable=SC2086
	set -- $TICKETCHAT_ADDRESS
	case $1 in
	127.0.0.1 | '[::1]' | 0.0.0.0 | '[::]') host=localhost ;;
	*) host=$1 ;;
	esac
	s=
	[ -z "$TICKETCHAT_TLS_CERT" ] || s=s
	say "  serves    ws$s://$host:$TICKETCHAT_PORT/api/websocket/chat/{ticketId}"
	[ "$TICKETCHAT_WEB" = off ] || say "  page      http$s://$host:$TICKETCHAT_PORT/"
}

# The flags of websocketd, in "$@" of the caller by way of `flags', one a line;
# on how many addresses it is to listen, in `listens'.
make_flags() {
	flags="--port=$TICKETCHAT_PORT
--maxforks=$TICKETCHAT_MAX_CONNECTIONS
--loglevel=error"
	listens=0
	for a in $TICKETCHAT_ADDRESS; do
		# One address that cannot be bound ends websocketd.
		if [ "$a" = '[::1]' ] && [ "$TICKETCHAT_ADDRESS" != "$a" ] &&
		    ! grep -qs '^0*1 ' /proc/net/if_inet6; then
			say "  (no IPv6 here: $a is left out)"
			continue
		fi
		listens=$((listens + 1))
		flags="$flags
--address=$a"
	done
	[ -z "$TICKETCHAT_TLS_CERT" ] || flags="$flags
--ssl
--sslcert=$TICKETCHAT_TLS_CERT
--sslkey=$TICKETCHAT_TLS_KEY"
	# Versions after 0.4.1 can bound a message before it reaches us.
	if websocketd --help 2>&1 | grep -q maxframesize; then
		flags="$flags
--maxframesize=$((TICKETCHAT_MAX_TICKET_BYTES * 6 + 32768))"
	fi
	flags="$flags
$passenv"
}

# The page, in `flags' too, and what a browser may do with it.
web_flags() {
	# Scripts and styles from here only, none within the page, and no text
	# becomes markup (Trusted Types).  No frames: whoever put this page into
	# theirs would get past ALLOWED_ORIGINS, and could steer the clicks; the
	# module is for them.
	# shellcheck disable=SC2089
	csp="default-src 'none'; script-src 'self'; style-src 'self'"
	csp="$csp; connect-src 'self'; img-src data:; base-uri 'none'"
	csp="$csp; form-action 'none'; frame-ancestors 'none'"
	csp="$csp; require-trusted-types-for 'script'; trusted-types 'none'"
	# Every page may load the modules.  A browser may keep what it has, but
	# asks each time whether it has changed.
	flags="$flags
--staticdir=$web
--header-http=Content-Security-Policy: $csp
--header-http=Access-Control-Allow-Origin: *
--header-http=Cross-Origin-Resource-Policy: cross-origin
--header-http=X-Content-Type-Options: nosniff
--header-http=Referrer-Policy: no-referrer
--header-http=Cache-Control: no-cache"
	# By the file's time: one that is older than the browser's is unchanged
	# for websocketd.  `make' never goes back; a package or an image may, but
	# changes nothing while we run.
	[ -n "$checkout" ] || flags="$flags
--header-http=ETag: \"$(find "$web" -type f -exec sha256sum {} + |
	    sort | sha256sum | cut -c -16)\""
}

# Becomes the parent of websocketd, which holds the database open for all that
# come; a newline within a flag cannot be, see settings.c.
serve() {
	make_flags
	[ "$TICKETCHAT_WEB" = off ] || web_flags
	IFS='
'
	# shellcheck disable=SC2086,SC2090
	set -- $flags
	unset IFS
	# One command, and neither --dir nor --cgidir: with these websocketd
	# looks for a file by the path before it looks at the method, and
	# `CONNECT /../../etc/shadow' tells whether there is one, or runs it.
	set -- "$bin/sessions" -c /dev/null hold \
	    "--listen=$listens" websocketd "$@" "$libexec/chat"
	# The model's servers tell about themselves when they do: their absence
	# is no reason not to start, nor to start late.
	"$libexec/answer" -c /dev/null start &
	starter=$!
	if [ -n "$demo" ]; then
		"$@" &
		server=$!
		wait $server
	else
		exec "$@"
	fi
}

# The demonstration: a replayed model beside the same programs.
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
	[ -s "$demo/port" ] || die 111 "the replayed model does not start"
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
# Relative names in the settings are relative to where this stands.
[ -z "$checkout" ] || cd "$(dirname "$0")"
while [ $# -gt 0 ]; do
	case $1 in
	--demo) action=demo ;;
	--check) action=check ;;
	-c) [ $# -gt 1 ] || die 100 "-c needs a file"
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
	make -s $target || die 111 "the build failed"
elif [ "$action" = demo ]; then
	die 100 "--demo works in a checkout only"
fi
[ "$action" != demo ] || start_demo
load_settings
build_postgres
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
[ -z "$demo" ] || say "  demo      nothing is saved; end it with Ctrl-C"
say "  try       npx wscat -c ws://localhost:$TICKETCHAT_PORT/api/websocket/chat/42"
say "            > {\"ticketBody\":\"The printer on floor 2 is jammed\"}"
serve
