package integration

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// TestEventsArePrintedByCtr is about the type of the events: clients can print
// only messages that they were built with.
func TestEventsArePrintedByCtr(t *testing.T) {
	d := shared.Daemon(t)
	ctr := exec.CommandContext(t.Context(), filepath.Join(d.Binaries().Tools, "ctr"), "--address", d.Address(), "events")
	out, err := ctr.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ctr.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1024)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	harness.Cleanup(t, func(context.Context) error {
		_ = ctr.Process.Kill()
		for range lines { // to the end of the pipe, before Wait closes it
		}
		_ = ctr.Wait()
		return nil
	})
	// ctr does not say when it listens: hooks run until it has heard of one.
	limit := time.After(harness.Limit(harness.ReadyTimeout))
	for {
		h := harness.RunTask(t, d, `{"postStart":{"exec":`+shell("exit 0")+`}}`)
		h.WantHookEvent("postStart", "success")
		for heard := true; heard; {
			select {
			case line := <-lines:
				if strings.Contains(line, "/bookend/hook/success") && strings.Contains(line, h.ID) &&
					strings.Contains(line, `"hook":"postStart"`) && strings.Contains(line, `"outcome":"Succeeded"`) {
					return
				}
			case <-limit:
				t.Fatal("ctr printed no readable event of a hook")
			case <-time.After(harness.Scaled(time.Second)):
				heard = false
			}
		}
	}
}
