package runtime

import (
	"errors"
	"path/filepath"
	"testing"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"
)

// A shim that has no descriptor left for a moment has its joiner after it.
func TestTheJoinerIsTriedAgain(t *testing.T) {
	e := OpenExecutor(filepath.Join(t.TempDir(), "none"), runc.Monitor)
	defer func() { must(t, e.Close()) }()

	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	restore := func() { must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)) }
	defer restore()
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: limit.Max}))
	_, err := e.joiner.get()
	restore()
	if !errors.Is(err, unix.EMFILE) {
		t.Fatalf("without descriptors: %v, want %v", err, unix.EMFILE)
	}
	first, err := e.joiner.get()
	must(t, err)
	if again, err := e.joiner.get(); err != nil || again != first {
		t.Errorf("the second time: %v, %v; want the same", again, err)
	}
}
