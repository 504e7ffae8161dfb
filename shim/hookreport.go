package shim

import (
	"path"
	"strconv"
	"time"

	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
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
