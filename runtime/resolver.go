package runtime

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
)

// maxResolverFile is the size, in bytes, over which a container's hosts file
// or resolv.conf is refused.
const maxResolverFile = 256 << 10

// Where a container keeps them, relative to its root.
const (
	hostsPath      = "/etc/hosts"
	resolvConfPath = "/etc/resolv.conf"
)

// Why a name has no addresses.
var (
	errNoSuchHost   = errors.New("no such host")
	errServFail     = errors.New("name server failed")
	errBadResponse  = errors.New("invalid DNS response")
	errInvalidName  = errors.New("invalid host name")
	errNotResponded = errors.New("name servers did not respond")
)

// lookup returns the addresses of host, which may be one: at least one, or an
// error that is a [*net.DNSError]. The container's files have no say in what
// "localhost" is, since policy lets every hook name it.
func (n *Network) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if hooks.IsLocalhost(host) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	files, err := n.loadFiles(ctx)
	if err != nil {
		return nil, dnsError(host, err)
	}
	if addrs := lookupHosts(files.hosts, host); len(addrs) > 0 {
		return addrs, nil
	}
	conf := parseResolvConf(files.resolvConf)
	addrs, err := n.search(ctx, conf, host)
	if err != nil {
		return nil, dnsError(host, err)
	}
	return addrs, nil
}

// search asks for host with each suffix that conf puts to it. As in glibc, a
// name that is missing or fails at the server leads to the next; a server
// that can't be reached ends the search, for it would be no nearer next time.
func (n *Network) search(ctx context.Context, conf resolvConf, host string) ([]netip.Addr, error) {
	names := conf.names(host)
	if len(names) == 0 {
		return nil, errInvalidName
	}
	failure := errNoSuchHost
	for _, name := range names {
		addrs, err := n.resolve(ctx, conf, name)
		switch {
		case err == nil:
			return addrs, nil
		case errors.Is(err, errNoSuchHost):
		case errors.Is(err, errServFail):
			failure = err
		default:
			return nil, err
		}
	}
	return nil, failure
}

// resolverFiles is what a container says about names.
type resolverFiles struct{ hosts, resolvConf []byte }

// loadFiles reads them. It returns when ctx is done even if a file system of
// the container's own making keeps the reading goroutine waiting.
func (n *Network) loadFiles(ctx context.Context) (resolverFiles, error) {
	type result struct {
		files resolverFiles
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		r.err = hooks.Recovered(func() (err error) {
			if r.files.hosts, err = n.readOptional(hostsPath); err != nil {
				return err
			}
			r.files.resolvConf, err = n.readOptional(resolvConfPath)
			return err
		})
		done <- r
	}()
	select {
	case r := <-done:
		return r.files, r.err
	case <-ctx.Done():
		return resolverFiles{}, context.Cause(ctx)
	}
}

func (n *Network) readOptional(path string) ([]byte, error) {
	content, err := proc.ReadFileInRoot(n.root, path, maxResolverFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// dnsError wraps err as package net does, so that it can still be matched.
func dnsError(host string, err error) error {
	missing := errors.Is(err, errNoSuchHost) || errors.Is(err, errInvalidName)
	return &net.DNSError{
		UnwrapErr:   err,
		Err:         err.Error(),
		Name:        host,
		IsTimeout:   errors.Is(err, errNotResponded) || errors.Is(err, hooks.ErrTimeout),
		IsTemporary: !missing,
		IsNotFound:  missing,
	}
}
