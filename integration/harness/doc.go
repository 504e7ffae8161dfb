// Package harness is what tests from outside are made of: it starts a private
// containerd with private networks, cgroups and images, speaks the CRI and the
// Task API to it, and checks that nothing is left afterwards. It never imports
// the shim.
//
// [Start] gives a [Daemon]; [Daemon.CRI] speaks the kubelet's API to it,
// [Daemon.Tasks] that of ctr and nerdctl, [Daemon.Events] records containerd's
// event bus. None of these know about tests, so that the demo, critest and the
// benchmarks use them too. For tests, [Shared] holds one daemon for a whole
// package, and [Shared.Daemon] checks after each test that nothing leaked.
//
// A [Fixture] is a container for one test, of the Task API or of the CRI, with what
// the test sees of it: FIFOs, which make the order between test and container, a
// trace, and events. The package's example shows one.
//
// # Concurrency
//
// A [Daemon] belongs to one test at a time: tests that share one do not run in
// parallel, since the leak check compares before with after.
package harness
