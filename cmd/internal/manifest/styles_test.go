package manifest

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// How people write the parts of a pod. Comments are numbered, so that each can
// be looked for.
var (
	styledMetadata = []string{
		"", "metadata:\n", "metadata: {}\n", "metadata: # c1\n", "metadata: ~ # c1\n", "metadata: {name: p}\n", "metadata: {name: p, labels: {a: b}} # c1\n",
		"metadata:\n  name: p\n", "\"metadata\":\n  # c1\n  \"name\": p # c2\n\n", "metadata:\n    name: p\n    annotations: {}\n",
		"metadata:\n  annotations:\n    a: b\n    # c1\n  name: p\n", "metadata:\n  annotations: {a: b}\n", "metadata: {annotations: {}, name: p}\n",
		"metadata:\n  name: p\n  annotations:\n    a: |+\n      text\n\n", "metadata:\n  annotations: # c1\n", "metadata:\n  annotations:\n    a: >-\n      x\n       # no comment\n# c1\n",
	}
	styledSpec = []string{
		"spec:\n", "spec: # c3\n  # c4\n", "\"spec\":\n  runtimeClassName: bookend\n", "spec:\n  runtimeClassName: \"\" # c3\n", "spec:\n\n  dnsPolicy: Default\n  runtimeClassName:\n",
	}
	styledContainers = []string{
		"  containers:\n  - name: a\n%[1]s    image: x # c5\n  - image: y\n    name: b\n%[2]s",
		"  containers:\n    -   name: a\n%[1]s\n    -   name: b\n%[2]s    # c5\n  hostNetwork: true\n",
		"  initContainers:\n  -\n    name: a\n%[1]s  containers: # c5\n  - name: b\n    command: [x]\n%[2]s  # c6\n",
	}
	styledLifecycles = []string{
		"", "lifecycle: {}\n",
		"lifecycle:\n  preStop:\n    sleep:\n      seconds: 5\n",
		"lifecycle: # c7\n  # c8\n  preStop: {sleep: {seconds: 5}} # c9\n  # c10\n",
		"\"lifecycle\":\n    'preStop':\n        exec:\n            command: [\"/bin/sh\", -c, \"a \\\"b\\u2026\\\" # no comment\"]\n",
		"lifecycle:\t{postStart: {exec: {command: [a, 'b: c']}}}\t# c7\n",
		"lifecycle: {\n  # c7\n  preStop: {sleep: {seconds: 5}}, # c8\n}\n",
		"lifecycle:\n  preStop:\n    exec:\n      command:\n      - sh\n      - -c\n      - |+\n        echo bye\n\n\n",
		"lifecycle:\n  postStart:\n    exec:\n      command:\n      - sh\n      - -c\n      - |\n        # part of it\n        echo 'hi'\n\n        true\n",
		"lifecycle:\n  { preStop: {sleep: {seconds: 5}} }\n",
		"lifecycle:\n  preStop:\n    exec:\n      command: [sh, -c, >-\n        x]\n",
	}
)

// TestConvertKeepsEveryStyle converts pods of all styles, alone, in lists and in
// templates, and takes them back.
func TestConvertKeepsEveryStyle(t *testing.T) {
	n := 0
	for i, metadata := range styledMetadata {
		for j, spec := range styledSpec {
			for k, containers := range styledContainers {
				for l := range styledLifecycles {
					one := styledLifecycles[l]
					other := renumber(styledLifecycles[(l+i+j+k)%len(styledLifecycles)], 20)
					indent := 4
					if k == 1 {
						indent = 8
					}
					spec := spec + fmt.Sprintf(containers, indented(one, indent), indented(other, indent))
					pod := "apiVersion: v1\nkind: Pod\n" + metadata + spec
					if (i+j)%3 == 1 {
						pod = "apiVersion: v1\nkind: Pod\n" + spec + metadata
					}
					in := wrap(pod, (i+j+k+l)%5)
					if (i+k+l)%4 == 0 {
						in = strings.ReplaceAll(in, "\n", "\r\n")
					}
					if root := rootOf(in); root == nil {
						continue // the parts do not fit together
					}
					n++
					checkStyle(t, in)
				}
			}
		}
	}
	if n < 1500 {
		t.Errorf("only %d of the pods are YAML", n)
	}
}

