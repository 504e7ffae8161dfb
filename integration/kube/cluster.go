package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"bookend.dev/bookend/integration/harness"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// stateDir has what the harness writes for the programs of a cluster.
const stateDir = "/var/lib/kubernetes"

// Options of a [Cluster]; the zero value is a cluster with every default.
type Options struct {
	// Daemon are those of the containerd below it.
	Daemon harness.Options
	// Classes are its RuntimeClasses, each named after its handler; nil:
	// [DefaultClasses].
	Classes []string
}

// Cluster is a cluster of one node. Its clients are the administrator's.
type Cluster struct {
	*kubernetes.Clientset
	Daemon *harness.Daemon

	programsDir string
	users       map[string]user
	programs    []*program // in the order in which they start
	before      harness.Inventory
}

// programsVariable names the directory of the programs; its default is .cache/kube of
// the repository.
const programsVariable = "BOOKEND_KUBE"

// Start starts a cluster and waits until its node is ready. The process must be
// isolated, and has one cluster at a time. The caller owes a Stop.
func Start(ctx context.Context, opts Options) (_ *Cluster, err error) {
	if !isolated() {
		return nil, fmt.Errorf("start a cluster: %w", ErrNotIsolated)
	}
	d, err := harness.Start(ctx, opts.Daemon)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Daemon: d, programsDir: os.Getenv(programsVariable), users: newUsers()}
	if c.programsDir == "" {
		c.programsDir = filepath.Join(d.Binaries().Root, ".cache", "kube")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if c.before, err = c.Inventory(); err != nil {
		return nil, err
	}
	if err := c.configure(); err != nil {
		return nil, err
	}
	for _, p := range c.programs {
		if err := c.launch(ctx, p); err != nil {
			return nil, err
		}
	}
	if opts.Classes == nil {
		opts.Classes = DefaultClasses
	}
	if err := c.furnish(ctx, opts.Classes); err != nil {
		return nil, err
	}
	return c, harness.Poll(ctx, 2*harness.ReadyTimeout, "the node", func() error { return c.ready(ctx) })
}

// configure writes what the programs read.
func (c *Cluster) configure() (err error) {
	if err := writePKI(); err != nil {
		return err
	}
	if err := writeUsers(c.users); err != nil {
		return err
	}
	if err := c.makeCgroup(); err != nil {
		return err
	}
	node, err := c.kubelet()
	if err != nil {
		return err
	}
	c.programs = []*program{c.etcd(), c.apiserver(), c.controllerManager(), c.scheduler(), node, c.proxy()}
	c.Clientset, err = kubernetes.NewForConfig(c.Config())
	return err
}

// Config is that of the administrator's client.
func (c *Cluster) Config() *rest.Config { return c.users[admin].config() }

func (c *Cluster) launch(ctx context.Context, p *program) error {
	p.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + stateDir, "TMPDIR=" + stateDir, c.Daemon.Mark()}
	return p.launch(ctx, c.programsDir)
}

// Containerd is the daemon below the cluster, for [Cluster.Kill].
const Containerd = "containerd"

// Kill ends a program by SIGKILL.
func (c *Cluster) Kill(ctx context.Context, name string) error {
	if name == Containerd {
		return c.Daemon.Kill(ctx)
	}
	return c.find(name).end(ctx, syscall.SIGKILL)
}

// Relaunch starts a program again after [Cluster.Kill], and waits until it serves.
func (c *Cluster) Relaunch(ctx context.Context, name string) error {
	if name == Containerd {
		return c.Daemon.Relaunch(ctx)
	}
	return c.launch(ctx, c.find(name))
}

func (c *Cluster) find(name string) *program {
	return c.programs[slices.IndexFunc(c.programs, func(p *program) bool { return p.name == name })]
}

// Stop takes the cluster down and removes what it made. It fails where pods of the
// node have left anything.
func (c *Cluster) Stop(ctx context.Context) error {
	err := c.removePods(ctx)
	for _, p := range slices.Backward(c.programs) {
		if gone := p.end(ctx, syscall.SIGTERM); gone != nil {
			err = errors.Join(err, gone, p.end(ctx, syscall.SIGKILL))
		}
	}
	err = errors.Join(err, c.CheckLeaks(ctx, c.before), c.Daemon.Stop(ctx))
	for _, dir := range []string{"/var/lib/etcd", "/var/lib/kubelet"} {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}
