package daemon

import "errors"

// ErrNoCRI says that a daemon's CRI plugin is disabled, or failed to load.
var ErrNoCRI = errors.New("containerd has no CRI plugin")
