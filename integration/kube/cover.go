package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// covered are the machine's directories that a plain containerd and an installation on
// its node write to, beside those that [Isolate] covers.
var covered = []string{"/etc", "/run", "/usr/local"}

// Cover is what one of the machine's directories has become in this mount namespace.
type Cover struct {
	Dir string
	// Before shows the directory as it is on the machine, and Written is where what has
	// been written to it since is.
	Before, Written string
}

// CoverNode makes the machine a node that may be written to: what is written to its
// covered directories is seen in this mount namespace alone, and goes with it. / is a
// shared mount from then on, as on most machines: a pod that has the node's root
// directory sees what is mounted there later. The process must be isolated.
func CoverNode() ([]Cover, error) {
	if !isolated() {
		return nil, fmt.Errorf("cover the node: %w", ErrNotIsolated)
	}
	if err := unix.Mount("", "/", "", unix.MS_SHARED, ""); err != nil {
		return nil, fmt.Errorf("share the mount /: %w", err)
	}
	var all []Cover
	for _, dir := range covered {
		c, err := cover(dir)
		if err != nil {
			return nil, fmt.Errorf("cover %s: %w", dir, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// cover mounts an overlay whose lower directory is reached by a bind mount: by its own
// path the covered directory is not to be seen any more.
func cover(dir string) (Cover, error) {
	below := filepath.Join(stateDir, "covered", strings.ReplaceAll(dir, "/", "-"))
	c := Cover{Dir: dir, Before: filepath.Join(below, "before"), Written: filepath.Join(below, "written")}
	work := filepath.Join(below, "work")
	for _, d := range []string{c.Before, c.Written, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return c, err
		}
	}
	if err := unix.Mount(dir, c.Before, "", unix.MS_BIND, ""); err != nil {
		return c, err
	}
	// Shared as / is, it would get the overlay too.
	if err := unix.Mount("", c.Before, "", unix.MS_PRIVATE, ""); err != nil {
		return c, err
	}
	return c, unix.Mount("overlay", dir, "overlay", 0, "lowerdir="+c.Before+",upperdir="+c.Written+",workdir="+work)
}
