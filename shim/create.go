package shim

import (
	"context"
	"errors"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/log"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/bundle"
)

// Create reads the container's hooks before anything of it exists, so that a
// bad annotation leaves nothing behind.
func (s *Service) Create(ctx context.Context, r *taskAPI.CreateTaskRequest) (*taskAPI.CreateTaskResponse, error) {
	node, err := nodeConfigOf(r.Options)
	if err == nil {
		r.Options, err = node.createOptions(r.Options, r.Bundle, systemdRuns())
	}
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "container %s: %v", r.ID, err)
	}
	annotations, err := bundle.ReadAnnotations(r.Bundle)
	if err != nil {
		// The runtime reads the same file, and says in its own words what is
		// wrong with it.
		return s.inner().Create(ctx, r)
	}
	lc, err := s.resolve(ctx, r.ID, annotations, node)
	if err == nil && r.Terminal {
		err = lc.RefuseTerminal(annotations)
	}
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "container %s: %v", r.ID, err)
	}
	s.writeShimPath(ctx, r.Bundle)
	if lc == nil || s.lookup(r.ID) != nil {
		return s.inner().Create(ctx, r)
	}
	return s.createHooked(ctx, r, lc, annotations, node)
}

// resolve returns the hooks that a container is to have; nil: none. What is the
// node's fault, or bookend's, leaves the container without and goes to the log.
func (s *Service) resolve(ctx context.Context, id string, annotations map[string]string, node nodeConfig) (lc *hooks.Lifecycle, err error) {
	logger := log.G(ctx).WithField("container", id)
	load := func() (*hooks.Config, error) {
		cfg, err := node.load()
		if err != nil {
			logger.WithError(err).Error("bookend: the node's configuration is invalid; containers that ask for hooks are refused, all others run without its defaults")
		}
		return cfg, err
	}
	fault := hooks.Recovered(func() error {
		lc, err = hooks.Resolve(annotations, load)
		return nil
	})
	if fault != nil {
		logger.Errorf("bookend: %v; it runs without: %v", errBroken, fault)
		return nil, nil
	}
	if errors.Is(err, hooks.ErrConfig) {
		return nil, nil
	}
	return lc, err
}

// creation is what is known of a container with hooks when its Create comes.
type creation struct {
	request     *taskAPI.CreateTaskRequest
	gate        *gate
	lifecycle   *hooks.Lifecycle
	annotations map[string]string
	node        *hooks.Config
}

// restored tells whether the container comes from a checkpoint.
func (cr *creation) restored() bool { return cr.request.Checkpoint != "" }

// createHooked registers the container's gate before the runtime makes its
// init, whose exit must not be missed.
func (s *Service) createHooked(ctx context.Context, r *taskAPI.CreateTaskRequest, lc *hooks.Lifecycle, annotations map[string]string, node nodeConfig) (*taskAPI.CreateTaskResponse, error) {
	cr := &creation{request: r, gate: s.publisher.add(r.ID), lifecycle: lc, annotations: annotations, node: hooks.DefaultConfig()}
	hookCtx := context.WithoutCancel(ctx) // for what is bookend's
	guard(hookCtx, r.ID, func() {
		cr.node = node.config()
		hookCtx = withLevel(hookCtx, cr.node)
	})
	resp, err := s.inner().Create(ctx, r)
	if err != nil {
		s.publisher.remove(r.ID, cr.gate)
		return nil, err
	}
	if err := s.addHooks(hookCtx, cr, int(resp.Pid)); err != nil {
		// The container exists and the client will be told so: one whose hooks
		// cannot be prepared is run without, as after any fault of bookend's own.
		log.G(hookCtx).WithField("container", r.ID).WithError(err).Errorf("bookend: %v; it runs on without", errBroken)
		s.publisher.remove(r.ID, cr.gate)
	}
	return resp, nil
}

// addHooks makes the container that Create has made one with hooks. A panic is
// an error like any other.
func (s *Service) addHooks(ctx context.Context, cr *creation, pid int) error {
	err := hooks.Recovered(func() error {
		c, err := s.newContainer(ctx, cr)
		if err == nil && !cr.restored() { // one that is has no init before its Start
			err = s.readInit(ctx, c, pid)
		}
		if err == nil {
			s.begin(ctx, c, cr.restored())
		}
		return err
	})
	if err != nil {
		s.remove(cr.request.ID)
	}
	return err
}

// writeShimPath leaves the path of this shim in the bundle where containerd
// did not: it hands the containers of a pod the shim of their sandbox and, after
// a restart, would look for the runtime by name, on PATH, where it need not be.
func (s *Service) writeShimPath(ctx context.Context, bundleDir string) {
	if err := bundle.WriteShimPath(bundleDir, s.shimPath()); err != nil {
		log.G(ctx).WithError(err).Warn("bookend: a containerd that restarts may not find the shim of this container")
	}
}

// shimPath is that by which containerd started this shim, as it noted it in the
// bundle that this process works in: a link, where there is one. The file that the
// link led to may be gone when an upgrade has removed what it did not see in use, and
// containerd gives up a container whose shim it cannot find.
func (s *Service) shimPath() string {
	if path, err := bundle.ReadShimPath("."); err == nil && path != "" {
		return path
	}
	return s.binary
}
