package integration

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The tests in this file are about AppArmor, as Debian and Ubuntu have it.

// needAppArmor skips a test where no profile confines anything.
func needAppArmor(t *testing.T) {
	t.Helper()
	on, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	if !bytes.HasPrefix(on, []byte("Y")) {
		t.Skip("this machine's kernel runs no AppArmor")
	}
	if _, err := exec.LookPath("apparmor_parser"); err != nil {
		t.Skipf("this machine has no parser of AppArmor's profiles: %v", err)
	}
}

func parseProfiles(ctx context.Context, policy string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "apparmor_parser", append(args, "--skip-cache", "--quiet")...)
	cmd.Stdin = strings.NewReader(policy)
	return cmd.CombinedOutput()
}

// localPolicy is a node's own profile: programs of two directories are executed under
// another one, a top-level profile (px) and a child (cx).
const localPolicy = `
profile bookend-local flags=(attach_disconnected,mediate_deleted) {
	file, capability, network, signal, ptrace, mount, umount, pivot_root,
	deny /fifo/secret r,
	/fifo/px/cat px -> bookend-local-px,
	/fifo/cx/cat cx -> kid,
	profile kid flags=(attach_disconnected,mediate_deleted) { file, signal, deny /fifo/kids r, }
}
profile bookend-local-px flags=(attach_disconnected,mediate_deleted) { file, signal, deny /fifo/pxs r, }
`

func loadLocalPolicy(t *testing.T) {
	t.Helper()
	if out, err := parseProfiles(t.Context(), localPolicy, "--replace"); err != nil {
		t.Fatalf("load profiles: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := parseProfiles(context.Background(), localPolicy, "--remove"); err != nil {
			t.Errorf("remove profiles: %v: %s", err, out)
		}
	})
}

// A hook has its container's profile, and goes from it to others, as the exec of the
// runtime has it and does.
func TestAppArmorOfAHookIsThatOfItsContainer(t *testing.T) {
	needAppArmor(t)
	loadLocalPolicy(t)
	d := shared.Daemon(t)
	const label = `cat /proc/self/attr/current; cat /proc/self/attr/apparmor/current; `
	// Profiles are by the path of a program that is executed: a link's is busybox.
	const probe = label + `for cat in cat /fifo/px/cat /fifo/cx/cat; do $cat /proc/self/attr/current /fifo/secret /fifo/pxs /fifo/kids; done`
	local := &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost, LocalhostRef: "bookend-local"}
	for name, tt := range map[string]struct {
		profile *runtimeapi.SecurityProfile
		nnp     bool
		userns  bool
		want    []string // lines
	}{
		"runtime default": {
			profile: &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault},
			want:    []string{"cri-containerd.apparmor.d (enforce)", "secret", "pxs", "kids"},
		},
		"none asked for": {want: []string{"cri-containerd.apparmor.d (enforce)", "secret"}},
		"unconfined": {
			profile: &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined},
			want:    []string{"unconfined", "secret", "pxs", "kids"},
		},
		"local": {profile: local, want: []string{
			"bookend-local (enforce)", "cat: can't open '/fifo/secret': Permission denied", "pxs", "kids",
			"bookend-local-px (enforce)", "cat: can't open '/fifo/pxs': Permission denied",
			"bookend-local//kid (enforce)", "cat: can't open '/fifo/kids': Permission denied",
		}},
		// No program gets more than its parent then: only a child profile may be less.
		"local, no new privileges": {profile: local, nnp: true, want: []string{"bookend-local (enforce)", "cat: can't open '/fifo/secret': Permission denied"}},
		"local, user namespace":    {profile: local, userns: true, want: []string{"bookend-local (enforce)", "bookend-local-px (enforce)", "bookend-local//kid (enforce)"}},
	} {
		t.Run(name, func(t *testing.T) {
			pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, UserNamespace: tt.userns, Annotations: map[string]string{
				harness.PodLifecycleKey: `{"postStart":{"exec":` + shell(probing(probe, "post")) + `}}`,
			}})
			h := harness.CreateContainer(t, pod, harness.ContainerOptions{Name: "main", Edit: func(c *runtimeapi.ContainerConfig) {
				c.GetLinux().GetSecurityContext().Apparmor = tt.profile
				c.GetLinux().GetSecurityContext().NoNewPrivs = tt.nnp
			}})
			for file, mode := range map[string]os.FileMode{"px/cat": 0o755, "cx/cat": 0o755, "secret": 0o644, "pxs": 0o644, "kids": 0o644} {
				putFile(t, filepath.Join(h.FIFOs.Dir, file), mode)
			}
			reply := h.Begin(t.Context())
			h.Await("main", "post")
			if got, want := confinement(t, findHook(t, d, []string{"sh", "-c", probing(probe, "post")}).PID)["label"], confinement(t, h.Init())["label"]; got != want {
				t.Errorf("label of the hook: %q, of the init: %q", got, want)
			}
			got := wantAsExec(t, h, probe, nil)
			for _, line := range tt.want {
				if !strings.Contains(got, line+"\n") {
					t.Errorf("the runtime's exec printed no line %q:\n%s", line, got)
				}
			}
			if first, _, _ := strings.Cut(got, "\n"); first != tt.want[0] {
				t.Errorf("the runtime's exec runs as %q, want %q", first, tt.want[0])
			}
			h.Open("post-go")
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
			h.Stop()
		})
	}
}

// putFile makes a file of its own name, or of busybox.
func putFile(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	content := []byte(filepath.Base(path) + "\n")
	if filepath.Base(path) == "cat" {
		bins, err := harness.FindBinaries()
		if err != nil {
			t.Fatal(err)
		}
		program, err := bins.Busybox()
		if err != nil {
			t.Fatal(err)
		}
		content = []byte(readFile(t, program))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
}
