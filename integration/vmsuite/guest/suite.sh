#!/bin/sh
# Runs what /bookend/guest/plan.sh says in the guest, and turns the guest off.
# The host reads the second console: lines that begin with "\001" are ours, all
# others are a test binary's.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp LC_ALL=C
stty -F /dev/hvc0 raw -echo 2>/dev/null
exec >/dev/hvc0 2>&1 </dev/null
say() { printf '\n\001%s\n' "$*"; }
end() {
	sync
	# A console is written to by and by.
	sleep 1
	busybox poweroff -f
}
refuse() {
	say "refused $*"
	end
}

say "kernel $(uname -r)"
say "init $(cat /proc/1/comm)"
say "booted in $(cut -d' ' -f1 /proc/uptime) s"
grep -q cgroup2 /proc/mounts || refuse "cgroup v2 is not mounted"
! grep -q ' cgroup ' /proc/mounts || refuse "cgroup v1 is mounted"
[ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || refuse "AppArmor is off"
say "security modules $(cat /sys/kernel/security/lsm)"
say "controllers $(cat /sys/fs/cgroup/cgroup.controllers)"
ulimit -n 1048576

# The kernel patches its code when a feature is used first, and again when its last user
# goes. The emulator may lose such a patch where two processors run that code, and the
# kernel panics. The features that containers use are switched on before the second
# processor comes, by a container that stays: it waits for its start for ever.
switch_on() {
	bundle=/run/switch-on
	mkdir -p $bundle/rootfs/bin
	: >$bundle/rootfs/bin/sh
	chmod 755 $bundle/rootfs/bin/sh
	"$BOOKEND_TEST_RUNC" spec --bundle $bundle
	sed -i -e 's/"terminal": true/"terminal": false/' \
		-e 's|"linux": {|"linux": { "cgroupsPath": "/switch-on/container",|' \
		-e 's|"resources": {|"resources": { "cpu": { "quota": 50000, "period": 100000 }, "memory": { "limit": 67108864 },|' \
		$bundle/config.json
	"$BOOKEND_TEST_RUNC" --root $bundle/state create --bundle $bundle switch-on >$bundle/log 2>&1 ||
		refuse "no container can be made: $(tail -n 1 $bundle/log)"
	ip link add switch0 type veth peer name switch1
	ip link del switch0
}

# How much slower this machine is than those that tests are written for, on which a
# hundred processes take a tenth of a second: uptime has hundredths.
now() { cut -d' ' -f1 /proc/uptime | tr -d .; }
measure() {
	begun=$(now)
	n=0
	while [ $n -lt 100 ]; do
		busybox true
		n=$((n + 1))
	done
	factor=$((($(now) - begun) / 10))
	[ $factor -gt 4 ] || factor=4
	[ $factor -lt 20 ] || factor=20
	echo $factor
}

# run PACKAGE DIRECTORY BINARY [ARGUMENTS]: a package's tests.
run() {
	package=$1 dir=$2 binary=$3
	shift 3
	say "package $package"
	(cd "$dir" && exec "/bookend/tests/$binary" "$@")
	say "status $package $?"
}
. /bookend/guest/plan.sh
switch_on
echo 1 >/sys/devices/system/cpu/cpu1/online || refuse "the second processor does not come"
[ -n "$BOOKEND_TEST_SLOW" ] || BOOKEND_TEST_SLOW=$(measure)
export BOOKEND_TEST_SLOW
say "slower $BOOKEND_TEST_SLOW"
suite
say "done"
end
