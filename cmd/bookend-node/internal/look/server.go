package look

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Server answers what the hooks of pods do and did.
type Server struct {
	opts       Options
	frontProxy *frontProxy
	agentToken *agentToken
	peers      http.RoundTripper
	serving    *serving
	requests   chan struct{} // one in it for each that is served
	logs       chan struct{} // of these, logs
	tokens     chan struct{} // of these, whose token is looked at
}

// New returns a server.
func New(o Options) *Server {
	o.Limits = o.Limits.withDefaults()
	s := &Server{
		opts: o, peers: newPeers(o),
		serving:  &serving{dir: o.CertDir, log: o.Log},
		requests: make(chan struct{}, o.Limits.Requests), logs: make(chan struct{}, o.Limits.Logs), tokens: make(chan struct{}, o.Limits.Tokens),
	}
	s.frontProxy, s.agentToken = newFrontProxy(o.Client, o.Log), newAgentToken(o.Client, o.agentsUser())
	return s
}

// Ready tells whether there is a certificate and callers can be known. Before that each
// is told to come later, or cannot connect.
func (s *Server) Ready() error { return errors.Join(s.serving.ready(), s.frontProxy.ready()) }

// Serve answers on l until ctx ends, and closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if err := s.serving.ready(); err != nil {
		s.opts.Log.Warn("the API hooks.bookend.dev waits", "error", err)
	}
	// A log that is followed has no end: that of ctx is the end of every request.
	srv := &http.Server{
		Handler:           s.handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelDebug),
	}
	var g errgroup.Group
	running, stop := context.WithCancel(ctx)
	g.Go(func() error { s.frontProxy.run(running); return nil })
	g.Go(func() error {
		<-running.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(late) != nil {
			return srv.Close()
		}
		return nil
	})
	err := srv.Serve(tls.NewListener(l, s.tlsConfig()))
	stop()
	_ = g.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the API: %w", err)
}

// tlsConfig serves with the certificate that is in the files now. It asks for the
// client's certificate and leaves the judgement to [frontProxy], which knows today's
// authority.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: s.serving.certificate,
	}
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for path, v := range documents() {
		mux.Handle("GET "+path, document(v))
	}
	for name, answer := range s.subresources() {
		mux.Handle("GET "+podPath+name, s.ofPod(answer))
	}
	return s.patiently(s.orHealth(s.limited(s.known(mux))))
}

func documents() map[string]any {
	group := group()
	return map[string]any{
		"/apis": groups(), "/apis/" + group.Name: group, "/apis/" + group.PreferredVersion.GroupVersion: resources(),
		"/openapi/v2": json.RawMessage(openAPIv2), "/openapi/v3": openAPIRoot(), pathOpenAPIv3: json.RawMessage(openAPIv3),
	}
}
