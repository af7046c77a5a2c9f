#!/bin/bash
# boot.sh LOWER DIRECTORY - boots the Debian in LOWER, which stays as it is:
# what changes lies below DIRECTORY.  Its systemd is process 1 of namespaces of
# its own and ends with this script.  Its network leads out (slirp4netns);
# DIRECTORY/network takes requests for ports that lead in.  Needs root.
# `nsenter -t PID -a' with the pid of that systemd enters it.
set -eu

# In a process of the new cgroup: a cgroup namespace is rooted there.
enter() {
	echo $$ >"$3/cgroup.procs"
	exec unshare --cgroup "$0" --boot "$1" "$2"
}

boot() {
	mount --make-rprivate /
	mount -t overlay overlay "$2/root" \
	    -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work"
	cd "$2/root"
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	for d in run tmp dev; do mount -t tmpfs tmpfs $d; done
	for n in null zero full random urandom tty; do
		touch dev/$n
		mount --bind /dev/$n dev/$n
	done
	mkdir -p dev/pts dev/shm old
	ln -s pts/ptmx dev/ptmx
	mount -t devpts devpts dev/pts
	mount -t tmpfs tmpfs dev/shm
	hostname package-test
	pivot_root . old
	umount -l old
	rmdir old
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	    /lib/systemd/systemd systemd.unit=multi-user.target </dev/null \
	    >/dev/null 2>&1
}

case $1 in
--enter) enter "$2" "$3" "$4" ;;
--boot) boot "$2" "$3" ;;
esac
lower=$(realpath "$1")
mkdir -p "$2/root" "$2/upper/etc" "$2/work"
directory=$(realpath "$2")
# debootstrap makes neither.
echo 'nameserver 10.0.2.3' >"$directory/upper/etc/resolv.conf"
echo '127.0.0.1 localhost' >"$directory/upper/etc/hosts"
cgroup=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)/ticketchat-$$
mkdir "$cgroup"
unshare --net --mount --uts --ipc --pid --fork --kill-child \
    "$(realpath "$0")" --enter "$lower" "$directory" "$cgroup" &
child=$!
slirp=
# Nothing of it is left, nor of the groups that systemd has made.
finish() {
	kill -KILL $child $slirp 2>/dev/null || true
	wait || true
	until find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; do
		sleep 0.1
	done
}
trap finish EXIT
trap 'exit 143' TERM INT
while [ /proc/$child/ns/net -ef /proc/self/ns/net ]; do sleep 0.1; done
slirp4netns --configure --disable-host-loopback \
    --api-socket "$directory/network" $child tap0 >"$directory/slirp" 2>&1 &
slirp=$!
wait $child
