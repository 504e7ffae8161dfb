package main

import (
	"reflect"
	"testing"
	"time"

	apievents "github.com/containerd/containerd/api/events"

	"bookend.dev/bookend/integration/harness"
)

var (
	moment = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	names  = map[string]string{"a1": "web"}
)

func hookFields(id string, said map[string]string) *apievents.ContainerUpdate {
	return &apievents.ContainerUpdate{ID: id, Labels: said}
}

func TestEventRow(t *testing.T) {
	for what, e := range map[string]harness.Event{
		"TaskStart (pid 9)":      {ContainerID: "a1", Payload: &apievents.TaskStart{Pid: 9}},
		"TaskExit (exit code 3)": {ContainerID: "a1", Payload: &apievents.TaskExit{ExitStatus: 3}},
		"preStop hook started (sleep)": {Topic: "/bookend/hook/start", Payload: hookFields("a1", map[string]string{
			"hook": "preStop", "handler": "sleep",
		})},
		"postStart hook ended: exec: succeeded after 12ms": {Topic: "/bookend/hook/success", Payload: hookFields("a1", map[string]string{
			"hook": "postStart", "handler": "exec", "message": "exec: succeeded after 12ms",
		})},
		"postStart hook failed: FailedPostStartHook: exec: exit status 7": {Topic: "/bookend/hook/failure", Payload: hookFields("a1", map[string]string{
			"hook": "postStart", "reason": "FailedPostStartHook", "message": "exec: exit status 7",
		})},
	} {
		e.Time = moment
		r, ok := eventRow(e, names)
		if want := (row{moment, "web", fromEvent, what}); !ok || r != want {
			t.Errorf("got %+v, %v; want %+v", r, ok, want)
		}
	}
}

func TestEventRowLeavesOut(t *testing.T) {
	for why, e := range map[string]harness.Event{
		"another container": {ContainerID: "b2", Payload: &apievents.TaskStart{}},
		"an exec's exit":    {ContainerID: "a1", ExecID: "x", Payload: &apievents.TaskExit{}},
		"an unknown type":   {ContainerID: "a1"},
		"another's hook": {Topic: "/bookend/hook/start", Payload: hookFields("b2", map[string]string{
			"hook": "preStop",
		})},
		"a hook of no form": {Topic: "/bookend/hook/start"},
	} {
		if r, ok := eventRow(e, names); ok {
			t.Errorf("%s: got %+v", why, r)
		}
	}
}

func TestServerRows(t *testing.T) {
	const log = `2026-01-02T03:04:06.5Z stdout F 2026-01-02T03:04:05.000000678Z start
2026-01-02T03:04:06.5Z stderr F something else altogether
2026-01-02T03:04:06.5Z stdout F
2026-01-02T03:04:06.5Z stdout F 2026-01-02T03:04:05.000000678Z request GET /message
`
	want := []row{
		{moment, "web", fromServer, "entrypoint started"},
		{moment, "web", fromServer, "request GET /message"},
	}
	if got := serverRows("web", log); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestKillRows(t *testing.T) {
	const log = `time="2026-01-02T03:04:05.000000678Z" level=info msg="StopContainer for \"a1\" with timeout 60 (s)"
time="2026-01-02T03:04:05.000000678Z" level=info msg="Stop container \"a1\" with signal terminated"
time="2026-01-02T03:04:05.000000678Z" level=info msg="Stop container \"b2\" with signal terminated"
`
	want := []row{{moment, "web", fromContainerd, "CRI plugin sends the shim Kill, signal terminated"}}
	if got := killRows(log, names); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
