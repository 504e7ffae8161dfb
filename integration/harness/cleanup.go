package harness

import (
	"context"
	"testing"
	"time"
)

// The functions in this file make something for one test and remove it when the
// test ends; where making it fails they end the test.

// TestPod runs a pod for one test.
func (d *Daemon) TestPod(tb testing.TB, opts PodOptions) *Pod {
	tb.Helper()
	pod, err := d.CRI.RunPod(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	Cleanup(tb, pod.Remove)
	return pod
}

// TestContainer creates and starts a container; it goes with its pod.
func (p *Pod) TestContainer(tb testing.TB, opts ContainerOptions) *Container {
	tb.Helper()
	c, err := p.RunContainer(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestTask runs a container that is not the CRI's for one test.
func (d *Daemon) TestTask(tb testing.TB, opts TaskOptions) *Task {
	tb.Helper()
	task, err := d.Tasks.Run(tb.Context(), opts)
	if task != nil {
		Cleanup(tb, task.Remove)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return task
}

// TestEvents records events for one test.
func (d *Daemon) TestEvents(tb testing.TB) *EventLog {
	tb.Helper()
	l, err := d.Events(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(l.Close)
	return l
}

// TestFIFOs makes FIFOs for one test.
func (d *Daemon) TestFIFOs(tb testing.TB, names ...string) *FIFOs {
	tb.Helper()
	g, err := d.NewFIFOs(names...)
	if err != nil {
		tb.Fatal(err)
	}
	Cleanup(tb, func(context.Context) error { return g.Remove() })
	return g
}

// Cleanup calls remove when the test ends, with a context of its own, since the
// test's is done by then.
func Cleanup(tb testing.TB, remove func(context.Context) error) {
	tb.Helper()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Scaled(time.Minute))
		defer cancel()
		if err := remove(ctx); err != nil {
			tb.Errorf("clean up: %v", err)
		}
	})
}
