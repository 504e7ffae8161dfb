package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestCheckBusybox(t *testing.T) {
	standalone := script(t, "#!/bin/sh\nexit 0\n")
	if err := checkBusybox(t.Context(), standalone); !errors.Is(err, errStandalone) {
		t.Errorf("a shell that never looks on PATH: %v, want errStandalone", err)
	}
	// Called as "<script> sh -c <text>": it drops "sh" and is the shell itself.
	plain := script(t, "#!/bin/sh\nshift\nexec /bin/sh \"$@\"\n")
	if err := checkBusybox(t.Context(), plain); err != nil {
		t.Errorf("a shell that looks on PATH: %v", err)
	}
	if err := checkBusybox(t.Context(), plain+"-absent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no busybox: %v, want not exist", err)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "busybox")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
