#!/bin/bash
# Builds a crun that is newer than Debian 12's from Debian 13's source package: the
# release as its authors made it, without Debian's patches. It is linked
# statically, so that it runs in guests as well. It knows neither systemd nor CRIU,
# whose libraries Debian does not have for that. Packages that are needed to build
# it are installed.
#
# Where that fails the script says so and leaves nothing.
#
# usage: crun.sh DIRECTORY
set -uo pipefail
to=$(realpath -m "$1")
work=$to.work
suite=trixie
rm -rf "$to" "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/source"
trap 'rm -rf "$work"' EXIT

# From where this machine has its own packages. One that is not Debian has no such
# suite there.
site=$(apt-get indextargets --format '$(SITE)' | grep -m1 -v security)
echo "deb-src $site $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<EOF
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
EOF

prepare() {
	local missing=()
	command -v gcc >/dev/null || missing+=(gcc libc6-dev)
	command -v make >/dev/null || missing+=(make)
	command -v pkg-config >/dev/null || missing+=(pkg-config)
	command -v python3 >/dev/null || missing+=(python3)
	pkg-config --exists libseccomp 2>/dev/null || missing+=(libseccomp-dev)
	pkg-config --exists libcap 2>/dev/null || missing+=(libcap-dev)
	[ ${#missing[@]} -eq 0 ] && return
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

fetch() {
	export APT_CONFIG=$work/apt.conf
	cd "$work/source" && apt-get update -qq && apt-get source -qq --download-only --tar-only crun &&
		tar -xf crun_*.orig.tar.* --strip-components=1
}

build() {
	cd "$work/source" && ./configure -q --disable-systemd --disable-criu --disable-dl --enable-embedded-yajl CFLAGS='-O1' &&
		make -s -j2 LDFLAGS='-all-static -s' && mkdir "$to" && cp crun "$to/"
}

for step in prepare fetch build; do
	("$step") >"$work/log" 2>&1 && continue
	tail -n 20 "$work/log" >&2
	echo "cannot $step the crun of Debian's $suite: tests with its containers are skipped" >&2
	rm -rf "$to"
	exit
done
"$to/crun" --version | head -n 1
# Another version of this script builds anew.
touch "$to/.built-$(sha256sum <"$0" | cut -c1-16)"
