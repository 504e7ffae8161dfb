package shim

import (
	"runtime/debug"
	"sync"
	"time"
)

const (
	// idleAfter is how long no hook has run, and no container with hooks was made,
	// when a shim is idle.
	idleAfter = 500 * time.Millisecond
	// freeAtMost is how often memory is given back at most. It costs a shim a
	// millisecond or two of CPU time, and saves it some 400 KiB for most of its life.
	freeAtMost = 30 * time.Second
	// busyPercent is the garbage collector's percentage while hooks run: Go's own
	// default. containerd sets 40 in a shim, whose heap then has 0.9 MiB until the
	// next collection: two hooks used most of that up, and a collection costs more
	// CPU time than a hook.
	busyPercent = 100
)

// idleMemory lets the heap grow while hooks run, and gives the memory back that
// they have left behind once a shim is idle: Go itself keeps what lies below the
// goal of its heap for ever. A shim without hooks is left as it is.
type idleMemory struct {
	heap heap // nil: Go's

	mu      sync.Mutex
	users   int
	busy    bool        // the heap may grow
	percent int         // of the collector, when the shim is idle again
	timer   *time.Timer // nil: nothing is due
	last    time.Time   // that memory was given back
}

// heap is what package debug does.
type heap interface {
	setPercent(percent int) (before int)
	giveBack()
}

type goHeap struct{}

func (goHeap) setPercent(percent int) int { return debug.SetGCPercent(percent) }
func (goHeap) giveBack()                  { debug.FreeOSMemory() }

// use is for a hook that begins; done is called when it has ended.
func (m *idleMemory) use() (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users++
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
	if !m.busy {
		m.busy, m.percent = true, m.ofGo().setPercent(busyPercent)
	}
	return m.unuse
}

func (m *idleMemory) unuse() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users--; m.users == 0 {
		m.timer = time.AfterFunc(max(idleAfter, time.Until(m.last.Add(freeAtMost))), m.giveBack)
	}
}

func (m *idleMemory) giveBack() {
	if m.rest() {
		m.ofGo().giveBack()
	}
}

// rest takes the heap's freedom back, unless a hook has begun meanwhile.
func (m *idleMemory) rest() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users > 0 || !m.busy {
		return false
	}
	m.busy, m.timer, m.last = false, nil, time.Now()
	m.ofGo().setPercent(m.percent)
	return true
}

func (m *idleMemory) ofGo() heap {
	if m.heap == nil {
		return goHeap{}
	}
	return m.heap
}
