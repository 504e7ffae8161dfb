package shim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"

	"bookend.dev/bookend/hooks"
)

// publishFunc is a publisher of the test's own.
type publishFunc func(topic string, event events.Event) error

func (f publishFunc) Publish(_ context.Context, topic string, event events.Event) error {
	return f(topic, event)
}

func TestEveryOutcomeHasItsTopic(t *testing.T) {
	for outcome, want := range map[hooks.Outcome]struct{ topic, reason string }{
		"":              {"/bookend/hook/start", ""},
		hooks.Succeeded: {"/bookend/hook/success", ""},
		hooks.Failed:    {"/bookend/hook/failure", "FailedPreStopHook"},
		hooks.TimedOut:  {"/bookend/hook/timeout", "FailedPreStopHook"},
		hooks.Cancelled: {"/bookend/hook/cancel", ""},
	} {
		var topics []string
		var labels map[string]string
		r := &reporter{publisher: publishFunc(func(topic string, event events.Event) error {
			topics = append(topics, topic)
			labels = event.(*eventstypes.ContainerUpdate).GetLabels()
			return nil
		})}
		h := hookReport{id: "c", point: hooks.PreStop, kind: "exec"}
		if outcome != "" {
			h.result = &hooks.Result{Point: hooks.PreStop, Handler: "exec", Outcome: outcome}
		}
		r.publish(t.Context(), h)
		if len(topics) != 1 || topics[0] != want.topic || labels["reason"] != want.reason || labels["outcome"] != string(outcome) || labels["hook"] != "preStop" {
			t.Errorf("%s: published under %q with %v; want %q, reason %q", outcome, topics, labels, want.topic, want.reason)
		}
	}
}

// loggerTo is a logger of its own that writes to w.
func loggerTo(w io.Writer) *log.Entry {
	l := logrus.New()
	l.SetOutput(w)
	l.SetLevel(logrus.DebugLevel)
	return logrus.NewEntry(l)
}

func TestTheLogSaysTheCauseAlone(t *testing.T) {
	for _, outcome := range []hooks.Outcome{hooks.Succeeded, hooks.Failed, hooks.TimedOut, hooks.Cancelled} {
		var said bytes.Buffer
		h := hookReport{logger: loggerTo(&said), id: "c", point: hooks.PostStart, kind: "httpGet"}
		h.result = &hooks.Result{Point: hooks.PostStart, Handler: "httpGet", Outcome: outcome, Attempts: 2, Report: hooks.Report{
			Cause: hooks.CauseConnect, Err: errors.New(`Get "http://10.0.0.1/drain?token=secret": connection refused`),
		}}
		h.log()
		for _, secret := range []string{"secret", "drain", "10.0.0.1"} {
			if strings.Contains(said.String(), secret) {
				t.Errorf("%s: the log says %s", outcome, said.String())
			}
		}
		if !strings.Contains(said.String(), "httpGet: connection failed after 0s") {
			t.Errorf("%s: the log says %s; want the cause", outcome, said.String())
		}
	}
}

// reportsOf runs a reporter, tells it of a start and a success, shuts its shim
// down and returns what it published, how long the end of the shim took, and the
// log. publish is called for each event.
func reportsOf(t *testing.T, publish func(ctx context.Context)) (topics []string, took time.Duration, said string) {
	t.Helper()
	var logged bytes.Buffer
	var published []string
	ctx, sd := shutdown.WithShutdown(log.WithLogger(t.Context(), loggerTo(&logged)))
	stop, cancel := context.WithCancel(t.Context())
	r := newReporter(ctx, publishFunc(func(topic string, _ events.Event) error {
		publish(stop)
		published = append(published, topic)
		return nil
	}), sd)
	for _, res := range []*hooks.Result{nil, {Point: hooks.PreStop, Handler: "sleep", Outcome: hooks.Succeeded}} {
		r.tell(hookReport{logger: log.G(ctx), id: "c", point: hooks.PreStop, kind: "sleep", result: res})
	}
	begun := time.Now()
	sd.Shutdown()
	<-sd.Done()
	took = time.Since(begun)
	topics, said = slices.Clone(published), logged.String()
	cancel()
	return topics, took, said
}

// after waits, or until the test has seen enough.
func after(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func TestTheShimEndsWhenWhatWasToldIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics, took, _ := reportsOf(t, func(ctx context.Context) { after(ctx, 2*time.Second) })
		if want := []string{"/bookend/hook/start", "/bookend/hook/success"}; !slices.Equal(topics, want) || took != 4*time.Second {
			t.Errorf("published %q in %s, want %q in 4s", topics, took, want)
		}
	})
}

func TestTheShimEndsThoughNobodyTakesItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics, took, said := reportsOf(t, func(ctx context.Context) { after(ctx, time.Hour) })
		if len(topics) > 0 || took != flushBound {
			t.Errorf("published %q in %s, want nothing in %s", topics, took, flushBound)
		}
		if !strings.Contains(said, "hook ended: Succeeded") || !strings.Contains(said, "not taken within 5s") {
			t.Errorf("the log says %s; want it to wait for no event", said)
		}
	})
}

func TestTellingNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, said := io.Pipe() // a log that nobody reads
		ctx, sd := shutdown.WithShutdown(log.WithLogger(t.Context(), loggerTo(said)))
		r := newReporter(ctx, publishFunc(func(string, events.Event) error { return nil }), sd)
		for range 2 * reportBacklog {
			r.tell(hookReport{logger: log.G(ctx), id: "c", point: hooks.PreStop, kind: "sleep"})
		}
		lines := make(chan string)
		go func() {
			data, _ := io.ReadAll(stuck)
			lines <- string(data)
		}()
		sd.Shutdown()
		<-sd.Done()
		said.Close()
		if got := <-lines; !strings.Contains(got, " were dropped") {
			t.Error("the log does not say that reports were dropped")
		}
	})
}

func TestASignalIsSentAgainThoughTheLogHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, said := io.Pipe() // a log that nobody reads yet
		ctx, sd := shutdown.WithShutdown(log.WithLogger(t.Context(), loggerTo(said)))
		s := &Service{reporter: newReporter(ctx, publishFunc(func(string, events.Event) error { return nil }), sd)}
		c := &container{id: "c", logger: log.G(ctx)}
		back := make(chan struct{})
		go func() {
			s.unsent(c, sigterm, 1, errRuntime)
			s.unsent(c, sigterm, 2, nil)
			close(back)
		}()
		synctest.Wait()
		select {
		case <-back:
		default:
			t.Error("it waits for the log")
		}
		lines := make(chan string)
		go func() {
			data, _ := io.ReadAll(stuck)
			lines <- string(data)
		}()
		sd.Shutdown()
		<-sd.Done()
		<-back
		said.Close()
		got := <-lines
		for _, want := range []string{"SIGTERM could not be sent; it is sent again", "attempt=1", errRuntime.Error(), "SIGTERM was sent and the init has not exited", "attempt=2"} {
			if !strings.Contains(got, want) {
				t.Errorf("the log says %q; want %s", got, want)
			}
		}
	})
}
