package containerlog

import (
	"context"
	"errors"
	"net/url"

	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
)

// Log is where the output of a container's init goes: FIFOs, whose
// reader writes the log, or files.
type Log struct {
	stdout, stderr string // paths; empty: nowhere
}

// New returns the log of a container from what its task was created
// with, read as containerd's shim does: paths, or one URI for both streams. The
// error is one of this package.
func New(stdout, stderr string, terminal bool) (*Log, error) {
	switch {
	case terminal:
		return nil, ErrTerminal
	case stdout == "" && stderr == "":
		return nil, ErrNone
	}
	u, err := url.Parse(stdout)
	if err != nil {
		return nil, errors.Join(ErrUnknown, err)
	}
	switch u.Scheme {
	case "":
		return &Log{stdout: stdout, stderr: stderr}, nil
	case "file":
		return &Log{stdout: u.Path, stderr: u.Path}, nil
	case "binary", "binary-v2":
		return nil, ErrBinary
	}
	return nil, ErrUnknown
}

// HookLog is a container's log for the lines of one of its hooks. A nil HookLog
// takes none.
type HookLog struct {
	paths  *Log
	prefix string
}

// For returns the log for a hook at point, whose lines begin with "[postStart] "
// or "[preStop] ". A nil Log has none.
func (l *Log) For(point hooks.Point) *HookLog {
	if l == nil {
		return nil
	}
	return &HookLog{paths: l, prefix: "[" + string(point) + "] "}
}

// Writers returns those for the two streams of one attempt in the container id;
// nil where a stream goes nowhere. Nothing is opened before there is a line to
// write. ctx is used for its logger alone.
func (l *HookLog) Writers(ctx context.Context, id string) (stdout, stderr *Writer) {
	if l == nil {
		return nil, nil
	}
	logger := log.G(ctx).WithField("container", id)
	return newWriter(l.paths.stdout, l.prefix, logger), newWriter(l.paths.stderr, l.prefix, logger)
}
