package cli

import (
	"testing"
	"time"
)

// Golden files have the times of one zone. It is set before there is anybody to
// read it.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	m.Run()
}
