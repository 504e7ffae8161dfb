package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

var errResults = errors.New("they cannot be read")

// deaf takes no results.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errResults }

// A guest whose results cannot be read is ended at once, and told why.
func TestAGuestEndsWhoseResultsCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	const endless = "#!/bin/sh\nwhile echo result; do :; done >&3\n"
	if err := os.WriteFile(filepath.Join(dir, "qemu-system-x86_64"), []byte(endless), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	g := guest{settings: settings{disks: dir, init: initSmall, kernel: "none"}, dir: dir}
	ended := make(chan error, 1)
	go func() { ended <- g.boot(t.Context(), deaf{}) }()
	select {
	case err := <-ended:
		if !errors.Is(err, errResults) {
			t.Errorf("got %v", err)
		}
	case <-time.After(harness.Limit(harness.ReadyTimeout)):
		t.Error("the guest goes on")
	}
}
