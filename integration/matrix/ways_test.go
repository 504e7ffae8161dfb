package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// facts are what the probe has printed, by key.
type facts map[string]string

func parse(printed string) facts {
	f := facts{}
	for line := range strings.Lines(printed) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		f[key] = value
	}
	return f
}

// command is that of the probe: by its name, which is looked up in PATH.
var command = []string{"probe", "an argument", ""}

// throughExec runs the probe by the runtime's exec, which run runs. The second result says why
// it did not run.
func (c *container) throughExec(run func(*exec.Cmd) error) (facts, string) {
	c.Helper()
	process := *c.spec.Process
	process.Args = command
	data, err := json.Marshal(process)
	must(c, err)
	file := filepath.Join(c.bundle, "process.json")
	must(c, os.WriteFile(file, data, 0o600))
	cmd := c.command("exec", "--process", file, c.id)
	var stdout, stderr bytes.Buffer // pipes, as those of a hook are
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := run(cmd); err != nil {
		return nil, err.Error() + ": " + stderr.String() + c.said()
	}
	return parse(stdout.String()), ""
}

// throughHook runs the probe as a hook, as the shim would. The third result says
// why it went through the runtime's own exec, and is empty where it did not.
func (c *container) throughHook(e *runtime.Executor, dir string) (_ facts, failed, detour string) {
	c.Helper()
	cgroup, err := e.ReadCgroup(c.pid)
	must(c, err)
	init, err := runtime.ReadInit(c.pid)
	must(c, err)
	runner := runtime.NewRunner(runtime.RunnerOptions{
		Binary: c.path, Directory: dir, Told: func(way, reason string) {
			if way != runtime.ByJoiner {
				detour = reason
			}
		},
	})
	handler := e.Handler(runtime.Container{
		ID: c.id, Bundle: c.bundle, RuncRoot: c.root(), Init: init, Cgroup: cgroup, Runner: runner,
	}, &hooks.Exec{Command: command}, nil)
	report := handler.Run(context.Background())
	if report.Err != nil {
		return nil, report.Err.Error() + ": " + string(report.Stderr), detour
	}
	return parse(string(report.Stdout)), "", detour
}

// openExecutor opens an executor of many hooks, as a shim has one.
func openExecutor(t *testing.T, monitor runtime.Monitor) *runtime.Executor {
	t.Helper()
	path, err := binaries(t).Executor()
	must(t, err)
	e := runtime.OpenExecutor(path, monitor)
	t.Cleanup(func() { must(t, e.Close()) })
	return e
}
