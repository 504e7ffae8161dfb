package hookevents

import (
	"path"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/api/types"

	"bookend.dev/bookend/hooks"
)

// Undelivered happened to a stop signal that could not be sent.
var Undelivered = path.Base(hooks.UndeliveredTopic)

// Event is one event of a hook, or of a stop signal that could not be sent.
type Event struct {
	Time      time.Time `json:"time"` // when the shim published it
	Namespace string    `json:"namespace"`
	Container string    `json:"container"` // id
	// What happened: start, success, failure, timeout or cancel of a hook, or
	// [Undelivered].
	What string `json:"what"`
	// Labels are the shim's, by [hooks.LabelHook] and the other names there.
	Labels map[string]string `json:"labels"`
}

// newEvent reads an envelope of the event bus. It is not ok if it is not one of
// bookend's: anyone may publish.
func newEvent(envelope *types.Envelope) (ev Event, ok bool) {
	var update eventstypes.ContainerUpdate
	if err := envelope.GetEvent().UnmarshalTo(&update); err != nil {
		return Event{}, false
	}
	return Event{
		Time:      envelope.GetTimestamp().AsTime(),
		Namespace: envelope.GetNamespace(),
		Container: update.GetID(),
		What:      path.Base(envelope.GetTopic()),
		Labels:    update.GetLabels(),
	}, true
}
