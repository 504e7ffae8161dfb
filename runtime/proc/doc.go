// Package proc sees processes through /proc: which process a number stands for,
// whether it is alive, what it descends from, its user namespace's ids, and the
// files under its root.
//
// A number names a [Process] only as long as that runs. So a process is a number
// and its start, and what is opened of it stays its own: [Process.Open].
//
// What is read under a root may be a container's work and is taken as hostile:
// [ReadFileInRoot].
//
// The package is a leaf: it imports nothing of ours. It starts no goroutine. A
// [Session] is one goroutine's at a time; all else is any number's.
package proc
