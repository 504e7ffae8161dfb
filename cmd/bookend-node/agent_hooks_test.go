package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// hasty is a time limit of a server as a test waits for it; one that there is not does not
// come about.
func hasty(limit time.Duration) time.Duration { return min(limit, 50*time.Millisecond) }

// Clients of the metrics that stop on the way do not keep a connection.
func TestMetricsAreNotWaitedForTheirClients(t *testing.T) {
	written := make(chan error, 1)
	s := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for part := make([]byte, 64<<10); err == nil; {
			_, err = w.Write(part)
		}
		written <- err
	}))
	ended := make(chan struct{}, 8)
	s.ConnState = func(_ net.Conn, is http.ConnState) {
		if is == http.StateClosed {
			ended <- struct{}{}
		}
	}
	s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout = hasty(s.ReadHeaderTimeout), hasty(s.ReadTimeout), hasty(s.WriteTimeout), hasty(s.IdleTimeout)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	for name, request := range map[string]string{"takes nothing": "GET / HTTP/1.1\r\nHost: n1\r\n\r\n", "does not end its header": "GET / HTTP/1.1\r\n", "says nothing": ""} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Errorf("one that %s is waited for", name)
		}
	}
	select {
	case err := <-written:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	default:
		t.Error("nothing was written")
	}
}
