package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Machine is what a guest is run with.
type Machine struct {
	qemu   string // path of qemu-system-x86_64
	kernel string // path of a vmlinuz
}

// Find looks for QEMU on PATH, and for the kernel where BOOKEND_VM_KERNEL
// says; the default is where `make vm-kernel` puts it below root, the
// repository. An absence is an error that wraps [ErrMissing].
func Find(root string) (Machine, error) {
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return Machine{}, fmt.Errorf("qemu-system-x86_64: %w; run `make deps`", ErrMissing)
	}
	kernel := os.Getenv("BOOKEND_VM_KERNEL")
	if kernel == "" {
		kernel = filepath.Join(root, ".cache", "vm", "vmlinuz")
	}
	if _, err := os.Stat(kernel); err != nil {
		return Machine{}, fmt.Errorf("kernel %s: %w; run `make vm-kernel`", kernel, ErrMissing)
	}
	return Machine{qemu: qemu, kernel: kernel}, nil
}
