#!/bin/bash
# Makes the disk with a guest's root file system, root.ext4: Debian with systemd.
# It is made anew where this script has changed, and where it was not made to its
# end.
#
# usage: root.sh DIRECTORY
set -euo pipefail
here=$(dirname "$(realpath "$0")")
to=$(realpath -m "$1")
suite=trixie # whatever this machine has
packages=systemd-sysv,dbus,udev,kmod,iproute2,iptables,apparmor,busybox-static,procps,libseccomp2,crun,runc
stamp=$to/root.ext4.$(sha256sum <"$0" | cut -c1-16)
[ ! -e "$stamp" ] || exit 0

mkdir -p "$to"
rm -f "$to"/root.ext4*
work=$(mktemp -d "$to/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
# From where this machine has its own packages.
site=$(apt-get indextargets --format '$(SITE)' | grep -m1 -v security)
mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt='Acquire::Retries "2"' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	"$suite" "$work/root" "deb $site $suite main"
echo guest >"$work/root/etc/hostname"
echo 127.0.0.1 localhost guest >"$work/root/etc/hosts"
# A guest does nothing that no test asks for: no housekeeping, nothing that the first
# boot of a machine or a new /usr is a reason for, and no profiles for AppArmor of
# programs that it does not run.
rm -f "$work/root"/etc/systemd/system/timers.target.wants/*
echo 8d5b4ad3a3d14c0e9f0b4d0f8a1c2e3b >"$work/root/etc/machine-id"
for unit in apparmor.service e2scrub_reap.service getty.target systemd-logind.service systemd-random-seed.service; do
	ln -sf /dev/null "$work/root/etc/systemd/system/$unit"
done
# Containers are on a disk, as without systemd: older kernels do not map the ids of a
# tmpfs.
ln -sf /dev/null "$work/root/etc/systemd/system/tmp.mount"
touch "$work/root/etc/.updated" "$work/root/var/.updated"
mkdir -p "$work/root/bookend" "$work/root/usr/lib/modules"
"$here/ext4.sh" "$work/root.ext4" "$work/root" 3072
mv "$work/root.ext4" "$to/"
touch "$stamp"
