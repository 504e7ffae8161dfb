package shim

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// recorded is a container whose records are in a directory of the test's.
func recorded(t *testing.T, lc *hooks.Lifecycle) *container {
	t.Helper()
	c := &container{
		id: "c", subject: record.Subject{Namespace: "n", Container: "c"}, lifecycle: lc,
		store: record.Open(filepath.Join(t.TempDir(), "bookend"), record.Limits{}),
	}
	c.store.Log = func(err error) { t.Error(err) }
	t.Cleanup(func() { c.store.Remove(c.subject) }) // waits for what is being written
	return c
}

// wantRecords compares "outcome cause" of the container's records.
func (c *container) wantRecords(t *testing.T, want ...string) []record.Record {
	t.Helper()
	c.store.Remove(c.subject)
	records, skipped, err := c.store.List()
	var got []string
	for _, r := range records {
		got = append(got, string(r.Outcome)+" "+string(r.Cause))
	}
	if err != nil || skipped != nil || !slices.Equal(got, want) {
		t.Fatalf("records %q, skipped %v, %v; want %q", got, skipped, err, want)
	}
	return records
}

// failing is a handler that fails the given way.
type failing hooks.Report

func (f failing) Run(context.Context) hooks.Report { return hooks.Report(f) }

func TestARecordSaysWhatAnAttemptCameTo(t *testing.T) {
	tests := map[string]struct {
		hook   hooks.Hook
		report hooks.Report
		check  func(record.Record) bool
	}{
		"success": {hooks.Hook{Exec: &hooks.Exec{}}, hooks.Report{Stdout: []byte("out"), Runner: "runtime"}, func(r record.Record) bool {
			return r.Outcome == hooks.Succeeded && r.ExitCode != nil && *r.ExitCode == 0 && string(r.Stdout) == "out" && r.Runner == "runtime" && r.Handler == "exec"
		}},
		"exit status": {hooks.Hook{Exec: &hooks.Exec{}}, hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 7, Err: errors.New("all of it"), Stderr: []byte("err")}, func(r record.Record) bool {
			return r.Outcome == hooks.Failed && *r.ExitCode == 7 && r.Detail == "all of it" && string(r.Stderr) == "err"
		}},
		"signal": {hooks.Hook{Exec: &hooks.Exec{}}, hooks.Report{Cause: hooks.CauseSignal, Signal: 11}, func(r record.Record) bool {
			return r.Signal == 11 && r.ExitCode == nil
		}},
		"status": {hooks.Hook{HTTPGet: &hooks.HTTPGet{}}, hooks.Report{Cause: hooks.CauseUnexpectedStatus, Status: 503}, func(r record.Record) bool {
			return r.HTTPStatus == 503 && r.ExitCode == nil && r.Handler == "httpGet"
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := recorded(t, &hooks.Lifecycle{})
			tt.hook.Point = hooks.PreStop
			hooks.Run(t.Context(), &tt.hook, failing(tt.report), func() hooks.Liveness { return hooks.Alive }, c.newRun(&tt.hook, "").begin)
			records, _, err := c.store.List()
			if err != nil || len(records) != 1 || !tt.check(records[0]) || records[0].Hook != hooks.PreStop || records[0].Subject != c.subject {
				t.Errorf("got %+v, %v", records, err)
			}
		})
	}
}

// carryOut is runHook without a container.
func (c *container) carryOut(ctx context.Context, h *hooks.Hook, handler hooks.Handler, alive func() hooks.Liveness) (res hooks.Result) {
	run := c.newRun(h, "")
	defer func() { run.close(res.Outcome) }()
	return hooks.Run(ctx, h, handler, alive, run.begin)
}

func TestAFailureThatTheInitsExitExplainsIsRecordedAsCancelled(t *testing.T) {
	h := &hooks.Hook{Point: hooks.PostStart, Exec: &hooks.Exec{}}
	c := recorded(t, &hooks.Lifecycle{})
	res := c.carryOut(t.Context(), h, failing{Cause: hooks.CauseSignal, Signal: 9, Suspect: true, Stdout: []byte("out")}, func() hooks.Liveness { return hooks.Gone })
	c.run.Load().settle(res)
	c.wantRecords(t, "Failed killed by signal")
	c.run.Load().settle(cancelledResult(res))
	if r := c.wantRecords(t, "Cancelled cancelled")[0]; string(r.Stdout) != "out" || r.Signal != 9 {
		t.Errorf("got %+v", r)
	}
}

func TestAFailedAttemptStaysOneWhenItsHookIsCancelledAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hooks.Hook{Point: hooks.PreStop, Exec: &hooks.Exec{}, Retries: 5}
		c := recorded(t, &hooks.Lifecycle{})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, errors.New("stop"))
		defer cancel()
		res := c.carryOut(ctx, h, failing{Cause: hooks.CauseExitCode, ExitCode: 1}, func() hooks.Liveness { return hooks.Alive })
		if res.Outcome != hooks.Cancelled || res.Attempts != 2 {
			t.Fatalf("got %+v", res)
		}
		c.run.Load().settle(cancelledResult(res))
		c.wantRecords(t, "Failed exit status", "Failed exit status")
	})
}

