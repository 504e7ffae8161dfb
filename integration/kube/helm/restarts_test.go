package helm

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// restarts is who supervises the node's containerd: it restarts it when it is asked to,
// by a line in a FIFO, and answers in another once the new one serves.
type restarts struct {
	dir string

	mu   sync.Mutex
	done int
	errs []error
}

const restarted = "restarted"

func newRestarts(t *testing.T, d *harness.Daemon) *restarts {
	t.Helper()
	fifos, err := d.NewFIFOs("asked", "answered")
	if err != nil {
		t.Fatal(err)
	}
	r := &restarts{dir: fifos.Dir}
	// Open for both, so that neither end waits for the other and none is ever closed.
	asked, errAsked := os.OpenFile(filepath.Join(r.dir, "asked"), os.O_RDWR, 0)
	answered, errAnswered := os.OpenFile(filepath.Join(r.dir, "answered"), os.O_RDWR, 0)
	if errAsked != nil || errAnswered != nil {
		t.Fatal(errAsked, errAnswered)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(asked); lines.Scan(); {
			fmt.Fprintln(answered, r.restart(d))
		}
	}()
	t.Cleanup(func() {
		asked.Close()
		<-ended
		answered.Close()
		for _, err := range r.errs {
			t.Error(err)
		}
	})
	return r
}

func (r *restarts) restart(d *harness.Daemon) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if err := d.Restart(context.Background()); err != nil {
		r.errs = append(r.errs, err)
		return "failed"
	}
	return restarted
}

// command asks for a restart, and fails where there was none. The node's shell runs it.
func (r *restarts) command() string {
	return fmt.Sprintf(`echo please > %[1]s/asked; read answer < %[1]s/answered; test "$answer" = %[2]s`, r.dir, restarted)
}

// count is how often containerd was restarted.
func (r *restarts) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}
