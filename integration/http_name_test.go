package integration

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about the names that httpGet hooks resolve.

// anyHost is a node's configuration whose policy allows every host.
const anyHost = "[policy]\nallowHosts = ['*']\n"

func TestHTTPGetLooksANameUpInTheContainersHostsFile(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, anyHost)
	s := newSite(t, d, harness.PodOptions{})
	got, err := s.hit(`{"port":80,"host":"Shop.Test"}`, withHosts(t, s.ip+" other.test shop.test\n"))
	if err != nil || len(got) != 1 || !strings.EqualFold(got[0].Host, "shop.test:80") {
		t.Errorf("Start: %v, requests %+v; want one", err, got)
	}
	got, err = s.hit(`{"port":80,"host":"shop.test"}`) // whose hosts file is the pod's
	if err == nil || len(got) != 0 {
		t.Errorf("Start: %v, requests %+v; another container's name was resolved", err, got)
	}
}

// localhost needs no policy: it must not lead to what a container's author makes
// of it.
func TestHTTPGetOfLocalhostIsThePodsOwnWhateverItsHostsFileSays(t *testing.T) {
	d := shared.Daemon(t)
	s, other := newSite(t, d, harness.PodOptions{}), newSite(t, d, harness.PodOptions{})
	elsewhere := withHosts(t, other.ip+" localhost localhost. LOCALHOST x.localhost\n")
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "LocalHost."} {
		t.Run(host, func(t *testing.T) {
			got, err := s.hit(`{"port":80,"host":"`+host+`","expectStatus":"204","path":"`+redirect("http://"+host+"/status/204")+`"}`, elsewhere)
			if err != nil || len(got) != 2 {
				t.Errorf("Start: %v, requests %+v; want the first and that of the redirect", err, got)
			}
		})
	}
	err := hit(t, s.pod, `{"port":80,"host":"x.localhost"}`, elsewhere)
	if err == nil || !strings.Contains(err.Error(), `"x.localhost" is not allowed on this node (policy.allowHosts)`) {
		t.Errorf("Start: %v, want a name below localhost to need policy", err)
	}
	if got := other.requests(); len(got) != 0 {
		t.Errorf("another host got %+v", got)
	}
}

// withHosts gives a container a hosts file of its own.
func withHosts(t *testing.T, content string) func(*runtimeapi.ContainerConfig) {
	t.Helper()
	path := writeFile(t, "hosts", content)
	return func(c *runtimeapi.ContainerConfig) {
		c.Mounts = append(c.Mounts, &runtimeapi.Mount{HostPath: path, ContainerPath: "/etc/hosts", Readonly: true})
	}
}

// writeFile makes a file of the host's that no container has.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHTTPGetAsksANameOfThePodsNameServer(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, anyHost)
	s := newSite(t, d, harness.PodOptions{Edit: func(c *runtimeapi.PodSandboxConfig) {
		c.DnsConfig = &runtimeapi.DNSConfig{Servers: []string{"127.0.0.1"}, Searches: []string{"svc.test"}}
	}})
	s.serveDNS("127.0.0.1:53", map[string]string{"web.svc.test.": s.ip})
	for host, ok := range map[string]bool{"web": true, "web.svc.test": true, "gone": false} {
		got, err := s.hit(`{"port":80,"host":"` + host + `"}`)
		if (err == nil) != ok || (len(got) == 1) != ok {
			t.Errorf("%s: Start: %v, requests %+v", host, err, got)
		}
		if err != nil && strings.Contains(err.Error(), host) {
			t.Errorf("Start's error tells the host: %v", err)
		}
	}
}

// serveDNS answers questions for IPv4 addresses inside the pod's network, until
// the test ends.
func (s *site) serveDNS(address string, records map[string]string) {
	s.t.Helper()
	conn, err := listenIn(s.server.Init(), address)
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 2048); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := answer(buf[:n], records); err == nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	s.t.Cleanup(func() {
		conn.Close()
		<-done
	})
}

// listenIn makes a socket in the network namespace of a process.
func listenIn(pid int, address string) (conn net.PacketConn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		var ns *os.File
		if ns, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", pid)); err != nil {
			return
		}
		defer ns.Close()
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
			conn, err = net.ListenPacket("udp", address)
		}
	}()
	<-done
	return conn, err
}

func answer(query []byte, records map[string]string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	if len(m.Questions) != 1 {
		return nil, errors.New("not one question")
	}
	q := m.Questions[0]
	m.Response, m.Additionals = true, nil
	address, known := records[strings.ToLower(q.Name.String())]
	switch {
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(address).As4()},
		}}
	}
	return m.Pack()
}

// TestHTTPGetReadsNoFileOfTheHostsByALinkThatAContainerPlanted has containers put links
// in the place of the files by which names are resolved. The file that each
// leads to outside would resolve the name.
func TestHTTPGetReadsNoFileOfTheHostsByALinkThatAContainerPlanted(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, anyHost)
	s := newSite(t, d, harness.PodOptions{})
	s.serveDNS("127.0.0.7:53", map[string]string{"planted.test.": s.ip})
	up := strings.Repeat("../", 40)
	for file, content := range map[string]string{"hosts": s.ip + " planted.test", "resolv.conf": "nameserver 127.0.0.7"} {
		outside := writeFile(t, file, content+"\n")
		for name, tt := range map[string]struct {
			plant   string
			hostPID bool
			ok      bool
		}{
			"its own":       {plant: "echo " + content + " > /tmp/own; ln -s ../tmp/own /etc/" + file, ok: true},
			"absolute":      {plant: "ln -s " + outside + " /etc/" + file},
			"upwards":       {plant: "ln -s " + up + outside[1:] + " /etc/" + file},
			"a directory":   {plant: "mv /etc /etc.old; ln -s " + filepath.Dir(outside) + " /etc"},
			"by way of pid": {plant: "ln -s /proc/1/root" + outside + " /etc/" + file, hostPID: true},
		} {
			t.Run(file+"/"+name, func(t *testing.T) {
				before := len(s.requests())
				h := harness.RunTask(t, d, `{"preStop":{"httpGet":{"host":"planted.test","port":80}}}`, func(o *harness.TaskOptions) {
					o.Args[2] = "rm -f /etc/hosts /etc/resolv.conf; " + tt.plant + "\n" + harness.Entrypoint
					o.Spec = append(o.Spec, s.network())
					if tt.hostPID {
						o.Spec = append(o.Spec, oci.WithHostNamespace(specs.PIDNamespace))
					}
				})
				h.Kill(syscall.SIGTERM)
				h.WantExit(0)
				verb := map[bool]string{true: "success", false: "failure"}[tt.ok]
				h.WantHookEvent("preStop", verb)
				if got := s.requests()[before:]; (len(got) == 1) != tt.ok {
					t.Errorf("requests %+v", got)
				}
			})
		}
	}
}

// network puts a container that is not the CRI's into the pod's network.
func (s *site) network() oci.SpecOpts {
	s.t.Helper()
	pid := s.server.Init()
	return oci.WithLinuxNamespace(specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: fmt.Sprintf("/proc/%d/ns/net", pid)})
}
