package main

import (
	"testing"
	"time"
)

func TestPick(t *testing.T) {
	all, err := pick("")
	if err != nil || len(all) != len(suite()) {
		t.Errorf("%d benchmarks, %v", len(all), err)
	}
	for _, b := range all {
		one, err := pick(b.name)
		if err != nil || len(one) != 1 || one[0].name != b.name {
			t.Errorf("%s: %v, %v", b.name, one, err)
		}
	}
	if _, err := pick("none"); err == nil {
		t.Error("a benchmark that is not there was found")
	}
}

// What the rounds may take leaves time for what is around them.
func TestTheWholeFitsIntoItsTime(t *testing.T) {
	for quick, limit := range map[bool]time.Duration{false: 10 * time.Minute, true: time.Minute} {
		var sum time.Duration
		for _, b := range suite() {
			sum += b.plan(quick).budget
		}
		if sum > limit {
			t.Errorf("quick %t: the rounds take %s", quick, sum)
		}
	}
}
