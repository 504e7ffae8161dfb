package record

import (
	"os"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

// undelivered is a stop signal that was due a while ago.
func undelivered(container string) Record {
	return Record{
		Subject: Subject{Namespace: "k8s.io", Container: container}, Kind: Stop, StopSignal: "SIGTERM",
		Started: time.Now().Add(-10 * time.Second), End: End{Detail: "runc: no such file"},
	}
}

func TestAStopIsRecordedUntilItIsDelivered(t *testing.T) {
	for _, delivery := range []Delivery{Delivered, Ended} {
		s := newStore(t, Limits{})
		begun := undelivered("c")
		e := s.Begin(begun)
		r := only(t, s)
		if !r.Running || r.Outcome != "" || r.Delivery != "" || r.Kind != Stop || r.StopSignal != "SIGTERM" || r.Detail != "runc: no such file" || !r.Started.Equal(begun.Started) {
			t.Errorf("while it is undelivered: %+v", r)
		}
		e.End(End{Delivery: delivery, DurationSeconds: 42})
		r = only(t, s)
		if r.Running || r.Outcome != "" || r.Delivery != delivery || r.DurationSeconds != 42 || r.Detail != "runc: no such file" {
			t.Errorf("after its end: %+v", r)
		}
	}
}

func TestAStopSaysNothingOfHooks(t *testing.T) {
	s := newStore(t, Limits{})
	s.Begin(undelivered("c")).End(End{Delivery: Delivered})
	data, err := os.ReadFile(onlyFile(t, s))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"hook", "handler", "attempt", "outcome"} {
		if strings.Contains(string(data), `"`+field+`"`) {
			t.Errorf("the file has %q: %s", field, data)
		}
	}
	first, _, _ := strings.Cut(string(data), "\n")
	if !strings.Contains(first, `"kind":"stop"`) || !strings.Contains(first, `"stopSignal":"SIGTERM"`) || !strings.Contains(first, `"detail":"runc: no such file"`) {
		t.Errorf("first line %s", first)
	}
}

func TestAStopWhoseShimDiedIsUnknown(t *testing.T) {
	s := newStore(t, Limits{})
	e := s.Begin(undelivered("dead"))
	done := s.Begin(undelivered("dead"))
	done.End(End{Delivery: Ended})
	s.flush()
	e.file.Close() // what the kernel does with a process that is killed
	unknown := func(detail string) {
		t.Helper()
		for _, r := range list(t, s) {
			if r.ID+extension == done.name {
				if r.Delivery != Ended || r.Outcome != "" || r.Detail != "runc: no such file" {
					t.Errorf("the one that had ended: %+v", r)
				}
			} else if r.Outcome != hooks.Unknown || r.Running || r.Delivery != "" || r.Detail != detail {
				t.Errorf("got %+v, want it Unknown, with detail %q", r, detail)
			}
		}
	}
	unknown("runc: no such file")
	s.Abandon("k8s.io", "dead")
	unknown("runc: no such file; the shim died before the stop signal was sent")
	if err := complete(s.recordPath(done.name)); err != nil { // it has ended since it was read
		t.Fatal(err)
	}
	unknown("runc: no such file; the shim died before the stop signal was sent")
}

func TestAFollowerSeesAStopDelivered(t *testing.T) {
	s := newStore(t, Limits{})
	f := s.Follow()
	poll := func() []Record {
		t.Helper()
		records, skipped, err := f.Poll()
		if skipped != nil || err != nil {
			t.Errorf("Poll: skipped %v, %v", skipped, err)
		}
		return records
	}
	e := s.Begin(undelivered("c"))
	if got := poll(); len(got) != 1 || !got[0].Running {
		t.Errorf("at first: %+v", got)
	}
	if got := poll(); len(got) != 0 {
		t.Errorf("while nothing changes: %+v", got)
	}
	e.End(End{Delivery: Delivered})
	if got := poll(); len(got) != 1 || got[0].Running || got[0].Delivery != Delivered {
		t.Errorf("delivered: %+v", got)
	}
	if got := poll(); len(got) != 0 {
		t.Errorf("after that: %+v", got)
	}
}

func TestWhatCannotBeWrittenOfAStopIsNamed(t *testing.T) {
	e := &Entry{first: undelivered("c")}
	if got, want := e.failed("begin", os.ErrPermission).Error(), "begin the record of stop SIGTERM of container c: permission denied"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e.first = example("c", 2)
	if got, want := e.failed("end", os.ErrPermission).Error(), "end the record of attempt 2 of postStart of container c: permission denied"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
