package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The tests in this file are about containers whose runtime is not the runc
// that bookend is built with.

// olderSpec runs the crun of its %s with bundles whose specification has a version
// that Debian 12's crun knows, which knows none after 1.0.
const olderSpec = `#!/bin/sh
for a; do
	test "$before" != --bundle || sed -i 's/"ociVersion":"1[.][0-9.]*"/"ociVersion":"1.0.2"/' "$a/config.json"
	before=$a
done
exec %s "$@"
`

// otherRuntimes are the runtimes that the machine has, by the name of a test.
// One that is missing skips its test.
func otherRuntimes() map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"runc 1.4": tool("runc-1.4"),
		"runc 1.3": tool("runc-1.3"),
		"runc 1.2": tool("runc-1.2"),
		"installed runc": func(t *testing.T) string {
			return program(t, "/usr/sbin/runc") // not what a PATH of ours would find
		},
		"crun": func(t *testing.T) string {
			return harness.CrunOnHybrid(t, program(t, shared.Daemon(t).Binaries().Crun))
		},
		"installed crun": func(t *testing.T) string {
			return harness.Script(t, "crun", fmt.Sprintf(olderSpec, harness.CrunOnHybrid(t, program(t, "/usr/bin/crun"))))
		},
	}
}

func tool(name string) func(*testing.T) string {
	return func(t *testing.T) string {
		path, err := shared.Daemon(t).Binaries().Tool(name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// program returns the path of a runtime, or skips the test.
func program(t *testing.T, path string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no such runtime: %v", err)
	}
	return path
}

// withOtherRuntimes runs a test with each of the other runtimes, and with each
// way into their containers.
func withOtherRuntimes(t *testing.T, test func(t *testing.T, d *harness.Daemon, way string, edit func(*harness.TaskOptions))) {
	d := shared.Daemon(t)
	for name, find := range otherRuntimes() {
		for way, config := range map[string]string{"joiner": "", "runtime": "[exec]\nentry = \"runtime\"\n"} {
			t.Run(name+" by "+way, func(t *testing.T) {
				binary := find(t)
				setConfig(t, d, config)
				test(t, d, way, func(o *harness.TaskOptions) { o.RuntimeOptions = &options.Options{BinaryName: binary} })
			})
		}
	}
}

func TestOtherRuntimesHaveHooks(t *testing.T) {
	withOtherRuntimes(t, func(t *testing.T, d *harness.Daemon, way string, edit func(*harness.TaskOptions)) {
		h := harness.RunTask(t, d, noted, edit)
		post := h.WantHookEvent("postStart", "success")
		h.Stop()
		pre := h.WantHookEvent("preStop", "success")
		if post["runner"] != way || pre["runner"] != way {
			t.Errorf("runners %q and %q, want %q", post["runner"], pre["runner"], way)
		}
		h.WantTrace(notes...)
	})
}

func TestOtherRuntimesHooksRunAsTheirContainersDo(t *testing.T) {
	withOtherRuntimes(t, func(t *testing.T, d *harness.Daemon, way string, edit func(*harness.TaskOptions)) {
		confine := func(o *harness.TaskOptions) {
			o.Spec = append(o.Spec, oci.WithUserID(1000), oci.WithAppendAdditionalGroups("extra"), oci.WithProcessCwd("/tmp"),
				oci.WithEnv([]string{"HOME=/var", "GREETING=hello $HOME"}), oci.WithCapabilities([]string{"CAP_NET_BIND_SERVICE"}),
				oci.WithRlimit(&specs.POSIXRlimit{Type: "RLIMIT_FSIZE", Hard: 1 << 30, Soft: 1 << 20}))
		}
		h := harness.CreateTask(t, d, watched(""), edit, confine)
		reply := h.Begin(t.Context())
		h.Await("main", "post")
		awaitAdoption(t, d, way)
		wantSameAsInit(t, h, map[string]string{"Uid": "1000 1000 1000 1000", "CapBnd": "0000000000000400", "NoNewPrivs": "1"})
		h.Open("post-go")
		if err := wantReply(t, reply); err != nil {
			t.Error(err)
		}
	})
}

// awaitAdoption waits until the hook is its parent's alone, which is the joiner or
// bookend-exec, and the hook is past its fifos: while its shell writes to that,
// its descriptors are others.
func awaitAdoption(t *testing.T, d *harness.Daemon, way string) {
	t.Helper()
	parentArgs := []string{map[string]string{"joiner": "bookend-joiner", "runtime": "bookend-exec"}[way]}
	err := harness.Poll(t.Context(), harness.EndTimeout, "a hook that waits", func() error {
		procs, err := d.Processes()
		if err != nil {
			return err
		}
		adopted, waits := false, false
		for _, p := range procs {
			parent := slices.IndexFunc(procs, func(q harness.Process) bool { return q.PID == p.PPID })
			adopted = adopted || slices.Equal(p.Args, watchedHook) && parent >= 0 && slices.Equal(procs[parent].Args, parentArgs)
			waits = waits || slices.Equal(p.Args, []string{"cat", "/fifo/post-go"})
		}
		if !adopted || !waits {
			return fmt.Errorf("adopted: %t, waits: %t: there are %v", adopted, waits, procs)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOtherRuntimesHooksFailForTheSameReasons(t *testing.T) {
	withOtherRuntimes(t, func(t *testing.T, d *harness.Daemon, _ string, edit func(*harness.TaskOptions)) {
		for name, tt := range map[string]struct {
			exec string
			want map[string]string
		}{
			"exit code":   {shell("echo said; exit 127"), map[string]string{"cause": "exit status", "exit_code": "127"}},
			"signal":      {shell("kill -9 $$"), map[string]string{"cause": "killed by signal", "signal": "9"}},
			"not found":   {`{"command":["/no/such"]}`, map[string]string{"cause": "command not found"}},
			"no program":  {`{"command":["/etc/passwd"]}`, map[string]string{"cause": "permission denied"}},
			"no such cwd": {`{"command":["true"],"workingDir":"/none"}`, map[string]string{"cause": "command not found"}},
		} {
			t.Run(name, func(t *testing.T) {
				h := harness.RunTask(t, d, `{"postStart":{"failurePolicy":"Ignore","exec":`+tt.exec+`}}`, edit)
				ev := h.WantHookEvent("postStart", "failure")
				for field, value := range tt.want {
					if ev[field] != value {
						t.Errorf("%s is %q, want %q (%v)", field, ev[field], value, ev)
					}
				}
				h.Stop()
			})
		}
	})
}

func TestOtherRuntimesHooksLoseAllTheirProcessesByATimeout(t *testing.T) {
	withOtherRuntimes(t, func(t *testing.T, d *harness.Daemon, _ string, edit func(*harness.TaskOptions)) {
		const tree = `sleep 4001 & setsid sleep 4002 >/dev/null 2>&1 & (setsid sh -c 'sleep 4003 & sleep 4004' >/dev/null 2>&1 &) ; echo post >> /fifo/trace; sleep 4005`
		h := harness.CreateTask(t, d, `{"postStart":{"timeoutSeconds":2,"failurePolicy":"Ignore","exec":`+shell(tree)+`}}`, edit)
		reply := h.Begin(t.Context())
		h.Await("main")
		var before []int
		err := harness.Poll(t.Context(), harness.EndTimeout, "the entrypoint's own process", func() error {
			if before = sleepersOf(t, d); len(before) == 0 {
				return os.ErrNotExist
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := wantReply(t, reply); err != nil {
			t.Fatal(err)
		}
		ev := h.WantHookEvent("postStart", "timeout")
		if ev["outcome"] != "TimedOut" {
			t.Errorf("event %v, want TimedOut", ev)
		}
		h.WantTrace("post") // it had come as far as that
		procs, err := d.Processes()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range procs {
			if len(p.Args) == 2 && p.Args[0] == "sleep" && strings.HasPrefix(p.Args[1], "400") {
				t.Errorf("left: %v", p)
			}
		}
		// What is the container's own lives: the entrypoint takes the signal, and
		// has not lost the process that it waits for, or it would start another.
		if after := sleepersOf(t, d); !slices.Equal(before, after) {
			t.Errorf("the entrypoint's own processes were %v, are %v", before, after)
		}
		h.Stop()
	})
}

// sleepersOf lists the pids of what entrypoints wait for.
func sleepersOf(t *testing.T, d *harness.Daemon) []int {
	t.Helper()
	procs, err := d.Processes()
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, p := range procs {
		if slices.Equal(p.Args, []string{"sleep", "1000"}) {
			found = append(found, p.PID)
		}
	}
	return found
}
