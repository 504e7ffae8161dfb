package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"bookend.dev/bookend/hooks"
)

// running returns the pids of shims that run from below dir, by the directory
// of their binary.
func running(dir string) (map[string][]int, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	found, seen := map[string][]int{}, false
	for _, proc := range procs {
		pid, err := strconv.Atoi(proc.Name())
		if err != nil {
			continue
		}
		seen = true
		exe, err := os.Readlink(filepath.Join("/proc", proc.Name(), "exe"))
		if errors.Is(err, fs.ErrPermission) && maybeShim(proc.Name()) {
			return nil, fmt.Errorf("whether shims run cannot be told: process %d may be one: %w", pid, err)
		}
		if err != nil {
			continue // gone, a thread of the kernel, or another program of another user
		}
		exe = strings.TrimSuffix(exe, " (deleted)")
		if filepath.Base(exe) == hooks.ShimBinary && strings.HasPrefix(exe, dir+"/") {
			set := filepath.Base(filepath.Dir(exe))
			found[set] = append(found[set], pid)
		}
	}
	if !seen {
		return nil, errNoProcesses
	}
	return found, nil
}

// maybeShim tells whether a process, whose binary may not be known, has the name of
// a shim, which the kernel cuts, and which anyone may read.
func maybeShim(pid string) bool {
	name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	return err == nil && string(name) == hooks.ShimBinary[:commLen]+"\n"
}

// commLen is how much of a program's name the kernel keeps.
const commLen = 15

// unused returns the directories of sets that are not current and that no shim
// runs from.
func unused(versions, current string) ([]string, error) {
	all, err := sets(versions)
	if err != nil {
		return nil, err
	}
	busy, err := running(versions)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, dir := range all {
		if set := filepath.Base(dir); set != current && len(busy[set]) == 0 {
			out = append(out, dir)
		}
	}
	return out, nil
}
