package runtime

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// openProc opens /proc/<pid>. What is then opened through it belongs to the
// process that had the pid at this moment, even if the pid is given away.
func openProc(pid int) (*os.File, error) {
	f, err := os.OpenFile("/proc/"+strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, goneOr(pid, err)
	}
	return f, nil
}

// openInProc opens name, a link into one of the process' namespaces.
func openInProc(proc *os.File, name string, flags int) (*os.File, error) {
	raw, err := proc.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, open := -1, error(nil)
	err = raw.Control(func(dir uintptr) {
		fd, open = unix.Openat(int(dir), name, flags|unix.O_CLOEXEC, 0)
	})
	if err := errors.Join(err, open); err != nil {
		return nil, goneOr(name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// goneOr turns what /proc says about a process that has exited, reaped
// (ENOENT, ESRCH) or not (ENOENT), into [hooks.ErrGone].
func goneOr(what any, err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("init's /proc entry %v: %w: %w", what, hooks.ErrGone, err)
	}
	return fmt.Errorf("init's /proc entry %v: %w", what, err)
}
