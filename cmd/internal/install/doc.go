// Package install puts bookend's binaries and containerd's configuration for it
// in place, and takes both away again.
//
// # Binaries
//
// A set of binaries lies in a directory of its own that is never written to
// again: its name has the version and a digest of the content. What is on PATH
// and in containerd's configuration is a symbolic link into it:
//
//	<bin>/containerd-shim-bookend-v2 -> <lib>/versions/0.1.0-4f2e8a91c0d3/containerd-shim-bookend-v2
//	<bin>/bookend                    -> <lib>/versions/0.1.0-4f2e8a91c0d3/bookend
//	<lib>/versions/0.1.0-4f2e8a91c0d3/bookend-exec
//	<lib>/state.json                    what was changed, to be undone
//	<lib>/original/<sha256>             what stood there before
//
// A link is replaced by rename, so that at no time a start finds none, and a
// shim that runs keeps its own directory: os.Executable resolves links, so that
// it finds the bookend-exec of its own set, and writes the path that is to
// clean up after it into the bundles of its containers. For this, older sets
// stay until they are pruned, which spares those with running shims. New pods
// get the new shim at once, without a restart of containerd.
//
// A deb or rpm puts a set where it stays, and replaces it itself: [Options.InPlace].
// Then nothing is copied or linked, and <lib> has the state alone.
//
// # Plans
//
// [New] and [Undo] look and decide, and change nothing: a [Plan] holds every
// file before and after. [Plan.Apply] and [Plan.Revert] take a lock on <lib>.
// Apply writes down what it will change before it makes anything but <lib>. Each
// step is atomic, and is left out if it is done already: after a failure at any
// point the same command goes on where it stopped, and uninstall undoes what was
// done.
//
// Others may use <lib> as well. Uninstall removes from it the sets, which it knows
// by their names and content, the originals that it has restored, and the state.
package install
