package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// CgroupRoot is where the hierarchies of cgroups are mounted.
const CgroupRoot = "/sys/fs/cgroup"

// cgroupDirs returns the directories of cgroup name ("/bk-1") in every hierarchy
// it exists in: one for cgroup v2, one per controller for v1.
func cgroupDirs(name string) ([]string, error) {
	var dirs []string
	for _, pattern := range []string{name, "*/" + name} {
		found, err := filepath.Glob(filepath.Join(CgroupRoot, pattern))
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, found...)
	}
	return dirs, nil
}

// CgroupsBelow returns all cgroups below name in every hierarchy, name itself
// included, parents before children.
func CgroupsBelow(name string) ([]string, error) {
	dirs, err := cgroupDirs(name)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // removed meanwhile
			case err != nil:
				return err
			case e.IsDir():
				all = append(all, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list cgroups: %w", err)
		}
	}
	return all, nil
}

// thaw lets frozen processes in and below the cgroup name go on: with cgroup v1 a
// SIGKILL reaches them only then.
func thaw(name string) error {
	dirs, err := CgroupsBelow(name)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		file, err := os.OpenFile(filepath.Join(dir, "freezer.state"), os.O_WRONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another hierarchy's, or removed meanwhile
		}
		if err != nil {
			return err
		}
		_, err = file.WriteString("THAWED")
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("thaw: %w", err)
		}
	}
	return nil
}

// removeCgroups removes name and everything below it in every hierarchy.
func removeCgroups(ctx context.Context, name string) error {
	dirs, err := CgroupsBelow(name)
	if err != nil {
		return err
	}
	if SystemdCgroups() && len(dirs) > 0 {
		return removeSlice(ctx, dirs[0])
	}
	slices.Reverse(dirs)
	for _, dir := range dirs {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return nil
}

// removePodCgroup removes a pod's own cgroup; one that a container left in it is a
// leak, and an error.
func removePodCgroup(ctx context.Context, name string) error {
	dirs, err := cgroupDirs(name)
	slices.Reverse(dirs)
	for _, dir := range dirs {
		err = errors.Join(err, removeEmptyCgroup(ctx, dir))
	}
	return err
}

func removeEmptyCgroup(ctx context.Context, dir string) error {
	if !SystemdCgroups() {
		if err := os.Remove(dir); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "cgroup.procs"))
	if err != nil || len(left) > 0 {
		return errors.Join(err, fmt.Errorf("the slice %s is not empty: %s", dir, left))
	}
	return removeSlice(ctx, dir)
}
