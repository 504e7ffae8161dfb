package harness

import (
	"slices"
	"testing"
)

func TestHostPortRules(t *testing.T) {
	saved := `*nat
:PREROUTING ACCEPT [0:0]
:CNI-DN-0123 - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A CNI-DN-0123 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.1.2.3:80
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"bk-1\" id: \"abc\"" -m multiport --dports 8080 -j CNI-DN-0123
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"bk-12\" id: \"def\"" -m multiport --dports 8081 -j CNI-DN-4567
COMMIT
`
	rules, chains := hostPortRules([]byte(saved), "bk-1")
	want := []string{
		"CNI-HOSTPORT-DNAT", "-p", "tcp", "-m", "comment", "--comment", `dnat name: "bk-1" id: "abc"`,
		"-m", "multiport", "--dports", "8080", "-j", "CNI-DN-0123",
	}
	if len(rules) != 1 || !slices.Equal(rules[0], want) || !slices.Equal(chains, []string{"CNI-DN-0123"}) {
		t.Errorf("got %q, %q; want the rule %q and its chain", rules, chains, want)
	}
}
