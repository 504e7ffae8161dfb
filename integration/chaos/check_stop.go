package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// The rules in this file are about stop signals.

func signalEarly(h *history) string {
	first := true
	for _, r := range h.Records {
		if r.Hook == hooks.PreStop && r.Attempt == 1 {
			// A paused init takes late what came in time.
			if !first && h.happened(opPause) {
				break
			}
			first = false
		}
		for _, m := range h.signals() {
			if (span{r.Started, endOf(r)}).holds(m.At, margin) {
				return fmt.Sprintf("%s at %s, while attempt %d of %s ran from %s to %s", m.What, clockTime(m.At), r.Attempt, r.Hook, clockTime(r.Started), clockTime(endOf(r)))
			}
		}
	}
	return ""
}

func preStopSkipped(h *history) string {
	if h.Plan.Pre == nil {
		return ""
	}
	runs := h.runs(hooks.PreStop)
	for _, m := range h.signals() {
		if len(runs) == 0 || m.At.Before(runs[0].Started.Add(-margin)) {
			return fmt.Sprintf("%s at %s; preStop ran %d times", m.What, clockTime(m.At), len(runs))
		}
	}
	return ""
}

// isStop tells whether the call is a stop signal of a client's.
func (c call) isStop() bool {
	return c.Op == opKill && slices.ContainsFunc(stopSignals, func(s syscall.Signal) bool { return int(s) == c.Signal })
}

// delivered tells whether a stop signal reached the init after a time. Before
// the init has its traps, only the runtime knows.
func delivered(h *history, since time.Time) bool {
	since = since.Add(-margin)
	for _, m := range h.signals() {
		if m.At.After(since) {
			return true
		}
	}
	up := h.marks("up")
	for _, c := range h.Runtime {
		sent := c.Verb == "kill" && c.Signal != 9 && (c.Mode == "pass" || c.Mode == "hangafter") && c.At.After(since)
		if sent && (len(up) == 0 || c.At.Before(up[0].Add(100*time.Millisecond))) {
			return true
		}
	}
	return false
}

// outstanding returns a stop that was accepted and has not reached the init;
// nil: there is none.
func outstanding(h *history) *call {
	for _, c := range h.Calls {
		if c.isStop() && c.ok() && !delivered(h, c.Began) {
			return &c
		}
	}
	return nil
}

func stopLost(h *history) string {
	c := outstanding(h)
	if !h.Survived || c == nil {
		return ""
	}
	return fmt.Sprintf("signal %d was accepted at %s, and is not delivered %s later; the init lives", c.Signal, clockTime(c.Began), h.Ended.Sub(c.Began).Round(time.Millisecond))
}

// signalTwice counts what may reach the init: one signal for each preStop, or
// postStart that a stop cancelled, one for each call that nothing absorbed, and
// another for each of which no one knows whether it went.
func signalTwice(h *history) string {
	stops := max(1, len(h.runs(hooks.PreStop)))
	allowed := h.broken("kill", "hang", "hangafter")
	absorbed := postStartFailed(h)
	for _, c := range h.Calls {
		switch {
		case !c.isStop() || !c.ok() && !c.Lost && !c.Deadline:
		case absorbs(h, c):
			absorbed = true
		default:
			allowed++
		}
	}
	if absorbed {
		allowed += stops
	}
	if n := len(h.signals()); n > allowed {
		return fmt.Sprintf("%d came, %d were to", n, allowed)
	}
	return ""
}

// absorbs tells whether a hook ran when a call was answered. The hook that the
// call itself set off begins a moment after.
func absorbs(h *history, c call) bool {
	return !c.Ended.IsZero() && slices.ContainsFunc(h.Records, func(r record.Record) bool {
		return c.Ended.After(r.Started.Add(-5*margin)) && c.Ended.Before(endOf(r).Add(-margin))
	})
}

// undeliveredUntold wants an event and a record where a fault outlasted the
// bound by far.
func undeliveredUntold(h *history) string {
	for _, r := range h.Stops {
		if r.Delivery == "" && r.Outcome == "" {
			return "a record of a stop has no end"
		}
	}
	runs := h.of(hooks.PreStop)
	if len(runs) == 0 || len(h.signals()) == 0 || h.Broken.From.IsZero() || len(h.Undelivered) > 0 && len(h.Stops) > 0 {
		return ""
	}
	end := endOf(runs[len(runs)-1])
	if end.Before(h.Broken.From) || h.Broken.To.Sub(end) < undeliveredAfter+time.Second {
		return ""
	}
	return fmt.Sprintf("the runtime was broken until %s after preStop; there are %d events and %d records", h.Broken.To.Sub(end).Round(time.Millisecond), len(h.Undelivered), len(h.Stops))
}
