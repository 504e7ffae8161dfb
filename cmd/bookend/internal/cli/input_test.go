package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// What is no file would hold the reader up for ever, or never end.
func TestFilesInADirectoryAreRegular(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"link.yaml": "a.yaml", "zero.yaml": "/dev/zero", "dir.yaml": "/etc", "gone.yaml": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := filesIn(dir, false)
	// gone.yaml stays: that it cannot be read has to be said.
	if want := []string{dir + "/a.yaml", dir + "/gone.yaml", dir + "/link.yaml"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
