package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestField(t *testing.T) {
	const status = "Name:\tsh\nState:\tS (sleeping)\nSigCgt:\t0000000000014002\n"
	for name, want := range map[string]string{"State": "S (sleeping)", "SigCgt": "0000000000014002", "Cgt": "", "None": ""} {
		if got := field(status, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A shell stands for a shim, and what it runs for a helper: both are in our own
// pid namespace.
func TestProcessesAndTheirMemory(t *testing.T) {
	shell := exec.Command("sh", "-c", "sleep 1000 & wait")
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait()
	})
	pid := shell.Process.Pid
	if got, err := parent(pid); err != nil || got != os.Getpid() {
		t.Errorf("parent is %d, %v; want %d", got, err, os.Getpid())
	}
	// Both must have come to rest before their memory adds up.
	err := poll(t.Context(), "the memory of both to be counted", func() (bool, error) {
		below, err := children(pid)
		if err != nil || len(below) != 1 {
			return false, err
		}
		own, err := privateDirty(pid)
		if err != nil || own <= 0 {
			return false, err
		}
		helper, err := privateDirty(below[0])
		if err != nil || helper <= 0 {
			return false, err
		}
		all, err := weighShim(pid)
		return all.dirty == own+helper && all.descriptors >= 6 && all.files == 0, err
	})
	if err != nil {
		t.Error(err)
	}
	if got, err := descendants(pid); err != nil || got != 2 {
		t.Errorf("%d processes, %v, want 2", got, err)
	}
}

// A file in memory counts once, however many descriptors and processes it has,
// and by what is written of it.
func TestFilesInMemoryCount(t *testing.T) {
	const written = 64 << 10
	fd, err := unix.MemfdCreate("bench-test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "memfd")
	defer file.Close()
	if _, err := file.Write(make([]byte, written)); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-c", "sleep 1000 & wait")
	shell.ExtraFiles = []*os.File{file, file}
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait()
	})
	err = poll(t.Context(), "the files of both to be counted", func() (bool, error) {
		w, err := weighShim(shell.Process.Pid)
		return w.files == written>>10 && w.descriptors >= 10 && w.total() == w.dirty+w.files+float64(w.descriptors), err
	})
	if err != nil {
		t.Error(err)
	}
}
