package netns

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// maxAddresses is how many addresses of a namespace are tried.
const maxAddresses = 64

// PodAddress returns the container's own address: the one the namespace's
// default route sends from, IPv4 before IPv6; without a default route, the
// first global address that can be used; without any, 127.0.0.1.
//
// The kernel is asked for the default route by connecting a datagram socket,
// which sends nothing, to an address reserved for documentation (RFC 5737, RFC
// 3849) that has no route of its own. Unlike a list of routes this costs the
// same however many routes a container sets up, and knows of policy routing.
func (n *Network) PodAddress() (netip.Addr, error) {
	for _, outside := range []string{"203.0.113.1:9", "[2001:db8::1]:9"} {
		addr, err := n.sourceTowards(netip.MustParseAddrPort(outside))
		if err != nil {
			return netip.Addr{}, err
		}
		if usable(addr) {
			return addr, nil
		}
	}
	addr, err := n.firstGlobal()
	if err != nil || addr.IsValid() {
		return addr, err
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
}

// usable tells whether addr can be the address of a pod: any unicast address
// but those of one host or one link.
func usable(addr netip.Addr) bool { return addr.IsGlobalUnicast() }

// sourceTowards returns the address that packets to ap would be sent from, or
// the zero Addr where there is no way to ap.
func (n *Network) sourceTowards(ap netip.AddrPort) (addr netip.Addr, err error) {
	err = n.within(func() (err error) {
		addr, err = localAddress(ap, unix.Connect)
		return err
	})
	return addr, err
}

// firstGlobal returns the namespace's first usable address that a socket can
// be bound to (one that duplicate address detection has refused can't), or the
// zero Addr.
func (n *Network) firstGlobal() (addr netip.Addr, err error) {
	err = n.within(func() error {
		// On Linux this talks to netlink on the calling thread.
		all, err := net.InterfaceAddrs()
		if err != nil {
			return err
		}
		for _, a := range all[:min(len(all), maxAddresses)] {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil || !usable(prefix.Addr()) {
				continue
			}
			addr, err = localAddress(netip.AddrPortFrom(prefix.Addr(), 0), unix.Bind)
			if err != nil || addr.IsValid() {
				return err
			}
		}
		return nil
	})
	return addr, err
}

// localAddress returns the local address of a datagram socket after bind, or
// connect, to ap; the zero Addr when the namespace has no way to do that. It
// must run on a thread inside the namespace.
func localAddress(ap netip.AddrPort, to func(fd int, sa unix.Sockaddr) error) (netip.Addr, error) {
	fd, err := unix.Socket(family(ap.Addr()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return netip.Addr{}, nil // a kernel without IPv6
	}
	if err != nil {
		return netip.Addr{}, os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(fd) }()
	sa, err := sockaddr(fd, ap)
	if err != nil || to(fd, sa) != nil {
		return netip.Addr{}, nil
	}
	local, err := unix.Getsockname(fd)
	if err != nil {
		return netip.Addr{}, os.NewSyscallError("getsockname", err)
	}
	switch sa := local.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(sa.Addr), nil
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(sa.Addr), nil
	}
	return netip.Addr{}, nil
}
