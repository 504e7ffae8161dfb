package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clock turns what shells read in /proc/uptime, hundredths of seconds, into
// times of day.
type clock struct{ boot time.Time }

func newClock() (clock, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return clock{}, fmt.Errorf("read the time since boot: %w", err)
	}
	return clock{time.Now().Add(-time.Duration(ts.Nano())).Round(0)}, nil
}

func (c clock) at(uptime string) (time.Time, error) {
	s, err := strconv.ParseFloat(uptime, 64)
	if err != nil {
		return time.Time{}, err
	}
	return c.boot.Add(time.Duration(s * float64(time.Second))), nil
}

// pollInterval is how often a condition is looked at.
const pollInterval = 20 * time.Millisecond

// pause lets time pass: the moment of a disturbance is the seed's choice.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// await asks until a condition holds and tells whether it came to hold within
// the limit.
func await(ctx context.Context, limit time.Duration, holds func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !holds() {
		if ctx.Err() != nil {
			return false
		}
		pause(ctx, pollInterval)
	}
	return true
}
