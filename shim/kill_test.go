package shim

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/protobuf/types/known/emptypb"
)

// deadly stands in for the inner service. Every signal ends the init, which is seen
// to exit before the call is back, with err.
type deadly struct {
	taskAPI.TTRPCTaskService
	exit func()
	err  error
}

func (d deadly) Kill(context.Context, *taskAPI.KillRequest) (*emptypb.Empty, error) {
	d.exit()
	return &emptypb.Empty{}, d.err
}

func TestASignalThatEndsTheContainerAtOnceIsToldToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stopped(t)
		c := &container{id: "c", lifecycle: sleepers(0, 0), task: w.task}
		s := &Service{TTRPCTaskService: deadly{exit: func() { w.task.tell(initExited{}) }}, containers: map[string]*container{"c": c}}
		if _, err := s.Kill(t.Context(), &taskAPI.KillRequest{ID: "c", Signal: uint32(syscall.SIGUSR1)}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got, want := w.traced("unheeded"), []string{"0s unheeded " + syscall.SIGUSR1.String()}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestASignalThatCouldNotBeSentEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stopped(t)
		c := &container{id: "c", lifecycle: sleepers(0, 0), task: w.task}
		s := &Service{TTRPCTaskService: deadly{exit: func() {}, err: errRuntime}, containers: map[string]*container{"c": c}}
		if _, err := s.Kill(t.Context(), &taskAPI.KillRequest{ID: "c", Signal: uint32(syscall.SIGUSR1)}); !errors.Is(err, errRuntime) {
			t.Errorf("got %v, want the runtime's error", err)
		}
		w.task.tell(initExited{})
		synctest.Wait()
		if got := w.traced("unheeded"); len(got) > 0 {
			t.Errorf("got %q, want nothing", got)
		}
	})
}
