package nodeinstall

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// needSystemd skips a test where the machine's systemd is not one to try things with.
func needSystemd(t *testing.T) {
	t.Helper()
	if os.Getenv("BOOKEND_TEST_SYSTEMD") == "" {
		t.Skip("it gives the machine's systemd units: `make test-vm-one INIT=systemd RUN=TestSystemd` runs it in a virtual machine")
	}
}

// systemctl runs one of systemd's commands.
func systemctl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("systemctl", args...).CombinedOutput(); err != nil {
		t.Fatalf("systemctl %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// units gives systemd units until the test ends: from names to contents.
func units(t *testing.T, all map[string]string) {
	t.Helper()
	var names, files []string
	t.Cleanup(func() {
		// One that has no start does not stop either.
		_ = exec.Command("systemctl", append([]string{"stop"}, names...)...).Run()
		_ = exec.Command("systemctl", append([]string{"reset-failed"}, names...)...).Run()
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				t.Error(err)
			}
		}
		systemctl(t, "daemon-reload")
	})
	for name, content := range all {
		file := filepath.Join("/run/systemd/system", name+service)
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		names, files = append(names, name+service), append(files, file)
	}
	systemctl(t, "daemon-reload")
}

// ended is the end of a restart: its error, and how the unit was then.
type ended struct {
	err         error
	active, run string
}

// restartIt restarts a unit over the machine's own bus.
func restartIt(name string) ended {
	r, err := ParseRestart("systemd:" + name)
	if err == nil {
		err = r.restart(context.Background(), "/", "")
	}
	return ended{err, show(name, "ActiveState"), show(name, "InvocationID")}
}

// show is a property of a unit; empty: it cannot be asked for.
func show(name, property string) string {
	out, _ := exec.Command("systemctl", "show", "--property="+property, "--value", name+service).Output()
	return strings.TrimSpace(string(out))
}

// A restart ends when the unit has started again, and no sooner; and it fails where
// someone stops the unit meanwhile.
func TestSystemdRestartsAUnit(t *testing.T) {
	needSystemd(t)
	const name = "bookend-slow"
	dir := t.TempDir()
	begun, goOn := filepath.Join(dir, "begun"), filepath.Join(dir, "go")
	if err := errors.Join(syscall.Mkfifo(begun, 0o600), syscall.Mkfifo(goOn, 0o600)); err != nil {
		t.Fatal(err)
	}
	units(t, map[string]string{name: fmt.Sprintf("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo >%s; read x <%s'\n", begun, goOn)})
	restart := func() <-chan ended {
		end := make(chan ended, 1)
		go func() { end <- restartIt(name) }()
		if _, err := os.ReadFile(begun); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-end:
			t.Fatalf("the restart has ended before the unit's start: %+v", got)
		default:
		}
		return end
	}
	before := ""
	for range 2 { // one that does not run, and one that does
		end := restart()
		if err := os.WriteFile(goOn, []byte("\n"), 0); err != nil {
			t.Fatal(err)
		}
		got := <-end
		if got.err != nil || got.active != "active" || got.run == before {
			t.Fatalf("got %+v, before it the run was %s", got, before)
		}
		before = got.run
	}
	end := restart()
	systemctl(t, "stop", name)
	if got := <-end; !errors.Is(got.err, errJob) || !strings.Contains(got.err.Error(), name+".service: the job has not done it: canceled; the unit is ") {
		t.Errorf("of a unit that was stopped: %v", got.err)
	}
}

// What systemd says of a unit is in the error. It does not matter whether systemd tries
// again by itself, as it does with containerd.
func TestSystemdTellsWhyAUnitDoesNotStart(t *testing.T) {
	needSystemd(t)
	const again = "[Service]\nType=notify\nRestart=always\nRestartSec=1h\n"
	all := map[string]string{
		"bookend-exits":  again + "ExecStart=/bin/sh -c 'exit 3'\n",
		"bookend-dies":   again + "ExecStart=/bin/sh -c 'kill -9 $$$$'\n",
		"bookend-hangs":  again + "TimeoutStartSec=1\nExecStart=/bin/sleep 1000\n",
		"bookend-no-try": "[Service]\nType=oneshot\nExecStart=/bin/false\n",
	}
	units(t, all)
	for name := range all {
		want := "systemd: restart " + name + ".service: the job has not done it: failed; the unit is " + map[string]string{
			"bookend-exits":  "activating (auto-restart), its result exit-code",
			"bookend-dies":   "activating (auto-restart), its result signal",
			"bookend-hangs":  "activating (auto-restart), its result timeout",
			"bookend-no-try": "failed (failed), its result exit-code",
		}[name]
		if got := restartIt(name); !errors.Is(got.err, errJob) || got.err.Error() != want {
			t.Errorf("got %v, want %s", got.err, want)
		}
	}
}

// What systemd refuses has stopped nothing, and is tried again.
func TestSystemdRefusesToRestart(t *testing.T) {
	needSystemd(t)
	masked := filepath.Join("/run/systemd/system", "bookend-masked"+service)
	if err := os.Symlink("/dev/null", masked); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(masked) })
	units(t, map[string]string{
		"bookend-bad":   "[Service]\nExecStart=\n",
		"bookend-needs": "[Unit]\nRequires=bookend-none.service\n[Service]\nExecStart=/bin/true\n",
	})
	for name, want := range map[string]string{
		"bookend-none":   "Unit bookend-none.service not found.",
		"bookend-needs":  "Unit bookend-none.service not found.",
		"bookend-masked": "Unit bookend-masked.service is masked.",
		"bookend-bad":    "Unit bookend-bad.service has a bad unit file setting.",
	} {
		got := restartIt(name)
		if got.err == nil || errors.Is(got.err, errJob) || got.err.Error() != "systemd: restart "+name+".service: "+want {
			t.Errorf("%s: got %v", name, got.err)
		}
	}
}
