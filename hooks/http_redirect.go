package hooks

import "net/http"

// maxRedirects is how many redirects of one request are followed.
const maxRedirects = 10

// checkRedirect is the [http.Client]'s policy. Only the host name counts, as
// in the kubelet (RedirectChecker in pkg/probe/http/http.go): another port or
// scheme of the same host is followed, and a redirect to another host is the
// final response, delivered like any other.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if req.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return errRedirect
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return errRedirect
	}
	// User information in a Location would be sent as an Authorization header.
	req.URL.User = nil
	return nil
}
