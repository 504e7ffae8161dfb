package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestHTTPAnyStatusIsSuccess(t *testing.T) {
	for _, status := range []int{200, 204, 404, 500, 599} {
		spec := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		if r := run(spec); r.Cause != "" || r.Status != status || r.Err != nil {
			t.Errorf("status %d: %+v", status, r)
		}
	}
}

func TestHTTPExpectStatus(t *testing.T) {
	expect := []StatusRange{{200, 204}, {404, 404}}
	for status, ok := range map[int]bool{200: true, 204: true, 404: true, 205: false, 403: false, 500: false} {
		spec := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		spec.ExpectStatus = expect
		want := Report{Status: status, Cause: CauseUnexpectedStatus}
		if ok {
			want.Cause = ""
		}
		if r := run(spec); r.Cause != want.Cause || r.Status != status || r.Suspect {
			t.Errorf("status %d: %+v, want %+v", status, r, want)
		}
	}
}

func TestHTTPPodAddressIsTheDefaultHost(t *testing.T) {
	spec := serve(t, func(http.ResponseWriter, *http.Request) {})
	spec.Host = ""
	n := &fakeNetwork{podAddress: "127.0.0.1"}
	if r := NewHTTPHandler(spec, n, "1").Run(context.Background()); r.Cause != "" {
		t.Fatalf("%+v", r)
	}
	if r := NewHTTPHandler(spec, &fakeNetwork{}, "1").Run(context.Background()); r.Cause != CauseInternal {
		t.Fatalf("without an address: %+v", r)
	}
}

func TestHTTPBracketsIPv6(t *testing.T) {
	spec := &HTTPGet{Host: "fd00::1", Port: 8080, Path: "/", Scheme: "http"}
	n := &fakeNetwork{dialErr: errors.New("stop here")}
	NewHTTPHandler(spec, n, "1").Run(context.Background())
	if len(n.dialled) != 1 || n.dialled[0] != "[fd00::1]:8080" {
		t.Fatalf("dialled %q", n.dialled)
	}
}

// A server may be gone by the time its answer has arrived: that is what a
// shutdown path does.
func TestHTTPServerEndsTheConnectionAfterItsHeader(t *testing.T) {
	for name, raw := range map[string]string{
		"no length":   "HTTP/1.1 200 OK\r\n\r\nbye",
		"short body":  "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbye",
		"torn chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nbye",
		"HTTP/1.0":    "HTTP/1.0 200 OK\r\n\r\n",
		"early hints": "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		if r := run(serveRaw(t, respond(raw))); r.Cause != "" || r.Status != 200 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestHTTPUpgradeIsAnAnswer(t *testing.T) {
	spec := serveRaw(t, func(c net.Conn) {
		readRequest(c)
		_, _ = c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
		_, _ = io.Copy(io.Discard, c) // until the client ends it
	})
	if r := run(spec); r.Cause != "" || r.Status != 101 {
		t.Fatalf("%+v", r)
	}
}

// An endless body ends after 10 KiB, one announced as longer is not read.
func TestHTTPBodyIsBounded(t *testing.T) {
	endless := serveRaw(t, func(c net.Conn) {
		readRequest(c)
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		for {
			if _, err := c.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	})
	announced := serveRaw(t, func(c net.Conn) {
		readRequest(c)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", maxBody+1)
		_, _ = io.Copy(io.Discard, c) // never sends it
	})
	for name, spec := range map[string]*HTTPGet{"endless": endless, "announced": announced} {
		if r := run(spec); r.Cause != "" || r.Status != 200 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestHTTPHeaderIsBounded(t *testing.T) {
	r := run(serveRaw(t, respond("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2*maxResponseHeader)+"\r\n\r\n")))
	if r.Cause != CauseProtocol {
		t.Fatalf("%+v", r)
	}
}

// Wherever the server stands still, cancelling ends the run and all of it.
func TestHTTPCancel(t *testing.T) {
	for name, sent := range map[string]string{
		"before the header": "",
		"in the header":     "HTTP/1.1 200 OK\r\nX-",
		"in the body":       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			why := errors.New("init exited")
			spec := serveRaw(t, func(c net.Conn) {
				readRequest(c)
				_, _ = c.Write([]byte(sent))
				cancel(why)
				_, _ = io.Copy(io.Discard, c) // ends only because the client does
			})
			r := NewHTTPHandler(spec, &fakeNetwork{}, "1").Run(ctx)
			if r.Cause != CauseCancelled || !errors.Is(r.Err, why) {
				t.Fatalf("%+v", r)
			}
			expectNoGoroutines(t)
		})
	}
}

func TestHTTPCancelDuringHandshake(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	spec := serveRaw(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		cancel()
		_, _ = io.Copy(io.Discard, c)
	})
	spec.Scheme = "https"
	if r := NewHTTPHandler(spec, &fakeNetwork{}, "1").Run(ctx); r.Cause != CauseCancelled {
		t.Fatalf("%+v", r)
	}
	expectNoGoroutines(t)
}

// blockingNetwork dials until its context is done, and tells when it began
// and ended.
type blockingNetwork struct {
	fakeNetwork
	began chan struct{}
	ended chan struct{}
}

func (n *blockingNetwork) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	close(n.began)
	<-ctx.Done()
	close(n.ended)
	return nil, ctx.Err()
}

func TestHTTPCancelDuringDial(t *testing.T) {
	n := &blockingNetwork{began: make(chan struct{}), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-n.began; cancel() }()
	spec := &HTTPGet{Host: "h", Port: 1, Path: "/", Scheme: "http"}
	if r := NewHTTPHandler(spec, n, "1").Run(ctx); r.Cause != CauseCancelled {
		t.Fatalf("%+v", r)
	}
	select {
	case <-n.ended:
	default:
		t.Fatal("the dial outlives the run")
	}
	expectNoGoroutines(t)
}

// panickingNetwork is bookend's own fault.
type panickingNetwork struct{ fakeNetwork }

func (*panickingNetwork) DialContext(context.Context, string, string) (net.Conn, error) {
	panic("oops")
}

func TestHTTPPanicInDialFailsTheHook(t *testing.T) {
	spec := &HTTPGet{Host: "h", Port: 1, Path: "/", Scheme: "http"}
	r := NewHTTPHandler(spec, &panickingNetwork{}, "1").Run(context.Background())
	if r.Cause != CauseInternal || !strings.Contains(r.Err.Error(), "oops") {
		t.Fatalf("%+v", r)
	}
}

func TestHTTPLeavesNothing(t *testing.T) {
	spec := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	for range 20 {
		if r := run(spec); r.Cause != "" {
			t.Fatalf("%+v", r)
		}
	}
	expectNoGoroutines(t)
}
