package shim

import (
	"cmp"
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
	"bookend.dev/bookend/runtime"
)

// storeOf returns the store of the records of containers that were created with
// these settings: one for all of them, so that a file system that hangs costs
// one thread.
func (s *Service) storeOf(ctx context.Context, r hooks.Records) *record.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	store := s.stores[r]
	if store == nil {
		store = openStore(r)
		store.Log = func(err error) { s.reporter.warn(ctx, err) }
		s.stores[r] = store
	}
	return store
}

func openStore(r hooks.Records) *record.Store {
	return record.Open(r.Directory, record.Limits{
		MaxAge: r.MaxAge, MaxCount: r.MaxCount, MaxBytes: r.MaxBytes,
		MaxCountPerContainer: r.MaxCountPerContainer, MaxBytesPerContainer: r.MaxBytesPerContainer,
	})
}

// records returns where the records of a container are to go.
func (n nodeConfig) records() hooks.Records {
	if cfg, err := n.load(); err == nil && cfg != nil {
		return cfg.Records
	}
	return hooks.DefaultRecords()
}

// ownRuntime tells whether exec hooks go through the container's own runtime.
func (n nodeConfig) ownRuntime() bool {
	cfg, err := n.load()
	return err == nil && cfg != nil && cfg.Exec.Entry == hooks.EntryRuntime
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
	}
}

// show keeps the container's status up to date. It waits for nothing.
func (c *container) show(st standing) {
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

// leftRecords is where containers of dead shims have records: their ids by
// directory.
type leftRecords map[string][]string

// recordsOf asks the bundles, which are there as long as nothing has been
// cleaned up.
func recordsOf(ctx context.Context, bundles string, ids []string) leftRecords {
	left := leftRecords{}
	for _, id := range ids {
		dir, err := runtime.ReadRecordsDir(filepath.Join(bundles, id))
		if err != nil {
			log.G(ctx).WithError(err).Warn("bookend: records of a dead shim")
		}
		if dir != "" {
			left[dir] = append(left[dir], id)
		}
	}
	return left
}

// abandon completes the records of containers whose shims died, and does
// nothing to those of a shim that lives. It is for the process that cleans up
// after shims.
func (l leftRecords) abandon(ctx context.Context) {
	namespace, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return
	}
	var all sync.WaitGroup
	for dir, ids := range l { // side by side: each may hang, until its time is up
		all.Go(func() {
			store := record.Open(dir, record.Limits{})
			store.Log = func(err error) { log.G(ctx).WithError(err).Warn("bookend: records of a dead shim") }
			store.Abandon(namespace, ids...)
		})
	}
	all.Wait()
}
