package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestPick(t *testing.T) {
	all, err := pick("")
	if err != nil || len(all) != len(suite()) {
		t.Errorf("%d benchmarks, %v", len(all), err)
	}
	for _, b := range all {
		for _, name := range b.names {
			picked, err := pick(name)
			if err != nil || len(picked) != 1 || !slices.Contains(picked[0].names, name) {
				t.Errorf("%s: %v, %v", name, picked, err)
			}
		}
	}
	if _, err := pick("none"); err == nil {
		t.Error("a benchmark that is not there was found")
	}
}

// Where there is time enough every benchmark has its whole budget.
func TestTheWholeFitsIntoItsTime(t *testing.T) {
	for quick, limit := range map[bool]time.Duration{false: 10 * time.Minute, true: time.Minute} {
		var sum time.Duration
		for i := range suite() {
			sum += planFirst(suite()[i:], wholeTime, quick).budget
		}
		if sum > limit {
			t.Errorf("quick %t: the benchmarks take %s", quick, sum)
		}
	}
}

func TestWhatADearBenchmarkTakesTheOthersGoWithout(t *testing.T) {
	left := []benchmark{{seconds: 30}, {seconds: 60}, {seconds: 10}}
	for remaining, want := range map[time.Duration][]time.Duration{
		time.Hour:         {30 * time.Second, 60 * time.Second, 10 * time.Second},
		50 * time.Second:  {15 * time.Second, 30 * time.Second, 5 * time.Second},
		-10 * time.Second: {0, 0, 0},
	} {
		for i := range left {
			got := planFirst(left[i:], remaining, false).budget
			if got != want[i] {
				t.Errorf("%s left: benchmark %d gets %s, want %s", remaining, i, got, want[i])
			}
			remaining -= got
		}
	}
}

func TestARoundIsBegunThatIsLikelyToFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan{began: time.Now(), budget: 10 * time.Second, rounds: 2}
		for done, want := range []bool{true, true, true, true, false} {
			if got := p.more(done); got != want {
				t.Errorf("after %d rounds of 2.5 s: more is %t", done, got)
			}
			if err := pause(t.Context(), 2500*time.Millisecond); err != nil {
				t.Error(err)
			}
		}
		if p.rounds = 9; !p.more(8) {
			t.Error("there are fewer rounds than there must be")
		}
	})
}
