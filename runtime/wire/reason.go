package wire

import (
	"os/exec"
	"regexp"
	"strings"
	"syscall"
)

// commandErrors are the ways in which the process that is to become the hook
// speaks of its command and its working directory. It is another process by
// then: its errors arrive as text, and nothing but the text tells them apart.
// Everything else it may say, about cgroups, namespaces or seccomp, must not
// match: "no such file" is there no statement about the command.
//
//	exec: "name": reason
//	chdir to cwd ("dir") set in config.json failed: reason
func commandErrors() *regexp.Regexp {
	return regexp.MustCompile(`(?s)(?:^|: )(?:exec: "|chdir to cwd \(").*: [^:]+$`)
}

// CommandReason finds in the text of an error of runc why the command
// or its working directory cannot be used; ok is false if it is about neither.
func CommandReason(text string) (r Reason, ok bool) {
	if !commandErrors().MatchString(text) {
		return "", false
	}
	return ExecReason(text), true
}

// ExecReason takes the reason out of the text of an error of execve(2) or of
// the search for the command: what follows the last colon, in the words of Go or
// of the C library, which differ in their capitals.
func ExecReason(text string) Reason {
	switch strings.ToLower(strings.TrimSpace(text[strings.LastIndexByte(text, ':')+1:])) {
	case strings.ToLower(exec.ErrNotFound.Error()), syscall.ENOENT.Error(), syscall.ENOTDIR.Error():
		return NotFound
	case syscall.EACCES.Error(), syscall.EPERM.Error(), syscall.EISDIR.Error():
		return Permission
	case syscall.ENOEXEC.Error():
		return BadFormat
	}
	return CannotStart
}
