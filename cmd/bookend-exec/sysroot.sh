#!/bin/bash
# Fetches what bookend-exec is linked with for another architecture than this
# machine's: libseccomp and the C library, from the Debian packages of the release
# that this machine has. Nothing is installed: the packages are unpacked
# below a directory, for the compiler's --sysroot. The C library is not that of
# the cross compiler's own packages, which gets no security updates.
#
# usage: sysroot.sh ARCHITECTURE DIRECTORY
set -euo pipefail
arch=$1
to=$(realpath -m "$2")
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
apt-get download -qq libc6 libc6-dev libseccomp-dev linux-libc-dev || {
	echo "this machine's package sources have nothing for $arch" >&2
	exit 1
}
for deb in ./*.deb; do
	dpkg-deb -x "$deb" root
	dpkg-deb --show --showformat '${Package} ${Version}\n' "$deb" >>root/versions
done
mv root "$to"
