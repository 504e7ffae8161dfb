package selfsigned

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// Keys of the Secret. The first two are those that cert-manager and Ingresses
// have.
const (
	servingKey       = corev1.TLSPrivateKeyKey // tls.key
	servingCert      = corev1.TLSCertKey       // tls.crt
	authoritiesCerts = "ca.crt"                // the newest first
	authorityKey     = "ca.key"                // the newest's
)

// state is what the Secret holds.
type state struct {
	newest  pair                // authority
	older   []*x509.Certificate // authorities
	serving pair
}

// authorities are the certificates that the API server has to trust.
func (s *state) authorities() []*x509.Certificate {
	return append([]*x509.Certificate{s.newest.cert}, s.older...)
}

// bundle is the same as a webhook configuration has it.
func (s *state) bundle() []byte { return encodeCertificates(s.authorities()...) }

// certificate is the serving one, as servers have it.
func (s *state) certificate() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{s.serving.cert.Raw}, PrivateKey: s.serving.key, Leaf: s.serving.cert}
}

// isNewest tells whether the newest authority has signed the serving certificate.
func (s *state) isNewest() bool { return s.serving.cert.CheckSignatureFrom(s.newest.cert) == nil }

// encode is the Secret's data.
func (s *state) encode() (map[string][]byte, error) {
	key, err := encodeKey(s.newest.key)
	if err != nil {
		return nil, err
	}
	serving, err := encodeKey(s.serving.key)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		authoritiesCerts: s.bundle(), authorityKey: key,
		servingCert: encodeCertificates(s.serving.cert), servingKey: serving,
	}, nil
}

// decode reads the Secret's data.
func decode(data map[string][]byte) (*state, error) {
	authorities, err := decodeCertificates(data[authoritiesCerts])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", authoritiesCerts, err)
	}
	newest, err := decodePair(authorities[0], data[authorityKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", authorityKey, err)
	}
	certs, err := decodeCertificates(data[servingCert])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", servingCert, err)
	}
	serving, err := decodePair(certs[0], data[servingKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", servingKey, err)
	}
	return &state{newest: newest, older: authorities[1:], serving: serving}, nil
}
