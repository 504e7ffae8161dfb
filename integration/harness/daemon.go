package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	containerd "github.com/containerd/containerd/v2/client"
	"google.golang.org/grpc"
)

// Options of a [Daemon]; the zero value is a daemon with every default.
type Options struct {
	// Handlers are the CRI runtime handlers, the default one first; nil:
	// [DefaultHandlers].
	Handlers []Handler
	// Path is the list of directories put before the system's in containerd's
	// PATH, where shims and runc are looked up; nil: the tools' and bookend's.
	Path []string
	// Imports is the list of that name in containerd's main file; nil: the file
	// has none.
	Imports []string
	// BookendConfig is the content of the file that BOOKEND_CONFIG names. Where
	// it says nothing of records they are in the daemon's own directory.
	BookendConfig string
	// Env is added to containerd's environment, which its shims inherit.
	Env []string
	// Usual has containerd's main file and socket where those of a plain containerd are,
	// for programs that look there. The caller has covered the machine's own.
	Usual bool
	// HostPorts lets pods publish ports on the host, which needs iptables.
	HostPorts bool
	// NRI lets plugins connect to [Daemon.NRISocket].
	NRI bool
	// Debug sets containerd's and its shims' log level to debug.
	Debug bool
	// Tools is the directory of the release of containerd to begin with; empty: that
	// of [FindBinaries].
	Tools string
}

// Daemon is a private containerd: its directories, sockets, network, cgroups
// and images are shared with nothing else on the machine.
type Daemon struct {
	Dir   string // everything of this daemon's, sockets included
	CRI   *CRI
	Tasks *Tasks
	// Client is in [TaskNamespace] where a call's context names no other.
	Client *containerd.Client

	opts        Options
	bins        Binaries
	release     Release
	first       Release // before any upgrade
	env         []string
	args        []string
	snapshotter string
	net         network
	conns       []*grpc.ClientConn
	proc        *process
	logs        []*EventLog
}

// markVariable marks the environment of every process of a daemon's, so that
// those that outlive it are found.
const markVariable = "BOOKEND_INTEGRATION"

// Mark is the variable, NAME=value, that marks a process as this daemon's.
func (d *Daemon) Mark() string { return markVariable + "=" + d.Dir }

// Start starts a daemon and loads the test images into it. What an earlier
// daemon left whose owner died is removed first. The caller owes a Stop.
func Start(ctx context.Context, opts Options) (_ *Daemon, err error) {
	bins, err := FindBinaries()
	if err != nil {
		return nil, err
	}
	if opts.Tools != "" {
		if bins, err = bins.withTools(opts.Tools); err != nil {
			return nil, err
		}
	}
	if err := sweep(ctx); err != nil {
		return nil, fmt.Errorf("remove what a dead owner left: %w", err)
	}
	d, err := newDaemon(bins)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, fmt.Errorf("containerd's log ends with:\n%s", d.LogTail(40)), d.Stop(context.WithoutCancel(ctx)))
		}
	}()
	d.opts = opts
	if err := d.configure(opts.withDefaults(bins)); err != nil {
		return nil, err
	}
	if opts.HostPorts {
		if err := d.noteForeignChains(ctx); err != nil {
			return nil, err
		}
	}
	if err := d.launch(ctx); err != nil {
		return nil, err
	}
	if err := d.connect(); err != nil {
		return nil, err
	}
	if err := d.loadImages(ctx); err != nil {
		return nil, fmt.Errorf("load images: %w", err)
	}
	return d, d.ready(ctx)
}

// withDefaults fills in what depends on where the programs are.
func (o Options) withDefaults(bins Binaries) Options {
	if o.Handlers == nil {
		o.Handlers = DefaultHandlers(bins)
	}
	if o.Path == nil {
		o.Path = []string{bins.Tools, bins.Bin}
	}
	return o
}

func newDaemon(bins Binaries) (*Daemon, error) {
	// /tmp, whatever TMPDIR says: a socket's path has room for 107 bytes.
	dir, err := os.MkdirTemp("/tmp", dirPattern)
	if err != nil {
		return nil, err
	}
	d := &Daemon{Dir: dir, bins: bins}
	if err := claim(dir); err != nil {
		return nil, err
	}
	for _, sub := range []string{"s", "fifo", "pods", "fifos"} {
		if err := os.Mkdir(d.Path(sub), 0o711); err != nil {
			return nil, err
		}
	}
	// Containers with user namespaces must be able to reach their files.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	if err := shareMount(dir); err != nil {
		return nil, err
	}
	if d.release, err = ReleaseIn(bins.Tools); err != nil {
		return nil, err
	}
	d.first = d.release
	d.snapshotter, err = snapshotterFor(dir)
	if err != nil {
		return nil, err
	}
	d.net, err = newNetwork(d.Name())
	return d, err
}

// Stop ends containerd, its shims and containers, and removes everything that
// this daemon ever made. A daemon that is stopped can't be used again.
func (d *Daemon) Stop(ctx context.Context) error {
	d.disconnect()
	err := d.end(ctx, syscall.SIGTERM)
	if err != nil {
		err = errors.Join(err, d.end(ctx, syscall.SIGKILL))
	}
	return errors.Join(err, teardown(ctx, d.Dir))
}

// PID returns containerd's own process id, 0 while it is stopped.
func (d *Daemon) PID() int {
	if d.proc == nil {
		return 0
	}
	return d.proc.cmd.Process.Pid
}

// Address is the path of containerd's socket.
func (d *Daemon) Address() string {
	if d.opts.Usual {
		return "/run/containerd/containerd.sock"
	}
	return d.Path("c.sock")
}

// NRISocket is the path of the socket for NRI plugins; see [Options.NRI].
func (d *Daemon) NRISocket() string { return d.Path("nri.sock") }

// ConfigPath is the path of containerd's main configuration file. It is read
// again by [Daemon.Restart], whoever has changed it.
func (d *Daemon) ConfigPath() string {
	if d.opts.Usual {
		return "/etc/containerd/config.toml"
	}
	return d.Path("config.toml")
}

// Binaries tells where this daemon's programs are.
func (d *Daemon) Binaries() Binaries { return d.bins }

// Cgroup is the cgroup, in every hierarchy, below which all containers of this
// daemon are.
func (d *Daemon) Cgroup() string { return "/" + cgroupName(d.Name()) }

// Gateway is the host's address as pods see it.
func (d *Daemon) Gateway() string { return d.net.gateway().String() }

// Name is that of the daemon's bridge and cgroups, and of its directory.
func (d *Daemon) Name() string { return filepath.Base(d.Dir) }

// Path is a path below the daemon's directory.
func (d *Daemon) Path(elem ...string) string {
	return filepath.Join(append([]string{d.Dir}, elem...)...)
}
