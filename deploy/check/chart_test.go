package check

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

const (
	chartDir  = "../helm/bookend"
	namespace = "bookend-system"
)

// variants are the values that the chart is tested with: no values, and each file.
func variants(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{"default": {}}
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(path.Base(file), ".yaml")] = values(t, string(data))
	}
	return all
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	v := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// renderFiles does what helm does with values, and returns the text of each template.
func renderFiles(t *testing.T, v map[string]any) (map[string]string, error) {
	t.Helper()
	c := loadChart(t)
	release := common.ReleaseOptions{Name: "bookend", Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(c, v, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.RenderWithContext(t.Context(), c, all)
}

// render returns the objects of the chart with these values, hooks among them.
func render(t *testing.T, v map[string]any) []*object {
	t.Helper()
	files, err := renderFiles(t, v)
	if err != nil {
		t.Fatal(err)
	}
	var manifest strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) == ".yaml" {
			manifest.WriteString("\n---\n" + files[name])
		}
	}
	return objects(t, []byte(manifest.String()))
}

func TestChartRendersValidObjects(t *testing.T) {
	schemas := loadSchemas(t)
	for name, v := range variants(t) {
		t.Run(name, func(t *testing.T) {
			for _, o := range render(t, v) {
				if err := schemas.validate(o); err != nil {
					t.Errorf("%s: %v", o.name(), err)
				}
			}
		})
	}
}

// A namespaced object without a namespace goes where kubectl's context is, and one
// with Helm's goes where the release is.
func TestChartSaysWhereObjectsAre(t *testing.T) {
	schemas := loadSchemas(t)
	for name, v := range variants(t) {
		t.Run(name, func(t *testing.T) {
			for _, o := range render(t, v) {
				want := ""
				if schemas.namespaced(o) {
					want = namespace
				}
				if o.name() == "RoleBinding/bookend-agent-authentication-reader" {
					want = "kube-system"
				}
				if o.GetNamespace() != want {
					t.Errorf("%s is in namespace %q, want %q", o.name(), o.GetNamespace(), want)
				}
			}
		})
	}
}

// What selects pods selects those that the chart makes, and no pod that it makes is
// selected by two.
func TestChartSelectsItsPods(t *testing.T) {
	all := render(t, nil)
	for _, name := range []string{"agent", "webhook"} {
		labels, _, err := nestedStrings(podsOf(t, all, name), "metadata", "labels")
		if err != nil {
			t.Fatal(err)
		}
		var selected []string
		for _, o := range all {
			at := map[string][]string{
				"Service": {"spec", "selector"}, "PodDisruptionBudget": {"spec", "selector", "matchLabels"},
				"NetworkPolicy": {"spec", "podSelector", "matchLabels"}, "DaemonSet": {"spec", "selector", "matchLabels"},
				"Deployment": {"spec", "selector", "matchLabels"},
			}[o.GetKind()]
			if at == nil {
				continue
			}
			selector, found, err := nestedStrings(o.Object, at...)
			if err != nil || !found || len(selector) == 0 {
				t.Errorf("%s has no selector: %v", o.name(), err)
			}
			if isSubset(selector, labels) {
				selected = append(selected, o.name())
			}
		}
		want := map[string][]string{
			"agent":   {"DaemonSet/bookend-agent", "NetworkPolicy/bookend-agent", "Service/bookend-agent"},
			"webhook": {"Deployment/bookend-webhook", "NetworkPolicy/bookend-webhook", "PodDisruptionBudget/bookend-webhook", "Service/bookend-webhook"},
		}[name]
		if !slices.Equal(selected, want) {
			t.Errorf("the pods of %s are selected by %q, want %q", name, selected, want)
		}
	}
}

// The policy is in one place, and the classes of the values are in it.
func TestChartHasTheWebhookFreePolicy(t *testing.T) {
	const file = "../webhook-free/policy.yaml"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	enabled := func(more string) map[string]any { return values(t, "admissionPolicy: {enabled: true}\n"+more) }
	policies := func(v map[string]any) []*object {
		return slices.DeleteFunc(render(t, v), func(o *object) bool {
			return !strings.HasPrefix(o.GetKind(), "ValidatingAdmissionPolicy") || o.GetName() == "bookend-agent-node"
		})
	}
	want := objects(t, data)
	if got := policies(enabled("")); len(want) == 0 || string(text(t, got)) != string(text(t, want)) {
		t.Errorf("the chart's policy is not that of %s:\n%s", file, text(t, got))
	}
	got := text(t, policies(enabled("runtimeClass: {name: hooks}\nwebhook: {runtimeClasses: [hooks-gpu]}")))
	if !strings.Contains(string(got), "orValue('') in ['hooks', 'hooks-gpu']") {
		t.Errorf("the policy does not have the classes of the values:\n%s", got)
	}
	if got := policies(nil); len(got) != 0 {
		t.Errorf("the policy is there by default")
	}
}

func TestChartIsOfTheVersionThatIsBuilt(t *testing.T) {
	data, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^VERSION := (.+)$`).FindSubmatch(data)
	if m == nil {
		t.Fatal("the Makefile names no version")
	}
	if c := loadChart(t); c.Metadata.AppVersion != string(m[1]) || c.Metadata.Version != string(m[1]) {
		t.Errorf("chart %s, of version %s: want %s", c.Metadata.Version, c.Metadata.AppVersion, m[1])
	}
}
