package main

import (
	"context"

	"bookend.dev/bookend/integration/harness"
)

// nohook compares what pods without hooks cost with either shim.
func nohook(ctx context.Context, s *site, p plan) (*outcome, error) {
	pod := func(handler string) step {
		return func(ctx context.Context, record func(string, float64)) error {
			return s.wholePod(ctx, handler, record)
		}
	}
	taken, err := interleave(ctx, p, pod(harness.Bookend), pod(harness.Runc))
	if err != nil {
		return nil, err
	}
	o := &outcome{About: "pods without hooks, with either shim"}
	o.cases(taken, "ms")
	for _, call := range []string{"RunPodSandbox", "StartContainer", "StopContainer"} {
		o.figure(call+"_over_stock", atMost(1.03, 1), taken, ratio(call+", "+harness.Bookend, call+", "+harness.Runc))
	}
	return o, nil
}

// wholePod times the calls of one pod's life.
func (s *site) wholePod(ctx context.Context, handler string, record func(string, float64)) error {
	var pod *harness.Pod
	var c *harness.Container
	for _, call := range []struct {
		name string // "": not timed
		do   func() error
	}{
		{"RunPodSandbox", func() (err error) {
			pod, err = s.CRI.RunPod(ctx, harness.PodOptions{Handler: handler})
			return err
		}},
		{"", func() (err error) { c, err = pod.CreateContainer(ctx, hooked("")); return err }},
		{"StartContainer", func() error { return c.Start(ctx) }},
		{"", func() error { return awaitHandler(ctx, c) }},
		{"StopContainer", func() error { return c.Stop(ctx, gracePeriod) }},
		{"", func() error { return pod.Remove(ctx) }},
	} {
		took, err := timed(call.do)
		if err != nil {
			return err
		}
		if call.name != "" {
			record(call.name+", "+handler, took)
		}
	}
	return nil
}
