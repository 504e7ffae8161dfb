package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
