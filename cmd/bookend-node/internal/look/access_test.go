package look

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestWhoIsNotBelieved(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	a.ran(subject(c.pod("web", "node-a"), "c1"), "secret\n")
	headers := http.Header{"X-Remote-User": {"reader"}, "X-Remote-Group": {"system:masters"}}
	withToken := func(token string) http.Header {
		h := headers.Clone()
		h.Set("Authorization", "Bearer "+token)
		return h
	}
	review := func(token, user string, authenticated bool, audiences ...string) {
		c.api.tokens[token] = authenticationv1.TokenReviewStatus{Authenticated: authenticated, Audiences: audiences, User: authenticationv1.UserInfo{Username: user}}
	}
	const agents = "system:serviceaccount:bookend:agent"
	review("of another account", "system:serviceaccount:shop:agent", true, Audience)
	review("for the API server", agents, true, "https://kubernetes.default.svc")
	review("without audiences", agents, true)
	review("that is over", agents, false, Audience)
	for name, call := range map[string]call{
		"forged headers without a certificate":        {nil, headers, podLog("web")},
		"a certificate of another authority":          {newAuthority(t, "request-header").client(t, proxyName), headers, podLog("web")},
		"one of the agents' authority":                {c.agents.client(t, proxyName), headers, podLog("web")},
		"another name":                                {c.proxies.client(t, "reader"), headers, podLog("web")},
		"no name":                                     {c.proxies.client(t, ""), headers, podLog("web")},
		"a certificate that is over":                  {pair(t, c.proxies, proxyName, func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) }), headers, podLog("web")},
		"a certificate of a server":                   {pair(t, c.proxies, proxyName, nil, serverName), headers, podLog("web")},
		"no user":                                     {c.proxies.client(t, proxyName), http.Header{"X-Remote-Group": {"system:masters"}}, podLog("web")},
		"no one":                                      {nil, nil, podLog("web")},
		"no one who asks what there is":               {nil, headers, "/apis"},
		"no one who asks for what is not":             {nil, headers, "/metrics"},
		"an unknown token":                            {nil, withToken("unknown"), podLog("web")},
		"a token of another account":                  {nil, withToken("of another account"), podLog("web")},
		"a token for the API server":                  {nil, withToken("for the API server"), podLog("web")},
		"a token of an API server without audiences":  {nil, withToken("without audiences"), podLog("web")},
		"a token that is over":                        {nil, withToken("that is over"), podLog("web")},
		"an agent without a user":                     {nil, http.Header{"Authorization": {"Bearer " + agentsToken}}, podLog("web")},
		"an agent's token beside a wrong certificate": {c.proxies.client(t, "reader"), withToken(agentsToken), podLog("web")},
		"headers in another way":                      {nil, http.Header{"X-Remote-User": {"reader"}, "Authorization": {agentsToken}}, podLog("web")},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.t = t
			if said := c.wantStatus(a, call, http.StatusUnauthorized); strings.Contains(said, "secret") {
				t.Error(said)
			}
		})
	}
	if len(c.api.reviews) != 0 {
		t.Errorf("asked for the rights of %+v", c.api.reviews)
	}
	// The test knows how to be believed.
	c.wantStatus(a, c.as("reader", podLog("web")), http.StatusOK)
	c.wantStatus(a, call{nil, withToken(agentsToken), podLog("web")}, http.StatusOK)
}

