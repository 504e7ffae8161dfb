package shim

import (
	"cmp"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/process"
	runcC "github.com/containerd/go-runc"
)

// runcRoot is the directory in which the runtime keeps the state of containers
// of a namespace with these options, nil for none.
func runcRoot(namespace string, opts *options.Options) string {
	return filepath.Join(cmp.Or(opts.GetRoot(), process.RuncRoot), namespace)
}

// runtimeOf is the OCI runtime of containers of a namespace with these options,
// to be asked what the inner service does not know.
func runtimeOf(namespace string, opts *options.Options) *runcC.Runc {
	return &runcC.Runc{
		Command: opts.GetBinaryName(), Root: runcRoot(namespace, opts), SystemdCgroup: opts.GetSystemdCgroup(),
		PdeathSignal: syscall.SIGKILL, // as the inner service's
	}
}

// callDrain bounds how long a call that was ended waits for whoever holds its
// output open beside the runtime.
const callDrain = 100 * time.Millisecond

// callMonitor is the monitor of the calls of the runtime. The inner service holds
// its lock until the output of a kill has ended, and a Start that failed waits for
// a state; a child of a runtime that was ended because it hung (of a wrapper's)
// would keep SIGKILL, or every stop signal, waiting for as long as it lives. A call
// that ends by itself is read to its end, but for no longer than one may take: what
// it says decides what the client is told.
type callMonitor struct{ runcC.ProcessMonitor }

// StartLocked implements [runcC.ProcessMonitor]. Every call comes this way.
func (m callMonitor) StartLocked(c *exec.Cmd) (chan runcC.Exit, error) {
	if end := c.Cancel; end != nil && (slices.Contains(c.Args, "kill") || slices.Contains(c.Args, "state")) {
		c.WaitDelay = sendTime
		c.Cancel = func() error {
			c.WaitDelay = callDrain // read after this has returned
			return end()
		}
	}
	return m.ProcessMonitor.StartLocked(c)
}
