package harness

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// shareMount makes dir a shared mount of its own, as / is on most machines:
// volumes that containers share with the host can then lie below it.
func shareMount(dir string) error {
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind mount %s: %w", dir, err)
	}
	if err := unix.Mount("", dir, "", unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share mount %s: %w", dir, err)
	}
	return nil
}

// mountsBelow returns the mount points at and below dir, outermost first.
func mountsBelow(dir string) ([]string, error) {
	infos, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	var points []string
	for _, info := range infos {
		points = append(points, info.Mountpoint)
	}
	return points, nil
}

// unmountBelow unmounts everything at and below dir.
func unmountBelow(dir string) error {
	points, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	slices.Reverse(points)
	for _, point := range points {
		err := unix.Unmount(strings.TrimSuffix(point, "//deleted"), unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if err != nil && !os.IsNotExist(err) && err != unix.EINVAL { // EINVAL: gone with its parent
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	if points, err = mountsBelow(dir); err != nil {
		return err
	}
	if len(points) > 0 {
		return fmt.Errorf("still mounted: %s", strings.Join(points, ", "))
	}
	return nil
}

// snapshotterFor returns the snapshotter that works on the file system of dir:
// overlayfs, unless that is an overlay itself.
func snapshotterFor(dir string) (string, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return "", fmt.Errorf("statfs %s: %w", dir, err)
	}
	if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return "native", nil
	}
	return "overlayfs", nil
}
