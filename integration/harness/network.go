package harness

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
)

// network is the pod network of one daemon: a bridge and a subnet of its own,
// with no way out to other machines.
type network struct {
	name   string // of the network and of its bridge; at most 15 bytes
	subnet netip.Prefix
}

// newNetwork picks a /24 of 10.128.0.0/9 that no route of this machine touches.
func newNetwork(name string) (network, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return network{}, fmt.Errorf("list routes: %w", err)
	}
	for range 64 {
		var b [2]byte
		_, _ = rand.Read(b[:])
		subnet := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 128 | b[0], b[1], 0}), 24)
		if !overlaps(subnet, routes) {
			return network{name: name, subnet: subnet}, nil
		}
	}
	return network{}, errors.New("no free subnet in 10.128.0.0/9")
}

func overlaps(subnet netip.Prefix, routes []netlink.Route) bool {
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		dst, err := netip.ParsePrefix(r.Dst.String())
		if err == nil && dst.Bits() > 0 && dst.Overlaps(subnet) {
			return true
		}
	}
	return false
}

// gateway is the host's own address on the bridge.
func (n network) gateway() netip.Addr { return n.subnet.Addr().Next() }

const cniConfigFile = "cni/10-pods.conflist" // below the daemon's directory

func (d *Daemon) cniConfig() string { return d.Path(cniConfigFile) }

func (d *Daemon) writeCNIConfig(hostPorts bool) error {
	plugins := []any{map[string]any{
		"type": "bridge", "bridge": d.net.name, "isGateway": true, "ipMasq": false, "hairpinMode": true,
		"ipam": map[string]any{
			"type": "host-local", "dataDir": d.Path("ipam"),
			"ranges": [][]any{{map[string]any{"subnet": d.net.subnet.String()}}},
			"routes": []any{map[string]any{"dst": "0.0.0.0/0"}},
		},
	}}
	if hostPorts {
		plugins = append(plugins, map[string]any{
			"type": "portmap", "capabilities": map[string]bool{"portMappings": true},
		})
	}
	conf, err := json.MarshalIndent(map[string]any{
		"cniVersion": "1.0.0", "name": d.net.name, "plugins": plugins,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(d.cniConfig()), 0o700); err != nil {
		return err
	}
	return os.WriteFile(d.cniConfig(), conf, 0o600)
}

// ports returns the names of the links that pods hang on the bridge with.
func (n network) ports() ([]string, error) {
	bridge, err := netlink.LinkByName(n.name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, nil // made with the first pod
	}
	if err != nil {
		return nil, fmt.Errorf("look up bridge %s: %w", n.name, err)
	}
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	var names []string
	for _, l := range links {
		if l.Attrs().MasterIndex == bridge.Attrs().Index {
			names = append(names, l.Attrs().Name)
		}
	}
	return names, nil
}

// remove deletes the bridge and what hangs on it.
func (n network) remove() error {
	ports, err := n.ports()
	if err != nil {
		return err
	}
	for _, name := range append(ports, n.name) {
		link, err := netlink.LinkByName(name)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			continue // a veth goes when its peer's namespace does
		}
		if err != nil {
			return fmt.Errorf("look up link %s: %w", name, err)
		}
		if err := netlink.LinkDel(link); err != nil {
			return fmt.Errorf("delete link %s: %w", name, err)
		}
	}
	return nil
}
