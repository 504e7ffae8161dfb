package hookevents

import (
	"strings"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/api/types"
)

// topics is what the topics of bookend's events begin with; the rest is what
// happened: start, success, failure, timeout or cancel.
const topics = "/bookend/hook/"

// Event is one event of a hook.
type Event struct {
	Time      time.Time `json:"time"` // when the shim published it
	Namespace string    `json:"namespace"`
	Container string    `json:"container"` // id
	// What happened: start, success, failure, timeout, cancel.
	What string `json:"what"`
	// Labels are the shim's: hook, handler, and as it applies container_name,
	// outcome, cause, attempts, duration, message, reason, exit_code, signal,
	// http_status, runner.
	Labels map[string]string `json:"labels"`
}

// newEvent reads an envelope of the event bus. An event that is none of ours is
// not ok: anybody may publish.
func newEvent(envelope *types.Envelope) (ev Event, ok bool) {
	var update eventstypes.ContainerUpdate
	if err := envelope.GetEvent().UnmarshalTo(&update); err != nil {
		return Event{}, false
	}
	return Event{
		Time:      envelope.GetTimestamp().AsTime(),
		Namespace: envelope.GetNamespace(),
		Container: update.GetID(),
		What:      strings.TrimPrefix(envelope.GetTopic(), topics),
		Labels:    update.GetLabels(),
	}, true
}
