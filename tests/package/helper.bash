# What the tests of the package and of the container share: a bare Debian in
# $BARE, which they do not change; RELEASE=trixie is Debian 13.

RELEASE=${RELEASE:-bookworm}
PACKAGE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/package
BARE=$PACKAGE/bare-$RELEASE
UP=$BATS_TEST_DIRNAME/../upstream

bare() {
	[ ! -e "$BARE/ready" ] || return 0
	rm -rf "$BARE"
	mkdir -p "$BARE"
	debootstrap --variant=minbase \
	    --include=dbus,systemd,systemd-sysv,procps "$RELEASE" \
	    "$BARE" >"$BARE.log"
	# There is neither a console to hang up nor a kernel of its own.
	ln -sf /dev/null "$BARE/etc/systemd/system/console-getty.service"
	ln -sf /dev/null "$BARE/etc/systemd/system/systemd-modules-load.service"
	: >"$BARE/ready"
}

# Ends the test file where a program is missing: COMMAND:PACKAGE...
needs() {
	local c
	for c; do
		command -v "${c%%:*}" >/dev/null && continue
		echo "no ${c%%:*}: apt-get install ${c#*:}" >&2
		return 1
	done
}

within() {
	local n=$(($1 * 10))
	shift
	until "$@" 2>/dev/null; do
		[ $((n--)) -gt 0 ] || { echo "not in time: $*"; return 1; }
		sleep 0.1
	done
}

not() { ! "$@"; }
