package runtime

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// walkDirs and walkProcs bound one round of a walk through what a hook has
	// made. A path of the kernel's longest passes through fewer directories.
	walkDirs  = 4096
	walkProcs = 4096
)

// walkCgroups calls visit with the directories of a tree, children first, and
// tells whether those were all: it goes to no more than left, from which it
// counts down.
func walkCgroups(dir string, left *int, visit func(dir string)) (all bool) {
	if *left <= 0 {
		return false
	}
	*left--
	names, all := subdirectories(dir, *left)
	for _, name := range names {
		if !walkCgroups(filepath.Join(dir, name), left, visit) {
			all = false
		}
	}
	visit(dir)
	return all
}

// subdirectories lists up to most and tells whether those are all.
func subdirectories(dir string, most int) (names []string, all bool) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return nil, err == unix.ENOENT // what has vanished is of no interest
	}
	if st.Nlink == 2 { // its own name and its ".": none, and its files need not be read
		return nil, true
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	for {
		entries, err := f.ReadDir(256)
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			if len(names) == most {
				return names, false
			}
			names = append(names, e.Name())
		}
		if err != nil {
			return names, errors.Is(err, io.EOF) || errors.Is(err, unix.ENOENT)
		}
	}
}

// cgroupPids lists the processes in one cgroup: walkProcs of them at most.
func cgroupPids(dir string) []int {
	f, err := os.Open(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	defer f.Close()
	const most = walkProcs * len("4194304\n")
	data, _ := io.ReadAll(io.LimitReader(f, int64(most)))
	if len(data) == most { // the last number may be cut
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	var pids []int
	for field := range bytes.FieldsSeq(data) {
		if pid, err := strconv.Atoi(string(field)); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}
