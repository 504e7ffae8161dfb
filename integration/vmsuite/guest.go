package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// guest is one virtual machine.
type guest struct {
	settings
	dir       string // of this run's files
	initramfs string
	payload   string
}

// silence is how long a guest may write nothing at all: longer than any test
// waits for anything.
const silence = 10 * time.Minute

var errSilent = errors.New("the guest fell silent")

// boot runs the guest until it turns itself off. What it writes to its second
// console goes to results.
func (g guest) boot(ctx context.Context, results io.Writer) error {
	console, err := os.OpenFile(g.consolePath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer console.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer silent.Stop()

	var complaints strings.Builder
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", g.arguments()...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = console, &complaints, []*os.File{write}
	cmd.Env = append(os.Environ(), "TMPDIR="+g.dir) // of what the guest writes to its disks
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // whose end, too, is a parent's death
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	write.Close()
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.MultiWriter(results, heard{silent}), read); err != nil {
		cancel(err) // nobody reads on: the guest would wait until it is taken for silent
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("guest: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("qemu: %w: %s", err, complaints.String())
	}
	return nil
}

func (g guest) arguments() []string {
	args := []string{
		// KVM is not tried: inside another machine it may hang for good.
		"-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "3072",
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-chardev", "file,id=results,path=/dev/fd/3",
		"-device", "virtio-serial-pci", "-device", "virtconsole,chardev=results",
		"-kernel", g.kernelDir("vmlinuz"), "-initrd", g.initramfs,
		"-append", strings.Join(g.commandLine(), " "),
	}
	for _, disk := range []string{filepath.Join(g.disks, "root.ext4"), g.kernelDir("modules.ext4"), g.payload} {
		// What is written lasts as long as the guest.
		args = append(args, "-drive", "if=virtio,format=raw,snapshot=on,cache=unsafe,file="+disk)
	}
	return args
}

func (g guest) commandLine() []string {
	// The second processor comes when suite.sh has it come.
	line := []string{"console=ttyS0", "quiet", "panic=-1", "maxcpus=1", "cgroup_no_v1=all", "apparmor=1", "mitigations=off"}
	if g.init == initSystemd {
		return append(line, "bookend.init=/sbin/init", "systemd.unit=multi-user.target", "systemd.wants=suite.service")
	}
	return append(line, "bookend.init=/bookend/guest/init.sh")
}

// heard takes a guest's word for a sign of life.
type heard struct{ silent *time.Timer }

func (h heard) Write(b []byte) (int, error) {
	h.silent.Reset(silence)
	return len(b), nil
}
