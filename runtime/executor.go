package runtime

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"

	runc "github.com/containerd/go-runc"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
	"bookend.dev/bookend/runtime/joiner"
)

// Monitor starts and waits for processes. In a shim, which reaps with
// wait4(-1), it MUST be containerd's reaper, or exit statuses are lost.
// Wait MUST be called as soon as Start has returned.
type Monitor interface {
	Start(*exec.Cmd) (chan runc.Exit, error)
	Wait(*exec.Cmd, chan runc.Exit) (int, error)
}

// Executor runs exec hooks: through the joiner, or through bookend-exec where a
// container must be entered by its own runtime. It may be used by any number of
// goroutines.
type Executor struct {
	monitor Monitor
	helper  *helper
	null    lazy[*os.File] // a null device
	joiner  lazy[*joiner.Joiner]
	cgroups atomic.Pointer[cgroupMounts] // nil: not looked up yet

	mu        sync.Mutex
	compilers map[string]*SeccompPrograms // by directory
	runtimes  map[string]identityFiles    // by directory
}

// OpenExecutor opens the binary of bookend-exec at path. That it is missing is told
// where it is needed. An upgrade that renames another binary into its place does
// not concern shims that run.
func OpenExecutor(path string, monitor Monitor) *Executor {
	return &Executor{
		monitor: monitor, helper: openHelper(path),
		null: lazy[*os.File]{open: makeNull}, joiner: lazy[*joiner.Joiner]{open: joiner.Open},
		compilers: map[string]*SeccompPrograms{}, runtimes: map[string]identityFiles{},
	}
}

// Close closes the binaries. Hooks that run are not affected.
func (e *Executor) Close() error {
	return errors.Join(e.helper.close(), e.null.close(), e.joiner.close())
}

// Container is what the executor needs to know of a container.
type Container struct {
	ID       string
	Bundle   string // directory that holds config.json
	RuncRoot string // the runtime's root directory, containerd's namespace included
	Init     Init
	Cgroup   *Cgroup // as read when the container was created; nil: unknown
	Runner   *Runner
}

// Handler returns the handler that runs spec in c. What the command prints also
// goes into lines, which may be nil, and never waits for it.
func (e *Executor) Handler(c Container, spec *hooks.Exec, lines *containerlog.HookLog) hooks.Handler {
	return &execHandler{executor: e, container: c, spec: spec, log: lines}
}
