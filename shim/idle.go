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
)

// idleMemory gives the memory back that hooks have left behind, once a shim is
// idle: Go itself keeps what lies below the goal of its heap for ever. A shim
// without hooks is left as it is.
type idleMemory struct {
	free func() // nil: [debug.FreeOSMemory]

	mu    sync.Mutex
	timer *time.Timer // nil: nothing is due
	last  time.Time   // that memory was given back
}

// used notes that memory was used for a hook.
func (m *idleMemory) used() {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := max(idleAfter, time.Until(m.last.Add(freeAtMost)))
	if m.timer != nil {
		m.timer.Reset(wait)
		return
	}
	m.timer = time.AfterFunc(wait, m.giveBack)
}

func (m *idleMemory) giveBack() {
	m.mu.Lock()
	m.timer, m.last = nil, time.Now()
	m.mu.Unlock()
	if m.free != nil {
		m.free()
		return
	}
	debug.FreeOSMemory()
}
