// Package interrupt lets a command come to its own end when it is told to stop.
package interrupt

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// Context returns a context that ends at the first SIGINT or SIGTERM. The second one
// kills, as the first does where no one asks for such a context: a command that is stuck
// must not need SIGKILL.
func Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		var cause error
		select {
		case s := <-signals:
			cause = errors.New(s.String() + " signal received") // signal.NotifyContext's words
		case <-ctx.Done():
		}
		signal.Stop(signals) // first: who sees the context's end may count on the second signal
		cancel(cause)
	}()
	return ctx, func() { cancel(nil) }
}
