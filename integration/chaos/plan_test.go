package main

import (
	"testing"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/integration/harness"
)

func noConfig() (*hooks.Config, error) { return hooks.ParseConfig(nil, "none") }

// A seed and a number are all it takes to have a round again, and no plan fails
// for an annotation that bookend refuses.
func TestPlansFollowFromTheirSeed(t *testing.T) {
	for _, topic := range topics {
		for n := range 50 {
			p := newPlan(7, n, topic)
			if again := newPlan(7, n, topic); again.String() != p.String() || again.lifecycle() != p.lifecycle() {
				t.Errorf("%s: another time %s", p, again)
			}
			if _, err := hooks.Resolve(map[string]string{harness.LifecycleKey: p.lifecycle()}, noConfig); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
	}
}
