package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about the fields of exec that Kubernetes has not.

// lookAt runs a container of a pod whose watched postStart has more fields, and
// shows the hook while it runs.
func lookAt(t *testing.T, d *harness.Daemon, fields string, edit func(*runtimeapi.ContainerConfig), look func(hook int)) {
	t.Helper()
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, Annotations: map[string]string{harness.PodLifecycleKey: watched(fields)}})
	m := harness.CreateContainer(t, pod, harness.ContainerOptions{Name: "main", Edit: edit})
	reply := m.Begin(t.Context())
	m.Await("main", "post")
	look(findHook(t, d, watchedHook).PID)
	m.Open("post-go")
	if err := wantReply(t, reply); err != nil {
		t.Error(err)
	}
}

func TestExecHooksUserIsMadeAsAContainersIs(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, "[policy]\nallowUser = true\n")
	for user, want := range map[string]struct{ gid, groups, home string }{
		"app":       {"1000", "1000 2000", "/home"}, // the group's file says so
		"1000":      {"1000", "1000 2000", "/home"},
		"app:extra": {"2000", "2000", "/home"},
		"1000:7":    {"7", "7", "/home"},
	} {
		t.Run(user, func(t *testing.T) {
			lookAt(t, d, `,"user":"`+user+`"`, nil, func(hook int) {
				got := confinement(t, hook)
				ids := func(id string) string { return strings.Join([]string{id, id, id, id}, " ") }
				if got["Uid"] != ids("1000") || got["Gid"] != ids(want.gid) || got["Groups"] != want.groups {
					t.Errorf("uid %s, gid %s, groups %s; want 1000, %s, %s", got["Uid"], got["Gid"], got["Groups"], want.gid, want.groups)
				}
				if got["CapEff"] != "0000000000000000" || got["CapPrm"] != "0000000000000000" {
					t.Errorf("capabilities %s, %s of a user that is not root", got["CapEff"], got["CapPrm"])
				}
				wantVariables(t, hook, "HOME="+want.home)
			})
		})
	}
}

func TestExecHooksEnvironmentAndDirectoryAreAddedToItsContainers(t *testing.T) {
	d := shared.Daemon(t)
	edit := func(c *runtimeapi.ContainerConfig) {
		c.WorkingDir = "/var"
		c.Envs = []*runtimeapi.KeyValue{{Key: "KEPT", Value: []byte("1")}, {Key: "CHANGED", Value: []byte("2")}}
	}
	fields := `,"workingDir":"/tmp","env":[{"name":"CHANGED","value":"3"},{"name":"ADDED","value":"a b=c"},{"name":"HOME","value":"/x"}]`
	lookAt(t, d, fields, edit, func(hook int) {
		wantVariables(t, hook, "KEPT=1", "CHANGED=3", "ADDED=a b=c", "HOME=/x")
		if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", hook)); err != nil || cwd != "/tmp" {
			t.Errorf("working directory %s, %v; want /tmp", cwd, err)
		}
	})
}

// wantVariables checks that a process has each of the variables exactly once.
func wantVariables(t *testing.T, pid int, want ...string) {
	t.Helper()
	environ := strings.Split(readFile(t, fmt.Sprintf("/proc/%d/environ", pid)), "\x00")
	for _, w := range want {
		name, _, _ := strings.Cut(w, "=")
		got := slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return !strings.HasPrefix(v, name+"=") })
		if !slices.Equal(got, []string{w}) {
			t.Errorf("variables %q, want %q", got, w)
		}
	}
}
