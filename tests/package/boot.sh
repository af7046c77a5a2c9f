#!/bin/bash
# boot.sh DIRECTORY - boots the Debian in DIRECTORY: its systemd is process 1
# of namespaces of its own (not the network's), and ends with this script.
# Needs root.  `nsenter -t PID -a' with the pid of that systemd enters it.
set -eu

# In a process of the new cgroup: a cgroup namespace is rooted there.
enter() {
	echo $$ >"$2/cgroup.procs"
	exec unshare --cgroup "$0" --boot "$1"
}

boot() {
	mount --make-rprivate /
	mount --bind "$1" "$1"
	cd "$1"
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
--enter) enter "$2" "$3" ;;
--boot) boot "$2" ;;
esac
cgroup=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)/ticketchat-$$
mkdir "$cgroup"
unshare --mount --uts --ipc --pid --fork --kill-child \
    "$(realpath "$0")" --enter "$1" "$cgroup" &
child=$!
trap 'kill -KILL $child 2>/dev/null; wait; rmdir "$cgroup"' EXIT TERM INT
wait $child
