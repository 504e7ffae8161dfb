package containerlog

import "errors"

// Why hooks of a container cannot print into its own log.
var (
	ErrNone     = errors.New("the container has no log")
	ErrTerminal = errors.New("the container has a terminal")
	ErrBinary   = errors.New("a logging binary writes the container's log")
	ErrUnknown  = errors.New("the container's log is of an unknown kind")
)

var errNoLogFile = errors.New("is neither a FIFO nor a file")
