package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAShimWithoutItsExecutor is an installation that lacks bookend-exec:
// containers that ask for an exec hook are told so, and no others are harmed.
func TestAShimWithoutItsExecutor(t *testing.T) {
	b, err := FindBinaries()
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
	byPath := func(o *TaskOptions) { o.Runtime = alone }

	_, err = d.Tasks.Create(t.Context(), TaskOptions{
		Runtime: alone, Annotations: map[string]string{lifecycleKey: `{"preStop":{"exec":` + shell(quickPre) + `}}`},
	})
	if err == nil || !strings.Contains(err.Error(), "bookend-exec: no such file or directory") {
		t.Errorf("Create: %v, want it to name what is missing", err)
	}
	h := runHooked(t, d, `{"postStart":{"sleep":{"seconds":0}}}`, byPath)
	h.kill(syscall.SIGTERM)
	h.wantExit(0)

	setConfig(t, d, defaultPreStop("pre"))
	h = runHooked(t, d, "", byPath, without)
	h.kill(syscall.SIGTERM)
	h.wantExit(0)
	h.wantTrace("term")
	if ev := wantHookEvent(t, h.events, h.ID(), "preStop", "failure"); ev["cause"] != "cannot be started" {
		t.Errorf("event %v", ev)
	}
}
