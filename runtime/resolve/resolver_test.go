package resolve

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestLookup(t *testing.T) {
	c := withResolvConf(t, "search a.example b.example\noptions ndots:2 timeout:1 attempts:1\n")
	s := c.startNameServer(t, "127.0.0.1", zone(map[string]string{
		"web.b.example.": "10.0.0.1", "full.name.example.": "10.0.0.2", "listed.": "10.0.0.3",
	}))
	c.expectLookup(t, "listed", "10.1.1.1")
	if asked := s.names(); len(asked) != 0 {
		t.Errorf("asked for %q", asked)
	}
	c.expectLookup(t, "web", "10.0.0.1")
	if s.names()[0] == "A web." || slices.Contains(s.names(), "A web.") {
		t.Errorf("asked for %q", s.names())
	}
	c.expectLookup(t, "full.name.example", "10.0.0.2")
	if slices.Contains(s.names(), "A full.name.example.a.example.") {
		t.Errorf("searched for a name with enough dots: %q", s.names())
	}
	c.expectLookup(t, "FULL.name.example.", "10.0.0.2")
	c.expectLookupError(t, "missing", ErrNoSuchHost, true)
	c.expectLookupError(t, "bad..name", ErrInvalidName, true)
	if !slices.Contains(s.names(), "AAAA web.b.example.") {
		t.Errorf("never asked for IPv6: %q", s.names())
	}
}

func TestLookupTruncatedGoesOverTCP(t *testing.T) {
	c := withResolvConf(t, "nameserver 127.0.0.1\n")
	s := c.startNameServer(t, "127.0.0.1", func(m *dnsmessage.Message, tcp bool) []dnsmessage.Message {
		m.Truncated = !tcp
		if tcp {
			return zone(map[string]string{"big.": "10.0.0.1"})(m, tcp)
		}
		return []dnsmessage.Message{*m}
	})
	c.expectLookup(t, "big", "10.0.0.1")
	if !slices.Contains(s.names(), "A big./tcp") {
		t.Errorf("asked for %q", s.names())
	}
}

func TestLookupNextServer(t *testing.T) {
	c := withResolvConf(t, "nameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.1\n")
	broken := c.startNameServer(t, "127.0.0.3", func(m *dnsmessage.Message, _ bool) []dnsmessage.Message {
		m.RCode = dnsmessage.RCodeServerFailure
		return []dnsmessage.Message{*m}
	})
	c.startNameServer(t, "127.0.0.1", zone(map[string]string{"web.": "10.0.0.1"}))
	c.expectLookup(t, "web", "10.0.0.1")
	if len(broken.names()) == 0 {
		t.Error("the second server was not asked")
	}
}

func TestLookupFailures(t *testing.T) {
	c := withResolvConf(t, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	c.expectLookupError(t, "web", ErrNotResponded, false)
	c.startNameServer(t, "127.0.0.1", func(m *dnsmessage.Message, _ bool) []dnsmessage.Message {
		m.RCode = dnsmessage.RCodeServerFailure
		return []dnsmessage.Message{*m}
	})
	c.expectLookupError(t, "web", ErrServFail, false)
}

// Forged messages arrive before the answer: another id, another question, no
// response, records nobody asked for.
func TestLookupIgnoresForgeries(t *testing.T) {
	c := withResolvConf(t, "nameserver 127.0.0.1\n")
	c.startNameServer(t, "127.0.0.1", func(m *dnsmessage.Message, tcp bool) []dnsmessage.Message {
		q := m.Questions[0]
		forged := func(change func(*dnsmessage.Message)) dnsmessage.Message {
			f := *m
			f.Questions = slices.Clone(m.Questions)
			f.Answers = nil
			if q.Type == dnsmessage.TypeA {
				addA(&f, q.Name.String(), "10.66.6.6")
			}
			change(&f)
			return f
		}
		true1 := *m
		if q.Type == dnsmessage.TypeA {
			addA(&true1, "other.", "10.66.6.6")
			addA(&true1, q.Name.String(), "10.0.0.1")
		}
		return []dnsmessage.Message{
			forged(func(f *dnsmessage.Message) { f.ID++ }),
			forged(func(f *dnsmessage.Message) { f.Response = false }),
			forged(func(f *dnsmessage.Message) { f.Questions[0].Name = dnsmessage.MustNewName("other.") }),
			forged(func(f *dnsmessage.Message) { f.Questions = nil }),
			true1,
		}
	})
	c.expectLookup(t, "web", "10.0.0.1")
}

func TestLookupAliases(t *testing.T) {
	c := withResolvConf(t, "nameserver 127.0.0.1\n")
	c.startNameServer(t, "127.0.0.1", func(m *dnsmessage.Message, _ bool) []dnsmessage.Message {
		if m.Questions[0].Type == dnsmessage.TypeA {
			switch m.Questions[0].Name.String() {
			case "chain.":
				addCNAME(m, "two.", "three.")
				addA(m, "three.", "10.0.0.3")
				addCNAME(m, "chain.", "two.")
			case "loop.":
				addCNAME(m, "loop.", "two.")
				addCNAME(m, "two.", "loop.")
			}
		}
		return []dnsmessage.Message{*m}
	})
	c.expectLookup(t, "chain", "10.0.0.3")
	c.expectLookupError(t, "loop", ErrNoSuchHost, true)
}

func TestParseResolvConf(t *testing.T) {
	conf := parseResolvConf([]byte(strings.Join([]string{
		"# comment", "; another", "nameserver 10.0.0.1 # why", "nameserver nonsense", "nameserver fe80::1%eth0",
		"nameserver 10.0.0.3", "nameserver 10.0.0.4", "domain early.example", "search x.example. y.example",
		"options ndots:99 timeout:0 attempts:x rotate use-vc unknown:1", "garbage",
	}, "\n")))
	servers := []netip.AddrPort{
		netip.MustParseAddrPort("10.0.0.1:53"), netip.MustParseAddrPort("[fe80::1%eth0]:53"), netip.MustParseAddrPort("10.0.0.3:53"),
	}
	if !slices.Equal(conf.servers, servers) || !slices.Equal(conf.search, []string{"x.example", "y.example"}) {
		t.Errorf("%+v", conf)
	}
	if conf.ndots != maxNdots || conf.timeout.Seconds() != 1 || conf.attempts != 2 || !conf.rotate || !conf.tcp {
		t.Errorf("%+v", conf)
	}
	if conf := parseResolvConf(nil); len(conf.servers) != 1 || conf.servers[0] != netip.MustParseAddrPort("127.0.0.1:53") {
		t.Errorf("%+v", conf)
	}
}

// No answer, however torn, does worse than fail.
func FuzzParseAnswer(f *testing.F) {
	q, err := newQuestion("web.", dnsmessage.TypeA)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q.message)
	f.Fuzz(func(t *testing.T, message []byte) {
		if a, err := q.parse(message); err == nil && len(a.addrs) > 0 && a.rcode != dnsmessage.RCodeSuccess {
			t.Errorf("%+v", a)
		}
	})
}
