package main

import (
	"fmt"
	"strings"

	apievents "github.com/containerd/containerd/api/events"

	"bookend.dev/bookend/integration/harness"
)

// hookTopics is what the topics of bookend's events begin with; the rest is
// start, success, failure, timeout or cancel.
const hookTopics = "/bookend/hook/"

// hookEvent is one of bookend's own events.
type hookEvent struct {
	verb        string // the topic's last element
	containerID string
	hook        string // postStart or preStop
	handler     string
	reason      string // Kubernetes' word for the failure
	message     string // what happened
}

// newHookEvent reads e; ok tells whether it is one of bookend's.
func newHookEvent(e harness.Event) (h hookEvent, ok bool) {
	verb, ok := strings.CutPrefix(e.Topic, hookTopics)
	payload, isOurs := e.Payload.(*apievents.ContainerUpdate)
	if !ok || !isOurs {
		return hookEvent{}, false
	}
	said := payload.GetLabels()
	return hookEvent{
		verb:        verb,
		containerID: payload.GetID(),
		hook:        said["hook"],
		handler:     said["handler"],
		reason:      said["reason"],
		message:     said["message"],
	}, true
}

func (h hookEvent) String() string {
	switch h.verb {
	case "start":
		return fmt.Sprintf("%s hook started (%s)", h.hook, h.handler)
	case "success":
		return fmt.Sprintf("%s hook ended: %s", h.hook, h.message)
	case "failure", "timeout":
		return fmt.Sprintf("%s hook failed: %s: %s", h.hook, h.reason, h.message)
	case "cancel":
		return fmt.Sprintf("%s hook cancelled: %s", h.hook, h.message)
	default:
		return fmt.Sprintf("%s hook: %s", h.hook, h.verb)
	}
}
