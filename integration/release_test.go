package integration

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"bookend.dev/bookend/integration/harness"
)

// before tells whether the containerd under test is older than a release 2.x.
func before(t *testing.T, minor int) bool {
	t.Helper()
	r, err := harness.FindRelease()
	if err != nil {
		t.Fatal(err)
	}
	return r.Before(2, minor)
}

// skipBefore skips a test with releases older than 2.minor, and says why.
func skipBefore(t *testing.T, minor int, why string) {
	t.Helper()
	if before(t, minor) {
		t.Skip(why)
	}
}

// isAborted tells whether an error has the code Aborted. containerd 1.7 makes that of a
// shim Unknown.
func isAborted(t *testing.T, err error) bool {
	t.Helper()
	return errdefs.IsAborted(err) || errdefs.IsUnknown(err) && before(t, 0)
}

// messageOf is an error's message as bookend has it. containerd 1.7 appends what the code
// means.
func messageOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	if !before(t, 0) {
		return err.Error()
	}
	return strings.TrimSuffix(err.Error(), ": "+errdefs.ErrInvalidArgument.Error())
}
