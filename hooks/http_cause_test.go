package hooks

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
)

func TestHTTPDialErrors(t *testing.T) {
	op := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	tests := []struct {
		name    string
		err     error
		cause   Cause
		suspect bool
	}{
		{"gone", fmt.Errorf("enter: %w", ErrGone), CauseGone, true},
		{"no such host", &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, CauseResolve, false},
		{"no name server", &net.DNSError{Err: "timeout", Name: "x", IsTimeout: true}, CauseResolve, true},
		{"refused", op(syscall.ECONNREFUSED), CauseConnect, true},
		{"unreachable", op(syscall.ENETUNREACH), CauseConnect, true},
		{"no descriptors", op(syscall.EMFILE), CauseInternal, false},
		{"setns failed", os.NewSyscallError("setns", syscall.EPERM), CauseInternal, false},
	}
	for _, tt := range tests {
		for _, scheme := range []string{"http", "https"} {
			spec := &HTTPGet{Host: "x", Port: 1, Path: "/", Scheme: scheme}
			r := NewHTTPHandler(spec, &fakeNetwork{dialErr: tt.err}, "1").Run(t.Context())
			if r.Cause != tt.cause || r.Suspect != tt.suspect || !errors.Is(r.Err, tt.err) {
				t.Errorf("%s %s: %+v", scheme, tt.name, r)
			}
		}
	}
}

func TestHTTPConnectionLost(t *testing.T) {
	reset := func(c net.Conn) {
		readRequest(c)
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	for name, spec := range map[string]*HTTPGet{
		"closed before the answer": serveRaw(t, respond("")),
		"closed in the header":     serveRaw(t, respond("HTTP/1.1 200 OK\r\nX-Half: 1\r\n")),
		"reset":                    serveRaw(t, reset),
	} {
		if r := run(spec); r.Cause != CauseConnect || !r.Suspect {
			t.Errorf("%s: %+v", name, r)
		}
	}
	spec := serveRaw(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })
	spec.Scheme = "https"
	if r := run(spec); r.Cause != CauseConnect || !r.Suspect {
		t.Errorf("closed in the handshake: %+v", r)
	}
}

func TestHTTPMalformedAnswer(t *testing.T) {
	for _, raw := range []string{
		"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Torn", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
	} {
		if r := run(serveRaw(t, respond(raw))); r.Cause != CauseProtocol || !r.Suspect {
			t.Errorf("%q: %+v", raw, r)
		}
	}
}

func TestHTTPInvalidHeaderIsNotTheServersFault(t *testing.T) {
	spec := serve(t, func(http.ResponseWriter, *http.Request) {})
	spec.Header = http.Header{"Bad Name": {"x"}}
	if r := run(spec); r.Cause != CauseInternal {
		t.Fatalf("%+v", r)
	}
}

func tlsServer(t *testing.T, conf *tls.Config) *HTTPGet {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = conf
	s.Config.ErrorLog = nil
	s.StartTLS()
	return specFor(t, s)
}

func TestHTTPSSelfSigned(t *testing.T) {
	names := make(chan string, 2)
	spec := tlsServer(t, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- h.ServerName
		return nil, nil
	}})
	spec.Header = http.Header{"Host": {"virtual.example"}}
	for host, sni := range map[string]string{"127.0.0.1": "", "web.example": "web.example"} {
		spec.Host = host
		if r := run(spec); r.Cause != "" || r.Status != 200 {
			t.Fatalf("%s: %+v", host, r)
		}
		if got := <-names; got != sni {
			t.Errorf("%s: server name %q, want %q", host, got, sni)
		}
	}
	expectNoGoroutines(t)
}

func TestHTTPSHandshakeFails(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("repeated in plain HTTP") })
	plain.Scheme = "https"
	for name, spec := range map[string]*HTTPGet{
		"plain HTTP":              plain,
		"old protocol":            tlsServer(t, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}),
		"wants a certificate":     tlsServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}),
		"wants a certificate 1.2": tlsServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}),
	} {
		if r := run(spec); r.Cause != CauseTLS || r.Suspect {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
