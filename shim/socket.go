package shim

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/pkg/shim"
	"golang.org/x/sys/unix"
)

// socketFD is the descriptor of the listening socket that a shim inherits.
const socketFD = 3

// removeOwnSocket returns what removes the shim's socket when it ends. The stock
// shim looks its address up in the bundle then, which is gone when the sandbox
// went before its containers; this asks the socket itself, now.
func removeOwnSocket() func(context.Context) error {
	path := ""
	if addr, err := unix.Getsockname(socketFD); err == nil {
		if local, ok := addr.(*unix.SockaddrUnix); ok {
			path = local.Name
		}
	}
	return func(context.Context) error {
		if path == "" {
			return nil
		}
		if err := shim.RemoveSocket("unix://" + path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
}

// dialBound is for a connection that the kernel neither makes nor refuses.
const dialBound = 10 * time.Second

// isDead tells whether nobody listens at a shim's address any more, which is
// the case only where the kernel says so. That a shim cannot be reached in time
// proves nothing: on a busy node containerd's own CanConnect, with its 100 ms,
// takes living shims for dead.
func isDead(address string) bool {
	conn, err := shim.AnonDialer(address, dialBound)
	if err == nil {
		conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist)
}

// removeDeadSocket removes the socket of a shim that did not live to do it.
func removeDeadSocket(address string) {
	if isDead(address) {
		_ = shim.RemoveSocket(address)
	}
}
