package matrix

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// containerRuntime is a runtime whose containers hooks are run in.
type containerRuntime struct {
	name string
	path string
}

// runtimes lists those that the machine has, and says which are missing.
func runtimes(t *testing.T) []containerRuntime {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	tools := binaries(t).Tools
	var found []containerRuntime
	for _, r := range []containerRuntime{
		{"runc", filepath.Join(tools, "runc")},
		{"runc-1.4", filepath.Join(tools, "runc-1.4")},
		{"runc-1.3", filepath.Join(tools, "runc-1.3")},
		{"runc-1.2", filepath.Join(tools, "runc-1.2")},
		{"runc-debian", "/usr/sbin/runc"},
		{"crun", harness.CrunOnHybrid(t, binaries(t).Crun)},
		{"crun-debian", harness.CrunOnHybrid(t, "/usr/bin/crun")},
	} {
		out, err := exec.Command(r.path, "--version").Output()
		if err != nil {
			t.Logf("left out: %s: %v", r.name, err)
			continue
		}
		version, _, _ := strings.Cut(string(out), "\n")
		t.Logf("%s is %s", r.name, version)
		found = append(found, r)
	}
	return found
}

// binaries tells where the tools and bookend-exec are.
func binaries(t testing.TB) harness.Binaries {
	t.Helper()
	b, err := harness.FindBinaries()
	must(t, err)
	return b
}
