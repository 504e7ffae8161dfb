package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Path is where the server answers AdmissionReviews.
const Path = "/pods"

// Bounds of what a client may take its time for, and of what is left to do when
// the server ends. An API server waits for an answer for 30 seconds at most.
const (
	headerTimeout   = 10 * time.Second
	requestTimeout  = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 20 * time.Second
)

// Linger is for how long a server takes new requests after its end has begun: so
// long an API server may send them to an address that is no endpoint any more. With
// what is left to do after it, it fits into a pod's 30 seconds.
const Linger = 8 * time.Second

// Options are what a Server needs.
type Options struct {
	Handler ctrl.Handler
	// Certificate is asked at each handshake.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Ready returns why the server is not ready; nil: it is.
	Ready func() error
	// Linger returns a channel that tells when an ending server takes no new requests
	// any more; nil: at once.
	Linger func() <-chan time.Time
	Log    *slog.Logger
}

// Server answers AdmissionReviews.
type Server struct {
	o      Options
	ending atomic.Bool
}

// New returns a server that does not run yet.
func New(o Options) *Server { return &Server{o: o} }

// Run serves at the listener until ctx ends, lingers, and then ends what is running.
// It closes the listener.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, IdleTimeout: idleTimeout,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.o.Certificate},
		ErrorLog:  slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug), // handshakes of port scanners
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(l, "", "") }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.ending.Store(true)
	if s.o.Linger != nil {
		select {
		case err := <-failed:
			return fmt.Errorf("serve: %w", err)
		case <-s.o.Linger():
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if serve := <-failed; !errors.Is(serve, http.ErrServerClosed) {
		err = errors.Join(err, serve)
	}
	return err
}

func (s *Server) routes() http.Handler {
	webhook := &ctrl.Webhook{Handler: s.o.Handler, LogConstructor: s.logger()}
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, webhook)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// logger makes the logger of a request.
func (s *Server) logger() func(logr.Logger, *ctrl.Request) logr.Logger {
	base := logr.FromSlogHandler(s.o.Log.Handler())
	return func(_ logr.Logger, req *ctrl.Request) logr.Logger {
		if req == nil {
			return base
		}
		return base.WithValues("pod", nameOf(req), "request", req.UID)
	}
}

func (s *Server) ready() error {
	if s.ending.Load() {
		return fmt.Errorf("%w: the server ends", errNotReady)
	}
	if s.o.Ready != nil {
		return s.o.Ready()
	}
	return nil
}
