package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// machine is what the tests share: a containerd, and an engine for those that do
// not end theirs.
var machine struct {
	once   sync.Once
	daemon *harness.Daemon
	engine *Engine
	err    error // of the start; not tried again
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stopMachine(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "stop the shared engine:", err)
		code = 1
	}
	os.Exit(code)
}

// stopMachine fails where the engine or any container of it left something.
func stopMachine(ctx context.Context) (err error) {
	if machine.engine != nil {
		err = machine.engine.Stop(ctx)
	}
	if machine.daemon != nil {
		err = errors.Join(err, machine.daemon.Stop(ctx))
	}
	return err
}

func startMachine(ctx context.Context) {
	if machine.daemon, machine.err = harness.Start(ctx, harness.Options{}); machine.err != nil {
		return
	}
	machine.engine, machine.err = StartEngine(ctx, machine.daemon, Options{Runtimes: runtimes})
}

// sharedEngine returns the engine that tests share, for the time of one test;
// what that leaves fails it.
func sharedEngine(t *testing.T) *Engine {
	t.Helper()
	machine.once.Do(func() { startMachine(context.Background()) })
	if machine.err != nil {
		t.Fatalf("start the shared engine: %v", machine.err)
	}
	watch(t, machine.engine)
	return machine.engine
}

// ownEngine returns an engine for one test, which may end it and launch it again.
func ownEngine(t *testing.T, opts Options) *Engine {
	t.Helper()
	d := sharedEngine(t).daemon
	e, err := StartEngine(t.Context(), d, opts)
	if err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, e.Stop)
	return e
}

func watch(t *testing.T, e *Engine) {
	t.Helper()
	before, err := e.daemon.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	logged := len(e.daemon.Log())
	t.Cleanup(func() {
		if err := e.CheckLeaks(context.Background(), before); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("dockerd logged:\n%s\ncontainerd and shims logged:\n%s", e.LogTail(), e.daemon.Log()[logged:])
		}
	})
}
