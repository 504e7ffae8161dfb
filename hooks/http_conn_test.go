package hooks

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

func TestNothingIsReadBeforeSomethingWasWritten(t *testing.T) {
	for name, ask := range map[string]func(net.Conn) error{
		"written": func(c net.Conn) error { _, err := c.Write([]byte("?")); return err },
		"closed":  net.Conn.Close,
	} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			go func() { _, _ = theirs.Write([]byte("!")) }()
			go func() { _, _ = theirs.Read(make([]byte, 1)) }()
			c := newAskingConn(ours)
			read := make(chan struct{})
			go func() {
				_, _ = c.Read(make([]byte, 1))
				close(read)
			}()
			synctest.Wait()
			select {
			case <-read:
				t.Errorf("%s: read before that", name)
			default:
			}
			if err := ask(c); err != nil {
				t.Error(err)
			}
			<-read
			_ = c.Close()
		})
	}
}

// A server that speaks first: what it says must not reach the process' log,
// where net/http puts it.
func TestHTTPAsksBeforeItListens(t *testing.T) {
	for _, server := range []*httptest.Server{
		httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler()),
	} {
		defer server.Close()
		tr := newHTTPTransport(t.Context(), &fakeNetwork{})
		defer tr.close()
		dial := tr.rt.DialContext
		if strings.HasPrefix(server.URL, "https") {
			dial = tr.rt.DialTLSContext
		}
		conn, err := dial(context.Background(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := conn.(*askingConn); !ok {
			t.Errorf("%s: the connection is a %T", server.URL, conn)
		}
	}
}
