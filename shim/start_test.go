package shim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/containerd/api/types/runc/options"
	runcC "github.com/containerd/go-runc"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// A restore that was cut off may have let the init go, which a preStop has to find.
func TestHooksFindTheInitOfAStartThatWasCutOff(t *testing.T) {
	script := filepath.Join(t.TempDir(), "runc")
	says := fmt.Sprintf("#!/bin/sh\necho '{\"id\":\"c\",\"pid\":%d,\"status\":\"running\"}'\n", os.Getpid())
	if err := os.WriteFile(script, []byte(says), 0o700); err != nil {
		t.Fatal(err)
	}
	c := &container{id: "c", gate: newGate(), lifecycle: sleepers(0, 0), runtime: runtimeOf("ns", &options.Options{BinaryName: script})}
	ran := make(chan struct{})
	c.task = newTask(t.Context(), "c", sleepers(0, 0), true, effects{
		runHook:    func(context.Context, runHook) hooks.Result { close(ran); return preOK },
		signal:     func(context.Context, delivery) (bool, error) { return false, nil },
		report:     func(hooks.Result) {},
		postStatus: func(taskStatus) {},
	})
	defer c.task.end()
	c.task.askStart(startRequested{at: time.Now()}, make(chan error, 1))
	s := &Service{publisher: newPublisher(nil), executor: runtime.OpenExecutor("/none", runcC.Monitor)}
	s.startFailed(t.Context(), c, errRuntime)
	if a := c.task.ask(stopRequested{sigterm}); a.kind != absorb {
		t.Fatalf("a stop signal was answered with %v", a.kind)
	}
	<-ran
	if target := c.target.Load(); target == nil || target.Init.Pid != os.Getpid() {
		t.Errorf("the hook finds %+v", target)
	}
}
