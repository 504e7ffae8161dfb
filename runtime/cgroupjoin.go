package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// joins lists the directories that a hook joins which is to be in h; nil: in the
// container's own. On v1 it joins them all. On v2 it joins the first that it
// can: h may be gone, and the container's may have been divided; then runc's
// exec takes the one in which the init is by now.
func (c *Cgroup) joins(h *hookCgroup, init Init) []string {
	if c == nil {
		return nil
	}
	var dirs []string
	if c.unified && h != nil {
		dirs = append(dirs, h.dir)
	}
	for _, p := range c.memberships {
		dir := p.dir
		if h != nil && !c.unified && dir == c.dir {
			dir = h.dir
		}
		dirs = append(dirs, dir)
	}
	if c.unified {
		dirs = append(dirs, c.movedTo(init)...)
	}
	return dirs
}

// movedTo is the cgroup v2 in which the init is by now, where it is another
// than the container's own and below it.
func (c *Cgroup) movedTo(init Init) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", init.Pid))
	if err != nil {
		return nil
	}
	for _, p := range parseMemberships(data) {
		own := c.membership("")
		if p.controllers == "" && p.path != own.path && within(p.path, own.path) {
			return []string{filepath.Join(own.dir, p.path[len(strings.TrimSuffix(own.path, "/")):])}
		}
	}
	return nil
}
