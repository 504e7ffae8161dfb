package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// settings of a run.
type settings struct {
	seed     uint64
	rounds   int           // 0: as many as duration has time for
	duration time.Duration // a pass over all topics is always made
	only     string        // name of the one topic that is planned; empty: all
	first    int           // number of the first round
	verbose  bool
}

// slots is how many rounds run at once.
const slots = 6

// driver runs rounds on a daemon of its own.
type driver struct {
	settings
	daemon *harness.Daemon
	slots  chan *slot
	events *harness.EventLog
	report *report
}

// drive runs rounds until their time is over. The error is the driver's own
// trouble; what bookend did wrong is in the report.
func drive(ctx context.Context, s settings, print func(string)) (_ *report, err error) {
	dir, err := os.MkdirTemp("/tmp", "bookend-chaos-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &driver{settings: s, slots: make(chan *slot, slots), report: newReport(print, s.verbose)}
	if err := d.start(ctx, dir); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.daemon.Stop(context.WithoutCancel(ctx))) }()
	defer d.events.Close()
	return d.report, d.passes(ctx)
}

// start starts the daemon, with a handler for each slot.
func (d *driver) start(ctx context.Context, dir string) error {
	bins, err := harness.FindBinaries()
	if err != nil {
		return err
	}
	all, err := newSlots(dir, filepath.Join(bins.Tools, "runc"), slots)
	if err != nil {
		return err
	}
	template := harness.DefaultHandlers(bins)[1]
	var handlers []harness.Handler
	for _, s := range all {
		h := template
		h.Name, h.Options = s.name, map[string]any{"BinaryName": s.runc()}
		handlers = append(handlers, h)
		d.slots <- s
	}
	if d.daemon, err = harness.Start(ctx, harness.Options{Handlers: handlers}); err != nil {
		return err
	}
	d.events, err = d.daemon.Events(ctx)
	return err
}

// passes plans every topic once, in an order of the seed's, again and again.
func (d *driver) passes(ctx context.Context) error {
	begun := time.Now()
	chosen := slices.DeleteFunc(slices.Clone(topics), func(t topic) bool { return d.only != "" && t.name != d.only })
	if len(chosen) == 0 {
		return fmt.Errorf("no fault %q", d.only)
	}
	if d.only != "" {
		chosen = slices.Repeat(chosen, slots)
	}
	left, n := d.rounds, d.first
	for ctx.Err() == nil {
		pass := d.plan(chosen, n)
		if d.rounds > 0 {
			pass = pass[:min(len(pass), left)]
			left -= len(pass)
		}
		n += len(pass)
		if err := d.pass(ctx, pass); err != nil {
			return err
		}
		if d.rounds > 0 && left == 0 || d.rounds == 0 && time.Since(begun) > d.duration {
			break
		}
	}
	return d.again(ctx, n)
}

// tries is how often a fault is planned again that did not happen: chance may
// have had the container ended before it.
const tries = 3

// again plans the faults that did not happen; n is the first round's number.
func (d *driver) again(ctx context.Context, n int) error {
	for range tries {
		missed := slices.DeleteFunc(slices.Clone(topics), func(t topic) bool { return !d.report.missed(t.name) })
		if len(missed) == 0 || ctx.Err() != nil {
			break
		}
		if err := d.pass(ctx, d.plan(missed, n)); err != nil {
			return err
		}
		n += len(missed)
	}
	return ctx.Err()
}

// plan draws the rounds of a pass that begins with number n.
func (d *driver) plan(chosen []topic, n int) []*plan {
	order := rand.New(rand.NewPCG(d.seed, uint64(n))).Perm(len(chosen))
	var plans []*plan
	for i, which := range order {
		plans = append(plans, newPlan(d.seed, n+i, chosen[which]))
	}
	return plans
}

// pass runs rounds, those during which containerd restarts together and last,
// and looks for what is left.
func (d *driver) pass(ctx context.Context, plans []*plan) error {
	before, err := d.daemon.Inventory()
	if err != nil {
		return err
	}
	for _, restarts := range []string{"", "term", "kill"} {
		some := slices.DeleteFunc(slices.Clone(plans), func(p *plan) bool { return p.Topic.restarts != restarts })
		slices.SortStableFunc(some, func(a, b *plan) int { return rank(a) - rank(b) })
		if err := d.together(ctx, some, restarts); err != nil {
			return err
		}
	}
	if err := d.daemon.CheckLeaks(ctx, before); err != nil {
		d.report.leak(err)
	}
	return nil
}

// rank puts what takes long in front.
func rank(p *plan) int {
	if p.Topic.long {
		return 0
	}
	return 1
}

// wave is the rounds that run side by side.
type wave struct {
	created   sync.WaitGroup // the containers of all of them
	restarted chan call      // one for each round; nil: containerd does not restart
}

// together runs rounds side by side, as many as there are slots.
func (d *driver) together(ctx context.Context, plans []*plan, restarts string) error {
	if len(plans) == 0 {
		return nil
	}
	w := &wave{}
	if restarts != "" { // one is not much for so much trouble
		plans = plans[:min(len(plans), slots)] // all are to be there when it comes
		for i := uint64(1); len(plans) < slots; i++ {
			plans = append(plans, newPlan(d.seed+i, plans[0].Round, plans[0].Topic))
		}
		w.restarted = make(chan call, len(plans))
	}
	w.created.Add(len(plans))
	var running sync.WaitGroup
	errs := make(chan error, len(plans)+1)
	for _, p := range plans {
		s := <-d.slots
		running.Go(func() {
			defer func() { d.slots <- s }()
			errs <- d.round(ctx, p, s, w)
		})
	}
	if restarts != "" {
		errs <- d.restart(ctx, restarts, plans[0], w)
	}
	running.Wait()
	close(errs)
	var failed error
	for err := range errs {
		failed = errors.Join(failed, err)
	}
	return failed
}

// restart restarts containerd at a moment of the seed's and tells the rounds.
func (d *driver) restart(ctx context.Context, how string, p *plan, w *wave) error {
	w.created.Wait()
	rng := rand.New(rand.NewPCG(d.seed, uint64(p.Round)<<32)) // the rounds use theirs
	pause(ctx, time.Duration(rng.IntN(1500))*time.Millisecond)
	c := call{Op: opRestart, Began: time.Now()}
	end := d.daemon.Terminate
	if how == "kill" {
		end = d.daemon.Kill
	}
	err := end(ctx)
	if err == nil {
		err = d.daemon.Relaunch(ctx)
	}
	c.Ended = time.Now()
	for range cap(w.restarted) {
		w.restarted <- c
	}
	return err
}

func (d *driver) round(ctx context.Context, p *plan, s *slot, w *wave) error {
	h, err := run(ctx, d.daemon, p, s, w)
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	h.Undelivered = d.undelivered(h.ID)
	d.report.add(h, check(h))
	return nil
}

// undelivered returns when events said that a stop of a container could not be
// delivered.
func (d *driver) undelivered(id string) []time.Time {
	var times []time.Time
	for _, e := range d.events.Of(id) {
		if e.Topic == harness.UndeliveredTopic {
			times = append(times, e.Time)
		}
	}
	return times
}
