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
# A guest does nothing that no test asks for.
rm -f "$work/root"/etc/systemd/system/timers.target.wants/*
mkdir -p "$work/root/bookend" "$work/root/usr/lib/modules"
"$here/ext4.sh" "$work/root.ext4" "$work/root" 3072
mv "$work/root.ext4" "$to/"
touch "$stamp"
