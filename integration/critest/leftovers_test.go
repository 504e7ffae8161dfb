package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRemoveSegments(t *testing.T) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 1<<20, 0o600|unix.IPC_CREAT)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) }()
	all, err := segments()
	if err != nil || !slices.Contains(all, id) {
		t.Fatalf("segments %v, %v; want %d among them", all, err, id)
	}
	if err := removeSegments(all); err != nil {
		t.Fatal(err)
	}
	if now, _ := segments(); !slices.Contains(now, id) {
		t.Fatal("a segment that was there before is gone")
	}
	others := slices.DeleteFunc(all, func(other int) bool { return other == id })
	if err := removeSegments(others); err != nil {
		t.Fatal(err)
	}
	if now, _ := segments(); slices.Contains(now, id) {
		t.Error("the segment is left")
	}
}

func TestRemoveScratch(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	precious, scratch := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(precious, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	outer := filepath.Join(scratch, "outer")
	inner := filepath.Join(outer, "inner")
	if err := os.Mkdir(outer, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, mount := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"none", outer, "tmpfs", 0}, {precious, inner, "", unix.MS_BIND},
	} {
		if err := os.MkdirAll(mount.target, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(mount.source, mount.target, mount.kind, mount.flags, ""); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Unmount(mount.target, unix.MNT_DETACH) }()
	}
	if err := removeScratch(scratch); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("scratch directory: %v, want it gone", err)
	}
	if !isFile(filepath.Join(precious, "file")) {
		t.Error("what was bound into it is gone")
	}
}
