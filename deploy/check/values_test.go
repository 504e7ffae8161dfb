package check

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestSchemaRefusesWrongValues(t *testing.T) {
	for _, tt := range []struct{ values, wrong string }{
		{"replicas: 2", "additional properties 'replicas' not allowed"},
		{"image: {repositry: a}", "'repositry' not allowed"},
		{"image: {repository: ''}", "/image/repository"},
		{"image: {repository: 'a b'}", "/image/repository"},
		{"image: {tag: 'a:b'}", "/image/tag"},
		{"image: {digest: 'sha256:0'}", "/image/digest"},
		{"image: {pullPolicy: Sometimes}", "/image/pullPolicy"},
		{"imagePullSecrets: [registry]", "/imagePullSecrets/0"},
		{"namespace: {create: 'yes'}", "/namespace/create"},
		{"runtimeClass: {name: Bookend}", "/runtimeClass/name"},
		{"runtimeClass: {handler: a.b}", "/runtimeClass/handler"},
		{"runtimeClass: {nodeSelector: {a: true}}", "/runtimeClass/nodeSelector/a"},
		{"agent: {install: {distribution: talos}}", "/agent/install/distribution"},
		{"agent: {install: {restart: containerd}}", "/agent/install/restart"},
		{"agent: {install: {restart: ''}}", "/agent/install/restart"},
		{"agent: {install: {restart: 'systemd:a b'}}", "/agent/install/restart"},
		{"agent: {install: {binDir: opt/bin}}", "/agent/install/binDir"},
		{"agent: {install: {libDir: '/opt/lib bookend'}}", "/agent/install/libDir"},
		{"agent: {install: {uninstallSeconds: 0}}", "/agent/install/uninstallSeconds"},
		{"agent: {records: run/bookend}", "/agent/records"},
		{"agent: {env: {A: b}}", "/agent/env"},
		{"webhook: {replicas: 0}", "/webhook/replicas"},
		{"webhook: {failurePolicy: fail}", "/webhook/failurePolicy"},
		{"webhook: {timeoutSeconds: 31}", "/webhook/timeoutSeconds"},
		{"webhook: {podSecurityEnforce: strict}", "/webhook/podSecurityEnforce"},
		{"webhook: {runtimeClasses: [\"a'b\"]}", "/webhook/runtimeClasses/0"},
		{"webhook: {excludedNamespaces: ['']}", "/webhook/excludedNamespaces/0"},
		{"webhook: {enabled: false}", "/certificates/by"},
		{"certificates: {by: hand}", "/certificates/by"},
		{"certificates: {issuerRef: {kind: ClusterIssuer}}", "/certificates/issuerRef"},
		{"networkPolicy: {apiServerPorts: []}", "/networkPolicy/apiServerPorts"},
		{"networkPolicy: {apiServerPorts: [0]}", "/networkPolicy/apiServerPorts/0"},
		{"serviceMonitor: {interval: 30}", "/serviceMonitor/interval"},
	} {
		_, err := renderFiles(t, values(t, tt.values))
		if err == nil || !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: want an error with %q, got %v", tt.values, tt.wrong, err)
		}
	}
}

// Whoever adds a value says in the schema what it may be.
func TestSchemaKnowsEveryValue(t *testing.T) {
	var walk func(path string, v any)
	walk = func(path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		for key, inner := range m {
			wrong := map[string]any{"\n": "of no use"}
			text, err := yaml.Marshal(nest(path+key, wrong))
			if err != nil {
				t.Fatal(err)
			}
			if _, open := map[string]bool{
				"agent.resources": true, "webhook.resources": true, "agent.affinity": true, "webhook.affinity": true,
				"runtimeClass.overhead": true, "runtimeClass.nodeSelector": true, "agent.nodeSelector": true, "webhook.nodeSelector": true,
				"agent.podAnnotations": true, "webhook.podAnnotations": true, "serviceMonitor.labels": true,
			}[path+key]; open {
				continue
			}
			if _, err := renderFiles(t, values(t, string(text))); err == nil || !strings.Contains(err.Error(), "schema") {
				t.Errorf("%s%s may be anything: %v", path, key, err)
			}
			walk(path+key+".", inner)
		}
	}
	walk("", loadChart(t).Values)
}

// nest is a value at a path.
func nest(path string, v any) map[string]any {
	key, rest, deeper := strings.Cut(path, ".")
	if deeper {
		v = nest(rest, v)
	}
	return map[string]any{key: v}
}
