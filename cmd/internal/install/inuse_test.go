package install

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

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
