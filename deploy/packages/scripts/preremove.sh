#!/bin/sh
# Refuses to take the binaries away that containerd still needs.
# deb: remove, upgrade, …; rpm: the number of versions that stay.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac

# The state of an installation. It ends with `bookend uninstall`.
if [ -e /var/lib/bookend/state.json ]; then
	echo "bookend is in containerd's configuration. Run this first, and restart containerd:" >&2
	echo "  /usr/bin/bookend uninstall" >&2
	exit 1
fi
for exe in /proc/[0-9]*/exe; do
	case "$(readlink "$exe" 2>/dev/null)" in
	/usr/libexec/bookend/containerd-shim-bookend-v2*)
		pid=${exe#/proc/}
		echo "A shim of bookend runs (pid ${pid%/exe}): containerd needs its binary to clean up. Remove its containers first." >&2
		exit 1
		;;
	esac
done
# Written by hand: pods of this runtime fail from now on, and nothing else.
if named=$(grep -rls /usr/bin/containerd-shim-bookend-v2 /etc/containerd 2>/dev/null); then
	echo "These files still name bookend's shim:" $named >&2
fi
exit 0
