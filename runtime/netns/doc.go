// Package netns gives httpGet hooks the network of their container: every socket is
// made inside the container's network namespace, and names are looked up in the
// container's own files and at its name servers.
//
// # Concurrency
//
// The namespace of a socket never changes. So it is made on a thread that is inside
// the namespace for that one system call ([Network.within]), and everything else can
// be done by any goroutine. Package net's dialer and resolver are not used: they
// choose their threads themselves.
package netns
