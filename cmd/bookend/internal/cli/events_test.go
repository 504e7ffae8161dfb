package cli

import (
	"bytes"
	"testing"

	"bookend.dev/bookend/cmd/internal/hookevents"
)

func TestEventsAreLines(t *testing.T) {
	var out bytes.Buffer
	for _, ev := range []hookevents.Event{
		{What: "start", Namespace: "k8s.io", Container: nginx.Container, Labels: map[string]string{"hook": "postStart", "handler": "exec", "container_name": "nginx"}},
		{What: "failure", Namespace: "k8s.io", Container: nginx.Container, Labels: map[string]string{
			"hook": "postStart", "handler": "exec", "container_name": "nginx", "message": "exec: exit status 7 after 36ms", "reason": "FailedPostStartHook",
		}},
		{What: "cancel", Namespace: "default", Container: "batch", Labels: map[string]string{"hook": "preStop", "message": "sleep: cancelled after 2s"}},
		{What: "undelivered", Namespace: "k8s.io", Container: nginx.Container, Labels: map[string]string{"container_name": "nginx", "signal": "SIGTERM", "message": "SIGTERM could not be sent for 10s"}},
		{What: "surprise\n", Namespace: "\x1b[2J", Container: "x"},
	} {
		ev.Time = noon
		if err := printEvent(&out, ev, false); err != nil {
			t.Fatal(err)
		}
	}
	wantGolden(t, "events", out.String())
}
