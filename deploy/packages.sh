# shellcheck shell=sh
# packages.sh - installing what is missing, for run.sh and tests/run.sh; to be
# sourced by them.

# install_missing NAME[:COMMAND]...: the Debian packages NAME that are not
# installed; one with a COMMAND is missing only if there is no such command.
# Says what it installs; asks nothing as root, and otherwise ends with the line
# to run.
install_missing() {
	missing=
	for want in "$@"; do
		package=${want%%:*}
		case $want in
		*:*) command -v "${want#*:}" >/dev/null && continue ;;
		*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" \
		    2>/dev/null)" = installed ] && continue ;;
		esac
		missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "missing here, by their names in Debian:$missing" >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		echo "packages are missing; run: sudo apt-get install -y" \
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

# unpack_missing DIRECTORY NAME:COMMAND...: the same, but unpacked below the
# directory only, for anybody: nothing is set up, nothing starts.
unpack_missing() {
	to=$1
	shift
	for want in "$@"; do
		package=${want%%:*}
		! command -v "${want#*:}" >/dev/null || continue
		[ -z "$(find "$to" -name "${want#*:}" -path '*bin/*' \
		    2>/dev/null)" ] || continue
		echo "unpacking $package"
		(
			mkdir -p "$to" && cd "$to" || exit
			apt-get -q download "$package" || {
				apt-get -q update &&
				apt-get -q download "$package"
			} || exit
			dpkg -x "${package}"_*.deb . && rm "${package}"_*.deb
		) >"$to.log" 2>&1 || { tail -n 20 "$to.log" >&2; return 1; }
	done
}
