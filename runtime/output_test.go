package runtime

import (
	"strings"
	"testing"
	"time"

	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/containerlog"
)

func TestOutputDrainHasAllThatWasWritten(t *testing.T) {
	o, w, err := newOutput()
	must(t, err)
	var want strings.Builder
	for range 1000 {
		want.WriteString("line\n")
		_, err := w.WriteString("line\n")
		must(t, err)
		if got, all := o.drain(); string(got) != want.String() || all {
			t.Fatalf("%d of %d bytes, all: %t", len(got), want.Len(), all)
		}
	}
	w.Close()
	<-o.end
	if got, all := o.drain(); string(got) != want.String() || !all {
		t.Errorf("after the end: %d of %d bytes, all: %t", len(got), want.Len(), all)
	}
}

func TestOutputForgetsAndReadsOn(t *testing.T) {
	o, w, err := newOutput()
	must(t, err)
	_, err = w.WriteString("before")
	must(t, err)
	o.forget(time.Now())
	for range 100 { // more than a pipe holds: a reader that stopped would block this
		_, err = w.WriteString(strings.Repeat("x", 10000))
		must(t, err)
	}
	if got, _ := o.drain(); got != nil {
		t.Errorf("kept %d bytes", len(got))
	}
	w.Close()
	<-o.end
}

func TestOutputForwardsWhatIsPrinted(t *testing.T) {
	path := newFile(t, "")
	logger, said := logtest.NewNullLogger()
	l, err := containerlog.New(path, "", false)
	must(t, err)
	lines, _ := l.For(hooks.PreStop).Writers(log.WithLogger(t.Context(), logrus.NewEntry(logger)), "c")
	o, w, err := newOutput()
	must(t, err)
	_, err = w.WriteString("before\n")
	must(t, err)
	o.forward(lines)
	_, err = w.WriteString("after\n")
	must(t, err)
	w.Close()
	<-o.end
	o.forget(time.Now().Add(time.Hour))
	o.forward(lines) // it has been forgotten
	wantFile(t, path, "[preStop] before\n[preStop] after\n")
	if entries := said.AllEntries(); len(entries) != 0 {
		t.Errorf("said %v", entries)
	}
}

// A writer without end must not hold drain up.
func TestOutputDrainEndsBesideAFlood(t *testing.T) {
	o, w, err := newOutput()
	must(t, err)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			if _, err := w.WriteString(strings.Repeat("y\n", 4000)); err != nil {
				return
			}
		}
	}()
	for range 100 {
		if got, _ := o.drain(); len(got) > outputTail {
			t.Errorf("%d bytes", len(got))
		}
	}
	w.Close()
	<-stopped
	<-o.end
}
