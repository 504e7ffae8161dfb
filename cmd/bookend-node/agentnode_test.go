package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
)

const (
	apiService = "bookend-agent.bookend.svc" // whom the agent's certificate is for
	frontProxy = "front-proxy"
	logReader  = "reader"
)

// agentNode is a node of a cluster, with a bookend-node that is built as for a
// release: the race detector and the test's own libraries would count. Every part of
// the agent is on.
type agentNode struct {
	t      *testing.T
	api    *apitest.Server
	dir    string
	binary string
	agent  *exec.Cmd
	log    *agentLog
	env    []string

	metrics, hooks string // URLs of what the agent serves
	spans          atomic.Int64
	user           *http.Client // of the API, as the API server calls it
}

// buildNode builds bookend-node as for a release, and returns its path.
func buildNode(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "bookend-node")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func newAgentNode(t *testing.T) *agentNode {
	t.Helper()
	n := &agentNode{t: t, dir: t.TempDir(), api: apitest.NewTLS()}
	t.Cleanup(n.api.Close)
	n.binary = buildNode(t, n.dir)
	spans := httptest.NewServer(http.HandlerFunc(n.collect))
	t.Cleanup(spans.Close)
	n.env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL, "POD_NAMESPACE=bookend")
	err := errors.Join(n.writeKubeconfig(), n.makeCertificates())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kill)
	return n
}

func (n *agentNode) file(name string) string { return filepath.Join(n.dir, name) }

func (n *agentNode) writeKubeconfig() error {
	c := clientcmdapi.NewConfig()
	c.Clusters["c"] = &clientcmdapi.Cluster{Server: n.api.URL, CertificateAuthorityData: n.api.Authority()}
	c.Contexts["c"] = &clientcmdapi.Context{Cluster: "c"}
	c.CurrentContext = "c"
	return clientcmd.WriteToFile(*c, n.file("kubeconfig"))
}

// makeCertificates makes that of the agent, and that of the API server, which is its
// own authority.
func (n *agentNode) makeCertificates() error {
	serving, key, err := cert.GenerateSelfSignedCertKey(apiService, nil, nil)
	if err != nil {
		return err
	}
	if err := os.Mkdir(n.file("api"), 0o700); err != nil {
		return err
	}
	for name, data := range map[string][]byte{"tls.crt": serving, "ca.crt": serving, "tls.key": key} {
		if err := os.WriteFile(n.file("api/"+name), data, 0o600); err != nil {
			return err
		}
	}
	proxyKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	proxy, err := cert.NewSelfSignedCACert(cert.Config{CommonName: frontProxy}, proxyKey)
	if err != nil {
		return err
	}
	n.api.FrontProxy(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Raw}), frontProxy)
	n.api.LetRead(logReader)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(serving)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
		RootCAs: roots, ServerName: apiService, MinVersion: tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{proxy.Raw}, PrivateKey: proxyKey}},
	}}
	n.t.Cleanup(transport.CloseIdleConnections)
	n.user = &http.Client{Transport: transport}
	return nil
}

// collect counts the spans that come.
func (n *agentNode) collect(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var in collector.ExportTraceServiceRequest
	if err = errors.Join(err, proto.Unmarshal(body, &in)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			n.spans.Add(int64(len(scope.GetSpans())))
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// start starts the agent and waits until it serves.
func (n *agentNode) start() {
	n.t.Helper()
	log, w, err := os.Pipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.agent = exec.CommandContext(n.t.Context(), n.binary, "agent", "--records", n.file("records"), "--state-dir", n.file("state"),
		"--listen", "127.0.0.1:0", "--kubeconfig", n.file("kubeconfig"), "--node-name", "n1", "--api-listen", "127.0.0.1:0", "--api-cert-dir", n.file("api"))
	n.agent.Env, n.agent.Stderr = n.env, w
	err = n.agent.Start()
	w.Close()
	if err != nil {
		n.t.Fatal(err)
	}
	said := &agentLog{served: make(chan struct{}, 1)}
	go func() { _, _ = io.Copy(said, log); close(said.served) }()
	n.log = said
	if _, ok := <-said.served; !ok {
		n.t.Fatalf("the agent ended: %s", said)
	}
	n.metrics, n.hooks = "http://"+n.log.address(metricsAt), "https://"+n.log.address(hooksAt)
}

// agentLog is what an agent logs.
type agentLog struct {
	served chan struct{} // takes one when the addresses are known, and is closed at the end

	mu   sync.Mutex
	text []byte
	told bool
}

var (
	metricsAt = regexp.MustCompile(`msg="metrics are served" address=(\S+)\n`)
	hooksAt   = regexp.MustCompile(`msg="the API hooks.bookend.dev is served" address=(\S+)\n`)
)

func (l *agentLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	l.text = append(l.text, p...)
	l.mu.Unlock()
	if !l.told && l.address(metricsAt) != "" && l.address(hooksAt) != "" {
		l.told = true
		l.served <- struct{}{}
	}
	return len(p), nil
}

// address is one that is served; empty: that is not said yet.
func (l *agentLog) address(at *regexp.Regexp) string {
	if m := at.FindStringSubmatch(l.String()); m != nil {
		return m[1]
	}
	return ""
}

func (l *agentLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// kill is SIGKILL.
func (n *agentNode) kill() {
	if n.agent != nil {
		_ = n.agent.Process.Kill()
		_ = n.agent.Wait()
		n.agent = nil
	}
}

func (n *agentNode) get(path string) (int, string) {
	n.t.Helper()
	code, body, err := n.ask(http.DefaultClient, n.metrics+path)
	if err != nil {
		n.t.Fatal(err)
	}
	return code, body
}

// look asks the API for a subresource of a pod, as the user who may.
func (n *agentNode) look(pod, subresource string) (int, string, error) {
	return n.ask(n.user, n.hooks+hooksapi.Path("shop", pod, subresource))
}

func (n *agentNode) ask(by *http.Client, url string) (int, string, error) {
	r, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("X-Remote-User", logReader)
	resp, err := by.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// sum is that of a metric over all its labels.
func (n *agentNode) sum(metric string) (total float64) {
	_, body := n.get("/metrics")
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, metric+"{") || strings.HasPrefix(line, metric+" ") {
			v, err := strconv.ParseFloat(strings.Fields(line)[len(strings.Fields(line))-1], 64)
			if err != nil {
				n.t.Fatal(err)
			}
			total += v
		}
	}
	return total
}

// until waits until something holds.
func (n *agentNode) until(what string, holds func() bool) {
	n.t.Helper()
	ctx, stop := context.WithTimeout(n.t.Context(), 2*time.Minute)
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			n.t.Fatalf("%s: not within two minutes; the agent said %s", what, n.log)
		}
	}
}

// resident is a field of /proc/PID/status, in bytes.
func (n *agentNode) resident(field string) int {
	n.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.agent.Process.Pid))
	if err != nil {
		n.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), field+":")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		n.t.Fatal(err)
	}
	return kib << 10
}
