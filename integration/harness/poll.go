package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const pollInterval = 10 * time.Millisecond

type permanentError struct{ error }

// Permanent makes an error end a [Poll]: the condition can't come true any more.
func Permanent(err error) error { return permanentError{err} }

func (e permanentError) Unwrap() error { return e.error }

// limitVariable names a duration that bounds every wait of a test. A run whose
// tests mostly wait in vain, for a shim that was broken on purpose, sets it.
const limitVariable = "BOOKEND_TEST_LIMIT"

// Limit is the time that a test may wait for what it wants to see, on this machine.
func Limit(limit time.Duration) time.Duration {
	limit = Scaled(limit)
	if most, err := time.ParseDuration(os.Getenv(limitVariable)); err == nil {
		return min(limit, most)
	}
	return limit
}

// Poll asks until check returns nil, for at most limit, and then fails with
// what check said last. what completes "wait for".
func Poll(ctx context.Context, limit time.Duration, what string, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, Limit(limit))
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		if errors.As(err, new(permanentError)) {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %w", what, ctx.Err(), err)
		}
	}
}
