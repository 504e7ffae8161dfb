package shim

import (
	"testing"

	"bookend.dev/bookend/hooks/record"
)

func TestAContainerIsCalledAsItsClientSays(t *testing.T) {
	pod := map[string]string{
		"io.kubernetes.cri.sandbox-id": "s", "io.kubernetes.cri.container-name": "main",
		"io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop",
		"io.kubernetes.cri.sandbox-uid": "5f0c",
	}
	forged := map[string]string{"nerdctl/name": "other", "io.kubernetes.cri.sandbox-id": "s"}
	for name, tt := range map[string]struct {
		annotations map[string]string
		want        record.Subject
	}{
		"ctr":               {nil, record.Subject{}},
		"nerdctl":           {map[string]string{"nerdctl/name": "web"}, record.Subject{Name: "web"}},
		"nerdctl, posing":   {map[string]string{"nerdctl/name": "web", "io.kubernetes.cri.container-name": "main"}, record.Subject{Name: "main"}},
		"a pod":             {pod, record.Subject{Name: "main", Pod: "web-0", PodNamespace: "shop", PodUID: "5f0c"}},
		"a pod that forges": {forged, record.Subject{}},
	} {
		tt.want.Namespace, tt.want.Container = "n", "c"
		if got := subjectOf("n", "c", tt.annotations); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
	pod["nerdctl/name"] = "other"
	if got := subjectOf("n", "c", pod); got.Name != "main" {
		t.Errorf("a pod's annotations name it %q", got.Name)
	}
}
