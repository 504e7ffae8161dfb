package integration

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const pollInterval = 10 * time.Millisecond

// fatalError ends a poll: the condition can't come true any more.
type fatalError struct{ error }

func fatal(err error) error { return fatalError{err} }

func (e fatalError) Unwrap() error { return e.error }

// poll asks until check returns nil, for at most limit, and then fails with
// what check said last. what completes "wait for".
func poll(ctx context.Context, limit time.Duration, what string, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		if errors.As(err, new(fatalError)) {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %w", what, ctx.Err(), err)
		}
	}
}
