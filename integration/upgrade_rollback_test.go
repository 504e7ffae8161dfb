package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// The way back: the old version takes the place of the new one under pods that the
// new one has started, reads what that has written, and cleans up after its shims.
func TestUpgradeIsRolledBackUnderRunningPods(t *testing.T) {
	o := newOldVersion(t)
	o.install()
	o.upgrade()
	o.restart()
	t.Run("pods", func(t *testing.T) {
		pod := o.pod(t, printing)
		main := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main"})
		task := harness.RunTask(t, o.Daemon, printing)
		dying, dead := stoppingTask(t, o.Daemon), newDyingPod(t, o.Daemon)
		for _, id := range []string{pod.ID, task.ID, dying.ID, dead.ID} {
			o.wantServedBy(t, id, o.Binaries().Bin)
		}
		undelivered := writeUndelivered(t, o.Daemon)

		o.rollBack()
		o.restart()
		older := harness.RunTask(t, o.Daemon, printing, withRuncsOptions)
		o.wantServedBy(t, older.ID, o.old)
		for _, f := range []*harness.Fixture{main, task, older} {
			awaitAttempts(t, o.Daemon, f.ID, "postStart Succeeded")
			f.Kill(syscall.SIGTERM)
			f.Await("pre")
			awaitAttempts(t, o.Daemon, f.ID, "postStart Succeeded", "preStop")
			o.wantHistory(t, f.ID, "postStart Succeeded", "preStop Running")
			o.wantPS(t, f.ID, "preStop")
			f.Open("pre-go")
			f.WantExit(0)
			f.WantTrace("post", "pre", "term")
			awaitAttempts(t, o.Daemon, f.ID, "postStart Succeeded", "preStop Succeeded")
			o.wantHistory(t, f.ID, "postStart Succeeded", "preStop Succeeded")
			if got := o.run("logs", f.ID); !strings.Contains(got, "\nstdout: begun\n") || !strings.Contains(got, "\nstdout: ended\n") {
				t.Errorf("logs of %s: %s", f.ID, got)
			}
		}
		// It is an attempt of no hook: the old version does not know what else there is.
		o.wantHistory(t, undelivered, " Unknown")
		killShim(t, o.Daemon, dying.ID)
		killShim(t, o.Daemon, dead.ID)
		wantTaskGone(t, dying, "preStop Unknown")
		dead.wantGone(t)
		dead.wantExited(t)

		o.upgrade()
		if got := outcomes(t, o.Daemon, older.ID); got != "postStart Succeeded, preStop Succeeded" {
			t.Errorf("history of what the old version wrote: %q", got)
		}
		if got := bookend(t, o.Daemon, "logs", undelivered); !strings.Contains(got, ": Delivered, SIGTERM, ") {
			t.Errorf("logs of an undelivered stop, after the old version: %s", got)
		}
	})
	o.rollBack()
	o.uninstallOld()
}

// uninstallOld waits until shims that no one needs any more have gone, and has the old
// version remove itself.
func (o *oldVersion) uninstallOld() {
	o.t.Helper()
	err := harness.Poll(o.t.Context(), harness.EndTimeout, "shims to end", func() error {
		if sets := o.sets(); len(sets) > 0 {
			return fmt.Errorf("they run from %v", sets)
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.run(o.uninstallArgs()...)
}

// wantHistory checks what the old version tells of a container's hooks.
func (o *oldVersion) wantHistory(t *testing.T, id string, want ...string) {
	t.Helper()
	var all []struct{ Container, Hook, Outcome string }
	if err := json.Unmarshal([]byte(o.run("history", "-o", "json", "--container", id)), &all); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all {
		got = append(got, a.Hook+" "+a.Outcome)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("old history of %s: %q, want %q", id, got, want)
	}
}

// wantPS waits until the old version tells of a container's phase.
func (o *oldVersion) wantPS(t *testing.T, id, phase string) {
	t.Helper()
	err := harness.Poll(t.Context(), harness.ReadyTimeout, "old ps", func() error {
		out := o.run("ps", "-o", "json")
		var all []struct{ Container, Phase string }
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			return harness.Permanent(err)
		}
		for _, c := range all {
			if c.Container == id && c.Phase == phase {
				return nil
			}
		}
		return fmt.Errorf("it prints %s", out)
	})
	if err != nil {
		t.Error(err)
	}
}

// writeUndelivered leaves a record of a kind that the old version does not know, as a
// shim does whose runtime hung for ten seconds.
func writeUndelivered(t *testing.T, d *harness.Daemon) (id string) {
	t.Helper()
	id = harness.NewID("stop")
	now := time.Now()
	text := fmt.Sprintf(`{"version":1,"kind":"stop","namespace":%q,"container":%q,"stopSignal":"SIGTERM","started":%q,"detail":"runc hung"}
{"delivery":"delivered","durationSeconds":42.1}
`, harness.TaskNamespace, id, now.UTC().Format(time.RFC3339Nano))
	path := filepath.Join(d.RecordsDir(), "records", fmt.Sprintf("%020d-%08x.jsonl", now.UnixNano(), os.Getpid()))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return id
}
