package hooks

import (
	"net/netip"
	"strings"
)

// Policy bounds what annotations may ask for. The zero Policy is the default.
// The node's own defaults are not bound by it.
type Policy struct {
	// AllowUser allows exec.user.
	AllowUser bool
	// AllowHosts lists what httpGet.host may name beyond the container's own
	// addresses: a host name, an IP address, a CIDR, or "*" for any host. A
	// name is compared as a name: it is not resolved.
	AllowHosts []string
}

func (p *Policy) read(v *value) error {
	t, err := v.table("allowUser", "allowHosts")
	if err != nil {
		return err
	}
	if p.AllowUser, err = t.boolean("allowUser"); err != nil {
		return err
	}
	f := t.get("allowHosts")
	if f == nil {
		return nil
	}
	items, err := f.list()
	if err != nil {
		return err
	}
	for _, item := range items {
		host, err := item.str()
		if err != nil {
			return err
		}
		if !isAllowEntry(host) {
			return item.fail(`must be a host name, an IP address, a CIDR or "*", got %s`, quote(host))
		}
		p.AllowHosts = append(p.AllowHosts, host)
	}
	return nil
}

// allowsHost tells whether an httpGet may name host, which is an IP address or
// a host name, as its target.
func (p *Policy) allowsHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	for _, allowed := range p.AllowHosts {
		if allowed == "*" || err != nil && sameName(allowed, host) || err == nil && covers(allowed, addr) {
			return true
		}
	}
	return false
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// covers tells whether allowed is addr or a CIDR with addr in it.
func covers(allowed string, addr netip.Addr) bool {
	addr = addr.Unmap()
	if one, err := netip.ParseAddr(allowed); err == nil {
		return one.Unmap() == addr
	}
	prefix, err := netip.ParsePrefix(allowed)
	return err == nil && prefix.Contains(addr)
}

// isAllowEntry tells whether s may stand in AllowHosts.
func isAllowEntry(s string) bool {
	_, err := netip.ParsePrefix(s)
	return s == "*" || err == nil || isHost(s)
}

// isHost tells whether s is an IP address without a zone, or a host name.
func isHost(s string) bool {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Zone() == ""
	}
	name := strings.TrimSuffix(s, ".")
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

// isLabel is DNS' rule for a label, and the underscore that is seen in use.
func isLabel(s string) bool {
	other := func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return s != "" && len(s) <= 63 && strings.IndexFunc(s, other) < 0 && s[0] != '-' && s[len(s)-1] != '-'
}

// isLoopback tells whether host is one of the container's own loopback
// addresses, as an address or as "localhost".
func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return sameName(host, "localhost")
}
