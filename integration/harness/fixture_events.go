package harness

import (
	"slices"
	"strings"

	apievents "github.com/containerd/containerd/api/events"
)

// Topics are those of the task's events so far, its execs left out.
func (f *Fixture) Topics() []string {
	var topics []string
	for _, e := range f.Events.Of(f.ID) {
		if strings.HasPrefix(e.Topic, "/tasks/") && e.ExecID == "" {
			topics = append(topics, e.Topic)
		}
	}
	return topics
}

// WantTopics waits for the last of topics and compares all of the task's own.
func (f *Fixture) WantTopics(topics ...string) {
	f.tb.Helper()
	f.WantTopic(topics[len(topics)-1])
	if got := f.Topics(); !slices.Equal(got, topics) {
		f.tb.Errorf("events %q, want %q", got, topics)
	}
}

// WantTopic waits for an event of the task.
func (f *Fixture) WantTopic(topic string) {
	f.tb.Helper()
	if _, err := f.Events.WaitTopic(f.tb.Context(), topic, f.ID); err != nil {
		f.tb.Error(err)
	}
}

// HookFields are what one of bookend's own events says about a hook of a
// container; ok is false for other events and containers.
func (e Event) HookFields(id string) (fields map[string]string, ok bool) {
	payload, ok := e.Payload.(*apievents.ContainerUpdate)
	if !ok || !strings.HasPrefix(e.Topic, "/bookend/hook/") {
		return nil, false
	}
	return payload.Labels, payload.ID == id
}

// WantHookEvent waits for an event of a hook, of which verb is the last element of
// the topic, and returns its fields.
func (f *Fixture) WantHookEvent(hook, verb string) map[string]string {
	f.tb.Helper()
	var found map[string]string
	_, err := f.Events.WaitFor(f.tb.Context(), func(e Event) bool {
		fields, ok := e.HookFields(f.ID)
		if ok && e.Topic == "/bookend/hook/"+verb && fields["hook"] == hook {
			found = fields
			return true
		}
		return false
	})
	if err != nil {
		f.tb.Errorf("event %s of %s: %v", verb, hook, err)
	}
	return found
}

// HookRuns counts how often a hook was started.
func (f *Fixture) HookRuns(hook string) int {
	n := 0
	for _, e := range f.Events.All() {
		if fields, ok := e.HookFields(f.ID); ok && e.Topic == "/bookend/hook/start" && fields["hook"] == hook {
			n++
		}
	}
	return n
}
