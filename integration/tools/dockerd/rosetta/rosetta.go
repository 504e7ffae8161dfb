// Package rosetta stands in for the module of that name, with which docker's
// command line asks macOS whether it translates another architecture's
// programs. Linux never does, and not every module proxy has the original.
package rosetta

// Enabled tells whether the operating system translates this program.
func Enabled() bool { return false }
