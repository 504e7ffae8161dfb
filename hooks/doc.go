// Package hooks is the domain of bookend: what a container's lifecycle hooks
// are, how they are written in annotations, and how one hook is run.
//
// Data flows one way: annotations and the node's configuration go through
// [Resolve] and come out as a [Lifecycle]; a [Hook] of it is carried out by a
// [Handler] under [Run], and its [Result] tells what happened.
//
// The package imports nothing of bookend and nothing of containerd: what needs
// a container (its namespaces, its processes) is passed in as a [Handler] or a
// [Network].
//
// # Concurrency
//
// A [Lifecycle] is immutable after [Resolve] and may be shared. [Run] is called
// by one goroutine per hook and owns the hook's deadline and attempts.
package hooks
