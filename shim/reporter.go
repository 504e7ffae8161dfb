package shim

import (
	"context"
	"sync/atomic"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/log"
)

const (
	// reportBacklog bounds the reports that wait for the log, and those that wait
	// for containerd to take events.
	reportBacklog = 256
	// flushBound is how long the end of the shim waits for reports: as long as the
	// publisher gives containerd for one event.
	flushBound = 5 * time.Second
)

// reporter logs and publishes what hooks do, each in order and on a goroutine of
// its own, so that neither a slow log nor a containerd that is away holds a hook
// or a stop up, nor an event a line of the log. Events are hints: when no one
// takes them they are dropped.
//
//	tell ── reports ──> log ── logged ──> publish
type reporter struct {
	publisher events.Publisher
	reports   chan hookReport
	logged    chan hookReport
	dropped   atomic.Int64 // reports that no line tells of
	done      <-chan struct{}
}

// newReporter starts the goroutines; ctx carries the namespace and the logger of
// the shim, and its end is not the reporter's. The shim does not end before what
// was told is out, or flushBound has passed.
func newReporter(ctx context.Context, p events.Publisher, sd shutdown.Service) *reporter {
	r := &reporter{
		publisher: p, done: sd.Done(),
		reports: make(chan hookReport, reportBacklog), logged: make(chan hookReport, reportBacklog),
	}
	ctx = context.WithoutCancel(ctx)
	sd.RegisterCallback(func(context.Context) error { r.flush(ctx); return nil })
	go r.run(r.reports, func(h hookReport) { guard(ctx, h.id, func() { r.log(ctx, h) }) })
	go r.run(r.logged, func(h hookReport) { guard(ctx, h.id, func() { r.publish(ctx, h) }) })
	return r
}

// tell never blocks.
func (r *reporter) tell(h hookReport) {
	select {
	case r.reports <- h:
	default:
		r.dropped.Add(1)
	}
}

// warn puts a fault of records into the log. It never blocks.
func (r *reporter) warn(ctx context.Context, err error) {
	r.tell(hookReport{logger: log.G(ctx), warning: "record", fault: err})
}

// run does what is to be done with each report, until the shim ends.
func (r *reporter) run(reports <-chan hookReport, do func(hookReport)) {
	for {
		select {
		case h := <-reports:
			do(h)
		case <-r.done:
			return
		}
	}
}

// flush waits until everything that was told before is out. main returns as soon
// as the shutdown is done, so this is a part of that.
func (r *reporter) flush(ctx context.Context) {
	late := time.NewTimer(flushBound)
	defer late.Stop()
	flushed := make(chan struct{})
	select {
	case r.reports <- hookReport{flushed: flushed}:
	case <-late.C:
		return // the log hangs, and takes no complaint either
	}
	select {
	case <-flushed:
	case <-late.C:
		log.G(ctx).Warnf("bookend: hook events were not taken within %s of the end of the shim", flushBound)
	}
}

// log puts a report into the log and hands it on.
func (r *reporter) log(ctx context.Context, h hookReport) {
	if n := r.dropped.Swap(0); n > 0 {
		log.G(ctx).Warnf("bookend: too many reports of hooks waited; %d were dropped", n)
	}
	switch {
	case h.flushed != nil:
		select {
		case r.logged <- h:
		case <-r.done:
		}
		return
	case h.warning != "":
		h.warn()
		return
	}
	h.log()
	select {
	case r.logged <- h:
	default:
		log.G(ctx).WithField("container", h.id).Warn("bookend: too many hook events wait; one was dropped")
	}
}

// publish publishes the event of a report.
func (r *reporter) publish(ctx context.Context, h hookReport) {
	if h.flushed != nil {
		close(h.flushed)
		return
	}
	topic, labels := h.event()
	if err := r.publisher.Publish(ctx, topic, &eventstypes.ContainerUpdate{ID: h.id, Labels: labels}); err != nil {
		log.G(ctx).WithError(err).WithField("container", h.id).Warn("bookend: post hook event")
	}
}
