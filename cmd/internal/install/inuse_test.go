package install

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

func TestRunningShimsKeepTheirBinaries(t *testing.T) {
	n := newNode(t, mainV3)
	n.shimIsCat()
	first := n.install()
	end := runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	n.release("2")
	n.opts.Prune = true
	n.install()
	if !complete(first.setDir()) {
		t.Error("the set of a running shim is gone")
	}
	before := n.tree()
	if _, err := Undo(n.opts.LibDir, false); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "pids ") {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	n.wantTree(before)
	if p, err := Undo(n.opts.LibDir, true); err != nil || len(p.Notes) != 1 {
		t.Errorf("with force: %v", err)
	}
	end()
	n.install()
	if complete(first.setDir()) {
		t.Error("the set is there although its shim is gone")
	}
	n.uninstall()
}

// Who may not look at a process does not take it for gone.
func TestWhoCannotSeeShimsSaysSo(t *testing.T) {
	n := newNode(t, mainV3)
	n.shimIsCat()
	n.install()
	end := runUntilClosed(t, n.path("bin/"+hooks.ShimBinary))
	blind := func() (err error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never back: the thread ends with the goroutine
			if err = dropTracing(); err == nil {
				_, err = Undo(n.opts.LibDir, false)
			}
		}()
		<-done
		return err
	}
	if err := blind(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "whether shims run cannot be told: process ") {
		t.Errorf("got %v", err)
	}
	end()
}

// dropTracing takes the right to look at processes with more rights from this thread,
// and has it have less than others have.
func dropTracing() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return err
	}
	data[0].Effective &^= 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_NET_RAW
	return unix.Capset(&hdr, &data[0])
}

// shimIsCat makes the new shim a program that runs until its input ends.
func (n *node) shimIsCat() {
	n.t.Helper()
	cat, err := exec.LookPath("cat")
	if err != nil {
		n.t.Fatal(err)
	}
	data, err := os.ReadFile(cat)
	if err != nil {
		n.t.Fatal(err)
	}
	n.release("1")
	n.write("new/"+hooks.ShimBinary, string(data), 0o755)
}

// runUntilClosed runs a copy of cat, which reads until end is called.
func runUntilClosed(t *testing.T, path string) (end func()) {
	t.Helper()
	cmd := exec.Command(path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	// What comes back comes from the program, so that it runs by now.
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return func() {
		in.Close()
		_ = cmd.Wait()
	}
}
