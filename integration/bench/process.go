package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// parent returns the pid of a process's parent: that of a container's init is
// its shim.
func parent(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(field(string(status), "PPid"))
}

// children returns the pids of a process's children, whichever of its threads
// started them.
func children(pid int) ([]int, error) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	var all []int
	for _, thread := range threads {
		list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		if os.IsNotExist(err) {
			continue // the thread ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		for _, child := range strings.Fields(string(list)) {
			n, err := strconv.Atoi(child)
			if err != nil {
				return nil, err
			}
			all = append(all, n)
		}
	}
	return all, nil
}

// descendants counts a process and everything below it.
func descendants(pid int) (int, error) {
	below, err := children(pid)
	if err != nil {
		return 0, err
	}
	n := 1
	for _, child := range below {
		more, err := descendants(child)
		if err != nil {
			return 0, err
		}
		n += more
	}
	return n, nil
}

// privateDirty returns the private dirty memory of a process in KiB.
func privateDirty(pid int) (float64, error) {
	path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	rollup, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	kib, err := strconv.ParseFloat(strings.TrimSuffix(field(string(rollup), "Private_Dirty"), " kB"), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return kib, nil
}

// weight is the memory of a shim and its helpers.
type weight struct {
	dirty, files float64 // KiB: private dirty memory, and files in memory
	descriptors  int
}

// descriptorKiB is what the kernel has for an open descriptor at the least: a
// file, an inode and a name.
const descriptorKiB = 1

// total is all of it, in KiB.
func (w weight) total() float64 { return w.dirty + w.files + float64(w.descriptors)*descriptorKiB }

// weighShim weighs a shim with its helpers: children that are in no container's
// pid namespace.
func weighShim(shim int) (weight, error) {
	below, err := children(shim)
	if err != nil {
		return weight{}, err
	}
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return weight{}, err
	}
	all := []int{shim}
	for _, child := range below {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", child))
		if err != nil {
			return weight{}, err
		}
		if theirs == own {
			all = append(all, child)
		}
	}
	var w weight
	seen := map[uint64]bool{}
	for _, pid := range all {
		dirty, err := privateDirty(pid)
		if err != nil {
			return weight{}, err
		}
		w.dirty += dirty
		if err := w.addDescriptors(pid, seen); err != nil {
			return weight{}, err
		}
	}
	return w, nil
}

// addDescriptors adds those of a process, and the files in memory among them
// that have not been seen, by inode.
func (w *weight) addDescriptors(pid int, seen map[uint64]bool) error {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	open, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, fd := range open {
		path := filepath.Join(dir, fd.Name())
		link, err := os.Readlink(path)
		if os.IsNotExist(err) {
			continue // closed meanwhile
		}
		if err != nil {
			return err
		}
		w.descriptors++
		if !strings.HasPrefix(link, "/memfd:") {
			continue
		}
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			return fmt.Errorf("stat %s: %w", path, err)
		}
		if !seen[st.Ino] {
			seen[st.Ino] = true
			w.files += float64(st.Blocks) / 2 // of 512 bytes
		}
	}
	return nil
}
