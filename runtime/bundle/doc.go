// Package bundle reads what containerd writes into a container's bundle, and
// keeps what a shim leaves there for whoever cleans up after it.
//
// The package is a leaf: of ours it imports hooks, for names. It starts no
// goroutine, and its functions may be called by any number of them.
package bundle
