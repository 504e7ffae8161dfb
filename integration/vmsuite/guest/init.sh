#!/bin/sh
# Init of a guest without systemd: what containerd and its containers need of a
# machine, and nothing that makes cgroups.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
# As systemd mounts it.
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount --make-rshared /
ip link set lo up
hostname guest
exec </dev/null
# This process reaps what others leave behind. A shell has what runs beside it ignore two
# signals, which a runtime would hand on to its containers.
env --default-signal=INT,QUIT /bookend/guest/suite.sh &
wait $!
while :; do sleep 1000 & wait $!; done
