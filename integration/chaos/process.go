package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// findProcesses returns those whose command line matches.
func findProcesses(matches func(args []string) bool) []int {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var pids []int
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		if matches(strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// hookProcess returns a process of the hooks that bear a mark.
func hookProcess(mark string) (int, error) {
	pids := findProcesses(func(args []string) bool {
		return len(args) > 2 && args[0] == "sh" && strings.Contains(args[2], mark)
	})
	if len(pids) == 0 {
		return 0, fmt.Errorf("hook %s: %w", mark, errNoProcess)
	}
	return pids[0], nil
}

// shimProcess returns the shim that was started for a container, or for its
// sandbox.
func shimProcess(id string) (int, error) {
	pids := findProcesses(func(args []string) bool {
		return strings.Contains(filepath.Base(args[0]), "containerd-shim-bookend") && slices.Contains(args, id)
	})
	if len(pids) == 0 {
		return 0, fmt.Errorf("shim of %s: %w", id, errNoProcess)
	}
	return pids[0], nil
}
