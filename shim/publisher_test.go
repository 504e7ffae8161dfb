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
	taskPaused = &eventstypes.TaskPaused{ContainerID: "c"}
)

func publishAll(t *testing.T, p *publisher, evs ...events.Event) {
	t.Helper()
	names := map[events.Event]string{taskStart: "start", taskExit: "exit", taskDelete: "delete", execExit: "exec-exit", taskPaused: "paused"}
	for _, ev := range evs {
		if err := p.Publish(t.Context(), names[ev], ev); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPublisherHoldsTheInitsEventsAndNoOthers(t *testing.T) {
	b := &bus{}
	exits := 0
	p := newPublisher(b, func(id string, pid uint32) {
		if id == "c" && pid == 7 {
			exits++
		}
	})
	g := p.add("c")
	g.close()
	publishAll(t, p, taskStart, taskPaused, execExit, taskExit, taskDelete)
	b.want(t, "paused", "exec-exit")
	if exits != 1 {
		t.Errorf("told of %d exits, want 1: a held exit is one all the same", exits)
	}
	select {
	case <-g.published:
		t.Error("a held exit counts as published")
	default:
	}
	p.release(t.Context(), "c")
	b.want(t, "paused", "exec-exit", "start", "exit", "delete")
	<-g.published
}

func TestPublisherPassesWhatComesAfterTheRelease(t *testing.T) {
	b := &bus{}
	p := newPublisher(b, func(string, uint32) {})
	p.add("c").close()
	p.release(t.Context(), "c") // before the event: the inner service queues it
	publishAll(t, p, taskStart, taskExit)
	b.want(t, "start", "exit")
}

func TestPublisherKeepsOrderWhileReleasing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bus{stall: make(chan struct{})}
		p := newPublisher(b, func(string, uint32) {})
		p.add("c").close()
		publishAll(t, p, taskStart)
		released := make(chan struct{})
		go func() {
			defer close(released)
			p.release(t.Context(), "c")
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
	p := newPublisher(b, func(string, uint32) {})
	p.add("other").close()
	publishAll(t, p, taskStart, taskExit)
	b.want(t, "start", "exit")
}
