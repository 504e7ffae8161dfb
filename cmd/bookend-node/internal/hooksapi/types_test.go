package hooksapi

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

func TestARecordIsTheSameAfterTheWire(t *testing.T) {
	zero := 0
	at := time.Date(2026, 3, 4, 12, 0, 0, 5, time.UTC)
	subject := record.Subject{Namespace: "k8s.io", Container: "c", Name: "main", Pod: "web", PodNamespace: "shop", PodUID: "u"}
	for name, want := range map[string]record.Record{
		"ended": {
			Version: 1, ID: "1", Subject: subject, Hook: hooks.PreStop, Handler: "exec", Attempt: 2, Started: at,
			End: record.End{Outcome: hooks.Succeeded, ExitCode: &zero, Stdout: []byte("a\x00\n"), Stderr: []byte("b"), Detail: "d"},
		},
		"running": {Version: 1, ID: "2", Running: true, Subject: subject, Hook: hooks.PreStop, Handler: "exec", Attempt: 1, Started: at},
		"a stop":  {Version: 1, ID: "3", Kind: record.Stop, Subject: subject, StopSignal: "SIGTERM", Started: at, End: record.End{Delivery: record.Ended}},
	} {
		text, err := json.Marshal(LogLine{Record: NewRecord(want)})
		if err != nil {
			t.Fatal(err)
		}
		var line LogLine
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		if got := line.Record.Read(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v\nwire %s", name, got, want, text)
		}
	}
}

func TestAPathCannotBeLeft(t *testing.T) {
	if got, want := Path("shop", "../../api?x=", SubresourceLog), Root+"/namespaces/shop/pods/..%2F..%2Fapi%3Fx=/log"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
