package check

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// start is when the series of a test begin.
var start = time.Unix(0, 0).UTC()

// firing tells which series of an alert fire at a time, evaluated each minute as
// Prometheus does by default: those that were there for as long as the rule says.
func firing(t *testing.T, series, alert string, at time.Duration) []string {
	t.Helper()
	storage := promqltest.LoadedStorage(t, series)
	defer storage.Close()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close()
	all := rules(t)
	i := slices.IndexFunc(all, func(r rulefmt.Rule) bool { return r.Alert == alert })
	if i < 0 {
		t.Fatalf("there is no alert %s", alert)
	}
	since := map[string]time.Duration{}
	for now := time.Duration(0); now <= at; now += time.Minute {
		q, err := engine.NewInstantQuery(t.Context(), storage, nil, all[i].Expr, start.Add(now))
		if err != nil {
			t.Fatal(err)
		}
		res := q.Exec(t.Context())
		vector, err := res.Vector()
		if err != nil {
			t.Fatal(err)
		}
		active := map[string]time.Duration{}
		for _, s := range vector {
			name := labels.NewBuilder(s.Metric).Del(model.MetricNameLabel, "job").Labels().String()
			active[name] = now
			if before, ok := since[name]; ok {
				active[name] = before
			}
		}
		since = active
		q.Close()
	}
	var fire []string
	for name, began := range since {
		if at-began >= time.Duration(all[i].For) {
			fire = append(fire, name)
		}
	}
	slices.Sort(fire)
	return fire
}

func TestAlerts(t *testing.T) {
	runs := func(outcome, values string) string {
		return fmt.Sprintf("  bookend_hook_runs_total{instance=\"a\",hook=\"preStop\",handler=\"exec\",outcome=%q} %s\n", outcome, values)
	}
	buckets := func(slow string) string {
		const series = "  bookend_hook_duration_seconds_bucket{instance=\"a\",hook=\"postStart\",handler=\"exec\",outcome=\"Succeeded\",le=%q} %s\n"
		return fmt.Sprintf(series+series+series, "30", "0+8x100", "60", slow, "+Inf", "0+10x100")
	}
	inFlight := "  bookend_hooks_in_flight{instance=\"a\",hook=\"preStop\"} "
	tests := map[string]struct {
		series string
		alert  string
		at     time.Duration
		want   []string
	}{
		"one in five fails":             {runs("Succeeded", "0+4x60") + runs("Failed", "0+1x60"), "BookendHooksFail", 30 * time.Minute, []string{`{hook="preStop", instance="a"}`}},
		"one in five times out":         {runs("Succeeded", "0+4x60") + runs("TimedOut", "0+1x60"), "BookendHooksFail", 30 * time.Minute, []string{`{hook="preStop", instance="a"}`}},
		"one in five is cancelled":      {runs("Succeeded", "0+4x60") + runs("Cancelled", "0+1x60"), "BookendHooksFail", 30 * time.Minute, nil},
		"one in twenty fails":           {runs("Succeeded", "0+19x60") + runs("Failed", "0+1x60"), "BookendHooksFail", 30 * time.Minute, nil},
		"they have failed for a moment": {runs("Succeeded", "0+1x60") + runs("Failed", "0x20 1+1x4"), "BookendHooksFail", 25 * time.Minute, nil},
		"none runs":                     {runs("Succeeded", "0x60") + runs("Failed", "0x60"), "BookendHooksFail", 30 * time.Minute, nil},
		"two in ten take a minute":      {buckets("0+10x100"), "BookendPostStartIsSlow", 30 * time.Minute, []string{`{instance="a"}`}},
		"all are quick": {
			"  bookend_hook_duration_seconds_bucket{instance=\"a\",hook=\"postStart\",handler=\"exec\",outcome=\"Succeeded\",le=\"30\"} 0+10x100\n" +
				"  bookend_hook_duration_seconds_bucket{instance=\"a\",hook=\"postStart\",handler=\"exec\",outcome=\"Succeeded\",le=\"+Inf\"} 0+10x100\n",
			"BookendPostStartIsSlow", 30 * time.Minute, nil},
		"one hangs":                    {inFlight + "1x200\n" + runs("Succeeded", "5x200"), "BookendHooksHang", 90 * time.Minute, []string{`{hook="preStop", instance="a"}`}},
		"some run at any time":         {inFlight + "1x200\n" + runs("Succeeded", "0+1x200"), "BookendHooksHang", 90 * time.Minute, nil},
		"none runs at times":           {inFlight + "1x80 0 1x9\n" + runs("Succeeded", "5x200"), "BookendHooksHang", 90 * time.Minute, nil},
		"a stop signal is undelivered": {"  bookend_stop_signals_undelivered_total{instance=\"a\"} 0x10 1x5\n", "BookendStopSignalsUndelivered", 12 * time.Minute, []string{`{instance="a"}`}},
		"one was, long ago":            {"  bookend_stop_signals_undelivered_total{instance=\"a\"} 0x10 1x60\n", "BookendStopSignalsUndelivered", 60 * time.Minute, nil},
		"records are dropped":          {"  bookend_records_dropped_total{instance=\"a\"} 0x10 3x5\n", "BookendRecordsDropped", 12 * time.Minute, []string{`{instance="a"}`}},
		"an agent began anew":          {"  bookend_records_dropped_total{instance=\"a\"} 3x10 0x50\n", "BookendRecordsDropped", 12 * time.Minute, nil},
		"events are rejected":          {"  bookend_events_total{instance=\"a\",reason=\"FailedPreStopHook\",result=\"rejected\"} 0x10 1x5\n", "BookendEventsRejected", 12 * time.Minute, []string{`{instance="a", reason="FailedPreStopHook"}`}},
		"events are counted":           {"  bookend_events_total{instance=\"a\",reason=\"FailedPreStopHook\",result=\"counted\"} 0x10 1x5\n", "BookendEventsRejected", 12 * time.Minute, nil},
		"an agent is down":             {"  up{instance=\"a\",job=\"bookend-system/bookend-agent\"} 0x20\n", "BookendAgentDown", 10 * time.Minute, []string{`{instance="a"}`}},
		"another job is":               {"  up{instance=\"a\",job=\"web\"} 0x20\n", "BookendAgentDown", 20 * time.Minute, nil},
		"an agent was away":            {"  up{instance=\"a\",job=\"bookend-agent\"} 0x8 1x20\n", "BookendAgentDown", 20 * time.Minute, nil},
	}
	tested := map[string]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := firing(t, "load 1m\n"+tt.series, tt.alert, tt.at); !slices.Equal(got, tt.want) {
				t.Errorf("%s: firing %q, want %q", tt.alert, got, tt.want)
			}
		})
		tested[tt.alert] = tested[tt.alert] || len(tt.want) > 0
	}
	for _, r := range rules(t) {
		if !tested[r.Alert] {
			t.Errorf("no test sees %s fire", r.Alert)
		}
	}
}
