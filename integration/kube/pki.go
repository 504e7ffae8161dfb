package kube

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// authority signs certificates. Its own is the file NAME.crt in stateDir.
type authority struct {
	name string
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(name string) (*authority, error) {
	key, err := newKey(name)
	if err != nil {
		return nil, err
	}
	own, err := cert.NewSelfSignedCACert(cert.Config{CommonName: name}, key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", name, err)
	}
	return &authority{name, own, key}, writeCert(name, own)
}

// issue writes NAME.crt and NAME.key, for a server at this node or a client.
func (a *authority) issue(name string, subject pkix.Name, dns ...string) error {
	key, err := newKey(name)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    a.cert.NotBefore,
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(dns) > 0 {
		template.DNSNames = dns
		template.IPAddresses = []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(NodeIP), net.ParseIP(apiServiceIP)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("certificate of %s: %w", name, err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	return writeCert(name, signed)
}

func writeCert(name string, c *x509.Certificate) error {
	pem, err := cert.EncodeCertificates(c)
	if err != nil {
		return err
	}
	return os.WriteFile(certFile(name), pem, 0o600)
}

// newKey makes a key and writes it.
func newKey(name string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	pem, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(keyFile(name), pem, 0o600)
}

func certFile(name string) string { return filepath.Join(stateDir, name+".crt") }
func keyFile(name string) string  { return filepath.Join(stateDir, name+".key") }

// Names of keys and certificates, and of the two authorities.
const (
	clusterCA       = "ca"
	frontProxyCA    = "front-proxy-ca"
	serviceAccounts = "sa" // a key alone
	apiserverCert   = "apiserver"
	kubeletClient   = "apiserver-kubelet-client"
	frontProxy      = "front-proxy-client"
	kubeletCert     = "kubelet"
)

// writePKI makes what kubeadm makes.
func writePKI() error {
	ca, err := newAuthority(clusterCA)
	if err != nil {
		return err
	}
	front, err := newAuthority(frontProxyCA)
	if err != nil {
		return err
	}
	if _, err := newKey(serviceAccounts); err != nil {
		return err
	}
	for _, issue := range []func() error{
		func() error {
			return ca.issue(apiserverCert, pkix.Name{CommonName: "kube-apiserver"},
				"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
		},
		func() error {
			return ca.issue(kubeletCert, pkix.Name{CommonName: "system:node:" + NodeName, Organization: []string{"system:nodes"}}, NodeName)
		},
		func() error {
			return ca.issue(kubeletClient, pkix.Name{CommonName: kubeletClient, Organization: []string{"system:masters"}})
		},
		func() error { return front.issue(frontProxy, pkix.Name{CommonName: frontProxy}) },
	} {
		if err := issue(); err != nil {
			return err
		}
	}
	return nil
}
