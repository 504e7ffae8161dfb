package resolve

import (
	"net/netip"
	"strings"
)

// lookupHosts returns the addresses that a hosts file (hosts(5)) gives name,
// in its order.
func lookupHosts(file []byte, name string) []netip.Addr {
	name = strings.TrimSuffix(name, ".")
	var found []netip.Addr
	for line := range strings.Lines(string(file)) {
		fields := strings.Fields(uncommented(line, "#"))
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, alias := range fields[1:] {
			if strings.EqualFold(strings.TrimSuffix(alias, "."), name) {
				found = append(found, addr)
				break
			}
		}
	}
	return found
}

// uncommented returns line up to the first of the characters in marks.
func uncommented(line, marks string) string {
	if i := strings.IndexAny(line, marks); i >= 0 {
		return line[:i]
	}
	return line
}
