// Package doctor finds out whether hooks will run on this node, and says what to
// do where they will not.
//
// Facts are gathered first ([Gather]): from containerd's files, from the daemon
// that runs, from the binaries. Every check is a function of these facts alone,
// in the table of [Examine].
package doctor
