package shim

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestATraceparentIsW3Cs(t *testing.T) {
	for header, want := range map[string]string{
		parent:                      parent,
		"01" + parent[2:]:           parent,
		"cc" + parent[2:] + "-what": "00" + parent[2:],
		"":                          "",
		parent + "-what":            "",
		parent + "x":                "",
		"cc" + parent[2:] + "what":  "",
		"ff" + parent[2:]:           "",
		parent[:54]:                 "",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01": "",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		" " + parent:  "",
		parent + "\n": "",
	} {
		ctx := ttrpc.WithMetadata(t.Context(), ttrpc.MD{"traceparent": {header}})
		if got := traceparentOf(ctx); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
	if got := traceparentOf(t.Context()); got != "" {
		t.Errorf("without metadata: %q", got)
	}
}

// startable is an inner service that starts everything and sends every signal.
type startable struct{ taskAPI.TTRPCTaskService }

func (startable) Start(context.Context, *taskAPI.StartRequest) (*taskAPI.StartResponse, error) {
	return &taskAPI.StartResponse{Pid: 1}, nil
}

func (startable) Kill(context.Context, *taskAPI.KillRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// serveTask serves the Task API on a socket, as containerd finds it, and returns a
// client.
func serveTask(t *testing.T, s taskAPI.TTRPCTaskService) taskAPI.TTRPCTaskService {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "shim.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := ttrpc.NewServer()
	if err != nil {
		t.Fatal(err)
	}
	taskAPI.RegisterTTRPCTaskService(server, s)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(t.Context(), l) }()
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := ttrpc.NewClient(conn)
	t.Cleanup(func() { client.Close(); server.Close(); <-served })
	return taskAPI.NewTTRPCTaskClient(client)
}

// called is a call that carries a traceparent, which containerd's interceptor sets.
func called(ctx context.Context, by string) context.Context {
	return ttrpc.WithMetadata(ctx, ttrpc.MD{"traceparent": {"00-0af7651916cd43dd8448eb211c80319c-" + by + "-01"}})
}

func TestRecordsHaveTheTraceparentOfTheirCall(t *testing.T) {
	c := recorded(t, sleepers(0, 0))
	s := &Service{TTRPCTaskService: startable{}, publisher: newPublisher(nil), containers: map[string]*container{"c": c}}
	c.gate = newGate()
	c.target.Store(&runtime.Container{ID: "c"})
	ended := make(chan hooks.Result)
	c.task = newTask(t.Context(), "c", c.lifecycle, false, effects{
		runHook: func(ctx context.Context, a runHook) (res hooks.Result) {
			run := c.newRun(a.hook, a.traceparent)
			defer func() { run.close(res.Outcome) }()
			return hooks.Run(ctx, a.hook, a.hook.Sleep, nil, run.begin)
		},
		signal:     func(context.Context, delivery) (bool, error) { return false, nil },
		release:    func(bool) {},
		report:     func(res hooks.Result) { ended <- res },
		postStatus: func(taskStatus) {},
	})
	defer c.task.end()
	client := serveTask(t, s)
	started := make(chan error, 1)
	go func() {
		_, err := client.Start(called(t.Context(), "1111111111111111"), &taskAPI.StartRequest{ID: "c"})
		started <- err
	}()
	<-ended
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if _, err := client.Kill(called(t.Context(), "2222222222222222"), &taskAPI.KillRequest{ID: "c", Signal: 15}); err != nil {
		t.Fatal(err)
	}
	<-ended
	for i, r := range c.wantRecords(t, "Succeeded ", "Succeeded ") {
		if want := []string{"1111111111111111", "2222222222222222"}[i]; r.Traceparent != "00-0af7651916cd43dd8448eb211c80319c-"+want+"-01" {
			t.Errorf("%s has the traceparent %q", r.Hook, r.Traceparent)
		}
	}
}

func TestAPreStopAfterAFailedPostStartHasTheTraceparentOfStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 0))
		w.hook = func(_ context.Context, h *hooks.Hook) hooks.Result {
			if h.Point == hooks.PostStart {
				return postFailed
			}
			return preOK
		}
		w.task.askStart(startRequested{traceparent: " of Start"}, make(chan error, 1))
		w.task.tell(startReturned{})
		synctest.Wait()
		w.wantTrace("0s run postStart of Start", "0s report postStart Failed", "0s run preStop of Start", "0s report preStop Succeeded", "0s signal terminated")
	})
}

func TestALaterStopDoesNotChangeTheTraceparent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sleepers(0, 0))
		if err := <-w.start(0); err != nil {
			t.Fatal(err)
		}
		first, second := sigterm, sigterm
		first.traceparent, second.traceparent = " of the first", " of the second"
		w.task.ask(stopRequested{first})
		w.task.ask(stopRequested{second})
		synctest.Wait()
		if got := w.traced("run"); len(got) != 2 || got[1] != "0s run preStop of the first" {
			t.Errorf("got %q", got)
		}
	})
}
