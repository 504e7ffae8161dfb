package cli

import "errors"

// errFound ends a command that has printed what it found wrong.
var errFound = errors.New("something was found to be wrong")

// errSeveral: which containerd is meant is not for a guess.
var errSeveral = errors.New("several containerds may run here")

// Mistakes of usage.
var (
	errNoFiles      = errors.New("no file given, use -f FILE, -f DIRECTORY, or -f - for the standard input")
	errOneFile      = errors.New("several files can be converted with --in-place only")
	errStdinInPlace = errors.New("the standard input cannot be converted --in-place")
	errClass        = errors.New("must be the name of a RuntimeClass, of a-z, 0-9, '-' and '.', such as bookend")
)
