// Package daemon finds out about the containerd that runs on this node: its
// version, its process, and what shims inherit from it.
package daemon
