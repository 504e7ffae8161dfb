package shim

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/log"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// Create reads the container's hooks before anything of it exists, so that a
// bad annotation leaves nothing behind.
func (s *Service) Create(ctx context.Context, r *taskAPI.CreateTaskRequest) (*taskAPI.CreateTaskResponse, error) {
	node, err := nodeConfigOf(r.Options)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	annotations, err := runtime.ReadAnnotations(r.Bundle)
	// A container without a configuration asks for nothing; that it cannot be
	// made is the runtime's to say, in the words that clients know.
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, status.Errorf(codes.InvalidArgument, "container %s: %v", r.ID, err)
	}
	lc, err := hooks.Resolve(annotations, node.load)
	if errors.Is(err, hooks.ErrConfig) {
		log.G(ctx).WithField("container", r.ID).WithError(err).Error("bookend: the node's configuration is invalid; this container runs without its defaults")
		err = nil
	}
	if err == nil && lc != nil && hooks.Annotated(annotations) {
		err = s.canRun(lc)
	}
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "container %s: %v", r.ID, err)
	}
	if r.Options, err = node.runcOptions(r.Options); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "container %s: %v", r.ID, err)
	}
	s.writeShimPath(ctx, r.Bundle)
	if lc == nil || s.lookup(r.ID) != nil {
		return s.inner().Create(ctx, r)
	}
	return s.createHooked(ctx, r, lc, annotations)
}

// createHooked registers the container's gate before the runtime makes its
// init, whose exit must not be missed.
func (s *Service) createHooked(ctx context.Context, r *taskAPI.CreateTaskRequest, lc *hooks.Lifecycle, annotations map[string]string) (*taskAPI.CreateTaskResponse, error) {
	g := s.publisher.add(r.ID)
	resp, err := s.inner().Create(ctx, r)
	if err != nil {
		s.publisher.remove(r.ID)
		return nil, err
	}
	c, err := newContainer(ctx, s, r, resp.Pid, lc, annotations)
	if err != nil {
		// The container exists and the client will be told so: one whose hooks
		// cannot be prepared is run without, as after any fault of bookend's own.
		log.G(ctx).WithField("container", r.ID).WithError(err).Errorf("bookend: %v; it runs on without", errBroken)
		s.publisher.remove(r.ID)
		return resp, nil
	}
	s.add(c)
	if g.hasExited() {
		c.task.tell(initExited{})
	}
	return resp, nil
}

// canRun refuses hooks that this installation cannot carry out, while nothing
// of the container exists yet. It is asked for containers that want hooks
// themselves: a default of the node fails when its time comes, not every
// container of the node.
func (s *Service) canRun(lc *hooks.Lifecycle) error {
	for _, h := range []*hooks.Hook{lc.PostStart, lc.PreStop} {
		if h != nil && h.Exec != nil && s.executor == nil {
			return s.executorErr
		}
	}
	return nil
}

// writeShimPath leaves the path of this shim in the bundle where containerd
// did not: it hands the containers of a pod the shim of their sandbox and, after
// a restart, would look for the runtime by name, on PATH, where it need not be.
func (s *Service) writeShimPath(ctx context.Context, bundle string) {
	path := filepath.Join(bundle, "shim-binary-path")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return
	}
	if err == nil {
		_, err = f.WriteString(s.binary)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		log.G(ctx).WithError(err).Warnf("bookend: %s: a containerd that restarts may not find the shim of this container", path)
	}
}
