package shim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/api/types/runc/options"
	runcC "github.com/containerd/go-runc"
)

// lingering is a call of a runtime, by the name of kill, that is a script with a FIFO
// as its argument; tell writes a line there.
func lingering(ctx context.Context, t *testing.T, script string) (c *exec.Cmd, output *bytes.Buffer, tell func()) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// Both ends: the child's opening must not wait, and tell must not either.
	f, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	output = &bytes.Buffer{}
	c = exec.CommandContext(ctx, "sh", "-c", script, "kill", fifo)
	c.Stdout = output
	tell = func() {
		if _, err := f.WriteString("container not running\n"); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { f.Close() })
	return c, output, tell
}

// What the runtime says decides what the client is told.
func TestTheOutputOfAKillIsReadToItsEnd(t *testing.T) {
	c, output, tell := lingering(t.Context(), t, `(read -r line <"$1"; echo "$line") &`)
	m := callMonitor{runcC.Monitor}
	exits, err := m.StartLocked(c)
	if err != nil {
		t.Fatal(err)
	}
	if c.WaitDelay != sendTime {
		t.Errorf("it is read for %s, want %s", c.WaitDelay, sendTime)
	}
	select {
	case <-exits:
		t.Errorf("the call has ended after %q", output)
		tell()
	case <-time.After(3 * callDrain):
		tell()
		<-exits
	}
	if output.String() != "container not running\n" {
		t.Errorf("read %q", output)
	}
}

func TestAKillThatWasEndedWaitsForNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _, tell := lingering(ctx, t, `(echo there >&2; read -r line <"$1") & read -r line <"$1"`)
	there, errput, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	c.Stderr = errput
	m := callMonitor{runcC.Monitor}
	exits, err := m.StartLocked(c)
	if err != nil {
		t.Fatal(err)
	}
	errput.Close()
	if _, err := there.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-exits:
	case <-time.After(sendTime / 2):
		t.Error("the call goes on")
	}
	tell()
}

// A Start that failed waits for what the runtime says of the init, and every stop
// signal behind it.
func TestAQuestionThatWasEndedWaitsForNobody(t *testing.T) {
	dir := t.TempDir()
	there, hang, script := filepath.Join(dir, "there"), filepath.Join(dir, "hang"), filepath.Join(dir, "runc")
	text := fmt.Sprintf("#!/bin/sh\n(echo there > %s; read -r line < %s) & read -r line < %[2]s\n", there, hang)
	if err := errors.Join(syscall.Mkfifo(there, 0o600), syscall.Mkfifo(hang, 0o600), os.WriteFile(script, []byte(text), 0o700)); err != nil {
		t.Fatal(err)
	}
	monitor := runcC.Monitor
	defer func() { runcC.Monitor = monitor }()
	runcC.Monitor = callMonitor{monitor}
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		_, err := runtimeOf("ns", &options.Options{BinaryName: script}).State(ctx, "c")
		answered <- err
	}()
	if _, err := os.ReadFile(there); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-answered:
		if err == nil {
			t.Error("it has an answer")
		}
	case <-time.After(sendTime / 2):
		t.Error("it is waited for")
	}
	f, err := os.OpenFile(hang, os.O_WRONLY, 0) // lets the child go
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
