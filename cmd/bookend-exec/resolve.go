//go:build cgo && seccomp

package main

import libseccomp "github.com/seccomp/libseccomp-golang"

// resolves tells whether libseccomp knows a system call by its name, be it one
// of another architecture.
func resolves(name string) bool {
	_, err := libseccomp.GetSyscallFromName(name)
	return err == nil
}
