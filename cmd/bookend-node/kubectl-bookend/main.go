// Command kubectl-bookend is a plugin of kubectl: kubectl bookend ps, logs and history.
//
// Called as kubectl_complete-bookend, a name that kubectl looks for, it completes the
// plugin's command line.
package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"bookend.dev/bookend/cmd/bookend-node/internal/plugin"
	"bookend.dev/bookend/cmd/internal/interrupt"
)

// version is bookend's, set when it is built.
var version = "0.1.0-dev"

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := interrupt.Context(context.Background())
	defer stop()
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == "kubectl_complete-bookend" {
		args = append([]string{"__complete"}, args...)
	}
	return plugin.Execute(ctx, version, args, plugin.Streams{Out: os.Stdout, Err: os.Stderr})
}
