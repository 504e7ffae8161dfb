package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignalled returns a context that ends at the first SIGINT or SIGTERM. The
// second one kills: a command that is stuck must not need SIGKILL.
func untilSignalled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
