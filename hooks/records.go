package hooks

import (
	"math"
	"path/filepath"
	"time"
)

// Records says where records of attempts are kept on this node, and how many.
type Records struct {
	Directory string // absolute
	RecordLimits
}

// RecordLimits bound what records take.
type RecordLimits struct {
	MaxAge   time.Duration // since the attempt started
	MaxCount int           // records
	MaxBytes int64         // that the file system has allocated to them
	// Those of one container, whose last record is kept whatever its share;
	// 0: an eighth of all.
	MaxCountPerContainer int
	MaxBytesPerContainer int64
}

// DefaultRecords returns what holds where the configuration says nothing.
func DefaultRecords() Records {
	return Records{
		Directory:    "/run/bookend",
		RecordLimits: RecordLimits{MaxAge: 7 * 24 * time.Hour, MaxCount: 2000, MaxBytes: 32 << 20},
	}
}

// read returns r with what the section says.
func (r Records) read(v *value) (Records, error) {
	t := v.table("directory", "maxAgeSeconds", "maxCount", "maxBytes", "maxCountPerContainer", "maxBytesPerContainer")
	optional(t, "directory", &r.Directory, readDirectory)
	optional(t, "maxAgeSeconds", &r.MaxAge, func(f *value) (time.Duration, error) {
		n, err := f.integer(1, math.MaxInt64)
		return secondsOf(n), err
	})
	optional(t, "maxCount", &r.MaxCount, between[int](1, math.MaxInt32))
	optional(t, "maxBytes", &r.MaxBytes, between[int64](1, math.MaxInt64))
	optional(t, "maxCountPerContainer", &r.MaxCountPerContainer, share("maxCount", r.MaxCount))
	optional(t, "maxBytesPerContainer", &r.MaxBytesPerContainer, share("maxBytes", r.MaxBytes))
	return r, t.err
}

func readDirectory(v *value) (string, error) {
	dir, err := v.cString()
	if clean := filepath.Clean(dir); err == nil && (!filepath.IsAbs(clean) || clean == "/") {
		err = v.fail("must be the absolute path of a directory, got %s", quote(dir))
	}
	return dir, err
}

// share reads what one container may have of the bound that whole names.
func share[T int | int64](whole string, bound T) func(*value) (T, error) {
	return func(v *value) (T, error) {
		n, err := between[T](1, math.MaxInt64)(v)
		if err == nil && n > bound {
			err = v.fail("must be <= %d, which is records.%s, got %d", bound, whole, n)
		}
		return n, err
	}
}
