// Command bookend is the operator's command line: it checks and rewrites
// manifests, shows what hooks do and did on this node, and installs bookend.
package main

import (
	"context"
	"os"

	"bookend.dev/bookend/cmd/bookend/internal/cli"
)

func main() {
	// Signals end it as they do any program, but for commands that catch them.
	os.Exit(cli.Execute(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
