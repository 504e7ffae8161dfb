package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	runc "github.com/containerd/go-runc"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// hookRunner runs exec hooks as a shim does, in containers that have none.
type hookRunner struct {
	executor *runtime.Executor
	node     string // where a node keeps what it found out
}

func (s *site) newHookRunner() (*hookRunner, error) {
	node, err := os.MkdirTemp(s.Dir, "node-")
	if err != nil {
		return nil, err
	}
	return &hookRunner{runtime.OpenExecutor(filepath.Join(s.Binaries().Bin, "bookend-exec"), runc.Monitor), node}, nil
}

func (x *hookRunner) close() error { return errors.Join(x.executor.Close(), os.RemoveAll(x.node)) }

// containerHook is a hook in one container.
type containerHook struct {
	handler hooks.Handler
	ways    map[string]int // into the container, as records have them, and how often each
}

// hookIn is the hook of a container. What a container's first one finds out is
// no part of what is measured, since the first round does not count.
func (x *hookRunner) hookIn(b *bundled) (*containerHook, error) {
	c := runtime.Container{ID: b.id, Bundle: b.dir, RuncRoot: b.root()}
	var err error
	if c.Init, err = runtime.ReadInit(b.pid); err != nil {
		return nil, err
	}
	if c.Cgroup, err = x.executor.ReadCgroup(b.pid); err != nil {
		return nil, err
	}
	c.Runner = runtime.NewRunner(runtime.RunnerOptions{Binary: b.program, Directory: x.node, Told: func(_, _ string) {}})
	handler := x.executor.Handler(c, &hooks.Exec{Command: []string{hookCommand}}, nil)
	return &containerHook{handler, map[string]int{}}, nil
}

func (h *containerHook) run(ctx context.Context) error {
	report := h.handler.Run(ctx)
	way := report.Runner
	if report.RunnerReason != "" {
		way += " (" + report.RunnerReason + ")"
	}
	h.ways[way]++
	if report.Cause != "" {
		return fmt.Errorf("%s by way of %s: %w", report.Cause, way, report.Err)
	}
	return nil
}

// way names the ways that hooks have taken.
func (h *containerHook) way() string { return strings.Join(slices.Sorted(maps.Keys(h.ways)), ", ") }
