package manifest

import (
	"slices"
	"strings"

	"bookend.dev/bookend/hooks"
	"github.com/moby/sys/signal"
)

// stopSignal warns of hooks that the client's stop signal may not trigger. In
// Kubernetes a stopSignal replaces the image's; to the shim it is only what is
// sent in place of the one that came.
func (r *reporter) stopSignal(v *value, l *hooks.Lifecycle, by limits) {
	switch {
	case by.stopSignal != "":
		if s, err := signal.ParseSignal(by.stopSignal); err == nil && l.PreStop != nil && !slices.Contains(l.StopSignals, s) {
			r.warn(v, []string{hooks.FieldPreStop},
				"does not run: the container is stopped with %s, which is none of its stop signals; write stopSignals: [SIGTERM, %s]", by.stopSignal, "SIG"+strings.TrimPrefix(by.stopSignal, "SIG"))
		}
	case l.StopSignal != 0 && field(v.root, hooks.FieldStopSignals) == nil:
		r.warn(v, []string{hooks.FieldStopSignal},
			"takes the place of SIGTERM, SIGINT, SIGQUIT and SIGRTMIN+3 only: if the image's STOPSIGNAL is another, that one is sent as it is and no preStop runs; add stopSignals with it")
	}
}
