package look

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kube-openapi/pkg/handler3"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
)

// read reads a document as the aggregator does, which may not read logs.
func (c *cluster) read(a *agent, path string, into any) {
	c.t.Helper()
	answer := c.send(a, c.as("system:kube-aggregator", path))
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: status %d", path, answer.StatusCode)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		c.t.Errorf("%s: %v", path, err)
	}
}

func TestTheAggregatorFindsWhatThereIs(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	var groups metav1.APIGroupList
	c.read(a, "/apis", &groups)
	var group metav1.APIGroup
	c.read(a, "/apis/hooks.bookend.dev", &group)
	if len(groups.Groups) != 1 || groups.Groups[0].Name != hooksapi.Group || group.PreferredVersion.GroupVersion != "hooks.bookend.dev/v1alpha1" {
		t.Errorf("%+v, %+v", groups, group)
	}
	var resources metav1.APIResourceList
	c.read(a, "/apis/hooks.bookend.dev/v1alpha1", &resources)
	var names []string
	for _, r := range resources.APIResources {
		names = append(names, r.Name)
		if !r.Namespaced || r.Kind == "" || r.Verbs.String() != "[get]" {
			t.Errorf("%+v", r)
		}
	}
	if strings.Join(names, " ") != "pods/hooks pods/log" || resources.GroupVersion != hooksapi.GroupVersion {
		t.Errorf("%+v", resources)
	}
}

func TestTheOpenAPIDocumentsAreValid(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	var v2 spec.Swagger
	c.read(a, "/openapi/v2", &v2)
	var root handler3.OpenAPIV3Discovery
	c.read(a, "/openapi/v3", &root)
	link, ok := root.Paths["apis/"+hooksapi.GroupVersion]
	if !ok {
		t.Fatalf("%+v", root)
	}
	var v3 spec3.OpenAPI
	c.read(a, link.ServerRelativeURL, &v3)
	for _, sub := range []string{"hooks", "log"} {
		path := hooksapi.Root + "/namespaces/{namespace}/pods/{name}/" + sub
		if v2.Paths == nil || v2.Paths.Paths[path].Get == nil || v3.Paths == nil || v3.Paths.Paths[path] == nil || v3.Paths.Paths[path].Get == nil {
			t.Errorf("%s is missing", path)
		}
	}
}
