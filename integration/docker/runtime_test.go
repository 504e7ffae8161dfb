package docker

import (
	"fmt"
	"os"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/moby/moby/client"
)

// ownConfig is the runtime of the tests' engine whose configuration has a preStop
// for every container.
const ownConfig = "bookend-own"

// runtimes are those of the shared engine: the documented ones, and ownConfig.
func runtimes(e *Engine) (map[string]any, error) {
	all, err := documentedRuntimes(e)
	if err != nil {
		return nil, err
	}
	path := e.Path("own.toml")
	config := fmt.Sprintf("[defaults]\npreStop = %s\n[runc]\nroot = %q\n[records]\ndirectory = %q\n",
		`{exec = {command = ["sh", "-c", "echo default >> /fifo/trace"]}}`, e.Path("own-root"), e.daemon.RecordsDir())
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return nil, err
	}
	shim, err := e.daemon.Binaries().Shim()
	if err != nil {
		return nil, err
	}
	all[ownConfig] = map[string]any{"runtimeType": shim, "options": map[string]any{"ConfigPath": path}}
	return all, nil
}

// by names a container's runtime.
func by(runtime string) func(*client.ContainerCreateOptions) {
	return func(o *client.ContainerCreateOptions) { o.HostConfig.Runtime = runtime }
}

func TestRuntimeByTypeAndByDaemonJSON(t *testing.T) {
	for _, runtime := range []string{harness.BookendRuntime, "bookend"} {
		t.Run(runtime, func(t *testing.T) {
			e := sharedEngine(t)
			c := e.Run(t, bothHooks, by(runtime))
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			c.WantState("exited", 0)
			c.WantTrace("post", "pre", "term")
		})
	}
}

func TestRuntimeOfDaemonJSONHasItsOwnConfiguration(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, "", by(ownConfig))
	if _, err := os.Stat(e.Path("own-root", e.Namespace(), c.ID)); err != nil {
		t.Errorf("runc's state of the [runc] table: %v", err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("default", "term")
}

func TestRuntimeIsTheStockOneUnlessNamed(t *testing.T) {
	e := sharedEngine(t)
	c := e.Run(t, bothHooks, by(""))
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.WantState("exited", 0)
	c.WantTrace("term")
}

// Labels are Docker's own and never reach a runtime. Compose sets many.
func TestLabelsBesideAnnotations(t *testing.T) {
	e := sharedEngine(t)
	labels := map[string]string{
		"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "com.docker.compose.container-number": "1",
		"com.docker.compose.oneoff": "False", "com.docker.compose.config-hash": "0123456789abcdef",
		harness.LifecycleKey: `preStop: {exec: {command: [sh, -c, "echo label >> /fifo/trace"]}}`,
	}
	labelled := func(o *client.ContainerCreateOptions) { o.Config.Labels = labels }
	for lifecycle, want := range map[string][]string{"": {"term"}, bothHooks: {"post", "pre", "term"}} {
		t.Run(fmt.Sprintf("%d hooks", len(want)-1), func(t *testing.T) {
			c := e.Run(t, lifecycle, labelled)
			if err := c.Stop(); err != nil {
				t.Fatal(err)
			}
			c.WantState("exited", 0)
			c.WantTrace(want...)
		})
	}
}
