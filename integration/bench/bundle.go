package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// bundled is a container that a runtime has made from a bundle, without
// containerd: not every runtime here works with this containerd. What it is made
// of is below the daemon's directory and cgroup, so that the daemon's end is its
// own.
type bundled struct {
	id, program string
	dir         string // bundle and state
	pid         int    // of its init
	mounts      *mountNamespace
}

// newBundled runs a container whose init sleeps; the caller removes it. edit
// changes its configuration, which is containerd's default; nil: nothing.
func (s *site) newBundled(ctx context.Context, program string, edit func(*specs.Spec) error) (*bundled, error) {
	dir, err := os.MkdirTemp(s.Dir, "bundle-")
	if err != nil {
		return nil, err
	}
	// crun 1.8 refuses to work where cgroup v2 is mounted beside v1. The daemon's
	// own mounts must not be held up by a second namespace.
	mounts, err := newMountNamespace(filepath.Join(cgroupRoot, "unified"), s.Dir)
	if err != nil {
		return nil, err
	}
	b := &bundled{id: filepath.Base(s.Dir) + "-" + filepath.Base(dir), program: program, dir: dir, mounts: mounts}
	busybox, err := s.Binaries().Busybox()
	if err != nil {
		return nil, err
	}
	if err := b.makeRootfs(busybox); err != nil {
		return nil, fmt.Errorf("root file system of %s: %w", b.id, err)
	}
	if err := b.makeSpec(ctx, s.Cgroup()+"/"+filepath.Base(dir), edit); err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", b.id, err)
	}
	return b, b.start(ctx)
}

func (b *bundled) root() string { return filepath.Join(b.dir, "state") }

func (b *bundled) makeRootfs(busybox string) error {
	program, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	root := filepath.Join(b.dir, "rootfs")
	for _, name := range []string{"bin", "proc", "dev", "sys", "run"} {
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

// ociVersion is one that the oldest runtime here knows.
const ociVersion = "1.0.2"

func (b *bundled) makeSpec(ctx context.Context, cgroup string, edit func(*specs.Spec) error) error {
	spec, err := oci.GenerateSpec(namespaces.WithNamespace(ctx, "bench"), nil, &containers.Container{ID: b.id},
		oci.WithRootFSPath("rootfs"), oci.WithProcessArgs("/bin/sleep", "1000000"), oci.WithCgroup(cgroup))
	if err != nil {
		return err
	}
	spec.Version = ociVersion
	if edit != nil {
		if err := edit(spec); err != nil {
			return err
		}
	}
	data, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, "config.json"), data, 0o600)
}

// args are those of a call of the runtime.
func (b *bundled) args(args ...string) []string { return append([]string{"--root", b.root()}, args...) }

// start starts the container. Its output goes to a file: of a pipe, the
// container that stays would hold the other end.
func (b *bundled) start(ctx context.Context) error {
	log, err := os.Create(filepath.Join(b.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	pidFile := filepath.Join(b.dir, "pid")
	cmd := exec.CommandContext(ctx, b.program, b.args("run", "--detach", "--pid-file", pidFile, "--bundle", b.dir, b.id)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := b.mounts.do(cmd.Run); err != nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, said)
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		return err
	}
	b.pid, err = strconv.Atoi(strings.TrimSpace(string(pid)))
	return err
}

// exec runs a command in the container, as its runtime does.
func (b *bundled) exec(ctx context.Context, command string) error {
	return b.mounts.do(func() error { return run(ctx, b.program, b.args("exec", b.id, command)...) })
}

func (b *bundled) remove(ctx context.Context) error {
	defer b.mounts.close()
	err := b.mounts.do(func() error { return run(ctx, b.program, b.args("delete", "--force", b.id)...) })
	if err != nil {
		return err
	}
	return os.RemoveAll(b.dir)
}
