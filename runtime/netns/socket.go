package netns

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// socket makes a non-blocking socket of type typ inside the namespace, of
// the family of addr. The namespace of a socket never changes, so everything
// else can be done from any thread.
func (n *Network) socket(addr netip.Addr, typ int) (fd int, err error) {
	var made error
	err = n.within(func() error {
		fd, made = unix.Socket(family(addr), typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		return nil
	})
	if err != nil {
		return -1, err
	}
	if made != nil {
		return -1, socketError(addr, os.NewSyscallError("socket", made))
	}
	return fd, nil
}

func family(addr netip.Addr) int {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// sockaddr returns ap as the socket fd, which decides what an interface's
// name in a zone means, understands it.
func sockaddr(fd int, ap netip.AddrPort) (unix.Sockaddr, error) {
	if ap.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: ap.Addr().As4(), Port: int(ap.Port())}, nil
	}
	sa := &unix.SockaddrInet6{Addr: ap.Addr().As16(), Port: int(ap.Port())}
	zone := ap.Addr().Zone()
	if zone == "" {
		return sa, nil
	}
	if index, err := strconv.ParseUint(zone, 10, 32); err == nil {
		sa.ZoneId = uint32(index)
		return sa, nil
	}
	ifr, err := unix.NewIfreq(zone)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", zone, err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
		return nil, fmt.Errorf("interface %s: %w", zone, err)
	}
	sa.ZoneId = ifr.Uint32()
	return sa, nil
}
