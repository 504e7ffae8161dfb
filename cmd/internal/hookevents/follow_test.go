package hookevents

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	eventsapi "github.com/containerd/containerd/api/services/events/v1"
	"github.com/containerd/containerd/api/types"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// bus is an event service that says what it is told to.
type bus struct {
	eventsapi.UnimplementedEventsServer
	subscribed chan []string // filters
	say        chan *types.Envelope
}

func (b *bus) Subscribe(req *eventsapi.SubscribeRequest, stream eventsapi.Events_SubscribeServer) error {
	b.subscribed <- req.GetFilters()
	for {
		select {
		case e, ok := <-b.say:
			if !ok {
				return nil
			}
			if err := stream.Send(e); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// serve returns a bus, its socket, and what ends its server.
func serve(t *testing.T) (b *bus, address string, stop func()) {
	t.Helper()
	address = filepath.Join(t.TempDir(), "containerd.sock")
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	b = &bus{subscribed: make(chan []string, 1), say: make(chan *types.Envelope)}
	server := grpc.NewServer()
	eventsapi.RegisterEventsServer(server, b)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	stop = func() { server.Stop(); <-done }
	t.Cleanup(stop)
	return b, address, stop
}

// envelope is an event as containerd sends it.
func envelope(t *testing.T, topic string, event proto.Message) *types.Envelope {
	t.Helper()
	data, err := proto.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	name := string(event.ProtoReflect().Descriptor().FullName())
	return &types.Envelope{
		Timestamp: timestamppb.New(time.Unix(1, 0)), Namespace: "n", Topic: topic,
		Event: &anypb.Any{TypeUrl: name, Value: data},
	}
}

// follow runs Follow and returns its events and its end.
func follow(ctx context.Context, address, namespace string) (<-chan Event, <-chan error) {
	events, end := make(chan Event), make(chan error, 1)
	go func() {
		end <- Follow(ctx, address, namespace, func(ev Event) error { events <- ev; return nil })
	}()
	return events, end
}

func TestFollowReadsEventsUntilItIsTold(t *testing.T) {
	b, address, _ := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, end := follow(ctx, address, `k8s".io`)
	want := []string{`topic~="^/bookend/(hook|stop)/",namespace=="k8s\".io"`}
	if got := <-b.subscribed; !reflect.DeepEqual(got, want) {
		t.Errorf("filters %q, want %q", got, want)
	}
	b.say <- envelope(t, "/bookend/hook/start", &eventstypes.TaskExit{ID: "foreign"})
	b.say <- envelope(t, "/bookend/hook/timeout", &eventstypes.ContainerUpdate{ID: "c", Labels: map[string]string{"hook": "preStop"}})
	got := <-events
	if wanted := (Event{Time: time.Unix(1, 0).UTC(), Namespace: "n", Container: "c", What: "timeout", Labels: map[string]string{"hook": "preStop"}}); !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
	b.say <- envelope(t, "/bookend/stop/undelivered", &eventstypes.ContainerUpdate{ID: "c"})
	if got := <-events; got.What != Undelivered || got.Container != "c" {
		t.Errorf("of a stop: got %+v", got)
	}
	cancel()
	if err := <-end; err != nil {
		t.Errorf("at its end: %v", err)
	}
}

func TestFollowFailsWhenContainerdGoes(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		b, address, stop := serve(t)
		_, end := follow(t.Context(), "unix://"+address, "")
		if got := <-b.subscribed; !reflect.DeepEqual(got, []string{`topic~="^/bookend/(hook|stop)/"`}) {
			t.Errorf("filters %q", got)
		}
		stop()
		if err := <-end; err == nil || !strings.HasPrefix(err.Error(), "containerd at unix://"+address+": ") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("in order", func(t *testing.T) {
		b, address, _ := serve(t)
		_, end := follow(t.Context(), address, "")
		<-b.subscribed
		close(b.say)
		if err := <-end; !errors.Is(err, ErrEnded) {
			t.Errorf("got %v, want %v", err, ErrEnded)
		}
	})
	t.Run("before", func(t *testing.T) {
		address := filepath.Join(t.TempDir(), "none.sock")
		_, end := follow(t.Context(), address, "")
		if err := <-end; !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), address) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFollowReturnsTheErrorOfItsCaller(t *testing.T) {
	b, address, _ := serve(t)
	broken := errors.New("broken pipe")
	end := make(chan error, 1)
	go func() { end <- Follow(t.Context(), address, "", func(Event) error { return broken }) }()
	<-b.subscribed
	b.say <- envelope(t, "/bookend/hook/start", &eventstypes.ContainerUpdate{ID: "c"})
	if err := <-end; !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
