package joiner

import "errors"

// ErrNotBuilt tells that this program was built without the joiner.
var ErrNotBuilt = errors.New("built without the joiner (make joiner)")
