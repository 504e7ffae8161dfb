// Command bookend-webhook is bookend's admission webhook, which bookend-node webhook
// runs. It is a program of its own so that the agent, of which each node runs one, does
// not hold the libraries of the webhook, of which a cluster runs two: package kubeclient
// says what they cost.
package main

import (
	"context"
	"os"

	"bookend.dev/bookend/cmd/bookend-node/internal/command"
)

// version is bookend's, set when it is built.
var version = "0.1.0-dev"

func main() {
	os.Exit(command.Execute(context.Background(), newWebhook(), os.Args[1:], os.Stdout, os.Stderr))
}
