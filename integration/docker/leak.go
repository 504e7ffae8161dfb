package docker

import (
	"context"
	"fmt"
	"strings"

	"bookend.dev/bookend/integration/harness"
)

// CheckLeaks waits until nothing is there that was not there before, but dockerd
// itself and the files that it keeps.
func (e *Engine) CheckLeaks(ctx context.Context, before harness.Inventory) error {
	return harness.Poll(ctx, harness.EndTimeout, "everything to be removed", func() error {
		after, err := e.daemon.Inventory()
		if err != nil {
			return err
		}
		var left []string
		for _, what := range after.Since(before) {
			if !e.keeps(what) {
				left = append(left, what)
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("%w:\n\t%s", harness.ErrLeak, strings.Join(left, "\n\t"))
		}
		return nil
	})
}

// keeps tells whether a line of an inventory is dockerd's own: its process, or a
// file that is not a container's. Mounts are not among them.
func (e *Engine) keeps(what string) bool {
	if e.done != nil && strings.HasPrefix(what, fmt.Sprintf("process %d (", e.cmd.Process.Pid)) {
		return true
	}
	path, isFile := strings.CutPrefix(what, "file ")
	if !isFile || !strings.HasPrefix(path, e.Path()+"/") {
		return false
	}
	for _, dir := range []string{e.Path("data", "containers"), e.Path("exec", "netns"), e.Path("data", "rootfs")} {
		if strings.HasPrefix(path, dir+"/") {
			return false
		}
	}
	return true
}
