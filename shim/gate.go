package shim

import (
	"context"
	"sync"

	"github.com/containerd/containerd/v2/core/events"
)

// heldEvent is an event that waits behind a withheld Start.
type heldEvent struct {
	ctx   context.Context
	topic string
	event events.Event
}

// gate holds back the init events of one container while its Start is
// withheld: TaskStart and, behind it, the init's TaskExit and TaskDelete. It
// keeps their order, and never holds its lock across a publish.
type gate struct {
	mu      sync.Mutex
	shut    bool        // hold TaskStart when it comes
	queue   []heldEvent // starts with TaskStart
	flowing bool        // release is publishing the queue
	exited  bool        // the init's TaskExit came here

	published chan struct{} // closed when the init's TaskExit went out
	once      sync.Once
}

func newGate() *gate { return &gate{published: make(chan struct{})} }

// close holds back the TaskStart that comes next.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

// hold takes an init event if it has to wait and tells whether it did.
// starts says that the event is the TaskStart itself.
func (g *gate) hold(ev heldEvent, starts bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut && starts || len(g.queue) > 0 || g.flowing {
		g.queue = append(g.queue, ev)
		return true
	}
	return false
}

// release lets everything held go out in order, and all later events pass.
func (g *gate) release(publish func(heldEvent)) {
	g.mu.Lock()
	g.shut = false
	if g.flowing {
		g.mu.Unlock()
		return
	}
	g.flowing = true
	for len(g.queue) > 0 {
		queue := g.queue
		g.queue = nil
		g.mu.Unlock()
		for _, ev := range queue {
			publish(ev)
		}
		g.mu.Lock()
	}
	g.flowing = false
	g.mu.Unlock()
}

// markExited notes that the init's TaskExit came; it may be held.
func (g *gate) markExited() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.exited = true
}

func (g *gate) hasExited() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exited
}

// markPublished notes that the init's TaskExit went out.
func (g *gate) markPublished() { g.once.Do(func() { close(g.published) }) }
