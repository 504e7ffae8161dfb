package harness

import (
	"fmt"
	"os"
	"testing"
)

// shared is the daemon of the tests in this package.
var shared = NewShared(Options{})

func TestMain(m *testing.M) {
	code := m.Run()
	if err := shared.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the shared daemon:", err)
		code = 1
	}
	os.Exit(code)
}
