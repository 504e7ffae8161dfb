package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// asCommand makes this test binary the command itself.
const asCommand = "BOOKEND_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	m.Run()
}

// process is a command that runs.
type process struct {
	*exec.Cmd
	in   io.Writer
	out  io.Reader
	done chan struct{} // closed when it has ended
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		if signal.Ignored(sig) {
			t.Skipf("%v is ignored here, as in a shell's background job, and so in children", sig)
		}
	}
	p := &process{Cmd: exec.Command(os.Args[0], args...), done: make(chan struct{})}
	p.Env = append(os.Environ(), asCommand+"=1")
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out, p.Stdout, p.Stderr = out, w, os.Stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		_ = p.Wait() // its state says it all
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill() // does nothing to one that has ended
		<-p.done
		out.Close()
	})
	return p
}

// signalled sends a signal, if need be again, and returns how the process ended.
func (p *process) signalled(t *testing.T, sig os.Signal, times int) syscall.WaitStatus {
	t.Helper()
	limit, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for ; ; times-- {
		if times > 0 {
			_ = p.Process.Signal(sig) // it may have ended by the one before
		}
		select {
		case <-p.done:
			return p.ProcessState.Sys().(syscall.WaitStatus)
		case <-tick.C:
		case <-limit:
			t.Fatalf("%q goes on in spite of %v", p.Args[1:], sig)
		}
	}
}

func TestASignalKillsACommandThatReads(t *testing.T) {
	for _, args := range [][]string{{"validate", "-f", "-"}, {"convert", "-f", "-"}, {"config", "check", "-"}} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			p := start(t, args...)
			// More than a pipe holds: once it is written, the command reads.
			if _, err := p.in.Write(bytes.Repeat([]byte("#\n"), 1<<20)); err != nil {
				t.Fatal(err)
			}
			if got := p.signalled(t, sig, 1); !got.Signaled() || got.Signal() != sig {
				t.Errorf("%q, %v: wait status %#x", args, sig, got)
			}
		}
	}
}

func TestASignalEndsACommandThatFollows(t *testing.T) {
	dir := newRecords(t, 1)
	for _, args := range [][]string{{"ps", "--watch"}, {"logs", "batch", "--follow"}} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			p := start(t, append(args, "--records", dir)...)
			if _, err := p.out.Read(make([]byte, 1<<10)); err != nil {
				t.Fatal(err)
			}
			if got := p.signalled(t, sig, 1); !got.Exited() || got.ExitStatus() != 0 {
				t.Errorf("%q, %v: wait status %#x", args, sig, got)
			}
		}
	}
}

// A command that is stuck, here because nobody reads what it prints, does not
// come to its end by itself.
func TestAnotherSignalKillsACommandThatFollows(t *testing.T) {
	p := start(t, "logs", "batch", "--follow", "--records", newRecords(t, 64<<10))
	if _, err := p.out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if got := p.signalled(t, syscall.SIGINT, 1<<30); !got.Signaled() || got.Signal() != syscall.SIGINT {
		t.Errorf("wait status %#x", got)
	}
}

// newRecords makes the record of an attempt that printed so many bytes to each
// of its outputs.
func newRecords(t *testing.T, size int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := record.Open(dir, record.Limits{MaxAge: 1 << 62})
	s.Log = func(err error) { t.Error(err) }
	printed := bytes.Repeat([]byte("x"), size)
	c := record.Subject{Namespace: "default", Container: "batch"}
	s.Begin(record.Record{Subject: c, Hook: hooks.PreStop, Handler: "exec", Attempt: 1, Started: time.Now()}).
		End(record.End{Outcome: hooks.Succeeded, Stdout: printed, Stderr: printed})
	s.Remove(record.Subject{Namespace: "nobody", Container: "none"}) // waits for what came before
	return dir
}
