#!/bin/bash
# Makes the root file system of a Debian node: what debootstrap's minbase has, runc,
# and rpm, for the packages of others. It is never changed: a test's changes go to
# memory.
#
# usage: root.sh DIRECTORY
set -euo pipefail
to=$(realpath -m "$1")
work=$to.work
site=$(apt-get indextargets --format '$(SITE)' | grep -m1 -v security)
rm -rf "$to" "$work"
mkdir -p "$(dirname "$to")"
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=runc,rpm bookworm "$work" "$site" >"$to.log" 2>&1 || {
	tail "$to.log" >&2
	exit 1
}
rm -rf "$work"/var/cache/apt/archives/*.deb "$work"/var/lib/apt/lists/*
rm "$to.log"
mv "$work" "$to"
