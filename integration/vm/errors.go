package vm

import "errors"

// ErrMissing is wrapped by errors about what a machine is made of and this
// one lacks.
var ErrMissing = errors.New("not found")

// errNoStatus says that the guest went away by itself, as after a panic.
var errNoStatus = errors.New("the guest ended and its command did not")
