package admission

import "errors"

var (
	// ErrMalformed is matched by the error of an object that cannot be read: the
	// API server sends none such.
	ErrMalformed = errors.New("cannot be read")
	// ErrOptions is matched by the error of options that make no sense.
	ErrOptions = errors.New("options")
)
