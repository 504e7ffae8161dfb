package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// WhenFlag adds a flag with a moment, which is the zero time where the flag is
// not given.
func WhenFlag(cmd *cobra.Command, name string, parse func(string, time.Time) (time.Time, error), help string) func(now time.Time) (time.Time, error) {
	text := cmd.Flags().String(name, "", help)
	return func(now time.Time) (time.Time, error) {
		if *text == "" {
			return time.Time{}, nil
		}
		t, err := parse(*text, now)
		if err != nil {
			return t, fmt.Errorf("--%s: %w, got %q", name, err, *text)
		}
		return t, nil
	}
}
