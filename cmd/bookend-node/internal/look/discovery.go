package look

import (
	_ "embed"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
)

// The documents of OpenAPI. kubectl explain and the API server's merged document
// are made of them.
var (
	//go:embed openapi-v2.json
	openAPIv2 []byte
	//go:embed openapi-v3.json
	openAPIv3 []byte
)

// pathOpenAPIv3 is where the document of the group is. Its root names it.
const pathOpenAPIv3 = "/openapi/v3" + hooksapi.Root

func groups() metav1.APIGroupList {
	return metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{group()}}
}

func group() metav1.APIGroup {
	v := metav1.GroupVersionForDiscovery{GroupVersion: hooksapi.GroupVersion, Version: hooksapi.Version}
	return metav1.APIGroup{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"},
		Name:     hooksapi.Group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v,
	}
}

// resources has the subresources alone: there are no pods of this group, and
// "kubectl get pods" has to mean others.
func resources() metav1.APIResourceList {
	of := func(subresource, kind string) metav1.APIResource {
		return metav1.APIResource{Name: "pods/" + subresource, Namespaced: true, Kind: kind, Verbs: metav1.Verbs{"get"}}
	}
	return metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: hooksapi.GroupVersion,
		APIResources: []metav1.APIResource{
			of(hooksapi.SubresourceHooks, hooksapi.KindPodHooks),
			of(hooksapi.SubresourceLog, hooksapi.KindPodLog),
		},
	}
}

// openAPIRoot is the list of documents of version 3.
func openAPIRoot() any {
	type link struct {
		ServerRelativeURL string `json:"serverRelativeURL"`
	}
	return map[string]map[string]link{"paths": {hooksapi.Root[1:]: {pathOpenAPIv3}}}
}

// document answers with one that never changes.
func document(v any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, v) })
}
