package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
)

// NewID returns a name that no other container of this machine has: runc's
// state is shared by all daemons.
func NewID(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text()[:10])
}

// forgetPod removes what the kubelet would remove for a pod that is gone: its
// logs and its cgroup. err is what went wrong before, nil: nothing.
func (c *CRI) forgetPod(ctx context.Context, name string, err error) error {
	return errors.Join(err, removePodCgroup(ctx, podCgroupName(c.daemon.Name(), name)), os.RemoveAll(c.daemon.Path("pods", name)))
}
