package nodeinstall

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	godbus "github.com/godbus/dbus/v5"
)

func TestRestartsAreParsed(t *testing.T) {
	for s, ok := range map[string]bool{
		"systemd:k3s": true, "exec:rc-service k3s restart": true, "exec:a:b": true, "none": true, "auto": true,
		"": false, "systemd": false, "systemd:": false, "exec:": false, "none:x": false, "auto:x": false, "kill": false,
	} {
		if _, err := ParseRestart(s); (err == nil) != ok || err != nil && !errors.Is(err, errRestart) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestTheUnitIsTheNamedOneElseTheNodes(t *testing.T) {
	for _, tt := range []struct{ flag, node, want string }{
		{"auto", "k3s-agent", "/host/run/dbus/system_bus_socket k3s-agent.service"},
		{"systemd:mine", "k3s-agent", "/host/run/dbus/system_bus_socket mine.service"},
		{"systemd:a.service", "", "/host/run/dbus/system_bus_socket a.service"},
		{"auto", "", ""},
	} {
		r, err := ParseRestart(tt.flag)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		r.systemd = func(_ context.Context, bus, unit string) error { got = bus + " " + unit; return nil }
		if err := r.restart(t.Context(), "/host", tt.node); got != tt.want || errors.Is(err, errNoUnit) != (tt.want == "") {
			t.Errorf("%+v: got %q, %v", tt, got, err)
		}
	}
}

// A command is run in the node's root: what it writes is the node's.
func TestACommandIsTheNodes(t *testing.T) {
	root := t.TempDir()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(root, "bin"), 0o755), os.WriteFile(filepath.Join(root, "bin", "sh"), data, 0o755)); err != nil {
		t.Fatal(err)
	}
	run := func(command string) error {
		r, err := ParseRestart("exec:" + command)
		if err != nil {
			t.Fatal(err)
		}
		return r.restart(t.Context(), root, "")
	}
	if err := run("echo $PWD > /done"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(root, "done")); err != nil || string(got) != "/\n" {
		t.Errorf("got %q, %v", got, err)
	}
	// What it prints is for the log, and not for an Event.
	err = run("echo no such service; exit 3")
	if out := (*outputError)(nil); !errors.As(err, &out) || out.output != "no such service" || err.Error() != "the command of --restart: exit status 3" {
		t.Errorf("got %v", err)
	}
}

// manager is a systemd on a bus of its own.
type manager struct {
	conn   *godbus.Conn
	result string
	units  chan string
}

// RestartUnit answers as systemd does: with a job, which ends later.
func (m *manager) RestartUnit(unit, mode string) (godbus.ObjectPath, *godbus.Error) {
	if unit == "none.service" {
		return "", godbus.NewError("org.freedesktop.systemd1.NoSuchUnit", []any{"Unit none.service not found."})
	}
	m.units <- unit + " " + mode
	const job = godbus.ObjectPath("/org/freedesktop/systemd1/job/7")
	go func() {
		_ = m.conn.Emit("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager.JobRemoved", uint32(7), job, unit, m.result)
	}()
	return job, nil
}

// Get answers as systemd does of a unit whose start has failed, and is to be tried again.
func (m *manager) Get(_, name string) (godbus.Variant, *godbus.Error) {
	return godbus.MakeVariant(map[string]string{"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"}[name]), nil
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
`

// newManager starts a bus at a path, and a systemd on it.
func newManager(t *testing.T, path, result string) *manager {
	t.Helper()
	daemon, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("this machine has no dbus-daemon; the virtual machine with systemd has")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, path), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(daemon, "--config-file="+config, "--nofork", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it listens
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	conn, err := dialBus(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	m := &manager{conn: conn, result: result, units: make(chan string, 1)}
	for path, iface := range map[godbus.ObjectPath]string{
		"/org/freedesktop/systemd1": "org.freedesktop.systemd1.Manager", "/org/freedesktop/systemd1/unit/k3s_2eservice": "org.freedesktop.DBus.Properties",
	} {
		if err := conn.Export(m, path, iface); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := conn.RequestName("org.freedesktop.systemd1", godbus.NameFlagDoNotQueue); err != nil || reply != godbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("%v, %v", reply, err)
	}
	return m
}

func TestAUnitIsRestartedOverTheNodesBus(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for result, want := range map[string]string{
		"done": "", "failed": "systemd: restart k3s.service: the job has not done it: failed; the unit is activating (auto-restart), its result exit-code",
	} {
		root := t.TempDir()
		m := newManager(t, filepath.Join(root, busSocket), result)
		r, err := ParseRestart("auto")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.restart(ctx, root, "k3s"); errors.Is(err, errJob) != (want != "") || err != nil && err.Error() != want {
			t.Errorf("%s: got %v", result, err)
		}
		if got := <-m.units; got != "k3s.service replace" {
			t.Errorf("restarted %q", got)
		}
		if err := r.restart(ctx, root, "none"); err == nil || errors.Is(err, errJob) || !strings.Contains(err.Error(), "not found") {
			t.Errorf("no such unit: got %v", err)
		}
	}
	if err := restartUnit(ctx, filepath.Join(t.TempDir(), "none"), "x"); err == nil || errors.Is(err, errJob) {
		t.Errorf("no bus: got %v", err)
	}
}
