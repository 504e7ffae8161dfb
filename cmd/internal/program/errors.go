package program

import "errors"

// ErrVersion says that a text has no version in it.
var ErrVersion = errors.New("no version in it")
