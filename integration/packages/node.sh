#!/bin/bash
# The first process of a node: makes its file system, and waits for the end of its
# input. Runs in new mount and pid namespaces.
#
# usage: node.sh ROOT DIR NAME=DIRECTORY...
#	ROOT  the file system, which stays as it is
#	DIR   an empty directory, on which the node's own is mounted
#	NAME  a directory that the node has as /NAME, read-only
set -euo pipefail
root=$1 dir=$2
shift 2
mount -t tmpfs -o mode=755 node "$dir"
mkdir "$dir"/{upper,work,root}
mount -t overlay -o "lowerdir=$root,upperdir=$dir/upper,workdir=$dir/work" node "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
# Where overlays of containers can lie, unlike in an overlay.
mkdir var/lib/containerd
for own in run tmp var/lib/containerd; do mount -t tmpfs node "$own"; done
for shared; do
	mkdir "${shared%%=*}"
	mount --bind -o ro "${shared#*=}" "${shared%%=*}"
done
mkdir old
pivot_root . old
cd /
umount -l old
rmdir old
# The shell reaps orphans meanwhile.
exec /bin/bash -c 'echo ready; read -r; exit 0'
