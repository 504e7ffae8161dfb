package hooks

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// maxResponseHeader bounds what a container can make the shim hold, in bytes.
const maxResponseHeader = 64 << 10

// httpTransport carries one run of an httpGet hook and remembers what it
// opened, so that nothing is left when the run ends.
type httpTransport struct {
	rt     *http.Transport
	cancel context.CancelFunc // ends dials under way
	// dials counts the dials under way; net/http starts each on a goroutine of
	// its own and does not wait for it when the request is cancelled.
	dials sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

// newHTTPTransport returns a transport whose every connection is made through
// n and under ctx, not under the context net/http hands to a dial, which
// outlives the request.
func newHTTPTransport(ctx context.Context, n Network) *httpTransport {
	ctx, cancel := context.WithCancel(ctx)
	t := &httpTransport{cancel: cancel}
	connect := func(secure bool) func(context.Context, string, string) (net.Conn, error) {
		return func(_ context.Context, network, address string) (net.Conn, error) {
			conn, err := t.dial(ctx, n, network, address)
			if err == nil && secure {
				conn, err = handshake(ctx, conn, address)
			}
			if err != nil {
				return nil, err
			}
			return t.asking(conn), nil
		}
	}
	t.rt = &http.Transport{
		Proxy:                  nil,
		DialContext:            connect(false),
		DialTLSContext:         connect(true),
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
	return t
}

func (t *httpTransport) dial(ctx context.Context, n Network, network, address string) (net.Conn, error) {
	if !t.begin() {
		return nil, net.ErrClosed
	}
	defer t.dials.Done()
	var conn net.Conn
	// net/http dials on a goroutine of its own.
	err := Recovered(func() (err error) {
		conn, err = n.DialContext(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, &dialError{err}
	}
	t.keep(conn)
	return conn, nil
}

// asking keeps the server from speaking first.
func (t *httpTransport) asking(conn net.Conn) net.Conn {
	asking := newAskingConn(conn)
	t.keep(asking)
	return asking
}

// keep has conn closed when the run ends.
func (t *httpTransport) keep(conn net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns = append(t.conns, conn)
}

// begin registers a dial unless the run is over: a goroutine of net/http may
// come to its dial only after the request it was for has been given up.
func (t *httpTransport) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.dials.Add(1)
	return true
}

// connected tells whether any connection came about.
func (t *httpTransport) connected() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conns) > 0
}

// close ends dials under way and every connection, and with them net/http's
// goroutines.
func (t *httpTransport) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.cancel()
	t.dials.Wait()
	t.rt.CloseIdleConnections()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.conns {
		_ = c.Close()
	}
}

// handshake starts TLS on conn. The server's name is the host that was dialled
// (none for an IP address), as in the kubelet: a Host header does not change it.
func handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c := tls.Client(conn, &tls.Config{
		ServerName: host,
		// As in the kubelet: the node has no certificate authority of the
		// container's to verify against, and the request carries no
		// credentials of the node. The versions are crypto/tls' defaults, again
		// as in the kubelet.
		InsecureSkipVerify: true, //nolint:gosec // see above
	})
	if err := c.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &handshakeError{err}
	}
	return c, nil
}
