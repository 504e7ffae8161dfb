package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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

// shimMemory returns the private dirty memory of a shim in KiB, with that of
// its helpers: children that are in no container's pid namespace.
func shimMemory(shim int) (float64, error) {
	total, err := privateDirty(shim)
	if err != nil {
		return 0, err
	}
	below, err := children(shim)
	if err != nil {
		return 0, err
	}
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return 0, err
	}
	for _, child := range below {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", child))
		if err != nil {
			return 0, err
		}
		if theirs != own {
			continue
		}
		more, err := privateDirty(child)
		if err != nil {
			return 0, err
		}
		total += more
	}
	return total, nil
}
