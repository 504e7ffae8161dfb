package hooks

import "time"

// Journal is told that an attempt of a hook begins; the first is 1. It returns what
// is told, once, that the attempt has ended. Nothing that these do may fail a hook:
// they MUST return soon, whatever happens.
type Journal func(attempt int, started time.Time) (end func(Attempt))

// Attempt is the result of one attempt of a hook.
type Attempt struct {
	Report
	Outcome  Outcome
	Duration time.Duration
}

// noJournal is the journal of a hook without one.
func noJournal(int, time.Time) (end func(Attempt)) { return func(Attempt) {} }
