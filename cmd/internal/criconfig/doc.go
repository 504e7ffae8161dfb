// Package criconfig reads what containerd's configuration says about the
// runtimes of its CRI plugin, and writes the part of it that is bookend's.
//
// It reads files, not the daemon: what a daemon that has not been restarted
// goes by may be something else. Files are read and merged by containerd's own
// code, with their imports.
//
// # Where a drop-in works
//
// containerd reads a drop-in only if the `imports` of its main file cover it.
// `containerd config default` prints such a line since 2.2, but it is the file
// that counts: without a file, or without the line, nothing is imported. Before
// 2.0 an imported file replaced whole plugin sections, the node's other runtimes
// with them, so do not use one there.
//
// Before 2.3 the version of the file that is merged last is that of all files
// ([Merging]).
package criconfig
