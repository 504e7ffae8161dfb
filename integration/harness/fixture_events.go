package harness

import (
	"slices"
	"strings"
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

// WantHookEvent waits for an event of a hook and returns its fields.
func (f *Fixture) WantHookEvent(hook, verb string) map[string]string {
	f.tb.Helper()
	var found map[string]string
	_, err := f.Events.WaitFor(f.tb.Context(), func(e Event) bool {
		h, ok := e.Hook()
		if ok && h.ContainerID == f.ID && h.Verb == verb && h.Hook == hook {
			found = h.Fields
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
		if h, ok := e.Hook(); ok && h.ContainerID == f.ID && h.Verb == "start" && h.Hook == hook {
			n++
		}
	}
	return n
}
