package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// hooksCgroupFile in a bundle names the cgroup in which the exec hooks of its
// container get theirs, for whoever cleans up after its shim. The init does not
// tell it then: one that exits shows no cgroup v1 any more.
const hooksCgroupFile = "bookend-cgroup"

// note leaves the place of hooks' cgroups in a bundle, where it is known and that
// is not done.
func (c *Cgroup) note(bundle string) error {
	if c.hooksDir() == "" || c.noted.Load() {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(bundle, hooksCgroupFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		c.noted.Store(true)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(c.dir)
	err = errors.Join(err, f.Close())
	c.noted.Store(err == nil)
	return err
}

// KillLeftHooks kills the exec hooks that a dead shim left in the container of a
// bundle, and thaws their cgroups: on cgroup v1 a process that is frozen does not
// die, and nor does the init, which waits for it. The container itself, should it
// be paused, is left as it is.
func KillLeftHooks(bundle string) error {
	data, err := os.ReadFile(filepath.Join(bundle, hooksCgroupFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it had no exec hook
	}
	if err != nil {
		return err
	}
	unified, err := unifiedMode()
	if err != nil {
		return err
	}
	names, all := subdirectories(string(data), walkDirs)
	var failed error
	if !all {
		failed = fmt.Errorf("not all cgroups in %s can be listed", data)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, hookCgroupPrefix) {
			continue
		}
		h := &hookCgroup{dir: filepath.Join(string(data), name), name: name, unified: unified}
		h.signalAll()
		if err := h.freeze(false); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, fmt.Errorf("thaw a hook's cgroup: %w", err))
		}
	}
	return failed
}
