// Package interrupt lets a command come to its own end when it is told to stop.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Context returns a context that ends at the first SIGINT or SIGTERM. The second one
// kills, as the first does where no one asks for such a context: a command that is stuck
// must not need SIGKILL.
func Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
