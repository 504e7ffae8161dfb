package main

import (
	"context"
	"maps"
	"slices"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

const (
	// endSlack is what a stop may take beyond its hooks: a runtime that hangs
	// is given ten seconds, and a retry backs off.
	endSlack = 18 * time.Second
	// lingerTime is how long a client waits for an init that was told to stop
	// before Start had replied.
	lingerTime = time.Second
	// echoTime is given to a signal that comes twice.
	echoTime = 300 * time.Millisecond
	// removeTime is for what comes after a round.
	removeTime = time.Minute
)

// awaitEnd waits, once the disturbances are over, until nothing more can come of
// the round: Start has replied, and a stop has ended in its signal or the
// init's end. A container that no one stopped is stopped now.
func (r *round) awaitEnd(ctx context.Context) {
	if !r.plan.Topic.hangs {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			for ctx.Err() == nil {
				r.slot.release()
				pause(ctx, pollInterval)
			}
		}()
	}
	r.work.Wait()
	r.resumeAll(ctx)
	limit := r.plan.hookTime() + endSlack
	if r.plan.Grace > 0 {
		limit += r.plan.grace()
	}
	last := &lastStop{}
	await(ctx, limit, func() bool { pause(ctx, 4*pollInterval); return r.ended(ctx, last) })
	survived := r.alive(ctx)
	if survived && r.plan.Pre != nil {
		pause(ctx, echoTime)
		survived = r.alive(ctx)
	}
	r.note(func(h *history) { h.Ended, h.Survived = time.Now(), survived })
}

// lastStop is what the round's end has asked for by itself.
type lastStop struct {
	tried    time.Time // the stop; zero: not yet
	accepted bool
	killed   bool // the init that a stop did not end before Start had replied
}

func (r *round) ended(ctx context.Context, last *lastStop) bool {
	h, err := r.look()
	if err != nil {
		return false
	}
	replied := !slices.ContainsFunc(h.calls(opStart), func(c call) bool { return c.Ended.IsZero() })
	alive := r.alive(ctx)
	switch {
	case !alive:
		return replied
	case mustDie(h):
		return false
	case !replied:
		r.killLingering(ctx, h, last)
		return false
	case len(h.marks("up")) == 0:
		return !slices.ContainsFunc(h.calls(opStart), call.ok) // it never ran
	}
	if outstanding(h) != nil {
		return false // what else is sent would hide that it is lost
	}
	if !last.accepted && time.Since(last.tried) > 500*time.Millisecond {
		last.tried = time.Now()
		last.accepted = r.kill(ctx, r.plan.Stop) == nil
		return false
	}
	return last.accepted
}

// killLingering does what clients do to an init that outlives its stop signal,
// where that keeps Start from replying. bookend does it itself where postStart
// had failed.
func (r *round) killLingering(ctx context.Context, h *history, last *lastStop) {
	signals := h.signals()
	if last.killed || len(signals) == 0 || time.Since(signals[0].At) < lingerTime || postStartFailed(h) {
		return
	}
	if slices.ContainsFunc(h.calls(opKill), call.ok) {
		last.killed = true
		_ = r.kill(ctx, syscall.SIGKILL)
	}
}

// look returns the history as it is so far.
func (r *round) look() (*history, error) {
	marks, err := r.trace(r.slot.clock)
	if err != nil {
		return nil, err
	}
	runtime, err := r.slot.calls(r.id)
	if err != nil {
		return nil, err
	}
	records, err := r.records()
	if err != nil {
		return nil, err
	}
	h := r.copy()
	h.Marks, h.Runtime, h.Records = marks, runtime, records
	return h, nil
}

// records are those of the container's hooks.
func (r *round) records() ([]record.Record, error) {
	changed, _, err := r.follower.Poll()
	if err != nil {
		return nil, err
	}
	for _, rec := range changed {
		if rec.Container == r.id && (rec.Hook == hooks.PostStart || rec.Hook == hooks.PreStop) {
			r.seen[rec.ID] = rec
		}
	}
	return slices.SortedFunc(maps.Values(r.seen), func(a, b record.Record) int { return a.Started.Compare(b.Started) }), nil
}

// finish ends the container, whatever became of it, and removes it.
func (r *round) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, removeTime)
	defer cancel()
	if err := r.slot.lift(); err != nil {
		r.fault("%v", err)
	}
	go func() {
		for ctx.Err() == nil {
			r.slot.release()
			pause(ctx, pollInterval)
		}
	}()
	if r.alive(ctx) {
		err := r.sendSignal(ctx, syscall.SIGKILL)
		if !await(ctx, 15*time.Second, func() bool { return !r.alive(ctx) }) {
			r.fault("the init outlived a SIGKILL, which was answered with: %v", err)
		}
	}
	var err error
	if !await(ctx, removeTime/2, func() bool { // containerd may be cleaning up after a shim
		err = r.remove(ctx)
		return err == nil
	}) {
		r.fault("remove: %v", err)
	}
	if !r.awaitStarted(ctx, removeTime/2) {
		r.fault("Start has not replied though its container is gone")
	}
}

// collect reads what the round has left behind. Records of a shim that died are
// completed in containerd's own time.
func (r *round) collect() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var h *history
	var err error
	await(ctx, patience, func() bool {
		h, err = r.look()
		return err != nil || !slices.ContainsFunc(h.Records, func(r record.Record) bool { return r.Running || r.Outcome == "" })
	})
	if err != nil {
		return err
	}
	r.h = *h
	r.h.cut()
	r.h.Stops, err = stopRecords(r.daemon.RecordsDir(), r.id)
	return err
}

// cut leaves out what the round's end has brought about.
func (h *history) cut() {
	h.Marks = slices.DeleteFunc(h.Marks, func(m mark) bool { return m.At.After(h.Ended) })
	h.Runtime = slices.DeleteFunc(h.Runtime, func(c runtimeCall) bool { return c.At.After(h.Ended) })
}
