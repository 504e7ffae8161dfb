package look

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks/record"
)

func TestTheAgentOfThePodsNodeAnswers(t *testing.T) {
	c := newCluster(t)
	a, b := c.run("node-a", quick), c.run("node-b", quick)
	web, db := c.pod("web", "node-a"), c.pod("db", "node-b")
	a.ran(subject(web, "c1"), "of web\n")
	b.ran(subject(db, "c2"), "of db\n")
	a.ran(subject(db, "c3"), "of db, on another node\n") // an earlier one may have been there
	for _, asked := range []*agent{a, b} {
		for pod, want := range map[string]string{"web": "node-a of web\n", "db": "node-b of db\n"} {
			lines, err := c.lines(asked, c.as("reader", podLog(pod)))
			if err != nil || len(lines) == 0 || lines[0].Head == nil || lines[0].Head.Node+" "+printed(lines) != want {
				t.Errorf("%s: %+v, %v; want %q", pod, lines, err, want)
			}
			c.wantStatus(asked, c.as("reader", podHooks(pod)), http.StatusOK)
		}
	}
	c.wantStatus(a, c.as("stranger", podLog("db")), http.StatusForbidden)
}

// The agent that is asked by another decides as well.
func TestTheOtherAgentDecidesForItself(t *testing.T) {
	c := newCluster(t)
	b := c.run("node-b", quick)
	b.ran(subject(c.pod("db", "node-b"), "c2"), "of db\n")
	forwarded := func(user string) call {
		return call{nil, http.Header{"X-Remote-User": {user}, "Authorization": {"Bearer " + agentsToken}}, podLog("db")}
	}
	c.wantStatus(b, forwarded("reader"), http.StatusOK)
	c.wantStatus(b, forwarded("stranger"), http.StatusForbidden)
	a := c.run("node-a", quick)
	c.api.reviews = nil
	call := c.as("reader", podLog("db"))
	call.header["X-Remote-Group"] = []string{"shop", "staff"}
	call.header.Add("X-Remote-Extra-Room", "7")
	c.wantStatus(a, call, http.StatusOK)
	if len(c.api.reviews) != 2 || fmt.Sprint(c.api.reviews[0]) == "" || c.api.reviews[1].Extra["room"][0] != "7" || strings.Join(c.api.reviews[1].Groups, " ") != "shop staff" || c.api.reviews[1].User != "reader" {
		t.Errorf("asked %+v", c.api.reviews)
	}
}

func TestWhatIsForwardedIsFollowed(t *testing.T) {
	c := newCluster(t)
	a, b := c.run("node-a", quick), c.run("node-b", quick)
	db := subject(c.pod("db", "node-b"), "c2")
	f := c.follow(a, c.as("reader", podLog("db")))
	f.next(heartbeat)
	b.ran(db, "later\n")
	if l := f.next(func(l hooksapi.LogLine) bool { return l.Record != nil && !l.Record.Running }); string(l.Record.Stdout) != "later\n" {
		t.Errorf("got %+v", l)
	}
}

// The addresses of agents may be wrong or old: a request goes one step and no more.
func TestForwardingDoesNotGoInCircles(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	b := c.run("node-b", quick)
	c.pod("lost", "node-c")
	for _, addr := range []string{a.addr, b.addr} {
		c.api.mu.Lock()
		c.api.slices = nil
		c.api.reviews = nil
		c.api.mu.Unlock()
		c.endpoint("node-c", addr)
		said := c.wantStatus(a, c.as("reader", podLog("lost")), http.StatusServiceUnavailable)
		if !strings.Contains(said, errNotHere.Error()) || len(c.api.reviews) != 2 {
			t.Errorf("%s, after %d reviews", said, len(c.api.reviews))
		}
	}
}

// Endpoints that are not ready, and names that a DNS server would have to be asked for,
// are passed over.
func TestOnlyAReadyAddressIsAsked(t *testing.T) {
	c := newCluster(t)
	a, b := c.run("node-a", quick), c.run("node-b", quick)
	c.pod("db", "node-b")
	c.api.mu.Lock()
	of := c.api.slices[1]
	unready, named := *of.DeepCopy(), *of.DeepCopy()
	no := false
	unready.Endpoints[0].Conditions.Ready, unready.Endpoints[0].Addresses = &no, []string{"192.0.2.1"}
	named.AddressType, named.Endpoints[0].Addresses = discoveryv1.AddressTypeFQDN, []string{"agent.example.org"}
	c.api.slices = []discoveryv1.EndpointSlice{unready, named, of}
	c.api.mu.Unlock()
	if addr, err := a.agentOf(t.Context(), "node-b"); err != nil || addr != b.addr {
		t.Errorf("asks %s, %v; want %s", addr, err, b.addr)
	}
}

