// Command bookend is the operator's command line: it checks and rewrites
// manifests, shows what hooks do and did on this node, and installs bookend.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"bookend.dev/bookend/cmd/bookend/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Execute(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
