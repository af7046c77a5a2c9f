#!/bin/sh
# libcurl.sh - makes a libcurl that speaks HTTP and nothing else, to be linked
# into answer, from the source that Debian keeps up to date:
#
#	deploy/libcurl.sh [DIRECTORY]		build/libcurl
#	make CURL=DIRECTORY
#
# With all of libcurl, answer loads 30 shared objects each time; see
# docs/sizing.md.  An address of OLLAMA_SERVER that takes TLS or a resolver has
# that one as before.  Do it again when Debian has mended libcurl.
set -eu
to=${1:-build/libcurl}
mkdir -p "$to"
to=$(cd "$to" && pwd)
cd "$(dirname "$0")/.."

# shellcheck source=deploy/packages.sh
. deploy/packages.sh
install_missing gcc:cc libc6-dev make dpkg-dev debian-archive-keyring

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ticketchat-libcurl.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$tmp"

# shellcheck source=/dev/null
. /etc/os-release
key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
mirror=http://deb.debian.org
cat >sources.list <<END
deb-src $key $mirror/debian $VERSION_CODENAME main
deb-src $key $mirror/debian-security $VERSION_CODENAME-security main
END
mkdir -p state/lists/partial cache/archives/partial
apt() {
	apt-get -q -o "Dir::Etc::SourceList=$tmp/sources.list" \
	    -o Dir::Etc::SourceParts=/dev/null -o "Dir::State=$tmp/state" \
	    -o Dir::State::Status=/var/lib/dpkg/status \
	    -o "Dir::Cache=$tmp/cache" -o APT::Sandbox::User= "$@"
}
echo "fetching"
{ apt update && apt --only-source source curl; } >log 2>&1 || {
	tail -n 20 log >&2
	exit 111
}
cd curl-*/
echo "building, in $PWD"
harden='-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2'
{
	./configure --prefix="$to" --disable-shared --enable-static \
	    --disable-alt-svc --disable-ares --disable-cookies --disable-dict \
	    --disable-doh --disable-file --disable-ftp --disable-gopher \
	    --disable-hsts --disable-imap --disable-ldap --disable-ldaps \
	    --disable-libcurl-option --disable-manual --disable-mqtt \
	    --disable-netrc --disable-ntlm --disable-pop3 \
	    --disable-progress-meter --disable-rtsp --disable-smb \
	    --disable-smtp --disable-telnet --disable-tftp \
	    --disable-threaded-resolver --disable-unix-sockets \
	    --disable-websockets --without-brotli --without-libidn2 \
	    --without-libpsl --without-librtmp --without-libssh2 \
	    --without-nghttp2 --without-ssl --without-zlib --without-zstd \
	    CFLAGS="-O2 -g -fPIE $harden" &&
	    make -C lib install && make -C include install
} >../log 2>&1 || {
	tail -n 20 ../log >&2
	exit 111
}
echo "done: make CURL=$to"
