package shim

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// testHeap notes when memory was given back, and has a percentage.
type testHeap struct {
	percent atomic.Int64
	given   func()
}

func (h *testHeap) giveBack() { h.given() }

func (h *testHeap) setPercent(percent int) (before int) {
	return int(h.percent.Swap(int64(percent)))
}

func TestMemoryIsGivenBackWhenAShimIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var given []time.Duration
		start := time.Now()
		h := &testHeap{given: func() { given = append(given, time.Since(start)) }}
		h.setPercent(40)
		m := &idleMemory{heap: h}
		until := func(d time.Duration, uses ...time.Duration) {
			for _, at := range uses {
				<-time.After(time.Until(start.Add(at)))
				m.use()()
				if p := h.percent.Load(); p != busyPercent {
					t.Errorf("the collector's percentage is %d while hooks run", p)
				}
			}
			<-time.After(time.Until(start.Add(d)))
			synctest.Wait()
			if p := h.percent.Load(); p != 40 {
				t.Errorf("the collector's percentage is %d in an idle shim", p)
			}
		}
		until(time.Second, 0, 100*time.Millisecond, 200*time.Millisecond)
		if len(given) != 1 || given[0] != 200*time.Millisecond+idleAfter {
			t.Fatalf("given back at %v, want once, after the last use", given)
		}
		// Used all the time, at most twice a minute; and after the last use.
		until(2*time.Minute, 2*time.Second, 3*time.Second)
		if want := given[0] + freeAtMost; len(given) != 2 || given[1] != want {
			t.Errorf("given back at %v, want at %v too", given, want)
		}
		until(3*time.Minute, 150*time.Second)
		if len(given) != 3 || given[2] != 150*time.Second+idleAfter {
			t.Errorf("given back at %v", given)
		}
	})
}

func TestNoMemoryIsGivenBackWhileAHookRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var given atomic.Int64
		h := &testHeap{given: func() { given.Add(1) }}
		h.setPercent(40)
		s, c := &Service{memory: idleMemory{heap: h}, reporter: &reporter{}}, recorded(t, &hooks.Lifecycle{})
		c.target.Store(&runtime.Container{})
		s.memory.use()() // as its Create
		ended := make(chan hooks.Result)
		go func() { ended <- s.runHook(t.Context(), c, runHook{hook: sleeping(hooks.PreStop, time.Minute)}) }()
		<-time.After(50 * time.Second)
		synctest.Wait()
		if p := h.percent.Load(); given.Load() != 0 || p != busyPercent {
			t.Errorf("given back %d times, %d %% for the collector, while a hook runs", given.Load(), p)
		}
		<-ended
		<-time.After(2 * idleAfter)
		synctest.Wait()
		if p := h.percent.Load(); given.Load() != 1 || p != 40 {
			t.Errorf("given back %d times, %d %% for the collector, after the hook", given.Load(), p)
		}
	})
}
