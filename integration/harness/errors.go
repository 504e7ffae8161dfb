package harness

import "errors"

// ErrMissing is wrapped by errors about programs or files that `make tools
// build` or the machine's package manager must supply first.
var ErrMissing = errors.New("not found; run `make tools build` first")

// ErrLeak is wrapped by the errors of [Daemon.CheckLeaks].
var ErrLeak = errors.New("left behind")
