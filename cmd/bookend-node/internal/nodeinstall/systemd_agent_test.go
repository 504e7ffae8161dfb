package nodeinstall

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
)

// containerdUnit is containerd's own, but for where it is.
const containerdUnit = `[Unit]
Description=containerd container runtime
After=network.target dbus.service

[Service]
Environment=PATH=TOOLS:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStartPre=-/sbin/modprobe overlay
ExecStart=TOOLS/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999
`

// agentIn is a variable of an agent's container: the directory of the new binaries.
const agentIn = "BOOKEND_TEST_AGENT"

// An agent that runs in a container of the node's containerd, with what its pod is given,
// installs and removes bookend. systemd restarts containerd for it each time, and the
// container runs on.
func TestSystemdRestartsContainerdForAnAgentInItsContainer(t *testing.T) {
	needSystemd(t)
	if from := os.Getenv(agentIn); from != "" {
		thereAndBack(t, from)
		return
	}
	tools := os.Getenv("BOOKEND_TOOLS")
	if err := os.MkdirAll("/etc/containerd", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/etc/containerd/config.toml", []byte("version = 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	units(t, map[string]string{"containerd": strings.ReplaceAll(containerdUnit, "TOOLS", tools)})
	systemctl(t, "start", "containerd")
	before := show("containerd", "MainPID")

	c := container{t: t, ctr: filepath.Join(tools, "ctr"), dir: t.TempDir()}
	c.run(os.Getenv("BOOKEND_BIN"))
	if said := c.wait(); !strings.HasSuffix(strings.TrimSpace(said), "\nPASS") {
		t.Errorf("the agent's container has printed:\n%s", said)
	}
	if now, again := show("containerd", "MainPID"), show("containerd", "NRestarts"); now == before || again != "0" {
		t.Errorf("containerd was %s and is %s, and has ended %s times by itself", before, now, again)
	}
}

// thereAndBack is the agent's part.
func thereAndBack(t *testing.T, from string) {
	n := &node{t: t, root: "/host", from: from, api: apitest.New(), now: time.Unix(1e9, 0), loaded: true}
	defer n.api.Close()
	n.agent(t.TempDir())
	for _, a := range []Action{Place, Restart, Settle, Label, Rest} {
		n.reach(a)
	}
	n.says(ReasonInstalled, true)
	n.ask(true)
	for _, a := range []Action{Unlabel, Undo, Restart, Settle, Forget, Rest} {
		n.reach(a)
	}
	n.says("", false)
}

// reach takes steps until one is this; before it the node is waited for alone.
func (n *node) reach(want Action) {
	n.t.Helper()
	begun := time.Now()
	for {
		d, err := New(n.opts).Step(n.t.Context())
		n.t.Logf("after %.1f s: %s, %v: %s", time.Since(begun).Seconds(), d.Action, err, d.Message)
		switch {
		case err == nil && d.Action == want:
			return
		case err != nil || d.Action != Wait:
			n.t.Fatalf("want %s", want)
		}
		n.heartbeat()
	}
}

// container is one of the node's containerd that this test binary runs in.
type container struct {
	t        *testing.T
	ctr, dir string
}

func (c container) log() string     { return filepath.Join(c.dir, "log") }
func (c container) pidFile() string { return filepath.Join(c.dir, "pid") }

// run starts it as the DaemonSet has it: privileged, with the node's processes and root
// directory.
func (c container) run(bin string) {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	rootfs := filepath.Join(c.dir, "rootfs")
	if err := os.MkdirAll(filepath.Join(rootfs, "tmp"), 0o755); err != nil {
		c.t.Fatal(err)
	}
	const only = "^TestSystemdRestartsContainerdForAnAgentInItsContainer$"
	out, err := exec.Command(c.ctr, "run", "--detach", "--rootfs", "--privileged", "--with-ns", "pid:/proc/1/ns/pid",
		"--mount", "type=bind,src=/,dst=/host,options=rbind:rslave", "--mount", "type=bind,src=/bookend,dst=/bookend,options=rbind:ro",
		"--env", agentIn+"="+bin, "--env", "BOOKEND_TEST_SYSTEMD=1", "--pid-file", c.pidFile(), "--log-uri", "file://"+c.log(),
		rootfs, "agent", self, "-test.run="+only, "-test.v", "-test.timeout=10m").CombinedOutput()
	if err != nil {
		c.t.Fatalf("ctr run: %v: %s", err, out)
	}
}

// wait waits for its end, of which the containerd hears that has its shim now, and returns
// what it printed.
func (c container) wait() string {
	c.t.Helper()
	pid, errPID := os.ReadFile(c.pidFile())
	n, errN := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err := errors.Join(errPID, errN); err != nil {
		c.t.Fatal(err)
	}
	if fd, err := unix.PidfdOpen(n, 0); err == nil { // else it has ended
		defer unix.Close(fd)
		for err = unix.EINTR; errors.Is(err, unix.EINTR); {
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		}
	}
	said, err := os.ReadFile(c.log())
	if err != nil {
		c.t.Fatal(err)
	}
	for late := time.Now().Add(time.Minute); ; {
		out, err := exec.Command(c.ctr, "task", "delete", "agent").CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(late) {
			c.t.Errorf("containerd does not know the container's end: %v: %s", err, out)
			break
		}
	}
	if out, err := exec.Command(c.ctr, "container", "delete", "agent").CombinedOutput(); err != nil {
		c.t.Errorf("ctr container delete: %v: %s", err, out)
	}
	return string(said)
}
