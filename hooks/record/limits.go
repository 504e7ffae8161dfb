package record

import "time"

// Limits bound what records take. A field of 0 stands for its default:
// 7 days, 2000 records, 32 MiB, and an eighth of these two for each container.
//
// They are kept by pruning, after an attempt has ended, at most once a second for
// all the stores of a directory. In between, and while more than that are open, a
// directory may hold more: at most an eighth of MaxCount and MaxBytes for each
// shim that writes, and one record.
type Limits struct {
	MaxAge   time.Duration // since the attempt started
	MaxCount int           // records
	MaxBytes int64         // that the file system has allocated to them
	// Those of one container. Its last record is kept whatever its share.
	MaxCountPerContainer int
	MaxBytesPerContainer int64
}

const (
	defaultMaxAge   = 7 * 24 * time.Hour
	defaultMaxCount = 2000
	defaultMaxBytes = 32 << 20
	// defaultShare is what part of the whole a container may have.
	defaultShare = 8
	// leastShare leaves room for the first and the last record of a container
	// where the whole is small.
	leastShare = 2
)

func (l Limits) withDefaults() Limits {
	if l.MaxAge <= 0 {
		l.MaxAge = defaultMaxAge
	}
	if l.MaxCount <= 0 {
		l.MaxCount = defaultMaxCount
	}
	if l.MaxBytes <= 0 {
		l.MaxBytes = defaultMaxBytes
	}
	if l.MaxCountPerContainer <= 0 {
		l.MaxCountPerContainer = max(l.MaxCount/defaultShare, leastShare)
	}
	if l.MaxBytesPerContainer <= 0 {
		l.MaxBytesPerContainer = l.MaxBytes / defaultShare
	}
	return l
}
