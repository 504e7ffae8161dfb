package hookfeed

import (
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// settleAfter is how long after its end a failed attempt counts as the last of its run
// where its record does not say so, because an older version wrote it or its shim died:
// longer than a shim waits for the end of a container that would explain the failure.
const settleAfter = 45 * time.Second

// factOf returns what is to be told next of a record; not ok: nothing is, for now.
func (f *Feed) factOf(i int, now time.Time) (Fact, bool) {
	r := f.pending[i]
	fact := Fact{Record: r, RunStarted: r.Started}
	fact.Run = "" // only where it is certain
	if r.Kind == record.Stop {
		fact.Kind = Undelivered
		return fact, true
	}
	open, known := f.cursor.Runs[runKey(r)]
	if known && r.Attempt > 1 {
		fact.RunStarted = open.Started
	}
	if f.cursor.Records[r.ID] == nothing {
		fact.Kind = Began
		if missing := r.Attempt - 1 - open.Attempt; r.Attempt > 1 && missing > 0 {
			fact.Kind, fact.Count = Dropped, missing
		}
		return fact, true
	}
	if r.Hook == hooks.PostStart && !open.Slow && lasted(r, open.Started, now) > SlowAfter {
		fact.Kind = Slow
		return fact, true
	}
	fact.Kind = Ended
	var certain bool
	fact.Run, certain = f.runOf(i, now)
	return fact, certain
}

// lasted is how long an attempt and those before it have taken so far.
func lasted(r record.Record, since, now time.Time) time.Duration {
	if !r.Running {
		now = Fact{Record: r}.Finished()
	}
	return now.Sub(since)
}

// runOf is how the run ended whose last attempt this is; empty: it is not the last.
// Neither may be certain yet.
func (f *Feed) runOf(i int, now time.Time) (outcome hooks.Outcome, certain bool) {
	r := f.pending[i]
	switch {
	case r.Running:
		return "", false
	case r.Run != "":
		return r.Run, true
	case r.Outcome != hooks.Failed:
		return r.Outcome, true
	}
	if f.cursor.Runs[runKey(r)].Attempt > r.Attempt {
		return "", true // the clock was set back: the next attempt has come before it
	}
	for _, later := range f.pending[i+1:] {
		if !isSameHook(r, later) {
			continue
		}
		if later.Attempt > r.Attempt {
			return "", true
		}
		return hooks.Failed, true // of a run that is past
	}
	// It may also have ended in a future that a clock which was set back has to reach.
	return hooks.Failed, now.Sub(Fact{Record: r}.Finished()).Abs() >= settleAfter
}

func isSameHook(a, b record.Record) bool {
	return a.Container == b.Container && a.Hook == b.Hook && a.Namespace == b.Namespace && a.Kind == b.Kind
}

// runKey names what has one run at a time.
func runKey(r record.Record) string {
	return r.Namespace + "/" + r.Container + "/" + string(r.Hook)
}
