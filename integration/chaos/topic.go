package main

import (
	"context"
	"slices"
	"time"
)

// topic is the fault that a round is about.
type topic struct {
	name  string
	kinds []kind // nil: any
	alone bool   // no extras: they would hide what the topic shows
	long  bool   // takes many seconds
	hangs bool   // what hangs is not released before the round is judged
	// restarts says that containerd is restarted meanwhile, for all rounds at
	// once: "term" or "kill".
	restarts string
	shape    func(*plan) // changes what was drawn; nil: nothing
	act      func(context.Context, *round)
	shown    func(*history) int // how often the fault really happened
}

// steady wants an init that lives until it is stopped, and a preStop that lets
// a fault come before its end.
func steady(p *plan) {
	p.Post = nil
	if p.rng.IntN(2) == 0 {
		p.Post = makeHook(p.rng, "post", "ok")
	}
	p.Pre = makeHook(p.rng, "pre", []string{"slow", "sleep", "hang"}[p.rng.IntN(3)])
	p.Grace = 0
	lasting(p)
}

// lasting wants an init that lives until it is stopped.
func lasting(p *plan) {
	if p.Init == "brief" {
		p.Init = "polite"
	}
	if p.Init == "deaf" && p.Grace == 0 {
		p.Init = "lingering"
	}
}

// did counts the calls of one kind that succeeded.
func did(op operation) func(*history) int {
	return func(h *history) int {
		n := 0
		for _, c := range h.calls(op) {
			if c.ok() {
				n++
			}
		}
		return n
	}
}

// acted counts the calls of a verb in which a fault was acted out.
func acted(verb string, modes ...string) func(*history) int {
	return func(h *history) int { return h.broken(verb, modes...) }
}

// opened counts the calls of a runtime whose file was another.
func opened(h *history) int { return int(h.Opens) }

// topics are the faults, each of them planned once in every pass.
var topics = slices.Concat(clientTopics, runtimeTopics, stormTopics, restartTopics)

// clientTopics need no fault of the runtime's.
var clientTopics = []topic{
	{name: "calm", alone: true, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
	}, shown: func(h *history) int { return len(h.calls(opStart)) }},
	{name: "several stops", shape: lasting, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		if r.plan.rng.IntN(2) == 0 {
			r.started(ctx)
		}
		for range 3 + r.plan.rng.IntN(3) {
			r.async(func() { r.stop(ctx) })
			pause(ctx, r.plan.moment(300*time.Millisecond))
		}
	}, shown: did(opKill)},
	{name: "SIGKILL", act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		pause(ctx, r.plan.moment(time.Second))
		r.async(func() { r.stop(ctx) })
		pause(ctx, r.plan.moment(time.Second))
		r.sigkill(ctx)
	}, shown: did(opKill)},
	{name: "hook killed", shape: func(p *plan) {
		steady(p)
		p.Pre = makeHook(p.rng, "pre", "hang")
		p.Post = makeHook(p.rng, "post", []string{"slow", "hang"}[p.rng.IntN(2)])
	}, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.killHook(ctx)
		r.started(ctx)
		r.stop(ctx)
		r.killHook(ctx)
	}, shown: did(opKillHook)},
	{name: "pause", act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		d := r.plan.moment(time.Second)
		r.async(func() { r.pauseFor(ctx, d) })
		pause(ctx, r.plan.moment(time.Second))
		r.stop(ctx)
	}, shape: lasting, shown: did(opPause)},
	{name: "delete", kinds: []kind{task, group}, shape: lasting, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.tryDelete(ctx)
		r.started(ctx)
		r.tryDelete(ctx)
	}, shown: func(h *history) int { return len(h.calls(opDelete)) }},
	twoStarts("two Starts", 2), twoStarts("three Starts", 3), twoStarts("many Starts", 6),
	{name: "sandbox killed before Start", kinds: []kind{group}, alone: true, shape: lasting, act: func(ctx context.Context, r *round) {
		r.killSandbox(ctx, r.plan.rng.IntN(2) == 0)
		if r.plan.rng.IntN(3) > 0 {
			pause(ctx, 100*time.Millisecond+r.plan.moment(300*time.Millisecond))
		}
		r.launch(ctx, 0)
	}, shown: did(opKillSandbox)},
	{name: "sandbox killed", kinds: []kind{group, pod}, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		pause(ctx, r.plan.moment(700*time.Millisecond))
		r.killSandbox(ctx, r.plan.rng.IntN(2) == 0)
	}, shown: did(opKillSandbox)},
	{name: "shim killed", act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		pause(ctx, r.plan.moment(1500*time.Millisecond))
		r.killShim(ctx)
	}, shown: did(opKillShim)},
	{name: "deadline of Start", kinds: []kind{task, group}, shape: func(p *plan) {
		lasting(p)
		p.Post = &hook{point: "post", body: "hang", takes: 3 * time.Second}
	}, act: func(ctx context.Context, r *round) { r.launch(ctx, 3*time.Second) },
		shown: func(h *history) int { return len(h.calls(opStart)) }},
}

// twoStarts calls Start n times at once: on the shim, where nothing but it puts
// them in an order.
func twoStarts(name string, n int) topic {
	return topic{name: name, kinds: []kind{task, task, group}, alone: true, shape: func(p *plan) {
		steady(p)
		p.Post = makeHook(p.rng, "post", []string{"ok", "slow", "sleep"}[p.rng.IntN(3)])
	}, act: func(ctx context.Context, r *round) {
		r.launchDirectly(ctx, n)
		r.started(ctx)
	}, shown: overlapping}
}

// overlapping counts the Starts that were called before another had replied.
func overlapping(h *history) int {
	starts, n := h.calls(opStart), 0
	for i := range starts {
		if i > 0 && (starts[i-1].Ended.IsZero() || starts[i].Began.Before(starts[i-1].Ended)) {
			n++
		}
	}
	return n
}

// restartTopics are rounds during which containerd restarts.
var restartTopics = []topic{
	{name: "containerd terminated", restarts: "term", act: throughRestart, shown: did(opRestart)},
	{name: "containerd killed", restarts: "kill", act: throughRestart, shown: did(opRestart)},
}

func throughRestart(ctx context.Context, r *round) {
	r.launch(ctx, 0)
	pause(ctx, r.plan.moment(1500*time.Millisecond))
	r.async(func() { r.stop(ctx) })
	r.started(ctx)
}
