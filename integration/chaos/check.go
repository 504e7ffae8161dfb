package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// margin is what the times of notes, in hundredths of a second, may be off
// against those of records.
const margin = 40 * time.Millisecond

// rule is one thing that bookend promises. It returns how a history breaks it;
// empty: it does not.
type rule struct {
	name   string
	broken func(*history) string
}

var rules = []rule{
	{"every attempt has a record with an outcome", attemptsRecorded},
	{"postStart runs once, preStop once for each stop", runsOnce},
	{"no stop signal comes while a hook runs", signalEarly},
	{"no stop signal comes without preStop before it", preStopSkipped},
	{"a stop that was accepted is not lost", stopLost},
	{"a stop signal comes once", signalTwice},
	{"what is undelivered is told", undeliveredUntold},
	{"Start replies", startSilent},
	{"Start tells the truth", startLies},
	{"Start succeeds after postStart", startUnhooked},
	{"one Start succeeds", startsSucceed},
	{"what bookend ends has ended", spared},
	{"what comes after works", faults},
}

// violation is a promise that a round broke.
type violation struct{ Rule, How string }

// check judges a history.
func check(h *history) []violation {
	var found []violation
	for _, r := range rules {
		if how := r.broken(h); how != "" {
			found = append(found, violation{r.name, how})
		}
	}
	return found
}

func faults(h *history) string { return strings.Join(h.Faults, "; ") }

func endOf(r record.Record) time.Time {
	return r.Started.Add(time.Duration(r.DurationSeconds * float64(time.Second)))
}

// of returns the records of one hook.
func (h *history) of(point hooks.Point) []record.Record {
	return slices.DeleteFunc(slices.Clone(h.Records), func(r record.Record) bool { return r.Hook != point })
}

// runs returns the first attempts of a hook.
func (h *history) runs(point hooks.Point) []record.Record {
	return slices.DeleteFunc(h.of(point), func(r record.Record) bool { return r.Attempt != 1 })
}

// happened tells whether a call succeeded, or may have.
func (h *history) happened(op operation) bool {
	return slices.ContainsFunc(h.calls(op), func(c call) bool { return c.ok() || c.Lost })
}

func attemptsRecorded(h *history) string {
	for _, r := range h.Records {
		switch {
		case r.Running, r.Outcome == "":
			return fmt.Sprintf("attempt %d of %s has none", r.Attempt, r.Hook)
		case r.Outcome == hooks.Unknown && !h.happened(opKillShim):
			return fmt.Sprintf("attempt %d of %s is Unknown, and its shim lived", r.Attempt, r.Hook)
		}
	}
	for point, hook := range map[string]hooks.Point{"post": hooks.PostStart, "pre": hooks.PreStop} {
		if ran, written := len(h.marks(point+" begin")), len(h.of(hook)); ran > written {
			return fmt.Sprintf("%s ran %d times and has %d records", hook, ran, written)
		}
	}
	return ""
}

func runsOnce(h *history) string {
	if n := len(h.runs(hooks.PostStart)); n > 1 {
		return fmt.Sprintf("postStart ran %d times", n)
	}
	for i, run := range h.runs(hooks.PreStop) {
		// A paused init notes late what was sent in time.
		before := 0
		for _, c := range h.Runtime {
			if c.Verb == "kill" && c.At.Before(run.Started) {
				before++
			}
		}
		if before < i {
			return fmt.Sprintf("preStop began for the time %d after %d signals", i+1, before)
		}
	}
	return ""
}

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
	return fmt.Sprintf("signal %d was accepted at %s, and is not delivered %s later; the init lives", c.Signal, clockTime(c.Began), h.Settled.Sub(c.Began).Round(time.Millisecond))
}

