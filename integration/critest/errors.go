package main

import "errors"

var (
	// errNoTest: a run without tests proves nothing.
	errNoTest = errors.New("critest ran no test; look at its log, and at -focus and -skip")
	// errEndedEarly: tests are missing that critest meant to run.
	errEndedEarly = errors.New("critest ended early")
	// errNotRun: critest did not run a test that it was asked for by name.
	errNotRun = errors.New("critest did not run")
	// errOnlyOurs: tests fail with bookend's shim alone.
	errOnlyOurs = errors.New("tests fail with this shim alone")
	// errStandalone: this busybox's shell runs its own applets whatever lies under their path, where
	// critest masks /bin/ls and expects the shell to be refused.
	errStandalone = errors.New("its shell prefers built-in applets to the files on PATH")
)
