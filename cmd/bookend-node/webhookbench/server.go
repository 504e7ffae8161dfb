package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"bookend.dev/bookend/cmd/bookend-node/internal/admission"
	"bookend.dev/bookend/cmd/bookend-node/internal/webhook"
	"golang.org/x/sys/unix"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// What a server answers.
const (
	kindBookend = "bookend" // what the webhook does
	kindNothing = "nothing" // "allowed", whatever is asked
)

// noNamespaces have no labels.
type noNamespaces struct{}

func (noNamespaces) Labels(context.Context, string) (map[string]string, error) { return nil, nil }

// serve is a server's process. It prints its address and ends with its standard
// input.
func serve(ctx context.Context, kind string) error {
	var handler ctrl.Handler = ctrl.HandlerFunc(func(context.Context, ctrl.Request) ctrl.Response { return ctrl.Allowed("") })
	if kind == kindBookend {
		a, err := admission.New(admission.Options{})
		if err != nil {
			return err
		}
		handler = &webhook.Handler{Admitter: a, Namespaces: noNamespaces{}}
	}
	certificate, err := newCertificate()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	fmt.Println(l.Addr())
	return webhook.New(webhook.Options{
		Handler: handler, Log: slog.New(slog.DiscardHandler),
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
	}).Run(ctx, l)
}

func newCertificate() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// server is one that runs.
type server struct {
	process *exec.Cmd
	stdin   io.Closer
	url     string
	client  *http.Client
}

// launch starts a server of a kind.
func launch(ctx context.Context, kind string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{process: exec.CommandContext(ctx, self, "-serve", kind), client: &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // its own, of this minute
	}}}
	s.process.Stderr = os.Stderr
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	s.stdin = stdin
	var address string
	if _, err := fmt.Fscanln(stdout, &address); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s: its address: %w", kind, err)
	}
	s.url = "https://" + address + webhook.Path
	return s, nil
}

func (s *server) stop() {
	s.client.CloseIdleConnections()
	_ = s.stdin.Close()
	_ = s.process.Wait() // what it has to say is on the standard error
}

// ask sends requests one after the other, and returns the CPU time that they took.
func (s *server) ask(ctx context.Context, body []byte, requests int) (time.Duration, error) {
	before, err := s.used()
	if err != nil {
		return 0, err
	}
	for range requests {
		if err := s.askOnce(ctx, body); err != nil {
			return 0, err
		}
	}
	after, err := s.used()
	return after - before, err
}

func (s *server) askOnce(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && !strings.Contains(string(data), `"allowed":true`) {
		err = errors.New("refused: " + string(data))
	}
	return err
}

// used is the CPU time of the server's process so far.
func (s *server) used() (time.Duration, error) {
	var t unix.Timespec
	// The kernel's number for the clock of all threads of another process.
	const processClock = 2
	clock := int32(^uint32(s.process.Process.Pid)<<3 | processClock)
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", s.process.Process.Pid, err)
	}
	return time.Duration(t.Nano()), nil
}
