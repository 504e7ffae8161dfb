package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// withQEMU puts a script in QEMU's place.
func withQEMU(t *testing.T, script string) settings {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "qemu-system-x86_64"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return settings{disks: t.TempDir(), init: initSystemd, kernel: "trixie"}
}

func TestGuestsSecondConsoleIsRead(t *testing.T) {
	s := withQEMU(t, `echo kernel; echo results >/dev/fd/3`)
	var results strings.Builder
	if err := (guest{settings: s, dir: t.TempDir()}).boot(t.Context(), &results); err != nil || results.String() != "results\n" {
		t.Errorf("%v, results %q", err, results.String())
	}
	if kept, err := os.ReadFile(s.consolePath()); err != nil || string(kept) != "kernel\n" {
		t.Errorf("%v, console %q", err, kept)
	}
}

func TestGuestThatQEMUDoesNotBootIsAnError(t *testing.T) {
	s := withQEMU(t, `echo "no such kernel" >&2; exit 1`)
	err := guest{settings: s, dir: t.TempDir()}.boot(t.Context(), &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "no such kernel") {
		t.Errorf("%v", err)
	}
}

func TestGuestEndsWithItsContext(t *testing.T) {
	s := withQEMU(t, `echo booted >/dev/fd/3; exec sleep 1000`)
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := (guest{settings: s, dir: t.TempDir()}).boot(ctx, heardBy(func() { cancel(errSilent) })); !errors.Is(err, errSilent) {
		t.Errorf("%v", err)
	}
}

// heardBy is called at each word of a guest's.
type heardBy func()

func (h heardBy) Write(b []byte) (int, error) {
	h()
	return len(b), nil
}

var errResults = errors.New("they cannot be read")

// deaf takes no results.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errResults }

// A guest whose results cannot be read is ended at once, and told why.
func TestAGuestEndsWhoseResultsCannotBeRead(t *testing.T) {
	s := withQEMU(t, `while echo result; do :; done >&3`)
	ended := make(chan error, 1)
	go func() { ended <- guest{settings: s, dir: t.TempDir()}.boot(t.Context(), deaf{}) }()
	select {
	case err := <-ended:
		if !errors.Is(err, errResults) {
			t.Errorf("got %v", err)
		}
	case <-time.After(harness.Limit(harness.ReadyTimeout)):
		t.Error("the guest goes on")
	}
}
