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
			hooks.Run(t.Context(), &tt.hook, failing(tt.report), func() hooks.Liveness { return hooks.Alive }, c.newJournal(&tt.hook))
			records, _, err := c.store.List()
			if err != nil || len(records) != 1 || !tt.check(records[0]) || records[0].Hook != hooks.PreStop || records[0].Subject != c.subject {
				t.Errorf("got %+v, %v", records, err)
			}
		})
	}
}

// carryOut is runHook without a container.
func (c *container) carryOut(ctx context.Context, h *hooks.Hook, handler hooks.Handler, alive func() hooks.Liveness) (res hooks.Result) {
	j := c.newJournal(h)
	defer func() { j.close(res.Outcome) }()
	return hooks.Run(ctx, h, handler, alive, j)
}

func TestAFailureThatTheInitsExitExplainsIsRecordedAsCancelled(t *testing.T) {
	h := &hooks.Hook{Point: hooks.PostStart, Exec: &hooks.Exec{}}
	c := recorded(t, &hooks.Lifecycle{})
	res := c.carryOut(t.Context(), h, failing{Cause: hooks.CauseSignal, Signal: 9, Suspect: true, Stdout: []byte("out")}, func() hooks.Liveness { return hooks.Gone })
	settle(res)
	c.wantRecords(t, "Failed killed by signal")
	settle(cancelledResult(res))
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
		settle(cancelledResult(res))
		c.wantRecords(t, "Failed exit status", "Failed exit status")
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
	c := recorded(t, &hooks.Lifecycle{})
	h := &hooks.Hook{Point: hooks.PreStop, Exec: &hooks.Exec{}}
	j := c.newJournal(h)
	var lates []func(stdout, stderr []byte)
	e := &recordedExec{container: c, journal: j, handler: func(late func(stdout, stderr []byte)) hooks.Handler {
		lates = append(lates, late)
		return failing{}
	}}
	for n := range 2 {
		entry := j.Begin(n+1, time.Now())
		e.Run(t.Context())
		entry.End(hooks.Attempt{Outcome: hooks.Succeeded})
	}
	lates[1]([]byte("two"), nil)
	lates[0]([]byte("one"), nil)
	records := c.wantRecords(t, "Succeeded ", "Succeeded ")
	if string(records[0].Stdout) != "one" || string(records[1].Stdout) != "two" {
		t.Errorf("got %q and %q", records[0].Stdout, records[1].Stdout)
	}
}

func TestDeleteWaitsForTheRecordOfAHookThatIsBeingCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := recorded(t, &hooks.Lifecycle{})
		j := c.newJournal(sleeping(hooks.PreStop, time.Hour))
		run := newLatch()
		c.hookRun.Store(run)
		entry := j.Begin(1, time.Now())
		go func() {
			advance(time.Second)
			entry.End(hooks.Attempt{Report: hooks.Report{Cause: hooks.CauseCancelled}, Outcome: hooks.Cancelled})
			run.set()
		}()
		c.finishRecords(t.Context())
		c.wantRecords(t, "Cancelled cancelled")

		c.hookRun.Store(newLatch()) // one that does not end
		began := time.Now()
		c.finishRecords(t.Context())
		if took := time.Since(began); took != hookOutTime {
			t.Errorf("Delete waited for %s, want %s", took, hookOutTime)
		}
	})
}
