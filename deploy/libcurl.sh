#!/bin/sh
# libcurl.sh - builds a libcurl that supports only HTTP, to be linked into answer,
# from the source package in this machine's own apt sources:
#
#	deploy/libcurl.sh [DIRECTORY]		build/libcurl
#	make CURL=DIRECTORY			(make finds build/libcurl by itself)
#
# With the full libcurl, answer loads 30 shared objects each time; see
# docs/sizing.md.  For an address in OLLAMA_SERVER that needs TLS or a resolver, the
# full libcurl is still used.  `make install' and `make deb' run this where there is
# no build/libcurl.  Run it again after Debian has fixed libcurl.
#
# If it fails, the last line says why; exit code 111.
set -eu

# fail LOG WHY...
fail() {
	tail -n 20 "$1" >&2
	shift
	echo "libcurl.sh: $*" >&2
	exit 111
}

# curl's own make gets nothing of the one that runs us, such as DESTDIR.
unset MAKEFLAGS MFLAGS DESTDIR CPPFLAGS LDFLAGS
to=${1:-build/libcurl}
mkdir -p "$to"
to=$(cd "$to" && pwd)
cd "$(dirname "$0")/.."

# shellcheck source=deploy/packages.sh
. deploy/packages.sh
install_missing gcc:cc libc6-dev make dpkg-dev ||
    fail /dev/null "packages are missing that the build needs"

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat-libcurl.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$tmp"

# The machine's own apt sources of this release, for source packages, in apt's older
# form of lists and in the newer one (sources.list(5)).
# shellcheck source=/dev/null
. /etc/os-release
[ -n "${VERSION_CODENAME:-}" ] || fail /dev/null "this is no release of Debian"
mkdir sources
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ ! -f "$f" ] || awk -v release="$VERSION_CODENAME" '
	$1 == "deb" && $0 ~ "[ \t]" release "(-updates|-security)?[ \t]" {
		sub(/deb/, "deb-src")
		print
	}' "$f"
done >sources/here.list
for f in /etc/apt/sources.list.d/*.sources; do
	[ ! -f "$f" ] || awk -v RS= -v release="$VERSION_CODENAME" '
	$0 ~ "(^|\n)Suites:([^\n]*[ \t])?" release "(-updates|-security)?([ \t]|\n|$)" {
		sub(/Types:[^\n]*/, "Types: deb-src")
		print $0 "\n"
	}' "$f"
done >sources/here.sources
[ -s sources/here.list ] || [ -s sources/here.sources ] ||
    fail /dev/null "no apt sources of $VERSION_CODENAME on this machine"
mkdir -p state/lists/partial cache/archives/partial
apt() {
	apt-get -q -o Dir::Etc::SourceList=/dev/null \
	    -o "Dir::Etc::SourceParts=$tmp/sources" -o "Dir::State=$tmp/state" \
	    -o Dir::State::Status=/var/lib/dpkg/status \
	    -o "Dir::Cache=$tmp/cache" -o APT::Sandbox::User= \
	    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@"
}
echo "fetching"
{ apt update && apt --only-source source curl; } >log 2>&1 ||
    fail log "the source of curl cannot be fetched from this machine's apt sources"
cd curl-*/
echo "building, in $PWD"
# For one request at a time; the tables of the default take 30 KB.
small='-DCURL_SOCKET_HASH_TABLE_SIZE=7 -DCURL_CONNECTION_HASH_TABLE_SIZE=3
-DCURL_DNS_HASH_TABLE_SIZE=7'
harden='-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2'
{
	./configure --prefix="$to" --disable-shared --enable-static \
	    --disable-alt-svc --disable-ares --disable-cookies --disable-dict \
	    --disable-doh --disable-file --disable-ftp --disable-gopher \
	    --disable-hsts --disable-imap --disable-ldap --disable-ldaps \
	    --disable-libcurl-option --disable-manual --disable-mqtt \
	    --disable-netrc --disable-ntlm --disable-pop3 \
	    --disable-progress-meter --disable-rtsp --disable-smb \
	    --disable-smtp --disable-socketpair --disable-telnet --disable-tftp \
	    --disable-threaded-resolver --disable-unix-sockets \
	    --disable-websockets --without-brotli --without-libidn2 \
	    --without-libpsl --without-librtmp --without-libssh2 \
	    --without-nghttp2 --without-ssl --without-zlib --without-zstd \
	    CFLAGS="-O2 -g -fPIE $harden" CPPFLAGS="$small" &&
	    make -C lib install && make -C include install
} >../log 2>&1 || fail ../log "curl cannot be built"
echo "done: make CURL=$to"
