package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file read the process of an exec hook from /proc while it
// runs, and hold it against its container's init.

// watchedHook is the command of the hook that is looked at. What follows the
// script would not survive a shell, or a template, in between; what ends it
// keeps the shell from becoming its last command.
var watchedHook = []string{"sh", "-c", waitingPost + "; exit 0", "two words", "", "$HOME $(HOME) ${HOME}", "\"ü\"\n'"}

// watched is a postStart that waits at its FIFO, with more fields of exec.
func watched(fields string) string {
	command, err := json.Marshal(watchedHook)
	if err != nil {
		panic(err)
	}
	return `{"postStart":{"exec":{"command":` + string(command) + fields + `}}}`
}

func TestExecHookRunsAsItsContainerDoes(t *testing.T) {
	d := shared.Daemon(t)
	security := func(edit func(*runtimeapi.LinuxContainerSecurityContext)) func(*runtimeapi.ContainerConfig) {
		return func(c *runtimeapi.ContainerConfig) { edit(c.GetLinux().GetSecurityContext()) }
	}
	for name, tt := range map[string]struct {
		pod  harness.PodOptions
		edit func(*runtimeapi.ContainerConfig)
		want map[string]string // of /proc/<pid>/status
	}{
		"pod":             {},
		"restricted":      {edit: restrict, want: map[string]string{"Seccomp": "2", "NoNewPrivs": "1", "Uid": "1000 1000 1000 1000", "Gid": "3000 3000 3000 3000", "Groups": "2000 3000 4000", "CapBnd": "0000000000000400"}},
		"seccomp":         {edit: security(seccompDefault), want: map[string]string{"Seccomp": "2", "NoNewPrivs": "0"}},
		"privileged":      {pod: harness.PodOptions{Edit: privilegedPod}, edit: security(privileged), want: map[string]string{"Seccomp": "0"}},
		"shared pid":      {pod: harness.PodOptions{PodPID: true}},
		"host pid":        {pod: harness.PodOptions{HostPID: true}},
		"host network":    {pod: harness.PodOptions{HostNetwork: true}},
		"user namespace":  {pod: harness.PodOptions{UserNamespace: true}, want: map[string]string{"Uid": "1048576 1048576 1048576 1048576"}},
		"with a terminal": {edit: func(c *runtimeapi.ContainerConfig) { c.Tty = true }},
	} {
		t.Run(name, func(t *testing.T) {
			tt.pod.Handler = harness.Bookend
			tt.pod.Annotations = map[string]string{harness.PodLifecycleKey: watched("")}
			m := harness.CreateContainer(t, d.TestPod(t, tt.pod), harness.ContainerOptions{Name: "main", Edit: tt.edit})
			reply := m.Begin(t.Context())
			m.Await("main", "post")
			wantSameAsInit(t, m, tt.want)
			m.Open("post-go")
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExecHookOfAPlainTaskRunsAsItsContainerDoes(t *testing.T) {
	d := shared.Daemon(t)
	for name, tt := range map[string]struct {
		edit []oci.SpecOpts
		want map[string]string
	}{
		"default": {nil, map[string]string{"NoNewPrivs": "1"}},
		"confined": {[]oci.SpecOpts{
			oci.WithUserID(1000), oci.WithAppendAdditionalGroups("extra"), oci.WithProcessCwd("/tmp"), oci.WithEnv([]string{"HOME=/var"}),
			oci.WithCapabilities(nil), oci.WithRlimit(&specs.POSIXRlimit{Type: "RLIMIT_NOFILE", Hard: 77, Soft: 66}),
		}, map[string]string{"Uid": "1000 1000 1000 1000", "CapBnd": "0000000000000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.CreateTask(t, d, watched(""), func(o *harness.TaskOptions) { o.Spec = append(o.Spec, tt.edit...) })
			reply := h.Begin(t.Context())
			h.Await("main", "post")
			wantSameAsInit(t, h, tt.want)
			h.Open("post-go")
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
		})
	}
}

// restrict is what a pod of the profile "restricted" asks for, and more.
func restrict(c *runtimeapi.ContainerConfig) {
	c.WorkingDir = "/tmp"
	c.Envs = []*runtimeapi.KeyValue{{Key: "GREETING", Value: []byte("hello $(HOME)\nand more")}, {Key: "EMPTY"}}
	s := c.GetLinux().GetSecurityContext()
	s.RunAsUser, s.RunAsGroup = &runtimeapi.Int64Value{Value: 1000}, &runtimeapi.Int64Value{Value: 3000}
	s.SupplementalGroups = []int64{4000}
	s.NoNewPrivs = true
	s.Capabilities = &runtimeapi.Capability{DropCapabilities: []string{"ALL"}, AddCapabilities: []string{"NET_BIND_SERVICE"}}
	seccompDefault(s)
}

func seccompDefault(s *runtimeapi.LinuxContainerSecurityContext) {
	s.Seccomp = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}
}

func privileged(s *runtimeapi.LinuxContainerSecurityContext) { s.Privileged = true }

func privilegedPod(c *runtimeapi.PodSandboxConfig) {
	c.GetLinux().GetSecurityContext().Privileged = true
}

// wantSameAsInit compares the hook that runs in a container with its init.
func wantSameAsInit(t *testing.T, h *harness.Fixture, status map[string]string) {
	t.Helper()
	init, hook := h.Init(), findHook(t, h.Daemon, watchedHook).PID
	want, got := confinement(t, init), confinement(t, hook)
	if hasOwnCgroup(t, init) && want["ns/cgroup"] != readLink(t, "/proc/self/ns/cgroup") {
		if got["ns/cgroup"] == want["ns/cgroup"] {
			t.Error("the hook has its container's cgroup namespace, which is not rooted in the hook's cgroup")
		}
		delete(want, "ns/cgroup")
	}
	for _, what := range slices.Sorted(maps.Keys(want)) {
		if got[what] != want[what] {
			t.Errorf("%s of the hook: %q, of the init: %q", what, got[what], want[what])
		}
	}
	for field, value := range status {
		if got[field] != value {
			t.Errorf("%s of the hook: %q, want %q", field, got[field], value)
		}
	}
	wantEnvironment(t, h, hook)
	wantNoTerminal(t, hook)
	wantHookCgroup(t, h.Daemon, init, hook)
}

// confinement is everything about a process that a hook has from its container.
func confinement(t *testing.T, pid int) map[string]string {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", pid)
	found := map[string]string{}
	for _, link := range append(names(t, proc+"ns", "ns/"), "cwd", "root") {
		found[link] = readLink(t, proc+link)
	}
	for _, file := range []string{"limits", "oom_score_adj", "personality", "environ"} {
		found[file] = readFile(t, proc+file)
	}
	label, _ := os.ReadFile(proc + "attr/current") // of AppArmor or SELinux, where there is one
	found["label"] = string(label)
	for line := range strings.Lines(readFile(t, proc+"status")) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Umask":
			found[name] = strings.Join(strings.Fields(value), " ")
		}
	}
	return found
}

// wantEnvironment checks that nothing but HOME has joined the container's
// environment.
func wantEnvironment(t *testing.T, h *harness.Fixture, hook int) {
	t.Helper()
	var spec specs.Spec
	if err := json.Unmarshal([]byte(readSpec(t, h.Daemon, h.Namespace, h.ID)), &spec); err != nil {
		t.Fatal(err)
	}
	want := spec.Process.Env
	got := strings.Split(strings.TrimSuffix(readFile(t, fmt.Sprintf("/proc/%d/environ", hook)), "\x00"), "\x00")
	if !slices.ContainsFunc(want, isHome) {
		got = slices.DeleteFunc(got, isHome)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("environment of the hook but HOME: %q, of the container: %q", got, want)
	}
}

func isHome(variable string) bool { return strings.HasPrefix(variable, "HOME=") }

// wantNoTerminal checks the descriptors of a hook: /dev/null, two pipes, and
// nothing else.
func wantNoTerminal(t *testing.T, hook int) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", hook)
	// The hook's shell may still be redirecting the line that told of its start.
	err := harness.Poll(t.Context(), harness.EndTimeout, "the hook's descriptors", func() error {
		if got := names(t, proc+"fd", ""); !slices.Equal(got, []string{"0", "1", "2"}) {
			return fmt.Errorf("they are %q, want 0, 1 and 2", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	info, err := os.Stat(proc + "fd/0")
	if err != nil {
		t.Fatal(err)
	}
	const null = 1<<8 | 3
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || info.Mode()&os.ModeCharDevice == 0 || st.Rdev != null {
		t.Errorf("stdin is %v, want /dev/null", info.Mode())
	}
	for _, fd := range []string{"1", "2"} {
		if target, err := os.Readlink(proc + "fd/" + fd); err != nil || !strings.HasPrefix(target, "pipe:") {
			t.Errorf("descriptor %s is %s, %v; want a pipe", fd, target, err)
		}
	}
	if p, err := harness.ReadProcess(hook); err != nil || p.Terminal != 0 {
		t.Errorf("controlling terminal %d, %v; want none", p.Terminal, err)
	}
}

// wantHookCgroup checks that a hook is in all of its container's cgroups but
// the one without any controller that accounts: there it is in a child. Where the
// container manages its cgroups it is in none of its own.
func wantHookCgroup(t *testing.T, d *harness.Daemon, init, hook int) {
	t.Helper()
	want, got := cgroupsOf(t, init), cgroupsOf(t, hook)
	child := childHierarchy(want)
	if !strings.Contains(want[child], d.Cgroup()+"/") {
		t.Fatalf("the container is in cgroup %s: the comparison would prove nothing", want[child])
	}
	if child != "" || hasOwnCgroup(t, init) {
		if dir, base := path.Split(got[child]); dir != want[child]+"/" || !strings.HasPrefix(base, "bookend-") {
			t.Errorf("hook in cgroup %s, want a child of %s", got[child], want[child])
		}
		delete(want, child)
		delete(got, child)
	}
	if !maps.Equal(got, want) {
		t.Errorf("hook in cgroups %v, want %v", got, want)
	}
}

// childHierarchy is the one, of those in which a container is, in which its hooks
// have cgroups: "freezer", or "", the unified one, where there is no other.
func childHierarchy(cgroups map[string]string) string {
	if _, v1 := cgroups["freezer"]; v1 {
		return "freezer"
	}
	return ""
}

// hasOwnCgroup tells whether hooks of a container have a cgroup of their own in the
// unified hierarchy: there is no other, and the container cannot write to it.
func hasOwnCgroup(t *testing.T, init int) bool {
	t.Helper()
	if childHierarchy(cgroupsOf(t, init)) != "" {
		return false
	}
	for line := range strings.Lines(readFile(t, fmt.Sprintf("/proc/%d/mountinfo", init))) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if strings.HasPrefix(after, "cgroup2 ") && slices.Contains(strings.Split(fields[5], ","), "rw") {
			return false
		}
	}
	return true
}

// cgroupsOf maps the controllers of each hierarchy to the cgroup of a process.
func cgroupsOf(t *testing.T, pid int) map[string]string {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(readFile(t, fmt.Sprintf("/proc/%d/cgroup", pid))) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		found[fields[1]] = fields[2]
	}
	return found
}

// findHook returns the running hook with this command: its children may carry
// the same arguments for a moment, but neither the joiner nor bookend-exec is their parent.
func findHook(t *testing.T, d *harness.Daemon, command []string) harness.Process {
	t.Helper()
	procs, err := d.Processes()
	if err != nil {
		t.Fatal(err)
	}
	parents := map[int]bool{}
	for _, p := range procs {
		parents[p.PID] = p.Args[0] == "bookend-joiner" || p.Args[0] == "bookend-exec"
	}
	var found []harness.Process
	for _, p := range procs {
		if slices.Equal(p.Args, command) && parents[p.PPID] {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		t.Fatalf("processes with the arguments %q: %v, want one; there are %v", command, found, procs)
	}
	return found[0]
}

// names lists a directory, with prefix before each name.
func names(t *testing.T, dir, prefix string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, prefix+e.Name())
	}
	return found
}

func readLink(t *testing.T, path string) string {
	t.Helper()
	target, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
