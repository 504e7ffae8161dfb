package proc

import "errors"

// ErrGone is that of a process that has exited, or whose number is another's by now.
var ErrGone = errors.New("process is gone")

// Reasons for which [ReadFileInRoot] refuses a file.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrTooLarge   = errors.New("file too large")
)
