package shim

import (
	"context"
	"errors"
	"os"

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
