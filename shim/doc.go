// Package shim is the Task API of bookend: containerd's own runc task service
// with lifecycle hooks around Start and Kill.
//
// The invariant of the whole package: SIGKILL asks no one. Whatever a hook, a
// client or bookend itself is doing, a SIGKILL goes to the runtime on the
// goroutine that brought it, and a container whose hooks break down is one
// without hooks.
//
// # Concurrency
//
// Every container with hooks has one goroutine, its [task]. It owns the
// container's phase, its running hook and that hook's cancel; it decides by
// feeding events to a [machine], and never calls the inner service and never
// does I/O: what must be done is done by goroutines it starts, which post their
// outcome back. RPC goroutines ask it and act on its answer. The [Service] owns
// the set of containers under one mutex that is never held across a call. The
// publisher decorates the inner service's events: it holds a container's
// TaskStart back while its Start is withheld. The exits of a task's init and
// sandbox are learnt by waiting for them at the inner service.
//
// Containers without hooks have no task; their calls go straight through.
package shim
