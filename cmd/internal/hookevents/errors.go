package hookevents

import "errors"

// ErrEnded says that containerd ended the stream of events: it shuts down.
var ErrEnded = errors.New("containerd ended the events")
