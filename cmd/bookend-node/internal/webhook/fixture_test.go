package webhook

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bookend.dev/bookend/cmd/bookend-node/internal/admission"
	admissionv1 "k8s.io/api/admission/v1"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const serverName = "bookend-webhook.bookend-system.svc"

// authority signs the certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key = a.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) sign(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.Subject = serial, pkix.Name{CommonName: "test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// write puts a new certificate into a directory, as the kubelet updates a mounted
// Secret: both files at once, by a link.
func (a *authority) write(t *testing.T, directory string) *x509.Certificate {
	t.Helper()
	cert, key := a.sign(t, &x509.Certificate{DNSNames: []string{serverName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(directory, "..")
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: cert.Raw}, "tls.key": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(fresh, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := fresh + ".link"
	if err := os.Symlink(filepath.Base(fresh), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(directory, "..data")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(directory, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	return cert
}

// client trusts the authority. Every request of it is a connection of its own.
func (a *authority) client() *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: serverName}, DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}}
}

// namespaces are those of a test.
type namespaces map[string]map[string]string

func (n namespaces) Labels(_ context.Context, name string) (map[string]string, error) {
	labels, ok := n[name]
	if !ok {
		return nil, fmt.Errorf("namespace %s: the API server is not there", name)
	}
	return labels, nil
}

func newHandler(t testing.TB) *Handler {
	t.Helper()
	a, err := admission.New(admission.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Handler{Admitter: a, Namespaces: namespaces{"default": nil, "shop": {admission.NamespaceLabel: admission.NamespaceEnabled}}}
}

// running is a server of a test.
type running struct {
	url  string
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
	err  error         // how, after done
}

// start serves with the certificate until the test ends.
func start(t *testing.T, h ctrl.Handler, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), ready func() error) *running {
	t.Helper()
	return startWith(t, Options{Handler: h, Certificate: certificate, Ready: ready})
}

// startWith serves until the test ends.
func startWith(t *testing.T, o Options) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{url: "https://" + l.Addr().String(), stop: stop, done: make(chan struct{})}
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	server := New(o)
	go func() {
		defer close(r.done)
		r.err = server.Run(ctx, l)
	}()
	t.Cleanup(func() { _ = r.end() })
	return r
}

// end stops the server, and returns how it ended.
func (r *running) end() error {
	r.stop()
	<-r.done
	return r.err
}

// review is a request about a pod, as an API server sends it.
func review(operation admissionv1.Operation, namespace, pod string, change func(*admissionv1.AdmissionRequest)) []byte {
	r := &admissionv1.AdmissionRequest{UID: "4f", Operation: operation, Namespace: namespace}
	r.Kind.Version, r.Kind.Kind = "v1", "Pod"
	r.Resource.Version, r.Resource.Resource = "v1", "pods"
	r.Object.Raw = []byte(pod)
	if change != nil {
		change(r)
	}
	all := admissionv1.AdmissionReview{Request: r}
	all.APIVersion, all.Kind = "admission.k8s.io/v1", "AdmissionReview"
	data, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return data
}

// send posts a review.
func send(c *http.Client, url string, body []byte) (*admissionv1.AdmissionResponse, error) {
	answer, err := c.Post(url+Path, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", answer.Status, data)
	}
	var all admissionv1.AdmissionReview
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%w: %s", err, data)
	}
	if all.Kind != "AdmissionReview" || all.APIVersion != "admission.k8s.io/v1" || all.Response == nil {
		return nil, fmt.Errorf("is no answer: %s", data)
	}
	return all.Response, nil
}

const hooked = `{"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}]}}`
