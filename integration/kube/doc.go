// Package kube tests bookend in Kubernetes: a cluster of one node, whose programs
// are built from their modules, runs its pods on the private containerd of package
// harness.
//
// A cluster has what a machine has one of: fixed ports, rules of iptables, paths
// below /var. [Isolate] therefore moves the test program into a network namespace
// and a mount namespace of its own before the first test. What a cluster makes
// there goes with its last process; what is beyond them, processes, cgroups and the
// directory of containerd, is the harness's to remove, by pid and by path.
//
// The package is a module of its own, so that the client of Kubernetes is no
// dependency of bookend.
//
// # Concurrency
//
// A [Cluster] may be used by any number of tests at a time, each in a namespace of
// its own. Those that stop one of its programs run alone.
package kube
