package hooks

import (
	"context"
	"net"
	"net/netip"
)

// Network is a container's network as an httpGet hook sees it.
type Network interface {
	// DialContext connects to address ("host:port", host a name or an IP
	// address) from inside the container's network namespace and never from
	// anywhere else. network is "tcp". A name that cannot be resolved MUST be
	// reported as a *net.DNSError. See [IsLocalhost] for the one that is not.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	// PodAddress returns the container's own address: that of the interface
	// with the default route, else the first global one, else 127.0.0.1.
	PodAddress() (netip.Addr, error)
}
