package check

import (
	"cmp"
	"io"
	"log"
	"log/slog"
	"os"
	"testing"
)

// TestMain keeps Helm's warnings about values that are meant to be wrong away, and its
// word about each symbolic link.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// binDir is where `make build node` leaves binaries.
func binDir() string { return cmp.Or(os.Getenv("BOOKEND_BIN"), "../../bin") }
