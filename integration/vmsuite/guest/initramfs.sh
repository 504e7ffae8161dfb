#!/bin/sh
# The first process of a guest: it mounts the disks and leaves them to the init
# that the kernel's command line names.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /early/*.ko; do
	insmod "$module" || echo "no $module"
done
disk() {
	local n=0
	until [ -b "$1" ]; do
		n=$((n + 1))
		[ $n -lt 100 ] || { echo "no disk $1"; poweroff -f; }
		usleep 100000
	done
	mount -t ext4 -o "noatime,$3" "$1" "$2" || { echo "disk $1 cannot be mounted"; poweroff -f; }
}
disk /dev/vda /root rw
disk /dev/vdb /root/usr/lib/modules ro
disk /dev/vdc /root/bookend ro
mount -t tmpfs -o mode=755 tmpfs /root/run
init=$(sed -n 's/.*bookend.init=\([^ ]*\).*/\1/p' /proc/cmdline)
case $init in
/sbin/init) # systemd; by this directory others tell that systemd runs
	mkdir -p /root/run/systemd/system
	cp /root/bookend/guest/suite.service /root/run/systemd/system/
	;;
esac
umount /proc /sys
mount -o move /dev /root/dev
exec switch_root /root "$init"
