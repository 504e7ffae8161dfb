package shim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/protobuf/types/known/emptypb"

	"bookend.dev/bookend/hooks"
)

// slowDelete stands in for an inner service whose Delete takes its time, which the
// id of the container says.
type slowDelete struct{ taskAPI.TTRPCTaskService }

func (slowDelete) State(context.Context, *taskAPI.StateRequest) (*taskAPI.StateResponse, error) {
	return &taskAPI.StateResponse{}, nil
}

func (slowDelete) Delete(ctx context.Context, r *taskAPI.DeleteRequest) (*taskAPI.DeleteResponse, error) {
	takes, err := time.ParseDuration(r.ID)
	if err == nil {
		hooks.Pause(ctx, takes)
	}
	return nil, errors.Join(errRuntime, err)
}

func (slowDelete) Shutdown(context.Context, *taskAPI.ShutdownRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// The shim does not end between a Delete and its reply, nor wait for one that hangs.
func TestShutdownComesAfterTheRepliesOfDeletes(t *testing.T) {
	for name, tt := range map[string]struct {
		deletes []string
		want    time.Duration // in synctest's time
	}{
		"none":  {nil, 0},
		"some":  {[]string{"500ms", "1s"}, time.Second},
		"hangs": {[]string{"1m"}, shutdownWait},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Service{TTRPCTaskService: slowDelete{}, containers: map[string]*container{}}
				for _, id := range tt.deletes {
					s.add(&container{id: id})
					go func() {
						if _, err := s.Delete(t.Context(), &taskAPI.DeleteRequest{ID: id}); !errors.Is(err, errRuntime) {
							t.Errorf("Delete: got %v, want %v", err, errRuntime)
						}
					}()
				}
				synctest.Wait()
				began := time.Now()
				if _, err := s.Shutdown(t.Context(), &taskAPI.ShutdownRequest{}); err != nil {
					t.Error(err)
				}
				if waited := time.Since(began); waited != tt.want {
					t.Errorf("waited %s, want %s", waited, tt.want)
				}
			})
		})
	}
}
