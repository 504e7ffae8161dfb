package look

import (
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// What the ConfigMap cannot mean is not taken over, and whom it named before is believed
// still.
func TestAConfigMapThatNamesNoOneIsPassedOver(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	c.pod("web", "node-a")
	for name, change := range map[string]func(map[string]string){
		"no authority":      func(data map[string]string) { delete(data, requestHeaderClientCA) },
		"no certificate":    func(data map[string]string) { data[requestHeaderClientCA] = "none" },
		"no header":         func(data map[string]string) { data[requestHeaderUsernames] = "[]" },
		"no list":           func(data map[string]string) { data[requestHeaderAllowedNames] = proxyName },
		"an empty name":     func(data map[string]string) { data[requestHeaderAllowedNames] = `[""]` },
		"an empty prefix":   func(data map[string]string) { data[requestHeaderExtraPrefixes] = `[" "]` },
		"no list of groups": func(data map[string]string) { data[requestHeaderGroups] = `{"X-Remote-Group": 1}` },
	} {
		c.api.mu.Lock()
		m := c.api.config.DeepCopy()
		c.api.mu.Unlock()
		change(m.Data)
		if _, err := newVerifier(m.Data); err == nil {
			t.Errorf("%s: it is taken", name)
		}
		a.frontProxy.read(&corev1.ConfigMap{Data: m.Data})
		c.wantStatus(a, c.as("reader", podHooks("web")), http.StatusOK)
	}
}

// Without a list of names every certificate of the authority is the API server's.
func TestTheNamesOfTheAPIServerMayBeLeftOut(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	c.pod("web", "node-a")
	other := c.as("reader", podHooks("web"))
	other.cert = c.proxies.client(t, "another-name")
	c.wantStatus(a, other, http.StatusUnauthorized)
	c.api.mu.Lock()
	m := c.api.config.DeepCopy()
	c.api.mu.Unlock()
	delete(m.Data, requestHeaderAllowedNames)
	a.frontProxy.read(m)
	c.wantStatus(a, other, http.StatusOK)
}
