package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Files in a bundle, for whoever cleans up after its shim.
const (
	recordsFile = "bookend-records" // the directory with the records of its container
	cgroupFile  = "bookend-cgroup"  // the cgroup in which its exec hooks get theirs
)

// WriteRecordsDir leaves in a bundle the directory of its container's records.
func WriteRecordsDir(bundle, dir string) error {
	return os.WriteFile(filepath.Join(bundle, recordsFile), []byte(dir), 0o600)
}

// ReadRecordsDir returns what [WriteRecordsDir] left; empty for a container
// without hooks.
func ReadRecordsDir(bundle string) (string, error) { return readLeft(bundle, recordsFile) }

// shimPathFile is containerd's own: where it finds the shim's binary after a restart.
const shimPathFile = "shim-binary-path"

// WriteShimPath leaves in a bundle the path of the binary that cleans up after its
// shim, unless it is there.
func WriteShimPath(bundle, path string) error { return writeOnce(bundle, shimPathFile, path) }

// ReadShimPath returns what containerd, or [WriteShimPath], left; empty: neither has.
func ReadShimPath(bundle string) (string, error) { return readLeft(bundle, shimPathFile) }

// initPidFile is the runtime's own, which containerd's runc shim has it write.
const initPidFile = "init.pid"

// ReadInitPid returns the pid that a container's init had when it was made, and when
// that was noted; 0: none was made.
func ReadInitPid(bundle string) (pid int, noted time.Time, err error) {
	text, err := readLeft(bundle, initPidFile)
	if err != nil || text == "" {
		return 0, noted, err
	}
	path := filepath.Join(bundle, initPidFile)
	if pid, err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
		return 0, noted, fmt.Errorf("%s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, noted, err
	}
	return pid, info.ModTime(), nil
}

// WriteHooksCgroup leaves in a bundle the cgroup in which the exec hooks of its
// container get theirs, unless it is there. The init does not tell it later: one
// that exits shows no cgroup v1 any more.
func WriteHooksCgroup(bundle, dir string) error { return writeOnce(bundle, cgroupFile, dir) }

// ReadHooksCgroup returns what [WriteHooksCgroup] left; empty for a container in
// which no exec hook has run.
func ReadHooksCgroup(bundle string) (string, error) { return readLeft(bundle, cgroupFile) }

func readLeft(bundle, file string) (string, error) {
	data, err := os.ReadFile(filepath.Join(bundle, file))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// writeOnce writes a file unless it is there.
func writeOnce(bundle, file, content string) error {
	f, err := os.OpenFile(filepath.Join(bundle, file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}
