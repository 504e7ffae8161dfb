// Package hookevents follows what shims publish about hooks on containerd's
// event bus.
package hookevents
