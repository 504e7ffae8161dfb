package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// segmentBytes is the size of the shared memory segments that critest makes on the host, to look for
// them in pods, and leaves there.
const segmentBytes = "1048576"

// segments lists the ids of the host's shared memory segments of that size.
func segments() ([]int, error) {
	table, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, line := range strings.Split(string(table), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != segmentBytes {
			continue
		}
		id, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("/proc/sysvipc/shm: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// removeSegments removes the segments of critest's size that weren't there before.
func removeSegments(before []int) error {
	now, err := segments()
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range now {
		if slices.Contains(before, id) {
			continue
		}
		if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil {
			errs = append(errs, fmt.Errorf("remove shared memory segment %d: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// removeScratch removes critest's temporary directory and what a test that failed left mounted in it.
// Mounts first: a bind mount's content is not critest's to remove.
func removeScratch(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(string(mounts), "\n")
	slices.Reverse(lines) // what was mounted last goes first
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.HasPrefix(fields[4], dir+"/") {
			continue
		}
		if err := unix.Unmount(fields[4], unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", fields[4], err)
		}
	}
	return os.RemoveAll(dir)
}

// cgroupParents lists the cgroups, of either version, below which CRI puts pods that name no parent.
func cgroupParents() ([]string, error) {
	unified, err := filepath.Glob("/sys/fs/cgroup/k8s.io")
	if err != nil {
		return nil, err
	}
	split, err := filepath.Glob("/sys/fs/cgroup/*/k8s.io")
	return append(unified, split...), err
}

// removeCgroupParents removes the parents that weren't there before, and the cgroups of containers that
// a failed test left below them. Those that still have processes stay: another containerd uses them.
func removeCgroupParents(before []string) error {
	now, err := cgroupParents()
	if err != nil {
		return err
	}
	for _, parent := range now {
		if slices.Contains(before, parent) {
			continue
		}
		if err := removeIdle(parent); err != nil {
			return err
		}
	}
	return nil
}

// removeIdle removes dir and the cgroups below it, as far as they have no processes.
func removeIdle(dir string) error {
	var cgroups []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			cgroups = append(cgroups, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	slices.Reverse(cgroups) // children first
	for _, path := range cgroups {
		err := unix.Rmdir(path)
		if err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove cgroup %s: %w", path, err)
		}
	}
	return nil
}
