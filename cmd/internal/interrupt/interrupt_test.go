package interrupt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

// TestMain is the command, if it is told to be.
func TestMain(m *testing.M) {
	if os.Getenv("BOOKEND_TEST_STUCK") == "" {
		m.Run()
		return
	}
	ctx, stop := Context(context.Background())
	defer stop()
	fmt.Println("started")
	<-ctx.Done()
	fmt.Println("interrupted")
	select {} // stuck
}

func TestTheSecondSignalKills(t *testing.T) {
	// A job in the background of a shell ignores SIGINT. What is caught here is not
	// ignored in the command.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt)
	defer signal.Stop(caught)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "BOOKEND_TEST_STUCK=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := cmd.StdoutPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		for _, want := range []string{"started", "interrupted"} {
			if !said.Scan() || said.Text() != want {
				t.Fatalf("%s: it says %q, want %q", sig, said.Text(), want)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		if by := cmd.ProcessState.Sys().(syscall.WaitStatus); !by.Signaled() || by.Signal() != sig {
			t.Errorf("%s twice: %s", sig, cmd.ProcessState)
		}
	}
}
