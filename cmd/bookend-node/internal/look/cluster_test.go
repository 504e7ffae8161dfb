package look

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

const (
	serverName  = "agents.bookend.svc"
	proxyName   = "front-proxy"
	agentsToken = "token-of-the-agents"
	limit       = 20 * time.Second // of what has to happen some time
)

// cluster is an API server and the agents of its nodes.
type cluster struct {
	t       *testing.T
	api     *apiServer
	proxies *authority // of the API server's certificate
	agents  *authority // of the agents'
	certs   string     // the agents' directory
	token   string     // file of their token
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, api: newAPIServer(t), proxies: newAuthority(t, "request-header"), agents: newAuthority(t, "agents")}
	c.certs = c.agents.certDir(t, serverName)
	c.token = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(c.token, []byte(agentsToken), 0o600); err != nil {
		t.Fatal(err)
	}
	c.believe(c.proxies)
	c.api.tokens[agentsToken] = authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: []string{Audience}, User: authenticationv1.UserInfo{Username: "system:serviceaccount:bookend:agent"},
	}
	c.api.may["reader"] = true
	return c
}

// believe has the API server name the authority of its request headers.
func (c *cluster) believe(a *authority) {
	c.api.setConfig(map[string]string{
		requestHeaderClientCA:      string(a.pem),
		requestHeaderAllowedNames:  `["` + proxyName + `"]`,
		requestHeaderUsernames:     `["X-Remote-User"]`,
		requestHeaderUIDs:          `["X-Remote-Uid"]`,
		requestHeaderGroups:        `["X-Remote-Group"]`,
		requestHeaderExtraPrefixes: `["X-Remote-Extra-"]`,
	})
}

// quick are limits that a test can wait for.
var quick = Limits{Poll: 10 * time.Millisecond, Heartbeat: 50 * time.Millisecond}

// agent is one that runs.
type agent struct {
	*Server
	addr  string
	store *record.Store
	done  chan struct{} // closed when it has ended
	stop  context.CancelFunc
}

// run starts the agent of a node, and has its endpoint in the Service.
func (c *cluster) run(node string, limits Limits) *agent {
	c.t.Helper()
	a := c.begin(node, limits)
	eventually(c.t, func() bool { return a.Ready() == nil })
	c.endpoint(node, a.addr)
	return a
}

// begin starts the agent of a node.
func (c *cluster) begin(node string, limits Limits) *agent {
	c.t.Helper()
	store := record.Open(c.t.TempDir(), record.Limits{MaxAge: 1 << 62, MaxBytes: 1 << 30, MaxCount: 10_000})
	c.t.Cleanup(func() { store.Remove(record.Subject{}) }) // waits for what is being written
	s := New(Options{
		Client: c.api.client(c.t), Records: store, Node: node, Namespace: "bookend", Service: "agents", Port: "look",
		ServiceAccount: "agent", CertDir: c.certs, TokenFile: c.token, Log: testLog(c.t), Limits: limits,
	})
	l := listen(c.t)
	ctx, stop := context.WithCancel(context.WithoutCancel(c.t.Context()))
	a := &agent{Server: s, addr: l.Addr().String(), store: store, done: make(chan struct{}), stop: stop}
	go func() {
		defer close(a.done)
		if err := s.Serve(ctx, l); err != nil {
			c.t.Error(err)
		}
	}()
	c.t.Cleanup(func() { stop(); <-a.done })
	return a
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// eventually waits until something holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	late, tick := time.After(limit), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("it does not come about")
		}
	}
}

// endpoint has an address be that of a node's agent.
func (c *cluster) endpoint(node, addr string) {
	c.t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		c.t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		c.t.Fatal(err)
	}
	name, other, p, zero := "look", "metrics", int32(number), int32(1)
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	c.api.slices = append(c.api.slices, discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &other, Port: &zero}, {Name: &name, Port: &p}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{host}, NodeName: &node}},
	})
}

// pod makes a pod of namespace shop.
func (c *cluster) pod(name, node string, change ...func(*corev1.Pod)) *corev1.Pod {
	class := "bookend"
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-of-" + name)},
		Spec:       corev1.PodSpec{NodeName: node, RuntimeClassName: &class},
	}
	for _, f := range change {
		f(pod)
	}
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	c.api.pods["shop/"+name] = pod
	return pod
}

// subject is a container of a pod.
func subject(pod *corev1.Pod, container string) record.Subject {
	return record.Subject{Namespace: "k8s.io", Container: container, Name: "main", Pod: pod.Name, PodNamespace: pod.Namespace, PodUID: string(pod.UID)}
}

// ran leaves a record of an attempt that printed.
func (a *agent) ran(c record.Subject, stdout string) {
	a.leave(record.Record{Subject: c, Attempt: 1, End: record.End{Stdout: []byte(stdout)}})
}

