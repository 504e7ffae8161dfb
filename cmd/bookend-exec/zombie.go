package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// forkNoExec is the kernel's PF_FORKNOEXEC: this process was forked and has
// not called execve(2) successfully since.
const forkNoExec = 0x40

// awaitEnd waits until the child pid has ended, without reaping it, and tells
// whether it ended without ever becoming its command.
//
// A runtime closes every descriptor it could report over before execve(2), so
// that a failure there looks like a command that prints a line and exits 255. The
// kernel knows better, as long as the process is a zombie.
func awaitEnd(pid int) (neverRan bool) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		break
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	return taskFlags(stat)&forkNoExec != 0
}

// taskFlags takes the flags out of a line of /proc/<pid>/stat: see proc(5).
// The name before them may hold spaces and parentheses; the last one ends it.
func taskFlags(stat []byte) uint64 {
	const afterName = 6 // state ppid pgrp session tty_nr tpgid flags
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= afterName {
		return 0
	}
	flags, _ := strconv.ParseUint(string(fields[afterName]), 10, 64)
	return flags
}
