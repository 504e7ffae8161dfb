package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// openProc opens /proc/<pid> of an init. What is then opened through it is the
// init's, even if its pid is given away; a pid that was given away before is
// [hooks.ErrGone].
func openProc(i Init) (*os.File, error) {
	f, err := os.OpenFile("/proc/"+strconv.Itoa(i.Pid), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, goneOr(i.Pid, err)
	}
	if err := isInit(f, i); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// isInit tells by its start time whether a directory of /proc is the init's.
func isInit(proc *os.File, i Init) error {
	stat, err := openInProc(proc, "stat", unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = stat.Close() }()
	data, err := io.ReadAll(stat)
	if err != nil {
		return goneOr(i.Pid, err)
	}
	st, err := parseTask(data)
	if err != nil {
		return err
	}
	if st.start != i.start {
		return fmt.Errorf("init's /proc entry %d is another process' by now: %w", i.Pid, hooks.ErrGone)
	}
	return nil
}

// openInProc opens name, a file of the process or a link into one of its
// namespaces.
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
