package shim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	runctask "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/containerd/v2/pkg/sys/reaper"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/containerd/v2/version"
	runcC "github.com/containerd/go-runc"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
	"bookend.dev/bookend/runtime"
	"bookend.dev/bookend/shim/bootstrap"
)

// Main runs the shim: its start, delete and info actions, or the service. Where
// containerd's library fails it ends the process itself.
func Main() error {
	// What containerd's command line prints under -v is the shim's own version.
	version.Version, version.Revision, version.Package = Version, "", "bookend.dev/bookend"
	var served *Service // nil: another action than to serve
	registry.Register(&plugin.Registration{
		Type:     plugins.TTRPCPlugin,
		ID:       "task",
		Requires: []plugin.Type{plugins.EventPlugin, plugins.InternalPlugin},
		InitFn: func(ic *plugin.InitContext) (_ any, err error) {
			served, err = initTask(ic)
			return served, err
		},
	})
	err := bootstrap.Run(func() { shim.RunShim(context.Background(), newManager()) })
	if served != nil {
		served.publisher.closed.await(context.Background(), flushBound)
	}
	return err
}

func initTask(ic *plugin.InitContext) (*Service, error) {
	pub, err := ic.GetByID(plugins.EventPlugin, "publisher")
	if err != nil {
		return nil, err
	}
	sd, err := ic.GetByID(plugins.InternalPlugin, "shutdown")
	if err != nil {
		return nil, err
	}
	return newService(ic.Context, pub.(shim.Publisher), sd.(shutdown.Service))
}

// newService wraps the stock task service.
func newService(ctx context.Context, pub shim.Publisher, sd shutdown.Service) (*Service, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("path of the shim: %w", err)
	}
	s := &Service{
		reporter: newReporter(ctx, pub, sd), binary: self,
		containers: make(map[string]*container), stores: make(map[hooks.Records]*record.Store),
	}
	sd.RegisterCallback(removeOwnSocket())
	s.executor = runtime.OpenExecutor(filepath.Join(filepath.Dir(self), hooks.ExecBinary), reaper.Default)
	s.publisher = newPublisher(pub)
	s.TTRPCTaskService, err = runctask.NewTaskService(ctx, s.publisher, sd)
	if err != nil {
		return nil, err
	}
	runcC.Monitor = callMonitor{runcC.Monitor} // set by the inner service
	return s, nil
}