func TestTheAPIServerDecidesWhoMayRead(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	a.ran(subject(c.pod("web", "node-a"), "c1"), "secret\n")
	for _, path := range []string{podLog("web"), podHooks("web"), podLog("none"), podHooks("none")} {
		said := c.wantStatus(a, c.as("stranger", path), http.StatusForbidden)
		if !strings.Contains(said, `"stranger" may not read the logs of this pod (get pods/log)`) {
			t.Errorf("%s: %s", path, said)
		}
	}
	c.api.reviews = nil
	call := c.as("reader", podLog("web"))
	call.header.Add("X-Remote-Uid", "17")
	call.header["X-Remote-Group"] = []string{"shop", "system:authenticated"}
	call.header.Add("X-Remote-Extra-Example.org%2froom", "7")
	lines, err := c.lines(a, call)
	if err != nil || printed(lines) != "secret\n" {
		t.Errorf("%+v, %v", lines, err)
	}
	want := []authorizationv1.SubjectAccessReviewSpec{{
		User: "reader", UID: "17", Groups: []string{"shop", "system:authenticated"}, Extra: map[string]authorizationv1.ExtraValue{"example.org/room": {"7"}},
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "shop", Verb: "get", Version: "v1", Resource: "pods", Subresource: "log", Name: "web"},
	}}
	if !reflect.DeepEqual(c.api.reviews, want) {
		t.Errorf("asked %+v\nwant %+v", c.api.reviews, want)
	}
	// A right that is taken away is gone at once.
	c.api.mu.Lock()
	c.api.denied["reader"] = true
	c.api.mu.Unlock()
	c.wantStatus(a, c.as("reader", podLog("web")), http.StatusForbidden)
	c.api.mu.Lock()
	c.api.may["reader"], c.api.denied["reader"] = false, false
	c.api.mu.Unlock()
	c.wantStatus(a, c.as("reader", podLog("web")), http.StatusForbidden)
}

// What the agents lack is not what the user lacks.
func TestTroubleOfTheAgentIsNotTheCallers(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	c.pod("web", "node-a")
	for path, code := range map[string]int{
		"/apis/authorization.k8s.io/v1/subjectaccessreviews": http.StatusForbidden,
		"/api/v1/namespaces/shop/pods/web":                   http.StatusForbidden,
	} {
		c.api.fail(path, code)
		c.wantStatus(a, c.as("reader", podLog("web")), http.StatusInternalServerError)
	}
	c.api.fail("/apis/authentication.k8s.io/v1/tokenreviews", http.StatusForbidden)
	c.wantStatus(a, call{nil, http.Header{"X-Remote-User": {"reader"}, "Authorization": {"Bearer " + agentsToken}}, podLog("web")}, http.StatusInternalServerError)
}

func TestTheAuthorityIsFollowed(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	c.pod("web", "node-a")
	old, next := c.proxies, newAuthority(t, "request-header")
	status := func(by *authority) int {
		call := c.as("reader", podLog("web"))
		call.cert = by.client(t, proxyName)
		answer := c.send(a, call)
		defer answer.Body.Close()
		return answer.StatusCode
	}
	if got := status(old); got != http.StatusOK {
		t.Errorf("status %d", got)
	}
	if got := status(next); got != http.StatusUnauthorized {
		t.Errorf("of the next one: status %d", got)
	}
	eventually(t, func() bool { return c.api.watchersNow() == 1 })
	c.believe(next)
	eventually(t, func() bool { return status(next) == http.StatusOK })
	if got := status(old); got != http.StatusUnauthorized {
		t.Errorf("of the one before: status %d", got)
	}
}

// An API server that aggregates nothing names an authority and no headers.
func TestAnAuthorityWithoutHeadersIsNotEnough(t *testing.T) {
	c := newCluster(t)
	s := New(Options{Client: c.api.client(t), CertDir: c.certs, TokenFile: c.token, Namespace: "bookend", ServiceAccount: "agent", Log: testLog(t)})
	s.frontProxy.read(&corev1.ConfigMap{Data: map[string]string{requestHeaderClientCA: string(c.proxies.pem)}})
	if s.Ready() == nil {
		t.Error("ready")
	}
	s.frontProxy.read(c.api.config)
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

func TestBeforeTheAuthorityIsKnownAllHaveToWait(t *testing.T) {
	c := newCluster(t)
	c.api.config = nil
	s := New(Options{Client: c.api.client(t), CertDir: c.certs, TokenFile: c.token, Namespace: "bookend", ServiceAccount: "agent"})
	for path, want := range map[string]int{"/apis": http.StatusServiceUnavailable, "/readyz": http.StatusServiceUnavailable, "/livez": http.StatusOK} {
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", path, w.Code, want)
		}
	}
}
