package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"bookend.dev/bookend/integration/harness"
)

// clients is how many clients work on a fleet at once.
const clients = 8

// fleet is many pods of one handler, each with at most one container. They are
// on the host's network, whose set-up is no part of what is measured.
type fleet struct {
	site       *site
	handler    string
	pods       []*harness.Pod
	containers []*harness.Container // of the pod of the same index; nil: none
}

// span is a part of a fleet: pods from, up to but not including to.
type span struct{ from, to int }

func (f *fleet) all() span { return span{0, len(f.pods)} }

func (f *fleet) last(n int) span { return span{len(f.pods) - n, len(f.pods)} }

// resize adds or removes pods until there are n. Those that go have no
// container.
func (f *fleet) resize(ctx context.Context, n int) error {
	if had := len(f.pods); n < had {
		gone := f.pods[n:]
		f.pods, f.containers = f.pods[:n], f.containers[:n]
		return each(ctx, span{0, len(gone)}, clients, func(ctx context.Context, i int) error { return gone[i].Remove(ctx) })
	}
	had := len(f.pods)
	f.pods = append(f.pods, make([]*harness.Pod, n-had)...)
	f.containers = append(f.containers, make([]*harness.Container, n-had)...)
	return each(ctx, span{had, n}, clients, func(ctx context.Context, i int) (err error) {
		f.pods[i], err = f.site.CRI.RunPod(ctx, harness.PodOptions{Handler: f.handler, HostNetwork: true})
		return err
	})
}

// start gives each pod of a span a container. then is what the kubelet does once
// a container runs; nil: nothing. It returns how long it took until the last of
// them was ready.
func (f *fleet) start(ctx context.Context, part span, lifecycle string, then await) (time.Duration, error) {
	began := time.Now()
	err := each(ctx, part, clients, func(ctx context.Context, i int) (err error) {
		if f.containers[i], err = f.pods[i].RunContainer(ctx, hooked(lifecycle)); err == nil && then != nil {
			err = then(ctx, f.containers[i])
		}
		return err
	})
	return time.Since(began), err
}

// drain stops all containers at once, each after first: what the kubelet does
// before; nil: nothing. It returns how long each took, in milliseconds.
func (f *fleet) drain(ctx context.Context, first await) ([]float64, error) {
	took := make([]float64, len(f.pods))
	err := each(ctx, f.all(), len(f.pods), func(ctx context.Context, i int) (err error) {
		took[i], err = timed(func() error {
			if first != nil {
				if err := first(ctx, f.containers[i]); err != nil {
					return err
				}
			}
			return f.containers[i].Stop(ctx, drainGracePeriod)
		})
		return err
	})
	return took, err
}

// drainGracePeriod is more than all containers of a fleet together take to end.
const drainGracePeriod = 2 * time.Minute

// clear removes the containers of a span.
func (f *fleet) clear(ctx context.Context, part span) error {
	return each(ctx, part, clients, func(ctx context.Context, i int) error {
		c := f.containers[i]
		f.containers[i] = nil
		return c.Remove(ctx)
	})
}

// each calls do for each index of part, at most so many at once, until one
// fails.
func each(ctx context.Context, part span, atOnce int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := part.from; i < part.to && ctx.Err() == nil; i++ {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}
