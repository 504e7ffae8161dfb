package harness

import (
	"slices"
	"syscall"
	"testing"
)

func TestFixtureOfBothAPIs(t *testing.T) {
	d := shared.Daemon(t)
	const lifecycle = `{"preStop":{"exec":{"command":["sh","-c","echo pre >> /fifo/trace; echo here > /fifo/pre; cat /fifo/pre-go"]}}}`
	for name, create := range map[string]func(*testing.T) *Fixture{
		"task":      func(t *testing.T) *Fixture { return CreateTask(t, d, lifecycle) },
		"container": func(t *testing.T) *Fixture { return CreateMain(t, d, lifecycle, Entrypoint) },
	} {
		t.Run(name, func(t *testing.T) {
			h := create(t)
			h.Run()
			init, procs := h.Init(), h.Processes()
			if !slices.ContainsFunc(procs, func(p Process) bool { return p.PID == init && p.Alive() }) {
				t.Errorf("init %d, processes %v; want the init among them", init, procs)
			}
			h.Kill(syscall.SIGUSR1)
			h.WantTraceSoon("usr1")
			h.Kill(syscall.SIGTERM)
			h.Await("pre")
			h.WantTrace("usr1", "pre")
			h.WantHookEvent("preStop", "start")
			if n := h.HookRuns("preStop"); n != 1 {
				t.Errorf("preStop ran %d times, want once", n)
			}
			h.Open("pre-go")
			h.WantExit(0)
			h.WantTrace("usr1", "pre", "term")
			h.WantTopic("/tasks/exit")
			if want := []string{"/tasks/create", "/tasks/start", "/tasks/exit"}; !slices.Equal(h.Topics()[:3], want) {
				t.Errorf("events %q, want %q in front: the CRI deletes a task that has ended", h.Topics(), want)
			}
			h.WantLog("hook ended: Succeeded")
		})
	}
}
