# What the tests of the package and of the container share: a bare Debian in
# $PACKAGE/bare, which they do not change.

PACKAGE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/package
UP=$BATS_TEST_DIRNAME/../upstream

bare() {
	[ ! -e "$PACKAGE/bare/ready" ] || return 0
	rm -rf "$PACKAGE/bare"
	mkdir -p "$PACKAGE/bare"
	debootstrap --variant=minbase \
	    --include=dbus,systemd,systemd-sysv,procps bookworm \
	    "$PACKAGE/bare" >"$PACKAGE/bare.log"
	# It would hang up the console, which there is none of.
	ln -sf /dev/null "$PACKAGE/bare/etc/systemd/system/console-getty.service"
	: >"$PACKAGE/bare/ready"
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
