package tell

import (
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/hooks"
)

// Reasons of Events. The first two are the kubelet's.
const (
	ReasonPostStart   = "FailedPostStartHook"
	ReasonPreStop     = "FailedPreStopHook"
	ReasonSlow        = "SlowPostStartHook"
	ReasonUndelivered = "UndeliveredStopSignal"
)

// Reasons returns all there are.
func Reasons() []string {
	return []string{ReasonPostStart, ReasonPreStop, ReasonSlow, ReasonUndelivered}
}

// notice is what an Event says.
type notice struct {
	kind    string // Normal or Warning
	reason  string
	message string
	at      time.Time
}

// noticeOf returns what an Event is to say of a fact; not ok: there is to be none.
func noticeOf(f hookfeed.Fact) (n notice, ok bool) {
	switch {
	case f.Kind == hookfeed.Slow:
		at := f.RunStarted.Add(hookfeed.SlowAfter)
		return notice{corev1.EventTypeNormal, ReasonSlow, "PostStartHook takes longer than " + hookfeed.SlowAfter.String() + ": " + f.Handler, at}, true
	case f.Kind == hookfeed.Undelivered:
		return notice{corev1.EventTypeWarning, ReasonUndelivered, f.StopSignal + " could not be sent to the container; it is sent again", f.Started}, true
	case !f.IsFailure():
		return notice{}, false
	case f.Hook == hooks.PostStart:
		return notice{corev1.EventTypeWarning, ReasonPostStart, "PostStartHook failed: " + brief(f), f.Finished()}, true
	default:
		return notice{corev1.EventTypeWarning, ReasonPreStop, "PreStopHook failed: " + brief(f), f.Finished()}, true
	}
}

// brief says how a run failed.
func brief(f hookfeed.Fact) string {
	res := hooks.Result{Handler: f.Handler, Report: hooks.Report{Cause: f.RunCause(), Signal: syscall.Signal(f.Signal), Status: f.HTTPStatus}}
	if f.ExitCode != nil {
		res.ExitCode = *f.ExitCode
	}
	return res.Brief()
}
