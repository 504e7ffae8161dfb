package main

import (
	"testing"
	"time"
)

func TestTimelineRendersByTimeInColumns(t *testing.T) {
	zero := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(us int) time.Time { return zero.Add(time.Duration(us) * time.Microsecond) }
	var tl timeline
	tl.add(row{at(12345_600), "web", fromServer, "exit"})
	tl.add(row{at(0), "lifecycle-demo", fromCRI, "RunPodSandbox"})
	tl.add(row{at(20_000), "web", fromEvent, "first of one moment"}, row{at(20_000), "web", fromCRI, "second of one moment"})
	tl.add(row{at(30_040), "broken", fromCRI, "two\nlines\n"})
	want := `       ms  container       source      what
      0.0  lifecycle-demo  CRI call    RunPodSandbox
     20.0  web             event       first of one moment
     20.0  web             CRI call    second of one moment
     30.0  broken          CRI call    two
                                       lines
  12345.6  web             server log  exit
`
	if got := tl.render(zero); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
