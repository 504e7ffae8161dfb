package shim

import (
	"context"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

func (s *Service) handler(c *container, t *runtime.Container, h *hooks.Hook, j *journal) hooks.Handler {
	switch {
	case h.Exec != nil:
		e := &recordedExec{container: c, journal: j, point: h.Point, handler: func(late func(stdout, stderr []byte)) hooks.Handler {
			return s.executor.Handler(*t, h.Exec, c.linesOf(h), late)
		}}
		return pausable{service: s, container: c, Handler: e}
	case h.HTTPGet != nil:
		return networked{init: t.Init, spec: h.HTTPGet}
	default:
		return h.Sleep
	}
}

// recordedExec gives each attempt of an exec hook a handler whose late output
// goes into the record of that attempt. What was begun of a postStart is for the
// first that comes to run; until then it is the container's, to be discarded.
type recordedExec struct {
	container *container
	journal   *journal
	point     hooks.Point
	handler   func(late func(stdout, stderr []byte)) hooks.Handler
}

// Run implements [hooks.Handler].
func (e *recordedExec) Run(ctx context.Context) hooks.Report {
	if e.point == hooks.PostStart {
		if begun := e.container.begun.Swap(nil); begun != nil {
			e.container.begunEntry.Store(e.journal.entry)
			return begun.Run(ctx)
		}
	}
	return e.handler(lateOutput(e.journal.entry)).Run(ctx)
}

// networked opens the container's network for one attempt: the descriptors of
// its namespaces are held no longer than that.
type networked struct {
	init runtime.Init
	spec *hooks.HTTPGet
}

// Run implements [hooks.Handler].
func (n networked) Run(ctx context.Context) hooks.Report {
	network, err := runtime.OpenNetwork(n.init)
	if err != nil {
		return hooks.NetworkFailure(err)
	}
	defer network.Close()
	return hooks.NewHTTPHandler(n.spec, network, Version).Run(ctx)
}
