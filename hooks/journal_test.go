package hooks

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// notebook is a journal that keeps what it is told.
type notebook struct {
	begun time.Time
	lines []string
}

func (n *notebook) note(format string, args ...any) {
	n.lines = append(n.lines, time.Since(n.begun).String()+" "+fmt.Sprintf(format, args...))
}

func (n *notebook) begin(attempt int, started time.Time) func(Attempt) {
	if !started.Equal(time.Now()) {
		n.note("begins at another time: %s", started)
	}
	n.note("begin %d", attempt)
	return func(a Attempt) {
		n.note("end %d %s %q %s %s%s", attempt, a.Outcome, a.Cause, a.Duration, a.Stdout, map[bool]string{true: " suspect"}[a.Suspect])
	}
}

func TestEachAttemptIsToldBeforeAndAfter(t *testing.T) {
	gone := func() Liveness { return Gone }
	tests := map[string]struct {
		hook  Hook
		run   func(ctx context.Context, attempt int) Report
		alive func() Liveness
		want  []string
	}{
		"succeeds": {Hook{}, func(context.Context, int) Report { return Report{Stdout: []byte("out")} }, nil,
			[]string{"0s begin 1", `0s end 1 Succeeded "" 0s out`}},
		"retried": {Hook{Retries: 1}, func(ctx context.Context, n int) Report {
			Pause(ctx, time.Second)
			if n == 1 {
				return exit1
			}
			return Report{}
		}, nil, []string{"0s begin 1", `1s end 1 Failed "exit status" 1s `, "2s begin 2", `3s end 2 Succeeded "" 1s `}},
		"times out": {Hook{Timeout: time.Second}, func(ctx context.Context, _ int) Report { <-ctx.Done(); return exit1 }, nil,
			[]string{"0s begin 1", `1s end 1 TimedOut "timed out" 1s `}},
		// The attempt failed; that there was no time for another is the hook's.
		"times out between attempts": {Hook{Timeout: retryPause / 2, Retries: 1}, func(context.Context, int) Report { return exit1 }, nil,
			[]string{"0s begin 1", `0s end 1 Failed "exit status" 0s `}},
		"panics": {Hook{}, func(context.Context, int) Report { panic("boom") }, nil,
			[]string{"0s begin 1", `0s end 1 Failed "internal error" 0s `}},
		"suspect": {Hook{}, func(context.Context, int) Report { return Report{Cause: CauseGone, Suspect: true} }, gone,
			[]string{"0s begin 1", `0s end 1 Failed "container is gone" 0s  suspect`}},
		"cleared": {Hook{}, func(context.Context, int) Report { return Report{Cause: CauseGone, Suspect: true} }, alive,
			[]string{"0s begin 1", `0s end 1 Failed "container is gone" 0s `}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &notebook{begun: time.Now()}
				if tt.alive == nil {
					tt.alive = unasked(t)
				}
				tt.hook.Sleep = &Sleep{}
				Run(t.Context(), &tt.hook, &handlerFunc{run: tt.run}, tt.alive, n.begin)
				if !slices.Equal(n.lines, tt.want) {
					t.Errorf("told\n%q, want\n%q", n.lines, tt.want)
				}
			})
		})
	}
}
