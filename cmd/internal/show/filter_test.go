package show

import (
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// noon is when attempts in these tests start, and the minutes after.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func attempts() []record.Record {
	return []record.Record{
		{ID: "1", Subject: inPod("aa01", "web", "nginx"), Hook: hooks.PostStart, Started: noon, End: record.End{Outcome: hooks.Succeeded}},
		{ID: "2", Subject: inPod("ab03", "web", "log"), Hook: hooks.PreStop, Started: noon.Add(time.Minute), End: record.End{Outcome: hooks.Failed}},
		{ID: "3", Subject: record.Subject{Namespace: "default", Container: "cc"}, Hook: hooks.PreStop, Started: noon.Add(2 * time.Minute), End: record.End{Outcome: hooks.TimedOut}},
		{ID: "4", Subject: record.Subject{Namespace: "default", Container: "cc"}, Hook: hooks.PreStop, Started: noon.Add(3 * time.Minute), Running: true},
		{ID: "5", Subject: record.Subject{Namespace: "default", Container: "dd", Name: "shop"}, Hook: hooks.PreStop, Started: noon.Add(4 * time.Minute)}, // its shim died
	}
}

func TestFilter(t *testing.T) {
	for name, tt := range map[string]struct {
		filter Filter
		limit  int
		want   string
	}{
		"none":        {want: "123459"},
		"namespace":   {filter: Filter{Namespace: "default"}, want: "345"},
		"hook":        {filter: Filter{Hook: "postStart"}, want: "1"},
		"outcomes":    {filter: Filter{Outcomes: []hooks.Outcome{hooks.Failed, hooks.TimedOut}}, want: "23"},
		"running":     {filter: Filter{Outcomes: []hooks.Outcome{Running}}, want: "4"},
		"unknown":     {filter: Filter{Outcomes: []hooks.Outcome{hooks.Unknown}}, want: "5"},
		"since":       {filter: Filter{Since: noon.Add(2 * time.Minute)}, want: "345"},
		"until":       {filter: Filter{Until: noon.Add(time.Minute)}, want: "129"},
		"a beginning": {filter: Filter{Container: "a"}, want: "129"},
		"a name":      {filter: Filter{Container: "nginx"}, want: "19"},
		"no pod's":    {filter: Filter{Container: "shop"}, want: "5"},
		"pod/name":    {filter: Filter{Container: "web/log"}, want: "2"},
		"nobody":      {filter: Filter{Container: "zz"}, want: ""},
		"two":         {filter: Filter{Namespace: "default", Until: noon.Add(3 * time.Minute)}, want: "34"},
		"limit":       {limit: 2, want: "59"},
		"high limit":  {limit: 9, want: "123459"},
		"both":        {filter: Filter{Namespace: "k8s.io"}, limit: 1, want: "9"},
		"stops":       {filter: Filter{Hook: "stop"}, want: "9"},
		"undelivered": {filter: Filter{Outcomes: []hooks.Outcome{Undelivered}}, want: "9"},
	} {
		got := ""
		for _, r := range tt.filter.Apply(append(attempts(), stop(true, record.End{})), tt.limit) {
			got += r.ID
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestParseWhen(t *testing.T) {
	zone := time.FixedZone("east", 2*3600)
	now := noon.In(zone)
	for text, want := range map[string]time.Time{
		"1h":                        noon.Add(-time.Hour),
		"90s":                       noon.Add(-90 * time.Second),
		"0s":                        noon,
		"2026-03-04T10:00:00Z":      noon.Add(-2 * time.Hour),
		"2026-03-04T10:00:00+02:00": noon.Add(-4 * time.Hour),
		"2026-03-04":                time.Date(2026, 3, 4, 0, 0, 0, 0, zone),
	} {
		if got, err := ParseWhen(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "-1h", "10", "2026-03-04 10:00"} {
		if got, err := ParseWhen(text, now); err == nil {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
}

func TestParseUntilIncludesTheDay(t *testing.T) {
	zone := time.FixedZone("east", 2*3600)
	now := noon.In(zone)
	for text, want := range map[string]time.Time{
		"2026-03-04":           time.Date(2026, 3, 5, 0, 0, 0, -1, zone),
		"2026-03-04T10:00:00Z": noon.Add(-2 * time.Hour),
		"1h":                   noon.Add(-time.Hour),
	} {
		if got, err := ParseUntil(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	if got, err := ParseUntil("2026-02-30", now); err == nil {
		t.Errorf("a day that does not exist was taken for %s", got)
	}
}
