package hooksapi

import "net/url"

// Names of the API.
const (
	Group        = "hooks.bookend.dev"
	Version      = "v1alpha1"
	GroupVersion = Group + "/" + Version
	KindPodHooks = "PodHooks"
	KindPodLog   = "PodHookLog"
)

// Subresources of a pod.
const (
	SubresourceHooks = "hooks"
	SubresourceLog   = "log"
)

// Parameters of [SubresourceLog].
const (
	ParamFollow = "follow" // "true": the stream goes on
	ParamOutput = "output" // "false": without what hooks printed
)

// Root is the path of the group's version.
const Root = "/apis/" + GroupVersion

// Path is that of a pod's subresource.
func Path(namespace, pod, subresource string) string {
	return Root + "/namespaces/" + url.PathEscape(namespace) + "/pods/" + url.PathEscape(pod) + "/" + subresource
}
