package runtime

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
)

func withResolvConf(t *testing.T, conf string) *netnsChild {
	t.Helper()
	c := startInNetns(t, unix.CLONE_NEWNET, map[string]string{"etc/resolv.conf": conf, "etc/hosts": "10.1.1.1 listed\n"})
	c.ip(t, "link set lo up")
	return c
}

func (c *netnsChild) expectLookup(t *testing.T, host string, want ...string) {
	t.Helper()
	addrs, err := c.net.lookup(t.Context(), host)
	var got []string
	for _, a := range addrs {
		got = append(got, a.String())
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %v, %v, want %v", host, got, err, want)
	}
}

func (c *netnsChild) expectLookupError(t *testing.T, host string, want error, missing bool) {
	t.Helper()
	addrs, err := c.net.lookup(t.Context(), host)
	var dns *net.DNSError
	if !errors.As(err, &dns) || !errors.Is(err, want) || dns.IsNotFound != missing || dns.IsTemporary == missing {
		t.Errorf("%s: %v, %#v, want %v", host, addrs, err, want)
	}
}

func TestLookup(t *testing.T) {
	c := withResolvConf(t, "search a.example b.example\noptions ndots:2 timeout:1 attempts:1\n")
	s := c.startNameServer(t, "127.0.0.1", zone(map[string]string{
		"web.b.example.": "10.0.0.1", "full.name.example.": "10.0.0.2", "listed.": "10.0.0.3",
	}))
	c.expectLookup(t, "10.2.3.4", "10.2.3.4")
	c.expectLookup(t, "listed", "10.1.1.1")
	c.expectLookup(t, "localhost", "127.0.0.1", "::1")
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
	c.expectLookupError(t, "missing", errNoSuchHost, true)
	c.expectLookupError(t, "bad..name", errInvalidName, true)
	if !slices.Contains(s.names(), "AAAA web.b.example.") {
		t.Errorf("never asked for IPv6: %q", s.names())
	}
}

// Policy lets every hook name localhost. What the container's files make of it is
// of no account; of a name below it, it is.
func TestLocalhostIsNotLookedUp(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, map[string]string{
		"etc/resolv.conf": "search example\n", "etc/hosts": "10.1.1.1 localhost x.localhost\n::2 LOCALHOST localhost.\n",
	})
	c.ip(t, "link set lo up")
	s := c.startNameServer(t, "127.0.0.1", zone(map[string]string{"localhost.": "10.0.0.1", "localhost.example.": "10.0.0.2"}))
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "LocalHost."} {
		c.expectLookup(t, host, "127.0.0.1", "::1")
	}
	c.expectLookup(t, "x.localhost", "10.1.1.1")
	if asked := s.names(); len(asked) != 0 {
		t.Errorf("asked for %q", asked)
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
	c.expectLookupError(t, "web", errNotResponded, false)
	c.startNameServer(t, "127.0.0.1", func(m *dnsmessage.Message, _ bool) []dnsmessage.Message {
		m.RCode = dnsmessage.RCodeServerFailure
		return []dnsmessage.Message{*m}
	})
	c.expectLookupError(t, "web", errServFail, false)
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
	c.expectLookupError(t, "loop", errNoSuchHost, true)
}

// Whatever a name server answers, and wherever a redirect leads, an httpGet
// hook stays inside.
func TestHTTPGetNeverReachesTheHost(t *testing.T) {
	port := hostTrap(t)
	c := withResolvConf(t, "nameserver 127.0.0.1\n")
	c.startNameServer(t, "127.0.0.1", zone(map[string]string{"rebound.": "127.0.0.1"}))
	redirector := c.listen(t, "127.0.0.1:0")
	away := http.RedirectHandler(fmt.Sprintf("http://127.0.0.1:%d/", port), http.StatusFound)
	go func() { _ = (&http.Server{Handler: away, ReadHeaderTimeout: time.Minute}).Serve(redirector) }()
	specs := map[string]*hooks.HTTPGet{
		"address":      {Host: "127.0.0.1", Port: port},
		"name":         {Host: "localhost", Port: port},
		"DNS":          {Host: "rebound", Port: port},
		"redirect":     {Host: "127.0.0.1", Port: redirector.Addr().(*net.TCPAddr).Port},
		"default host": {Port: port},
	}
	for name, spec := range specs {
		for _, scheme := range []string{"http", "https"} {
			if name == "redirect" && scheme == "https" {
				continue
			}
			spec.Path, spec.Scheme = "/", scheme
			r := hooks.NewHTTPHandler(spec, c.net, "1").Run(t.Context())
			if r.Cause != hooks.CauseConnect || !r.Suspect {
				t.Errorf("%s %s: %+v", name, scheme, r)
			}
		}
	}
	expectThreadsHome(t)
}

// What a container can put in place of its resolv.conf fails a look-up at
// once, and an address needs no look-up.
func TestLookupWithHostileResolvConf(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(secret, []byte("nameserver 127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plant := map[string]struct {
		put  func(path string) error
		want error
	}{
		"FIFO":      {func(p string) error { return unix.Mkfifo(p, 0o666) }, proc.ErrNotRegular},
		"directory": {func(p string) error { return os.Mkdir(p, 0o777) }, proc.ErrNotRegular},
		"huge":      {func(p string) error { return os.WriteFile(p, make([]byte, maxResolverFile+1), 0o666) }, proc.ErrTooLarge},
		"loop":      {func(p string) error { return os.Symlink("resolv.conf", p) }, unix.ELOOP},
		// The host's file is not there inside: as without one, the server is
		// the local host, where there is none either.
		"link to the host": {func(p string) error { return os.Symlink(secret, p) }, errNotResponded},
	}
	for name, tt := range plant {
		c := withResolvConf(t, "")
		path := filepath.Join(c.root, resolvConfPath)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := tt.put(path); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		c.expectLookupError(t, "web", tt.want, false)
		c.expectLookup(t, "10.0.0.1", "10.0.0.1")
	}
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
