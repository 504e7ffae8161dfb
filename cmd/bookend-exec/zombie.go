package main

import (
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/proc"
)

// awaitEnd waits until the child pid has ended, without reaping it, and tells
// whether it ended without ever becoming its command.
//
// A runtime closes every descriptor it could report over before execve(2), so
// that a failure there looks like a command that prints a line and exits 255. The
// kernel knows better, as long as the process is a zombie.
func awaitEnd(pid int) (neverRan bool) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		break
	}
	stat, err := proc.ReadStat(pid)
	return err == nil && stat.NeverExecuted()
}
