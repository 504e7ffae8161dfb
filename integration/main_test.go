package integration

import (
	"fmt"
	"os"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// shared is the daemon of the tests in this package.
var shared = harness.NewShared(harness.Options{})

func TestMain(m *testing.M) {
	code := m.Run()
	if err := shared.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the shared daemon:", err)
		code = 1
	}
	os.Exit(code)
}
