package main

import (
	"reflect"
	"testing"
	"time"

	apievents "github.com/containerd/containerd/api/events"
	"google.golang.org/protobuf/types/known/structpb"

	"bookend.dev/bookend/integration"
)

var (
	moment = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	names  = map[string]string{"a1": "web"}
)

func hookFields(t *testing.T, fields map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(fields)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEventRow(t *testing.T) {
	for what, e := range map[string]integration.Event{
		"TaskStart (pid 9)":      {ContainerID: "a1", Payload: &apievents.TaskStart{Pid: 9}},
		"TaskExit (exit code 3)": {ContainerID: "a1", Payload: &apievents.TaskExit{ExitStatus: 3}},
		"preStop hook started (sleep)": {Topic: "/bookend/hook/start", Payload: hookFields(t, map[string]any{
			"container_id": "a1", "hook": "preStop", "handler": "sleep",
		})},
		"postStart hook succeeded (exec) after 12ms": {Topic: "/bookend/hook/success", Payload: hookFields(t, map[string]any{
			"container_id": "a1", "hook": "postStart", "handler": "exec", "duration_ms": 12,
		})},
		"postStart hook failed: FailedPostStartHook: exec: exit status 7": {Topic: "/bookend/hook/failure", Payload: hookFields(t, map[string]any{
			"container_id": "a1", "hook": "postStart", "reason": "FailedPostStartHook", "message": "exec: exit status 7",
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
	for why, e := range map[string]integration.Event{
		"another container": {ContainerID: "b2", Payload: &apievents.TaskStart{}},
		"an exec's exit":    {ContainerID: "a1", ExecID: "x", Payload: &apievents.TaskExit{}},
		"an unknown type":   {ContainerID: "a1"},
		"another's hook": {Topic: "/bookend/hook/start", Payload: hookFields(t, map[string]any{
			"container_id": "b2", "hook": "preStop",
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
