package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// DialContext connects to address from inside the container's network
// namespace. A name other than localhost is looked up in the container's hosts
// file and then with its name servers, and each of its addresses is tried in turn. Errors are
// those of [hooks.Network]; a connection that does not come about is a
// [*net.OpError]. network must be "tcp".
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, net.UnknownNetworkError(network)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port of %s: %w", address, err)
	}
	addrs, err := n.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	var first error
	for _, addr := range addrs {
		conn, err := n.dial(ctx, network, netip.AddrPortFrom(addr, uint16(port)))
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil || errors.Is(err, hooks.ErrGone) {
			break
		}
	}
	return nil, first
}

// dial connects a new socket, by "tcp" or "udp". A datagram socket that is connected
// receives from its peer only: the kernel sees to that. The returned connection is
// package net's own and knows both its addresses.
func (n *Network) dial(ctx context.Context, network string, ap netip.AddrPort) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, socketError(ap.Addr(), context.Cause(ctx))
	}
	ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	typ := unix.SOCK_STREAM
	if network == "udp" {
		typ = unix.SOCK_DGRAM
	}
	fd, err := n.socket(ap.Addr(), typ)
	if err != nil {
		return nil, err
	}
	sock, err := connect(ctx, fd, ap)
	if err != nil {
		return nil, socketError(ap.Addr(), err)
	}
	defer func() { _ = sock.Close() }() // FileConn works on a duplicate
	conn, err := net.FileConn(sock)
	if err != nil {
		return nil, socketError(ap.Addr(), err)
	}
	return conn, nil
}

// connect connects the non-blocking socket fd, and closes it on error. It
// waits for the peer in the runtime's poller, on no thread.
func connect(ctx context.Context, fd int, ap netip.AddrPort) (*os.File, error) {
	sa, err := sockaddr(fd, ap)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	err = unix.Connect(fd, sa)
	sock := os.NewFile(uintptr(fd), "socket")
	if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EINTR) {
		err = awaitConnect(ctx, sock)
	} else {
		err = os.NewSyscallError("connect", err)
	}
	if err != nil {
		_ = sock.Close()
		return nil, err
	}
	return sock, nil
}

func awaitConnect(ctx context.Context, sock *os.File) error {
	raw, err := sock.SyscallConn()
	if err != nil {
		return err
	}
	past := time.Unix(1, 0)
	stop := context.AfterFunc(ctx, func() { _ = sock.SetWriteDeadline(past) })
	defer stop()
	var connected error
	err = raw.Write(func(fd uintptr) (done bool) {
		done, connected = connectState(int(fd))
		return done
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(err, connected)
}

// connectState tells whether the connect under way on fd is over. A wake-up
// alone does not: it may come early.
func connectState(fd int) (done bool, err error) {
	pending, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return true, os.NewSyscallError("getsockopt", err)
	}
	if pending != 0 {
		return true, os.NewSyscallError("connect", unix.Errno(pending))
	}
	_, err = unix.Getpeername(fd)
	if errors.Is(err, unix.ENOTCONN) {
		return false, nil
	}
	return true, os.NewSyscallError("getpeername", err)
}

// socketError marks err as a failure to connect, as package net does.
func socketError(addr netip.Addr, err error) error {
	return &net.OpError{Op: "dial", Net: "ip", Addr: &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}, Err: err}
}
