package hooks

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// request builds the hook's GET. The header map is a copy: net/http may change
// it, and the handler is run again under retries.
//
// net/http itself writes Content-Length, Transfer-Encoding and Trailer from
// the request's body and leaves those of the header map out, so an annotation
// can't announce a body that never comes.
func (h *httpHandler) request(ctx context.Context) (*http.Request, error) {
	host := h.spec.Host
	if host == "" {
		addr, err := h.network.PodAddress()
		if err != nil {
			return nil, err
		}
		host = addr.String()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, err
	}
	req.URL = requestURL(h.spec, host)
	req.Header = requestHeader(h.spec.Header, h.version)
	req.Host = h.spec.Header.Get("Host") // empty: that of the URL
	return req, nil
}

// requestURL reads the hook's path as the kubelet does (formatURL in
// pkg/probe/http/request.go): as a URL whose scheme and host are then replaced,
// or as a plain path where it is no URL. What a path such as "//user:pw@host/"
// says about users is dropped: it would become an Authorization header.
func requestURL(spec *HTTPGet, host string) *url.URL {
	u, err := url.Parse(spec.Path)
	if err != nil {
		u = &url.URL{Path: spec.Path}
	}
	u.Scheme = spec.Scheme
	u.User = nil
	u.Host = net.JoinHostPort(host, strconv.Itoa(spec.Port))
	return u
}

// requestHeader adds the defaults for User-Agent and Accept to header; an
// empty value of either keeps it from being sent at all.
func requestHeader(header http.Header, version string) http.Header {
	out := header.Clone()
	if out == nil {
		out = http.Header{}
	}
	if _, set := out["User-Agent"]; !set {
		out.Set("User-Agent", "kube-lifecycle/bookend-"+version)
	} else if out.Get("User-Agent") == "" {
		out.Set("User-Agent", "") // absent, net/http would send its own
	}
	if _, set := out["Accept"]; !set {
		out.Set("Accept", "*/*")
	} else if out.Get("Accept") == "" {
		out.Del("Accept")
	}
	return out
}