// signalTwice counts what may reach the init: one signal for each preStop, or
// postStart that a stop cancelled, one for each call that nothing absorbed, and
// another for each of which nobody knows whether it went.
func signalTwice(h *history) string {
	stops := max(1, len(h.runs(hooks.PreStop)))
	allowed := h.spoiled("kill", "hang", "hangafter")
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

// undeliveredUntold wants an event where a fault outlasted the bound by far.
func undeliveredUntold(h *history) string {
	runs := h.of(hooks.PreStop)
	if !h.Survived || len(runs) == 0 || h.Spoiled.From.IsZero() || len(h.Undelivered) > 0 {
		return ""
	}
	end := endOf(runs[len(runs)-1])
	if end.Before(h.Spoiled.From) || h.Spoiled.To.Sub(end) < undeliveredAfter+time.Second {
		return ""
	}
	return fmt.Sprintf("the runtime was broken until %s after preStop, and no event says so", h.Spoiled.To.Sub(end).Round(time.Millisecond))
}

func startSilent(h *history) string {
	for _, c := range h.calls(opStart) {
		if c.Ended.IsZero() || c.Ended.After(h.Settled) {
			return fmt.Sprintf("it did not in %s", h.Settled.Sub(c.Began).Round(time.Millisecond))
		}
	}
	return ""
}

func startLies(h *history) string {
	for _, c := range h.calls(opStart) {
		if c.Alive && (c.Aborted || strings.Contains(c.Err, "was killed")) {
			return fmt.Sprintf("the init lives, and the reply is: %s", c.Err)
		}
	}
	return ""
}

// startUnhooked looks at Starts that succeeded though nothing but their hook
// could end the wait.
func startUnhooked(h *history) string {
	if h.Plan.Post == nil || !slices.ContainsFunc(h.calls(opStart), call.ok) || excused(h) {
		return ""
	}
	posts := h.of(hooks.PostStart)
	if len(posts) == 0 {
		return "Start succeeded, and postStart has no record"
	}
	last := posts[len(posts)-1]
	if last.Outcome == hooks.Succeeded || h.Plan.Post.ignore {
		return ""
	}
	return fmt.Sprintf("Start succeeded, and postStart is %s", last.Outcome)
}

// excused tells whether the init ended, or was ended, for a reason of its own.
func excused(h *history) bool {
	killed := slices.ContainsFunc(h.calls(opKill), func(c call) bool { return c.Signal == 9 })
	return killed || len(h.marks("gone")) > 0 || len(h.marks("quit")) > 0 || h.happened(opKillShim) || h.happened(opKillSandbox) || h.happened(opDelete)
}

func startsSucceed(h *history) string {
	n := 0
	for _, c := range h.calls(opStart) {
		if c.ok() {
			n++
		}
	}
	if n > 1 {
		return fmt.Sprintf("%d did", n)
	}
	return ""
}

// spared wants the containers dead that bookend has to end by itself.
func spared(h *history) string {
	if h.Survived && mustDie(h) {
		return "the init lives"
	}
	return ""
}

// mustDie tells whether something ends the container without any client.
func mustDie(h *history) bool {
	return h.happened(opKillShim) || postStartFailed(h) || sandboxDied(h) || startTimedOut(h)
}

// postStartFailed tells whether a postStart failed for good, and takes its
// container along.
func postStartFailed(h *history) bool {
	posts := h.of(hooks.PostStart)
	if len(posts) == 0 || h.Plan.Post == nil || h.Plan.Post.ignore {
		return false
	}
	last := posts[len(posts)-1]
	return last.Outcome == hooks.TimedOut || last.Outcome == hooks.Failed && last.Attempt > h.Plan.Post.retries
}

// sandboxDied tells whether the sandbox was killed before a Start had
// succeeded.
func sandboxDied(h *history) bool {
	for _, c := range h.calls(opKillSandbox) {
		started := slices.ContainsFunc(h.calls(opStart), func(s call) bool { return s.ok() && s.Ended.Before(c.Ended) })
		if c.ok() && !started {
			return true
		}
	}
	return false
}

func startTimedOut(h *history) bool {
	posts := h.of(hooks.PostStart)
	ended := len(posts) > 0 && posts[len(posts)-1].Outcome == hooks.Succeeded
	return !ended && slices.ContainsFunc(h.calls(opStart), func(c call) bool { return c.Deadline })
}

func clockTime(t time.Time) string { return t.Local().Format("15:04:05.000") }
