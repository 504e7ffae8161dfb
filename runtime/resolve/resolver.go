package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/net/dns/dnsmessage"

	"bookend.dev/bookend/hooks"
)

// Dial connects to a name server, by "udp" or "tcp". What is received by "udp" MUST
// be from that server: no one else looks at an answer's source.
type Dial func(ctx context.Context, network string, server netip.AddrPort) (net.Conn, error)

// Resolver finds the addresses of names for one container.
type Resolver struct {
	hosts []byte
	conf  resolvConf
	dial  Dial
}

// New returns the resolver of a container with the files hosts and resolvConf;
// nil: it does not have the file.
func New(hosts, resolvConf []byte, dial Dial) *Resolver {
	return &Resolver{hosts: hosts, conf: parseResolvConf(resolvConf), dial: dial}
}

// Lookup returns the addresses of host: at least one, or an error that is a
// [*net.DNSError].
func (r *Resolver) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addrs := lookupHosts(r.hosts, host); len(addrs) > 0 {
		return addrs, nil
	}
	addrs, err := r.search(ctx, host)
	if err != nil {
		return nil, Error(host, err)
	}
	return addrs, nil
}

// search asks for host with each suffix that resolv.conf puts to it. As in glibc,
// a name that is missing or fails at the server leads to the next; a server
// that can't be reached ends the search, for it would be no nearer next time.
func (r *Resolver) search(ctx context.Context, host string) ([]netip.Addr, error) {
	names := r.conf.names(host)
	if len(names) == 0 {
		return nil, ErrInvalidName
	}
	failure := ErrNoSuchHost
	for _, name := range names {
		addrs, err := r.both(ctx, name)
		switch {
		case err == nil:
			return addrs, nil
		case errors.Is(err, ErrNoSuchHost):
		case errors.Is(err, ErrServFail):
			failure = err
		default:
			return nil, err
		}
	}
	return nil, failure
}

// both asks for the addresses of the absolute name, IPv4 and IPv6 at once,
// and returns IPv4 first. One family's failure does not matter where the other
// has an address.
func (r *Resolver) both(ctx context.Context, name string) ([]netip.Addr, error) {
	var six []netip.Addr
	err6 := make(chan error, 1)
	go func() {
		err6 <- hooks.Recovered(func() (err error) {
			six, err = r.ask(ctx, name, dnsmessage.TypeAAAA)
			return err
		})
	}()
	four, err := r.ask(ctx, name, dnsmessage.TypeA)
	other := <-err6
	if addrs := slices.Concat(four, six); len(addrs) > 0 {
		return addrs, nil
	}
	if errors.Is(err, ErrNoSuchHost) {
		err = other
	}
	return nil, err
}
