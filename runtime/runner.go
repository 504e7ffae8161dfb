package runtime

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"bookend.dev/bookend/runtime/wire"
)

// defaultRuntime is the runtime of a container whose options name none.
const defaultRuntime = "runc"

// Runner is how exec hooks get into one container: through libcontainer, which
// is fast and right for containers of a runc that is no newer than it; or, of
// any other container, through the exec command of its own runtime. The first
// hook that gets as far as that makes the choice, for all that follow.
//
// A nil Runner never asks: it is libcontainer.
type Runner struct {
	binary  string
	systemd bool
	told    func(runner, reason string)

	mu     sync.Mutex
	choice wire.Choice // the zero Choice: not made
}

// NewRunner returns the Runner of a container that was made with the runtime
// binary, a path, or a name on this process' PATH, or empty for runc; and with
// or without its option --systemd-cgroup. told is called with the choice and
// its reason, once.
func NewRunner(binary string, systemdCgroup bool, told func(runner, reason string)) *Runner {
	if binary == "" {
		binary = defaultRuntime
	}
	// One that is not found would not have made the container. It is the
	// runtime's call that then fails, if it comes to one.
	if found, err := exec.LookPath(binary); err == nil {
		binary = found
	}
	if found, err := filepath.Abs(binary); err == nil {
		binary = found
	}
	return &Runner{binary: binary, systemd: systemdCgroup, told: told}
}

// Name is "libcontainer" or "runtime", and empty before the choice.
func (r *Runner) Name() string {
	if r == nil {
		return wire.Libcontainer
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.choice.Runner
}

// chosen takes note of a choice. Of two hooks that ran at once the first one's
// stands; both asked the same question.
func (r *Runner) chosen(c wire.Choice) {
	if r == nil {
		return
	}
	r.mu.Lock()
	first := r.choice.Runner == ""
	if first {
		r.choice = c
	}
	r.mu.Unlock()
	if first {
		r.told(c.Runner, c.Reason)
	}
}

// request is what bookend-exec needs to know of the runtime of c, for a hook
// that is to run in cgroup, if not nil.
func (r *Runner) request(c Container, cgroup *hookCgroup) *wire.Runtime {
	if r == nil {
		return nil
	}
	args := []string{"--root", c.RuncRoot}
	if r.systemd {
		args = append(args, "--systemd-cgroup")
	}
	req := &wire.Runtime{
		Path: r.binary, Args: args, Env: runtimeEnv(os.Environ()), Runner: r.Name(),
		Init: c.Init.Pid, Cgroup: c.Cgroup.dir, Unified: c.Cgroup.unified,
	}
	if cgroup != nil {
		req.HookCgroup = cgroup.dir
	}
	return req
}

// runtimeEnv is this process' environment as containerd's shim passes it on to
// runtimes: without what would make one of them speak to systemd.
func runtimeEnv(environ []string) []string {
	var env []string
	for _, v := range environ {
		if !strings.HasPrefix(v, "NOTIFY_SOCKET=") {
			env = append(env, v)
		}
	}
	return env
}
