package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestPgrep(t *testing.T) {
	proc := t.TempDir()
	self := strconv.Itoa(os.Getpid())
	for pid, comm := range map[string]string{"1": "pause", "23": "sleep", "fs": "sleep", self: "sleep"} {
		if err := os.MkdirAll(filepath.Join(proc, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "comm"), []byte(comm+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := pgrep(proc, []string{"sl.ep$"}, &out); err != nil || out.String() != "23\n" {
		t.Errorf("pgrep: %q, %v; want 23", out.String(), err)
	}
	out.Reset()
	if err := pgrep(proc, []string{"nginx"}, &out); !errors.Is(err, errNoProcess) || out.Len() > 0 {
		t.Errorf("pgrep without a match: %q, %v", out.String(), err)
	}
}

func TestIpcs(t *testing.T) {
	table := filepath.Join(t.TempDir(), "shm")
	heading := "       key      shmid perms                  size  cpid  lpid nattch   uid   gid\n"
	write := func(text string) {
		if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	write(heading)
	if err := ipcs(table, &out); err != nil || strings.ContainsAny(out.String(), "0123456789") {
		t.Errorf("no segments: %q, %v; want no digit", out.String(), err)
	}
	out.Reset()
	write(heading + "1283321261         42   644               1048576 28173     0      0     0     0\n")
	if err := ipcs(table, &out); err != nil || !strings.Contains(out.String(), "42\t644\t1048576\n") {
		t.Errorf("one segment: %q, %v", out.String(), err)
	}
}
