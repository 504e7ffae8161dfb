package shim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsGivenBackWhenAShimIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var given []time.Duration
		start := time.Now()
		m := &idleMemory{free: func() { given = append(given, time.Since(start)) }}
		until := func(d time.Duration, uses ...time.Duration) {
			for _, at := range uses {
				<-time.After(time.Until(start.Add(at)))
				m.used()
			}
			<-time.After(time.Until(start.Add(d)))
			synctest.Wait()
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
