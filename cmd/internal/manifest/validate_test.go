package manifest

import (
	"fmt"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

func TestValidateFindsWhatIsWrong(t *testing.T) {
	for _, name := range files(t, "validate", ".yaml", ".json") {
		t.Run(name, func(t *testing.T) {
			report := Validate(name, read(t, "validate", name), Options{})
			golden(t, "validate/"+name+".golden", report.text())
		})
	}
}

// TestValidateEdges has what golden files would hide: odd bytes, and what must
// not be found.
func TestValidateEdges(t *testing.T) {
	const pod = "kind: Pod\nspec: {runtimeClassName: bookend, containers: [{name: a}]}\nmetadata:\n  annotations:\n"
	const wrong = "    lifecycle.bookend.dev/a: |\n      # x\n      preStop: {}\n"
	const says = "metadata.annotations[lifecycle.bookend.dev/a].preStop: must have a handler: exec, httpGet or sleep\n"
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", "0 objects\n"},
		{"comments", "# a\n---\n# b\n...\n\n", "0 objects\n"},
		{"not UTF-8", "kind: \xff", "f:1: must be valid UTF-8\n0 objects\n"},
		{"a byte order mark", "\ufeff" + pod + wrong, "f:7: " + says + "1 objects\n"},
		{"carriage returns", strings.ReplaceAll(pod+wrong, "\n", "\r\n"), "f:7: " + says + "1 objects\n"},
		{"a separator of lines in a comment", "# a\u2028# b\u0085# c\r# d\n" + pod + wrong + strings.Repeat("# z\n", 9), "f:8: " + says + "1 objects\n"},
		{"a separator of lines inside the value", pod + strings.Replace(wrong, "x", "x\u2028      # y", 1) + strings.Repeat("# z\n", 9), "f:7: " + says + "1 objects\n"},
		{"no last line end", pod + strings.TrimSuffix(wrong, "\n"), "f:7: " + says + "1 objects\n"},
		{"markers that are none", pod + "    a: |\n      ---\n      ...\n" + wrong, "f:10: " + says + "1 objects\n"},
		{"directives", "%YAML 1.1\n# a\n---\nkind: A\n...\n# b\n%YAML 1.1\n---\n" + pod + wrong, "f:15: " + says + "1 objects\n"},
		{"an unfinished quote at the end", "kind: \"Pod\n", "f:1: is not valid YAML: found unexpected end of stream\n0 objects\n"},
		{"something else", "- a\n- b\n", "f:1: is no Kubernetes object (it has no kind), nor a CRI container or pod configuration (metadata), an OCI spec (ociVersion), a Compose file (services) or a Lifecycle object (postStart, preStop)\n0 objects\n"},
		{"a key twice among many", "kind: ConfigMap\ndata:\n" + manyKeys(40) + "  key7: x\n", "f:43: data.key7: duplicate key \"key7\"\n0 objects\n"},
		{"a key twice behind an alias", "kind: A\nx: &x {a: b, a: c}\ny: *x\n", "f:2: x.a: duplicate key \"a\"\n0 objects\n"},
		{"merge keys twice", "kind: A\nx: &x {a: b}\ny: &y {c: d}\nz: {<<: *x, <<: *y}\n", "0 objects\n"},
		{"a key twice in JSON", "{\"kind\": \"A\",\n\"kind\": \"B\"}", "f:2: kind: duplicate key \"kind\"\n0 objects\n"},
		{"a template", "kind: Pod\n{{- if .Values.pod }}\nspec:\n{{- end }}\n", "f:3: is not valid YAML: could not find expected ':'; it looks like a template: render it first\n0 objects\n"},
		{"items that leave out their kind", "kind: PodList\nitems:\n- metadata: {annotations: {lifecycle.bookend.dev/a: \"preStop: {}\"}}\n  spec: {runtimeClassName: b, containers: [{name: a}]}\n", "f:3: items[0]." + says + "1 objects\n"},
		{"containers that are no pod's", "kind: Prometheus\nspec: {containers: [{name: a}]}\n", "0 objects\n"},
		{"a template of another kind", "kind: A\nspec: {x: {podTemplate: {metadata: {annotations: {lifecycle.bookend.dev/a: \"preStop: {}\"}}, spec: {runtimeClassName: b, containers: [{name: a}]}}}}\n", "f:2: spec.x.podTemplate." + says + "1 objects\n"},
		{"an alias in a circle", "kind: Pod\nspec: &a\n  containers: [{name: a, x: *a}]\n  <<: *a\n", "1 objects\n"},
		{"one template of two objects", "kind: List\nitems:\n- kind: A\n  spec:\n    template: &t {metadata: {annotations: {lifecycle.bookend.dev/a: \"preStop: {}\"}}, spec: {runtimeClassName: b, containers: [{name: a}]}}\n- kind: B\n  spec: {template: *t}\n", "f:5: items[0].spec.template." + says + "1 objects\n"},
		{"control characters", "kind: Pod\nspec: {containers: [{name: a}]}\nmetadata: {annotations: {\"bookend.dev/\\e[31m\\n\": x}}\n", "f:3: warning: metadata.annotations[bookend.dev/\\x1b[31m\\x0a]: is unknown and has no effect: use lifecycle.bookend.dev/ and the name of a container\n1 objects\n"},
		{"invisible characters", "kind: Pod\nspec: {containers: [{name: a}]}\nmetadata: {annotations: {\"bookend.dev/\u202e\u200b\": x}}\n", "f:3: warning: metadata.annotations[bookend.dev/\\u202e\\u200b]: is unknown and has no effect: use lifecycle.bookend.dev/ and the name of a container\n1 objects\n"},
		{"invisible characters in a message", "kind: Pod\nspec: {runtimeClassName: b, containers: [{name: \"a\\u202e\"}]}\nmetadata: {annotations: {lifecycle.bookend.dev/b: \"preStop: {sleep: {seconds: 1}}\"}}\n", "f:3: warning: metadata.annotations[lifecycle.bookend.dev/b]: the pod has no container \"b\", only a\\u202e\n1 objects\n"},
		{"a grace period of the pod", "kind: Pod\nspec: {runtimeClassName: b, terminationGracePeriodSeconds: 100, containers: [{name: a}]}\nmetadata: {annotations: {lifecycle.bookend.dev/a: \"preStop: {sleep: {seconds: 98}}\"}}\n", "1 objects\n"},
		{"a grace period that the kubelet wrote", "metadata: {name: a}\nannotations: {lifecycle.bookend.dev/a: \"preStop: {sleep: {seconds: 30}}\", io.kubernetes.pod.terminationGracePeriod: \"20\"}\n", "f:2: warning: annotations[lifecycle.bookend.dev/a].preStop.sleep.seconds: 30s does not fit into the grace period of 20s: the hook is cut after 18s, to leave the stop signal its time\n1 objects\n"},
		{"a preStop that the hooks of another container do not need", "kind: Pod\nspec: {runtimeClassName: b, containers: [{name: a, lifecycle: {preStop: {sleep: {seconds: 1}}}}, {name: b}]}\nmetadata: {annotations: {lifecycle.bookend.dev/a: \"postStart: {sleep: {seconds: 1}}\", lifecycle.bookend.dev/b: \"preStop: {sleep: {seconds: 1}}\"}}\n", "1 objects\n"},
	} {
		report := Validate("f", []byte(tt.in), Options{})
		if got := string(report.text()); got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", tt.name, got, tt.want)
		}
	}
}

