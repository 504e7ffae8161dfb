package harness

import (
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/typeurl/v2"
)

// Event is one event of containerd's bus.
type Event struct {
	Namespace string
	Topic     string    // "/tasks/start"
	Time      time.Time // when it was published
	// Payload is the decoded message, such as *events.TaskExit; nil where its
	// type is not known here.
	Payload any
	// ContainerID and ExecID are those of the payload, empty where it has none.
	// The events of an init carry the container's id as that of the process, and
	// are given an empty ExecID here.
	ContainerID, ExecID string
}

func (e Event) String() string {
	s := strings.TrimSpace(e.Topic + " " + e.ContainerID)
	if e.ExecID != "" {
		s += " exec " + e.ExecID
	}
	return s
}

func newEvent(envelope *events.Envelope) Event {
	e := Event{Namespace: envelope.Namespace, Topic: envelope.Topic, Time: envelope.Timestamp}
	payload, err := typeurl.UnmarshalAny(envelope.Event)
	if err != nil {
		return e
	}
	e.Payload = payload
	if p, ok := payload.(interface{ GetContainerID() string }); ok {
		e.ContainerID = p.GetContainerID()
	}
	switch p := payload.(type) {
	case interface{ GetExecID() string }:
		e.ExecID = p.GetExecID()
	case interface{ GetID() string }:
		if e.ContainerID == "" { // of a container, not of a task
			e.ContainerID = p.GetID()
		}
		e.ExecID = p.GetID()
	}
	if e.ExecID == e.ContainerID {
		e.ExecID = ""
	}
	return e
}
