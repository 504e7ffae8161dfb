package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Await waits until something writes a line into each FIFO, one after the other.
func (f *Fixture) Await(fifos ...string) {
	f.tb.Helper()
	for _, name := range fifos {
		if _, err := f.FIFOs.Await(f.tb.Context(), name); err != nil {
			f.tb.Fatal(err)
		}
	}
}

// Open lets through what reads the FIFO.
func (f *Fixture) Open(fifo string) {
	f.tb.Helper()
	if err := f.FIFOs.Open(f.tb.Context(), fifo); err != nil {
		f.tb.Fatal(err)
	}
}

// Trace is what the container's processes noted in /fifo/trace, in order.
func (f *Fixture) Trace() []string {
	f.tb.Helper()
	data, err := os.ReadFile(filepath.Join(f.FIFOs.Dir, "trace"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.tb.Fatal(err)
	}
	return strings.Fields(string(data))
}

// WantTrace checks the trace as it is.
func (f *Fixture) WantTrace(want ...string) {
	f.tb.Helper()
	if got := f.Trace(); !slices.Equal(got, want) {
		f.tb.Errorf("trace %q, want %q", got, want)
	}
}

// WantTraceSoon waits for the trace to be what is wanted.
func (f *Fixture) WantTraceSoon(want ...string) {
	f.tb.Helper()
	err := Poll(f.tb.Context(), time.Minute, "the trace", func() error {
		if got := f.Trace(); !slices.Equal(got, want) {
			return fmt.Errorf("it is %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		f.tb.Error(err)
	}
}

// WantLog waits for a line about the container in the log of the shims.
func (f *Fixture) WantLog(text string) {
	f.tb.Helper()
	f.Daemon.WantLog(f.tb, f.ID, text)
}
