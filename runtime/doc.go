// Package runtime runs exec hooks in containers, through the joiner or through the
// container's own runtime.
//
// It knows a container by its init and by the OCI configuration in its bundle.
// What a container can have put in the way (links, FIFOs, devices) is taken as
// hostile throughout. When a hook is run, and what its end means for the container,
// is decided elsewhere.
//
// What is found where: how a hook gets in, [Runner] and plan*.go; a run of one,
// exec*.go; a postStart that begins early, [Begun]; cgroups, cgroup*.go and hook*.go;
// what runtimes say of themselves, identity*.go; seccomp programs, seccomp*.go. The
// packages below have the rest: proc, bundle, netns, resolve and containerlog, which
// know nothing of hooks' processes, and joiner and wire.
//
// # Concurrency
//
// An [Executor], a [Runner], a [Cgroup] and what keeps files of the node may be used
// by any number of goroutines. A run of a hook has these of its own: one reads each
// of its pipes and ends with the pipe's last writer; one waits for the program that
// brings the hook in; one reads what that program says. A hook that cannot be killed
// in time has one more, for a minute. A plan is worked out by one goroutine for each
// container, within ten seconds.
package runtime
