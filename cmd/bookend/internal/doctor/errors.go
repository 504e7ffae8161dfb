package doctor

import "errors"

var (
	errNotExecutable = errors.New("is not an executable file")
	errOther         = errors.New("is another shim")
)
