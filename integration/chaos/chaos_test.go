package main

import (
	"strings"
	"testing"
	"time"
)

// fixedSeed is the same in every run of the tests.
const fixedSeed = 1

// TestChaos is a minute of what `make chaos` does at length.
func TestChaos(t *testing.T) {
	for name, seed := range map[string]uint64{"fixed seed": fixedSeed, "fresh seed": freshSeed()} {
		t.Run(name, func(t *testing.T) {
			t.Logf("seed %d", seed)
			r, err := drive(t.Context(), settings{seed: seed, duration: time.Second}, func(text string) { t.Log(text) })
			if err != nil {
				t.Fatal(err)
			}
			t.Log(r.summary())
			if why := r.failures(); len(why) > 0 {
				t.Errorf("seed %d: %s", seed, strings.Join(why, "; "))
			}
		})
	}
}
