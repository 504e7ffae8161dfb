package hookfeed

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"bookend.dev/bookend/hooks/record"
)

const (
	// busyPoll is how often records are looked at while something is to be told of one
	// later, or inotify does not help; idlePoll, while none has and inotify is silent.
	busyPoll = time.Second
	idlePoll = 10 * time.Second
	// The pauses before a fact is given again to a taker that could not take it.
	firstRetry, longestRetry = time.Second, time.Minute
)

// Take takes a fact. An error but [ErrNothing] means that it is to be given the same
// fact again.
type Take func(context.Context, Fact) error

// Options are what a feed is made of.
type Options struct {
	// Directory is that of the records.
	Directory string
	// Cursor is the path of the feed's own file.
	Cursor string
	// Log is told of everything that went wrong.
	Log func(error)
}

// Feed is a feed for one taker.
type Feed struct {
	Options
	follower *record.Follower
	cursor   cursor
	pending  []record.Record // of which something is to be told, by ID
	gone     []string        // IDs of records that were not told in full
	polled   atomic.Bool
	skipped  map[string]bool // what was logged of files that are no records
}

// Open returns a feed that goes on where the cursor is.
func Open(o Options) (*Feed, error) {
	c, err := readCursor(o.Cursor, time.Now())
	if errors.Is(err, ErrCursor) {
		o.Log(fmt.Errorf("%w: beginning with the records of the last %s", err, FirstLook))
	} else if err != nil {
		return nil, fmt.Errorf("cursor of the feed: %w", err)
	}
	follower := record.Open(o.Directory, record.Limits{}).Follow()
	follower.Brief = true
	return &Feed{Options: o, follower: follower, cursor: c, skipped: map[string]bool{}}, nil
}

// Ready tells whether the records were read once.
func (f *Feed) Ready() bool { return f.polled.Load() }

// Run hands each fact to take, until ctx is done.
func (f *Feed) Run(ctx context.Context, take Take) {
	w := newWatch(f.follower.Dir())
	defer w.close()
	// Also where nothing is to be told: what comes while no one follows is new then.
	if !f.insist(ctx, f.write) {
		return
	}
	for {
		w.begin()
		if err := f.poll(); err != nil {
			f.Log(err)
		}
		f.tell(ctx, take)
		pause := idlePoll
		if len(f.pending) > 0 || !w.watched {
			pause = busyPoll
		}
		if !w.wait(ctx, pause) {
			return
		}
	}
}

func (f *Feed) poll() error {
	changed, skipped, err := f.follower.Poll()
	if err != nil {
		return fmt.Errorf("read the records: %w", err)
	}
	still := make(map[string]bool, len(skipped))
	for _, err := range skipped {
		still[err.Error()] = true
		if !f.skipped[err.Error()] {
			f.Log(err)
		}
	}
	f.skipped = still
	f.update(changed, time.Now())
	f.polled.Store(true)
	return nil
}

// tell hands over what is due. While a fact cannot be taken, or its taking not be
// noted, nothing else is handed over. Of what the taker makes nothing it is noted
// together: the cursor is as large as the directory has records, and goes to a disk.
func (f *Feed) tell(ctx context.Context, take Take) {
	unwritten := false
	for {
		fact, ok := f.next(time.Now())
		if !ok {
			break
		}
		nothing := false
		taken := f.insist(ctx, func() error {
			err := take(ctx, fact)
			if nothing = errors.Is(err, ErrNothing); nothing {
				return nil
			}
			return err
		})
		if !taken {
			return
		}
		f.told(fact)
		if unwritten = true; nothing {
			continue
		}
		if !f.insist(ctx, f.write) {
			return
		}
		unwritten = false
	}
	if unwritten {
		f.insist(ctx, f.write)
	}
}

func (f *Feed) write() error { return f.cursor.write(f.Cursor) }

// insist does something again and again until it is done; false: ctx is, before.
func (f *Feed) insist(ctx context.Context, do func() error) bool {
	for pause := firstRetry; ctx.Err() == nil; pause = min(2*pause, longestRetry) {
		err := do()
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			f.Log(fmt.Errorf("%w; tried again in %s", err, pause))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return false
}
