package check

import (
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"bookend.dev/bookend/hooks"
)

// Its controller names the runtime after the binary, and the binary after the object.
func TestSampleShimNamesItsHandler(t *testing.T) {
	data, err := os.ReadFile("../runtime-class-manager/shim.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := objects(t, data)
	if len(all) != 1 {
		t.Fatalf("%d objects", len(all))
	}
	if err := loadSchemas(t).validate(all[0]); err != nil {
		t.Error(err)
	}
	handler, _, err := unstructured.NestedString(all[0].Object, "spec", "runtimeClass", "handler")
	if err != nil || handler != all[0].GetName() || "containerd-shim-"+handler != hooks.ShimBinary {
		t.Errorf("name %s, handler %s, binary %s: %v", all[0].GetName(), handler, hooks.ShimBinary, err)
	}
}
