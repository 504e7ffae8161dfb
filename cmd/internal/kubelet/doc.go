// Package kubelet knows what a container's annotations are when its shim sees them:
// those of the pod, and what containerd and the kubelet add. Who asks
// [hooks.Resolve] before there is a container makes them here, and so hears what
// the shim would say.
package kubelet
