package shim

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
)

// bus stands in for containerd: it takes events when it is let.
type bus struct {
	mu     sync.Mutex
	topics []string
	stall  chan struct{} // nil: never
}

func (b *bus) Publish(_ context.Context, topic string, _ events.Event) error {
	if b.stall != nil {
		<-b.stall
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topics = append(b.topics, topic)
	return nil
}

func (b *bus) Close() error { return nil }

func (b *bus) want(t *testing.T, topics ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.topics, topics) {
		t.Errorf("published %q, want %q", b.topics, topics)
	}
}

var (
	taskStart  = &eventstypes.TaskStart{ContainerID: "c", Pid: 7}
	taskExit   = &eventstypes.TaskExit{ContainerID: "c", ID: "c", Pid: 7}
	taskDelete = &eventstypes.TaskDelete{ContainerID: "c"}
	execExit   = &eventstypes.TaskExit{ContainerID: "c", ID: "exec", Pid: 8}
	namesake   = &eventstypes.TaskExit{ContainerID: "c", ID: "c", Pid: 9} // of an exec
	taskPaused = &eventstypes.TaskPaused{ContainerID: "c"}
)

func publishAll(t *testing.T, p *publisher, evs ...events.Event) {
	t.Helper()
	names := map[events.Event]string{taskStart: "start", taskExit: "exit", taskDelete: "delete", execExit: "exec-exit", taskPaused: "paused", namesake: "namesake"}
	for _, ev := range evs {
		if err := p.Publish(t.Context(), names[ev], ev); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPublisherHoldsTheInitsEventsAndNoOthers(t *testing.T) {
	b := &bus{}
	p := newPublisher(b)
	g := p.add("c")
	g.know(7)
	g.close()
	publishAll(t, p, taskStart, taskPaused, execExit, namesake)
	wantSignal(t, g.exited, false, "an exec that bears its container's id has exited")
	publishAll(t, p, taskExit, taskDelete)
	b.want(t, "paused", "exec-exit", "namesake")
	wantSignal(t, g.exited, true, "a held exit is one all the same")
	wantSignal(t, g.published, false, "a held exit is not out")
	p.release(t.Context(), g)
	b.want(t, "paused", "exec-exit", "namesake", "start", "exit", "delete")
	wantSignal(t, g.published, true, "the exit is out")
}

func wantSignal(t *testing.T, s *latch, want bool, why string) {
	t.Helper()
	got := false
	select {
	case <-s.done:
		got = true
	default:
	}
	if got != want {
		t.Errorf("got %v, want %v: %s", got, want, why)
	}
}

func TestPublisherRemovesOnlyTheGateItIsGiven(t *testing.T) {
	p := newPublisher(&bus{})
	loser := p.add("c")
	winner := p.add("c")
	p.remove("c", loser)
	if p.gate("c") != winner {
		t.Error("the gate of another Create is gone")
	}
}

func TestPublisherPassesWhatComesAfterTheRelease(t *testing.T) {
	b := &bus{}
	p := newPublisher(b)
	p.add("c").close()
	p.release(t.Context(), p.gate("c")) // before the event: the inner service queues it
	publishAll(t, p, taskStart, taskExit)
	b.want(t, "start", "exit")
}

func TestPublisherKeepsOrderWhileReleasing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bus{stall: make(chan struct{})}
		p := newPublisher(b)
		p.add("c").close()
		publishAll(t, p, taskStart)
		released := make(chan struct{})
		go func() {
			defer close(released)
			p.release(t.Context(), p.gate("c"))
		}()
		synctest.Wait() // the release is stuck in containerd, with TaskStart
		publishAll(t, p, taskExit)
		b.want(t)
		close(b.stall)
		<-released
		b.want(t, "start", "exit")
	})
}

func TestPublisherLeavesOtherContainersAlone(t *testing.T) {
	b := &bus{}
	p := newPublisher(b)
	p.add("other").close()
	publishAll(t, p, taskStart, taskExit)
	b.want(t, "start", "exit")
}
