package kube

import "errors"

var (
	// ErrNotIsolated is the error of a process that did not call [Isolate].
	ErrNotIsolated = errors.New("not in namespaces of its own")
	// ErrLeak is the error of a check that finds something left.
	ErrLeak = errors.New("left behind")
)
