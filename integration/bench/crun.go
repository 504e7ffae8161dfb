package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// crunContainer is a container of crun's, since crun enters only its own. What
// it is made of is below the daemon's directory and cgroup, so that the daemon's
// end is its own.
type crunContainer struct {
	program string
	dir     string // bundle and state
	mounts  *mountNamespace
}

const crunID = "bench-crun"

func (s *site) newCrunContainer(ctx context.Context, program string) (*crunContainer, error) {
	dir, err := os.MkdirTemp(s.Dir, "crun-")
	if err != nil {
		return nil, err
	}
	// crun 1.8 refuses to work where cgroup v2 is mounted beside v1. The daemon's
	// own mounts must not be held up by a second namespace.
	mounts, err := newMountNamespace(filepath.Join(cgroupRoot, "unified"), s.Dir)
	if err != nil {
		return nil, err
	}
	c := &crunContainer{program: program, dir: dir, mounts: mounts}
	busybox, err := s.Binaries().Busybox()
	if err != nil {
		return nil, err
	}
	if err := c.makeRootfs(busybox); err != nil {
		return nil, fmt.Errorf("root file system for crun: %w", err)
	}
	if err := c.makeSpec(ctx, s.Cgroup()+"/crun"); err != nil {
		return nil, err
	}
	return c, c.start(ctx)
}

// args are those of a call of crun.
func (c *crunContainer) args(args ...string) []string {
	return append([]string{"--root", filepath.Join(c.dir, "state"), "--cgroup-manager", "cgroupfs"}, args...)
}

func (c *crunContainer) makeRootfs(busybox string) error {
	program, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	root := filepath.Join(c.dir, "rootfs")
	for _, name := range []string{"bin", "proc", "dev", "sys"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "bin", "busybox"), program, 0o755); err != nil {
		return err
	}
	for _, applet := range []string{"true", "sleep"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			return err
		}
	}
	return nil
}

// makeSpec writes crun's default configuration with a command that stays.
func (c *crunContainer) makeSpec(ctx context.Context, cgroup string) error {
	cmd := exec.CommandContext(ctx, c.program, "spec")
	cmd.Dir = c.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("crun spec: %w: %s", err, out)
	}
	path := filepath.Join(c.dir, "config.json")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(b, &spec); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	process, ok := spec["process"].(map[string]any)
	linux, ok2 := spec["linux"].(map[string]any)
	if !ok || !ok2 {
		return fmt.Errorf("%s: no process or no linux in it", path)
	}
	process["terminal"], process["args"] = false, []string{"/bin/sleep", "1000000"}
	linux["cgroupsPath"] = cgroup
	if b, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// start starts the container. Its output goes to a file: of a pipe, the
// container that stays would hold the other end.
func (c *crunContainer) start(ctx context.Context) error {
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, c.program, c.args("run", "--detach", "--bundle", c.dir, crunID)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := c.mounts.do(cmd.Run); err != nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, said)
	}
	return nil
}

// exec runs a command in the container.
func (c *crunContainer) exec(ctx context.Context, command string) error {
	return c.mounts.do(func() error { return run(ctx, c.program, c.args("exec", crunID, command)...) })
}

func (c *crunContainer) remove(ctx context.Context) error {
	defer c.mounts.close()
	err := c.mounts.do(func() error { return run(ctx, c.program, c.args("delete", "--force", crunID)...) })
	if err != nil {
		return err
	}
	return os.RemoveAll(c.dir)
}
