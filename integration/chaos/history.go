package main

import (
	"slices"
	"sync"
	"time"

	"bookend.dev/bookend/hooks/record"
)

// history is what happened in a round, as far as anyone outside can know. It is
// what [check] judges.
type history struct {
	Plan        *plan
	ID          string // of the container
	Calls       []call
	Marks       []mark
	Records     []record.Record // of hooks, the one that started first in front
	Runtime     []runtimeCall
	Undelivered []time.Time  // events that say so
	Stops       []stopRecord // records that do

	// Broken is while a fault of the runtime was in place, Starved while the
	// shim had no descriptors to spare; zero: never.
	Broken, Starved span
	Opens           int64 // of the runtime while its file was another

	Ended    time.Time // when the round waited no longer
	Survived bool      // the init lived then
	Faults   []string  // what went wrong that no rule of its own judges
}

// span is a stretch of time; the zero one is none.
type span struct{ From, To time.Time }

// holds tells whether t lies in the span, and not within margin of its ends.
func (s span) holds(t time.Time, margin time.Duration) bool {
	return !s.From.IsZero() && t.After(s.From.Add(margin)) && t.Before(s.To.Add(-margin))
}

// call is one thing that a client, or fate, did.
type call struct {
	Op           operation
	Signal       int
	Began, Ended time.Time // Ended is zero while no reply has come
	Err          string    // empty: success
	Lost         bool      // the connection broke: what became of the call is unknown
	Aborted      bool      // the reply had the code Aborted
	Deadline     bool      // the reply had the code DeadlineExceeded
	Alive        bool      // the init lived when the reply had come
}

type operation string

const (
	opStart       operation = "start"
	opKill        operation = "kill" // by a client
	opPause       operation = "pause"
	opResume      operation = "resume"
	opDelete      operation = "delete"
	opKillHook    operation = "kill hook"
	opKillSandbox operation = "kill sandbox"
	opKillShim    operation = "kill shim"
	opRestart     operation = "restart containerd"
)

func (c call) ok() bool { return !c.Ended.IsZero() && c.Err == "" }

// mark is one note of the container's processes: "up", "quit", "gone", "sig 15",
// "pre begin", "pre end", "post begin", "post end".
type mark struct {
	At   time.Time
	What string
}

// sharedHistory is a history that several write.
type sharedHistory struct {
	mu sync.Mutex
	h  history
}

// begin notes that a call is made and returns what notes its reply.
func (d *sharedHistory) begin(c call) (end func(func(*call))) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.Began = time.Now()
	n := len(d.h.Calls)
	d.h.Calls = append(d.h.Calls, c)
	return func(fill func(*call)) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.h.Calls[n].Ended = time.Now()
		fill(&d.h.Calls[n])
	}
}

func (d *sharedHistory) note(change func(*history)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.h)
}

// copy returns the history so far.
func (d *sharedHistory) copy() *history {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.h
	h.Calls, h.Faults = slices.Clone(h.Calls), slices.Clone(h.Faults)
	return &h
}

// calls returns a copy of the calls of one kind so far.
func (d *sharedHistory) calls(op operation) []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.h.calls(op)
}

func (h *history) calls(op operation) []call {
	var found []call
	for _, c := range h.Calls {
		if c.Op == op {
			found = append(found, c)
		}
	}
	return found
}

// signals are the notes of stop signals that reached the init.
func (h *history) signals() []mark {
	var found []mark
	for _, m := range h.Marks {
		if len(m.What) > 4 && m.What[:4] == "sig " {
			found = append(found, m)
		}
	}
	return found
}

// marks returns when a note was written.
func (h *history) marks(what string) []time.Time {
	var found []time.Time
	for _, m := range h.Marks {
		if m.What == what {
			found = append(found, m.At)
		}
	}
	return found
}

// broken counts the calls of a verb in which a fault was acted out.
func (h *history) broken(verb string, modes ...string) int {
	n := 0
	for _, c := range h.Runtime {
		for _, m := range modes {
			if c.Verb == verb && c.Mode == m {
				n++
			}
		}
	}
	return n
}
