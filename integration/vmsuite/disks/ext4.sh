#!/bin/bash
# Makes a disk: an ext4 file system with what is in a directory, and room for so
# many MiB more. It has no journal: no guest boots twice from what it has written.
#
# usage: ext4.sh FILE DIRECTORY SPARE
set -euo pipefail
size=$(du -sm "$2" | cut -f1)
rm -f "$1"
truncate -s "$((size + size / 8 + $3))M" "$1"
mke2fs -q -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 -d "$2" "$1"
