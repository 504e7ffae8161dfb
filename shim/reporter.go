package shim

import (
	"context"
	"path"
	"runtime/debug"
	"strconv"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
)

// hookTopic is the topic of hook events on containerd's event bus; the last
// element is what happened: "start", then "success", "failure", "timeout" or
// "cancel".
const hookTopic = "/bookend/hook"

// reportBacklog bounds the reports that wait for containerd to take events.
const reportBacklog = 256

// hookReport is one thing to tell about a hook.
type hookReport struct {
	logger *log.Entry
	id     string
	name   string // the container's name, as records have it; may be empty
	point  hooks.Point
	kind   string // handler
	result *hooks.Result
	fault  error // set: only this is told, in the log
}

// reporter logs and publishes what hooks do, in order, on one goroutine of its
// own, so that neither a slow log nor a containerd that is away holds a hook or
// a stop up. Events are hints: when nobody takes them they are dropped.
type reporter struct {
	publisher events.Publisher
	reports   chan hookReport
}

// newReporter starts the goroutine; ctx carries the namespace and the logger of
// the shim, and its end is not the reporter's.
func newReporter(ctx context.Context, p events.Publisher, sd shutdown.Service) *reporter {
	r := &reporter{publisher: p, reports: make(chan hookReport, reportBacklog)}
	go r.run(context.WithoutCancel(ctx), sd.Done())
	return r
}

// tell never blocks.
func (r *reporter) tell(ctx context.Context, h hookReport) {
	select {
	case r.reports <- h:
	default:
		log.G(ctx).WithField("container", h.id).Warn("bookend: too many hook events wait; one was dropped")
	}
}

// warn puts a fault of records into the log. It never blocks.
func (r *reporter) warn(ctx context.Context, err error) {
	r.tell(ctx, hookReport{logger: log.G(ctx), fault: err})
}

func (r *reporter) run(ctx context.Context, done <-chan struct{}) {
	for {
		select {
		case h := <-r.reports:
			r.report(ctx, h)
		case <-done:
			r.flush(ctx)
			return
		}
	}
}

// flush tells what is left when the shim ends.
func (r *reporter) flush(ctx context.Context) {
	for {
		select {
		case h := <-r.reports:
			r.report(ctx, h)
		default:
			return
		}
	}
}

func (r *reporter) report(ctx context.Context, h hookReport) {
	defer func() {
		if p := recover(); p != nil {
			log.G(ctx).WithField("container", h.id).Errorf("bookend: panic: %v\n%s", p, debug.Stack())
		}
	}()
	if h.fault != nil {
		h.logger.WithError(h.fault).Warn("bookend: record")
		return
	}
	h.log()
	r.publish(ctx, h)
}

func (h hookReport) log() {
	l := h.logger.WithFields(log.Fields{"container": h.id, "hook": string(h.point), "handler": h.kind})
	switch res := h.result; {
	case res == nil:
		l.Debug("bookend: hook started")
	case isFailure(res):
		l.WithError(res.Err).WithField("attempts", res.Attempts).Errorf("bookend: %s: %s", reasonOf(h.point), res.Message())
	default:
		l.Infof("bookend: hook ended: %s: %s", res.Outcome, res.Message())
	}
}

func (r *reporter) publish(ctx context.Context, h hookReport) {
	ev := &eventstypes.ContainerUpdate{ID: h.id, Labels: h.labels()}
	if err := r.publisher.Publish(ctx, path.Join(hookTopic, h.verb()), ev); err != nil {
		log.G(ctx).WithError(err).WithField("container", h.id).Warn("bookend: post hook event")
	}
}

func (h hookReport) verb() string {
	if h.result == nil {
		return "start"
	}
	switch h.result.Outcome {
	case hooks.Succeeded:
		return "success"
	case hooks.Failed:
		return "failure"
	case hooks.TimedOut:
		return "timeout"
	default:
		return "cancel"
	}
}

// labels is what an event says. It travels as the labels of containerd's own
// ContainerUpdate: clients can print only messages they were built with, and
// this is one that carries names and values. It holds nothing that a hook or its
// author wrote.
func (h hookReport) labels() map[string]string {
	f := map[string]string{"hook": string(h.point), "handler": h.kind}
	if h.name != "" {
		f["container_name"] = h.name
	}
	res := h.result
	if res == nil {
		return f
	}
	f["outcome"] = string(res.Outcome)
	f["attempts"] = strconv.Itoa(res.Attempts)
	f["duration"] = res.Duration.Round(time.Millisecond).String()
	f["message"] = res.Message()
	if res.Cause != "" {
		f["cause"] = string(res.Cause)
	}
	if res.Runner != "" {
		f["runner"] = res.Runner
	}
	if isFailure(res) {
		f["reason"] = reasonOf(h.point)
	}
	switch res.Cause {
	case hooks.CauseExitCode:
		f["exit_code"] = strconv.Itoa(res.ExitCode)
	case hooks.CauseSignal:
		f["signal"] = strconv.Itoa(int(res.Signal))
	}
	if res.Status != 0 {
		f["http_status"] = strconv.Itoa(res.Status)
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
