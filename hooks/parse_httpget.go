package hooks

import (
	"net/http"
	"net/url"
	"strings"
)

// httpGet reads an HTTPGetAction and what bookend adds to it:
//
//	port:          1-65535, or the name of one of the container's ports
//	host:          a name or IP address; default: the pod's own address
//	path:          default "/"; may carry a query
//	scheme:        HTTP (default) or HTTPS
//	protocol:      HTTP1 (default)
//	httpHeaders:   [{name, value}]
//	expectStatus:  "200-399", "200,204" or a number
func (g grammar) httpGet(v *value) (*HTTPGet, error) {
	t := v.table("port", "host", "path", "scheme", "protocol", "httpHeaders", "expectStatus")
	h := &HTTPGet{Path: "/", Scheme: "http"}
	required(t, "port", &h.Port, g.port)
	optional(t, "host", &h.Host, g.host)
	optional(t, "path", &h.Path, readPath)
	optional(t, "scheme", &h.Scheme, readScheme)
	optional(t, "protocol", new(string), readProtocol)
	optional(t, "httpHeaders", &h.Header, readHeaders)
	optional(t, "expectStatus", &h.ExpectStatus, (*value).statusRanges)
	return h, t.err
}

func (g grammar) port(v *value) (int, error) {
	switch v.kind {
	case kindInt:
		return between[int](1, 65535)(v)
	case kindString:
		if !isPortName(v.text) {
			return 0, v.fail("must be a number or the name of a port, got %s", quote(v.text))
		}
		return g.namedPort(v)
	}
	return 0, v.wrongKind("an integer or a string")
}

// host reads the host to connect to. Loopback addresses are the container's
// own: the socket is made inside its network namespace.
func (g grammar) host(v *value) (string, error) {
	host, err := v.str()
	if err != nil || host == "" {
		return "", err
	}
	if !isHost(host) {
		return "", v.fail("must be a host name or an IP address, got %s", quote(host))
	}
	if g.policy != nil && !isLoopback(host) && !g.policy.allowsHost(host) {
		return "", v.fail("%s is not allowed on this node (policy.allowHosts)", quote(host))
	}
	return host, nil
}

// readPath reads the path as the kubelet does: as a URL reference whose
// scheme and host count for nothing and whose fragment is dropped; what is no
// URL reference is a path, taken literally.
func readPath(v *value) (string, error) {
	s, err := v.str()
	if err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil {
		u = &url.URL{Path: s}
	}
	if u.Opaque != "" || u.User != nil {
		return "", v.fail("must be a path, got another kind of URL")
	}
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if strings.HasPrefix(path, "//") {
		// Whoever reads it as a URL once more would take it for a host.
		return "", v.fail("must not begin with an empty segment")
	}
	if u.RawQuery != "" || u.ForceQuery {
		path += "?" + strings.ReplaceAll(u.RawQuery, " ", "%20")
	}
	return path, nil
}

func readScheme(v *value) (string, error) {
	if v.kind == kindString && v.text == "" {
		return "http", nil
	}
	s, err := oneOf("HTTP", "HTTPS")(v)
	return strings.ToLower(s), err
}

// readProtocol accepts the field where it changes nothing. HTTP2 is a probe's: the
// kubelet sends lifecycle hooks over HTTP/1.1 whatever the field says.
func readProtocol(v *value) (string, error) {
	s, err := oneOf("HTTP1", "HTTP2")(v)
	if err == nil && s == "HTTP2" {
		err = v.fail("HTTP2 is not supported: Kubernetes uses it for probes only, lifecycle hooks are sent over HTTP/1.1")
	}
	return s, err
}

// readHeaders reads the httpHeaders, keeping repeated names and their order.
// Values never appear in an error: they may be credentials.
func readHeaders(v *value) (http.Header, error) {
	headers, err := each(readHeader)(v)
	if err != nil {
		return nil, err
	}
	all := make(http.Header, len(headers))
	for _, h := range headers {
		all.Add(h.name, h.value)
	}
	return all, nil
}

type header struct{ name, value string }

func readHeader(v *value) (header, error) {
	t := v.table("name", "value")
	var h header
	required(t, "name", &h.name, readHeaderName)
	optional(t, "value", &h.value, readHeaderValue)
	return h, t.err
}

// readHeaderName has Kubernetes' rule, which is narrower than HTTP's.
func readHeaderName(v *value) (string, error) {
	other := func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	s, err := v.str()
	if err == nil && (s == "" || strings.ContainsFunc(s, other)) {
		err = v.fail("must be letters, digits and '-', got %s", quote(s))
	}
	return s, err
}

func readHeaderValue(v *value) (string, error) {
	s, err := v.str()
	if err == nil && strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		err = v.fail("must not contain control characters")
	}
	return s, err
}
