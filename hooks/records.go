package hooks

import (
	"math"
	"path/filepath"
	"time"
)

// Records says where records of attempts are kept on this node, and how many.
type Records struct {
	Directory string // absolute
	MaxAge    time.Duration
	MaxCount  int
	MaxBytes  int64
	// Those of one container; 0: an eighth of all.
	MaxCountPerContainer int
	MaxBytesPerContainer int64
}

// DefaultRecords returns what holds where the configuration says nothing.
func DefaultRecords() Records {
	return Records{Directory: "/run/bookend", MaxAge: 7 * 24 * time.Hour, MaxCount: 2000, MaxBytes: 32 << 20}
}

func (r *Records) read(v *value) error {
	t, err := v.table("directory", "maxAgeSeconds", "maxCount", "maxBytes", "maxCountPerContainer", "maxBytesPerContainer")
	if err != nil {
		return err
	}
	if f := t.get("directory"); f != nil {
		if r.Directory, err = f.cString(); err != nil {
			return err
		}
		if clean := filepath.Clean(r.Directory); !filepath.IsAbs(clean) || clean == "/" {
			return f.fail("must be the absolute path of a directory, got %s", quote(r.Directory))
		}
	}
	if f := t.get("maxAgeSeconds"); f != nil {
		n, err := f.integer(1, math.MaxInt64)
		if err != nil {
			return err
		}
		r.MaxAge = secondsOf(n)
	}
	count, err := t.integer("maxCount", 1, math.MaxInt32, int64(r.MaxCount))
	if err != nil {
		return err
	}
	r.MaxCount = int(count)
	if r.MaxBytes, err = t.integer("maxBytes", 1, math.MaxInt64, r.MaxBytes); err != nil {
		return err
	}
	if count, err = readShare(t, "maxCount", count); err != nil {
		return err
	}
	r.MaxCountPerContainer = int(count)
	r.MaxBytesPerContainer, err = readShare(t, "maxBytes", r.MaxBytes)
	return err
}

// readShare reads what one container may have of a bound; 0: it is not said.
func readShare(t *table, whole string, bound int64) (int64, error) {
	f := t.get(whole + "PerContainer")
	if f == nil {
		return 0, nil
	}
	n, err := f.integer(1, math.MaxInt64)
	if err == nil && n > bound {
		err = f.fail("must be <= %d, which is records.%s, got %d", bound, whole, n)
	}
	return n, err
}
