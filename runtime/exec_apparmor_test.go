package runtime

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/hooks"
)

// policy is AppArmor's for a container: it may do anything but read a secret.
// Two of its programs change the profile when they are executed.
const policy = `
profile bookend-test flags=(attach_disconnected) {
	file, capability, network, signal, ptrace, mount, umount, pivot_root,
	deny /scratch/secret r,
	/scratch/px/cat px -> bookend-test-px,
	/scratch/cx/cat cx -> kid,
	profile kid flags=(attach_disconnected) { file, signal, deny /scratch/kids r, }
}
profile bookend-test-px flags=(attach_disconnected) { file, signal, deny /scratch/pxs r, }
`

// loadPolicy hands policy to the kernel, or skips the test where there is no
// AppArmor. The parser is Debian's, which may have another libc than the machine.
func loadPolicy(t *testing.T) {
	t.Helper()
	on, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	if !bytes.HasPrefix(on, []byte("Y")) {
		t.Skip("needs a kernel that runs AppArmor")
	}
	root := debianRoot(t, "usr/sbin/apparmor_parser")
	libs := filepath.Join(root, "usr/lib/x86_64-linux-gnu")
	cmd := exec.Command(filepath.Join(libs, "ld-linux-x86-64.so.2"), "--library-path", libs,
		filepath.Join(root, "usr/sbin/apparmor_parser"), "--replace", "--skip-cache", "--quiet")
	cmd.Stdin = strings.NewReader(policy)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("load a policy: %v: %s", err, out)
	}
}

// A hook has its container's profile and is confined by it. What it executes
// goes from it to others where the profile says so; the hook's own command does
// not, as that of runc exec does not.
func TestExecAppArmor(t *testing.T) {
	loadPolicy(t)
	for name, edit := range map[string]func(*specs.Spec){
		"plain": func(*specs.Spec) {}, "confined": confined, "user namespace": inUserNamespace,
	} {
		t.Run(name, func(t *testing.T) {
			c := startContainer(t, func(s *specs.Spec) {
				edit(s)
				s.Process.ApparmorProfile = "bookend-test"
			})
			for _, dir := range []string{"px", "cx"} {
				must(t, os.MkdirAll(filepath.Join(c.rootfs, "scratch", dir), 0o755))
				must(t, exec.Command("cp", "/bin/busybox", filepath.Join(c.rootfs, "scratch", dir, "cat")).Run())
			}
			for _, file := range []string{"secret", "pxs", "kids"} {
				must(t, os.WriteFile(filepath.Join(c.rootfs, "scratch", file), []byte(file+"\n"), 0o644))
			}
			const label, files = "/proc/self/attr/current ", "/scratch/secret /scratch/pxs /scratch/kids"
			c.wantConfined("bookend-test (enforce)\npxs\nkids\n", append([]string{"/scratch/px/cat"}, strings.Fields(label+files)...)...)
			if name != "plain" { // no_new_privs forbids the rest, or there is nothing new in it
				return
			}
			c.wantConfined("bookend-test-px (enforce)\nsecret\nkids\n", "sh", "-c", "/scratch/px/cat "+label+files)
			c.wantConfined("bookend-test//kid (enforce)\nsecret\npxs\n", "sh", "-c", "/scratch/cx/cat "+label+files)
		})
	}
}

// wantConfined runs a command, which fails for what it is refused, as a hook
// and by runc exec.
func (c *testContainer) wantConfined(want string, command ...string) {
	c.Helper()
	out, _ := c.runcExecCommand(command...).Output()
	got := c.hook(command...)
	if got.Cause != hooks.CauseExitCode || string(got.Stdout) != want || string(out) != want {
		c.Errorf("%q:\nthe hook (%s) printed\n%s%sand runc exec\n%swant\n%s", command, got.Cause, got.Stdout, got.Stderr, out, want)
	}
}
