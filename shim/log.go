package shim

import (
	"context"

	"github.com/containerd/log"
	"github.com/sirupsen/logrus"

	"bookend.dev/bookend/hooks"
)

// withLevel returns ctx with a logger for what bookend says about one container:
// at the level of the node's configuration, if that names one. The logger is a
// new one that writes to the same place: the shim's own is that of every
// container of the pod, and of the service that is wrapped.
func withLevel(ctx context.Context, node *hooks.Config) context.Context {
	level, err := logrus.ParseLevel(node.Log.Level)
	if err != nil {
		return ctx // empty: the grammar knows the same levels
	}
	entry := log.G(ctx)
	own := logrus.New()
	own.Out, own.Formatter, own.Hooks, own.Level = entry.Logger.Out, entry.Logger.Formatter, entry.Logger.Hooks, level
	return log.WithLogger(ctx, own.WithFields(entry.Data))
}
