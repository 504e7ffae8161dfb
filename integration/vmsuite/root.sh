#!/bin/bash
# Makes the disks that guests have beside what is under test, from Debian's
# packages: a root file system with systemd, and a kernel with its modules.
# Nothing is installed on this machine.
#
# What is made has a stamp: it is made anew where this script has changed, and
# where it was not made to its end.
#
# usage: root.sh DIRECTORY KERNEL
#
# KERNEL is the suite of Debian that the kernel is from: bookworm, trixie,
# trixie-backports, sid, …
set -euo pipefail
to=$(realpath -m "$1") kernel=$2
root=trixie # whatever this machine has
packages=systemd-sysv,dbus,udev,kmod,iproute2,iptables,apparmor,busybox-static,procps,libseccomp2,crun
stamp=$(sha256sum <"$0" | cut -c1-16)
mkdir -p "$to"
work=$to/work.$$
mkdir "$work"
trap 'rm -rf "$work"' EXIT

# From where this machine has its own packages.
site=$(apt-get indextargets --format '$(SITE)' | grep -m1 -v security)

# disk FILE DIRECTORY SPARE: an ext4 file system with what is in the directory and
# room for so many MiB more.
disk() {
	local size
	size=$(du -sm "$2" | cut -f1)
	rm -f "$1"
	truncate -s "$((size + size / 8 + $3))M" "$1"
	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$2" "$1"
}

make_root() {
	mmdebstrap --quiet --variant=minbase --include="$packages" \
		--aptopt='Acquire::Retries "2"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$root" "$work/root" "deb $site $root main"
	# A guest has no name but this, and nothing to do while nobody looks.
	echo guest >"$work/root/etc/hostname"
	echo 127.0.0.1 localhost guest >"$work/root/etc/hosts"
	rm -f "$work/root"/etc/systemd/system/timers.target.wants/*
	mkdir -p "$work/root/bookend" "$work/root/usr/lib/modules"
	disk "$work/root.ext4" "$work/root" 3072
}

make_kernel() {
	local version name early module n=0
	mkdir -p "$work"/{lists/partial,cache/archives/partial,deb,unpacked}
	printf 'deb %s %s main\n' "$site" "$kernel" >"$work/sources.list"
	case $kernel in *-*) printf 'deb %s %s main\n' "$site" "${kernel%%-*}" >>"$work/sources.list" ;; esac
	cat >"$work/apt.conf" <<-END
		Dir::Etc::SourceList "$work/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$work/lists";
		Dir::Cache "$work/cache";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "2";
	END
	export APT_CONFIG=$work/apt.conf
	apt-get update -qq
	# The cloud kernel differs from the standard one in the drivers that it lacks.
	# Newer packages are empty, and depend on those with the kernel and its modules.
	name=$(apt-cache -t "$kernel" depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
	mapfile -t names < <(echo "$name"; apt-cache -t "$kernel" depends "$name" | awk '/Depends: linux-(binary|modules)/ { print $2 }')
	(cd "$work/deb" && apt-get download -qq -t "$kernel" "${names[@]}")
	for deb in "$work"/deb/*.deb; do dpkg-deb -x "$deb" "$work/unpacked"; done
	modules=$(find "$work/unpacked" -path '*/modules/*' -name modules.builtin -printf '%h\n' | head -n1)
	version=${modules##*/}
	mkdir -p "$work/kernel/lib/modules"
	mv "$modules" "$work/kernel/lib/modules/"
	modules=$work/kernel/lib/modules/$version
	# What a guest would unpack with a slow processor.
	find "$modules" -name '*.ko.xz' -exec xz -d {} +
	find "$modules" -name '*.ko.zst' -exec zstd -q -d --rm {} +
	depmod -b "$work/kernel" "$version"
	rm -f "$modules"/{build,source}
	cp "$(find "$work/unpacked" -name 'vmlinuz*' -type f | head -n1)" "$work/kernel/vmlinuz"
	# What has to be there before a disk can be, in this order.
	mkdir "$work/kernel/early"
	for module in virtio_pci virtio_blk virtio_console ext4; do
		while read -r word file _; do
			early=$work/kernel/early/$(printf %02d $n)-${file##*/}
			if [ "$word" = insmod ] && ! compgen -G "$work/kernel/early/*-${file##*/}" >/dev/null; then
				cp "$file" "$early" && n=$((n + 1))
			fi
		done < <(modprobe --show-depends -d "$work/kernel" -S "$version" "$module")
	done
	disk "$work/kernel/modules.ext4" "$work/kernel/lib/modules" 8
	rm -rf "$work/kernel/lib"
	echo "$version" >"$work/kernel/version"
}

if ! [ -e "$to/root.ext4.$stamp" ]; then
	rm -f "$to"/root.ext4*
	make_root
	mv "$work/root.ext4" "$to/"
	touch "$to/root.ext4.$stamp"
fi
if ! [ -e "$to/kernel-$kernel/made.$stamp" ]; then
	rm -rf "$to/kernel-$kernel"
	make_kernel
	touch "$work/kernel/made.$stamp"
	mv "$work/kernel" "$to/kernel-$kernel"
fi
