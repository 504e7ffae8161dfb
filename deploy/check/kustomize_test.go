package check

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	kustomizeDir = "../kustomize"
	baseFile     = kustomizeDir + "/base/bookend.yaml"
	baseHeader   = "# What the chart in deploy/helm renders, without the hooks of Helm. Written by `make kustomize-base`.\n"
)

var update = flag.Bool("update", false, "write the base of kustomize")

// withoutHelm is what of a rendering is for kubectl as well.
func withoutHelm(all []*object) []*object {
	all = slices.DeleteFunc(all, (*object).isHook)
	for _, o := range all {
		annotations := o.GetAnnotations()
		delete(annotations, "helm.sh/resource-policy")
		if len(annotations) == 0 {
			annotations = nil
		}
		o.SetAnnotations(annotations)
	}
	return all
}

func TestBaseIsWhatTheChartRenders(t *testing.T) {
	want := append([]byte(baseHeader), text(t, withoutHelm(render(t, values(t, "namespace: {create: true}"))))...)
	if *update {
		if err := os.WriteFile(baseFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(baseFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the chart renders: run make kustomize-base", baseFile)
	}
}

// build does what kubectl kustomize does.
func build(t *testing.T, dir string) []*object {
	t.Helper()
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	manifest, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, manifest)
}

// An overlay is the chart with the values for a distribution.
func TestOverlaysAreWhatTheChartRenders(t *testing.T) {
	schemas := loadSchemas(t)
	dirs, err := filepath.Glob(kustomizeDir + "/overlays/*")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, dir := range dirs {
		name := filepath.Base(dir)
		names = append(names, name)
		t.Run(name, func(t *testing.T) {
			got := build(t, dir)
			for _, o := range got {
				if err := schemas.validate(o); err != nil {
					t.Errorf("%s: %v", o.name(), err)
				}
			}
			install := map[string]any{"distribution": name}
			if name == "k0s" {
				install["restart"] = "none"
			}
			want := withoutHelm(render(t, map[string]any{"namespace": map[string]any{"create": true}, "agent": map[string]any{"install": install}}))
			if g, w := text(t, got), text(t, want); !bytes.Equal(g, w) {
				t.Errorf("the overlay renders\n%s\nthe chart\n%s", g, w)
			}
		})
	}
	if want := []string{"containerd", "eks", "k0s", "k3s", "rke2"}; !slices.Equal(names, want) {
		t.Errorf("overlays %q, want %q", names, want)
	}
}

// The policy can be applied by itself, and with an overlay.
func TestWebhookFreePolicyIsABase(t *testing.T) {
	data, err := os.ReadFile("../webhook-free/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, build(t, "../webhook-free")), text(t, objects(t, data)); !bytes.Equal(got, want) {
		t.Errorf("kustomize renders\n%s", got)
	}
}
