package shim

import (
	"context"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
	"bookend.dev/bookend/runtime/netns"
)

func (s *Service) handler(c *container, t *runtime.Container, h *hooks.Hook) hooks.Handler {
	switch {
	case h.Exec != nil:
		e := s.executor.Handler(*t, h.Exec, c.linesOf(h))
		if h.Point == hooks.PostStart {
			e = begunFirst{container: c, Handler: e}
		}
		return pausable{service: s, container: c, Handler: e}
	case h.HTTPGet != nil:
		return networked{init: t.Init, spec: h.HTTPGet}
	default:
		return h.Sleep
	}
}

// begunFirst runs what was begun of a postStart, which is for the first attempt
// that comes to run; until then it is the container's, to be discarded.
type begunFirst struct {
	container *container
	hooks.Handler
}

// Run implements [hooks.Handler].
func (b begunFirst) Run(ctx context.Context) hooks.Report {
	if begun := b.container.begun.Swap(nil); begun != nil {
		return begun.Run(ctx)
	}
	return b.Handler.Run(ctx)
}

// networked opens the container's network for one attempt: the descriptors of
// its namespaces are held no longer than that.
type networked struct {
	init runtime.Init
	spec *hooks.HTTPGet
}

// Run implements [hooks.Handler].
func (n networked) Run(ctx context.Context) hooks.Report {
	network, err := netns.Open(n.init.Process)
	if err != nil {
		return hooks.NetworkFailure(err)
	}
	defer network.Close()
	return hooks.NewHTTPHandler(n.spec, network, Version).Run(ctx)
}