// A log that is followed may be longer than one that is not.
func TestAFollowedLogOfAnotherNodeIsNotCutOff(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", Limits{MaxBytes: 1})
	c.peer(c.agentsCert(), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "%s\n", strings.Repeat(" ", 2<<20))
		_ = json.NewEncoder(w).Encode(hooksapi.LogLine{Omitted: 17})
	})
	lines, err := c.lines(a, c.as("reader", podLog("db")+"?follow=true"))
	if err != nil || len(lines) != 1 || lines[0].Omitted != 17 {
		t.Errorf("%+v, %v", lines, err)
	}
}

func TestANodeWithoutAnAgentIsTold(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	c.pod("db", "node-b")
	if said := c.wantStatus(a, c.as("reader", podLog("db")), http.StatusServiceUnavailable); !strings.Contains(said, "the pod is on node node-b: "+errNoAgent.Error()) {
		t.Error(said)
	}
	gone := listen(t)
	c.endpoint("node-b", gone.Addr().String())
	gone.Close()
	if said := c.wantStatus(a, c.as("reader", podLog("db")), http.StatusServiceUnavailable); !strings.Contains(said, "node-b does not answer") {
		t.Error(said)
	}
}

// peer is what answers in the place of the agent of node-b.
func (c *cluster) peer(cert *tls.Certificate, answer http.HandlerFunc) {
	c.t.Helper()
	l := listen(c.t)
	ctx, stop := context.WithCancel(context.WithoutCancel(c.t.Context()))
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ended, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		answer(w, r.WithContext(ended))
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS13}))
	}()
	c.t.Cleanup(func() { stop(); srv.Close(); <-done })
	c.endpoint("node-b", l.Addr().String())
	c.pod("db", "node-b")
}

func (c *cluster) agentsCert() *tls.Certificate {
	return pair(c.t, c.agents, serverName, nil, serverName)
}

func TestAnAgentThatDoesNotAnswerIsGivenUp(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", Limits{Answer: 100 * time.Millisecond, Whole: time.Hour})
	c.peer(c.agentsCert(), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if said := c.wantStatus(a, c.as("reader", podLog("db")), http.StatusGatewayTimeout); !strings.Contains(said, "node-b does not answer") {
		t.Error(said)
	}
}

func TestAnAgentThatFallsSilentIsGivenUp(t *testing.T) {
	limits := quick
	limits.Write, limits.Whole = time.Hour, time.Hour // which would end it as well
	for _, query := range []string{"", "?follow=true"} {
		c := newCluster(t)
		a := c.run("node-a", limits)
		c.peer(c.agentsCert(), func(w http.ResponseWriter, r *http.Request) {
			reply(w, http.StatusOK, hooksapi.LogLine{Omitted: 17})
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		lines, err := c.lines(a, c.as("reader", podLog("db")+query))
		if err == nil || len(lines) != 1 || lines[0].Omitted != 17 {
			t.Errorf("%s: %+v, %v", query, lines, err)
		}
	}
}

func TestAnAgentThatSendsTooMuchIsCutOff(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", Limits{MaxBytes: 1000})
	var sent atomic.Int64
	c.peer(c.agentsCert(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for line := []byte(strings.Repeat(" ", 4095) + "\n"); r.Context().Err() == nil; {
			n, err := w.Write(line)
			if err != nil {
				return
			}
			sent.Add(int64(n))
		}
	})
	_, err := c.lines(a, c.as("reader", podLog("db")))
	if err == nil || sent.Load() > 20<<20 {
		t.Errorf("%v after %d bytes", err, sent.Load())
	}
}

// The token is for agents: who has another certificate gets to see none.
func TestAStrangerIsNotShownTheToken(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	for _, cert := range []*tls.Certificate{
		pair(t, newAuthority(t, "agents"), serverName, nil, serverName),
		pair(t, c.agents, "other.bookend.svc", nil, "other.bookend.svc"),
	} {
		c.api.mu.Lock()
		c.api.slices = nil
		c.api.mu.Unlock()
		c.peer(cert, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("it was sent %v", r.Header) })
		if said := c.wantStatus(a, c.as("reader", podLog("db")), http.StatusServiceUnavailable); !strings.Contains(said, "certificate") {
			t.Error(said)
		}
	}
}

func TestOnlyAnAnswerOfAnAgentGoesOn(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			http.Redirect(w, r, "https://example.org", http.StatusFound)
		},
		"a page":             func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"a switch":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"one that is unsure": func(w http.ResponseWriter, _ *http.Request) { refuse(w, refused(apierrors.NewUnauthorized("no"))) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			a := c.run("node-a", quick)
			c.peer(c.agentsCert(), answer)
			c.wantStatus(a, c.as("reader", podLog("db")), http.StatusServiceUnavailable)
		})
	}
}

