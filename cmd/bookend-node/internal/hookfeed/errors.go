package hookfeed

import "errors"

var (
	// ErrCursor says that a cursor is none, or one of another version.
	ErrCursor = errors.New("cannot read the cursor of the feed")
	// ErrNothing is a taker's word that it has made nothing of a fact, and makes nothing
	// of it another time.
	ErrNothing = errors.New("nothing was made of it")
)
