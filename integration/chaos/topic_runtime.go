package main

import (
	"context"
	"time"
)

// runtimeTopics are faults of the runtime, after Create.
var runtimeTopics = []topic{
	{name: "kill fails once", alone: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.failNext("kill", "once-fail")
		r.stop(ctx)
	}, shown: acted("kill", "fail")},
	{name: "kill fails a while", alone: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.failCalls("kill", "fail", func() {
			r.stop(ctx)
			pause(ctx, r.plan.hookTime()+r.plan.moment(time.Second))
		})
	}, shown: acted("kill", "fail")},
	whileStopping("runtime missing", missing), whileStopping("runtime empty", empty), whileStopping("runtime half written", half),
	{name: "kill fails for long", alone: true, long: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.failCalls("kill", "fail", func() {
			r.stop(ctx)
			pause(ctx, r.plan.hookTime()+undeliveredAfter+2*time.Second)
		})
	}, shown: acted("kill", "fail")},
	{name: "kill hangs", alone: true, long: true, hangs: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.failNext("kill", "once-hang")
		r.stop(ctx)
		pause(ctx, r.plan.hookTime()+r.plan.moment(2*time.Second))
		r.stop(ctx)
	}, shown: acted("kill", "hang")},
	{name: "kill hangs, then SIGKILL", alone: true, long: true, hangs: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.failNext("kill", "once-hang")
		r.stop(ctx)
		pause(ctx, r.plan.hookTime()+r.plan.moment(2*time.Second))
		r.sigkill(ctx)
	}, shown: acted("kill", "hang")},
	{name: "kill hangs after the signal", alone: true, long: true, hangs: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.failNext("kill", "once-hangafter")
		r.stop(ctx)
	}, shown: acted("kill", "hangafter")},
	{name: "kill is slow", alone: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.failCalls("kill", "once-hang", func() {
			r.stop(ctx)
			pause(ctx, r.plan.hookTime()+r.plan.moment(2*time.Second))
		})
		r.slot.release()
	}, shown: acted("kill", "hang")},
	{name: "start fails once", kinds: []kind{task, group}, alone: true, shape: lasting, act: func(ctx context.Context, r *round) {
		r.failNext("start", "once-fail")
		r.launch(ctx, 0)
		r.started(ctx)
		r.launch(ctx, 0)
		r.started(ctx)
	}, shown: acted("start", "fail")},
	{name: "one of two Starts fails", kinds: []kind{task, group}, alone: true, shape: lasting, act: func(ctx context.Context, r *round) {
		r.failNext("start", "once-fail")
		r.launchDirectly(ctx, 2)
		r.started(ctx)
	}, shown: acted("start", "fail")},
	{name: "a Start fails before another", kinds: []kind{task, group}, alone: true, shape: lasting, act: func(ctx context.Context, r *round) {
		r.failCalls("start", "once-hangfail", func() {
			r.launchDirectly(ctx, 2)
			pause(ctx, 200*time.Millisecond+r.plan.moment(300*time.Millisecond))
		})
		r.slot.release()
		r.started(ctx)
	}, shown: acted("start", "hangfail")},
	{name: "start is slow", shape: lasting, act: func(ctx context.Context, r *round) {
		r.failCalls("start", "once-hang", func() {
			r.launch(ctx, 0)
			pause(ctx, 200*time.Millisecond+r.plan.moment(time.Second))
		})
		r.slot.release()
	}, shown: acted("start", "hang")},
	{name: "sandbox killed in a slow start", kinds: []kind{group}, alone: true, shape: lasting, act: func(ctx context.Context, r *round) {
		r.failCalls("start", "once-hang", func() {
			r.launch(ctx, 0)
			pause(ctx, 300*time.Millisecond)
			r.killSandbox(ctx, r.plan.rng.IntN(2) == 0)
		})
		r.slot.release()
	}, shown: acted("start", "hang")},
	ownKill("postStart fails, runtime missing", missing), ownKill("postStart fails, runtime half written", half),
	{name: "deadline of Start, kill fails", kinds: []kind{task, group}, alone: true, shape: func(p *plan) {
		p.Grace = 2
		lasting(p)
		p.Post = &hook{point: "post", body: "hang", takes: 4 * time.Second}
	}, act: func(ctx context.Context, r *round) {
		r.failCalls("kill", "fail", func() {
			r.launch(ctx, 4*time.Second)
			r.awaitStarted(ctx, 10*time.Second)
			pause(ctx, r.plan.moment(time.Second))
		})
	}, shown: acted("kill", "fail")},
	{name: "out of descriptors", alone: true, shape: func(p *plan) {
		steady(p)
		p.Pre = &hook{point: "pre", body: "sleep", takes: time.Second}
	}, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.stop(ctx)
		r.starve(ctx, 1700*time.Millisecond)
	}, shown: starved},
	{name: "out of descriptors, hook killed", alone: true, shape: func(p *plan) {
		steady(p)
		p.Pre = &hook{point: "pre", body: "hang", takes: time.Second}
	}, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.stop(ctx)
		if r.awaitMark(ctx, patience, "pre begin") {
			r.async(func() { r.starve(ctx, 2*time.Second) })
			pause(ctx, 100*time.Millisecond)
			r.killHook(ctx)
		}
	}, shown: starved},
}

// undeliveredAfter is when a stop signal that could not be sent is told of.
const undeliveredAfter = 10 * time.Second

// whileStopping has no runtime when preStop ends.
func whileStopping(name, file string) topic {
	return topic{name: name, alone: true, shape: steady, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		r.started(ctx)
		r.stop(ctx)
		r.replaceFor(file, func() { pause(ctx, r.plan.hookTime()+500*time.Millisecond+r.plan.moment(time.Second)) })
	}, shown: opened}
}

// ownKill has no runtime from before bookend's own stop signal until after the
// grace period.
func ownKill(name, file string) topic {
	return topic{name: name, kinds: []kind{task, group}, alone: true, shape: func(p *plan) {
		p.Post = makeHook(p.rng, "post", "fail")
		p.Post.ignore = false
		p.Pre = nil
		p.Grace = 1
		lasting(p)
	}, act: func(ctx context.Context, r *round) {
		r.launch(ctx, 0)
		if r.awaitMark(ctx, patience, "post begin") {
			r.replaceFor(file, func() { pause(ctx, 2*time.Second+r.plan.moment(time.Second)) })
		}
	}, shown: opened}
}

// starve takes the shim's spare descriptors for a time.
func (r *round) starve(ctx context.Context, d time.Duration) {
	pid, err := r.shimPID()
	if err == nil {
		var s span
		s, err = starve(ctx, pid, d)
		r.note(func(h *history) { h.Starved = s })
	}
	if err != nil {
		r.fault("%v", err)
	}
}

// starved counts the ends of hooks at which the shim had no descriptor to send
// the signal with.
func starved(h *history) int {
	n := 0
	for _, r := range h.Records {
		if end := endOf(r); h.Starved.holds(end, 0) && !signalledIn(h, span{end, h.Starved.To}) {
			n++
		}
	}
	return n
}

// signalledIn tells whether the runtime was called to send a signal in a span.
func signalledIn(h *history, s span) bool {
	for _, c := range h.Runtime {
		if c.Verb == "kill" && s.holds(c.At, 0) {
			return true
		}
	}
	return false
}
