package webhook

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// Files are the certificate and key in a directory, as cert-manager's Secret is
// mounted: tls.crt and tls.key.
type Files struct{ watcher *certwatcher.CertWatcher }

// ReadFiles reads the files.
func ReadFiles(directory string) (*Files, error) {
	w, err := certwatcher.New(filepath.Join(directory, corev1.TLSCertKey), filepath.Join(directory, corev1.TLSPrivateKeyKey))
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return &Files{watcher: w}, nil
}

// GetCertificate is for [tls.Config].
func (f *Files) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.watcher.GetCertificate(hello)
}

// Run reads the files again whenever they change, until ctx ends.
func (f *Files) Run(ctx context.Context) error {
	if err := f.watcher.Start(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}
