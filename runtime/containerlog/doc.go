// Package containerlog writes the output of hooks into their container's log, line
// by line, where containerd's shim writes that of the container.
//
// The package is a leaf: of ours it imports hooks.
//
// # Concurrency
//
// A [Writer] starts one goroutine with its first line, which ends when the queue
// is empty after [Writer.End], or when the time that End was given is up. Whoever
// writes never waits for it. All functions may be called by any number of
// goroutines.
package containerlog