// wantRuns compares what the container's records say of runs.
func (c *container) wantRuns(t *testing.T, want ...hooks.Outcome) {
	t.Helper()
	c.store.Remove(c.subject)
	records, _, err := c.store.List()
	var got []hooks.Outcome
	for _, r := range records {
		got = append(got, r.Run)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("runs %q, %v; want %q", got, err, want)
	}
}

func TestTheRecordOfTheLastAttemptSaysHowTheRunEnded(t *testing.T) {
	alive := func() hooks.Liveness { return hooks.Alive }
	exit1 := failing{Cause: hooks.CauseExitCode, ExitCode: 1}
	t.Run("success", func(t *testing.T) {
		c := recorded(t, &hooks.Lifecycle{})
		c.carryOut(t.Context(), sleeping(hooks.PreStop, 0), failing{}, alive)
		c.wantRuns(t, hooks.Succeeded)
	})
	t.Run("failure", func(t *testing.T) {
		c := recorded(t, &hooks.Lifecycle{})
		res := c.carryOut(t.Context(), sleeping(hooks.PreStop, 0), exit1, alive)
		c.wantRuns(t, "") // the machine may overrule it
		c.run.Load().settle(res)
		c.wantRuns(t, hooks.Failed)
	})
	t.Run("overruled", func(t *testing.T) {
		c := recorded(t, &hooks.Lifecycle{})
		res := c.carryOut(t.Context(), sleeping(hooks.PreStop, 0), exit1, alive)
		c.run.Load().settle(cancelledResult(res))
		c.wantRuns(t, hooks.Cancelled)
	})
	t.Run("after another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := recorded(t, &hooks.Lifecycle{})
			h := &hooks.Hook{Point: hooks.PreStop, Exec: &hooks.Exec{}, Retries: 1}
			res := c.carryOut(t.Context(), h, exit1, alive)
			c.run.Load().settle(res)
			c.wantRuns(t, "", hooks.Failed)
		})
	})
	t.Run("cut between two attempts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := recorded(t, &hooks.Lifecycle{})
			h := &hooks.Hook{Point: hooks.PreStop, Exec: &hooks.Exec{}, Retries: 5, Timeout: 500 * time.Millisecond}
			res := c.carryOut(t.Context(), h, exit1, alive)
			c.run.Load().settle(res)
			c.wantRecords(t, "Failed exit status")
			c.wantRuns(t, hooks.TimedOut)
		})
	})
}

func TestAnAttemptThatBookendBreaksEndsAllTheSame(t *testing.T) {
	c := recorded(t, &hooks.Lifecycle{})
	func() {
		defer func() { _ = recover() }()
		h := &hooks.Hook{Point: hooks.PreStop, Exec: &hooks.Exec{}}
		c.carryOut(t.Context(), h, failing{Cause: hooks.CauseGone, Suspect: true}, func() hooks.Liveness { panic("boom") })
	}()
	c.wantRecords(t, "Failed internal error")
}

func TestLateOutputGoesToItsOwnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := recorded(t, &hooks.Lifecycle{})
		h := &hooks.Hook{Point: hooks.PreStop, Exec: &hooks.Exec{}}
		run := c.newRun(h, "")
		var lates [2]chan hooks.Printed
		for n := range lates {
			lates[n] = make(chan hooks.Printed, 1)
			run.begin(n+1, time.Now())(hooks.Attempt{Report: hooks.Report{Late: lates[n]}, Outcome: hooks.Succeeded})
		}
		lates[1] <- hooks.Printed{Stdout: []byte("two")}
		lates[0] <- hooks.Printed{Stdout: []byte("one")}
		for _, late := range lates {
			close(late)
		}
		synctest.Wait()
		records := c.wantRecords(t, "Succeeded ", "Succeeded ")
		if string(records[0].Stdout) != "one" || string(records[1].Stdout) != "two" {
			t.Errorf("got %q and %q", records[0].Stdout, records[1].Stdout)
		}
	})
}

func TestDeleteWaitsForTheRecordOfAHookThatIsBeingCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := recorded(t, &hooks.Lifecycle{})
		run := c.newRun(sleeping(hooks.PreStop, time.Hour), "")
		end := run.begin(1, time.Now())
		go func() {
			advance(time.Second)
			end(hooks.Attempt{Report: hooks.Report{Cause: hooks.CauseCancelled}, Outcome: hooks.Cancelled})
			run.close(hooks.Cancelled)
		}()
		c.finishRecords(t.Context())
		c.wantRecords(t, "Cancelled cancelled")

		c.newRun(sleeping(hooks.PreStop, time.Hour), "") // one that does not end
		began := time.Now()
		c.finishRecords(t.Context())
		if took := time.Since(began); took != hookOutTime {
			t.Errorf("Delete waited for %s, want %s", took, hookOutTime)
		}
	})
}
