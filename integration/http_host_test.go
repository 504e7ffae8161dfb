package integration

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about the border between a container's network and
// the host's.

// hostListener is a listener of the host's that nobody is to reach.
type hostListener struct {
	l    net.Listener
	port string
}

// listenOnHost listens on the host's loopback address.
func listenOnHost(t *testing.T, address string) *hostListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return &hostListener{l: l, port: port}
}

// wantUntouched checks that nobody has connected: a connection of our own must be
// the first that is accepted.
func (l *hostListener) wantUntouched(t *testing.T) {
	t.Helper()
	ours, err := net.Dial("tcp", l.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	first, err := l.l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.RemoteAddr().String() != ours.LocalAddr().String() {
		t.Errorf("the host's %s was reached", l.l.Addr())
	}
}

func TestHTTPGetNeverReachesTheHostsLoopback(t *testing.T) {
	d := shared.Daemon(t)
	four := listenOnHost(t, "127.0.0.1:0")
	six := listenOnHost(t, "[::1]:"+four.port)
	s := newSite(t, d, harness.PodOptions{Edit: func(c *runtimeapi.PodSandboxConfig) {
		c.DnsConfig = &runtimeapi.DNSConfig{Servers: []string{"127.0.0.1"}, Searches: []string{"svc.test"}}
	}})
	s.serveDNS("127.0.0.1:53", map[string]string{"dns.svc.test.": "127.0.0.1"})
	named := withHosts(t, "127.0.0.1 localhost four.test\n::1 six.test\n::ffff:127.0.0.1 mapped.test\n")
	for policy, hosts := range map[string][]string{
		"# none\n": {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "localhost"},
		anyHost:    {"127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "localhost", "four.test", "six.test", "mapped.test", "dns.svc.test"},
	} {
		setConfig(t, d, policy)
		for _, host := range hosts {
			t.Run(strings.Fields(policy)[1]+"/"+host, func(t *testing.T) {
				if host != "dns.svc.test" { // which the pod's own files must tell
					wantBorder(t, s, host, four.port, named)
				} else {
					wantBorder(t, s, host, four.port)
				}
				four.wantUntouched(t)
				six.wantUntouched(t)
			})
		}
	}
}

// wantBorder checks that neither a request for the port at host nor a redirect
// to it succeeds, though the pod's own server at the same host is reached.
func wantBorder(t *testing.T, s *site, host, port string, edit ...func(*runtimeapi.ContainerConfig)) {
	t.Helper()
	if err := hit(t, s.pod, `{"host":"`+host+`","port":`+port+`}`, edit...); err == nil || !strings.Contains(err.Error(), "FailedPostStartHook: httpGet: ") {
		t.Errorf("Start: %v, want a failed hook", err)
	}
	to := redirect("http://" + net.JoinHostPort(host, port) + "/")
	got, err := s.hit(`{"host":"`+host+`","port":80,"path":"`+to+`"}`, edit...)
	if err == nil || len(got) != 1 {
		t.Errorf("Start: %v, requests %+v; want one, and a failure after its redirect", err, got)
	}
	got, err = s.hit(`{"port":80,"path":"`+to+`","expectStatus":"302"}`, edit...) // from another host
	if err != nil || len(got) != 1 {
		t.Errorf("Start: %v, requests %+v; want one, with its redirect as the answer", err, got)
	}
}

func TestHTTPGetOfAHostNetworkPodIsInTheHostsNetwork(t *testing.T) {
	d := shared.Daemon(t)
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, HostNetwork: true})
	var hosts []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts = append(hosts, r.Host) }))
	server.Listener = listenOnHost(t, ":0").l
	server.Start()
	t.Cleanup(server.Close)
	port := strconv.Itoa(server.Listener.Addr().(*net.TCPAddr).Port)
	for _, get := range []string{`{"host":"127.0.0.1","port":` + port + `}`, `{"host":"localhost","port":` + port + `}`, `{"port":` + port + `}`} {
		if err := hit(t, pod, get); err != nil {
			t.Errorf("%s: %v", get, err)
		}
	}
	server.Close() // waits for the handlers
	if len(hosts) != 3 || hosts[0] != "127.0.0.1:"+port || hosts[1] != "localhost:"+port || strings.HasPrefix(hosts[2], "127.") {
		t.Errorf("requests for %q; want 127.0.0.1, localhost and the host's own address", hosts)
	}
}
