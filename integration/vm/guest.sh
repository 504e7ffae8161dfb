#!/bin/sh
# Init of a guest: busybox's shell, process 1.
export PATH=/bin HOME=/root

# What the kernel unpacks the archive into cannot be pivoted away from, which
# runc does. So it becomes a mount on top of itself first.
if [ "$1" != again ]; then
	mount -o bind / /mnt && cd /mnt && mount -o move . / && exec chroot . /init again
fi

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
# As systemd mounts it.
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t tracefs tracefs /sys/kernel/tracing
ln -s /proc/self/fd /dev/fd
exec </dev/null >/dev/console 2>&1
ip link set lo up

cd /tmp
/guest/command
# The host looks for this line.
echo "guest ended with status $?"
poweroff -f
