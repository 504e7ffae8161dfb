#!/bin/sh
# Says what comes next. The package has placed files, and changes nothing else.
# deb: configure [OLD-VERSION]; rpm: the number of versions installed.
set -e
case "$1:$2" in
configure: | 1:*)
	echo "bookend is in place. To add it to containerd's configuration (--dry-run shows how):"
	echo "  /usr/bin/bookend install --edit-config"
	;;
configure:* | [2-9]:*)
	echo "New pods run on the new version of bookend. To check this node:"
	echo "  /usr/bin/bookend doctor"
	;;
esac
