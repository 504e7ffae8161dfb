package shim

import (
	"context"
	"path"
	"strconv"
	"sync/atomic"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
)

const (
	// reportBacklog bounds the reports that wait for the log, and those that wait
	// for containerd to take events.
	reportBacklog = 256
	// flushBound is how long the end of the shim waits for reports: as long as the
	// publisher gives containerd for one event.
	flushBound = 5 * time.Second
)

// hookReport is one thing to tell about a hook.
type hookReport struct {
	logger *log.Entry
	id     string
	name   string // the container's name, as records have it; may be empty
	point  hooks.Point
	kind   string // handler
	result *hooks.Result
	// undelivered, where set, is what is told.
	undelivered *undeliveredStop
	// warning, where set, is what is told, in the log only; fault is its cause,
	// nil: it has none.
	warning string
	fault   error
	// flushed, where set, is closed when all that was told before is out. There is
	// nothing else in such a report.
	flushed chan struct{}
}

// reporter logs and publishes what hooks do, each in order and on a goroutine of
// its own, so that neither a slow log nor a containerd that is away holds a hook
// or a stop up, nor an event a line of the log. Events are hints: when nobody
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

func (h hookReport) warn() {
	l := h.logger
	if h.id != "" {
		l = l.WithField("container", h.id)
	}
	if h.fault != nil {
		l = l.WithError(h.fault)
	}
	l.Warn("bookend: " + h.warning)
}

// log tells the cause alone: what an error says may name the command, or the
// URL with its query. Records have that.
func (h hookReport) log() {
	l := h.logger.WithFields(log.Fields{"container": h.id, "hook": string(h.point), "handler": h.kind})
	switch res := h.result; {
	case h.undelivered != nil:
		h.logUndelivered()
	case res == nil:
		l.Debug("bookend: hook started")
	case isFailure(res):
		l.WithField("attempts", res.Attempts).Errorf("bookend: %s: %s", reasonOf(h.point), res.Message())
	default:
		l.Infof("bookend: hook ended: %s: %s", res.Outcome, res.Message())
	}
}

// event returns the topic of the report's event, and what it says.
func (h hookReport) event() (topic string, labels map[string]string) {
	if h.undelivered != nil {
		return hooks.UndeliveredTopic, h.undeliveredLabels()
	}
	return path.Join(hooks.HookTopic, h.verb()), h.labels()
}

func (h hookReport) verb() string {
	if h.result == nil {
		return hooks.EventStart
	}
	switch h.result.Outcome {
	case hooks.Succeeded:
		return hooks.EventSuccess
	case hooks.Failed:
		return hooks.EventFailure
	case hooks.TimedOut:
		return hooks.EventTimeout
	default:
		return hooks.EventCancel
	}
}

// labels is what an event says. It travels as the labels of containerd's own
// ContainerUpdate: clients can print only messages they were built with, and
// this is one that carries names and values. It holds nothing that a hook or its
// author wrote.
func (h hookReport) labels() map[string]string {
	f := map[string]string{hooks.LabelHook: string(h.point), hooks.LabelHandler: h.kind}
	if h.name != "" {
		f[hooks.LabelContainerName] = h.name
	}
	res := h.result
	if res == nil {
		return f
	}
	f[hooks.LabelOutcome] = string(res.Outcome)
	f[hooks.LabelAttempts] = strconv.Itoa(res.Attempts)
	f[hooks.LabelDuration] = res.Duration.Round(time.Millisecond).String()
	f[hooks.LabelMessage] = res.Message()
	if res.Cause != "" {
		f[hooks.LabelCause] = string(res.Cause)
	}
	if res.Runner != "" {
		f[hooks.LabelRunner] = res.Runner
	}
	if isFailure(res) {
		f[hooks.LabelReason] = reasonOf(h.point)
	}
	switch res.Cause {
	case hooks.CauseExitCode:
		f[hooks.LabelExitCode] = strconv.Itoa(res.ExitCode)
	case hooks.CauseSignal:
		f[hooks.LabelSignal] = strconv.Itoa(int(res.Signal))
	}
	if res.Status != 0 {
		f[hooks.LabelHTTPStatus] = strconv.Itoa(res.Status)
	}
	return f
}

func isFailure(r *hooks.Result) bool {
	return r.Outcome == hooks.Failed || r.Outcome == hooks.TimedOut
}

func reasonOf(p hooks.Point) string {
	if p == hooks.PreStop {
		return reasonPreStop
	}
	return reasonPostStart
}
