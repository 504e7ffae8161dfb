package netns

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/resolve"
)

// maxResolverFile is the size, in bytes, over which a container's hosts file
// or resolv.conf is refused.
const maxResolverFile = 256 << 10

// Where a container keeps them, relative to its root.
const (
	hostsPath      = "/etc/hosts"
	resolvConfPath = "/etc/resolv.conf"
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
	resolver, err := n.resolver(ctx)
	if err != nil {
		return nil, resolve.Error(host, err)
	}
	return resolver.Lookup(ctx, host)
}

// resolver reads what the container says about names. It returns when ctx is done
// even if a file system of the container's own making keeps the reading goroutine
// waiting.
func (n *Network) resolver(ctx context.Context) (*resolve.Resolver, error) {
	var hosts, resolvConf []byte
	read := make(chan error, 1)
	go func() {
		read <- hooks.Recovered(func() (err error) {
			if hosts, err = n.readOptional(hostsPath); err != nil {
				return err
			}
			resolvConf, err = n.readOptional(resolvConfPath)
			return err
		})
	}()
	select {
	case err := <-read:
		return resolve.New(hosts, resolvConf, n.dial), err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (n *Network) readOptional(path string) ([]byte, error) {
	content, err := proc.ReadFileInRoot(n.root, path, maxResolverFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}
