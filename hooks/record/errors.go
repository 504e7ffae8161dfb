package record

import (
	"errors"
	"fmt"
)

var (
	// ErrForeign says that a file among the records is not a record.
	ErrForeign = errors.New("not a record")
	// ErrHangs says that the file system did not answer in time.
	ErrHangs = errors.New("the file system of the records hangs")
	// ErrBacklog says that more waits for the file system than is kept.
	ErrBacklog = errors.New("too much waits to be recorded")
	// errEmpty says that a record's writer has not written the first line yet.
	errEmpty = errors.New("empty")
	// errNotRegular says that something among the records is not a regular file.
	errNotRegular = fmt.Errorf("%w: not a regular file", ErrForeign)
	// errNotStatus says that a file among the statuses is not a status.
	errNotStatus = errors.New("not a status")
)
