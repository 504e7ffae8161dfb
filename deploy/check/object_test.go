package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// object is one of a manifest's.
type object struct{ unstructured.Unstructured }

// name is what an error calls it.
func (o *object) name() string { return o.GetKind() + "/" + o.GetName() }

// isHook tells whether Helm applies it when something happens, and not with the rest.
func (o *object) isHook() bool { return o.GetAnnotations()["helm.sh/hook"] != "" }

// into converts it to a type of Kubernetes', which must have all of its fields.
func into[T any](t *testing.T, o *object) *T {
	t.Helper()
	var v T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &v, true); err != nil {
		t.Fatalf("%s: %v", o.name(), err)
	}
	return &v
}

// objects are those of a manifest. No two have one name, and no key is there twice.
func objects(t *testing.T, manifest []byte) []*object {
	t.Helper()
	var all []*object
	seen := map[string]bool{}
	for r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest))); ; {
		text, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		o := &object{}
		if err := yaml.UnmarshalStrict(text, &o.Object); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(o.Object) == 0 {
			continue // comments
		}
		key := fmt.Sprint(o.GroupVersionKind(), o.GetNamespace(), o.GetName())
		if seen[key] {
			t.Errorf("%s is there twice", o.name())
		}
		seen[key] = true
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *object) int {
		return strings.Compare(a.name()+a.GetNamespace(), b.name()+b.GetNamespace())
	})
	return all
}

// find returns the one object of a kind and name.
func find(t *testing.T, all []*object, kind, name string) *object {
	t.Helper()
	i := slices.IndexFunc(all, func(o *object) bool { return o.GetKind() == kind && o.GetName() == name })
	if i < 0 {
		t.Fatalf("no %s/%s is rendered", kind, name)
	}
	return all[i]
}

// text is a manifest of the objects.
func text(t *testing.T, all []*object) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, o := range all {
		data, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "---\n%s", data)
	}
	return out.Bytes()
}
