package check

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func nestedStrings(o map[string]any, fields ...string) (map[string]string, bool, error) {
	return unstructured.NestedStringMap(o, fields...)
}

func isSubset(a, of map[string]string) bool {
	for k, v := range a {
		if of[k] != v {
			return false
		}
	}
	return true
}

// podsOf is the template of the pods of a part: agent, webhook or uninstall.
func podsOf(t *testing.T, all []*object, part string) map[string]any {
	t.Helper()
	kind := map[string]string{"agent": "DaemonSet", "webhook": "Deployment", "uninstall": "Job"}[part]
	template, found, err := unstructured.NestedMap(find(t, all, kind, "bookend-"+part).Object, "spec", "template")
	if err != nil || !found {
		t.Fatalf("%s has no pods: %v", part, err)
	}
	return template
}

func podSpec(t *testing.T, all []*object, part string) *corev1.PodSpec {
	t.Helper()
	var p corev1.PodTemplateSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(podsOf(t, all, part), &p, true); err != nil {
		t.Fatal(err)
	}
	return &p.Spec
}
