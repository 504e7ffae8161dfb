package shim

import (
	"context"
	"sync"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/protobuf/types/known/emptypb"
)

// shutdownWait bounds how long Shutdown waits for Deletes: containerd gives a shim
// three seconds to go.
const shutdownWait = 2 * time.Second

// Shutdown ends the shim where no container is left. A client sends it after any
// Delete, for the inner service knows whose was the last; that of another container,
// which the inner service has done and this one holds back, is answered first.
func (s *Service) Shutdown(ctx context.Context, r *taskAPI.ShutdownRequest) (*emptypb.Empty, error) {
	s.deletes.await(ctx, shutdownWait)
	return s.inner().Shutdown(ctx, r)
}

// underway is calls that are not answered yet.
type underway struct {
	mu    sync.Mutex
	count int
	over  *latch // when count is back at 0
}

// begin is for a call that comes; its answer is the call of end.
func (u *underway) begin() (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count++; u.count == 1 {
		u.over = newLatch()
	}
	return sync.OnceFunc(func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.count--; u.count == 0 {
			u.over.set()
		}
	})
}

// await waits until all calls are answered that have come, for at most limit.
func (u *underway) await(ctx context.Context, limit time.Duration) {
	u.mu.Lock()
	over, none := u.over, u.count == 0
	u.mu.Unlock()
	if !none {
		over.await(ctx, limit)
	}
}
