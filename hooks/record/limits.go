package record

import (
	"cmp"

	"bookend.dev/bookend/hooks"
)

// Limits bound what records take. A field of 0 stands for its default.
//
// They are kept by pruning, after an attempt has ended, at most once a second for
// all the stores of a directory. In between, and while more than that are open, a
// directory may hold more: at most an eighth of MaxCount and MaxBytes for each
// shim that writes, and one record.
type Limits = hooks.RecordLimits

const (
	// defaultShare is what part of the whole a container may have.
	defaultShare = 8
	// leastShare leaves room for the first and the last record of a container
	// where the whole is small.
	leastShare = 2
)

func withDefaults(l Limits) Limits {
	d := hooks.DefaultRecords()
	l.MaxAge = cmp.Or(max(l.MaxAge, 0), d.MaxAge)
	l.MaxCount = cmp.Or(max(l.MaxCount, 0), d.MaxCount)
	l.MaxBytes = cmp.Or(max(l.MaxBytes, 0), d.MaxBytes)
	l.MaxCountPerContainer = cmp.Or(max(l.MaxCountPerContainer, 0), max(l.MaxCount/defaultShare, leastShare))
	l.MaxBytesPerContainer = cmp.Or(max(l.MaxBytesPerContainer, 0), l.MaxBytes/defaultShare)
	return l
}
