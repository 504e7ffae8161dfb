package hookfeed

import (
	"cmp"
	"slices"
	"time"

	"bookend.dev/bookend/hooks/record"
)

// FirstLook is how far a feed without a cursor looks back: as long as an API server
// keeps Events by default.
const FirstLook = time.Hour

// update takes what a poll has found.
func (f *Feed) update(changed []record.Record, now time.Time) {
	if f.cursor.Since.After(now) { // the clock was ahead then: for long all would seem to be older
		f.cursor.Since = now.Add(-FirstLook)
	}
	for _, r := range changed {
		stage := f.cursor.Records[r.ID]
		if stage == nothing && r.Started.Before(f.cursor.Since) {
			f.cursor.Records[r.ID], stage = over, over
		}
		i, found := f.find(r.ID)
		switch {
		case stage == over:
		case found:
			f.pending[i] = r
		default:
			f.pending = slices.Insert(f.pending, i, r)
		}
	}
	f.findGone()
}

// findGone finds the records that are gone. Those that were told in full are
// forgotten.
func (f *Feed) findGone() {
	f.gone = nil
	for id, stage := range f.cursor.Records {
		switch {
		case f.follower.Has(id):
		case stage == over:
			delete(f.cursor.Records, id)
		default:
			f.gone = append(f.gone, id)
		}
	}
	for _, r := range f.pending {
		if f.cursor.Records[r.ID] == nothing && !f.follower.Has(r.ID) {
			f.gone = append(f.gone, r.ID)
		}
	}
	slices.Sort(f.gone)
}

// find looks for a record among those of which something is to be told, which are in
// the order of their IDs.
func (f *Feed) find(id string) (int, bool) {
	return slices.BinarySearchFunc(f.pending, id, func(r record.Record, id string) int { return cmp.Compare(r.ID, id) })
}

// next returns the fact that is due; not ok: none is.
func (f *Feed) next(now time.Time) (Fact, bool) {
	if len(f.gone) > 0 {
		return f.drop(f.gone[0]), true
	}
	for i := range f.pending {
		if fact, ok := f.factOf(i, now); ok {
			return fact, true
		}
	}
	return Fact{}, false
}

func (f *Feed) drop(id string) Fact {
	fact := Fact{Kind: Dropped, Count: 1, Record: record.Record{ID: id}}
	if i, found := f.find(id); found {
		fact.Record = f.pending[i]
	}
	return fact
}

// told notes that a fact was taken.
func (f *Feed) told(fact Fact) {
	c, key := f.cursor, runKey(fact.Record)
	switch fact.Kind {
	case Began:
		open := c.Runs[key]
		if fact.Attempt == 1 {
			open = run{}
		}
		open.Started, open.Attempt, open.ID = fact.RunStarted, fact.Attempt, fact.ID
		c.Runs[key], c.Records[fact.ID] = open, begun
	case Slow:
		open := c.Runs[key]
		open.Slow = true
		c.Runs[key] = open
	case Ended:
		if fact.Last() {
			delete(c.Runs, key)
		}
		f.close(fact.ID)
	case Undelivered:
		f.close(fact.ID)
	case Dropped:
		if f.follower.Has(fact.ID) { // those before it are gone
			c.Runs[key] = run{Started: fact.RunStarted, Attempt: fact.Attempt - 1}
			return
		}
		for key, open := range c.Runs {
			if open.ID == fact.ID {
				delete(c.Runs, key)
			}
		}
		f.close(fact.ID)
		delete(c.Records, fact.ID)
		f.gone = f.gone[1:]
	}
}

// close notes that nothing more is to be told of a record.
func (f *Feed) close(id string) {
	f.cursor.Records[id] = over
	if i, found := f.find(id); found {
		f.pending = slices.Delete(f.pending, i, i+1)
	}
	if len(f.pending) == 0 {
		f.pending = nil // its memory may be that of thousands
	}
}
