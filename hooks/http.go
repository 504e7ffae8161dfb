package hooks

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// maxBody is how much of a response's body is read, in bytes. The body means
// nothing to a hook; reading a little of it lets the server finish its answer
// instead of having the connection reset under it.
const maxBody = 10 << 10

type httpHandler struct {
	spec    *HTTPGet
	network Network
	version string
}

// NewHTTPHandler returns the handler of an httpGet hook: one GET of spec,
// through n and through nothing else. No proxy, cookie jar, credential store,
// connection reuse or compression takes part, whatever the environment of the
// process says. version is bookend's own, for the default User-Agent,
// "kube-lifecycle/bookend-<version>".
//
// As in the kubelet (pkg/kubelet/lifecycle/handlers.go), any status is success
// unless spec.ExpectStatus says otherwise; a redirect to another host name is
// not followed but is itself the answer; an error while the body is read does
// not matter. Unlike the kubelet, an HTTPS request that is answered in plain
// HTTP is not repeated, and a hook that is cut while the body is still coming
// has not succeeded.
//
// The handler may be run any number of times, also at once.
func NewHTTPHandler(spec *HTTPGet, n Network, version string) Handler {
	return &httpHandler{spec: spec, network: n, version: version}
}

// Run sends the request and returns when the response is in, or as soon as
// ctx is done, with every connection closed.
func (h *httpHandler) Run(ctx context.Context) Report {
	req, err := h.request(ctx)
	if err != nil {
		return NetworkFailure(err)
	}
	t := newHTTPTransport(ctx, h.network)
	defer t.close()
	client := http.Client{Transport: t.rt, CheckRedirect: checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return failure(ctx, t, err)
	}
	defer func() { _ = resp.Body.Close() }()
	drain(resp)
	if ctx.Err() != nil {
		return Report{Cause: CauseCancelled, Status: resp.StatusCode, Err: context.Cause(ctx)}
	}
	return h.reportOf(resp.StatusCode)
}

func (h *httpHandler) reportOf(status int) Report {
	r := Report{Status: status}
	if len(h.spec.ExpectStatus) == 0 {
		return r
	}
	for _, want := range h.spec.ExpectStatus {
		if want.First <= status && status <= want.Last {
			return r
		}
	}
	r.Cause = CauseUnexpectedStatus
	return r
}

func failure(ctx context.Context, t *httpTransport, err error) Report {
	switch {
	case ctx.Err() != nil:
		return Report{Cause: CauseCancelled, Err: context.Cause(ctx)}
	case errors.As(err, new(*dialError)) || !t.connected():
		return NetworkFailure(err)
	default:
		return exchangeFailure(err)
	}
}

// drain reads a short body to its end, as the kubelet does: one announced as
// longer than maxBody not at all. After an upgrade (101) the body is the
// connection itself, and reading it would wait for a protocol that no one speaks.
func drain(resp *http.Response) {
	if resp.ContentLength > maxBody || resp.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
}
