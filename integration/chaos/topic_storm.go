package main

import (
	"context"
	"time"
)

// stormTopics are whatever comes, more of it and at any moment.
var stormTopics = []topic{storm("storm"), storm("another storm"), storm("a third storm")}

// storm breaks calls of the runtime that are about to come, beside extras of
// every kind.
func storm(name string) topic {
	return topic{name: name, kinds: []kind{task, group}, shape: func(p *plan) {
		for range 2 + p.rng.IntN(3) {
			p.Extras = append(p.Extras, newExtra(p.rng))
		}
	}, act: func(ctx context.Context, r *round) {
		if r.plan.rng.IntN(3) == 0 {
			r.failCalls("start", r.drawMode(), func() {
				r.launch(ctx, 0)
				pause(ctx, r.plan.moment(time.Second))
			})
			r.slot.release()
		} else {
			r.launch(ctx, 0)
		}
		for range 2 + r.plan.rng.IntN(2) {
			pause(ctx, r.plan.moment(500*time.Millisecond))
			r.burst(ctx)
			r.slot.release()
		}
	}, shown: func(h *history) int {
		n := int(h.Opens)
		for _, c := range h.Runtime {
			if c.Mode != "pass" {
				n++
			}
		}
		return n
	}}
}

// burst breaks the runtime for a while and asks something of it meanwhile.
func (r *round) burst(ctx context.Context) {
	rng := r.plan.rng
	d, ask := 500*time.Millisecond+r.plan.moment(2*time.Second), func() {}
	verb := []string{"kill", "kill", "kill", "pause", "resume", "state"}[rng.IntN(6)]
	switch verb {
	case "kill":
		ask = func() { r.stop(ctx) }
	case "pause", "resume":
		ask = func() { r.pauseFor(ctx, d/4) }
	}
	during := func() {
		r.async(ask)
		pause(ctx, d)
	}
	if rng.IntN(3) == 0 {
		r.replaceFor([]string{missing, empty, half}[rng.IntN(3)], during)
		return
	}
	r.failCalls(verb, r.drawMode(), during)
}

func (r *round) drawMode() string {
	return []string{"fail", "once-fail", "once-hang", "once-hangfail", "once-hangafter"}[r.plan.rng.IntN(5)]
}