// manyKeys are the lines of a mapping with as many.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  key%d: x\n", i)
	}
	return b.String()
}

// TestValidateFindsOutputForATerminal: what the shim refuses by the request and
// not by the annotation alone.
func TestValidateFindsOutputForATerminal(t *testing.T) {
	const hook = "preStop: {output: container, exec: {command: [a]}}"
	for name, in := range map[string]string{
		"pod":  "kind: Pod\nspec: {runtimeClassName: b, containers: [{name: a, tty: true}]}\nmetadata: {annotations: {lifecycle.bookend.dev/a: \"" + hook + "\"}}\n",
		"CRI":  "metadata: {name: a}\ntty: true\nannotations: {lifecycle.bookend.dev/a: \"" + hook + "\"}\n",
		"spec": "ociVersion: 1.2.0\nprocess: {terminal: true}\nannotations: {bookend.dev/lifecycle: \"" + hook + "\"}\n",
	} {
		report := Validate("f", []byte(in), Options{})
		if got := string(report.text()); !strings.Contains(got, "preStop.output: must be records for a container with a terminal") {
			t.Errorf("%s: got\n%s", name, got)
		}
		without := strings.NewReplacer("tty: true", "tty: false", "terminal: true", "terminal: false").Replace(in)
		if report := Validate("f", []byte(without), Options{}); len(report.Findings) > 0 {
			t.Errorf("%s without a terminal: got\n%s", name, report.text())
		}
	}
}

