package webhook

import "errors"

// errNotReady is wrapped by the reason for which a server is not ready.
var errNotReady = errors.New("not ready")
