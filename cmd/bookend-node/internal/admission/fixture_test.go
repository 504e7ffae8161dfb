package admission

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files")

// fixture is a pod on its way into a namespace.
type fixture struct {
	name      string
	Namespace map[string]string `json:"namespace"`
	Pod       json.RawMessage   `json:"pod"`
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var list []fixture
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := fixture{name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
		if err := yaml.UnmarshalStrict(data, &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, f)
	}
	return list
}

func newAdmitter(t testing.TB) *Admitter {
	t.Helper()
	a, err := New(Options{Classes: []string{"bookend", "bookend-debug"}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (f fixture) admit(t *testing.T, raw []byte) *Verdict {
	t.Helper()
	v, err := newAdmitter(t).Create(raw, f.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// apply does what the API server does with a patch.
func (v *Verdict) apply(t *testing.T, raw []byte) []byte {
	t.Helper()
	if len(v.Patch) == 0 {
		return raw
	}
	data, err := json.Marshal(v.Patch)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := jsonpatch.DecodePatch(data)
	if err != nil {
		t.Fatal(err)
	}
	result, err := patch.Apply(raw)
	if err != nil {
		t.Fatalf("the patch does not apply: %v", err)
	}
	return result
}

// golden is a verdict as people read it.
func (v *Verdict) golden(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, w := range v.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	if v.Refused != "" {
		fmt.Fprintf(&b, "refused: %s\n", v.Refused)
	}
	for _, o := range v.Patch {
		fmt.Fprintf(&b, "%s %s\n", o.Operation, o.Path)
		switch value := o.Value.(type) {
		case nil:
		case string:
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(strings.TrimRight(value, "\n"), "\n", "\n    "))
		case map[string]string:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				fmt.Fprintf(&b, "    %s: %s\n", key, strings.ReplaceAll(value[key], "\n", "\n    "))
			}
		case map[string]any: // the whole metadata
			fmt.Fprintf(&b, "    %v\n", value)
		default:
			t.Errorf("%s: a value of type %T", o.Path, value)
		}
	}
	return b.String()
}

func quoteJSON(t *testing.T, text string) string {
	t.Helper()
	data, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
