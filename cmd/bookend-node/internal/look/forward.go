package look

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/transport"
)

// dialTimeout is how long the connection to another agent and its TLS may take.
const dialTimeout = 5 * time.Second

// newPeers returns what talks to other agents. It reads the token and the
// certificate authority anew as they are replaced.
func newPeers(o Options) http.RoundTripper {
	t := &http.Transport{
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialAgent(ctx, network, addr, filepath.Join(o.CertDir, authorityFile), o.serverName())
		},
		ResponseHeaderTimeout: o.Limits.Answer,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   2,
		DisableCompression:    true,
	}
	return transport.TokenSourceWrapTransport(transport.NewCachedFileTokenSource(o.TokenFile))(t)
}

// dialAgent connects to an agent, which shows the agents' certificate.
func dialAgent(ctx context.Context, network, addr, caFile, serverName string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	roots, err := readAuthorities(caFile)
	if err != nil {
		return nil, err
	}
	d := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: serverName, MinVersion: tls.VersionTLS13}}
	return d.DialContext(ctx, network, addr)
}

// authorityFile is beside the agents' certificate: its authorities.
const authorityFile = "ca.crt"

func readAuthorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %w", file, errCertificates)
	}
	return roots, nil
}

// forward has the agent of another node answer. That one decides for itself
// whether the user may, and forwards nothing.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, who caller, node string) error {
	if who.forwarded {
		return refused(apierrors.NewServiceUnavailable(fmt.Sprintf("the agent of node %s: the pod is on node %s: %v", s.opts.Node, node, errNotHere)))
	}
	addr, err := s.agentOf(r.Context(), node)
	if err != nil {
		return err
	}
	follow := follows(r)
	proxy := httputil.ReverseProxy{
		Transport:     s.peers,
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelInfo),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL = &url.URL{Scheme: "https", Host: addr, Path: p.In.URL.Path, RawPath: p.In.URL.RawPath, RawQuery: p.In.URL.RawQuery}
			p.Out.Host = s.opts.serverName()
			p.Out.Header = http.Header{"Accept": {"application/json"}}
			transport.SetAuthProxyHeaders(p.Out, who.user.GetName(), who.user.GetUID(), who.user.GetGroups(), who.user.GetExtra())
			p.Out.Body, p.Out.ContentLength = nil, 0
		},
		ModifyResponse: func(answer *http.Response) error { return s.takeAnswer(answer, follow) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			s.opts.Log.Warn("another agent does not answer", "node", node, "address", addr, "error", err)
			refuse(w, unanswered(node, err))
		},
	}
	proxy.ServeHTTP(w, r)
	return nil
}

// takeAnswer checks what another agent answers before a byte of it goes on, and
// bounds the rest.
func (s *Server) takeAnswer(answer *http.Response, follow bool) error {
	kind := answer.Header.Get("Content-Type")
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized:
		return errRefused
	case code != http.StatusOK && code < http.StatusBadRequest, kind != "application/json":
		return fmt.Errorf("%w: status %d, content %q", errAnswer, code, kind)
	}
	answer.Header = http.Header{"Content-Type": {kind}, "Cache-Control": {"no-store"}}
	most := 2*s.opts.Limits.MaxBytes + 1<<20
	if follow {
		most = -1
	}
	answer.Body = newBounded(answer.Body, most, 4*s.opts.Limits.Heartbeat)
	return nil
}

// unanswered is what a caller is told of an agent that does not answer.
func unanswered(node string, err error) error {
	said := fmt.Sprintf("the agent of node %s does not answer: %v", node, err)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return refused(apierrors.NewTimeoutError(said, 1))
	}
	return refused(apierrors.NewServiceUnavailable(said))
}
