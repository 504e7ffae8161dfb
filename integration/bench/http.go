package main

import (
	"context"
	"net"

	"bookend.dev/bookend/integration"
)

// httpGet measures what an httpGet preStop adds to StopContainer, in units of
// an exec through the kubelet, which a node without bookend would need at the
// least to get anything done inside the container's network.
func httpGet(ctx context.Context, s *site, p plan) (*outcome, error) {
	const (
		with    = "StopContainer with preStop httpGet, bookend"
		without = "StopContainer without, bookend"
		exec    = "ExecSync, runc"
		stock   = "StopContainer without, runc"
		kubelet = "ExecSync, then StopContainer, runc"
	)
	pods, err := s.pods(ctx, integration.Bookend, integration.Bookend, integration.Runc)
	if err != nil {
		return nil, err
	}
	taken, err := interleave(ctx, p,
		stopStep(pods[0], server(preStopHTTP), with, awaitServer),
		stopStep(pods[1], server(""), without, awaitServer),
		kubeletStop(pods[2], server(""), exec, stock, kubelet, awaitServer),
	)
	if err != nil {
		return nil, err
	}
	o := &outcome{Base: exec}
	o.cases(taken, "ms")
	o.figure("hook_over_execsync", atMost(0.10), taken, added(with, without, exec))
	return o, removePods(ctx, pods)
}

// server is a container that serves HTTP on port 80.
func server(lifecycle string) integration.ContainerOptions {
	opts := hooked(lifecycle)
	opts.Image, opts.Env = integration.TestserverImage, map[string]string{"HTTPS": "-"}
	return opts
}

// awaitServer waits until the server listens, which it does once it handles
// SIGTERM.
func awaitServer(ctx context.Context, c *integration.Container) error {
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
