package matrix

import (
	"errors"
	"maps"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"

	runc "github.com/containerd/go-runc"
)

func TestHookReadsTheSameAsTheRuntimesOwnExec(t *testing.T) {
	dir := t.TempDir() // where programs are kept
	plain, peculiar := openExecutor(t, runc.Monitor), openExecutor(t, peculiarMonitor{})
	for _, r := range runtimes(t) {
		t.Run(r.name, func(t *testing.T) {
			var tried, compared atomic.Int32
			t.Cleanup(func() { wantMostCompared(t, tried.Load(), compared.Load()) })
			for _, config := range configurations() {
				t.Run(config.name, func(t *testing.T) {
					t.Parallel()
					tried.Add(1)
					c := startContainer(t, r, config)
					if config.tighten != nil {
						config.tighten(t, c)
					}
					executor, run := plain, (*exec.Cmd).Run
					if config.peculiar {
						executor, run = peculiar, func(cmd *exec.Cmd) error {
							return errors.Join(peculiarly(cmd.Start), cmd.Wait())
						}
					}
					var exec facts
					if !config.hookOnly {
						var whyNot string
						if exec, whyNot = c.throughExec(run); whyNot != "" {
							t.Skipf("exec of %s does not run the probe: %s", c.name, whyNot)
						}
					}
					hook, failed, detour := c.throughHook(executor, dir)
					if failed != "" {
						t.Fatalf("hook does not run the probe: %s", failed)
					}
					if config.hookOnly {
						// Last: without memory for it the kernel may kill the init.
						exec, _ = c.throughExec(run)
					}
					if detour != "" && !meantDetour(c, config, detour) {
						t.Errorf("hook went through the runtime: %s", detour)
					}
					compare(t, c, config, hook, exec)
					compared.Add(1)
				})
			}
		})
	}
}

// wantMostCompared fails where a runtime makes next to no containers, all of which
// skip their tests.
func wantMostCompared(t *testing.T, tried, compared int32) {
	t.Helper()
	const few = 10 // as many as someone picks by hand, who sees what is skipped
	if tried > few && compared < tried*4/5 {
		t.Errorf("only %d of %d configurations were compared", compared, tried)
	}
}

func compare(t *testing.T, c *container, config configuration, hook, exec facts) {
	t.Helper()
	if exec == nil {
		t.Logf("nothing to compare with: exec of %s does not run the probe", c.name)
		return
	}
	if len(exec) < 100 {
		t.Fatalf("the probe has said no more than %d facts", len(exec))
	}
	for _, d := range differences(hook, exec) {
		if reason := meant(c, config, d); reason != "" {
			continue
		}
		t.Errorf("%s:\nhook %q\nexec %q", d.key, d.hook, d.exec)
	}
}

type difference struct{ key, hook, exec string }

// absent is the value of a key that only the other way has.
const absent = "(absent)"

func differences(hook, exec facts) []difference {
	keys := maps.Clone(hook)
	maps.Copy(keys, exec)
	var found []difference
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		d := difference{key, absent, absent}
		if v, ok := hook[key]; ok {
			d.hook = v
		}
		if v, ok := exec[key]; ok {
			d.exec = v
		}
		if d.hook != d.exec {
			found = append(found, d)
		}
	}
	return found
}
