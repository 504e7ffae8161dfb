package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileTakesThePlaceOfALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(target, []byte("old"), 0o600), os.Symlink(target, link), Write(link, []byte("new"), 0o755, -1, -1)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode() != 0o755 {
		t.Errorf("got %v, %v", info, err)
	}
	for path, want := range map[string]string{target: "old", link: "new"} {
		if got, err := os.ReadFile(path); string(got) != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestAFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.MkdirAll(filepath.Join(path, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, nil, 0o600, -1, -1); err == nil {
		t.Error("a directory was replaced")
	}
	if files, err := os.ReadDir(dir); len(files) != 1 || err != nil {
		t.Errorf("got %v, %v", files, err)
	}
	if err := Replace(filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
