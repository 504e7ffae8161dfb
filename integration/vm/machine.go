package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Machine is what a guest is run with.
type Machine struct {
	arch
	qemu    string // path
	kernel  string // path of a vmlinuz
	busybox string // path of a static one for the guest
}

// arch is what is special about machines of an architecture.
type arch struct {
	qemu    string   // name of the program
	args    []string // to it
	console string
}

var arches = map[string]arch{
	"amd64": {qemu: "qemu-system-x86_64", args: []string{"-cpu", "max"}, console: "ttyS0"},
	// Authenticated pointers by the book cost an emulator half of its time.
	"arm64": {qemu: "qemu-system-aarch64", args: []string{"-M", "virt", "-cpu", "max,pauth-impdef=on"}, console: "ttyAMA0"},
}

// Find looks for QEMU on PATH, and for the kernel where BOOKEND_VM_KERNEL
// says; the default is where `make vm-kernel` puts it below root, the
// repository. goarch is the guest's architecture, as Go calls it. An absence is an
// error that wraps [ErrMissing].
func Find(root, goarch string) (Machine, error) {
	of, ok := arches[goarch]
	if !ok {
		return Machine{}, fmt.Errorf("a virtual machine for %s: %w", goarch, ErrMissing)
	}
	qemu, err := exec.LookPath(of.qemu)
	if err != nil {
		return Machine{}, fmt.Errorf("%s: %w; run `make vm-deps GOARCH=%s`", of.qemu, ErrMissing, goarch)
	}
	m := Machine{arch: of, qemu: qemu, kernel: os.Getenv("BOOKEND_VM_KERNEL"), busybox: filepath.Join(Dir(root, goarch), "busybox")}
	if goarch == runtime.GOARCH {
		m.busybox, err = exec.LookPath("busybox")
		if err != nil {
			return Machine{}, fmt.Errorf("busybox: %w: install the package busybox-static", err)
		}
	}
	if m.kernel == "" {
		m.kernel = filepath.Join(Dir(root, goarch), "vmlinuz")
	}
	for _, path := range []string{m.kernel, m.busybox} {
		if _, err := os.Stat(path); err != nil {
			return Machine{}, fmt.Errorf("%s: %w; run `make vm-kernel GOARCH=%s`", path, ErrMissing, goarch)
		}
	}
	return m, nil
}

// Dir is where the Makefile puts what guests of an architecture are made of: below
// root, the repository.
func Dir(root, goarch string) string {
	dir := filepath.Join(root, ".cache", "vm")
	if goarch == runtime.GOARCH {
		return dir
	}
	return filepath.Join(dir, goarch)
}
