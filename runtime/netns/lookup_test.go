package netns

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/proc"
	"bookend.dev/bookend/runtime/resolve"
)

func withResolvConf(t *testing.T, conf string) *netnsChild {
	t.Helper()
	c := startInNetns(t, unix.CLONE_NEWNET, map[string]string{"etc/resolv.conf": conf, "etc/hosts": "10.1.1.1 listed\n"})
	c.ip(t, "link set lo up")
	return c
}

// startNameServer starts one at 127.0.0.1 inside c, for which every name has the one
// address. It returns how often it was asked.
func (c *netnsChild) startNameServer(t *testing.T, address string) *atomic.Int64 {
	t.Helper()
	var conn net.PacketConn
	c.inside(t, func() (err error) {
		conn, err = net.ListenPacket("udp", "127.0.0.1:53")
		return err
	})
	t.Cleanup(func() { conn.Close() })
	asked := new(atomic.Int64)
	go func() {
		buf := make([]byte, 1<<12)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			asked.Add(1)
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			m.Response = true
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(address).As4()},
				}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return asked
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

// A name is looked up in the container's files, and with its name servers.
func TestLookup(t *testing.T) {
	c := withResolvConf(t, "nameserver 127.0.0.1\n")
	asked := c.startNameServer(t, "10.0.0.1")
	c.expectLookup(t, "listed", "10.1.1.1")
	if n := asked.Load(); n != 0 {
		t.Errorf("the name server was asked %d times", n)
	}
	c.expectLookup(t, "web", "10.0.0.1")
}

// Policy lets every hook name localhost. What the container's files make of it is
// of no account; of a name below it, it is.
func TestLocalhostIsNotLookedUp(t *testing.T) {
	c := startInNetns(t, unix.CLONE_NEWNET, map[string]string{
		"etc/resolv.conf": "search example\n", "etc/hosts": "10.1.1.1 localhost x.localhost\n::2 LOCALHOST localhost.\n",
	})
	c.ip(t, "link set lo up")
	asked := c.startNameServer(t, "10.0.0.1")
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "LocalHost."} {
		c.expectLookup(t, host, "127.0.0.1", "::1")
	}
	c.expectLookup(t, "x.localhost", "10.1.1.1")
	c.expectLookup(t, "10.2.3.4", "10.2.3.4")
	if n := asked.Load(); n != 0 {
		t.Errorf("the name server was asked %d times", n)
	}
}

// Whatever a name server answers, and wherever a redirect leads, an httpGet
// hook stays inside.
func TestHTTPGetNeverReachesTheHost(t *testing.T) {
	port := hostTrap(t)
	c := withResolvConf(t, "nameserver 127.0.0.1\n")
	asked := c.startNameServer(t, "127.0.0.1")
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
	if asked.Load() == 0 {
		t.Error("the name server was not asked")
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
		"link to the host": {func(p string) error { return os.Symlink(secret, p) }, resolve.ErrNotResponded},
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
