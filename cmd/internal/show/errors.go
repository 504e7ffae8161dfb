package show

import "errors"

var (
	// ErrUnknown says that neither a record nor a status is about a container.
	ErrUnknown = errors.New("no container with hooks has this id or name")
	errWhen    = errors.New("must be a duration before now, such as 90m, or a time, such as 2006-01-02T15:04:05Z or 2006-01-02")
)
