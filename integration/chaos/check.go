package main

import (
	"fmt"
	"slices"
	"strings"
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

func clockTime(t time.Time) string { return t.Local().Format("15:04:05.000") }
