package cli

import (
	"context"
	"time"

	"bookend.dev/bookend/cmd/internal/interrupt"
)

// watchInterval is how often files are looked at for what is new, and how often
// a terminal is redrawn.
const watchInterval = 500 * time.Millisecond

// repeat calls look once, or again and again until interrupted.
func repeat(ctx context.Context, again bool, look func() error) error {
	if !again {
		return look()
	}
	ctx, stop := interrupt.Context(ctx)
	defer stop()
	for {
		if err := look(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchInterval):
		}
	}
}
