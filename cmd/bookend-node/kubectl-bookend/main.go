// Command kubectl-bookend is a plugin of kubectl: kubectl bookend ps, logs and history.
//
// Called as kubectl_complete-bookend, a name that kubectl looks for, it completes the
// plugin's command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"bookend.dev/bookend/cmd/bookend-node/internal/plugin"
)

// version is bookend's, set when it is built.
var version = "0.1.0-dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second one kills
	args := os.Args[1:]
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == "kubectl_complete-bookend" {
		args = append([]string{"__complete"}, args...)
	}
	os.Exit(plugin.Execute(ctx, version, args, plugin.Streams{Out: os.Stdout, Err: os.Stderr}))
}
