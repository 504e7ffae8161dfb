package record

import "time"

// Limits bound what records take. A field of 0 stands for its default:
// 7 days, 2000 records, 32 MiB.
//
// They are kept by pruning, oldest first, after an attempt has ended, at most
// once a second for all the stores of a directory. In between, and while more
// than that are open, a directory may hold more: at most an eighth of MaxCount
// and MaxBytes for each shim that writes, and one record.
type Limits struct {
	MaxAge   time.Duration // since the attempt started
	MaxCount int           // records
	MaxBytes int64         // that the file system has allocated to them
}

const (
	defaultMaxAge   = 7 * 24 * time.Hour
	defaultMaxCount = 2000
	defaultMaxBytes = 32 << 20
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
	return l
}
