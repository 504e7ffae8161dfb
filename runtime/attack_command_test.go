package runtime

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

// wantRefused checks that a hook's command was not run, and that it reads so.
func wantRefused(t *testing.T, got hooks.Report) {
	t.Helper()
	if got.Err == nil || got.Cause == hooks.CauseExitCode || got.Cause == hooks.CauseSignal || got.Cause == hooks.CauseInternal {
		t.Errorf("got %+v", got)
	}
	if len(got.Stdout) != 0 {
		t.Errorf("something was run: %s", got.Stdout)
	}
}

// lastDescriptor is beyond all that the joiner ever has open.
const lastDescriptor = 40

// Through a descriptor of the joiner's, nothing of the host is reached: the
// class of CVE-2024-21626.
func TestAttackCommandThroughADescriptor(t *testing.T) {
	c := startContainer(t, nil)
	out, err := exec.Command("cp", "/bin/busybox", c.Bundle).CombinedOutput()
	if err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	up := strings.Repeat("/..", 12)
	for fd := range lastDescriptor {
		through := fmt.Sprintf("/proc/self/fd/%d", fd)
		outside := through + up + c.Bundle
		must(t, os.Symlink(outside+"/busybox", filepath.Join(c.rootfs, fmt.Sprintf("scratch/link%d", fd))))
		for _, spec := range []hooks.Exec{
			{Command: []string{outside + "/busybox", "echo", "outside"}},
			{Command: []string{fmt.Sprintf("/scratch/link%d", fd), "echo", "outside"}},
			{Command: []string{"busybox", "echo", "outside"}, Env: []hooks.EnvVar{{Name: "PATH", Value: outside}}},
			{Command: []string{"/bin/pwd"}, WorkingDir: through},
			{Command: []string{"/bin/pwd"}, WorkingDir: through + up},
			{Command: []string{"./busybox", "echo", "outside"}, WorkingDir: outside},
		} {
			wantRefused(t, c.bounded(&spec))
			if t.Failed() {
				t.Fatalf("with %+v", spec)
			}
		}
	}
}

// The joiner does not run a second time, in the container, as the command.
func TestAttackCommandIsTheJoinerItself(t *testing.T) {
	c := startContainer(t, nil)
	must(t, os.Symlink("/proc/self/exe", filepath.Join(c.rootfs, "scratch/self")))
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/script"), []byte("#!/proc/self/exe\n"), 0o755))
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/linked"), []byte("#!/scratch/self with arguments\n"), 0o755))
	for _, spec := range []hooks.Exec{
		{Command: []string{"/proc/self/exe"}},
		{Command: []string{"/proc/thread-self/exe"}},
		{Command: []string{"/scratch/self"}},
		{Command: []string{"self"}, Env: []hooks.EnvVar{{Name: "PATH", Value: "/scratch"}}},
		{Command: []string{"exe"}, Env: []hooks.EnvVar{{Name: "PATH", Value: "/proc/self"}}},
		{Command: []string{"/scratch/script"}},
		{Command: []string{"/scratch/linked"}},
	} {
		got := c.bounded(&spec)
		if script := strings.HasSuffix(spec.Command[0], "script") || strings.HasSuffix(spec.Command[0], "linked"); !script {
			wantRefused(t, got) // of a script, the kernel starts the interpreter
		}
		if got.Err == nil || got.Cause == hooks.CauseInternal || got.Suspect || len(got.Stdout)+len(got.Stderr) != 0 {
			t.Errorf("%v: got %+v", spec.Command, got)
		}
		t.Logf("%v: %v", spec.Command, got.Err)
	}
}

// A command has no descriptor on which to say how it ended.
func TestAttackCommandForgesItsEnd(t *testing.T) {
	c := startContainer(t, nil)
	// From 10 on they are the shell's own.
	script := `for fd in 3 4 5 6 7 8 9; do
printf '\003\000\000\000\000\000\000\000\000\000\000\000' >&$fd && echo "written to $fd"
echo '{"exit":{"code":0}}' >&$fd && echo "written to $fd"
done
exit 7`
	got := c.tried("sh", "-c", script)
	got.Stderr = nil // of the shell's: bad file descriptor
	wantReport(t, got, hooks.Report{Cause: hooks.CauseExitCode, ExitCode: 7})
}

// A command is not taken from wherever the hook happens to stand.
func TestAttackCommandFromARelativePath(t *testing.T) {
	c := startContainer(t, nil)
	must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch/tool"), []byte("#!/bin/sh\necho ran\n"), 0o755))
	for _, path := range []string{"", ":/bin", "/bin:", "/bin::/sbin", ".", "../scratch:/bin", "scratch/../.:/bin"} {
		t.Run("PATH="+path, func(t *testing.T) {
			spec := hooks.Exec{Command: []string{"tool"}, WorkingDir: "/scratch", Env: []hooks.EnvVar{{Name: "PATH", Value: path}}}
			wantRefused(t, c.bounded(&spec))
		})
	}
}
