package matrix

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"
)

// peculiarly calls f, which starts a process, on a thread that has what a process
// inherits otherwise than processes have by default. A shim should not, but
// whoever starts it may.
func peculiarly(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := makePeculiar()
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

func makePeculiar() error {
	var cpu unix.CPUSet
	cpu.Set(0)
	_, keyring := unix.KeyctlJoinSessionKeyring("peculiar")
	err := errors.Join(
		unix.SchedSetaffinity(0, &cpu),
		unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 3),
		unix.Prctl(unix.PR_SET_TIMERSLACK, 123456, 0, 0, 0),
		unix.Unshare(unix.CLONE_FS),
		keyring,
	)
	syscall.Umask(0o77)
	return err
}

// peculiarMonitor starts processes from a peculiar thread.
type peculiarMonitor struct{}

func (peculiarMonitor) Start(cmd *exec.Cmd) (chan runc.Exit, error) {
	if err := peculiarly(cmd.Start); err != nil {
		return nil, err
	}
	ended := make(chan runc.Exit, 1)
	go func() {
		_ = cmd.Wait() // its state tells
		ended <- runc.Exit{Pid: cmd.Process.Pid, Status: cmd.ProcessState.ExitCode()}
		close(ended)
	}()
	return ended, nil
}

func (peculiarMonitor) Wait(_ *exec.Cmd, ended chan runc.Exit) (int, error) {
	return (<-ended).Status, nil
}
