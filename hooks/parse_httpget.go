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
	t, err := v.table("port", "host", "path", "scheme", "protocol", "httpHeaders", "expectStatus")
	if err != nil {
		return nil, err
	}
	h := &HTTPGet{}
	if h.Port, err = g.portField(t); err != nil {
		return nil, err
	}
	if h.Host, err = g.host(t); err != nil {
		return nil, err
	}
	if h.Path, err = readPath(t); err != nil {
		return nil, err
	}
	if h.Scheme, err = readScheme(t); err != nil {
		return nil, err
	}
	if err := readProtocol(t); err != nil {
		return nil, err
	}
	if h.Header, err = readHeaders(t); err != nil {
		return nil, err
	}
	if f := t.get("expectStatus"); f != nil {
		h.ExpectStatus, err = f.statusRanges()
	}
	return h, err
}

func (g grammar) portField(t *table) (int, error) {
	f := t.get("port")
	if f == nil {
		return 0, t.missing("port")
	}
	switch f.kind {
	case kindInt:
		n, err := f.integer(1, 65535)
		return int(n), err
	case kindString:
		if !isPortName(f.text) {
			return 0, f.fail("must be a number or the name of a port, got %s", quote(f.text))
		}
		return g.namedPort(f)
	}
	return 0, f.wrongKind("an integer or a string")
}

// host reads the host to connect to. Loopback addresses are the container's
// own: the socket is made inside its network namespace.
func (g grammar) host(t *table) (string, error) {
	host, err := t.str("host")
	if err != nil || host == "" {
		return "", err
	}
	f := t.get("host")
	if !isHost(host) {
		return "", f.fail("must be a host name or an IP address, got %s", quote(host))
	}
	if g.policy != nil && !isLoopback(host) && !g.policy.allowsHost(host) {
		return "", f.fail("%s is not allowed on this node (policy.allowHosts)", quote(host))
	}
	return host, nil
}

// readPath reads the path as the kubelet does: as a URL reference whose
// scheme and host count for nothing and whose fragment is dropped; what is no
// URL reference is a path, taken literally.
func readPath(t *table) (string, error) {
	s, err := t.str("path")
	if err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil {
		u = &url.URL{Path: s}
	}
	if u.Opaque != "" || u.User != nil {
		return "", t.get("path").fail("must be a path, got another kind of URL")
	}
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if strings.HasPrefix(path, "//") {
		// Whoever reads it as a URL once more would take it for a host.
		return "", t.get("path").fail("must not begin with an empty segment")
	}
	if u.RawQuery != "" || u.ForceQuery {
		path += "?" + strings.ReplaceAll(u.RawQuery, " ", "%20")
	}
	return path, nil
}

func readScheme(t *table) (string, error) {
	f := t.get("scheme")
	if f == nil || f.kind == kindString && f.text == "" {
		return "http", nil
	}
	s, err := f.enum("HTTP", "HTTPS")
	return strings.ToLower(s), err
}

// readProtocol accepts the field where it changes nothing. HTTP2 is a probe's: the
// kubelet sends lifecycle hooks over HTTP/1.1 whatever the field says.
func readProtocol(t *table) error {
	f := t.get("protocol")
	if f == nil {
		return nil
	}
	s, err := f.enum("HTTP1", "HTTP2")
	if err == nil && s == "HTTP2" {
		err = f.fail("HTTP2 is not supported: Kubernetes uses it for probes only, lifecycle hooks are sent over HTTP/1.1")
	}
	return err
}

// readHeaders reads the httpHeaders, keeping repeated names and their order.
// Values never appear in an error: they may be credentials.
func readHeaders(t *table) (http.Header, error) {
	f := t.get("httpHeaders")
	if f == nil {
		return nil, nil
	}
	items, err := f.list()
	if err != nil {
		return nil, err
	}
	header := make(http.Header, len(items))
	for _, item := range items {
		if err := addHeader(header, item); err != nil {
			return nil, err
		}
	}
	return header, nil
}

func addHeader(header http.Header, item *value) error {
	t, err := item.table("name", "value")
	if err != nil {
		return err
	}
	f := t.get("name")
	if f == nil {
		return t.missing("name")
	}
	name, err := f.str()
	if err != nil {
		return err
	}
	if !isHeaderName(name) {
		return f.fail("must be letters, digits and '-', got %s", quote(name))
	}
	text, err := t.str("value")
	if err != nil {
		return err
	}
	if strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) >= 0 {
		return t.get("value").fail("must not contain control characters")
	}
	header.Add(name, text)
	return nil
}

// isHeaderName is Kubernetes' rule, narrower than HTTP's.
func isHeaderName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}
