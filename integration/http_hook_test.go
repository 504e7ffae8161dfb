package integration

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about the requests that httpGet hooks send.

// site is a pod of bookend's with a test server that listens on the ports 80
// and 443 of all the pod's addresses.
type site struct {
	t      *testing.T
	pod    *harness.Pod
	server *harness.Fixture
	ip     string
}

func newSite(t *testing.T, d *harness.Daemon, opts harness.PodOptions) *site {
	t.Helper()
	opts.Handler = harness.Bookend
	s := &site{t: t, pod: d.TestPod(t, opts)}
	s.server = serve(t, s.pod, harness.ContainerOptions{Name: "web"})
	var err error
	if s.ip, err = s.pod.IP(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// seen is a request as the test server tells of it.
type seen struct {
	URI, Host, Remote string
	TLS               bool
	Header            http.Header
}

// requests are those that the server has got so far.
func (s *site) requests() []seen {
	s.t.Helper()
	r, err := http.Get("http://" + s.ip + "/requests")
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	var all []seen
	for dec := json.NewDecoder(r.Body); ; {
		var one seen
		if err := dec.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, one)
	}
}

// hit runs another container of the pod, with an httpGet as its postStart, and
// returns the requests that the server got for it and how it started.
func (s *site) hit(get string, edit ...func(*runtimeapi.ContainerConfig)) ([]seen, error) {
	s.t.Helper()
	before := len(s.requests())
	err := hit(s.t, s.pod, get, edit...)
	return s.requests()[before:], err
}

// hit runs a container with an httpGet as its postStart, and returns how it
// started. Its entrypoint may not be ready for signals when the hook fails:
// SIGKILL needs no leave.
func hit(t *testing.T, pod *harness.Pod, get string, edit ...func(*runtimeapi.ContainerConfig)) error {
	t.Helper()
	c, err := pod.CreateContainer(t.Context(), harness.ContainerOptions{
		Name:        "main",
		Annotations: map[string]string{harness.PodLifecycleKey: `{"stopSignal":"SIGKILL","postStart":{"httpGet":` + get + `}}`},
		Edit: func(c *runtimeapi.ContainerConfig) {
			for _, e := range edit {
				e(c)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	started := c.Start(t.Context())
	if err := c.Remove(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	return started
}

func TestHTTPGetSendsWhatItSays(t *testing.T) {
	d := shared.Daemon(t)
	s := newSite(t, d, harness.PodOptions{})
	usual := http.Header{"Accept": {"*/*"}, "User-Agent": {"ours"}, "Connection": {"close"}}
	with := func(h http.Header) http.Header {
		all := maps.Clone(usual)
		maps.Copy(all, h)
		return all
	}
	for name, tt := range map[string]struct {
		get, uri, host string // empty: / and the pod's address
		tls            bool
		header         http.Header
	}{
		"no more than a port": {get: `{"port":80}`, header: usual},
		"path and query":      {get: `{"port":80,"path":"/a%20b/c?x=1&y=%2F&z"}`, uri: "/a%20b/c?x=1&y=%2F&z", header: usual},
		"no leading slash":    {get: `{"port":80,"path":"stop"}`, uri: "/stop", header: usual},
		"HTTPS":               {get: `{"port":443,"scheme":"HTTPS"}`, tls: true, header: usual},
		"named port":          {get: `{"port":"web"}`, header: usual},
		"headers": {
			get:    `{"port":80,"httpHeaders":[{"name":"X-Two","value":"1"},{"name":"x-two","value":"2"},{"name":"user-agent","value":"mine"},{"name":"Accept","value":"text/html"}]}`,
			header: with(http.Header{"X-Two": {"1", "2"}, "User-Agent": {"mine"}, "Accept": {"text/html"}}),
		},
		"host":      {get: `{"port":80,"httpHeaders":[{"name":"Host","value":"shop.example"}]}`, host: "shop.example", header: usual},
		"removed":   {get: `{"port":80,"httpHeaders":[{"name":"User-Agent","value":""},{"name":"Accept","value":""}]}`, header: http.Header{"Connection": {"close"}}},
		"localhost": {get: `{"port":80,"host":"localhost"}`, host: "localhost:80", header: usual},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.hit(tt.get, func(c *runtimeapi.ContainerConfig) {
				c.Annotations["io.kubernetes.container.ports"] = `[{"name":"web","containerPort":80,"protocol":"TCP"}]`
			})
			if err != nil || len(got) != 1 {
				t.Fatalf("Start: %v, requests %+v; want one", err, got)
			}
			r := got[0]
			markOurs(t, r.Header)
			want := seen{URI: or(tt.uri, "/"), Host: tt.host, TLS: tt.tls, Header: tt.header}
			if want.Host == "" {
				want.Host = net.JoinHostPort(s.ip, map[bool]string{false: "80", true: "443"}[tt.tls])
			}
			if r.URI != want.URI || r.Host != want.Host || r.TLS != want.TLS || !maps.EqualFunc(r.Header, want.Header, slices.Equal) {
				t.Errorf("request %+v, want %+v", r, want)
			}
			if from, _, _ := net.SplitHostPort(r.Remote); from != s.ip && from != "127.0.0.1" && from != "::1" {
				t.Errorf("the request came from %s, want the pod itself", r.Remote)
			}
		})
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// markOurs replaces the User-Agent that bookend sends of its own.
func markOurs(t *testing.T, h http.Header) {
	t.Helper()
	if ours := regexp.MustCompile(`^kube-lifecycle/bookend-[0-9]+\.[0-9]+\.[0-9]+`); ours.MatchString(h.Get("User-Agent")) {
		h.Set("User-Agent", "ours")
	}
}

func TestHTTPGetSucceedsByAnyStatusUnlessExpectStatusSaysOtherwise(t *testing.T) {
	d := shared.Daemon(t)
	s := newSite(t, d, harness.PodOptions{})
	for name, tt := range map[string]struct {
		get string
		ok  bool
	}{
		"any":      {`{"port":80,"path":"/status/500"}`, true},
		"expected": {`{"port":80,"path":"/status/418","expectStatus":"200-299,418"}`, true},
		"not":      {`{"port":80,"path":"/status/418?secret","expectStatus":"200-399"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.hit(tt.get)
			if len(got) != 1 || (err == nil) != tt.ok {
				t.Errorf("Start: %v, requests %+v", err, got)
			}
			if err != nil && (!strings.Contains(err.Error(), "FailedPostStartHook: httpGet: ") || strings.Contains(err.Error(), "secret")) {
				t.Errorf("Start: %v, want handler and cause, and nothing of the URL", err)
			}
		})
	}
}

func TestHTTPGetFollowsRedirectsOnTheSameHostOnly(t *testing.T) {
	d := shared.Daemon(t)
	s, other := newSite(t, d, harness.PodOptions{}), newSite(t, d, harness.PodOptions{})
	for name, tt := range map[string]struct {
		path, expect string
		ok           bool
	}{
		"path":          {redirect("/status/204"), "204", true},
		"same host":     {redirect("http://" + s.ip + "/status/204"), "204", true},
		"another port":  {redirect("https://" + s.ip + ":443/status/204"), "204", true},
		"another host":  {redirect("http://" + other.ip + "/status/204"), "302", true},
		"another name":  {redirect("http://localhost/status/204"), "302", true},
		"ten":           {redirects(10), "204", true},
		"one too many":  {redirects(11), "100-599", false},
		"no web at all": {redirect("file:///etc/passwd"), "302", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.hit(`{"port":80,"path":"` + tt.path + `","expectStatus":"` + tt.expect + `"}`)
			if (err == nil) != tt.ok {
				t.Errorf("Start: %v", err)
			}
		})
	}
	if got := other.requests(); len(got) != 0 {
		t.Errorf("another host got %+v", got)
	}
}

// redirect is a path that the test server answers with a redirect.
func redirect(to string) string { return "/redirect?to=" + url.QueryEscape(to) }

// redirects is a path that leads to a 204 over n redirects.
func redirects(n int) string {
	path := "/status/204"
	for range n {
		path = redirect(path)
	}
	return path
}
