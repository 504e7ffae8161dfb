package resolve

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a resolv.conf may ask for: glibc's, and one of our own for
// the search list, which has none there.
const (
	maxServers  = 3
	maxSearch   = 32
	maxNdots    = 15
	maxTimeout  = 30
	maxAttempts = 5
)

const dnsPort = 53

// resolvConf is a container's resolv.conf (resolv.conf(5)).
type resolvConf struct {
	servers  []netip.AddrPort // never empty
	search   []string         // without trailing dots
	ndots    int              // names with fewer dots are searched for first
	timeout  time.Duration    // of one question to one server
	attempts int              // rounds through all servers
	rotate   bool             // begin each look-up with another server
	tcp      bool             // use-vc: never UDP
}

// parseResolvConf reads the file leniently, as every resolver does: what it
// does not understand it skips. Without a server it is the local host's.
func parseResolvConf(file []byte) resolvConf {
	conf := resolvConf{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	for line := range strings.Lines(string(file)) {
		fields := strings.Fields(uncommented(line, "#;"))
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			conf.addServer(fields[1])
		case "domain":
			conf.setSearch(fields[1:2])
		case "search":
			conf.setSearch(fields[1:])
		case "options":
			for _, option := range fields[1:] {
				conf.setOption(option)
			}
		}
	}
	if len(conf.servers) == 0 {
		conf.addServer("127.0.0.1")
	}
	return conf
}

func (c *resolvConf) addServer(s string) {
	addr, err := netip.ParseAddr(s)
	if err == nil && len(c.servers) < maxServers {
		c.servers = append(c.servers, netip.AddrPortFrom(addr, dnsPort))
	}
}

// setSearch replaces the search list: the last line of the file counts.
func (c *resolvConf) setSearch(domains []string) {
	c.search = nil
	for _, d := range domains[:min(len(domains), maxSearch)] {
		if d = strings.TrimSuffix(d, "."); d != "" {
			c.search = append(c.search, d)
		}
	}
}

func (c *resolvConf) setOption(option string) {
	name, value, _ := strings.Cut(option, ":")
	switch name {
	case "ndots":
		c.ndots = bounded(value, 0, maxNdots, c.ndots)
	case "timeout":
		seconds := bounded(value, 1, maxTimeout, int(c.timeout/time.Second))
		c.timeout = time.Duration(seconds) * time.Second
	case "attempts":
		c.attempts = bounded(value, 1, maxAttempts, c.attempts)
	case "rotate":
		c.rotate = true
	case "use-vc":
		c.tcp = true
	}
}

// bounded returns the number in s within [low, high], or otherwise when s is
// none.
func bounded(s string, low, high, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return otherwise
	}
	return max(low, min(n, high))
}

// names returns the absolute names to ask for when looking up host, in order:
// host itself first if it has at least ndots dots, else last.
func (c *resolvConf) names(host string) []string {
	if strings.HasSuffix(host, ".") {
		return validNames([]string{host})
	}
	var names []string
	for _, domain := range c.search {
		names = append(names, host+"."+domain+".")
	}
	if strings.Count(host, ".") >= c.ndots {
		names = append([]string{host + "."}, names...)
	} else {
		names = append(names, host+".")
	}
	return validNames(names)
}

// validNames leaves out what DNS has no way to ask for: empty labels, labels
// over 63 and names over 254 characters.
func validNames(names []string) []string {
	var valid []string
next:
	for _, name := range names {
		if len(name) > 254 {
			continue
		}
		for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
			if label == "" || len(label) > 63 {
				continue next
			}
		}
		valid = append(valid, name)
	}
	return valid
}
