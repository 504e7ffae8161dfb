package hooks

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Policy bounds what annotations may ask for. The node's own defaults are not
// bound by it.
type Policy struct {
	// AllowHandlers lists the handlers that hooks may have; empty: none.
	AllowHandlers []string
	// AllowUser allows exec.user.
	AllowUser bool
	// AllowHosts lists what httpGet.host may name beyond the container's own
	// addresses: a host name, an IP address, a CIDR, or "*" for any host. A
	// name is compared as a name: it is not resolved.
	AllowHosts []string
	// AllowContainerOutput allows "output: container".
	AllowContainerOutput bool
	// MaxPostStartTimeout and MaxPreStopTimeout bound the timeouts of hooks,
	// also of those without one; 0: no maximum.
	MaxPostStartTimeout, MaxPreStopTimeout time.Duration
	// MaxRetries bounds retries.
	MaxRetries int
}

// handlerNames are the handlers that can be carried out.
var handlerNames = []string{HandlerExec, HandlerHTTPGet, HandlerSleep}

// DefaultPolicy returns the policy of a node that has none. It allows what a
// container's author could have done without bookend: every handler, and lines
// in the container's own log.
func DefaultPolicy() Policy {
	return Policy{AllowHandlers: slices.Clone(handlerNames), AllowContainerOutput: true, MaxRetries: maxRetries}
}

// read returns p with what the section says.
func (p Policy) read(v *value) (Policy, error) {
	t := v.table("allowHandlers", "allowUser", "allowHosts", "allowContainerOutput",
		"maxPostStartTimeoutSeconds", "maxPreStopTimeoutSeconds", "maxRetries")
	optional(t, "allowUser", &p.AllowUser, (*value).boolean)
	optional(t, "allowContainerOutput", &p.AllowContainerOutput, (*value).boolean)
	optional(t, "allowHandlers", &p.AllowHandlers, each(oneOf(handlerNames...)))
	optional(t, "allowHosts", &p.AllowHosts, each(readAllowEntry))
	optional(t, "maxPostStartTimeoutSeconds", &p.MaxPostStartTimeout, (*value).seconds)
	optional(t, "maxPreStopTimeoutSeconds", &p.MaxPreStopTimeout, (*value).seconds)
	optional(t, "maxRetries", &p.MaxRetries, between[int](0, maxRetries))
	return p, t.err
}

func readAllowEntry(v *value) (string, error) {
	host, err := v.str()
	if err == nil && !isAllowEntry(host) {
		err = v.fail(`must be a host name, an IP address, a CIDR or "*", got %s`, quote(host))
	}
	return host, err
}

// maxTimeout is what bounds the timeout of a hook at point; 0: nothing.
func (p *Policy) maxTimeout(point Point) time.Duration {
	if point == PreStop {
		return p.MaxPreStopTimeout
	}
	return p.MaxPostStartTimeout
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
	return IsLocalhost(host)
}

// IsLocalhost tells whether a host is "localhost", in any case and with or without
// a dot at the end. It needs no policy, so a [Network] MUST NOT look it up: it is
// 127.0.0.1, then ::1, whatever the container's files say. A name below it, such as
// x.localhost, is one like any other.
func IsLocalhost(host string) bool { return sameName(host, "localhost") }
