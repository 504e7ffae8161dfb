package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"bookend.dev/bookend/runtime/bundle"
)

// note leaves the place of hooks' cgroups in a bundle, where it is known and that
// is not done.
func (c *Cgroup) note(bundleDir string) error {
	if c.hooksDir() == "" || c.noted.Load() {
		return nil
	}
	err := bundle.WriteHooksCgroup(bundleDir, c.dir)
	c.noted.Store(err == nil)
	return err
}

// KillLeftHooks kills the exec hooks that a dead shim left in the container of a
// bundle, and thaws their cgroups: on cgroup v1 a process that is frozen does not
// die, and nor does the init, which waits for it. The container itself, should it
// be paused, is left as it is.
func KillLeftHooks(bundleDir string) error {
	cgroup, err := bundle.ReadHooksCgroup(bundleDir)
	if err != nil || cgroup == "" {
		return err
	}
	unified, err := unifiedMode()
	if err != nil {
		return err
	}
	names, all := subdirectories(cgroup, walkDirs)
	var failed error
	if !all {
		failed = fmt.Errorf("not all cgroups in %s can be listed", cgroup)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, hookCgroupPrefix) {
			continue
		}
		h := &hookCgroup{dir: filepath.Join(cgroup, name), name: name, unified: unified}
		h.signalAll()
		if err := h.freeze(false); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, fmt.Errorf("thaw a hook's cgroup: %w", err))
		}
	}
	return failed
}