// renumber gives comments other numbers.
func renumber(text string, by int) string {
	return regexp.MustCompile(`# c(\d+)`).ReplaceAllString(text, fmt.Sprintf("# c%d$1", by))
}

func indented(text string, by int) string {
	return regexp.MustCompile(`(?m)^(.+)$`).ReplaceAllString(text, strings.Repeat(" ", by)+"$1")
}

// wrap puts a pod where pods are found.
func wrap(pod string, how int) string {
	switch how {
	case 1:
		return "kind: List\napiVersion: v1\nitems:\n- apiVersion" + strings.TrimPrefix(indented(pod, 2), "  apiVersion")
	case 2:
		return "kind: Deployment\napiVersion: apps/v1\nspec:\n  template:\n" + indented(pod, 4)
	case 3:
		return "--- # begins\n" + pod
	}
	return pod
}

func checkStyle(t *testing.T, in string) {
	t.Helper()
	out, findings := Convert("f", []byte(in), bookendClass())
	if out == nil {
		t.Errorf("refused:\n%s\n%s", in, render(findings))
		return
	}
	want, got := decode(t, in), decode(t, string(out))
	moved := lifecyclesOf(t, want, false)
	if annotated := lifecyclesOf(t, got, true); !reflect.DeepEqual(moved, annotated) {
		t.Errorf("lifecycles %v became %v:\n%s\n%s", moved, annotated, in, out)
	}
	pruneAny(want)
	pruneAny(got)
	if len(moved) > 0 && !reflect.DeepEqual(want, got) {
		t.Errorf("something else changed:\n%s\n%s\n%v\n%v", in, out, want, got)
	}
	for _, comment := range regexp.MustCompile(`# c\d+`).FindAllString(in, -1) {
		if n := strings.Count(string(out)+"\n", comment+"\n") + strings.Count(string(out), comment+"\r\n"); n != 1 {
			t.Errorf("%q is there %d times:\n%s\n%s", comment, n, in, out)
		}
	}
	if again, _ := Convert("f", out, bookendClass()); !bytes.Equal(again, out) {
		t.Errorf("converted again:\n%s\n%s", out, again)
	}
	back, refused := Reverse("f", out, bookendClass())
	if printed := slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Note }); !printed && string(back) != in {
		t.Errorf("came back otherwise:\n%q\n%q\n%s", in, back, render(refused))
	} else if back == nil || !sameObjects(in, string(back)) {
		t.Errorf("came back as\n%s\n%s\n%s", in, back, render(refused))
	}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return v
}

// lifecyclesOf takes the lifecycles out of the containers of an object, or out
// of its annotations, and the runtime class.
func lifecyclesOf(t *testing.T, v any, annotations bool) map[string]any {
	found := map[string]any{}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			for name, l := range lifecyclesOf(t, item, annotations) {
				found[name] = l
			}
		}
	case map[string]any:
		delete(v, "runtimeClassName")
		if name, ok := v["name"].(string); ok && !annotations {
			if l, _ := v["lifecycle"].(map[string]any); len(l) > 0 {
				found[name] = l
				delete(v, "lifecycle")
			}
		}
		for key, value := range v {
			if name, ours := strings.CutPrefix(key, hooks.AnnotationPrefix); ours && annotations {
				found[name] = decode(t, value.(string))
				delete(v, key)
				continue
			}
			for name, l := range lifecyclesOf(t, value, annotations) {
				found[name] = l
			}
		}
	}
	return found
}

// pruneAny takes out what is null or an empty mapping.
func pruneAny(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			pruneAny(item)
		}
	case map[string]any:
		for key, value := range v {
			pruneAny(value)
			if m, ok := value.(map[string]any); value == nil || ok && len(m) == 0 {
				delete(v, key)
			}
		}
	}
}
