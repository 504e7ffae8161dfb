package integration

import (
	"testing"

	"bookend.dev/bookend/integration/harness"
	containerd "github.com/containerd/containerd/v2/client"
)

// TestEventsOfAHookedContainerAreNotLost does better than the stock shim, of which
// every tenth short-lived container or so lacks its last event.
func TestEventsOfAHookedContainerAreNotLost(t *testing.T) {
	d := shared.Daemon(t)
	for range 8 {
		h := harness.CreateTask(t, d, `{"postStart":{"sleep":{"seconds":0}}}`, func(o *harness.TaskOptions) { o.Args = []string{"true"} })
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.WantExit(0)
		if _, err := h.Task.Delete(t.Context(), containerd.WithProcessKill); err != nil {
			t.Fatal(err)
		}
		h.WantTopics("/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete")
	}
}
