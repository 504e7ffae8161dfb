package runtime

import (
	"context"
	"errors"
	"net/url"

	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
)

// Why hooks of a container cannot print into its own log.
var (
	ErrLogNone     = errors.New("the container has no log")
	ErrLogTerminal = errors.New("the container has a terminal")
	ErrLogBinary   = errors.New("a logging binary writes the container's log")
	ErrLogUnknown  = errors.New("the container's log is of an unknown kind")
)

// ContainerLog is where the output of a container's init goes: FIFOs, whose
// reader writes the log, or files.
type ContainerLog struct {
	stdout, stderr string // paths; empty: nowhere
}

// NewContainerLog returns the log of a container from what its task was created
// with, read as containerd's shim does: paths, or one URI for both streams. The
// error is one of ErrLog….
func NewContainerLog(stdout, stderr string, terminal bool) (*ContainerLog, error) {
	switch {
	case terminal:
		return nil, ErrLogTerminal
	case stdout == "" && stderr == "":
		return nil, ErrLogNone
	}
	u, err := url.Parse(stdout)
	if err != nil {
		return nil, errors.Join(ErrLogUnknown, err)
	}
	switch u.Scheme {
	case "":
		return &ContainerLog{stdout: stdout, stderr: stderr}, nil
	case "file":
		return &ContainerLog{stdout: u.Path, stderr: u.Path}, nil
	case "binary", "binary-v2":
		return nil, ErrLogBinary
	}
	return nil, ErrLogUnknown
}

// HookLog is a container's log for the lines of one of its hooks. A nil HookLog
// takes none.
type HookLog struct {
	paths  *ContainerLog
	prefix string
}

// For returns the log for a hook at point, whose lines begin with "[postStart] "
// or "[preStop] ". A nil ContainerLog has none.
func (l *ContainerLog) For(point hooks.Point) *HookLog {
	if l == nil {
		return nil
	}
	return &HookLog{paths: l, prefix: "[" + string(point) + "] "}
}

// writers returns those for the two streams of one attempt in the container id;
// nil where a stream goes nowhere. Nothing is opened before there is a line to
// write. ctx is used for its logger alone.
func (l *HookLog) writers(ctx context.Context, id string) (stdout, stderr *lineWriter) {
	if l == nil {
		return nil, nil
	}
	logger := log.G(ctx).WithField("container", id)
	return newLineWriter(l.paths.stdout, l.prefix, logger), newLineWriter(l.paths.stderr, l.prefix, logger)
}
