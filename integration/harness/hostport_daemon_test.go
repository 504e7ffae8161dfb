package harness

import (
	"os/exec"
	"strings"
	"testing"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// TestStopRemovesHostPorts stops a daemon whose pod still publishes a port.
func TestStopRemovesHostPorts(t *testing.T) {
	for _, name := range []string{"iptables", "iptables-save"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	before := natRules(t)
	d, err := Start(t.Context(), Options{HostPorts: true})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = d.Stop(cleanupContext(t))
		}
	})
	_, err = d.CRI.RunPod(t.Context(), PodOptions{Handler: Runc, Edit: func(c *runtimeapi.PodSandboxConfig) {
		c.PortMappings = []*runtimeapi.PortMapping{{HostIp: "127.0.0.1", HostPort: 47123, ContainerPort: 80}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if rules := natRules(t); !strings.Contains(rules, d.net.name) {
		t.Fatalf("no rule names %s:\n%s", d.net.name, rules)
	}
	stopped = true
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rules := natRules(t); strings.Contains(rules, d.net.name) || strings.Contains(rules, "47123") ||
		!strings.Contains(before, "CNI-HOSTPORT") && strings.Contains(rules, "CNI-HOSTPORT") {
		t.Errorf("left behind:\n%s", rules)
	}
}

func natRules(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("iptables-save", "-t", "nat").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
