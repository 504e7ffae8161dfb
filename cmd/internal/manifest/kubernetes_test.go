package manifest

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestKnowsKubernetesFields holds the fields that the way back may write
// against Kubernetes' own types.
func TestKnowsKubernetesFields(t *testing.T) {
	lifecycle := kubernetesLifecycle()
	for _, tt := range []struct {
		got  fields
		want []string
	}{
		{lifecycle, jsonFields[corev1.Lifecycle]()},
		{lifecycle["preStop"], slices.DeleteFunc(jsonFields[corev1.LifecycleHandler](), func(s string) bool { return s == "tcpSocket" })},
		{lifecycle["preStop"]["exec"], jsonFields[corev1.ExecAction]()},
		{lifecycle["preStop"]["httpGet"], jsonFields[corev1.HTTPGetAction]()},
		{lifecycle["preStop"]["sleep"], jsonFields[corev1.SleepAction]()},
	} {
		var got []string
		for name := range tt.got {
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("got %v, Kubernetes has %v", got, tt.want)
		}
	}
}

func jsonFields[T any]() []string {
	var names []string
	for f := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
