package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// timeline writes a line per event; a nil one writes nothing.
type timeline struct {
	mu   sync.Mutex
	file *os.File
}

// openTimeline opens path, a file or FIFO; empty: no timeline.
func openTimeline(path string) (*timeline, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	return &timeline{file: f}, nil
}

func (t *timeline) add(event string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := fmt.Fprintln(t.file, time.Now().Format(time.RFC3339Nano), event); err != nil {
		fmt.Fprintln(os.Stderr, "timeline:", err)
	}
}
