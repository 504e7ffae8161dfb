package hookfeed

import (
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// Kind is what a fact is about.
type Kind string

// Every kind there is.
const (
	// Began: an attempt began.
	Began Kind = "began"
	// Slow: the run of a postStart has taken longer than [SlowAfter].
	Slow Kind = "slow"
	// Ended: an attempt ended.
	Ended Kind = "ended"
	// Undelivered: a stop signal could not be sent for a while.
	Undelivered Kind = "undelivered"
	// Dropped: records were gone before all was read that they had to tell.
	Dropped Kind = "dropped"
)

// SlowAfter is how long a postStart may take before that is told: a container that
// takes longer to start is one that someone waits for.
const SlowAfter = 10 * time.Second

// Fact is one thing that a hook did. It has nothing that a hook or its author wrote.
type Fact struct {
	Kind Kind
	// Record is the attempt, or the stop signal, as it was when it was read, without
	// output and detail. Of Dropped it may be the ID alone.
	record.Record
	// RunStarted is when the first attempt of the run began.
	RunStarted time.Time
	// Count is how many records a Dropped is about.
	Count int
}

// Last tells of an Ended whether it ended the run, whose outcome is Run then.
func (f Fact) Last() bool { return f.Kind == Ended && f.Run != "" }

// RunCause is why the run has not succeeded. One whose time was over between two
// attempts has a last attempt that failed in its own way.
func (f Fact) RunCause() hooks.Cause {
	if f.Run == hooks.TimedOut {
		return hooks.CauseTimeout
	}
	return f.Cause
}

// Duration is that of the attempt.
func (f Fact) Duration() time.Duration {
	return time.Duration(f.DurationSeconds * float64(time.Second))
}

// Finished is when the attempt ended.
func (f Fact) Finished() time.Time { return f.Started.Add(f.Duration()) }

// IsFailure tells whether the run has failed.
func (f Fact) IsFailure() bool {
	return f.Last() && (f.Run == hooks.Failed || f.Run == hooks.TimedOut)
}
