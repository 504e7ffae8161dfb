package harness

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// NewID returns a name that no other container of this machine has: runc's
// state is shared by all daemons.
func NewID(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text()[:10])
}

// forgetPod removes what the kubelet would remove for a pod that is gone: its
// logs and its cgroup. err is what went wrong before, nil: nothing.
func (c *CRI) forgetPod(name string, err error) error {
	dirs, cgroupErr := cgroupDirs(filepath.Join(c.daemon.Name(), name))
	slices.Reverse(dirs)
	for _, dir := range dirs {
		// Only the pod's own cgroup: one that a container left is a leak.
		if rmErr := os.Remove(dir); rmErr != nil && !os.IsNotExist(rmErr) {
			cgroupErr = errors.Join(cgroupErr, rmErr)
		}
	}
	return errors.Join(err, cgroupErr, os.RemoveAll(c.daemon.Path("pods", name)))
}
