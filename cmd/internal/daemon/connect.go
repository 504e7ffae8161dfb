package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Connect opens a connection to the daemon that listens at address, the path of
// a socket with "unix://" before it or not, and returns the daemon's pid as well.
func Connect(ctx context.Context, address string) (conn *grpc.ClientConn, pid int, err error) {
	path, err := filepath.Abs(strings.TrimPrefix(address, "unix://"))
	if err != nil {
		return nil, 0, err
	}
	// gRPC connects later, and has more words for why it cannot.
	if pid, err = listener(ctx, path); err != nil {
		return nil, 0, err
	}
	conn, err = grpc.NewClient("unix://"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	return conn, pid, err
}

// listener is the process that listens at a socket.
func listener(ctx context.Context, address string) (pid int, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, fmt.Errorf("who listens at %s: %w", address, err)
	}
	return int(cred.Pid), nil
}
