package vm

import "errors"

// ErrMissing is wrapped by errors about what a machine is made of and this
// one lacks.
var ErrMissing = errors.New("not found")

// errNoStatus says that the guest went away by itself, as after a panic.
var errNoStatus = errors.New("the guest ended and its command did not")

// ErrSilent says that a guest wrote nothing for so long that it hangs as a whole:
// the tests in it have a timeout of their own, which it did not keep either. An
// emulated guest does that now and then.
var ErrSilent = errors.New("the guest fell silent")
