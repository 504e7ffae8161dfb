package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"

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
	unified, err := unifiedMode()
	if err != nil {
		return err
	}
	cgroup, err := leftHooksCgroup(bundleDir, unified)
	if err != nil || cgroup == "" {
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

// leftHooksCgroup is the cgroup in which the hooks of a bundle's container have
// theirs; empty: they have none.
func leftHooksCgroup(bundleDir string, unified bool) (string, error) {
	cgroup, err := bundle.ReadHooksCgroup(bundleDir)
	if err != nil || cgroup != "" || unified {
		return cgroup, err
	}
	if records, err := bundle.ReadRecordsDir(bundleDir); err != nil || records == "" {
		return "", err // a container without hooks
	}
	return unnotedHooksCgroup(bundleDir)
}

// unnotedHooksCgroup is that of a container on cgroup v1 whose shim did not note it:
// no exec hook has run, or the shim was of a version older than the note. The init
// would not tell either, see [bundle.WriteHooksCgroup].
func unnotedHooksCgroup(bundleDir string) (string, error) {
	path, err := bundle.ReadCgroupsPath(bundleDir)
	if err != nil || !filepath.IsAbs(path) {
		return "", err // systemd's, or relative to a cgroup that is not known
	}
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup"))
	if err != nil {
		return "", err
	}
	p := membership{controllers: freezer, path: filepath.Clean(path)}
	for _, m := range writableFirst(mounts) {
		if p.findBelow(m) {
			return p.dir, nil
		}
	}
	return "", nil
}
