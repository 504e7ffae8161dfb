#!/bin/bash
# Fetches what guests run besides busybox, from Debian's packages: a JVM and a
# Node that read the limits of cgroup v2, and AppArmor's parser. Nothing is
# installed: of each package only the files that are needed go below a
# directory, which becomes part of a container's file system. It fails, and names
# what cannot be fetched.
#
# The suites are pinned, whatever this machine has: Node reads cgroup v2's
# limits with libuv 1.45 and newer, which Debian 12 lacks; OpenJDK 17 is what
# Debian 13 lacks.
#
# usage: debian.sh DIRECTORY
set -u
to=$(realpath -m "$1")
work=$to.work
unpacked=$work/root
lib=usr/lib/x86_64-linux-gnu
rm -rf "$to" "$work"
mkdir -p "$to" "$unpacked" "$work/lists/partial" "$work/cache/archives/partial" "$work/deb"
trap 'rm -rf "$work"' EXIT

# From where this machine has its own packages. One that is not Debian has none of
# these suites there: what is missing is named then.
site=$(apt-get indextargets --format '$(SITE)' | grep -m1 -v security)
cat >"$work/sources.list" <<-END
	deb $site bookworm main
	deb $site trixie main
END
cat >"$work/apt.conf" <<-END
	Dir::Etc::SourceList "$work/sources.list";
	Dir::Etc::SourceParts "-";
	Dir::State::Lists "$work/lists";
	Dir::Cache "$work/cache";
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
	Acquire::Retries "2";
END
export APT_CONFIG=$work/apt.conf

# fetch NAME/SUITE...: unpacks packages.
fetch() {
	(cd "$work/deb" && rm -f ./*.deb && apt-get download -qq "$@" >/dev/null &&
		for deb in ./*.deb; do dpkg-deb -x "$deb" "$unpacked" || exit; done)
}

# keep FILE...: takes files as they are, with the libraries they are linked to
# and that are found without them: parts of the JVM are linked to the JVM.
keep() {
	local file
	for file; do
		[ -f "$unpacked/$file" ] || { echo "no file $file in the packages" >&2; return 1; }
		[ -e "$to/$file" ] && continue
		mkdir -p "$to/$(dirname "$file")" && cp -L "$unpacked/$file" "$to/$file" || return
		case $file in
		*.so* | */bin/* | */sbin/*)
			# shellcheck disable=SC2046
			keep $("$unpacked/$lib/ld-linux-x86-64.so.2" --library-path "$unpacked/$lib" --list "$unpacked/$file" 2>/dev/null |
				sed -n "s|.* => $unpacked/\($lib/[^ ]*\) .*|\1|p") || return ;;
		esac
	done
}

libc() {
	fetch libc6/trixie libgcc-s1/trixie libstdc++6/trixie zlib1g/trixie &&
		keep $lib/ld-linux-x86-64.so.2 && mkdir -p "$to/usr/lib64" &&
		ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$to/usr/lib64/"
}

java() {
	local jvm=usr/lib/jvm/java-17-openjdk-amd64
	fetch openjdk-17-jre-headless/bookworm &&
		# A link to an absolute path, which is not this machine's.
		cp --remove-destination "$unpacked/etc/java-17-openjdk/jvm-amd64.cfg" "$unpacked/$jvm/lib/jvm.cfg" &&
		keep $jvm/bin/java $jvm/lib/{jvm.cfg,libjli.so,libjava.so,libjimage.so,libjsvml.so,modules} \
			$jvm/lib/server/{libjvm.so,classes.jsa} &&
		mkdir -p "$to/usr/bin" && ln -s ../../$jvm/bin/java "$to/usr/bin/java"
}

node() {
	local js=usr/share/nodejs
	fetch {nodejs,libnode115,libbrotli1,libcares2,libicu76,libnghttp2-14,libssl3t64,libuv1t64,libzstd1}/trixie \
		node-{acorn,cjs-module-lexer,minimatch,undici}/trixie &&
		keep usr/bin/node $js/acorn/dist/acorn.js $js/acorn-walk/dist/walk.js $js/cjs-module-lexer/{,dist/}lexer.js \
			$js/minimatch/dist/cjs/index.bundle.js $js/undici/undici-fetch.js
}

apparmor() {
	fetch apparmor/trixie && keep usr/sbin/apparmor_parser
}

if ! { apt-get update -qq && libc; }; then
	echo "Debian's packages cannot be fetched: no Java, Node and AppArmor for tests in a virtual machine" >&2
	exit 1
fi
complete=yes
for program in java node apparmor; do
	$program || { echo "no packages of $program for its tests in a virtual machine" >&2; complete=; }
done
# What is not complete is fetched anew the next time, as is what another
# version of this script fetched.
[ -n "$complete" ] && touch "$to/.fetched-$(sha256sum <"$0" | cut -c1-16)"
