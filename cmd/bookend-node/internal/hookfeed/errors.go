package hookfeed

import "errors"

// ErrCursor says that a cursor is none, or one of another version.
var ErrCursor = errors.New("cannot read the cursor of the feed")
