package vm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Result is what a guest did.
type Result struct {
	Console string // all that the kernel and the command wrote, lines ended by \n
	Status  int    // of the command
}

// silence is how long that is: several times the longest pause of a guest that works.
const silence = 4 * time.Minute

// Run boots a guest from the archive in the file initramfs, and returns when
// it has ended, has fallen silent, or ctx is done. The console is in the result in any
// case, and copied to watch as it is written.
func (m Machine) Run(ctx context.Context, initramfs string, watch io.Writer) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(silence, func() { cancel(ErrSilent) })
	defer silent.Stop()
	cmd := exec.CommandContext(ctx, m.qemu, append(slices.Clone(m.args),
		// KVM is not tried: inside another machine it may hang for good.
		"-accel", "tcg", "-smp", "2", "-m", "1536",
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-kernel", m.kernel, "-initrd", initramfs,
		"-append", "console="+m.console+" quiet panic=-1")...)
	var console, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&console, watch, heard{silent}), &complaints
	// No one needs a guest once its test is gone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // whose end, too, is a parent's death
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	result := Result{Console: strings.ReplaceAll(console.String(), "\r\n", "\n")}
	if ctx.Err() != nil {
		return result, fmt.Errorf("guest: %w", context.Cause(ctx))
	}
	if err != nil {
		return result, fmt.Errorf("qemu: %w: %s", err, complaints.Bytes())
	}
	// Last of all guest.sh prints this; what the command printed may lack the
	// end of its line, and the kernel has a word after it.
	found := regexp.MustCompile(`(?s).*guest ended with status (\d+)\n`).FindStringSubmatch(result.Console)
	if found == nil {
		return result, errNoStatus
	}
	result.Status, err = strconv.Atoi(found[1])
	return result, err
}

// heard takes a guest's word for a sign of life.
type heard struct{ silent *time.Timer }

func (h heard) Write(b []byte) (int, error) {
	h.silent.Reset(silence)
	return len(b), nil
}
