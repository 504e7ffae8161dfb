// Package manifest checks and rewrites what people keep in files: Kubernetes
// manifests, crictl's configurations, OCI specs, Compose files and Lifecycle
// objects.
//
// It is pure: bytes go in, and [Finding] values or other bytes come out. What
// an annotation means is not decided here: [Validate] hands it to
// [hooks.Resolve] together with the annotations that containerd and the kubelet
// would add, so that it says what the shim would say.
//
// Files are read as trees of nodes that know their lines. [Convert] and
// [Reverse] change lines of text, guided by those nodes, and encode nothing
// anew: comments, order, quotes and line ends stay. What has no lines for a
// change, because it is in flow style, is reprinted in block style first, from
// its text. Before they return, they read the result again and compare it, node
// by node, with what it is to be; a manifest that is written in a way they do not
// understand is refused, never damaged.
package manifest
