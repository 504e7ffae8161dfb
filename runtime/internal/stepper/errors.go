package stepper

import "errors"

// ErrLate is the end of a tree that was killed at the deadline.
var ErrLate = errors.New("stepper: traced processes did not end in time and were killed")
