package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestInterleaveTakesEveryStepOncePerRound(t *testing.T) {
	var order strings.Builder
	counting := func(name string) step {
		n := 0.0
		return func(_ context.Context, record func(string, float64)) error {
			order.WriteString(name)
			record(name, n)
			n++
			return nil
		}
	}
	s, err := interleave(t.Context(), plan{rounds: 20}, counting("a"), counting("b"), counting("c"))
	if err != nil {
		t.Fatal(err)
	}
	if s.rounds() != 20 || strings.Join(s.cases, "") != "abc" {
		t.Errorf("%d rounds of %v", s.rounds(), s.cases)
	}
	if first := s.byCase["a"][0]; first != 1 {
		t.Errorf("the first sample that counts is %v, want 1: round 0 warms up", first)
	}
	orders := map[string]bool{}
	for all := order.String(); all != ""; all = all[3:] {
		round := all[:3]
		orders[round] = true
		for _, name := range s.cases {
			if strings.Count(round, name) != 1 {
				t.Errorf("a round is %q", round)
			}
		}
	}
	if len(orders) < 3 {
		t.Errorf("the order is always one of %v", orders)
	}
}

func TestInterleaveSpendsItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := func(ctx context.Context, record func(string, float64)) error {
			record("a", 1)
			return pause(ctx, time.Second)
		}
		for _, c := range []struct {
			plan plan
			want int
		}{
			{plan{budget: 11 * time.Second, rounds: 3}, 9}, // one more warms up
			{plan{budget: time.Second, rounds: 3}, 3},
		} {
			c.plan.began = time.Now()
			s, err := interleave(t.Context(), c.plan, second)
			if err != nil || s.rounds() != c.want {
				t.Errorf("%+v: %d rounds, %v, want %d", c.plan, s.rounds(), err, c.want)
			}
		}
	})
}

func TestInterleaveEndsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	_, err := interleave(t.Context(), plan{rounds: 5}, func(_ context.Context, record func(string, float64)) error {
		calls++
		record("a", 1)
		if calls == 3 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || calls != 3 {
		t.Errorf("after %d calls: %v", calls, err)
	}
}
