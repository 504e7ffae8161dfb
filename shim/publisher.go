package shim

import (
	"context"
	"sync"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/log"
)

// publisher decorates the shim's publisher: it holds back the init events of
// containers whose Start is withheld, and tells of every init's exit. Publish
// takes the inner service's events one after the other and never blocks longer
// than the publisher below.
type publisher struct {
	shim.Publisher
	onExit func(id string, pid uint32) // MUST NOT block

	mu    sync.Mutex
	gates map[string]*gate // by container id; only containers with hooks
}

func newPublisher(p shim.Publisher, onExit func(id string, pid uint32)) *publisher {
	return &publisher{Publisher: p, onExit: onExit, gates: make(map[string]*gate)}
}

// Publish implements [events.Publisher].
func (p *publisher) Publish(ctx context.Context, topic string, ev events.Event) error {
	id, starts, exit := initEvent(ev)
	g := p.gate(id)
	if exit != nil {
		if g != nil {
			g.markExited()
		}
		p.onExit(id, exit.Pid)
	}
	if g == nil {
		return p.Publisher.Publish(ctx, topic, ev)
	}
	held := heldEvent{ctx: ctx, topic: topic, event: ev}
	if g.hold(held, starts) {
		return nil
	}
	return p.publish(g, held)
}

func (p *publisher) publish(g *gate, h heldEvent) error {
	err := p.Publisher.Publish(h.ctx, h.topic, h.event)
	if _, _, exit := initEvent(h.event); exit != nil {
		g.markPublished()
	}
	return err
}

// release lets the held events of a container go.
func (p *publisher) release(ctx context.Context, id string) {
	g := p.gate(id)
	if g == nil {
		return
	}
	g.release(func(h heldEvent) {
		if err := p.publish(g, h); err != nil {
			log.G(ctx).WithError(err).WithField("container", id).Error("post event")
		}
	})
}

// initEvent tells whether an event is one about a container's init that has to
// keep its place behind TaskStart: its id, whether it is TaskStart, and the
// event if it is the init's TaskExit. The id is empty for all others.
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

func (p *publisher) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.gates, id)
}
