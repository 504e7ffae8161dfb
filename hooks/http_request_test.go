package hooks

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// capture runs a hook against a server and returns the request as it came over
// the wire.
func capture(t *testing.T, change func(*HTTPGet)) string {
	t.Helper()
	heads := make(chan string, 1)
	spec := serveRaw(t, func(c net.Conn) {
		heads <- readRequest(c)
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	})
	change(spec)
	if r := run(spec); r.Cause != "" {
		t.Fatalf("%+v", r)
	}
	return <-heads
}

func headerOf(t *testing.T, head string) (first string, header map[string][]string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	header = map[string][]string{}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		header[name] = append(header[name], strings.TrimPrefix(value, " "))
	}
	return lines[0], header
}

func TestHTTPRequestDefaults(t *testing.T) {
	var host string
	first, header := headerOf(t, capture(t, func(s *HTTPGet) {
		host = requestURL(s, s.Host).Host
	}))
	if first != "GET / HTTP/1.1" {
		t.Errorf("request line %q", first)
	}
	want := map[string]string{
		"Host": host, "User-Agent": "kube-lifecycle/bookend-v1.2.3", "Accept": "*/*", "Connection": "close",
	}
	for name, value := range want {
		if len(header[name]) != 1 || header[name][0] != value {
			t.Errorf("%s: %q, want %q", name, header[name], value)
		}
	}
	if len(header) != len(want) {
		t.Errorf("more than the expected headers: %q", header)
	}
}

func TestHTTPRequestHeaders(t *testing.T) {
	_, header := headerOf(t, capture(t, func(s *HTTPGet) {
		s.Header = http.Header{
			"Host": {"web.example"}, "User-Agent": {""}, "Accept": {""}, "X-Twice": {"a", "b"}, "X-Empty": {""},
			"Cookie": {"k=v"}, "Authorization": {"Bearer x"},
			"Content-Length": {"5"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"X"},
		}
	}))
	want := map[string]string{
		"Host": "web.example", "X-Twice": "a|b", "X-Empty": "", "Cookie": "k=v", "Authorization": "Bearer x",
		"Connection": "close",
	}
	for name, value := range want {
		if got := strings.Join(header[name], "|"); len(header[name]) == 0 || got != value {
			t.Errorf("%s: %q, want %q", name, header[name], value)
		}
	}
	for name := range header {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %q must not be sent", name, header[name])
		}
	}
}

// The header map belongs to the lifecycle, which is immutable.
func TestHTTPRequestLeavesTheSpecAlone(t *testing.T) {
	var spec *HTTPGet
	capture(t, func(s *HTTPGet) { s.Header = http.Header{"Accept": {""}}; spec = s })
	if len(spec.Header) != 1 || len(spec.Header["Accept"]) != 1 {
		t.Fatalf("%q", spec.Header)
	}
}

func TestHTTPRequestPaths(t *testing.T) {
	for path, line := range map[string]string{
		"/":                    "GET / HTTP/1.1",
		"/a/b?c=d&e=%20f":      "GET /a/b?c=d&e=%20f HTTP/1.1",
		"/a%2Fb":               "GET /a%2Fb HTTP/1.1",
		"/a b":                 "GET /a%20b HTTP/1.1",
		"/%zz":                 "GET /%25zz HTTP/1.1",
		"/a#fragment":          "GET /a HTTP/1.1",
		"//user:pw@other/path": "GET /path HTTP/1.1",
	} {
		first, header := headerOf(t, capture(t, func(s *HTTPGet) { s.Path = path }))
		if first != line {
			t.Errorf("%s: %q, want %q", path, first, line)
		}
		if header["Authorization"] != nil {
			t.Errorf("%s: sent credentials %q", path, header["Authorization"])
		}
	}
}

// net/http reads proxies from the environment once per process, maybe in
// another test before this one: so the transport is looked at as well.
func TestHTTPIgnoresProxies(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://proxy.example:3128")
	}
	if newHTTPTransport(t.Context(), &fakeNetwork{}).rt.Proxy != nil {
		t.Error("the transport has a proxy")
	}
	for _, scheme := range []string{"http", "https"} {
		n := &fakeNetwork{dialErr: &net.OpError{Op: "dial", Err: net.ErrClosed}}
		spec := &HTTPGet{Host: "web.example", Port: 81, Path: "/", Scheme: scheme}
		NewHTTPHandler(spec, n, "1").Run(t.Context())
		if len(n.dialled) != 1 || n.dialled[0] != "web.example:81" {
			t.Errorf("%s: dialled %q", scheme, n.dialled)
		}
	}
}
