package main

import "errors"

var (
	// errUnknownFailure: a test failed, and the table of known failures does not say so.
	errUnknownFailure = errors.New("tests fail that are no known failures")
	// errNoTable: the page has no table of known failures.
	errNoTable = errors.New("it has no table of known failures")
	// errRow: a row of that table cannot be understood.
	errRow = errors.New("a row of known failures is not | containerd | suite | test | reason |")
	// errNoOutcome: a suite without a test proves nothing.
	errNoOutcome = errors.New("no test ran")
	// errUsage: the command line names no release, or a suite that does not exist.
	errUsage = errors.New("usage: testmatrix [flags] DIRECTORY-OF-TOOLS [DIRECTORY]")
)
