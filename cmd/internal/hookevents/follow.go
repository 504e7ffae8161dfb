package hookevents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	eventsapi "github.com/containerd/containerd/api/services/events/v1"
	"github.com/containerd/containerd/api/types"
	"google.golang.org/grpc/status"

	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/hooks"
)

// Follow hands every event of a hook or a stop to each, from now on, in the order of
// the bus, until ctx is done, which is no error. address is containerd's, as
// [daemon.Connect] takes it; namespace is containerd's, and empty for all. Follow
// returns the first error of each, and fails when containerd cannot be reached or
// goes away.
func Follow(ctx context.Context, address, namespace string, each func(Event) error) error {
	conn, _, err := daemon.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("containerd: %w", err)
	}
	defer conn.Close()
	stream, err := eventsapi.NewEventsClient(conn).Subscribe(ctx, &eventsapi.SubscribeRequest{Filters: []string{filter(namespace)}})
	for err == nil {
		var envelope *types.Envelope
		if envelope, err = stream.Recv(); err != nil {
			break
		}
		if ev, ok := newEvent(envelope); ok {
			if err := each(ev); err != nil {
				return err
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, io.EOF):
		err = ErrEnded
	default:
		err = errors.New(status.Convert(err).Message())
	}
	return fmt.Errorf("containerd at %s: %w", address, err)
}

// filter selects events as containerd's filters do.
func filter(namespace string) string {
	f := "topic~=" + strconv.Quote(hooks.EventTopics)
	if namespace != "" {
		f += ",namespace==" + strconv.Quote(namespace)
	}
	return f
}
