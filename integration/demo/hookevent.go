package main

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"bookend.dev/bookend/integration"
)

// hookTopics is what the topics of bookend's events begin with; the rest is
// start, success, failure or cancel.
const hookTopics = "/bookend/hook/"

// hookEvent is one of bookend's own events.
type hookEvent struct {
	verb        string // the topic's last element
	containerID string
	hook        string // postStart or preStop
	handler     string
	reason      string // Kubernetes' word for the failure
	message     string // what happened, where it was no success
	durationMS  float64
}

// newHookEvent reads e; ok tells whether it is one of bookend's.
func newHookEvent(e integration.Event) (h hookEvent, ok bool) {
	verb, ok := strings.CutPrefix(e.Topic, hookTopics)
	payload, isStruct := e.Payload.(*structpb.Struct)
	if !ok || !isStruct {
		return hookEvent{}, false
	}
	text := func(name string) string { return payload.GetFields()[name].GetStringValue() }
	return hookEvent{
		verb:        verb,
		containerID: text("container_id"),
		hook:        text("hook"),
		handler:     text("handler"),
		reason:      text("reason"),
		message:     text("message"),
		durationMS:  payload.GetFields()["duration_ms"].GetNumberValue(),
	}, true
}

func (h hookEvent) String() string {
	switch h.verb {
	case "start":
		return fmt.Sprintf("%s hook started (%s)", h.hook, h.handler)
	case "success":
		return fmt.Sprintf("%s hook succeeded (%s) after %gms", h.hook, h.handler, h.durationMS)
	case "failure":
		return fmt.Sprintf("%s hook failed: %s: %s", h.hook, h.reason, h.message)
	case "cancel":
		return fmt.Sprintf("%s hook cancelled: %s", h.hook, h.message)
	default:
		return fmt.Sprintf("%s hook: %s", h.hook, h.verb)
	}
}
