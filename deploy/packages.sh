# shellcheck shell=sh
# packages.sh - functions that install missing packages; run.sh and tests/run.sh
# source this file.

# Succeeds if a package is installed, or if its command, header or file is there
# without the package.
is_there() {
	package=${1%%[:@]*} what=${1#*[:@]}
	case $1 in
	*:*) command -v "$what" >/dev/null && return ;;
	*@/*) [ -e "$what" ] && return ;;
	*@*) printf '#include <%s>\n' "$what" | "${CC:-cc}" -E - \
	    >/dev/null 2>&1 && return ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = \
	    installed ]
}

# install_missing NAME[:COMMAND|@HEADER|@FILE]...: installs the Debian packages NAME
# that are missing.  A package with a COMMAND, a C HEADER or a FILE (which begins
# with /) is missing only if that is not there either.
# Prints what it installs.  If root runs it, it asks nothing; otherwise it prints the
# command for root, and fails.
install_missing() {
	missing=
	for want in "$@"; do
		is_there "$want" || missing="$missing ${want%%[:@]*}"
	done
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "missing here; their names in Debian:$missing" >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		echo "packages are missing; as root run: apt-get install -y" \
		    "--no-install-recommends$missing" >&2
		return 1
	fi
	echo "installing$missing"
	log=$(mktemp)
	# shellcheck disable=SC2086
	if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get \
	    install -y --no-install-recommends $missing; } >"$log" 2>&1; then
		rm -f "$log"
	else
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
}

# version_of NAME: prints the version that the package NAME of this release depends
# on, for example 15 for postgresql in Debian 12.
version_of() {
	[ -n "$(apt-cache show "$1" 2>/dev/null)" ] || apt-get -q update >&2
	apt-cache depends "$1" | sed -n "s/^ *Depends: $1-\([0-9]*\)$/\1/p"
}

# unpack_missing DIRECTORY NAME:COMMAND...: the same, but only unpacks the packages
# below the directory, so that nothing is configured or started.  It installs only
# the libraries that these programs need.
unpack_missing() {
	to=$1
	shift
	packages=
	for want in "$@"; do
		! command -v "${want#*:}" >/dev/null || continue
		[ -z "$(find "$to" -name "${want#*:}" -path '*bin/*' \
		    2>/dev/null)" ] || continue
		packages="$packages ${want%%:*}"
	done
	[ -n "$packages" ] || return 0
	echo "unpacking$packages"
	# shellcheck disable=SC2086
	(
		mkdir -p "$to" && cd "$to" || exit
		apt-get -q download $packages || {
			apt-get -q update && apt-get -q download $packages
		} || exit
		for package in $packages; do
			dpkg -x "${package}"_*.deb . &&
			    rm "${package}"_*.deb || exit
		done
	) >"$to.log" 2>&1 || { tail -n 20 "$to.log" >&2; return 1; }
	# PostgreSQL works without its JIT compiler.
	# shellcheck disable=SC2046,SC2086
	install_missing $(apt-get -qq -s --no-install-recommends install \
	    $packages | sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p' |
	    grep -v -e '^libllvm' -e perl)
}
