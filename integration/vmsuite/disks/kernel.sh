#!/bin/bash
# Fetches a kernel of Debian's and makes the disk with its modules:
#
#	kernel-SUITE/vmlinuz
#	kernel-SUITE/modules.ext4    what is to be at /usr/lib/modules
#	kernel-SUITE/early/          modules without which there are no disks, in order
#	kernel-SUITE/version
#
# Nothing is installed on this machine. What exists is made anew where this script
# has changed, and where it was not made to its end.
#
# usage: kernel.sh DIRECTORY SUITE
#
# SUITE is where the kernel is from: bookworm, trixie, trixie-backports, sid, …
set -euo pipefail
here=$(dirname "$(realpath "$0")")
to=$(realpath -m "$1") suite=$2
made=made.$(sha256sum <"$0" | cut -c1-16)
[ ! -e "$to/kernel-$suite/$made" ] || exit 0

mkdir -p "$to"
rm -rf "$to/kernel-$suite"
work=$(mktemp -d "$to/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
kernel=$work/kernel
mkdir -p "$work"/{lists/partial,cache/archives/partial,deb,unpacked} "$kernel"/{early,tree/lib/modules}

# From where this machine has its own packages. Backports need what they are for.
site=$(apt-get indextargets --format '$(SITE)' | grep -m1 -v security)
for s in "$suite" "${suite%-backports}"; do
	echo "deb $site $s main"
done | sort -u >"$work/sources.list"
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

# needs PACKAGE PATTERN: the packages of that pattern that one depends on.
needs() { apt-cache -t "$suite" depends "$1" | sed -nE "s/^ *Depends: ($2)$/\1/p"; }
# The cloud kernel lacks drivers, and nothing else. The newer packages of a kernel are
# empty, and depend on its parts.
name=$(needs linux-image-cloud-amd64 'linux-image-.*')
mapfile -t parts < <(needs "$name" 'linux-(base|binary|modules)-.*')
(cd "$work/deb" && apt-get download -qq -t "$suite" "$name" "${parts[@]}")
for deb in "$work"/deb/*.deb; do
	dpkg-deb -x "$deb" "$work/unpacked"
done
builtin=$(find "$work/unpacked" -name modules.builtin)
version=$(basename "$(dirname "$builtin")")
cp "$(find "$work/unpacked" -name 'vmlinuz*' -type f)" "$kernel/vmlinuz"
modules=$kernel/tree/lib/modules/$version
mv "$(dirname "$builtin")" "$modules"
rm -f "$modules"/{build,source,vmlinuz}

# A guest would unpack them with a slow processor.
find "$modules" -name '*.ko.xz' -exec xz -d {} +
find "$modules" -name '*.ko.zst' -exec zstd -q -d --rm {} +
depmod -b "$kernel/tree" "$version"
n=10
for module in virtio_pci virtio_blk virtio_console ext4; do
	while read -r word file _; do
		# "insmod FILE" or "builtin NAME"
		if [ "$word" = insmod ] && ! compgen -G "$kernel/early/*-${file##*/}" >/dev/null; then
			cp "$file" "$kernel/early/$n-${file##*/}"
			n=$((n + 1))
		fi
	done < <(modprobe --show-depends -d "$kernel/tree" -S "$version" "$module")
done
"$here/ext4.sh" "$kernel/modules.ext4" "$kernel/tree/lib/modules" 8
rm -rf "$kernel/tree"
echo "$version" >"$kernel/version"
touch "$kernel/$made"
mv "$kernel" "$to/kernel-$suite"
