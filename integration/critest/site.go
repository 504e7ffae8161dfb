package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"bookend.dev/bookend/integration/harness"
)

// site is where critest runs: images, and the registry that serves them.
type site struct {
	server   *http.Server
	listener net.Listener
}

// newSite makes the images, with programs cached below cache, and serves them. The caller owes a
// close.
func newSite(ctx context.Context, busybox, cache string) (*site, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	busybox, err := findBusybox(ctx, busybox, cache)
	if err != nil {
		return nil, err
	}
	guest, err := buildGuest(ctx, cache)
	if err != nil {
		return nil, err
	}
	images := newStore()
	if err := fill(ctx, images, busybox, guest); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	s := &site{server: &http.Server{Handler: registry{store: images}}, listener: listener}
	go func() { _ = s.server.Serve(listener) }() // ends with close
	return s, nil
}

func (s *site) close() error { return s.server.Close() }

// with runs work against a containerd of its own that pulls from the site's registry: every handler
// begins with a fresh one.
func (s *site) with(ctx context.Context, work func(*harness.Daemon) error) (err error) {
	cgroups, err := cgroupParents()
	if err != nil {
		return err
	}
	nat, err := natTable(ctx)
	if err != nil {
		return err
	}
	daemon, err := harness.Start(ctx, harness.Options{HostPorts: true, NRI: true})
	if err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		err = errors.Join(err, daemon.Stop(ctx), removeCgroupParents(cgroups), removePortmapChains(ctx, nat))
	}()
	if err := writeHosts(filepath.Join(daemon.Dir, "registry"), s.listener.Addr().String()); err != nil {
		return err
	}
	return work(daemon)
}

// runner runs a suite here, telling out of each run before it begins.
func (s *site) runner(suite suite, out io.Writer) runner {
	runs := 0
	return func(ctx context.Context, handler string, tests []string) (r results, err error) {
		runs++
		c := call{handler: handler, tests: tests, name: fmt.Sprintf("%d-%s", runs, handler)}
		fmt.Fprintf(out, "run %d: %s with handler %s, seed %d; log: %s\n", runs, suite.scope(c), handler, suite.seed, suite.log(c))
		err = s.with(ctx, func(daemon *harness.Daemon) (err error) {
			c.socket, c.nri = daemon.Address(), daemon.NRISocket()
			r, err = suite.run(ctx, c)
			return err
		})
		return r, err
	}
}
