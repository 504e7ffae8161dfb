package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCopyTree(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	for _, name := range []string{"go.mod", "shim/kill.go", "shim/bin/x", "bin/shim", ".git/HEAD", "shim/.cache/y"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(src, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyTree(dst, src); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, pattern := range []string{"*", "*/*", "*/*/*"} {
		found, err := filepath.Glob(filepath.Join(dst, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if content, err := os.ReadFile(path); err == nil {
				got = append(got, string(content))
			}
		}
	}
	if want := []string{"go.mod", "shim/kill.go", "shim/bin/x"}; !slices.Equal(got, want) {
		t.Errorf("copied %q, want %q", got, want)
	}
}
