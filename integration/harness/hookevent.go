package harness

import (
	"fmt"
	"strings"

	apievents "github.com/containerd/containerd/api/events"
)

// HookEvent is what one of bookend's own events says about a hook.
type HookEvent struct {
	Verb        string // start, success, failure, timeout or cancel
	ContainerID string
	Hook        string            // postStart or preStop
	Fields      map[string]string // everything: hook, handler, outcome, reason, message, …
}

// Hook reads an event; ok tells whether it is one of bookend's about a hook.
func (e Event) Hook() (h HookEvent, ok bool) {
	verb, ok := strings.CutPrefix(e.Topic, HookTopics)
	payload, isOurs := e.Payload.(*apievents.ContainerUpdate)
	if !ok || !isOurs {
		return HookEvent{}, false
	}
	fields := payload.GetLabels()
	return HookEvent{Verb: verb, ContainerID: payload.GetID(), Hook: fields["hook"], Fields: fields}, true
}

func (h HookEvent) String() string {
	said := h.Fields
	switch h.Verb {
	case "start":
		return fmt.Sprintf("%s hook started (%s)", h.Hook, said["handler"])
	case "success":
		return fmt.Sprintf("%s hook ended: %s", h.Hook, said["message"])
	case "failure", "timeout":
		return fmt.Sprintf("%s hook failed: %s: %s", h.Hook, said["reason"], said["message"])
	case "cancel":
		return fmt.Sprintf("%s hook cancelled: %s", h.Hook, said["message"])
	default:
		return fmt.Sprintf("%s hook: %s", h.Hook, h.Verb)
	}
}
