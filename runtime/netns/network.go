package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
)

// Network is the network of one container as a hook sees it. It holds descriptors,
// no process and no thread; it works on after the container's init has exited, but
// keeps the container's root file system busy until it is closed.
//
// Its methods may be called at once from many goroutines.
type Network struct {
	ns   *os.File // network namespace
	root *os.File // root directory, for /etc/hosts and /etc/resolv.conf
}

var _ hooks.Network = (*Network)(nil)

// Open returns the network of the container with the given init. The
// error is [hooks.ErrGone] when the init has exited.
func Open(init proc.Process) (*Network, error) {
	n, err := open(init)
	if errors.Is(err, proc.ErrGone) {
		err = fmt.Errorf("%w: %w", hooks.ErrGone, err)
	}
	return n, err
}

func open(init proc.Process) (*Network, error) {
	dir, err := init.Open()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	ns, err := dir.OpenFile("ns/net", unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	root, err := dir.OpenRoot()
	if err != nil {
		return nil, errors.Join(err, ns.Close())
	}
	return &Network{ns: ns, root: root}, nil
}

// Close lets go of the container. What was dialled stays usable; what is being
// dialled may fail. Closing again does nothing.
func (n *Network) Close() error {
	err := errors.Join(n.ns.Close(), n.root.Close())
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// within runs f on a thread that is inside the network namespace for as long
// as f runs. f must do nothing but system calls of its own: a goroutine it
// starts, and what package net dials, would run on other threads, outside.
func (n *Network) within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// A thread that can't go back is never unlocked: the runtime ends it
		// together with this goroutine.
		runtime.LockOSThread()
		back, err := n.enter()
		if err != nil {
			runtime.UnlockOSThread()
			done <- err
			return
		}
		err = hooks.Recovered(f)
		if back() == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// enter moves the calling thread into the namespace and returns what moves it
// back to where it was. After an error the thread has not moved.
func (n *Network) enter() (back func() error, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("own network namespace: %w", err)
	}
	if err := setns(n.ns); err != nil {
		return nil, errors.Join(fmt.Errorf("enter network namespace: %w", err), home.Close())
	}
	return func() error {
		defer func() { _ = home.Close() }()
		return setns(home)
	}, nil
}

func setns(ns *os.File) error {
	raw, err := ns.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = unix.Setns(int(fd), unix.CLONE_NEWNET) })
	return errors.Join(err, set)
}
