package shim

import (
	"context"
	"sync"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
)

// publisher decorates the shim's publisher: it holds back the init events of
// containers whose Start is withheld. Publish takes the inner service's events
// one after the other, and blocks as long as the publisher below does: what has
// to be known of an exit at once is not learnt here.
type publisher struct {
	shim.Publisher
	closed *latch // set when the inner service has published its last event

	mu    sync.Mutex
	gates map[string]*gate // by container id; only containers with hooks
}

func newPublisher(p shim.Publisher) *publisher {
	return &publisher{Publisher: p, closed: newLatch(), gates: make(map[string]*gate)}
}

// Close implements [shim.Publisher]. The inner service calls it after the last event,
// which it sends once the shim's shutdown has begun: the process must not end before.
func (p *publisher) Close() error {
	defer p.closed.set()
	return p.Publisher.Close()
}

// Publish implements [events.Publisher].
func (p *publisher) Publish(ctx context.Context, topic string, ev events.Event) error {
	held := heldEvent{ctx: ctx, topic: topic, event: ev}
	g, took := p.take(held)
	if took {
		return nil
	}
	return p.publish(g, held)
}

// take looks for the event's gate and tells whether it holds the event. A fault
// of bookend's own lets the event pass.
func (p *publisher) take(h heldEvent) (g *gate, took bool) {
	if err := hooks.Recovered(func() error { g, took = p.hold(h); return nil }); err != nil {
		log.G(h.ctx).Errorf("bookend: %v", err)
		return nil, false
	}
	return g, took
}

func (p *publisher) hold(h heldEvent) (g *gate, took bool) {
	id, starts, exit := initEvent(h.event)
	g = p.gate(id)
	if g == nil || exit != nil && !g.isInit(exit.Pid) {
		return nil, false
	}
	took = g.hold(h, starts)
	if exit != nil {
		g.exited.set()
	}
	return g, took
}

// publish lets an event go; g is its gate, nil for one that has none.
func (p *publisher) publish(g *gate, h heldEvent) error {
	err := p.Publisher.Publish(h.ctx, h.topic, h.event)
	if g == nil {
		return err
	}
	switch h.event.(type) {
	case *eventstypes.TaskExit:
		g.published.set()
	case *eventstypes.TaskDelete:
		g.deleted.set()
	}
	return err
}

// release lets the held events of a gate go.
func (p *publisher) release(ctx context.Context, g *gate) {
	g.release(func(h heldEvent) {
		if err := p.publish(g, h); err != nil {
			log.G(ctx).WithError(err).Error("post event")
		}
	})
}

// initEvent tells whether an event is one about a container's init that has to
// keep its place behind TaskStart: its id, whether it is TaskStart, and the
// event if it is a TaskExit. The id is empty for all others. An exec may bear
// the id of its container; only its pid tells its exit from the init's.
func initEvent(ev events.Event) (id string, starts bool, exit *eventstypes.TaskExit) {
	switch ev := ev.(type) {
	case *eventstypes.TaskStart:
		return ev.ContainerID, true, nil
	case *eventstypes.TaskExit:
		if ev.ID == ev.ContainerID {
			return ev.ContainerID, false, ev
		}
	case *eventstypes.TaskDelete:
		return ev.ContainerID, false, nil
	}
	return "", false, nil
}

func (p *publisher) add(id string) *gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := newGate()
	p.gates[id] = g
	return g
}

func (p *publisher) gate(id string) *gate {
	if id == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gates[id]
}

// remove removes a gate, and no other that has taken its place.
func (p *publisher) remove(id string, g *gate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gates[id] == g {
		delete(p.gates, id)
	}
}
