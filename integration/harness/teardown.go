package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// libcniCache is where libcni keeps the results of what it did, whatever
// containerd's configuration says.
const libcniCache = "/var/lib/cni/results"

// RuncRoot is the directory below which runc keeps its containers' state
// where no option names another.
const RuncRoot = "/run/containerd/runc"

// teardown removes everything of the daemon in dir: processes first, so that
// nothing makes new things meanwhile, the directory last, so that whatever
// fails can be tried again.
func teardown(ctx context.Context, dir string) error {
	name := filepath.Base(dir)
	if err := killProcesses(ctx, dir); err != nil {
		return err
	}
	states, err := runcStates(dir)
	if err != nil {
		return err
	}
	steps := []error{
		unmountBelow(dir),
		network{name: name}.remove(),
		removeHostPorts(ctx, dir),
		removeCgroups(ctx, cgroupName(name)),
	}
	cached, err := filepath.Glob(filepath.Join(libcniCache, name+"-*"))
	steps = append(steps, err)
	for _, path := range append(cached, states...) {
		steps = append(steps, os.RemoveAll(path))
	}
	if err := errors.Join(steps...); err != nil {
		return fmt.Errorf("tear down %s: %w", dir, err)
	}
	return os.RemoveAll(dir)
}

// killProcesses kills everything of the daemon in dir and waits until it is
// gone. Zombies are left to their parents, which are killed as well.
func killProcesses(ctx context.Context, dir string) error {
	return Poll(ctx, EndTimeout, "processes to end", func() error {
		procs, err := processesOf(dir)
		if err != nil {
			return Permanent(err)
		}
		if err := thaw(filepath.Base(dir)); err != nil {
			return err
		}
		for _, p := range procs {
			if p.State != 'Z' {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
		if len(procs) > 0 {
			return errors.New(procs[0].String())
		}
		return nil
	})
}

// runcStates returns the state directories in runc's default root that belong to
// containers of the daemon in dir.
func runcStates(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(RuncRoot, "*", "*", "state.json"))
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // its container was deleted meanwhile
		}
		var state struct {
			Config struct{ Rootfs string }
		}
		if err := json.Unmarshal(b, &state); err == nil && strings.HasPrefix(state.Config.Rootfs, dir+"/") {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	return dirs, nil
}
