package hookfeed

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// together is how long the feed waits for more that comes with what has changed: a
// record is made and written to at once.
const together = 50 * time.Millisecond

// watch waits for changes in a directory. It is a hint: a node may be out of inotify
// watches, and the directory may not be there yet.
type watch struct {
	dir     string
	watcher *fsnotify.Watcher // nil: there is none
	watched bool
}

func newWatch(dir string) *watch {
	w, _ := fsnotify.NewWatcher() // an error: polling remains
	return &watch{dir: dir, watcher: w}
}

func (w *watch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
	}
}

// begin watches from now on, if it can: what happens before the records are read is
// read, and what happens after is heard of.
func (w *watch) begin() {
	if w.watcher != nil && !w.watched {
		w.watched = w.watcher.Add(w.dir) == nil
	}
}

// wait waits for a change, but for no longer than pause; false: ctx is done.
func (w *watch) wait(ctx context.Context, pause time.Duration) bool {
	var events <-chan fsnotify.Event
	var failed <-chan error
	if w.watched {
		events, failed = w.watcher.Events, w.watcher.Errors
	}
	late := time.NewTimer(pause)
	defer late.Stop()
	for changed := false; ; {
		select {
		case <-ctx.Done():
			return false
		case <-late.C:
			return true
		case ev := <-events:
			if ev.Name == w.dir { // removed, or moved away
				w.watched = len(w.watcher.WatchList()) > 0 && !ev.Has(fsnotify.Remove|fsnotify.Rename)
			}
			if !changed {
				changed = true
				late.Reset(together)
			}
		case err := <-failed: // too many at once: all is read anyway
			return err != nil
		}
	}
}
