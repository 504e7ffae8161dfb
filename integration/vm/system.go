package vm

import (
	_ "embed"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// guestInit is the guest's init process. It ends by running /guest/command.
//
//go:embed guest.sh
var guestInit []byte

// System adds what every guest has: an init, and busybox with its links.
func (a *Archive) System(m Machine) {
	for _, dir := range []string{"/dev", "/proc", "/sys", "/tmp", "/root", "/mnt"} {
		a.Dir(dir)
	}
	a.File("/init", guestInit)
	a.Busybox(m.busybox)
}

// Busybox adds the busybox in the file from, with its links.
func (a *Archive) Busybox(from string) {
	a.Copy("/bin/busybox", from)
	// That of the guest may not run here; the list of this machine's is the same.
	out, err := exec.Command("busybox", "--list").Output()
	if err != nil {
		a.fail(fmt.Errorf("list busybox's commands: %w", err))
	}
	for _, command := range strings.Fields(string(out)) {
		if command != "busybox" {
			a.Link("/bin/"+command, "busybox")
		}
	}
}

// Command sets what the guest is for: a script that busybox's shell runs.
func (a *Archive) Command(script string) {
	a.File("/guest/command", []byte("#!/bin/sh\n"+script+"\n"))
}

// Program adds the host's program from, with the libraries that it is linked
// to, each under its own path.
func (a *Archive) Program(name, from string) {
	a.Copy(name, from)
	out, err := exec.Command("ldd", from).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not a dynamic executable") {
		a.fail(fmt.Errorf("ldd %s: %w: %s", from, err, out))
	}
	// "libc.so.6 => /lib/libc.so.6 (0x7f…)", "/lib64/ld-linux.so.2 (0x7f…)"
	for _, found := range regexp.MustCompile(`(?m)(/\S+) \(0x`).FindAllStringSubmatch(string(out), -1) {
		a.Copy(found[1], found[1])
	}
}
