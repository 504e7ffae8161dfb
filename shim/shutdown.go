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

// shutdownRepeat is how long after a Delete a Shutdown is repeated: when the client has
// taken the reply, and has sent its own Shutdown, if it does.
const shutdownRepeat = 5 * time.Second

// Shutdown ends the shim where no container is left. A client sends it after any
// Delete, for the inner service knows whose was the last; that of another container,
// which the inner service has done and this one holds back, is answered first.
func (s *Service) Shutdown(ctx context.Context, r *taskAPI.ShutdownRequest) (*emptypb.Empty, error) {
	s.shutdownAsked.Store(true)
	s.deletes.await(ctx, shutdownWait)
	return s.inner().Shutdown(ctx, r)
}

// repeatShutdown is called after the Delete of a container. containerd 2.3 asks for a
// shutdown after that of a pod's sandbox, and not after those of containers that outlive
// it: their shim would stay for ever.
func (s *Service) repeatShutdown(ctx context.Context) {
	if !s.shutdownAsked.Load() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	time.AfterFunc(shutdownRepeat, func() {
		_, _ = s.inner().Shutdown(ctx, &taskAPI.ShutdownRequest{}) // it cannot fail
	})
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
