package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// TestExecHookOfAShimWithoutBookendExec is an installation that lacks bookend-exec:
// only hooks that need it fail, and say so.
func TestExecHookOfAShimWithoutBookendExec(t *testing.T) {
	b, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	shim, err := b.Shim()
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), filepath.Base(shim))
	data, err := os.ReadFile(shim)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, data, 0o700); err != nil {
		t.Fatal(err)
	}
	d := shared.Daemon(t)
	byPath := func(o *harness.TaskOptions) { o.Runtime = alone }

	h := harness.RunTask(t, d, `{"postStart":{"sleep":{"seconds":0}}}`, byPath)
	h.Kill(syscall.SIGTERM)
	h.WantExit(0)

	// The joiner needs nothing beside the shim.
	h = harness.RunTask(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`, byPath)
	h.Kill(syscall.SIGTERM)
	h.WantExit(0)
	h.WantTrace("pre", "term")

	// The runtime's own exec is called by what is missing.
	setConfig(t, d, "[exec]\nentry = \"runtime\"\n")
	h = harness.RunTask(t, d, `{"preStop":{"exec":`+shell(quickPre)+`}}`, byPath)
	h.Kill(syscall.SIGTERM)
	h.WantExit(0)
	h.WantTrace("term")
	ev := h.WantHookEvent("preStop", "failure")
	if ev["cause"] != "cannot be started" || ev["runner"] != "runtime" {
		t.Errorf("event %v", ev)
	}
	a := awaitAttempts(t, d, h.ID, "preStop Failed cannot be started")[0]
	if !strings.Contains(a.Detail, "bookend-exec: no such file or directory") {
		t.Errorf("the record does not name what is missing: %s", a.Detail)
	}
}
