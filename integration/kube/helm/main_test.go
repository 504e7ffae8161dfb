package helm

import (
	"fmt"
	"os"
	"testing"

	"bookend.dev/bookend/integration/kube"
)

// covers are the node's directories that an installation may write to.
var covers []kube.Cover

func TestMain(m *testing.M) {
	err := kube.Isolate()
	if err == nil {
		covers, err = kube.CoverNode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "isolate the tests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
