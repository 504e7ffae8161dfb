// Package check tests what operators apply: the Helm chart, the bases and overlays of
// kustomize and the sample of runtime-class-manager. Manifests are rendered with Helm's
// and kustomize's own libraries, of the newest versions: those of the tools that a
// cluster's administrator has.
//
// Every object is validated against the OpenAPI files of the Kubernetes that `make
// kube-tools` builds, with unknown fields as errors, and those of others by their
// CustomResourceDefinitions or types. That a controller does with an object what it is
// for is not tested here.
//
// It is a module of its own, so that nothing else depends on Helm.
package check
