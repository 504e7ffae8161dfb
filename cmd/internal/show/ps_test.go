package show

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

func TestPSTellsTheTimeOfTheRunningHook(t *testing.T) {
	started, deadline := noon.Add(-90*time.Second), noon.Add(10*time.Second)
	st := record.Status{
		Subject: inPod("aa01", "web", "nginx"), Phase: "preStop", PostStart: "sleep", PreStop: "exec",
		Hook: hooks.PreStop, Started: &started, Deadline: &deadline,
	}
	for now, want := range map[time.Time]string{
		noon:                   "k8s.io|aa01|web/nginx|preStop|preStop (exec)|1m30s|in 10s",
		noon.Add(-time.Hour):   "k8s.io|aa01|web/nginx|preStop|preStop (exec)|0s|in 1h0m10s", // the clock was set
		noon.Add(time.Minute):  "k8s.io|aa01|web/nginx|preStop|preStop (exec)|2m30s|in 0s",
		noon.Add(-time.Second): "k8s.io|aa01|web/nginx|preStop|preStop (exec)|1m29s|in 11s",
	} {
		if got := strings.Join(PS([]record.Status{st}, now, false)[0], "|"); got != want {
			t.Errorf("at %s: got %s, want %s", now, got, want)
		}
	}
	st.Hook, st.Started, st.Deadline, st.Phase = "", nil, nil, "running"
	if got := strings.Join(PS([]record.Status{st}, noon, false)[0], "|"); got != "k8s.io|aa01|web/nginx|running|||" {
		t.Errorf("no hook: got %s", got)
	}
}

func TestPSTellsOfAnUndeliveredStop(t *testing.T) {
	due := noon.Add(-12 * time.Second)
	st := record.Status{Subject: inPod("aa01", "web", "nginx"), Phase: "delivering", PreStop: "exec", Undelivered: &due}
	if got, want := strings.Join(PS([]record.Status{st}, noon, false)[0], "|"), "k8s.io|aa01|web/nginx|delivering|stop (undelivered)|12s|"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got, err := json.Marshal(Statuses([]record.Status{st}, noon))
	if err != nil || !strings.Contains(string(got), `"undelivered":"2026-03-04T11:59:48Z"`) || !strings.Contains(string(got), `"elapsedSeconds":12`) {
		t.Errorf("for programs: %s, %v", got, err)
	}
}

func TestStatusesForPrograms(t *testing.T) {
	started := noon.Add(-1500 * time.Millisecond)
	got, err := json.Marshal(Statuses([]record.Status{
		{Version: 1, Subject: record.Subject{Namespace: "n", Container: "c"}, Phase: "preStop", PreStop: "exec", Hook: hooks.PreStop, Started: &started},
	}, noon))
	want := `[{"version":1,"namespace":"n","container":"c","phase":"preStop","preStop":"exec","hook":"preStop","started":"2026-03-04T11:59:58.5Z","shim":{"pid":0,"startTime":0},"elapsedSeconds":1.5}]`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

func TestOfNamespaceKeepsAnOrder(t *testing.T) {
	of := func(namespace, id string) record.Status {
		return record.Status{Subject: record.Subject{Namespace: namespace, Container: id}}
	}
	all := []record.Status{of("n", "b"), {Subject: inPod("aa", "web", "nginx")}, of("n", "a"), {Subject: inPod("zz", "db", "main")}}
	for namespace, want := range map[string]string{"": "zz aa a b", "n": "a b", "none": ""} {
		var got []string
		for _, st := range OfNamespace(all, namespace) {
			got = append(got, st.Container)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", namespace, got, want)
		}
	}
}
