package selfsigned

import "errors"

// ErrNone is returned by a handshake that comes before the first certificate.
var ErrNone = errors.New("no certificate yet")

// errLost: another replica was faster, and what it wrote is to be read.
var errLost = errors.New("another replica has changed the secret")
