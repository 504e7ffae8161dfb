package main

import (
	"context"
	"net"

	"bookend.dev/bookend/integration/harness"
)

// httpGet measures what an httpGet preStop adds to StopContainer, in units of
// an exec through the kubelet, which a node without bookend would need at the
// least to get anything done inside the container's network.
func httpGet(ctx context.Context, s *site, p plan) (*outcome, error) {
	return hookedStop{
		about: "what an httpGet preStop adds to StopContainer",
		with:  "StopContainer with preStop httpGet, bookend", hook: preStopHTTP, goal: atMost(0.10, 0.10),
		app: server, ready: awaitServer,
	}.measure(ctx, s, p)
}

// server is a container that serves HTTP on port 80.
func server(lifecycle string) harness.ContainerOptions {
	opts := hooked(lifecycle)
	opts.Image, opts.Env = harness.TestserverImage, map[string]string{"HTTPS": "-"}
	return opts
}

// awaitServer waits until the server listens, which it does once it handles
// SIGTERM.
func awaitServer(ctx context.Context, c *harness.Container) error {
	ip, err := c.Pod.IP(ctx)
	if err != nil {
		return err
	}
	address := net.JoinHostPort(ip, "80")
	return poll(ctx, "a server at "+address, func() (bool, error) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return true, conn.Close()
	})
}
