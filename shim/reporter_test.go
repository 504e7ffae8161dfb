package shim

import (
	"context"
	"testing"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"

	"bookend.dev/bookend/hooks"
)

// publishFunc is a publisher of the test's own.
type publishFunc func(topic string, event events.Event) error

func (f publishFunc) Publish(_ context.Context, topic string, event events.Event) error {
	return f(topic, event)
}

func TestEveryOutcomeHasItsTopic(t *testing.T) {
	for outcome, want := range map[hooks.Outcome]struct{ topic, reason string }{
		"":              {"/bookend/hook/start", ""},
		hooks.Succeeded: {"/bookend/hook/success", ""},
		hooks.Failed:    {"/bookend/hook/failure", "FailedPreStopHook"},
		hooks.TimedOut:  {"/bookend/hook/timeout", "FailedPreStopHook"},
		hooks.Cancelled: {"/bookend/hook/cancel", ""},
	} {
		var topics []string
		var labels map[string]string
		r := &reporter{publisher: publishFunc(func(topic string, event events.Event) error {
			topics = append(topics, topic)
			labels = event.(*eventstypes.ContainerUpdate).GetLabels()
			return nil
		})}
		h := hookReport{id: "c", point: hooks.PreStop, kind: "exec"}
		if outcome != "" {
			h.result = &hooks.Result{Point: hooks.PreStop, Handler: "exec", Outcome: outcome}
		}
		r.publish(t.Context(), h)
		if len(topics) != 1 || topics[0] != want.topic || labels["reason"] != want.reason || labels["outcome"] != string(outcome) || labels["hook"] != "preStop" {
			t.Errorf("%s: published under %q with %v; want %q, reason %q", outcome, topics, labels, want.topic, want.reason)
		}
	}
}
