package look

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// serving is the certificate in a directory that is replaced now and again. It is
// looked at when a connection begins: the API server keeps its connections. Whoever makes
// it may be later than the agent.
type serving struct {
	dir string
	log *slog.Logger

	mu     sync.Mutex
	cert   *tls.Certificate
	read   [2]stamp // what cert was made of
	warned string   // of what, last
}

// stamp tells a file from the one that it replaces.
type stamp struct {
	modified time.Time
	size     int64
}

// certificate is a GetCertificate of [tls.Config]. Where what is in the files now
// cannot be served, what was there before is.
func (s *serving) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh()
	if s.cert == nil {
		return nil, err
	}
	s.warn(err)
	return s.cert, nil
}

// warn says once why the certificate is not read again: probes come every few seconds.
func (s *serving) warn(err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != "" && said != s.warned {
		s.log.Warn("the certificate is not read again", "error", err)
	}
	s.warned = said
}

// ready says why there is no certificate yet, and looks for one. Without its authority
// no agent knows another.
func (s *serving) ready() error {
	_, err := s.certificate(nil)
	if err == nil {
		_, err = readAuthorities(filepath.Join(s.dir, authorityFile))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNoCertificate, err)
	}
	return nil
}

// refresh reads the files if they were replaced. Those of a certificate and of another's
// key, which may be there for a moment, are an error, and are read the next time.
func (s *serving) refresh() error {
	names := [2]string{filepath.Join(s.dir, corev1.TLSCertKey), filepath.Join(s.dir, corev1.TLSPrivateKeyKey)}
	var now [2]stamp
	for i, name := range names {
		st, err := os.Stat(name)
		if err != nil {
			return err
		}
		now[i] = stamp{st.ModTime(), st.Size()}
	}
	if s.cert != nil && now == s.read {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(names[0], names[1])
	if err != nil {
		return err
	}
	s.cert, s.read = &cert, now
	return nil
}