// TestValidateWithTheNodesConfiguration: defaults bring no warnings of their
// own, and those for timeouts count.
func TestValidateWithTheNodesConfiguration(t *testing.T) {
	config, err := hooks.ParseConfig([]byte("[defaults]\npostStartTimeoutSeconds = 0\n[defaults.preStop.sleep]\nseconds = 50\n"), "c")
	if err != nil {
		t.Fatal(err)
	}
	const in = "postStart:\n  exec: {command: [a]}\nterminationGracePeriodSeconds: 10\n"
	report := Validate("f", []byte(in), Options{Config: config})
	if got, want := string(report.text()), "f:1: warning: postStart.timeoutSeconds: without a limit the hook may run too long: the kubelet waits no longer than 120s for a container to start\n1 objects\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if report := Validate("f", []byte(in), Options{}); len(report.Findings) > 0 {
		t.Errorf("without a configuration:\n%s", report.text())
	}
}

func TestAFilesNameCannotActOnATerminal(t *testing.T) {
	f := Finding{File: "a\x1b[2J\n\u202e.yaml", Line: 1, Message: "m"}
	if got, want := f.String(), `a\x1b[2J\x0a\u202e.yaml:1: m`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestValidateFindsKeysThatAreAlmostRight has a typo before, after and instead
// of the slash, and keys of others.
func TestValidateFindsKeysThatAreAlmostRight(t *testing.T) {
	documents := map[string]string{
		"pod":  "kind: Pod\nspec: {runtimeClassName: b, containers: [{name: a}]}\nmetadata: {annotations: {%q: x}}\n",
		"CRI":  "metadata: {name: a}\nlabels: {}\nannotations: {%q: x}\n",
		"spec": "ociVersion: 1.2.0\nprocess: {}\nannotations: {%q: x}\n",
	}
	for key, wrong := range map[string]bool{
		"lifecycle.bookend.dev": true, "lifecycle.bookend.dev.a": true, "lifecycle.bookend.dev-a": true, "Lifecycle.bookend.dev/a": true,
		"hooks.bookend.dev/a": true, "bookend.dev/a": true, "bookend.dev": true,
		"notbookend.dev/a": false, "bookend.dev.example.com/a": false, "lifecycle.example.com/a": false, "a": false,
	} {
		for name, text := range documents {
			want := ""
			if wrong {
				want = "f:3: warning: " + map[string]string{"pod": "metadata."}[name] + "annotations[" + key + "]: is unknown and has no effect: use " +
					map[string]string{"spec": "bookend.dev/lifecycle, or in a pod "}[name] + "lifecycle.bookend.dev/ and the name of a container\n"
			}
			report := Validate("f", fmt.Appendf(nil, text, key), Options{})
			if got := string(report.text()); got != want+"1 objects\n" {
				t.Errorf("%s, %s: got\n%swant\n%s", name, key, got, want)
			}
		}
	}
}
