package integration

import (
	"fmt"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// Hooks for tests: each notes its start, in the trace or at its FIFO.
const (
	waitingPost = `echo post >> /fifo/trace; echo here > /fifo/post; cat /fifo/post-go`
	waitingPre  = `echo pre >> /fifo/trace; echo here > /fifo/pre; cat /fifo/pre-go`
	quickPre    = `echo pre >> /fifo/trace`
)

// shell is an exec handler that runs a script.
func shell(script string) string { return fmt.Sprintf(`{"command":["sh","-c",%q]}`, script) }

// note is a hook that writes a word into the trace.
func note(word string) string { return `{"exec":` + shell("echo "+word+" >> /fifo/trace") + `}` }

// stillWithheld fails the test if a reply came.
func stillWithheld(t *testing.T, reply <-chan error) {
	t.Helper()
	select {
	case err := <-reply:
		t.Fatalf("Start replied while its hook was running: %v", err)
	default:
	}
}

// wantReply waits for a reply, which a hanging shim would never send.
func wantReply(t *testing.T, reply <-chan error) error {
	t.Helper()
	select {
	case err := <-reply:
		return err
	case <-time.After(harness.Limit(time.Minute)):
		t.Fatal("Start did not reply")
		return nil
	}
}
