package main

import (
	"context"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// occupied is how many descriptors every process has for good: its standard
// streams.
const occupied = 3

// starve leaves a process no descriptor to open for a time, those that it
// closes meanwhile included.
func starve(ctx context.Context, pid int, d time.Duration) (span, error) {
	s := span{From: time.Now()}
	restore, err := harness.LimitDescriptors(pid, occupied)
	if err != nil {
		return span{}, err
	}
	pause(ctx, d)
	s.To = time.Now()
	return s, restore()
}
