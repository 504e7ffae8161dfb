#!/bin/sh
# Stands in for runc. It passes each call on, unless a file "ID.VERB" beside it
# names a fault: fail, hang (until the FIFO "release" is opened, then go on),
# hangfail (then fail) or hangafter (pass the call on, then hang); after "once-"
# for one call only. It starts no child that could outlive it while it hangs.
dir=${0%/*} verb='' id='' last='' prev=''
for arg do
	case $arg in create|start|kill|delete|pause|resume|exec|state|ps|update) [ -n "$verb" ] || verb=$arg ;; esac
	prev=$last last=$arg
done
id=$last sig=0
[ "$verb" != kill ] || { id=$prev sig=$last; }
fault=$dir/$id.$verb mode=pass
if [ -e "$fault" ]; then
	read -r mode <"$fault" || mode=pass
	case $mode in once-*) if mv "$fault" "$fault.done" 2>/dev/null; then mode=${mode#once-}; else mode=pass; fi ;; esac
fi
read -r up _ </proc/uptime
[ -z "$verb" ] || echo "$up $verb $id $sig $mode" >>"$dir/calls"
case $mode in
fail) echo 'the runtime fails, as planned' >&2; exit 1 ;;
hang) read -r _ <"$dir/release" ;;
hangfail) read -r _ <"$dir/release"; echo 'the runtime fails, as planned' >&2; exit 1 ;;
hangafter) "$dir/real" "$@"; status=$?; read -r _ <"$dir/release"; exit $status ;;
esac
exec "$dir/real" "$@"
