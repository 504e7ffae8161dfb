package metrics

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/cmd/bookend-node/internal/tell"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

func newStore(t *testing.T) *record.Store {
	s := record.Open(filepath.Join(t.TempDir(), "bookend"), record.Limits{})
	s.Log = func(err error) { t.Error(err) }
	t.Cleanup(func() { s.Remove(record.Subject{}) }) // waits for what is being written
	return s
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func ended(p hooks.Point, handler string, run hooks.Outcome, seconds float64) hookfeed.Fact {
	f := hookfeed.Fact{Kind: hookfeed.Ended, RunStarted: began}
	f.Record = record.Record{Hook: p, Handler: handler, Attempt: 1, Started: began, End: record.End{Run: run, DurationSeconds: seconds}}
	return f
}

func take(t *testing.T, m *Metrics, facts ...hookfeed.Fact) {
	t.Helper()
	for _, f := range facts {
		counts := f.Last() || f.Kind != hookfeed.Ended && f.Kind != hookfeed.Slow && (f.Kind != hookfeed.Began || f.Attempt > 1)
		if err := m.Take(t.Context(), f); errors.Is(err, hookfeed.ErrNothing) == counts || err != nil && counts {
			t.Fatalf("%s, attempt %d: %v", f.Kind, f.Attempt, err)
		}
	}
}

func TestAClockThatIsSetBackTakesNothingFromASum(t *testing.T) {
	m := New(newStore(t), "v")
	f := ended(hooks.PreStop, "exec", hooks.Succeeded, 1)
	f.RunStarted = f.Started.Add(time.Hour)
	take(t, m, ended(hooks.PreStop, "exec", hooks.Succeeded, 7), f)
	server := httptest.NewServer(m.Handler(func() error { return nil }))
	defer server.Close()
	if got := scrape(t, server.URL+"/metrics"); !slices.Contains(got, `bookend_hook_duration_seconds_sum{handler="exec",hook="preStop",outcome="Succeeded"} 7`) {
		t.Errorf("got %q", got)
	}
}

// scrape returns the lines of a path that have no comment and are not zero.
func scrape(t *testing.T, url string) []string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	var lines []string
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "bookend_") && !strings.HasSuffix(line, " 0") && !strings.Contains(line, "_bucket") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestWhatHooksDidIsCounted(t *testing.T) {
	m := New(newStore(t), "1.2.3")
	retry := ended(hooks.PreStop, "exec", hooks.Succeeded, 1)
	retry.Attempt, retry.Started = 2, began.Add(3*time.Second)
	began := retry
	began.Kind = hookfeed.Began
	first, firstBegan := ended(hooks.PreStop, "exec", "", 1), ended(hooks.PreStop, "exec", "", 0)
	firstBegan.Kind = hookfeed.Began
	stop := hookfeed.Fact{Kind: hookfeed.Undelivered}
	foreign := ended("preResume", "grpc", "Melted", 1)
	take(t, m, firstBegan, first, began, retry, ended(hooks.PostStart, "httpGet", hooks.TimedOut, 100), ended(hooks.PostStart, "sleep", hooks.Unknown, 0),
		stop, hookfeed.Fact{Kind: hookfeed.Dropped, Count: 3}, foreign, hookfeed.Fact{Kind: hookfeed.Slow})
	m.Told(tell.ReasonPreStop, tell.Created)
	m.Told("made up", tell.Skipped)
	server := httptest.NewServer(m.Handler(func() error { return nil }))
	defer server.Close()
	got := scrape(t, server.URL+"/metrics")
	build := slices.IndexFunc(got, func(l string) bool { return strings.HasPrefix(l, "bookend_build_info") })
	if build < 0 || !strings.Contains(got[build], `version="1.2.3"`) || !strings.HasSuffix(got[build], " 1") {
		t.Errorf("got %q", got)
	}
	want := []string{
		`bookend_events_total{reason="FailedPreStopHook",result="created"} 1`,
		`bookend_events_total{reason="other",result="skipped"} 1`,
		`bookend_hook_duration_seconds_sum{handler="exec",hook="preStop",outcome="Succeeded"} 4`,
		`bookend_hook_duration_seconds_count{handler="exec",hook="preStop",outcome="Succeeded"} 1`,
		`bookend_hook_duration_seconds_sum{handler="httpGet",hook="postStart",outcome="TimedOut"} 100`,
		`bookend_hook_duration_seconds_count{handler="httpGet",hook="postStart",outcome="TimedOut"} 1`,
		`bookend_hook_duration_seconds_sum{handler="other",hook="other",outcome="other"} 1`,
		`bookend_hook_duration_seconds_count{handler="other",hook="other",outcome="other"} 1`,
		`bookend_hook_retries_total{handler="exec",hook="preStop"} 1`,
		`bookend_hook_runs_total{handler="exec",hook="preStop",outcome="Succeeded"} 1`,
		`bookend_hook_runs_total{handler="httpGet",hook="postStart",outcome="TimedOut"} 1`,
		`bookend_hook_runs_total{handler="other",hook="other",outcome="other"} 1`,
		`bookend_hook_runs_total{handler="sleep",hook="postStart",outcome="Unknown"} 1`,
		`bookend_hook_timeouts_total{handler="httpGet",hook="postStart"} 1`,
		`bookend_records_dropped_total 3`,
		`bookend_stop_signals_undelivered_total 1`,
	}
	if got = slices.Delete(got, build, build+1); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestHooksInFlightAreThoseOfLivingShims(t *testing.T) {
	store := newStore(t)
	m := New(store, "v")
	subject := record.Subject{Namespace: "n", Container: "c"}
	store.Post(record.Status{Subject: subject, Phase: "preStop", Hook: hooks.PreStop})
	store.Post(record.Status{Subject: record.Subject{Namespace: "n", Container: "idle"}, Phase: "running"})
	want := func(n int) func() bool {
		return func() bool { return testutil.CollectAndCount(inFlight{store}) == 2 && inFlightOf(t, m) == n }
	}
	eventually(t, want(1)) // a status is written a moment later
	store.Remove(subject)
	eventually(t, want(0))
}

func inFlightOf(t *testing.T, m *Metrics) int {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			if f.GetName() == "bookend_hooks_in_flight" {
				n += int(metric.GetGauge().GetValue())
			}
		}
	}
	return n
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("it did not happen")
		}
	}
}

func TestMetricsAreNamedAsPrometheusWantsThem(t *testing.T) {
	m := New(newStore(t), "v")
	take(t, m, ended(hooks.PreStop, "exec", hooks.Failed, 1))
	problems, err := testutil.GatherAndLint(m.registry)
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "bookend_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func TestReadyzSaysWhyTheAgentIsNotReady(t *testing.T) {
	notReady := errors.New("the records were not read yet")
	server := httptest.NewServer(New(newStore(t), "v").Handler(func() error { return notReady }))
	defer server.Close()
	get := func(path string) (int, string) {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz before: %d %s", code, body)
	}
	if code, body := get("/readyz"); code != http.StatusServiceUnavailable || body != notReady.Error()+"\n" {
		t.Errorf("/readyz before: %d %s", code, body)
	}
	notReady = nil
	if code, body := get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz after: %d %s", code, body)
	}
}
