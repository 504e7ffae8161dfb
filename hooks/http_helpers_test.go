package hooks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeNetwork dials from the test's own namespace and counts what it dialled.
// Every name is this machine's loopback.
type fakeNetwork struct {
	podAddress string
	dialErr    error
	mu         sync.Mutex
	dialled    []string
}

func (n *fakeNetwork) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialled = append(n.dialled, address)
	n.mu.Unlock()
	if n.dialErr != nil {
		return nil, n.dialErr
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (n *fakeNetwork) PodAddress() (netip.Addr, error) {
	if n.podAddress == "" {
		return netip.Addr{}, errors.New("no address")
	}
	return netip.ParseAddr(n.podAddress)
}

// serve starts a server whose connections end with the test, and returns the
// hook that gets "/" from it.
func serve(t *testing.T, h http.HandlerFunc) *HTTPGet {
	t.Helper()
	return specFor(t, httptest.NewServer(h))
}

func specFor(t *testing.T, s *httptest.Server) *HTTPGet {
	t.Helper()
	t.Cleanup(s.CloseClientConnections)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return &HTTPGet{Host: "127.0.0.1", Port: port, Path: "/", Scheme: u.Scheme}
}

// serveRaw answers every connection with f, which owns it.
func serveRaw(t *testing.T, f func(net.Conn)) *HTTPGet {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { defer c.Close(); f(c) })
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return &HTTPGet{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Path: "/", Scheme: "http"}
}

// respond is a server that reads the request and answers with raw bytes.
func respond(raw string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		_, _ = c.Write([]byte(raw))
	}
}

// readRequest returns the request's head as it came over the wire.
func readRequest(c net.Conn) string {
	var head []byte
	buf := make([]byte, 1)
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		if _, err := c.Read(buf); err != nil {
			break
		}
		head = append(head, buf...)
	}
	return string(head)
}

func run(spec *HTTPGet) Report {
	return NewHTTPHandler(spec, &fakeNetwork{}, "v1.2.3").Run(context.Background())
}

// expectNoGoroutines fails the test if, after a while, goroutines of a run
// are left. It looks for this package's handler and net/http's client side.
func expectNoGoroutines(t *testing.T) {
	t.Helper()
	marks := []string{"hooks.(*httpTransport)", "hooks.(*httpHandler)", "http.(*persistConn)", "http.(*Transport)"}
	deadline := time.Now().Add(10 * time.Second)
	for {
		stacks := allStacks()
		left := ""
		for _, m := range marks {
			if strings.Contains(stacks, m) {
				left = m
			}
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutine of %s is left:\n%s", left, stacks)
		}
		runtime.Gosched()
	}
}

func allStacks() string {
	for size := 1 << 20; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return string(buf[:n])
		}
	}
}
