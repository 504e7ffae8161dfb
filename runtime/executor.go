package runtime

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// executorFD is where the descriptors of executors begin. Between fork and
// exec the Go runtime moves the child's descriptors to numbers just above
// those the child is to have, over whatever is there; up here nothing is.
const executorFD = 200

// Monitor starts and waits for processes. In a shim, which reaps with
// wait4(-1), it MUST be containerd's reaper, or exit statuses are lost.
// Wait MUST be called as soon as Start has returned.
type Monitor interface {
	Start(*exec.Cmd) (chan runc.Exit, error)
	Wait(*exec.Cmd, chan runc.Exit) (int, error)
}

// Executor runs exec hooks by starting bookend-exec. It may be used by any
// number of goroutines.
type Executor struct {
	exe     *os.File
	monitor Monitor
	cgroups atomic.Pointer[cgroupMounts] // nil: not looked up yet
}

// OpenExecutor opens the binary of bookend-exec at path. It is run through the
// descriptor from then on: an upgrade that renames another binary into its
// place does not concern shims that run.
func OpenExecutor(path string, monitor Monitor) (*Executor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open executor: %w", err)
	}
	defer f.Close()
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); err != nil {
		return nil, fmt.Errorf("open executor: %w", &os.PathError{Op: "access", Path: path, Err: err})
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, executorFD)
	if err != nil {
		return nil, fmt.Errorf("open executor %s: %w", path, os.NewSyscallError("fcntl", err))
	}
	return &Executor{exe: os.NewFile(uintptr(fd), path), monitor: monitor}, nil
}

// Close closes the binary. Hooks that run are not affected.
func (e *Executor) Close() error { return e.exe.Close() }

// Container is what the executor needs to know of a container.
type Container struct {
	ID       string
	Bundle   string  // directory that holds config.json
	RuncRoot string  // the runtime's root directory, containerd's namespace included
	Init     Init    // in whose root the user of a hook is looked up
	Cgroup   Cgroup  // as read when the container was created
	Runner   *Runner // nil: libcontainer, unasked
}

// Handler returns the handler that runs spec in c. What the command prints also
// goes into lines, which may be nil, and never waits for it. late, which may be nil, is
// called once for each attempt of which processes kept its output open after
// its first process had exited: with the tails as they were one second later,
// or when the output was closed, if that came first.
func (e *Executor) Handler(c Container, spec *hooks.Exec, lines *HookLog, late func(stdout, stderr []byte)) hooks.Handler {
	return &execHandler{executor: e, container: c, spec: spec, log: lines, late: late}
}

// command is bookend-exec with the descriptors of package wire.
func (e *Executor) command(request, log *os.File, extra ...*os.File) *exec.Cmd {
	return &exec.Cmd{
		Path:       "/proc/self/fd/" + strconv.Itoa(int(e.exe.Fd())),
		Args:       []string{"bookend-exec"},
		Env:        []string{},
		Dir:        "/",
		Stdin:      request,
		Stderr:     log,
		ExtraFiles: extra,
		// Out of reach of signals meant for the shim's process group.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
}
