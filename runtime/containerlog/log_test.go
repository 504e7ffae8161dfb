package containerlog

import (
	"errors"
	"testing"

	"bookend.dev/bookend/hooks"
)

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		stdout, stderr string
		terminal       bool
		want           Log
		err            error
	}{
		{stdout: "/run/f/1-stdout", stderr: "/run/f/1-stderr", want: Log{"/run/f/1-stdout", "/run/f/1-stderr"}},
		{stdout: "/run/f/1-stdout", want: Log{stdout: "/run/f/1-stdout"}},
		{stderr: "/run/f/1-stderr", want: Log{stderr: "/run/f/1-stderr"}},
		{stdout: "file:///var/log/a%20b.log", stderr: "file:///elsewhere", want: Log{"/var/log/a b.log", "/var/log/a b.log"}},
		{stdout: "file:///var/log/a.log", want: Log{"/var/log/a.log", "/var/log/a.log"}},
		{stdout: "/run/f/1-stdout", terminal: true, err: ErrTerminal},
		{err: ErrNone},
		{stdout: "binary:///usr/bin/nerdctl?_NERDCTL=x", err: ErrBinary},
		{stdout: "binary-v2:///usr/bin/logger", err: ErrBinary},
		{stdout: "npipe:////./pipe", err: ErrUnknown},
		{stdout: "/a%zz", err: ErrUnknown},
	} {
		got, err := New(tt.stdout, tt.stderr, tt.terminal)
		if !errors.Is(err, tt.err) || tt.err == nil && *got != tt.want {
			t.Errorf("%q, %q: got %+v, %v; want %+v, %v", tt.stdout, tt.stderr, got, err, tt.want, tt.err)
		}
	}
	if (*Log)(nil).For(hooks.PreStop) != nil {
		t.Error("no log has lines")
	}
}
