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
//	exec: "name": reason                               the search for the command
//	chdir to cwd ("dir") set in config.json failed: reason
//	exec /name: reason                                 execve(2) itself
func commandErrors() *regexp.Regexp {
	return regexp.MustCompile(`(?s)(?:^|: )(?:exec: "|chdir to cwd \("|exec /).*: ([^:]+)\n?$`)
}

// CommandReason finds in the text of an error of libcontainer why the command
// or its working directory cannot be used; ok is false if it is about neither.
func CommandReason(text string) (r Reason, ok bool) {
	m := commandErrors().FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	switch strings.TrimSpace(m[1]) {
	case exec.ErrNotFound.Error(), syscall.ENOENT.Error(), syscall.ENOTDIR.Error():
		return NotFound, true
	case syscall.EACCES.Error(), syscall.EPERM.Error(), syscall.EISDIR.Error():
		return Permission, true
	case syscall.ENOEXEC.Error():
		return BadFormat, true
	}
	return CannotStart, true
}
