package main

import (
	"errors"
	"slices"
	"testing"
)

func TestARunFailsForWhatItMustFailFor(t *testing.T) {
	calm, never := topic{name: "calm", shown: did(opStart)}, topic{name: "never", shown: did(opPause)}
	round := func(t topic) *history {
		h := forged()
		h.Plan.Topic = t
		return h
	}
	for name, tt := range map[string]struct {
		fill func(*report)
		want []string
	}{
		"nothing":                     {func(r *report) { r.add(round(calm), nil) }, nil},
		"a fault that never happened": {func(r *report) { r.add(round(never), nil) }, []string{"planned 1 times, and never happened: never"}},
		"a broken rule": {func(r *report) {
			r.add(round(calm), []violation{{"Start replies", "it did not"}})
			r.add(round(calm), []violation{{"Start replies", "it did not"}})
		}, []string{"broken in 2 rounds: Start replies"}},
		"a leak": {func(r *report) { r.leak(errors.New("left behind")) }, []string{"something was left behind in 1 passes"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReport(func(string) {}, false)
			tt.fill(r)
			if got := r.failures(); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
