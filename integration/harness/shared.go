package harness

import (
	"context"
	"sync"
	"testing"
)

// Shared is one daemon for all tests of a package: started for the first test
// that wants it, stopped by TestMain.
type Shared struct {
	opts Options

	mu     sync.Mutex
	daemon *Daemon
	err    error // of the start; not tried again
	used   bool
}

// NewShared returns a Shared whose daemon will have opts.
func NewShared(opts Options) *Shared { return &Shared{opts: opts} }

// Daemon returns the daemon for the time of one test. When the test ends,
// whatever it left fails it; when it has failed, the daemon's log is printed.
func (s *Shared) Daemon(tb testing.TB) *Daemon {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.used {
		s.used = true
		s.daemon, s.err = Start(context.Background(), s.opts)
	}
	if s.err != nil {
		tb.Fatalf("start the shared daemon: %v", s.err)
	}
	watch(tb, s.daemon)
	return s.daemon
}

// Close stops the daemon, where there is one.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.daemon == nil {
		return nil
	}
	return s.daemon.Stop(context.Background())
}

// StartDaemon starts a daemon for one test alone, with the same checks as
// [Shared.Daemon], and stops it when the test ends.
func StartDaemon(tb testing.TB, opts Options) *Daemon {
	tb.Helper()
	d, err := Start(context.Background(), opts)
	if err != nil {
		tb.Fatalf("start daemon: %v", err)
	}
	tb.Cleanup(func() {
		if err := d.Stop(context.Background()); err != nil {
			tb.Errorf("stop daemon: %v", err)
		}
	})
	watch(tb, d)
	return d
}

// logLines is how much of the daemon's log a failed test prints.
const logLines = 100

func watch(tb testing.TB, d *Daemon) {
	tb.Helper()
	before, err := d.Inventory()
	if err != nil {
		tb.Fatalf("take stock: %v", err)
	}
	logged := len(d.Log())
	tb.Cleanup(func() {
		if err := d.CheckLeaks(context.Background(), before); err != nil {
			tb.Errorf("%v", err)
		}
		if tb.Failed() {
			tb.Logf("containerd and shims logged:\n%s", lastLines(d.Log()[logged:], logLines))
		}
	})
}
