package runtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// helper is bookend-exec, the program for what needs cgo or another program's
// help. It is open from the start of the shim on.
type helper struct {
	file *os.File // nil: err says why
	err  error
}

func openHelper(path string) *helper {
	f, err := os.Open(path)
	if err == nil {
		if err = unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); err != nil {
			err = errors.Join(&os.PathError{Op: "access", Path: path, Err: err}, f.Close())
			f = nil
		}
	}
	if err != nil {
		return &helper{err: fmt.Errorf("open executor: %w", err)}
	}
	return &helper{file: f}
}

func (h *helper) close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// command is bookend-exec with arguments, by a path that means the same in the
// child, whatever becomes of its descriptors between fork and execve.
func (h *helper) command(args ...string) (*exec.Cmd, error) {
	if h.err != nil {
		return nil, h.err
	}
	return &exec.Cmd{
		Path: "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(h.file.Fd())),
		Args: append([]string{hooks.ExecBinary}, args...),
		Env:  []string{},
		Dir:  "/",
		// Out of reach of signals meant for the shim's process group.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}, nil
}
