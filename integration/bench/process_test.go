package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestField(t *testing.T) {
	const status = "Name:\tsh\nState:\tS (sleeping)\nSigCgt:\t0000000000014002\n"
	for name, want := range map[string]string{"State": "S (sleeping)", "SigCgt": "0000000000014002", "Cgt": "", "None": ""} {
		if got := field(status, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestProcessesAndTheirMemory(t *testing.T) {
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	self := os.Getpid()
	if got, err := parent(child.Process.Pid); err != nil || got != self {
		t.Errorf("parent is %d, %v; want %d", got, err, self)
	}
	if got, err := children(self); err != nil || !slices.Contains(got, child.Process.Pid) {
		t.Errorf("children are %v, %v; want %d among them", got, err, child.Process.Pid)
	}
	if got, err := descendants(child.Process.Pid); err != nil || got != 1 {
		t.Errorf("%d processes, %v, want the child alone", got, err)
	}
	own, err := privateDirty(self)
	if err != nil || own <= 0 {
		t.Errorf("%v KiB, %v", own, err)
	}
	theirs, err := privateDirty(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	// A helper of the same pid namespace counts.
	if got, err := shimMemory(self); err != nil || got < theirs+1 {
		t.Errorf("%v KiB, %v, with a child of %v", got, err, theirs)
	}
}
