#!/bin/bash
# Fetches Debian packages for any architecture, of the release that this machine has,
# and unpacks them below a directory. Nothing is installed. The file versions in the
# directory names the packages. Of a package linux-image-cloud-* the newest
# kernel is taken on which it depends.
#
# usage: unpack.sh ARCHITECTURE DIRECTORY PACKAGE...
set -euo pipefail
arch=$1
to=$(realpath -m "$2")
shift 2
work=$to.work
rm -rf "$to" "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
trap 'rm -rf "$work"' EXIT

# This machine's sources, asked for another architecture.
cat >"$work/apt.conf" <<-END
	APT::Architecture "$arch";
	APT::Architectures { "$arch"; };
	APT::Sandbox::User "root";
	Dir::State "$work";
	Dir::State::Lists "$work/lists";
	Dir::State::Status "/dev/null";
	Dir::Cache "$work/cache";
	Acquire::Languages "none";
	Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
	Acquire::Retries "2";
END
export APT_CONFIG=$work/apt.conf
apt-get update -qq
cd "$work"
packages=()
for package; do
	case $package in
	linux-image-cloud-*) package=$(apt-cache depends "$package" | awk '/Depends: linux-image/ { print $2; exit }') ;;
	esac
	packages+=("$package")
done
apt-get download -qq "${packages[@]}" || {
	echo "this machine's package sources have nothing for $arch" >&2
	exit 1
}
for deb in ./*.deb; do
	dpkg-deb -x "$deb" root
	dpkg-deb --show --showformat '${Package} ${Version}\n' "$deb" >>root/versions
done
mv root "$to"
