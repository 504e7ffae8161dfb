package hooks

import (
	"math"
	"path/filepath"
	"time"
)

// Records says where records of attempts are kept on this node, and how many.
// Whichever bound is reached first, the oldest records go.
type Records struct {
	Directory string // absolute
	MaxAge    time.Duration
	MaxCount  int
	MaxBytes  int64
}

// DefaultRecords returns what holds where the configuration says nothing.
func DefaultRecords() Records {
	return Records{Directory: "/run/bookend", MaxAge: 7 * 24 * time.Hour, MaxCount: 2000, MaxBytes: 32 << 20}
}

func (r *Records) read(v *value) error {
	t, err := v.table("directory", "maxAgeSeconds", "maxCount", "maxBytes")
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
	r.MaxBytes, err = t.integer("maxBytes", 1, math.MaxInt64, r.MaxBytes)
	return err
}
