package hooks

import (
	"testing"
	"time"
)

func TestGraceAndPreStopBound(t *testing.T) {
	of := func(d time.Duration) *time.Duration { return &d }
	for _, tt := range []struct {
		period       *time.Duration
		grace, bound time.Duration
	}{
		{nil, 30 * time.Second, 28 * time.Second},
		{of(60 * time.Second), 60 * time.Second, 58 * time.Second},
		{of(4 * time.Second), 4 * time.Second, 2 * time.Second},
		{of(time.Second), time.Second, 500 * time.Millisecond},
		{of(0), 0, 0},
	} {
		l := &Lifecycle{GracePeriod: tt.period}
		if grace, bound := l.Grace(), l.PreStopBound(); grace != tt.grace || bound != tt.bound {
			t.Errorf("grace %s, bound %s; want %s, %s", grace, bound, tt.grace, tt.bound)
		}
	}
}
