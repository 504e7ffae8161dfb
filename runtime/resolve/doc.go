// Package resolve looks names up as a process in a container would: in the
// container's hosts file, then at its name servers, by the rules of its
// resolv.conf. It is given the text of both files and a way to connect, and looks
// at nothing of the machine. What the files say and the servers answer is taken as
// hostile.
//
// The package is a leaf: of ours it imports hooks.
//
// # Concurrency
//
// A [Resolver] is immutable and may be used by any number of goroutines. A look-up
// asks for both families of addresses at once, on two goroutines that end with it.
package resolve
