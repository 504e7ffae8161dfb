package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// hookCgroup is the cgroup of one exec hook, a child of its container's own:
// what the hook starts stays in it however far it detaches itself, and can be
// killed with nothing else. It holds no controller that accounts or limits, so
// what the hook uses is charged to the container.
type hookCgroup struct {
	dir      string
	name     string
	unified  bool
	names    *hookNames // of which name is one; nil: of none
	released sync.Once
}

// newHookCgroup makes a cgroup for one hook. [hookCgroup.remove] MUST be called
// when the hook has ended.
func (c *Cgroup) newHookCgroup() (*hookCgroup, error) {
	if c == nil {
		return nil, errNoCgroup
	}
	if c.dir == "" {
		return nil, errNoFreezer
	}
	if c.managed {
		return nil, errManaged
	}
	h, err := c.names.take(c.dir, c.unified)
	if err != nil || !c.unified {
		return h, err
	}
	if err = h.joinable(); err == nil {
		err = h.delegate(c.dir, c.delegated)
	}
	if err != nil {
		h.remove()
		return nil, err
	}
	return h, nil
}

// joinable tells whether processes can be put into a cgroup v2 that was just
// made: below a threaded one they cannot ("domain invalid").
func (h *hookCgroup) joinable() error {
	kind, err := os.ReadFile(filepath.Join(h.dir, "cgroup.type"))
	if err == nil && string(bytes.TrimSpace(kind)) != "domain" {
		err = fmt.Errorf("no process can join %s: it is %q", h.dir, bytes.TrimSpace(kind))
	}
	return err
}

// delegate gives a cgroup v2 to the owner of the container's, so that what
// makes cgroups of its own works in a hook as it does in the container.
func (h *hookCgroup) delegate(container string, files []string) error {
	var st unix.Stat_t
	if err := unix.Stat(container, &st); err != nil {
		return &os.PathError{Op: "stat", Path: container, Err: err}
	}
	if st.Uid == 0 && st.Gid == 0 {
		return nil
	}
	for _, file := range append([]string{"."}, files...) {
		// The list is the kernel's: not all of it is in every cgroup.
		err := os.Lchown(filepath.Join(h.dir, file), int(st.Uid), int(st.Gid))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// delegatedFiles lists the files that the owner of a delegated cgroup writes to.
func delegatedFiles() []string {
	data, err := os.ReadFile("/sys/kernel/cgroup/delegate")
	if err != nil { // a kernel before 4.15
		return []string{"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}
	}
	return strings.Fields(string(data))
}

// remove removes the cgroup, unless processes are in it that a hook has left on
// purpose, and ends its use. The runtime removes the rest when it deletes the
// container.
func (h *hookCgroup) remove() {
	h.released.Do(func() { // after that it may be another's
		h.clear()
		h.drop()
	})
}

func (h *hookCgroup) drop() {
	if h.names != nil {
		h.names.drop(h.name)
	}
}

// clear removes the cgroup with those that processes made in it, if no process
// is left there, and tells whether it did.
func (h *hookCgroup) clear() bool {
	err := unix.Rmdir(h.dir)
	if err == nil || err == unix.ENOENT {
		return true
	}
	if !h.empty() {
		return false
	}
	left := walkDirs
	walkCgroups(h.dir, &left, func(dir string) { err = unix.Rmdir(dir) })
	return err == nil // h.dir's own: it comes last
}

// poll asks done again and again, first soon, then more rarely, until it is
// true or deadline has passed.
func poll(deadline time.Time, done func() bool) bool {
	for wait := 200 * time.Microsecond; !done(); wait = min(2*wait, 20*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(wait)
	}
	return true
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
