package install

import (
	"errors"
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
	found := map[string][]int{}
	for _, proc := range procs {
		pid, err := strconv.Atoi(proc.Name())
		if err != nil {
			continue
		}
		exe, err := os.Readlink(filepath.Join("/proc", proc.Name(), "exe"))
		if err != nil {
			continue // gone, or a thread of the kernel
		}
		exe = strings.TrimSuffix(exe, " (deleted)")
		if filepath.Base(exe) == hooks.ShimBinary && strings.HasPrefix(exe, dir+"/") {
			set := filepath.Base(filepath.Dir(exe))
			found[set] = append(found[set], pid)
		}
	}
	return found, nil
}

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
