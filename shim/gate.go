package shim

import (
	"context"
	"sync"
	"time"

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
	pid     uint32      // of the init; 0: not known yet

	exited    *latch // the init's TaskExit came here
	published *latch // the init's TaskExit went out
	deleted   *latch // TaskDelete went out
}

// latch is something that happens once.
type latch struct {
	once sync.Once
	done chan struct{}
}

func newLatch() *latch { return &latch{done: make(chan struct{})} }

func (l *latch) set() { l.once.Do(func() { close(l.done) }) }

// await waits until it has happened, for at most limit, or until ctx is done.
func (l *latch) await(ctx context.Context, limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-l.done:
	case <-t.C:
	case <-ctx.Done():
	}
}

func newGate() *gate {
	return &gate{exited: newLatch(), published: newLatch(), deleted: newLatch()}
}

// isInit tells whether a process of the container is its init; know says which
// one it is.
func (g *gate) isInit(pid uint32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pid == 0 || g.pid == pid
}

func (g *gate) know(pid uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pid = pid
}

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
