package selfsigned

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// skew is by how much the API server's clock may be behind: certificates are valid
// from so long before they are made.
const skew = time.Hour

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer // nil: not known
}

// made is when a certificate was made.
func made(c *x509.Certificate) time.Time { return c.NotBefore.Add(skew) }

// due is when a certificate is to be replaced: two thirds into its life.
func due(c *x509.Certificate) time.Time {
	return made(c).Add(c.NotAfter.Sub(made(c)) * 2 / 3)
}

// newAuthority makes an authority that signs itself.
func newAuthority(now time.Time, life time.Duration) (pair, error) {
	template, err := newTemplate(now, life, "bookend webhook authority")
	if err != nil {
		return pair{}, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	return sign(template, pair{})
}

// newServing makes a serving certificate for the names.
func newServing(now time.Time, life time.Duration, names []string, by pair) (pair, error) {
	template, err := newTemplate(now, life, names[0])
	if err != nil {
		return pair{}, err
	}
	template.DNSNames = names
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if template.NotAfter.After(by.cert.NotAfter) {
		template.NotAfter = by.cert.NotAfter
	}
	return sign(template, by)
}

func newTemplate(now time.Time, life time.Duration, name string) (*x509.Certificate, error) {
	const serialBits = 128
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{"bookend.dev"}},
		NotBefore:    now.Add(-skew), NotAfter: now.Add(life),
	}, nil
}

// sign makes the certificate of a new key; without by, its own key signs it.
func sign(template *x509.Certificate, by pair) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("key: %w", err)
	}
	if by.cert == nil {
		by = pair{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign %s: %w", template.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	return pair{cert, key}, err
}

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY"
)

// encodeCertificates is the PEM of certificates.
func encodeCertificates(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: certificateBlock, Bytes: c.Raw}) // a buffer takes all
	}
	return b.Bytes()
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

// decodeCertificates reads the PEM of certificates.
func decodeCertificates(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for len(bytes.TrimSpace(data)) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil || block.Type != certificateBlock {
			return nil, errors.New("must be certificates in PEM")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("must be certificates, got none")
	}
	return certs, nil
}

// decodePair reads a certificate's key, and checks that it is that.
func decodePair(cert *x509.Certificate, data []byte) (pair, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != keyBlock {
		return pair{}, errors.New("must be a private key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return pair{}, fmt.Errorf("key: %w", err)
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || !private.PublicKey.Equal(cert.PublicKey) {
		return pair{}, errors.New("is not the certificate's key")
	}
	return pair{cert, private}, nil
}
