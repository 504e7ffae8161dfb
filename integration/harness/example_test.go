package harness_test

import (
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// A container with a preStop that a test holds: Kill is answered at once, and the
// signal waits for the hook.
func Example() {
	var t *testing.T                               // the test's own
	d := harness.StartDaemon(t, harness.Options{}) // or that of a harness.Shared
	h := harness.RunTask(t, d, `{"preStop":{"exec":{"command":["sh","-c",
		"echo pre >> /fifo/trace; echo here > /fifo/pre; cat /fifo/pre-go"]}}}`)
	h.Kill(syscall.SIGTERM)
	h.Await("pre") // the hook runs
	h.WantTrace("pre")
	h.Open("pre-go")
	h.WantExit(0)
	h.WantTrace("pre", "term")
	h.WantHookEvent("preStop", "success")
}
