package main

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// mountNamespace is a mount namespace of our own, and the one thread that is in
// it. What that thread starts is in it, too.
type mountNamespace struct {
	work chan func()
	gone chan struct{} // closed once the thread has ended
}

// newMountNamespace makes one without the mounts at and below the paths. It passes
// over a path without a mount. The caller closes it.
func newMountNamespace(without ...string) (*mountNamespace, error) {
	m := &mountNamespace{work: make(chan func()), gone: make(chan struct{})}
	entered := make(chan error)
	go func() {
		defer close(m.gone)
		// Never unlocked: the thread can't go back, and ends with the goroutine.
		runtime.LockOSThread()
		err := enterMountNamespace(without)
		entered <- err
		if err != nil {
			return
		}
		for do := range m.work {
			do()
		}
	}()
	return m, <-entered
}

func enterMountNamespace(without []string) error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare mounts: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, path := range without {
		err := unix.Unmount(path, unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
	return nil
}

// do calls f on the thread.
func (m *mountNamespace) do(f func() error) error {
	done := make(chan error)
	m.work <- func() { done <- f() }
	return <-done
}

// close ends the thread, and with it the namespace once nothing else is in it.
func (m *mountNamespace) close() {
	close(m.work)
	<-m.gone
}
