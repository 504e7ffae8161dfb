// Package helm tests what Helm does to a cluster whose node knows nothing of bookend:
// the real chart and the real image, whose agent writes to the node's directories and
// has containerd restarted.
//
// Its cluster is that of package kube. It is a package of its own, as a cluster has one
// containerd, and that of package kube knows bookend's runtime from the start.
package helm