// What a caller sends reaches no other agent but the path.
func TestNothingElseIsForwarded(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	headers := make(chan http.Header, 1)
	c.peer(c.agentsCert(), func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		w.Header().Set("Set-Cookie", "a=b")
		reply(w, http.StatusOK, hooksapi.LogLine{})
	})
	call := c.as("reader", podLog("db"))
	for _, h := range []string{"Cookie", "Authorization", "X-Forwarded-For", "X-Remote-Group-Too", "Impersonate-User"} {
		call.header.Set(h, "x")
	}
	answer := c.send(a, call)
	defer answer.Body.Close()
	got := <-headers
	if len(got) != 3 || got.Get("Authorization") != "Bearer "+agentsToken || got.Get("X-Remote-User") != "reader" || got.Get("Accept") != "application/json" {
		t.Errorf("sent %v", got)
	}
	if answer.Header.Get("Set-Cookie") != "" {
		t.Errorf("came back %v", answer.Header)
	}
}

// Whoever makes the certificate may come after the agents, which do other things too.
func TestTheAgentsCertificateMayComeLater(t *testing.T) {
	c := newCluster(t)
	c.certs = t.TempDir()
	a := c.begin("node-a", quick)
	eventually(t, func() bool { return a.frontProxy.ready() == nil })
	if err := a.Ready(); !errors.Is(err, errNoCertificate) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is ready, or why not is not said: %v", err)
	}
	if answer, err := c.try(a, c.as("reader", "/apis")); err == nil {
		t.Errorf("status %d without a certificate", answer.StatusCode)
		answer.Body.Close()
	}
	c.agents.fill(t, c.certs, serverName)
	authority := filepath.Join(c.certs, authorityFile)
	pem, err := os.ReadFile(authority)
	if err := errors.Join(err, os.Remove(authority)); err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(); !errors.Is(err, errNoCertificate) {
		t.Errorf("without its authority: %v", err)
	}
	if err := os.WriteFile(authority, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	c.wantStatus(a, c.as("reader", "/apis"), http.StatusOK)
	if err := a.Ready(); err != nil {
		t.Error(err)
	}
}

// The kubelet replaces the token, the Secret and its authority while agents run.
func TestTheAgentsCertificateAndTokenAreReplaced(t *testing.T) {
	c := newCluster(t)
	a, b := c.run("node-a", quick), c.run("node-b", quick)
	b.ran(subject(c.pod("db", "node-b"), "c2"), "of db\n")
	c.wantStatus(a, c.as("reader", podLog("db")), http.StatusOK)
	c.agents = newAuthority(t, "agents")
	c.agents.fill(t, c.certs, serverName)
	believed := func() bool {
		answer, err := c.try(a, c.as("reader", podLog("db")))
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
	eventually(t, believed)
	if err := os.WriteFile(c.token, []byte("unknown"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(Options{Client: c.api.client(t), Node: "node-a", CertDir: c.certs, TokenFile: c.token, Namespace: "bookend", Service: "agents", Port: "look", ServiceAccount: "agent", Records: record.Open(t.TempDir(), record.Limits{}), Log: a.opts.Log})
	answer, err := s.peers.RoundTrip(mustRequest(t, b.addr, podLog("db")))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("with the new token: status %d", answer.StatusCode)
	}
}

func mustRequest(t *testing.T, addr, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Remote-User", "reader")
	return r
}
