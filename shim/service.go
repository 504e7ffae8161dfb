package shim

import (
	"context"
	"sync"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/ttrpc"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
	"bookend.dev/bookend/runtime"
	"bookend.dev/bookend/shim/bootstrap"
)

// Service is the Task API of the shim: the inner service's, with hooks around
// Create, Start, Kill and Delete of containers that have any, after which Shutdown
// looks. Every other call, and every call for any other container, is the inner
// service's own.
type Service struct {
	taskAPI.TTRPCTaskService // the inner service
	publisher                *publisher
	reporter                 *reporter
	executor                 *runtime.Executor
	binary                   string // path of the shim's own binary
	memory                   idleMemory
	deletes                  underway

	mu         sync.Mutex
	containers map[string]*container // those with hooks, by id
	stores     map[hooks.Records]*record.Store
}

// RegisterTTRPC serves this service, not the one it wraps.
func (s *Service) RegisterTTRPC(server *ttrpc.Server) error {
	taskAPI.RegisterTTRPCTaskService(server, s)
	bootstrap.RegisterV2(server, s)
	return nil
}

func (s *Service) lookup(id string) *container {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.containers[id]
}

func (s *Service) add(c *container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.id] = c
}

func (s *Service) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.containers, id)
}

// members returns the containers with hooks of a pod.
func (s *Service) members(sandboxID string) []*container {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*container
	for _, c := range s.containers {
		if c.sandboxID == sandboxID {
			found = append(found, c)
		}
	}
	return found
}

// sandboxGone tells the members of a pod that its sandbox was killed.
func (s *Service) sandboxGone(id string) {
	for _, c := range s.members(id) {
		c.task.tell(sandboxGone{})
	}
}

// Connect, State and the like are the inner service's: they tell the truth
// while a hook runs, because the inner Start has returned by then.
var _ taskAPI.TTRPCTaskService = (*Service)(nil)

// inner is the wrapped service, by a name that reads well.
func (s *Service) inner() taskAPI.TTRPCTaskService { return s.TTRPCTaskService }

// signal sends a signal to the init of a container through the inner service.
func (s *Service) signal(ctx context.Context, id string, d delivery) error {
	_, err := s.inner().Kill(ctx, &taskAPI.KillRequest{ID: id, Signal: uint32(d.signal), All: d.all})
	return err
}
