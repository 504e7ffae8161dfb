package hooks

import "time"

// Journal is told of each attempt of a hook, before and after it. Nothing that
// it does may fail a hook: its methods MUST return soon, whatever happens.
type Journal interface {
	// Begin is called before an attempt; the first is 1.
	Begin(attempt int, started time.Time) Entry
}

// Entry is what a [Journal] has of one attempt.
type Entry interface {
	// End is called when the attempt has ended, once.
	End(Attempt)
}

// Attempt is what one attempt of a hook came to.
type Attempt struct {
	Report
	Outcome  Outcome
	Duration time.Duration
}

// unrecorded is the journal of a hook without one.
type unrecorded struct{}

func (unrecorded) Begin(int, time.Time) Entry { return unrecorded{} }
func (unrecorded) End(Attempt)                {}
