package shim

import (
	"cmp"
	"context"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// storeOf returns the store of the records of containers that were created with
// these settings: one for all of them, so that a file system that hangs costs
// one thread.
func (s *Service) storeOf(ctx context.Context, r hooks.Records) *record.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	store := s.stores[r]
	if store == nil {
		store = record.Open(r.Directory, r.RecordLimits)
		store.Log = func(err error) { s.reporter.warn(ctx, err) }
		s.stores[r] = store
	}
	return store
}

// subjectOf is what records call a container. That of a pod has the name that it
// has there, whatever the pod's own annotations say.
func subjectOf(namespace, id string, annotations map[string]string) record.Subject {
	name := annotations[hooks.AnnotationContainerName]
	if annotations[hooks.AnnotationSandboxID] == "" {
		name = cmp.Or(name, annotations[hooks.AnnotationNerdctlName])
	}
	return record.Subject{
		Namespace: namespace, Container: id, Name: name,
		Pod: annotations[hooks.AnnotationSandboxName], PodNamespace: annotations[hooks.AnnotationSandboxNamespace],
		PodUID: annotations[hooks.AnnotationSandboxUID],
	}
}

// postStatus keeps the container's status up to date. It waits for nothing.
func (c *container) postStatus(st taskStatus) {
	status := record.Status{Subject: c.subject, Phase: st.phase.String(), Hook: st.hook, Started: timeOf(st.started), Deadline: timeOf(st.deadline), Undelivered: timeOf(st.undelivered)}
	if h := c.lifecycle.PostStart; h != nil {
		status.PostStart = h.HandlerName()
	}
	if h := c.lifecycle.PreStop; h != nil {
		status.PreStop = h.HandlerName()
	}
	c.store.Post(status)
}

// timeOf is nil for the zero time.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
