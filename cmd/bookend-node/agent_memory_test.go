package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A position-independent program has written its relocations into pages of its file that
// are read-only afterwards. They are not in the file.
func TestPagesThatWereWrittenToStay(t *testing.T) {
	page := os.Getpagesize()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, bytes.Repeat([]byte("f"), 3*page), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := unix.Mmap(int(f.Fd()), 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(all) }()
	text, relocated, data := all[:page], all[page:2*page], all[2*page:]
	relocated[0], data[0] = 'r', 'd'
	for _, part := range [][]byte{text, relocated} {
		if err := unix.Mprotect(part, unix.PROT_READ); err != nil {
			t.Fatal(err)
		}
	}
	// Read-only neighbours are one mapping but for their mode.
	if err := unix.Mprotect(text, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		t.Fatal(err)
	}
	if text[0] != 'f' || !residentAt(t, text) {
		t.Fatal("the file is not read")
	}
	if err := unmapFile(file); err != nil {
		t.Fatal(err)
	}
	if residentAt(t, text) {
		t.Error("what the file has stays")
	}
	if relocated[0] != 'r' || data[0] != 'd' || text[0] != 'f' {
		t.Errorf("the parts begin with %c, %c and %c", text[0], relocated[0], data[0])
	}
}

// residentAt tells whether the first page of memory is there, by proc_pid_pagemap(5).
func residentAt(t *testing.T, memory []byte) bool {
	t.Helper()
	pages, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer pages.Close()
	var entry [8]byte
	if _, err := pages.ReadAt(entry[:], int64(uintptr(unsafe.Pointer(&memory[0])))/int64(os.Getpagesize())*int64(len(entry))); err != nil {
		t.Fatal(err)
	}
	return entry[7]&0x80 != 0
}
