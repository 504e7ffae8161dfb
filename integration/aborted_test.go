package integration

import (
	"testing"

	"github.com/containerd/errdefs"

	"bookend.dev/bookend/integration/harness"
)

// isAborted tells whether an error has the code Aborted, as far as the containerd under
// test hands it over.
func isAborted(t *testing.T, err error) bool {
	t.Helper()
	kept, failed := harness.KeepsAborted()
	if failed != nil {
		t.Fatal(failed)
	}
	return errdefs.IsAborted(err) || !kept && errdefs.IsUnknown(err)
}
