package show

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

func TestCause(t *testing.T) {
	zero, seven := 0, 7
	for want, end := range map[string]record.End{
		"":                                 {Outcome: hooks.Succeeded, ExitCode: &zero},
		"HTTP 204":                         {Outcome: hooks.Succeeded, HTTPStatus: 204},
		"exit status 7":                    {Cause: hooks.CauseExitCode, ExitCode: &seven},
		"exit status":                      {Cause: hooks.CauseExitCode},
		"killed by signal 9 (SIGKILL)":     {Cause: hooks.CauseSignal, Signal: 9},
		"killed by signal 37 (SIGRTMIN+3)": {Cause: hooks.CauseSignal, Signal: 37},
		"killed by signal 65":              {Cause: hooks.CauseSignal, Signal: 65},
		"unexpected status 500":            {Cause: hooks.CauseUnexpectedStatus, HTTPStatus: 500},
		"timed out":                        {Cause: hooks.CauseTimeout, ExitCode: &seven},
	} {
		if got := Cause(record.Record{End: end}); got != want {
			t.Errorf("%+v: got %q, want %q", end, got, want)
		}
	}
}

// stop is a stop signal that could not be sent.
func stop(running bool, end record.End) record.Record {
	return record.Record{
		ID: "9", Subject: inPod("aa01", "web", "nginx"), Kind: record.Stop, StopSignal: "SIGTERM", Started: noon, Running: running, End: end,
	}
}

func TestHistoryShowsStops(t *testing.T) {
	for want, r := range map[string]record.Record{
		"Undelivered|SIGTERM|1m30s": stop(true, record.End{Detail: "no runc"}),
		"Delivered|SIGTERM|42s":     stop(false, record.End{Delivery: record.Delivered, DurationSeconds: 42}),
		"Ended|SIGTERM|42s":         stop(false, record.End{Delivery: record.Ended, DurationSeconds: 42}),
		"Unknown|SIGTERM|":          stop(false, record.End{Outcome: hooks.Unknown}),
	} {
		row := strings.Join(History([]record.Record{r}, noon.Add(90*time.Second), false)[0], "|")
		if want := "2026-03-04 12:00:00|k8s.io|aa01|web/nginx|stop|||" + want; row != want {
			t.Errorf("got %s, want %s", row, want)
		}
		outcome, _, _ := strings.Cut(want, "|")
		if got := Attempts([]record.Record{r}, false)[0].Outcome; string(got) != outcome {
			t.Errorf("for programs: got %s, want %s", got, outcome)
		}
		if !slices.Contains(Outcomes(), outcome) {
			t.Errorf("%s is none of %s", outcome, Outcomes())
		}
	}
}

func TestHistoryIsInTheTimeZoneOfItsReader(t *testing.T) {
	now := noon.In(time.FixedZone("east", 2*3600))
	if got := History([]record.Record{{Started: noon}}, now, false)[0][0]; got != "2026-03-04 14:00:00" {
		t.Errorf("noon in Greenwich is %s two hours to the east", got)
	}
}

func TestDurationOfARunningAttemptGrows(t *testing.T) {
	r := record.Record{Started: noon, Running: true}
	if got := Duration(r, noon.Add(90*time.Second)); got != 90*time.Second {
		t.Errorf("running: %s", got)
	}
	if got := Duration(r, noon.Add(-time.Second)); got != 0 {
		t.Errorf("with a clock that was set back: %s", got)
	}
	r = record.Record{Started: noon, End: record.End{DurationSeconds: 0.0364}}
	if got := Duration(r, noon.Add(time.Hour)); got != 36*time.Millisecond {
		t.Errorf("ended: %s", got)
	}
}