// leave writes a record by hand: a store drops output on a machine that is too busy.
func (a *agent) leave(r record.Record) {
	r.Version, r.Hook, r.Handler, r.Outcome, r.Started = record.Version, hooks.PostStart, "exec", hooks.Succeeded, time.Now().UTC()
	line, err := json.Marshal(r)
	dir := filepath.Join(a.store.Dir(), "records")
	tmp := filepath.Join(dir, ".new")
	name := fmt.Sprintf("%020d-00000001.jsonl", r.Started.UnixNano())
	err = errors.Join(err, os.MkdirAll(dir, 0o700), os.WriteFile(tmp, append(line, '\n'), 0o600), os.Rename(tmp, filepath.Join(dir, name)))
	if err != nil {
		panic(err)
	}
}

// call is a request to an agent, by default as the API server makes it for a user.
type call struct {
	cert   *tls.Certificate // nil: none
	header http.Header
	path   string
}

// as is the call of the API server for a user.
func (c *cluster) as(user, path string) call {
	c.t.Helper()
	return call{c.proxies.client(c.t, proxyName), http.Header{"X-Remote-User": {user}}, path}
}

func podLog(pod string) string   { return hooksapi.Path("shop", pod, hooksapi.SubresourceLog) }
func podHooks(pod string) string { return hooksapi.Path("shop", pod, hooksapi.SubresourceHooks) }

// send makes a call on a connection of its own. The answer is closed with the test.
func (c *cluster) send(a *agent, call call) *http.Response {
	c.t.Helper()
	answer, err := c.try(a, call)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

func (c *cluster) try(a *agent, call call) (*http.Response, error) {
	roots := x509.NewCertPool()
	roots.AddCert(c.agents.cert)
	config := &tls.Config{RootCAs: roots, ServerName: serverName, MinVersion: tls.VersionTLS13}
	if call.cert != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return call.cert, nil }
	}
	tr := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	c.t.Cleanup(tr.CloseIdleConnections)
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "https://"+a.addr+call.path, nil)
	if err != nil {
		return nil, err
	}
	r.Header = call.header.Clone()
	answer, err := (&http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err == nil {
		c.t.Cleanup(func() { answer.Body.Close() })
	}
	return answer, err
}

// wantStatus makes a call and compares the status code. It returns the message of
// an error.
func (c *cluster) wantStatus(a *agent, call call, want int) string {
	c.t.Helper()
	answer := c.send(a, call)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != want || err != nil {
		c.t.Errorf("%s: status %d, %v: %s; want %d", call.path, answer.StatusCode, err, body, want)
	}
	var st metav1.Status
	if want >= 400 {
		if err := json.Unmarshal(body, &st); err != nil || st.Kind != "Status" || st.Code != int32(want) {
			c.t.Errorf("no Status: %s", body)
		}
	}
	return st.Message
}

// lines reads a log to its end.
func (c *cluster) lines(a *agent, call call) (lines []hooksapi.LogLine, err error) {
	c.t.Helper()
	answer := c.send(a, call)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(answer.Body)
		c.t.Fatalf("%s: status %d: %s", call.path, answer.StatusCode, body)
	}
	return readLines(c.t, answer.Body)
}

func readLines(t *testing.T, body io.Reader) (lines []hooksapi.LogLine, err error) {
	t.Helper()
	all, err := io.ReadAll(body)
	for text := range bytes.Lines(all) {
		var l hooksapi.LogLine
		if json.Unmarshal(text, &l) == nil {
			lines = append(lines, l)
		}
	}
	return lines, err
}

// printed is what hooks printed, of all records.
func printed(lines []hooksapi.LogLine) string {
	var out []byte
	for _, l := range lines {
		if l.Record != nil {
			out = append(out, l.Record.Stdout...)
		}
	}
	return string(out)
}

// follower reads a log that goes on.
type follower struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (c *cluster) follow(a *agent, call call) follower {
	c.t.Helper()
	call.path += "?follow=true"
	answer := c.send(a, call)
	c.t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		c.t.Fatalf("status %d", answer.StatusCode)
	}
	s := bufio.NewScanner(answer.Body)
	s.Buffer(nil, 4<<20)
	return follower{c.t, s}
}

// next is the next line that takes accepts.
func (f follower) next(takes func(hooksapi.LogLine) bool) hooksapi.LogLine {
	f.t.Helper()
	for f.lines.Scan() {
		var l hooksapi.LogLine
		if err := json.Unmarshal(f.lines.Bytes(), &l); err != nil {
			f.t.Fatal(err)
		}
		if takes(l) {
			return l
		}
	}
	f.t.Fatalf("the log has ended: %v", f.lines.Err())
	return hooksapi.LogLine{}
}

func aRecord(l hooksapi.LogLine) bool   { return l.Record != nil }
func heartbeat(l hooksapi.LogLine) bool { return l == hooksapi.LogLine{} }

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
