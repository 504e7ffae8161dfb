package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apievents "github.com/containerd/containerd/api/events"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// EventLog records all events of a daemon in the order in which they come, over
// restarts of containerd. It is safe for concurrent use.
type EventLog struct {
	stop context.CancelFunc
	done chan struct{} // closed once nothing is recorded any more

	mu      sync.Mutex
	events  []Event
	synced  string        // the last of our own events that came back
	changed chan struct{} // closed and replaced with each event
}

// syncTopic carries the events by which a subscription is known to be there.
const syncTopic = "/bookend/integration/sync"

// Events starts a log; it holds every event published after Events returned,
// and after each [Daemon.Relaunch]. The caller owes a Close.
func (d *Daemon) Events(ctx context.Context) (*EventLog, error) {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &EventLog{stop: stop, done: make(chan struct{}), changed: make(chan struct{})}
	go l.follow(background, d.Client)
	if err := l.sync(ctx, d.Client); err != nil {
		l.Close()
		return nil, err
	}
	d.logs = append(d.logs, l)
	return l, nil
}

// syncEvents waits until the logs that are open follow the containerd that runs
// now.
func (d *Daemon) syncEvents(ctx context.Context) error {
	d.logs = slices.DeleteFunc(d.logs, (*EventLog).closed)
	for _, l := range d.logs {
		if err := l.sync(ctx, d.Client); err != nil {
			return err
		}
	}
	return nil
}

// sync publishes events of its own until one comes back.
func (l *EventLog) sync(ctx context.Context, client *containerd.Client) error {
	name := NewID("sync")
	ctx = namespaces.WithNamespace(ctx, TaskNamespace)
	return Poll(ctx, ReadyTimeout, "event subscription", func() error {
		if err := client.EventService().Publish(ctx, syncTopic, &apievents.NamespaceCreate{Name: name}); err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.synced != name {
			return errors.New("no event came back")
		}
		return nil
	})
}

// follow subscribes, again and again while containerd restarts, until ctx ends.
func (l *EventLog) follow(ctx context.Context, client *containerd.Client) {
	defer close(l.done)
	retry := time.NewTicker(pollInterval)
	defer retry.Stop()
	for ctx.Err() == nil {
		stream, errs := client.Subscribe(ctx)
		for open := true; open; {
			select {
			case envelope := <-stream:
				l.append(newEvent(envelope))
			case <-errs: //nolint:errcheck // why the stream ended is of no matter: it is opened again
				open = false
			}
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
		}
	}
}

func (l *EventLog) append(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := e.Payload.(*apievents.NamespaceCreate); ok && e.Topic == syncTopic {
		l.synced = p.GetName()
		return
	}
	l.events = append(l.events, e)
	close(l.changed)
	l.changed = make(chan struct{})
}

// Close ends the recording; what was recorded stays.
func (l *EventLog) Close() {
	l.stop()
	<-l.done
}

func (l *EventLog) closed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// All returns the events so far.
func (l *EventLog) All() []Event { return l.Of("") }

// Of returns the events of one container so far; of all where id is empty.
func (l *EventLog) Of(id string) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Event
	for _, e := range l.events {
		if id == "" || e.ContainerID == id {
			found = append(found, e)
		}
	}
	return found
}

// WaitFor returns the first event, past or coming, that match accepts. It gives
// up after a minute: shims do lose events.
func (l *EventLog) WaitFor(ctx context.Context, match func(Event) bool) (Event, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit(ReadyTimeout))
	defer cancel()
	for seen := 0; ; {
		l.mu.Lock()
		news, changed := l.events[seen:], l.changed
		l.mu.Unlock()
		for _, e := range news {
			if match(e) {
				return e, nil
			}
		}
		seen += len(news)
		select {
		case <-changed:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("wait for an event: %w; there were %v", ctx.Err(), l.All())
		}
	}
}

// WaitTopic is [EventLog.WaitFor] for a topic of a container; exec processes'
// events are passed over.
func (l *EventLog) WaitTopic(ctx context.Context, topic, id string) (Event, error) {
	e, err := l.WaitFor(ctx, func(e Event) bool {
		return e.Topic == topic && e.ContainerID == id && e.ExecID == ""
	})
	if err != nil {
		return e, fmt.Errorf("%s of %s: %w", topic, id, err)
	}
	return e, nil
}
