package shim

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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

// hung stands in for an inner service whose runtime hangs until its call is ended.
type hung struct{ taskAPI.TTRPCTaskService }

func (hung) Kill(ctx context.Context, _ *taskAPI.KillRequest) (*emptypb.Empty, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A stop signal that another takes the place of goes on the client's own call.
func TestAClientHasTheErrorOfItsOwnSignal(t *testing.T) {
	notFound := status.Error(codes.NotFound, "process already finished")
	for name, tt := range map[string]struct {
		inner taskAPI.TTRPCTaskService
		err   error
		took  time.Duration
		then  answerKind
	}{
		"no process":     {deadly{exit: func() {}, err: notFound}, notFound, 0, pass},
		"a broken one":   {deadly{exit: func() {}, err: errRuntime}, errRuntime, 0, deliver},
		"one that hangs": {hung{}, context.DeadlineExceeded, sendTime, deliver},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lc := sleepers(0, 0)
				lc.PreStop, lc.StopSignal = nil, syscall.SIGQUIT
				w := newWorld(t, lc)
				if err := <-w.start(0); err != nil {
					t.Fatal(err)
				}
				c := &container{id: "c", lifecycle: lc, task: w.task}
				s := &Service{TTRPCTaskService: tt.inner, containers: map[string]*container{"c": c}}
				_, err := s.Kill(t.Context(), &taskAPI.KillRequest{ID: "c", Signal: uint32(syscall.SIGTERM)})
				if took := time.Since(w.begun); !errors.Is(err, tt.err) || took != tt.took {
					t.Errorf("got %v after %s, want %v after %s", err, took, tt.err, tt.took)
				}
				if a := w.task.ask(stopRequested{sigterm}); a.kind != tt.then {
					t.Errorf("the next one is answered with %v, want %v", a.kind, tt.then)
				}
			})
		})
	}
}
